"""How Hypothesis runs here: the same examples on every machine, however slow it is."""

from hypothesis import settings

settings.register_profile("platform", derandomize=True, deadline=None, database=None)
settings.load_profile("platform")
