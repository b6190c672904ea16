"""One typed model of what packs said of a stack. Every writer reads it, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mastertrade.offline.analyzer import PackResult
from mastertrade.offline.evaluation import Evaluation, Resource
from policies.engine.control import State
from policies.engine.frameworks import Framework

__all__ = [
    "Audit",
    "AuditedControl",
    "AuditedPack",
    "Commit",
    "Finding",
    "State",
    "Verdict",
    "WaiverOfVerdict",
    "audit_of",
    "unjudged_types",
]

_WAIVERS_FILE = "policies/waivers.yaml"


@dataclass(frozen=True, slots=True)
class AuditedControl:
    """A control, and how strict it was."""

    pack: str
    id: str
    title: str
    severity: str
    """`low`, `medium`, `high`, `critical`; empty where the pack does not say."""
    enforcement: str
    """`mandatory`, `advisory` or `disabled`."""
    rationale: str = ""
    remediation: str = ""
    references: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Of resources that it judges; empty where the pack does not say."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one property."""

    property: str
    found: str
    wanted: str


@dataclass(frozen=True, slots=True)
class WaiverOfVerdict:
    """Who accepts a finding, why and until when."""

    resource: str
    owner: str
    reason: str
    ticket: str
    accepted: str
    """ISO date."""
    expires: str
    """ISO date, the last day."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one control says of one resource."""

    control: str
    urn: str
    """Empty for the stack as a whole."""
    type: str
    name: str
    region: str
    """Empty where the resource has none."""
    source: str
    """`file:line` of the project where the resource is declared; empty where that is not known."""
    state: State
    message: str = ""
    """What was found, why nothing can be told, or why there is nothing to judge; empty for a pass."""
    findings: tuple[Finding, ...] = ()
    waiver: WaiverOfVerdict | None = None


@dataclass(frozen=True, slots=True)
class AuditedPack:
    """A pack that was asked."""

    name: str
    version: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """Which version of the program was audited."""

    id: str
    date: str
    """ISO date and time of the commit."""
    clean: bool
    """Whether nothing was changed beside it."""


@dataclass(frozen=True)
class Audit:
    """What packs said of a stack. Verdicts stand in the order of packs, controls and resources."""

    project: str
    stack: str
    mode: str
    packs: tuple[AuditedPack, ...]
    controls: tuple[AuditedControl, ...]
    verdicts: tuple[Verdict, ...]
    unjudged: Mapping[str, int]
    """Declared types that no control is about, and how many resources they have."""
    commit: Commit | None = None
    """None outside of a git checkout."""
    frameworks: tuple[Framework, ...] = ()
    """None where other packs than the project's own were asked."""
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why no control is about a type of `unjudged`, where somebody has said so."""
    limits: tuple[str, ...] = ()
    """What cannot be told from where the verdicts come from, a sentence each; empty for an audit that asked the packs itself."""
    earlier: tuple[Mapping[str, Any], ...] = ()
    """Documents of earlier audits of the stack, to compare with. Not part of the evidence."""

    def counts(self, verdicts: Iterable[Verdict] | None = None) -> dict[State, int]:
        """How many verdicts have each state, of all or of some."""
        counted = Counter(each.state for each in (self.verdicts if verdicts is None else verdicts))
        return {state: counted[state] for state in State}

    def by_control(self) -> Iterator[tuple[AuditedControl, list[Verdict]]]:
        """Each control with its verdicts; one that judged nothing has none."""
        given: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            given.setdefault(verdict.control, []).append(verdict)
        for control in self.controls:
            yield control, given.get(control.id, [])

    def requirements(self) -> dict[str, dict[str, list[str]]]:
        """Of each control that serves any: framework to its requirements."""
        served: dict[str, dict[str, list[str]]] = {}
        for framework in self.frameworks:
            for requirement in framework.requirements:
                for control in requirement.controls:
                    served.setdefault(control, {}).setdefault(framework.id, []).append(requirement.id)
        return served

    def failures(self) -> list[Verdict]:
        """What keeps the stack from compliance: of mandatory controls what fails, and what cannot be told."""
        mandatory = {each.id for each in self.controls if each.enforcement == "mandatory"}
        return [each for each in self.verdicts if each.state in (State.FAIL, State.UNKNOWN) and each.control in mandatory]


def audit_of(
    evaluation: Evaluation, results: Iterable[PackResult], *, commit: Commit | None = None, frameworks: tuple[Framework, ...] = ()
) -> Audit:
    """The audit of an evaluated stack. Packs that keep an account tell every verdict; what others did not object to has passed."""
    resources = {resource.urn: resource for resource in evaluation.resources}
    packs: list[AuditedPack] = []
    controls: list[AuditedControl] = []
    verdicts: list[Verdict] = []
    for result in results:
        packs.append(AuditedPack(result.name, result.version, str(result.account.get("description", ""))))
        own, said = _by_account(result, resources) if result.account else _by_protocol(result, resources)
        controls += own
        position = {control.id: number for number, control in enumerate(own)}
        places = {urn: number for number, urn in enumerate(resources)}
        said.sort(key=lambda each: (position[each.control], places.get(each.urn, len(places)), each.name))
        verdicts += said
    return Audit(
        project=evaluation.project,
        stack=evaluation.stack,
        mode=evaluation.mode.value,
        packs=tuple(packs),
        controls=tuple(controls),
        verdicts=tuple(verdicts),
        unjudged=unjudged_types(evaluation.resources, verdicts),
        commit=commit,
        frameworks=frameworks,
    )


def unjudged_types(resources: Iterable[Resource], verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Types of resources about which nothing is said, and how many resources they have."""
    judged = {each.urn for each in verdicts}
    return dict(sorted(Counter(each.type for each in resources if each.custom and each.urn not in judged).items()))


