"""Whether a dashboard is what Grafana's own schema describes, as Grafana publishes it for Python: a class for each kind of object."""

import copy
import enum
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models.dashboard import Dashboard

plugins.register_default_plugins()
_PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (int, float)}


def problems(document: Mapping[str, Any]) -> list[str]:
    """Unknown fields, missing ones and values of the wrong kind, by their place: `dashboard.panels[3].gridPos.w`."""
    return list(_of_value(document, Dashboard, None, "dashboard"))


def _of_value(value: Any, hint: Any, read: Any, where: str) -> Iterator[str]:
    """A value against what its class says of it. `read` is what the class around it has made of it: only that one knows of which
    kind the options of a panel, its lines and its queries are.
    """
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        # of several kinds the one that it is meant to be: the one that it fits best
        kinds = [each for each in typing.get_args(hint) if (each is type(None)) == (value is None)]
        found = [list(_of_value(value, each, read, where)) for each in kinds]
        yield from min(found, key=len) if found else [f"{where}: {value!r} is none of {hint}"]
    elif typing.get_origin(hint) is list and isinstance(value, list):
        (each,) = typing.get_args(hint)
        for number, (element, element_read) in enumerate(zip(value, read, strict=True)):
            yield from _of_value(element, each, element_read, f"{where}[{number}]")
    elif isinstance(read, UnknownDataquery) or (hint is object and isinstance(read, dict)):
        yield f"{where}: of no kind that Grafana knows"
    elif hasattr(read, "to_json"):
        yield from _of_object(value, read, where)
    elif (from_json := getattr(hint, "from_json", None)) is not None:
        try:
            read = from_json(value)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            yield f"{where}: no {hint.__name__} can be read from it ({error!r})"
        else:
            yield from _of_object(value, read, where)
    elif not _is(value, hint):
        yield f"{where}: {value!r} is no {getattr(hint, '__name__', hint)}"


def _of_object(value: Any, read: Any, where: str) -> Iterator[str]:
    model = type(read)
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no {model.__name__}"
        return
    hints = typing.get_type_hints(model)
    names = {attribute: _name(read, attribute) for attribute in hints}
    for unknown in value.keys() - names.values():
        yield f"{where}.{unknown}: {model.__name__} has no such field"
    for attribute, name in names.items():
        if name in value:
            yield from _of_value(value[name], hints[attribute], getattr(read, attribute), f"{where}.{name}")
        elif type(None) not in typing.get_args(hints[attribute]):
            yield f"{where}.{name}: {model.__name__} needs it"


def _name(read: Any, attribute: str) -> str:
    """What an attribute is called in JSON."""
    marked, mark = copy.copy(read), object()
    setattr(marked, attribute, mark)
    return next(name for name, value in marked.to_json().items() if value is mark)


def _is(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in {member.value for member in hint}
    if hint in _PLAIN:
        return type(value) in _PLAIN[hint]
    return hint in (object, Any) or isinstance(value, typing.get_origin(hint) or hint)
