"""Packs tell pairs apart: a resource as it should be, and the same with one defect, many of them in valid but awkward forms.

The pairs are data, written from AWS's and Kubernetes' documents without the controls at hand: `pairs/PACK/SUBJECT.yaml` has, for
each, the `type` and properties of a `good` resource, the changes that make it `bad` (a dotted path to a value, null removes;
`companions` and `options` replace those of the good form), and why. `KEY` is a customer's key, `UNKNOWN` a value that is not known.
"""

import pytest

from policies.catalogue import PACKS
from tests.policies.asking import Asking, described, judged, misnamed

PAIRS = {pack.name: described("pairs", pack.name) for pack in PACKS}
CASES = [pytest.param(pack, name, id=f"{pack}-{name}") for pack, pairs in PAIRS.items() for name in pairs]


@pytest.mark.parametrize(("pack", "name"), CASES)
def test_a_pack_tells_a_pair_apart(packs: dict[str, Asking], pack: str, name: str) -> None:
    pair = PAIRS[pack][name]
    said = [f"{each.policy}: {each.message}" for each in packs[pack].violations(*judged(pair, {}))]
    assert not said, "a false alarm"
    assert packs[pack].violations(*judged(pair, pair["bad"])), "a defect that is not seen"


@pytest.mark.parametrize("pack", PAIRS)
def test_pairs_are_made_of_properties_that_exist(pack: str) -> None:
    mistakes = [
        f"{name}: {resource['type']}: {mistake}"
        for name, pair in PAIRS[pack].items()
        for changes in ({}, pair["bad"])
        for resource in judged(pair, changes)
        for mistake in misnamed(resource)
    ]
    assert mistakes == []