def _by_account(result: PackResult, resources: Mapping[str, Resource]) -> tuple[list[AuditedControl], list[Verdict]]:
    controls = [
        AuditedControl(
            pack=result.name,
            id=each["id"],
            title=each["title"],
            severity=each["severity"],
            enforcement=each["enforcement"],
            rationale=each["rationale"],
            remediation=each["remediation"],
            references=tuple(each["references"]),
            types=tuple(each["types"]),
        )
        for each in result.account["controls"]
    ]
    return controls, [_told(each, resources) for each in result.account["verdicts"]]


def _told(stated: Mapping[str, Any], resources: Mapping[str, Resource]) -> Verdict:
    return _verdict(
        stated["control"],
        stated["urn"],
        resources.get(stated["urn"]),
        State(stated["state"]),
        stated.get("message", ""),
        tuple(Finding(**each) for each in stated.get("findings", ())),
        WaiverOfVerdict(**stated["waiver"]) if "waiver" in stated else None,
    )


def _verdict(
    control: str,
    urn: str,
    resource: Resource | None,
    state: State,
    message: str = "",
    findings: tuple[Finding, ...] = (),
    waiver: WaiverOfVerdict | None = None,
) -> Verdict:
    """With type, name, region and source. What is no resource is a waiver, named by its place in the file."""
    if resource is None:
        type_, source = (_WAIVERS_FILE, f"{_WAIVERS_FILE}:1") if urn else ("", "")
        return Verdict(control, urn, type_, urn, "", source, state, message, findings, waiver)
    source = str(resource.source or "")
    return Verdict(control, urn, resource.type, resource.name, resource.region, source, state, message, findings, waiver)


def _by_protocol(result: PackResult, resources: Mapping[str, Resource]) -> tuple[list[AuditedControl], list[Verdict]]:
    """What the protocol of analyzers tells: objections, and that a policy does not apply."""
    objections: dict[tuple[str, str], list[str]] = {}
    level: dict[str, str] = {}
    severity: dict[str, str] = {}
    for violation in result.violations:
        objections.setdefault((violation.policy, violation.urn), []).append(violation.message)
        level[violation.policy] = violation.enforcement
        severity[violation.policy] = violation.severity
    spared = {(each.policy, each.urn): each.reason for each in result.not_applicable}
    verdicts: list[Verdict] = []
    for policy in result.policies:
        for urn in (*resources, ""):
            resource = resources.get(urn)
            if (policy, urn) in objections:
                verdicts.append(_verdict(policy, urn, resource, State.FAIL, " ".join(objections[policy, urn])))
            elif (policy, urn) in spared:
                if spared[policy, urn]:
                    verdicts.append(_verdict(policy, urn, resource, State.NOT_APPLICABLE, spared[policy, urn]))
            elif resource is not None and resource.custom:
                verdicts.append(_verdict(policy, urn, resource, State.PASS))
    controls = [AuditedControl(result.name, each, each, severity.get(each, ""), level.get(each, "mandatory")) for each in result.policies]
    return controls, verdicts
