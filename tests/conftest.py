"""What all tests share."""

import contextlib
import gc

import pytest

from tests.sharing import sharing

# Declared stacks stay in memory for the whole session, and the collector would look through them every few thousand objects
gc.set_threshold(20_000, 20, 100)


def pytest_configure(config: pytest.Config) -> None:
    """Where there are several processes, they share the stacks that they declare."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        stack = contextlib.ExitStack()
        stack.enter_context(sharing())
        config.add_cleanup(stack.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts first what waits for alerts and computes nothing: `make test` checks the types meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_alerting.py")
