"""What an evaluation yields: the resources that a stack declares, its outputs, and what the program said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from mastertrade.values import Plain, Properties


class Mode(StrEnum):
    """What the program may know while it runs."""

    SIMULATED = "simulated"
    """A simulated deployment: every output has a value, from the simulated cloud."""

    FIRST = "first"
    """The first preview of an empty stack: nothing exists yet, computed outputs and IDs are unknown."""


class Source(NamedTuple):
    """Where the program declares a resource."""

    file: str
    """Relative to the project's folder."""
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared resource, as the engine knows it.

    `outputs` are the inputs and what the cloud computes; of a component, what it registered. Never change the values:
    they are shared.
    """

    urn: str
    type: str
    name: str
    custom: bool
    """False for a component."""
    inputs: Properties
    outputs: Properties
    id: Plain = ""
    """Text, or `UNKNOWN` before a deployment; empty for a component."""
    parent: str = ""
    provider: str = ""
    """URN of the provider that manages the resource; empty for components and providers."""
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a component: package to URN of the provider that its children get."""
    region: str = ""
    """Region of an AWS resource or provider, else empty."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    deleted_with: str = ""
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """URNs that the resource had before."""
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    custom_timeouts: Mapping[str, str] = field(default_factory=dict[str, str])
    version: str = ""
    external: bool = False
    """Read, not managed."""
    source: Source | None = None

    def __str__(self) -> str:
        where = f" ({self.source})" if self.source else ""
        return f"{self.type} '{self.name}'{where}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of the program to the person who runs it."""

    severity: str
    """`info`, `warning` or `error`."""
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one run of the program declared. The same program and settings always yield an equal one."""

    project: str
    stack: str
    mode: Mode
    resources: tuple[Resource, ...]
    """In tree order: each parent before its children, which are sorted by name and type."""
    outputs: Properties
    diagnostics: tuple[Diagnostic, ...]
    error: str | None = None


class ProgramError(Exception):
    """The program failed, or declared what the engine refuses. Its text is for the person who wrote the program.

    `evaluation` is what was declared until then.
    """

    def __init__(self, message: str, evaluation: Evaluation) -> None:
        super().__init__(message)
        self.evaluation = evaluation


def in_tree_order(resources: Mapping[str, Resource]) -> tuple[Resource, ...]:
    """Each parent before its children; siblings sorted by name, then by type."""
    children: dict[str, list[Resource]] = {}
    for resource in resources.values():
        children.setdefault(resource.parent if resource.parent in resources else "", []).append(resource)
    for siblings in children.values():
        siblings.sort(key=lambda resource: (resource.name, resource.type), reverse=True)
    ordered: list[Resource] = []
    waiting = children.get("", [])
    while waiting:
        resource = waiting.pop()
        ordered.append(resource)
        waiting.extend(children.get(resource.urn, ()))
    return tuple(ordered)


def qualified_type(urn: str) -> str:
    """The chain of types in a URN: `parent$child`."""
    return urn.split("::", 3)[2]


def urn_of(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """`urn:pulumi:STACK::PROJECT::PARENTTYPE$TYPE::NAME`. The root Stack never shows in the chain."""
    above = qualified_type(parent) if parent else ""
    chain = f"{above}${type_}" if above and above != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"
