"""YAML as the Pulumi CLI reads it: `02:00`, `yes` and dates are text, a key stands once, numbers are YAML 1.2's.

PyYAML's own loaders read YAML 1.1, where `02:00` is the number 120 and `no` is false.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from settings.problems import Problem, SettingsError, shown

__all__ = ["Scalar", "read_yaml"]

Node = Any
"""`Scalar`, list of nodes, or dict of text to node."""

_MOST_BYTES = 1_000_000
"""The largest stack file in use has a few kilobytes; more is a mistake, and would only be slow."""
_MOST_NODES = 100_000
"""Aliases may repeat what they name: ten lines can stand for gigabytes."""
_DEEPEST = 50
_EXAMPLE = "database: {retention_days: 30}"
_MERGING = "{first: &base {retention_days: 30}, second: {<<: *base, insights: standard}}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One plain or quoted scalar: its text as written, and the line where it stands."""

    text: str
    plain: bool
    """Not quoted and without a tag: may be a number, true, false or null."""
    line: int
    file: str

    @property
    def value(self) -> str | int | float | bool | None:
        """What the text means."""
        return _meaning(self.text) if self.plain else self.text

    @property
    def is_null(self) -> bool:
        """Whether nothing is stated."""
        return self.plain and self.text in _NULLS


def read_yaml(path: Path) -> dict[str, Node]:
    """The mapping that a file holds; empty for an empty file.

    Raises `SettingsError` that names the line for everything else.
    """
    text = _text(path)
    try:
        events = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        document = _Composer(path.name, cast("Iterator[yaml.Event]", events)).document()
    except yaml.MarkedYAMLError as error:
        # What ends too early is noticed on the line after the last.
        line = min(error.problem_mark.line + 1, text.rstrip().count("\n") + 1) if error.problem_mark else 1
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise mistake(path.name, line, f"not YAML: {shown_text(problem)}", "YAML, indented with spaces", _EXAMPLE) from None
    except yaml.YAMLError as error:
        raise mistake(path.name, 1, f"not YAML: {shown_text(str(error))}", "YAML text", _EXAMPLE) from None
    if isinstance(document, Scalar) and document.is_null:
        return {}
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else f"the text {shown(cast('Scalar', document).text)}"
        raise mistake(path.name, 1, f"the file holds {kind}", "a mapping of keys to values", "config: {}")
    return cast("dict[str, Node]", document)


def mistake(file: str, line: int, found: str, allowed: str, example: str) -> SettingsError:
    """One mistake at a line of a file."""
    return SettingsError(file, [Problem(f"line {line}" if line else "", found, allowed, example)])


def example_of(key: str, node: Node) -> str:
    """A key with a value of the kind that it has; its own where that is short."""
    if isinstance(node, Scalar):
        value = node.text if node.plain else json.dumps(node.text)
        return f"{shown(key)[1:-1]}: {shown(value)[1:-1]}"
    return f"{shown(key)[1:-1]}: {'[first, second]' if isinstance(node, list) else '{first: 1, second: 2}'}"


def shown_text(text: str) -> str:
    """Text on one line, without control characters."""
    return "".join(character if character.isprintable() else " " for character in text)[:200]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise mistake(path.name, 0, f"cannot be read ({error.strerror})", "a readable file", f"chmod u+r {path.name}") from None
    if len(content) > _MOST_BYTES:
        raise mistake(path.name, 0, f"{len(content)} bytes", f"at most {_MOST_BYTES}", _EXAMPLE)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {content[error.start]:#04x} is not UTF-8"
        raise mistake(path.name, line, found, "UTF-8 text", f"iconv -f ISO-8859-1 -t UTF-8 {path.name}") from None


class _Composer:
    """Builds nodes from parser events, one by one, so that neither depth nor aliases can exhaust the process."""

    def __init__(self, file: str, events: Iterator[yaml.Event]) -> None:
        self._file = file
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[str, int] = {}
        self._nodes = 0

    def document(self) -> Node:
        node: Node = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise mistake(self._file, _line(event), "a second document", "one document in a file", _EXAMPLE)
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event, 0)
        return Scalar("", plain=True, line=1, file=self._file) if node is None else node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        before = self._nodes
        self._count(1, event)
        if depth > _DEEPEST:
            raise mistake(self._file, _line(event), f"nested more than {_DEEPEST} levels deep", "a few levels", _EXAMPLE)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(depth)
        else:
            node = self._mapping(depth)
        anchor = cast("str | None", event.anchor) if isinstance(event, yaml.NodeEvent) else None
        if anchor:
            self._anchors[anchor] = node
            self._sizes[anchor] = self._nodes - before
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        plain = bool(cast("tuple[bool, bool]", event.implicit)[0]) and not event.style
        return Scalar(cast("str", event.value), plain, _line(event), self._file)

    def _sequence(self, depth: int) -> list[Node]:
        nodes: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            nodes.append(self._node(event, depth + 1))
        return nodes

    def _mapping(self, depth: int) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar):
                raise mistake(self._file, _line(event), "a list or mapping as a key", "text as a key", _EXAMPLE)
            value = self._node(next(self._events), depth + 1)
            if key.plain and key.text == "<<":
                merged |= self._merged(value, key)
                continue
            if key.text in nodes:
                raise mistake(self._file, key.line, f"key {shown(key.text)} stands twice", "each key once", example_of(key.text, value))
            nodes[key.text] = value
        return merged | nodes

    def _merged(self, value: Node, key: Scalar) -> dict[str, Node]:
        sources: list[Node] = cast("list[Node]", value) if isinstance(value, list) else [value]
        merged: dict[str, Node] = {}
        for source in reversed(sources):
            if not isinstance(source, dict):
                raise mistake(self._file, key.line, "'<<' merges something that is not a mapping", "an alias of a mapping", _MERGING)
            merged |= cast("dict[str, Node]", source)
        return merged

    def _alias(self, event: yaml.AliasEvent) -> Node:
        anchor = cast("str", event.anchor)
        if anchor not in self._anchors:
            example = f"{{first: &{anchor} 30, second: *{anchor}}}"
            raise mistake(self._file, _line(event), f"alias *{anchor} has no anchor before it", "an anchor that is complete above", example)
        self._count(self._sizes[anchor], event)
        return self._anchors[anchor]

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise mistake(self._file, _line(event), f"more than {_MOST_NODES} values, aliases counted each time", "a few hundred", _EXAMPLE)


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1


_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0b[01]+|0o?[0-7]+|0x[0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_STARTS = frozenset("+-.0123456789")


def _meaning(text: str) -> str | int | float | bool | None:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(digits) and len(digits) < 20:  # noqa: PLR2004 - what fits 64 bits
        # The CLI is written in Go, where a leading zero alone already means octal.
        octal = re.sub(r"^([-+]?)0([0-7]+)$", r"\g<1>0o\g<2>", digits)
        return int(octal, 0)
    if _FLOAT.fullmatch(digits):
        return float(digits)
    return text
