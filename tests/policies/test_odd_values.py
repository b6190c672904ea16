"""No property value breaks a control or makes it tell a secret: missing, null, of another type, huge, unknown, secret, nested."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from mastertrade.values import UNKNOWN, Secret
from policies.catalogue import PACKS
from policies.engine.control import Control, State
from policies.engine.judging import judge
from policies.engine.resources import Resource, Stack

RESOURCES_OF_A_TYPE = 40
"""Each control reads a dozen properties of a resource or more: five hundred values for each type."""
SECRET = "correct-horse-battery"
DOCUMENT = '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": ["*"], "Condition": {"Bool": []}}}'
TEXTS = (
    *("", " ", "x" * 50_000, "é\u202e\x00\n", "[secret]", "arn:aws:kms:eu-west-1:123456789012:alias/aws/rds", "alias/x", "aws:kms"),
    *("0.0.0.0/0", "::/1", "10.0.0.0/33", "tcp", "-1", "65536", "1e999", "nan", "sun:23:30-mon:00:30", "02:00-03:00", "cron(0 2 * * ? *)"),
    *("{}", "[]", "[[[[", '{"Statement": [[]]}', DOCUMENT, "rate(1 day)", "true", "Enabled", "REQUIRED", "50%", "1.5Gi", "postgres16"),
)


class Odd(dict[str, Any]):
    """Properties of which each has a value, made up when it is asked for."""

    def __init__(self, chance: random.Random, depth: int = 0) -> None:
        super().__init__()
        self._chance, self._depth = chance, depth

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = self._value(self._depth)
        return super().get(key, default)

    def _value(self, depth: int) -> Any:
        kinds = [*_PLAIN, *(_NESTED if depth < DEEPEST else ())]
        return self._chance.choice(kinds)(self._chance, depth)


DEEPEST = 4
_PLAIN = (
    lambda _chance, _depth: None,
    lambda _chance, _depth: UNKNOWN,
    lambda chance, _depth: chance.choice((True, False)),
    lambda chance, _depth: chance.choice((0, 1, -1, 10**30, 22, 443, 0.5, float("nan"), float("inf"))),
    lambda chance, _depth: Secret(chance.choice((SECRET, f"password={SECRET}", UNKNOWN, None, {"inner": SECRET}))),
    *(3 * (lambda chance, _depth: chance.choice(TEXTS),)),
)
_NESTED = (
    *(2 * (lambda chance, depth: [Odd(chance, depth)._value(depth + 1) for _ in range(chance.randrange(3))],)),
    *(2 * (lambda chance, depth: Odd(chance, depth + 1),)),
)


def odd_resources(control: Control, type_: str) -> Iterator[tuple[int, Resource]]:
    for seed in range(RESOURCES_OF_A_TYPE):
        properties = Odd(random.Random(f"{control.id} {type_} {seed}"))
        yield seed, Resource(urn=f"urn:pulumi:prod::demo::{type_}::odd", type_=type_, name="odd", properties=properties, outputs={})


@pytest.mark.parametrize("control", [pytest.param(each, id=each.id) for pack in PACKS for each in pack.controls])
def test_odd_values_break_no_control_and_tell_no_secret(control: Control) -> None:
    options = {name: option.default for name, option in control.options.items()}
    for type_ in control.types:
        for seed, resource in odd_resources(control, type_):
            Stack([resource])
            verdict = judge(control, resource, options)
            assert "the control broke" not in verdict.reason, f"{type_}, seed {seed}: {verdict.reason}"
            assert SECRET not in verdict.message(), f"{type_}, seed {seed}"
            assert verdict.state is not State.WAIVED
