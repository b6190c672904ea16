"""What all tests share."""

import gc

import pytest

# Declared stacks stay in memory for the whole session, and the collector would look through them every few thousand objects
gc.set_threshold(20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts first what waits for alerts and computes nothing: `make test` checks the types meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_alerting.py")
