"""One side of a comparison: what a version of the program declares in a stack, or what is deployed, and what controls say of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from mastertrade.evidence.model import Audit
from mastertrade.offline.evaluation import Evaluation, Resource, Source
from mastertrade.values import masked

__all__ = ["Control", "Side", "State", "States", "side_of_document", "side_of_evaluation", "states_of_audit", "states_of_document"]


@dataclass(frozen=True, slots=True)
class State:
    """What a control says of a resource."""

    state: str
    message: str


@dataclass(frozen=True, slots=True)
class Control:
    """A control, as far as a digest names it."""

    title: str
    severity: str
    enforcement: str


@dataclass(frozen=True, slots=True)
class States:
    """What every control says."""

    controls: Mapping[str, Control]
    by_place: Mapping[tuple[str, str], State]
    """By control and URN."""


@dataclass(frozen=True, slots=True)
class Side:
    """Resources of a stack, without a secret in any value."""

    stack: str
    project: str
    resources: tuple[Resource, ...]
    states: States | None = None
    """None where nobody could be asked."""
    error: str = ""
    """Why there is nothing to compare."""
    notes: tuple[str, ...] = ()
    real: bool = False
    """Whether values come from the real cloud."""


def side_of_evaluation(evaluation: Evaluation, audit: Audit | None) -> Side:
    """What this process evaluated."""
    resources = tuple(
        replace(each, inputs=masked(each.inputs), outputs=masked(each.outputs), id=masked(each.id)) for each in evaluation.resources
    )
    return Side(evaluation.stack, evaluation.project, resources, states_of_audit(audit) if audit else None, evaluation.error or "")


def side_of_document(document: Mapping[str, Any], states: States | None) -> Side:
    """What another process evaluated: a stack of `preview --json`. Raises `KeyError` and `TypeError` for other documents."""
    resources = tuple(_resource(each) for each in document["resources"])
    return Side(document["stack"], document["project"] or "", resources, states, document["error"] or "")


def _resource(stated: Mapping[str, Any]) -> Resource:
    file, _, line = (stated.get("source") or "").rpartition(":")
    return Resource(
        urn=stated["urn"],
        type=stated["type"],
        name=stated["name"],
        custom=stated["custom"],
        inputs=stated["inputs"],
        outputs=stated["outputs"],
        id=stated["id"],
        parent=stated["parent"],
        provider=stated["provider"],
        region=stated["region"],
        dependencies=tuple(stated["dependencies"]),
        property_dependencies={name: tuple(urns) for name, urns in stated["propertyDependencies"].items()},
        protect=stated["protect"],
        ignore_changes=tuple(stated["ignoreChanges"]),
        deleted_with=stated["deletedWith"],
        aliases=tuple(stated.get("aliases", ())),
        retain_on_delete=stated.get("retainOnDelete", False),
        delete_before_replace=stated.get("deleteBeforeReplace", False),
        external=stated.get("external", False),
        source=Source(file, int(line)) if line.isdigit() else None,
    )


def states_of_audit(audit: Audit) -> States:
    """Of an audit in this process."""
    return States(
        {each.id: Control(each.title, each.severity, each.enforcement) for each in audit.controls},
        {(each.control, each.urn): State(each.state.value, each.message) for each in audit.verdicts},
    )


def states_of_document(audits: Iterable[Mapping[str, Any]]) -> dict[str, States]:
    """By stack, of the audits of `audit --json`. Raises `KeyError` and `TypeError` for other documents."""
    found: dict[str, States] = {}
    for audit in audits:
        controls = cast("list[Mapping[str, str]]", audit["controls"])
        verdicts = cast("list[Mapping[str, str]]", audit["verdicts"])
        found[audit["stack"]] = States(
            {each["id"]: Control(each["title"], each["severity"], each["enforcement"]) for each in controls},
            {(each["control"], each["urn"]): State(each["state"], each["message"]) for each in verdicts},
        )
    return found
