"""Packs are silent on whole stacks that are as they should be: ordinary ones, as a careful team would declare them.

They were written without the controls at hand, like the pairs: `clean/STACK.yaml` lists the resources of each.
"""

from pathlib import Path

import pytest

from policies.catalogue import PACKS
from tests.policies.asking import Asking, misnamed, read

STACKS = sorted((Path(__file__).parent / "clean").glob("*.yaml"))


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.stem)
def test_a_clean_stack_has_no_finding(packs: dict[str, Asking], file: Path) -> None:
    resources = read(file)
    found = [each for pack in PACKS for each in packs[pack.name].violations(*resources)]
    assert [f"{each.policy}: {each.urn}: {each.message}" for each in found] == []


@pytest.mark.parametrize("file", STACKS, ids=lambda file: file.stem)
def test_clean_stacks_are_made_of_properties_that_exist(file: Path) -> None:
    assert [f"{each['name']}: {mistake}" for each in read(file) for mistake in misnamed(each)] == []
