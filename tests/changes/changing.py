"""Production with something changed on purpose, compared with production."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mastertrade.changes.comparing import compare
from mastertrade.changes.model import Change, Digest, StackDigest
from mastertrade.changes.sides import Side, side_of_evaluation
from mastertrade.offline import Resource
from tests.declared import declare

Edit = Callable[[Any], None]
"""Changes a resource's inputs in place."""


def production() -> Side:
    return side_of_evaluation(declare("prod").evaluation, None)


def find(side: Side, type_: str, name: str) -> Resource:
    found = [each for each in side.resources if each.type.endswith(type_) and each.name == name]
    assert len(found) == 1, f"{len(found)} of {type_} {name}: {sorted(each.name for each in side.resources if each.type.endswith(type_))}"
    return found[0]


def with_inputs(side: Side, type_: str, name: str, edit: Edit) -> Side:
    """A side in which one resource has other inputs."""
    resource = find(side, type_, name)
    inputs = copy.deepcopy(resource.inputs)
    edit(inputs)
    return put(side, replace(resource, inputs=inputs))


def with_options(side: Side, type_: str, name: str, **options: Any) -> Side:
    return put(side, replace(find(side, type_, name), **options))


def put(side: Side, resource: Resource) -> Side:
    """A side with another version of a resource."""
    return replace(side, resources=tuple(resource if each.urn == resource.urn else each for each in side.resources))


def added(side: Side, resource: Resource) -> Side:
    return replace(side, resources=(*side.resources, resource))


def without(side: Side, type_: str, name: str) -> Side:
    gone = find(side, type_, name)
    return replace(side, resources=tuple(each for each in side.resources if each.urn != gone.urn))


def digest_of(*stacks: StackDigest) -> Digest:
    return Digest("main", "the working tree", stacks)


def compared(before: Side, after: Side) -> tuple[Change, ...]:
    return compare(before, after).changes


def only(before: Side, after: Side) -> Change:
    """The only change."""
    (change,) = compared(before, after)
    return change
