"""`python -m mastertrade`: the command line."""

import gc

# The process is short and its objects live until its end: collecting garbage would take a third of its time.
gc.disable()

try:
    from mastertrade.cli import main

    main()
except KeyboardInterrupt:
    # before the command line could say so itself
    raise SystemExit(1) from None
