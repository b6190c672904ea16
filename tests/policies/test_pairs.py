"""Packs tell pairs apart: a resource as it should be, and the same with one defect, many of them in valid but awkward forms.

The pairs are data, written from AWS's and Kubernetes' documents without the controls at hand: `pairs/PACK/SUBJECT.yaml` has, for
each, the `type` and properties of a `good` resource, the changes that make it `bad` (a dotted path to a value, null removes;
`companions` and `options` replace those of the good form), and why. `KEY` is a customer's key, `UNKNOWN` a value that is not known.
"""

import importlib
from typing import Any

import pytest
from pulumi.runtime import rpc

from mastertrade.offline.schema import schema_of
from policies.catalogue import PACKS
from tests.policies.asking import Asking, described, judged

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
        for mistake in _misnamed(resource)
    ]
    assert mistakes == []


def _misnamed(resource: dict[str, Any]) -> list[str]:
    package, module, _ = resource["type"].split(":")
    importlib.import_module(f"pulumi_{package}")
    known = rpc._RESOURCE_MODULES.get(f"{package}:{module}")
    assert known or package == "kubernetes", f"{resource['type']} is no type"
    if known:
        info: dict[str, Any] = getattr(known[0], "mod_info")  # noqa: B009 - the generated class has it, its base has not
        # classes are loaded when they are asked for
        getattr(importlib.import_module(info["fqn"]), info["classes"][resource["type"]])
    schema = schema_of(resource["type"])
    # one block where a list is usual, and texts for booleans, are among the awkward forms
    return [each for each in (schema.mistakes(resource["properties"]) if schema else ()) if each.startswith("no property")]
