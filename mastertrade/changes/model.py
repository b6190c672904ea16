"""One typed model of what changes. Every writer reads it, and nothing else."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, final

from mastertrade.values import Plain

__all__ = [
    "ABSENT",
    "OPTION",
    "Absent",
    "Change",
    "Danger",
    "Difference",
    "Digest",
    "DigestError",
    "Operation",
    "PolicyChange",
    "Reason",
    "Replaces",
    "StackDigest",
]


class DigestError(Exception):
    """What is compared cannot be read. The text is for the person who asked, a line for each mistake."""


class Danger(StrEnum):
    """What a change may do, the worst first."""

    DATA_LOSS = "data-loss"
    EXPOSURE = "exposure"
    OUTAGE = "outage"
    IDENTITY = "identity"
    COST = "cost"
    OTHER = "other"
    """No rule says more: to be read."""
    HARMLESS = "harmless"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]


_RANKS: Final = {danger: rank for rank, danger in enumerate(Danger)}


class Operation(StrEnum):
    """What Pulumi does to a resource, the gravest first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"


class Replaces(StrEnum):
    """Whether a change of a property replaces the resource."""

    ALWAYS = "always"
    PERHAPS = "perhaps"
    NO = "no"


@final
class Absent:
    """No value at all, which `null` is not. There is one instance, `ABSENT`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()

OPTION: Final = " (option)"
"""Ends the path of what is no property, but an option of Pulumi's."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One property that changes. Values hold no secrets: those read `[secret]`."""

    path: str
    """`ingress[0].cidrBlocks`; of a resource's option `protect (option)`."""
    names: tuple[str, ...]
    """The path without positions in lists."""
    before: Plain | Absent
    after: Plain | Absent
    replaces: Replaces = Replaces.NO
    follows: bool = False
    """The value comes from other resources and one side was made up offline: it may only look different."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a change has its rank."""

    danger: Danger
    text: str
    """In our own words, without anything that the program chose."""
    found: tuple[str, ...] = ()
    """What the text speaks of: properties, actions, addresses. Not trusted."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource."""

    stack: str
    operation: Operation
    urn: str
    type: str
    name: str
    region: str = ""
    """Empty where the resource has none."""
    account: str = ""
    """Of AWS, in which the stack is; empty where that is not known."""
    source: str = ""
    """`file:line` of the declaration, where it is known."""
    old_urn: str = ""
    """Where an alias brings the resource from another URN."""
    differences: tuple[Difference, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """The worst first; never empty."""
    notes: tuple[str, ...] = ()
    """What Pulumi or AWS make of it, in our own words."""
    uncertain: bool = False
    """A replacement that depends on more than is known offline."""
    refused: bool = False
    """Pulumi refuses: the resource is protected."""
    cause: str = ""
    """Name of the resource whose replacement makes this change; empty where the change has its own reason. Not trusted."""

    @property
    def danger(self) -> Danger:
        """The worst of the reasons."""
        return self.reasons[0].danger if self.reasons else Danger.OTHER

    @property
    def further_dangers(self) -> set[Danger]:
        """Those of the other reasons."""
        return {each.danger for each in self.reasons} - {self.danger}


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A control that says something else of a resource than before."""

    stack: str
    control: str
    title: str
    severity: str
    enforcement: str
    urn: str
    type: str
    name: str
    region: str
    before: str
    """`pass`, `fail`, `unknown`, `not applicable`, `waived`; empty where the control did not judge it."""
    after: str
    message: str = ""

    @property
    def worse(self) -> bool:
        """Whether the control was content, or silent, and no longer is."""
        return self.after in _BAD and self.before not in _BAD

    @property
    def better(self) -> bool:
        """The other way round."""
        return self.before in _BAD and self.after not in _BAD


_BAD: Final = ("fail", "unknown")


@dataclass(frozen=True, slots=True)
class StackDigest:
    """What changes in one stack."""

    stack: str
    project: str
    counts: Mapping[Operation, int] = field(default_factory=dict[Operation, int])
    unchanged: int = 0
    changes: tuple[Change, ...] = ()
    """The most dangerous first."""
    policies: tuple[PolicyChange, ...] = ()
    """What became worse first."""
    notes: tuple[str, ...] = ()
    """What could not be told, in our own words."""
    error: str = ""
    """Why nothing, or not all, can be told: what the program or Pulumi said. Not trusted."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What changes in every stack."""

    before: str
    after: str
    stacks: tuple[StackDigest, ...]
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> list[Change]:
        """Of all stacks, the most dangerous first."""
        return sorted((each for stack in self.stacks for each in stack.changes), key=in_order)

    @property
    def policies(self) -> list[PolicyChange]:
        """Of all stacks, what became worse first."""
        return sorted(
            (each for stack in self.stacks for each in stack.policies),
            key=lambda each: (not each.worse, each.better, each.control, each.stack, each.urn),
        )

    def dangers(self) -> dict[Danger, int]:
        """How many changes have each danger as their worst: every change is counted once."""
        found = Counter(each.danger for stack in self.stacks for each in stack.changes)
        return {danger: found[danger] for danger in Danger}

    def further_dangers(self) -> dict[Danger, int]:
        """How many changes have each danger among their reasons beside a worse one."""
        found = Counter(danger for stack in self.stacks for each in stack.changes for danger in each.further_dangers)
        return {danger: found[danger] for danger in Danger}


_OPERATIONS: Final = {operation: rank for rank, operation in enumerate(Operation)}


def in_order(change: Change) -> tuple[int, bool, int, str, str, str, str]:
    """The most dangerous first, causes before what follows from them, then the gravest operation, then by type and name."""
    return change.danger.rank, bool(change.cause), _OPERATIONS[change.operation], change.type, change.name, change.stack, change.urn
