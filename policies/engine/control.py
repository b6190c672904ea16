"""A control: data beside one function. A pack is a list of controls."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Control", "Enforcement", "Family", "Finding", "Findings", "Judge", "NotApplicableError", "Option", "Pack", "Severity", "State"]


class Severity(StrEnum):
    """How bad a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Enforcement(StrEnum):
    """What a finding does to a deployment. The names are Pulumi's."""

    MANDATORY = "mandatory"
    """Stops it."""
    ADVISORY = "advisory"
    """Is shown."""
    DISABLED = "disabled"
    """The control is not asked."""


class State(StrEnum):
    """What a control says of a resource."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    """It cannot be told: a value exists only after a deployment, has no readable shape, or the control broke."""
    NOT_APPLICABLE = "not applicable"
    WAIVED = "waived"
    """Fails, and somebody has accepted that until a date."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one property."""

    property: str
    """Path from the resource: `encryptionConfiguration[0].kmsKey`; empty for the resource as a whole."""
    wanted: str
    """What would pass, in a few words."""
    found: str | None = None
    """What is there, never a secret. None: the declared value of the property, which the engine shows masked."""


Findings = Iterator[Finding]
"""What a control yields of one resource."""


class NotApplicableError(Exception):
    """A control has nothing to judge about a resource of one of its types. The text says why."""


@dataclass(frozen=True, slots=True)
class Option:
    """A figure or a list of names that a pack's configuration may change for one control."""

    default: Any
    allowed: str
    """In words, for messages and the catalogue."""
    accepts: Callable[[Any], bool]
    meaning: str


Judge = Callable[..., Iterable[Finding] | None]
"""Called with a `Resource`, and with the options (name to value) where a control has any. Yields findings; nothing is a pass.

Raises `NotApplicableError`; lets `UnreadableError` through. What it yielded before it raised, counts.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """One thing that must hold of every resource of some types."""

    id: str
    """`enc-rds-storage`: pack, service, what. Never changes: waivers, frameworks and evidence refer to it."""
    title: str
    """What holds, as a statement."""
    severity: Severity
    rationale: str
    """What goes wrong otherwise."""
    remediation: str
    """What to change, and what that costs where it costs something."""
    types: tuple[str, ...]
    """Canonical type tokens."""
    judge: Judge
    references: tuple[str, ...] = ()
    """Where AWS or Kubernetes document what is judged."""
    enforcement: Enforcement = Enforcement.MANDATORY
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])


@dataclass(frozen=True, slots=True)
class Family:
    """What the controls of one subject have in common."""

    severity: Severity
    rationale: str
    guide: str = "https://docs.aws.amazon.com"
    """Address under which their references stand; a reference with an address of its own stays as it is."""

    def control(
        self,
        id_: str,
        title: str,
        types: tuple[str, ...],
        judge: Judge,
        reference: str,
        fix: str,
        *,
        severity: Severity | None = None,
        enforcement: Enforcement = Enforcement.MANDATORY,
        options: Mapping[str, Option] | None = None,
    ) -> Control:
        """A control of the family."""
        return Control(
            id=id_,
            title=title,
            severity=severity or self.severity,
            rationale=self.rationale,
            remediation=fix,
            types=types,
            judge=judge,
            references=(reference if reference.startswith("https://") else f"{self.guide}/{reference}",),
            enforcement=enforcement,
            options=options or {},
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """A policy pack."""

    name: str
    version: str
    description: str
    controls: Sequence[Control]

    def __post_init__(self) -> None:
        """Refuses two controls of one ID."""
        ids = [control.id for control in self.controls]
        doubled = sorted({each for each in ids if ids.count(each) > 1})
        if doubled:
            raise ValueError(f"controls declared twice: {', '.join(doubled)}")

    def by_type(self) -> dict[str, list[Control]]:
        """Controls that judge a type."""
        found: dict[str, list[Control]] = {}
        for control in self.controls:
            for type_ in control.types:
                found.setdefault(type_, []).append(control)
        return found
