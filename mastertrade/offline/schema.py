"""What the SDK knows of each resource type: its properties, which are required, and what the cloud computes.

A provider's plugin would check this in a real preview. Offline the same knowledge comes from the generated classes of the
SDK: the argument classes for inputs, the resource classes for outputs. Each type is read once.
"""

# The SDK is generated and its metadata untyped; what is read of it here is checked where it is read.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportAttributeAccessIssue=false

import builtins
import difflib
import functools
import sys
import types
import typing
from collections import abc
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi import _types as sdk_types  # the SDK's own view of its classes; nothing public tells it
from pulumi.runtime import rpc

from mastertrade.offline.evaluation import PROVIDER_PREFIX
from mastertrade.values import UNKNOWN, Plain, Properties, Secret

__all__ = ["OutputProperty", "TypeSchema", "UnknownTypeError", "computed_properties", "schema_of"]


class UnknownTypeError(Exception):
    """A type that its package does not have."""


@dataclass(frozen=True, slots=True)
class OutputProperty:
    """A property that the cloud gives a value if the program does not."""

    name: str
    kind: Any
    """The SDK's type: `str`, `bool`, `int`, a sequence, a mapping, or a class with properties of its own."""
    settable: bool
    """Whether the program may state it, and has AWS's default if it does not."""


@dataclass(frozen=True, slots=True)
class TypeSchema:
    """One resource type."""

    inputs: "_Shape | None"
    computed: tuple[OutputProperty, ...]

    def mistakes(self, inputs: Properties) -> Iterator[str]:
        """What a provider would refuse: unknown, missing and misshapen properties, however deep."""
        return self.inputs.mistakes(inputs, "") if self.inputs else iter(())


@functools.cache
def schema_of(type_: str) -> TypeSchema | None:
    """The schema of a resource type; None where the SDK has none (dynamic providers, custom Kubernetes resources).

    Raises `UnknownTypeError` for a type that its package, which the program has imported, does not have.
    """
    class_ = _resource_class(type_)
    if class_ is None:
        return None
    module = vars(sys.modules[class_.__module__])
    # `InitArgs` where a nested type of the service already has the shorter name.
    arguments = module.get(f"{class_.__name__}InitArgs") or module.get(f"{class_.__name__}Args")
    inputs = _shape(arguments, is_provider=type_.startswith(PROVIDER_PREFIX)) if arguments is not None else None
    return TypeSchema(inputs, tuple(_computed(class_, inputs.names if inputs else {})))


@functools.cache
def computed_properties(class_: type) -> tuple[OutputProperty, ...]:
    """Of a nested output class: the properties that always have a value."""
    return tuple(_computed(class_, {}))


def _computed(class_: type, settable: Mapping[str, str]) -> Iterator[OutputProperty]:
    for name, hint in sdk_types._raw_return_hints(class_).items():
        if typing.get_origin(hint) is pulumi.Output:
            hint = typing.get_args(hint)[0]  # noqa: PLW2901
        if not _is_optional(hint) and name not in ("id", "urn"):
            yield OutputProperty(name, hint, name in settable)


def _is_optional(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType) and type(None) in typing.get_args(hint)


def _resource_class(type_: str) -> type | None:
    package, module, _ = type_.split(":", 2)
    if type_.startswith(PROVIDER_PREFIX):
        package = type_.removeprefix(PROVIDER_PREFIX)
        packages = rpc._RESOURCE_PACKAGES.get(package)
        info = cast("dict[str, str] | None", getattr(packages[0], "pkg_info", None)) if packages else None
        return _loaded(info["fqn"], info["class"]) if info else None
    modules = rpc._RESOURCE_MODULES.get(f"{package}:{module}")
    info = cast("dict[str, Any] | None", getattr(modules[0], "mod_info", None)) if modules else None
    name = cast("dict[str, str]", info["classes"]).get(type_) if info else None
    if info and name:
        return _loaded(info["fqn"], name)
    # Kubernetes resources that a cluster defines for itself are unknown to every SDK.
    if package in rpc._RESOURCE_PACKAGES and package != "kubernetes":
        raise UnknownTypeError(f"package '{package}' has no resource type '{type_}'")
    return None


def _loaded(module: str, name: str) -> type | None:
    """A class of a module that the program has loaded. Loading one here, beside the program's thread, would not be safe."""
    loaded = sys.modules.get(module)
    return cast("type | None", vars(loaded).get(name)) if loaded is not None else None


class _Kind:
    """What one property may hold."""

    __slots__ = ()

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        """What is wrong with a value that is neither secret nor unknown. Anything goes by default."""
        del value, path
        return iter(())


_ANYTHING = _Kind()


class _Scalar(_Kind):
    __slots__ = ("_accepted", "_word")

    def __init__(self, word: str, *accepted: type) -> None:
        self._word = word
        self._accepted = frozenset(accepted)

    def accepts(self, value: Plain) -> bool:
        return type(value) in self._accepted

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        if type(value) not in self._accepted:
            yield f"property '{path}' is {_word(value)}, where {self._word} is needed"


_TEXT = _Scalar("text", str)
_NUMBER = _Scalar("a number", int, float)
_BOOLEAN = _Scalar("true or false", bool)


