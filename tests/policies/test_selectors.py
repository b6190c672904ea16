"""What a label selector selects, and how many pods a share of them is."""

from typing import Any

import pytest

from mastertrade.values import UNKNOWN
from policies.engine.blocks import Block, MisshapenError, UnknownValueError
from policies.workloads.specs import selects, share

PODS: dict[str, object] = {"app": "orders", "tier": "back"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "orders"}}, True),
        ({"matchLabels": {"app": "orders", "tier": "front"}}, False),
        ({"matchLabels": {"zone": "a"}}, False),
        ({"matchExpressions": {"key": "app", "operator": "In", "values": "orders"}}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["orders"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}, {"key": "zone", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "orders"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
    ],
)
def test_every_requirement_of_a_selector_has_to_be_met(selector: dict[str, Any], selected: bool) -> None:
    assert selects(Block(selector), PODS) is selected


def test_labels_that_are_not_known_yet_are_neither_selected_nor_not() -> None:
    with pytest.raises(UnknownValueError):
        selects(Block({"matchLabels": {"app": "orders"}}), {"app": UNKNOWN})
    with pytest.raises(MisshapenError):
        selects(Block({"matchExpressions": [{"key": "app", "operator": "Like"}]}), PODS)


@pytest.mark.parametrize(
    ("stated", "up", "pods"), [("2", True, 2), ("50%", True, 2), ("50%", False, 1), ("100%", False, 3), ("0%", True, 0)]
)
def test_shares_of_pods_are_rounded_as_kubernetes_does(stated: str, up: bool, pods: int) -> None:
    assert share(stated, 3, up=up) == pods
