"""The CLI's event log: `pulumi preview` or `up` with `--event-log FILE`, a JSON object of the engine a line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.pulumi.fields import Fields
from mastertrade.evidence.pulumi.states import in_places, resource_of, stack_of
from mastertrade.offline.evaluation import Resource

__all__ = ["EventLog", "PolicyEvent", "read_events"]

_COLOURS = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_REMOVED = ("delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace")
"""Operations after which a resource is gone."""


@dataclass(frozen=True, slots=True)
class PolicyEvent:
    """What a policy objected to."""

    pack: str
    policy: str
    urn: str
    """Empty for the stack as a whole."""
    message: str
    is_mandatory: bool


@dataclass(frozen=True, slots=True)
class EventLog:
    """What a log tells."""

    project: str
    stack: str
    is_preview: bool
    resources: tuple[Resource, ...]
    packs: Mapping[str, str]
    """Name to version."""
    objections: tuple[PolicyEvent, ...]
    passed: frozenset[tuple[str, str, str]]
    """Pack, policy and URN, where the CLI says so; the URN is empty for a policy about the whole stack."""
    tells_passes: bool
    remediated: int
    """How often a policy changed what is declared."""
    errors: tuple[str, ...]


@dataclass(slots=True)
class _Gathered:
    stack: tuple[str, str] | None = None
    is_preview: bool = True
    resources: dict[str, Resource] = field(default_factory=dict[str, Resource])
    packs: dict[str, str] = field(default_factory=dict[str, str])
    objections: list[PolicyEvent] = field(default_factory=list[PolicyEvent])
    passed: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    tells_passes: bool = False
    remediated: int = 0
    errors: list[str] = field(default_factory=list[str])
    has_ended: bool = False


def read_events(events: list[Fields], file: str) -> EventLog:
    """Events in their order. Raises `EvidenceError` for a log that does not reach its summary, or in which no policy was asked."""
    gathered = _Gathered()
    for event in events:
        for name, take in _TAKERS.items():
            if name in event:
                take(gathered, event.inner(name))
    if not gathered.has_ended:
        raise EvidenceError(f"{file}: ends without a summaryEvent: the file is cut short, or the run was interrupted; allowed: a whole log")
    if gathered.stack is None:
        raise EvidenceError(f"{file}: found no resource; allowed: the log of a run that declares some")
    if not gathered.packs:
        raise EvidenceError(
            f"{file}: no policy pack was asked in this run. "
            "Example: PULUMI_DEBUG_COMMANDS=1 pulumi preview --policy-pack policies/encryption --event-log FILE"
        )
    stack, project = gathered.stack
    return EventLog(
        project=project,
        stack=stack,
        is_preview=gathered.is_preview,
        resources=in_places(gathered.resources.values()),
        packs=dict(sorted(gathered.packs.items())),
        objections=tuple(gathered.objections),
        passed=frozenset(gathered.passed),
        tells_passes=gathered.tells_passes,
        remediated=gathered.remediated,
        errors=tuple(gathered.errors),
    )


def _take_step(gathered: _Gathered, event: Fields) -> None:
    step = event.inner("metadata")
    urn = step.text("urn")
    gathered.stack = gathered.stack or stack_of(urn, f"{step.where}.urn")
    if step.text("op") in _REMOVED:
        # a replaced resource is deleted after its successor was declared
        if step.text("op") == "delete":
            gathered.resources.pop(urn, None)
    elif "new" in step:
        gathered.resources[urn] = resource_of(step.inner("new"))


def _take_objection(gathered: _Gathered, event: Fields) -> None:
    pack = event.text("policyPackName")
    gathered.packs.setdefault(pack, _version(event.text("policyPackVersion")))
    message = _plain(event.text("message"))
    level = event.text("enforcementLevel")
    gathered.objections.append(
        PolicyEvent(pack, event.text("policyName"), event.text("resourceUrn"), message, level in ("mandatory", "remediate"))
    )


def _take_passes(gathered: _Gathered, event: Fields) -> None:
    gathered.tells_passes = True
    pack = event.text("policyPackName")
    gathered.packs.setdefault(pack, _version(event.text("policyPackVersion")))
    gathered.passed |= {(pack, policy, event.text("resourceUrn")) for policy in event.texts("passed")}


def _take_remediation(gathered: _Gathered, event: Fields) -> None:
    del event
    gathered.remediated += 1


def _take_diagnostic(gathered: _Gathered, event: Fields) -> None:
    if event.text("severity") == "error":
        gathered.errors.append(_plain(event.text("message")))


def _take_error(gathered: _Gathered, event: Fields) -> None:
    gathered.errors.append(_plain(event.text("error")))


def _take_summary(gathered: _Gathered, event: Fields) -> None:
    gathered.has_ended = True
    # older versions do not say; a log of theirs is taken for a preview's, which promises less
    gathered.is_preview = event.flag("isPreview") if "isPreview" in event else True
    packs = event.inner("PolicyPacks")
    for name in packs.whole():
        # of a pack in a folder: NAME|local|FOLDER
        gathered.packs.setdefault(name.partition("|")[0], _version(packs.text(name)))


_TAKERS: Mapping[str, Callable[[_Gathered, Fields], None]] = {
    "resourcePreEvent": _take_step,
    "policyEvent": _take_objection,
    "policyAnalyzeSummaryEvent": _take_passes,
    "policyAnalyzeStackSummaryEvent": _take_passes,
    "policyRemediationEvent": _take_remediation,
    "diagnosticEvent": _take_diagnostic,
    "errorEvent": _take_error,
    "summaryEvent": _take_summary,
}


def _version(text: str) -> str:
    """A tag is the version behind a `v`."""
    return text.removeprefix("v")


def _plain(message: str) -> str:
    return _COLOURS.sub("", message).strip()
