"""Property values: from the protocol's messages to plain Python and back.

Plain values are dict, list, str, int, float, bool and None, with two marks that may sit anywhere: `UNKNOWN` and `Secret`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, final

from google.protobuf.struct_pb2 import NullValue, Struct, Value

Plain = Any
"""dict, list, str, int, float, bool, None, `Secret` or `UNKNOWN`."""

Properties = dict[str, Plain]

HIDDEN_SECRET = "[secret]"  # noqa: S105 - what stands for one
HIDDEN_UNKNOWN = "[unknown]"
_SHORTEST_SECRET = 4  # what is shorter stands in many a message by chance


@final
class Unknown:
    """A value that exists only after a deployment. There is one instance, `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN_UNKNOWN

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: compare with `is UNKNOWN`")

    def __copy__(self) -> "Unknown":
        return self

    def __deepcopy__(self, memo: object) -> "Unknown":
        return self

    def __reduce__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@final
class Secret:
    """A value that must not be shown. Only `value` tells it; text and representation never do."""

    __slots__ = ("value",)

    def __init__(self, value: Plain) -> None:
        self.value = value

    def __repr__(self) -> str:
        return HIDDEN_SECRET

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(("Secret", str(self.value)))


def from_struct(struct: Struct) -> Properties:
    """The properties that a message carries, sorted: a message keeps them in no order."""
    return {name: _READERS[value.WhichOneof("kind")](value) for name, value in sorted(struct.fields.items())}


def fill_struct(struct: Struct, properties: Mapping[str, Plain]) -> None:
    """Puts properties into a message, over those of the same name."""
    fields = struct.fields
    for name, value in properties.items():
        _write(fields[name], value)


def revealed(value: Plain) -> Plain:
    """A value with every `Secret` replaced by what it holds. Never print the result."""
    if isinstance(value, Secret):
        return revealed(value.value)
    if isinstance(value, dict):
        return {key: revealed(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [revealed(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def masked(value: Plain) -> Plain:
    """A value fit for people and JSON: secrets and unknowns replaced by `[secret]` and `[unknown]`."""
    if isinstance(value, Secret):
        return HIDDEN_SECRET
    if value is UNKNOWN:
        return HIDDEN_UNKNOWN
    if isinstance(value, dict):
        return {key: masked(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [masked(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def secret_texts(value: Plain, *, hidden: bool = False) -> Iterator[str]:
    """Every text of some length inside the secrets below a value: what may not stand in a message. `hidden`: all of it is secret."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, hidden=True)
    elif isinstance(value, dict):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from secret_texts(each, hidden=hidden)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from secret_texts(each, hidden=hidden)
    elif hidden and isinstance(value, str) and len(value) >= _SHORTEST_SECRET:
        yield value


def embedded(value: Plain) -> Plain:
    """What a provider's property holds: nested ones travel as JSON text."""
    value = revealed(value)
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


# The signatures are part of Pulumi's wire protocol, the same in every SDK.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public constant of the protocol
_REFERENCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
ASSET_CONTENT = ("assets", "path", "text", "uri")
"""What assets and archives may hold; the engine adds a digest of it."""
_UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def _read_text(value: Value) -> Plain:
    text = value.string_value
    return UNKNOWN if text == _UNKNOWN_SENTINEL else text


def _read_number(value: Value) -> Plain:
    number = value.number_value
    return int(number) if number.is_integer() else number


def _read_list(value: Value) -> Plain:
    return [_READERS[each.WhichOneof("kind")](each) for each in value.list_value.values]


def _read_mapping(value: Value) -> Plain:
    plain = from_struct(value.struct_value)
    signature = plain.get(_SIGNATURE)
    if signature is None:
        return plain
    if signature == _SECRET_SIGNATURE:
        return Secret(plain.get("value"))
    if signature == _REFERENCE_SIGNATURE:
        # What a provider sees of a resource that is passed whole is its ID, or its URN if it has none.
        id_ = plain.get("id", plain.get("urn"))
        return UNKNOWN if id_ == "" else id_
    # an asset or archive is what it holds
    return {name: each for name, each in plain.items() if name in ASSET_CONTENT}


_READERS: dict[str | None, Callable[[Value], Plain]] = {
    "string_value": _read_text,
    "number_value": _read_number,
    "bool_value": lambda value: value.bool_value,
    "list_value": _read_list,
    "struct_value": _read_mapping,
    "null_value": lambda value: None,
    None: lambda value: None,
}


def _write(target: Value, value: Plain) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, Mapping):
        fill_struct(target.struct_value, value)  # pyright: ignore[reportUnknownArgumentType]
        target.struct_value.SetInParent()
    elif isinstance(value, Secret):
        fill_struct(target.struct_value, {_SIGNATURE: _SECRET_SIGNATURE, "value": value.value})
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_SENTINEL
    elif isinstance(value, Iterable):
        target.list_value.SetInParent()
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            _write(target.list_value.values.add(), each)
    else:
        target.null_value = NullValue.NULL_VALUE
