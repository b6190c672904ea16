"""The CLI's `pulumi preview --json`: what every step would leave behind, and nothing of policies."""

from collections.abc import Mapping
from dataclasses import dataclass

from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.pulumi.fields import Fields
from mastertrade.evidence.pulumi.states import in_places, resource_of, stack_of
from mastertrade.offline.evaluation import Evaluation, Mode, Resource

__all__ = ["Plan", "read_plan"]

_UNCHANGED = "same"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a preview declares."""

    evaluation: Evaluation
    configuration: Mapping[str, str]
    """Full keys to texts; secret ones are masked."""


def read_plan(document: Fields, file: str) -> Plan:
    """Raises `EvidenceError` for a preview that leaves resources out or that failed: packs judge whole stacks."""
    steps = list(document.inners("steps"))
    errors = [each.text("message").strip() for each in document.inners("diagnostics") if each.text("severity") == "error"]
    if errors:
        raise EvidenceError(f"{file}: the preview failed, and does not tell what it did not reach: {ascii(errors[0])[:300]}")
    if not steps:
        raise EvidenceError(f"{file}: found no steps; allowed: the preview of a stack that declares something")
    counts = document.inner("changeSummary").whole()
    stated = counts.get(_UNCHANGED)
    missing = (stated if isinstance(stated, int) else 0) - sum(each.text("op") == _UNCHANGED for each in steps)
    if missing > 0:
        raise EvidenceError(f"{file}: leaves out {missing} unchanged resources. Example: pulumi preview --json --show-sames > FILE")
    stack, project = stack_of(steps[0].text("urn"), f"{steps[0].where}.urn")
    resources: dict[str, Resource] = {}
    for step in steps:
        if "newState" in step and not step.text("op").startswith(("delete", "discard")):
            resources[step.text("urn")] = resource_of(step.inner("newState"))
    configuration = document.inner("config")
    return Plan(
        Evaluation(
            project=project,
            stack=stack,
            mode=Mode.FIRST,
            resources=in_places(resources.values()),
            outputs={},
            diagnostics=(),
        ),
        {name: configuration.text(name) for name in configuration.whole()},
    )
