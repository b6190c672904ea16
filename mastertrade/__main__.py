"""`python -m mastertrade`: the command line."""

import gc

# The process is short and its objects live until its end: collecting garbage would take a third of its time.
gc.disable()

from mastertrade.cli import main  # noqa: E402 - what is imported is what the collector would look through

main()
