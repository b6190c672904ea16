"""Which property changes replace a resource: `replacements.yaml`, read once."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mastertrade.changes.differences import path_names
from mastertrade.changes.model import Replaces

__all__ = ["FILE", "Known", "known", "replaces"]

FILE = Path(__file__).with_name("replacements.yaml")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one type."""

    always: tuple[tuple[str, ...], ...]
    perhaps: tuple[tuple[str, ...], ...]
    sources: tuple[str, ...]
    """Addresses."""


def replaces(type_: str, names: Sequence[str], forced: Sequence[str] = ()) -> Replaces:
    """Whether a change of the property replaces a resource of this type. `forced`: its `replaceOnChanges`."""
    if any(each == _ANY or _touches(path_names(each), names) for each in forced):
        return Replaces.ALWAYS
    about = known(type_)
    if any(_touches(path, names) for path in about.always):
        # A whole block comes or goes: whether the part that counts changes with it is not told
        return Replaces.ALWAYS if any(_holds(path, names) for path in about.always) else Replaces.PERHAPS
    return Replaces.PERHAPS if any(_touches(path, names) for path in about.perhaps) else Replaces.NO


def _holds(path: Sequence[str], names: Sequence[str]) -> bool:
    return tuple(path) == (_ANY,) or tuple(names[: len(path)]) == tuple(path)


def _touches(path: Sequence[str], names: Sequence[str]) -> bool:
    return _holds(path, names) or tuple(path[: len(names)]) == tuple(names)


@functools.cache
def known(type_: str) -> Known:
    """What is known of a type, that of its package included. `sources` is empty where nothing is."""
    table = _table()
    package: Mapping[str, Any] = table["packages"].get(type_.split(":", 1)[0], {})
    own: Mapping[str, Any] = table["types"].get(type_, {})
    # what every custom Kubernetes type and every random value obeys is enough; of AWS's types each has its own
    stated = (package, own) if own or not type_.startswith("aws:") else ()
    return Known(
        always=tuple(tuple(each.split(".")) for part in stated for each in part.get("always", ())),
        perhaps=tuple(tuple(each.split(".")) for part in stated for each in part.get("perhaps", ())),
        sources=tuple(dict.fromkeys(_address(each, table["sources"]) for part in stated for each in part.get("sources", ()))),
    )


def _address(source: str, addresses: Mapping[str, str]) -> str:
    name, _, page = source.partition(":")
    return addresses[name] + page


@functools.cache
def _table() -> Mapping[str, Any]:
    return yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
