"""Evidence from an event log: what the CLI tells of policies, completed by what the project knows of its own controls."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from mastertrade.evidence.model import (
    Audit,
    AuditedControl,
    AuditedPack,
    State,
    Verdict,
    WaiverOfVerdict,
    unjudged_types,
)
from mastertrade.evidence.pulumi.events import EventLog, PolicyEvent
from mastertrade.evidence.pulumi.states import named
from mastertrade.offline.evaluation import Resource

__all__ = ["OwnPack", "WaiverFor", "audit_of_events"]

_CUT = 300

WaiverFor = Callable[[str, str], WaiverOfVerdict | None]
"""The waiver in force for a control and a resource's URN."""

_LIMITS = (
    "Findings of single properties are not told apart from their message.",
    "The lines that declare resources are not told.",
    "How the packs were configured is not told: a control that objects to nothing is stated as strict as it is by default.",
    "What does not apply is not told, nor what passes only with the whole stack in view.",
)
_NO_PASSES = "This version of the CLI tells what policies object to, and not what passes."


@dataclass(frozen=True, slots=True)
class OwnPack:
    """A pack of which the project knows more than a log tells."""

    version: str
    description: str
    controls: tuple[AuditedControl, ...]
    """With the enforcement that they have by default."""


def audit_of_events(log: EventLog, own: Mapping[str, OwnPack], waiver_for: WaiverFor) -> Audit:
    """The audit that a log gives. `own` are the project's packs by name."""
    resources = {each.urn: each for each in log.resources}
    controls: list[AuditedControl] = []
    verdicts: list[Verdict] = []
    for pack in log.packs:
        objections = _by_subject([each for each in log.objections if each.pack == pack])
        passed = {(policy, urn) for of_pack, policy, urn in log.passed if of_pack == pack}
        judged = _Judged(own.get(pack), pack, resources, waiver_for)
        told = [judged.objection(*subject, events) for subject, events in objections.items()]
        told += [judged.passed(policy, urn) for policy, urn in passed if (policy, urn) not in objections and judged.is_about(policy, urn)]
        known = judged.controls(objections, passed)
        position = {control.id: number for number, control in enumerate(known)}
        places = {urn: number for number, urn in enumerate(resources)}
        told.sort(key=lambda each: (position[each.control], places.get(each.urn, len(places)), each.urn))
        controls += known
        verdicts += told
    return Audit(
        project=log.project,
        stack=log.stack,
        mode="pulumi preview" if log.is_preview else "pulumi update",
        packs=tuple(_pack(name, version, own.get(name)) for name, version in log.packs.items()),
        controls=tuple(controls),
        verdicts=tuple(verdicts),
        unjudged=unjudged_types(log.resources, verdicts),
        limits=tuple(_limits(log, own)),
    )


def _by_subject(events: list[PolicyEvent]) -> dict[tuple[str, str], list[PolicyEvent]]:
    """By policy and URN. A deployment repeats what its preview said."""
    found: dict[tuple[str, str], list[PolicyEvent]] = {}
    for event in dict.fromkeys(events):
        found.setdefault((event.policy, event.urn), []).append(event)
    return found


class _Judged:
    """Verdicts of one pack."""

    def __init__(self, own: OwnPack | None, pack: str, resources: Mapping[str, Resource], waiver_for: WaiverFor) -> None:
        self._pack = pack
        self._resources = resources
        self._waiver_for = waiver_for
        self._own = {each.id: each for each in own.controls} if own else {}

    def controls(self, objections: Mapping[tuple[str, str], list[PolicyEvent]], passed: set[tuple[str, str]]) -> list[AuditedControl]:
        """Those that the project knows, and those that only the log names."""
        levels: dict[str, set[bool]] = {}
        for (policy, urn), events in objections.items():
            # a preview tells what is unknown or waived as advice, however strict the control is
            if policy not in self._own or self._state(policy, urn, events)[0] is State.FAIL:
                levels.setdefault(policy, set()).update(each.is_mandatory for each in events)
        foreign = {policy for policy, _ in (*objections, *passed)} - set(self._own)
        known = (*self._own.values(), *(AuditedControl(self._pack, each, each, "", "mandatory") for each in sorted(foreign)))
        return [_as_strict_as(each, levels.get(each.id, set())) for each in known]

    def objection(self, policy: str, urn: str, events: list[PolicyEvent]) -> Verdict:
        """What is wrong, cannot be told or is accepted."""
        state, waiver = self._state(policy, urn, events)
        return self._verdict(policy, urn, state, " ".join(sorted({each.message for each in events})), waiver)

    def passed(self, policy: str, urn: str) -> Verdict:
        """Nothing is wrong."""
        return self._verdict(policy, urn, State.PASS)

    def is_about(self, policy: str, urn: str) -> bool:
        """Whether a pass says anything: about resources of other types every policy is silent."""
        resource = self._resources.get(urn)
        if policy in self._own:
            from policies.engine.resources import canonical_type

            return canonical_type(resource.type if resource else named(urn)[0]) in self._own[policy].types
        return resource is None or resource.custom

    def _state(self, policy: str, urn: str, events: list[PolicyEvent]) -> tuple[State, WaiverOfVerdict | None]:
        """Only what our own controls are known to say of themselves is anything else than a failure."""
        control = self._own.get(policy)
        if control is None or any(each.is_mandatory for each in events):
            return State.FAIL, None
        waiver = self._waiver_for(policy, urn) if urn else None
        if waiver is not None:
            return State.WAIVED, waiver
        is_unknown = all(each.message.startswith(f"{control.title}: cannot be told, ") for each in events)
        return (State.UNKNOWN if is_unknown else State.FAIL), None

    def _verdict(self, policy: str, urn: str, state: State, message: str = "", waiver: WaiverOfVerdict | None = None) -> Verdict:
        resource = self._resources.get(urn)
        type_, name = (resource.type, resource.name) if resource else named(urn)
        return Verdict(policy, urn, type_, name, resource.region if resource else "", "", state, message, (), waiver)


def _as_strict_as(control: AuditedControl, levels: set[bool]) -> AuditedControl:
    """With the strictest level at which it objected."""
    return replace(control, enforcement="mandatory" if True in levels else "advisory") if levels else control


def _pack(name: str, version: str, own: OwnPack | None) -> AuditedPack:
    return AuditedPack(name, version, own.description if own else "")


def _limits(log: EventLog, own: Mapping[str, OwnPack]) -> list[str]:
    told: list[str] = [*_LIMITS]
    if not log.tells_passes:
        told.append(_NO_PASSES)
    for pack, version in log.packs.items():
        if pack in own and version not in ("", own[pack].version):
            told.append(f"Pack {pack} ran in version {version}; titles, fixes and requirements are those of version {own[pack].version}.")
    if log.remediated:
        told.append(f"Policies changed what is declared {log.remediated} times; what was declared before is not judged.")
    if log.errors:
        told.append(f"The run failed, and what it did not reach is not judged: {log.errors[0][:_CUT]}")
    return told
