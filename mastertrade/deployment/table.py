"""The tables behind the policies: what each type of resource needs, and to which resources it may be narrowed."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ACTIONS_FILE", "RESOURCES_FILE", "Kind", "Service", "Table", "TypeNeeds", "Verb", "table"]

_HERE = Path(__file__).parent
ACTIONS_FILE = _HERE / "actions.yaml"
RESOURCES_FILE = _HERE / "resources.yaml"

Actions = Mapping[str, tuple[str, ...]]
"""Service to names of its actions: `ec2` to `CreateVpc`."""


class Verb(StrEnum):
    """What Pulumi does with a resource."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    TAG = "tag"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TypeNeeds(_Row):
    """What one type of resource needs."""

    cloudformation: tuple[str, ...]
    create: Actions = {}
    read: Actions = {}
    update: Actions = {}
    delete: Actions = {}
    tag: Actions = {}
    passes: Mapping[str, str | tuple[str, ...]] = {}
    """Property that names a role, to the service or services that the role is handed to."""
    links: tuple[str, ...] = ()
    """Services whose service-linked role the first such resource of an account makes."""

    def actions(self, verbs: tuple[Verb, ...]) -> Iterator[tuple[str, str]]:
        """Service and name of each action of some verbs."""
        for verb in verbs:
            stated: Actions = getattr(self, verb.value)
            for service, names in stated.items():
                for name in names:
                    yield service, name


class Kind(_Row):
    """Resources of one kind, and what is allowed on them."""

    arns: tuple[str, ...] = Field(min_length=1)
    """With names in braces, as resources.yaml explains them."""
    actions: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    """Allowed on what bears the stack's tags only."""
    declared: str = ""
    """Type whose declared resources fill in the braces."""
    conditions: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {}


class Service(_Row):
    """Where the actions of one service may be narrowed."""

    is_global: Annotated[bool, Field(alias="global")] = False
    anywhere: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = {}

    def narrowed(self) -> frozenset[str]:
        """Every action that the service's rows are about."""
        return frozenset(self.anywhere).union(*(frozenset((*kind.actions, *kind.own)) for kind in self.kinds.values()))


class Table(_Row):
    """Both files. Raises `ValueError` where one of them names an action that the other does not."""

    types: Mapping[str, TypeNeeds]
    elsewhere: Mapping[str, str]
    """Packages whose resources need nothing of IAM, with the reason."""
    services: Mapping[str, Service]
    tags: tuple[str, ...]
    """Names of the provider's default tags by which a stack knows what is its own."""

    def model_post_init(self, context: object, /) -> None:
        """Holds the files against each other."""
        needed = {action for needs in self.types.values() for action in needs.actions(tuple(Verb))}
        narrowed = {(name, action) for name, service in self.services.items() for action in service.narrowed()}
        for one, other, where in ((needed, narrowed, RESOURCES_FILE), (narrowed, needed, ACTIONS_FILE)):
            missing = sorted(f"{service}:{action}" for service, action in one - other)
            if missing:
                raise ValueError(f"{where.name} does not name {', '.join(missing)}")

    def is_elsewhere(self, type_: str) -> bool:
        """Whether resources of a type need nothing of IAM."""
        return type_.split(":", 1)[0] in self.elsewhere


@cache
def table() -> Table:
    """The tables as they stand beside this module."""
    actions = yaml.safe_load(ACTIONS_FILE.read_text(encoding="utf-8"))
    resources = yaml.safe_load(RESOURCES_FILE.read_text(encoding="utf-8"))
    return Table(
        types=actions["types"],
        elsewhere=actions["elsewhere"],
        services={name: _service(rows) for name, rows in resources["services"].items()},
        tags=resources["tags"],
    )


def _service(rows: Mapping[str, object]) -> Service:
    """What is no setting of the service is a kind of its resources."""
    settings = {name: value for name, value in rows.items() if name in ("global", "anywhere")}
    return Service.model_validate({**settings, "kinds": {name: value for name, value in rows.items() if name not in settings}})
