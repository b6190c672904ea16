"""What tests of the packs share."""

import contextlib
from collections.abc import Generator

import pytest

from policies.catalogue import PACKS
from tests.policies.asking import Asking, asking


@pytest.fixture(scope="session")
def packs() -> Generator[dict[str, Asking]]:
    """Every pack's process, by its name. Each question is about a stack of its own."""
    with contextlib.ExitStack() as running:
        yield {pack.name: running.enter_context(asking(pack.name)) for pack in PACKS}
