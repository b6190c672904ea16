"""Values for whatever no simulation of its own covers, from a property's name and type."""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mastertrade.offline.cloud.declaration import Declaration
from mastertrade.offline.schema import OutputProperty, computed_properties
from mastertrade.values import Plain

__all__ = ["generic_id", "generic_value"]

_DEEPEST = 3
_MOMENT = "2025-01-01T00:00:00Z"


def generic_id(declaration: Declaration) -> str:
    """An ID for a type without a simulation: its physical name."""
    return declaration.physical_name()


def generic_value(declaration: Declaration, output: OutputProperty, id_: str) -> Plain:
    """A well-formed value for a property that the program does not state.

    Settable properties get the empty value of their type: whoever judges the resource must not find an encryption key or
    a role that nobody declared.
    """
    if output.settable and output.name not in ("name", "region"):
        return _empty(output.kind)
    return _value(declaration, output.name, output.kind, id_, 0)


def _value(declaration: Declaration, name: str, kind: Any, id_: str, depth: int) -> Plain:
    kind = _main_kind(kind)
    if not isinstance(kind, type):
        return _empty(kind)
    if issubclass(kind, str):
        return _text(declaration, name, id_)
    if issubclass(kind, bool):
        return False
    if issubclass(kind, int | float):
        return 0
    if depth >= _DEEPEST:
        return {}
    return {each.name: _value(declaration, each.name, each.kind, id_, depth + 1) for each in computed_properties(kind)}  # pyright: ignore[reportUnknownArgumentType]


def _empty(kind: Any) -> Plain:
    kind = _main_kind(kind)
    if not isinstance(kind, type):
        return [] if typing.get_origin(kind) in (list, Sequence) else {} if typing.get_origin(kind) in (dict, Mapping) else ""
    if issubclass(kind, bool):
        return False
    if issubclass(kind, str):
        return ""
    return 0 if issubclass(kind, int | float) else {}


def _main_kind(kind: Any) -> Any:
    """Of a choice, such as text or one of an enumeration's values, the first."""
    while typing.get_origin(kind) in (typing.Union, types.UnionType):
        kind = typing.get_args(kind)[0]
    return kind


def _text(declaration: Declaration, name: str, id_: str) -> str:
    for ending, make in _TEXTS:
        if name == ending or name.endswith(ending[:1].upper() + ending[1:]):
            return make(declaration, name, id_)
    return f"{name}-{declaration.hexadecimal(8, name)}"


def _kind_of(declaration: Declaration) -> str:
    """`load-balancer` of `aws:lb/loadBalancer:LoadBalancer`."""
    word = declaration.type.rsplit(":", 1)[1]
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in word).lstrip("-")


def _host(declaration: Declaration) -> str:
    return (
        f"{declaration.physical_name().lower()}.{declaration.letters(12, 'host')}.{declaration.service}.{declaration.region}.amazonaws.com"
    )


_TEXTS: tuple[tuple[str, Callable[[Declaration, str, str], str]], ...] = (
    ("arn", lambda declaration, name, id_: declaration.arn(f"{_kind_of(declaration)}/{declaration.physical_name()}")),
    ("ownerId", lambda declaration, name, id_: declaration.account),
    ("accountId", lambda declaration, name, id_: declaration.account),
    ("registryId", lambda declaration, name, id_: declaration.account),
    ("owner", lambda declaration, name, id_: declaration.account),
    ("region", lambda declaration, name, id_: declaration.region),
    (
        "name",
        lambda declaration, name, id_: declaration.physical_name() if name == "name" else f"{name}-{declaration.hexadecimal(8, name)}",
    ),
    ("id", lambda declaration, name, id_: declaration.uuid(name)),
    ("url", lambda declaration, name, id_: f"https://{_host(declaration)}"),
    ("uri", lambda declaration, name, id_: f"https://{_host(declaration)}"),
    ("endpoint", lambda declaration, name, id_: _host(declaration)),
    ("address", lambda declaration, name, id_: _host(declaration)),
    ("dnsName", lambda declaration, name, id_: _host(declaration)),
    ("domainName", lambda declaration, name, id_: _host(declaration)),
    ("fqdn", lambda declaration, name, id_: _host(declaration)),
    ("date", lambda declaration, name, id_: _MOMENT),
    ("time", lambda declaration, name, id_: _MOMENT),
    ("createdAt", lambda declaration, name, id_: _MOMENT),
    ("updatedAt", lambda declaration, name, id_: _MOMENT),
    ("status", lambda declaration, name, id_: "ACTIVE"),
    ("state", lambda declaration, name, id_: "ACTIVE"),
    ("version", lambda declaration, name, id_: "1"),
    ("revision", lambda declaration, name, id_: "1"),
)
"""Endings of property names, most telling first, and what such a property holds."""
