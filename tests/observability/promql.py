"""Which series and labels a PromQL expression asks for. Prometheus' own parser says whether it is PromQL at all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'[^']*')
      | (?P<range>\[[^\]]*\])
      | (?P<number>(?<![\w:])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:ms|[smhdwy])?(?![\w:]))
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},])""",
    re.VERBOSE,
)
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan"}


@dataclass(frozen=True)
class Asked:
    """A series that is asked for, and the labels by which it is chosen."""

    name: str
    labels: frozenset[str]


def asked(expression: str) -> Iterator[Asked]:
    """Every series of an expression, in order."""
    tokens = [(match.lastgroup, match.group()) for match in _TOKEN.finditer(expression)]
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind != "name" or text.lower() in _WORDS:
            position += 1
        elif text in _LISTS:
            position = _after(tokens, position + 1, ")") if following == "(" else position + 1
        elif following == "(" or _aggregates(tokens, position + 1):
            position += 1
        else:
            end = _after(tokens, position + 1, "}") if following == "{" else position + 1
            yield Asked(text, frozenset(_chosen_by(tokens[position + 1 : end])))
            position = end


def grouped_by(expression: str) -> frozenset[str]:
    """Labels that an expression keeps apart."""
    lists = re.findall(r"\b(?:by|on|group_left) *\(([^)]*)\)", expression)
    return frozenset(label.strip() for each in lists for label in each.split(",") if label.strip())


def _aggregates(tokens: list[tuple[str | None, str]], position: int) -> bool:
    return position < len(tokens) and tokens[position][1] in {"by", "without"}


def _after(tokens: list[tuple[str | None, str]], position: int, closing: str) -> int:
    while tokens[position][1] != closing:
        position += 1
    return position + 1


def _chosen_by(tokens: list[tuple[str | None, str]]) -> Iterator[str]:
    for (kind, text), (_, operator) in pairwise(tokens):
        if kind == "name" and operator in {"=", "!=", "=~", "!~"}:
            yield text
