"""Declared properties as controls read them: by path, in whichever spelling, never past an unknown value."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret, masked

__all__ = ["Block", "MisshapenError", "UnknownValueError", "UnreadableError", "shown"]

_LONGEST = 120
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


class UnreadableError(Exception):
    """A value that a control needs cannot be told. The text says which, and never shows the value."""


class UnknownValueError(UnreadableError):
    """The value exists only after a deployment."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path or 'the resource'} is known only after a deployment")


class MisshapenError(UnreadableError):
    """The value has a shape that the property does not have."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path or 'the resource'} is not {wanted}")


class Block:
    """A mapping of properties. Paths have dots: `loggingInfo.brokerLogs.s3`; a list of one block reads as the block.

    Absent, null and empty text are the same: the provider sends none of them. Every reader raises `UnknownValueError` where
    the value is unknown and `MisshapenError` where its shape is not the property's; secrets are read like others.
    """

    __slots__ = ("_path", "_values", "present")

    def __init__(self, values: Mapping[str, Any], path: str = "", *, present: bool = True) -> None:
        self._values = values
        self._path = path
        self.present = present
        """Whether the block is declared at all. An empty block may be."""

    def at(self, path: str) -> str:
        """Whole path of a property, for messages."""
        return f"{self._path}.{path}" if self._path and path else self._path or path

    def names(self) -> tuple[str, ...]:
        """Names of what is declared here and not null."""
        return tuple(name for name, value in self._values.items() if value is not None)

    def value(self, path: str) -> Any:
        """The plain value, without the marks of secrets on its way; None where absent."""
        found = self._find(path)
        return _opened(found) if isinstance(found, Secret) else found

    def is_known(self, path: str) -> bool:
        """Whether the value can be read; what is absent can."""
        try:
            self._find(path)
        except UnknownValueError:
            return False
        return True

    def is_secret(self, path: str) -> bool:
        """Whether Pulumi keeps the value secret."""
        current: Any = self._values
        for step in path.split("."):
            if isinstance(current, Secret):
                return True
            if isinstance(current, list):
                current = cast("list[Any]", current)[int(step)] if step.isdigit() else _only(cast("list[Any]", current), path)
                if step.isdigit():
                    continue
            if not isinstance(current, Mapping):
                return False
            current = cast("Mapping[str, Any]", current).get(step)
        return isinstance(current, Secret)

    def has(self, path: str) -> bool:
        """Whether something is declared: a value that is unknown yet counts, an empty text, list or mapping does not."""
        try:
            return self.value(path) not in (None, "", [], {})
        except UnknownValueError:
            return True

    def text(self, path: str, default: str = "") -> str:
        """Text without spaces around it; numbers and booleans as they are spelt."""
        found = self.value(path)
        if found is None:
            return default
        if isinstance(found, list) and len(cast("list[Any]", found)) == 1:
            found = cast("list[Any]", found)[0]
            if found is UNKNOWN:
                raise UnknownValueError(self.at(path))
        if isinstance(found, bool):
            return "true" if found else "false"
        if isinstance(found, str | int | float):
            return str(found).strip() or default
        raise MisshapenError(self.at(path), "a text")

    def flag(self, path: str, *, default: bool = False) -> bool:
        """A boolean, also where it is spelt as a text or a number."""
        text = self.text(path).lower()
        if not text:
            return default
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise MisshapenError(self.at(path), "true or false")

    def number(self, path: str, default: float | None = None) -> float | None:
        """A number, also where it is spelt as a text."""
        text = self.text(path)
        if not text:
            return default
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise MisshapenError(self.at(path), "a number")
        return number

    def texts(self, path: str) -> tuple[str, ...]:
        """A list of texts; one text alone is a list of one."""
        found = self.value(path)
        if found is None or found == "":
            return ()
        if isinstance(found, Mapping):
            raise MisshapenError(self.at(path), "a list of texts")
        texts: list[str] = []
        for number, each in enumerate(cast("list[Any]", found) if isinstance(found, list) else [found]):
            plain: Any = _opened(each)
            if plain is UNKNOWN:
                raise UnknownValueError(f"{self.at(path)}[{number}]")
            if isinstance(plain, list | Mapping):
                raise MisshapenError(self.at(path), "a list of texts")
            if plain is not None and str(plain).strip():
                texts.append(str(plain).strip())
        return tuple(texts)

    def block(self, path: str) -> "Block":
        """A nested block, absent ones as an empty block that is not `present`."""
        found = self.value(path)
        if isinstance(found, list):
            found = _only(cast("list[Any]", found), self.at(path))
        if found is None or found == "":
            return Block({}, self.at(path), present=False)
        return self._block(found, self.at(path))

    def blocks(self, path: str) -> "tuple[Block, ...]":
        """A list of nested blocks; one block alone is a list of one."""
        found = self.value(path)
        if found is None or found == "":
            return ()
        if not isinstance(found, list):
            return (self._block(found, self.at(path)),)
        several = cast("list[Any]", found)
        return tuple(self._block(each, f"{self.at(path)}[{number}]") for number, each in enumerate(several) if each is not None)

    def walk(self, path: str) -> "Iterator[Block]":
        """Every block at a path whose steps may be lists or single blocks: `rules.destination.encryptionConfiguration`."""
        step, _, rest = path.partition(".")
        for each in self.blocks(step):
            if rest:
                yield from each.walk(rest)
            else:
                yield each

    def pairs(self, path: str) -> dict[str, Any]:
        """A mapping of names to plain values, which may be `UNKNOWN`."""
        block = self.block(path)
        return {name: _opened(value) for name, value in block._values.items()}

    def raw(self) -> Mapping[str, Any]:
        """The values with their marks of secrets and unknowns."""
        return self._values

    def _block(self, found: Any, path: str) -> "Block":
        plain = _opened(found)
        if plain is UNKNOWN:
            raise UnknownValueError(path)
        if not isinstance(plain, Mapping):
            raise MisshapenError(path, "a block of properties")
        return Block(cast("Mapping[str, Any]", plain), path)

    def _find(self, path: str) -> Any:
        current: Any = self._values
        for step in path.split("."):
            current = _opened(current)
            if isinstance(current, list) and not step.isdigit():
                current = _opened(_only(cast("list[Any]", current), self.at(path)))
            if current is UNKNOWN:
                raise UnknownValueError(self.at(path))
            if current is None or current == "":
                return None
            if isinstance(current, list):
                if not step.isdigit():
                    raise MisshapenError(self.at(path), "a block of properties")
                items = cast("list[Any]", current)
                current = items[int(step)] if int(step) < len(items) else None
            elif isinstance(current, Mapping):
                current = cast("Mapping[str, Any]", current).get(step)
            else:
                raise MisshapenError(self.at(path), "a block of properties")
        if current is UNKNOWN or (isinstance(current, Secret) and current.value is UNKNOWN):
            raise UnknownValueError(self.at(path))
        return current


def shown(block: Block, path: str) -> str:
    """A value as messages show it: short, on one line, secrets and unknowns hidden."""
    if block.is_secret(path):
        return "a secret value"
    try:
        value = block.value(path)
    except UnknownValueError:
        return "a value that is not known yet"
    except UnreadableError:
        return "a value of another shape"
    if value is None or value == "":
        return "nothing"
    text = json.dumps(masked(value), ensure_ascii=True, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _opened(value: Any) -> Any:
    while isinstance(value, Secret):
        value = value.value
    return value


def _only(values: list[Any], path: str) -> Any:
    if len(values) > 1:
        raise MisshapenError(path, "one block")
    return values[0] if values else None
