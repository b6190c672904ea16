"""Fields of a JSON document that somebody else wrote: of the kind that is expected, or named in an error."""

from collections.abc import Iterator
from typing import Any, cast

from mastertrade.evidence.problems import EvidenceError

__all__ = ["Fields"]

_LONGEST_SHOWN = 60


class Fields:
    """A JSON object with the place where it stands. What is absent or null is empty; what is of another kind is an `EvidenceError`."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        self._values: dict[str, Any] = cast("dict[str, Any]", _of(value, dict, where, "an object"))

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """A text."""
        return str(_of(self._values.get(name, ""), str, f"{self.where}.{name}", "text")) if name in self else ""

    def flag(self, name: str) -> bool:
        """True or false."""
        return bool(_of(self._values[name], bool, f"{self.where}.{name}", "true or false")) if name in self else False

    def inner(self, name: str) -> "Fields":
        """An object."""
        return Fields(self._values[name] if name in self else {}, f"{self.where}.{name}")

    def items(self, name: str) -> list[Any]:
        """A list of anything."""
        return cast("list[Any]", _of(self._values[name], list, f"{self.where}.{name}", "a list")) if name in self else []

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        return [str(_of(each, str, f"{self.where}.{name}[{number}]", "text")) for number, each in enumerate(self.items(name))]

    def inners(self, name: str) -> "Iterator[Fields]":
        """A list of objects."""
        for number, each in enumerate(self.items(name)):
            yield Fields(each, f"{self.where}.{name}[{number}]")

    def whole(self) -> dict[str, Any]:
        """Everything, as it is."""
        return self._values


def _of(value: Any, kind: type, where: str, allowed: str) -> Any:
    if not isinstance(value, kind):
        raise EvidenceError(f"{where}: found {ascii(value)[:_LONGEST_SHOWN]}; allowed: {allowed}")
    return value
