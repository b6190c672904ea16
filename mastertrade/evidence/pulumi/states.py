"""Resources as the CLI writes them, in the form in which an evaluation has them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote

from google.protobuf.struct_pb2 import Struct

from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.pulumi.fields import Fields
from mastertrade.offline.evaluation import PROVIDER_PREFIX, Resource, Source, in_tree_order
from mastertrade.values import HIDDEN_SECRET, UNKNOWN, Properties, Secret, fill_struct, from_struct

__all__ = ["in_places", "named", "resource_of", "stack_of"]

_URN = re.compile(r"urn:pulumi:(?P<stack>[^:]+)::(?P<project>[^:]+)::(?P<types>.+?)::(?P<name>.*)", re.DOTALL)
_SOURCE = re.compile(r"project:///(?P<file>[^#]+)#(?P<line>\d+)")
_REGION_OF_ARN = re.compile(r"arn:[^:]*:[^:]*:(?P<region>[^:]*):")


def stack_of(urn: str, where: str) -> tuple[str, str]:
    """Stack and project that a URN names. Raises `EvidenceError`."""
    found = _URN.fullmatch(urn)
    if found is None:
        raise EvidenceError(
            f"{where}: found {ascii(urn)[:100]}; allowed: a URN. Example: urn:pulumi:prod::mastertrade::aws:kms/key:Key::logs"
        )
    return found["stack"], found["project"]


def named(urn: str) -> tuple[str, str]:
    """Type and name in a URN; of what is no URN nothing and the whole."""
    found = _URN.fullmatch(urn)
    return (found["types"].rpartition("$")[2], found["name"]) if found else ("", urn)


def resource_of(state: Fields) -> Resource:
    """A resource from `newState` of a preview, or from `new` of an event, which tells less."""
    urn = state.text("urn")
    stack_of(urn, f"{state.where}.urn")
    type_, name = named(urn)
    return Resource(
        urn=urn,
        type=state.text("type") or type_,
        name=name,
        custom=state.flag("custom"),
        inputs=_properties(state.inner("inputs").whole()),
        outputs=_properties(state.inner("outputs").whole()),
        id=state.text("id") or (UNKNOWN if state.flag("custom") else ""),
        parent=state.text("parent"),
        # a reference is the provider's URN and its ID
        provider=state.text("provider").rpartition("::")[0],
        dependencies=tuple(state.texts("dependencies")),
        property_dependencies=_lists(state.inner("propertyDependencies")),
        protect=state.flag("protect"),
        ignore_changes=tuple(state.texts("ignoreChanges")),
        additional_secret_outputs=tuple(state.texts("additionalSecretOutputs")),
        aliases=tuple(state.texts("aliases")),
        deleted_with=state.text("deletedWith"),
        retain_on_delete=state.flag("retainOnDelete"),
        external=state.flag("external"),
        source=_source(state.text("sourcePosition")),
    )


def in_places(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """In tree order, each with its region."""
    by_urn = {each.urn: each for each in resources}
    return in_tree_order({urn: replace(each, region=_region(each, by_urn)) for urn, each in by_urn.items()})


def _region(resource: Resource, by_urn: Mapping[str, Resource]) -> str:
    own = resource.inputs.get("region")
    if isinstance(own, str) and resource.type.startswith((f"{PROVIDER_PREFIX}aws", "aws:")):
        return own
    if resource.type == f"{PROVIDER_PREFIX}kubernetes":
        found = _REGION_OF_ARN.match(str(resource.inputs.get("clusterIdentifier")))
        return found["region"] if found else ""
    provider = by_urn.get(resource.provider)
    return _region(provider, {}) if provider else ""


def _properties(values: dict[str, Any]) -> Properties:
    message = Struct()
    fill_struct(message, _with_secrets(values))
    return from_struct(message)


def _with_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_secrets(each) for name, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_secrets(each) for each in cast("list[Any]", value)]
    return Secret(value) if value == HIDDEN_SECRET else value


def _lists(fields: Fields) -> dict[str, tuple[str, ...]]:
    return {name: tuple(fields.texts(name)) for name in sorted(fields.whole()) if fields.texts(name)}


def _source(position: str) -> Source | None:
    found = _SOURCE.match(position)
    return Source(unquote(found["file"]), int(found["line"])) if found else None
