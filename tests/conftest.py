"""What all tests share."""

import gc

# Declared stacks stay in memory for the whole session, and the collector would look through them every few thousand objects
gc.set_threshold(20_000, 20, 100)