class _List(_Kind):
    __slots__ = ("_element",)

    def __init__(self, element: _Kind) -> None:
        self._element = element

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"property '{path}' is {_word(value)}, where a list is needed"
            return
        for index, each in enumerate(cast("list[Plain]", value)):
            yield from _known_mistakes(self._element, each, f"{path}[{index}]")


class _Map(_Kind):
    __slots__ = ("_element",)

    def __init__(self, element: _Kind) -> None:
        self._element = element

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"property '{path}' is {_word(value)}, where a mapping is needed"
            return
        for key, each in cast("Properties", value).items():
            yield from _known_mistakes(self._element, each, f"{path}.{key}")


class _Choice(_Kind):
    """Several kinds: a mistake is reported in the words of the kind that comes nearest."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: Sequence[_Kind]) -> None:
        self._kinds = kinds

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        found = [list(kind.mistakes(value, path)) for kind in self._kinds]
        return iter(min(found, key=len))


class _Shape(_Kind):
    """A class of arguments: named properties, some of them required."""

    __slots__ = ("_embedded", "_kinds", "_required", "names")

    def __init__(self, kinds: Mapping[str, _Kind], names: Mapping[str, str], required: tuple[str, ...], *, embedded: bool) -> None:
        self._kinds = kinds
        self.names = names
        """Property names: as they travel, to as Python code writes them."""
        self._required = required
        self._embedded = embedded
        """Whether all but text travels as JSON text, as a provider's properties do."""

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"property '{path}' is {_word(value)}, where a mapping is needed"
            return
        prefix = f"{path}." if path else ""
        kinds = self._kinds
        properties = cast("Properties", value)
        for name, each in properties.items():
            kind = kinds.get(name)
            if kind is None:
                yield self._unknown(name, prefix)
            elif each is not UNKNOWN and not self._embedded and (type(each) is not str or kind is not _TEXT):
                yield from _known_mistakes(kind, each, prefix + self.names[name])
        for name in self._required:
            if properties.get(name) is None:
                yield f"missing required property '{prefix}{self.names[name]}'"

    def _unknown(self, name: str, prefix: str) -> str:
        candidates = {**{python: python for python in self.names.values()}, **self.names}
        nearest = difflib.get_close_matches(name, candidates, n=1)
        hint = f", did you mean '{candidates[nearest[0]]}'?" if nearest else f"; it has {', '.join(sorted(self.names.values()))}"
        return f"no property '{prefix}{name}'{hint}"


class _Deferred(_Kind):
    """A nested class of arguments, read when the first value of it comes by."""

    __slots__ = ("_class",)

    def __init__(self, class_: type) -> None:
        self._class = class_

    def mistakes(self, value: Plain, path: str) -> Iterator[str]:
        return _shape(self._class).mistakes(value, path)


def _known_mistakes(kind: _Kind, value: Plain, path: str) -> Iterator[str]:
    if isinstance(value, Secret):
        value = value.value
    if value is UNKNOWN or value is None or kind is _ANYTHING:
        return iter(())
    return kind.mistakes(value, path)


@functools.cache
def _shape(class_: type, *, is_provider: bool = False) -> _Shape:
    names = {pulumi_name: name for name, pulumi_name in sdk_types.input_type_py_to_pulumi_names(class_).items()}
    kinds = {name: _kind(hint) for name, hint in sdk_types.input_type_types(class_).items()}
    constructor = class_.__init__
    parameters = constructor.__code__.co_varnames[: constructor.__code__.co_argcount + constructor.__code__.co_kwonlyargcount]
    optional = constructor.__kwdefaults__ or {}
    required = tuple(pulumi_name for pulumi_name, name in names.items() if name in parameters and name not in optional)
    return _Shape({name: kinds.get(name, _ANYTHING) for name in names}, names, required, embedded=is_provider)


def _kind(hint: Any) -> _Kind:
    kind = _ANYTHING
    match typing.get_origin(hint):
        case typing.Union | types.UnionType:
            kind = _choice(hint)
        case abc.Sequence | builtins.list:
            kind = _List(_kind(typing.get_args(hint)[0]))
        case abc.Mapping | builtins.dict:
            kind = _Map(_kind(typing.get_args(hint)[1]))
        case None if isinstance(hint, type):
            kind = _Deferred(hint) if sdk_types.is_input_type(hint) else _scalar(hint)
        case _:
            pass
    return kind


def _scalar(class_: type) -> _Kind:
    """Text, number or boolean, and enumerations of them; whatever else there is may hold anything."""
    for kind, classes in ((_BOOLEAN, bool), (_TEXT, str), (_NUMBER, (int, float))):
        if issubclass(class_, classes):
            return kind
    return _ANYTHING


def _choice(hint: Any) -> _Kind:
    kinds: list[_Kind] = []
    for member in typing.get_args(hint):
        if member is type(None) or typing.get_origin(member) in (Awaitable, pulumi.Output) or typing.is_typeddict(member):
            continue  # how an input may be given, not what it is
        kind = _kind(member)
        if kind is _ANYTHING:
            return _ANYTHING
        if kind not in kinds:
            kinds.append(kind)
    return kinds[0] if len(kinds) == 1 else _Choice(kinds) if kinds else _ANYTHING


def _word(value: Plain) -> str:
    if isinstance(value, bool):
        return "true or false"
    words = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return words.get(type(value), "something else")
