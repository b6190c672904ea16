"""The properties in which two declarations of a resource differ."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from mastertrade.changes.model import ABSENT, Difference
from mastertrade.values import Plain, Properties

__all__ = ["differences", "document", "ignored", "leaves", "path_names"]

_Segment = str | int
_Path = tuple[_Segment, ...]
_IDENTITIES = ("Sid", "sid", "name", "key", "id", "ruleNo", "priority", "ruleName")
"""Keys by which elements of a list are known: the first that all elements have, each its own."""
_PLAIN_NAME = re.compile(r"[A-Za-z_$@][\w$-]*")
_DEEPEST = 100


def differences(before: Properties, after: Properties) -> list[Difference]:
    """What changes, as a person would say it: a block that comes or goes is one difference."""
    return [_difference(each) for each in _compared((), before, after, whole=True)]


def leaves(before: Properties, after: Properties) -> list[Difference]:
    """What changes, down to single values, also inside blocks that come or go. Lists of plain values stay whole."""
    return [_difference(each) for each in _compared((), before, after, whole=False)]


def document(value: Plain) -> Any:
    """The mapping or list that a JSON text holds; None for anything else."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def ignored(difference: Difference, patterns: Iterable[str]) -> bool:
    """Whether `ignoreChanges` names the property or something above it."""
    path = _parsed(difference.path)
    for pattern in patterns:
        wanted = _parsed(pattern)
        if pattern == "*" or (
            len(wanted) <= len(path) and all(want in ("*", have) for want, have in zip(wanted, path[: len(wanted)], strict=True))
        ):
            return True
    return False


def path_names(path: str) -> tuple[str, ...]:
    """A path in Pulumi's notation without positions in lists."""
    return tuple(each for each in _parsed(path) if isinstance(each, str) and each != "*")


_Found = tuple[_Path, Plain, Plain]


def _difference(found: _Found) -> Difference:
    path, before, after = found
    return Difference(_text(path), tuple(each for each in path if isinstance(each, str)), before, after)


def _compared(path: _Path, before: Plain, after: Plain, *, whole: bool) -> Iterator[_Found]:
    if _same(before, after):
        return
    if len(path) > _DEEPEST:
        yield path, before, after
        return
    first, second = _opened(before, after)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        yield from _mappings(path, cast("Mapping[str, Plain]", first), cast("Mapping[str, Plain]", second), whole=whole)
    elif _is_list_of_blocks(first) and _is_list_of_blocks(second) and (first or second):
        yield from _lists(path, cast("list[Plain]", first), cast("list[Plain]", second), whole=whole)
    elif not whole and _is_block(first if second is ABSENT else second) and ABSENT in (first, second):
        empty: Plain = {} if isinstance(first if second is ABSENT else second, Mapping) else []
        yield from _compared(path, empty if first is ABSENT else first, empty if second is ABSENT else second, whole=False)
    else:
        yield path, before, after


def _opened(before: Plain, after: Plain) -> tuple[Plain, Plain]:
    """JSON texts as what they hold, where both sides hold some, or one side has nothing."""
    first, second = document(before), document(after)
    if first is not None and second is not None:
        return first, second
    if before is ABSENT and second is not None:
        return before, second
    if after is ABSENT and first is not None:
        return first, after
    return before, after


def _mappings(path: _Path, before: Mapping[str, Plain], after: Mapping[str, Plain], *, whole: bool) -> Iterator[_Found]:
    for name in sorted({*before, *after}):
        yield from _compared((*path, name), before.get(name, ABSENT), after.get(name, ABSENT), whole=whole)


def _lists(path: _Path, before: list[Plain], after: list[Plain], *, whole: bool) -> Iterator[_Found]:
    pairs = _by_identity(before, after) or _by_likeness(before, after)
    found = [
        each
        for place, (first, second) in enumerate(pairs)
        for each in _compared((*path, _place(place, first, second, before, after)), first, second, whole=whole)
    ]
    if found:
        yield from found
    else:
        # the same elements in another order
        yield path, before, after


def _place(place: int, first: Plain, second: Plain, before: list[Plain], after: list[Plain]) -> int:
    side, element = (after, second) if second is not ABSENT else (before, first)
    return next((index for index, each in enumerate(side) if each is element), place)


def _by_identity(before: list[Plain], after: list[Plain]) -> list[tuple[Plain, Plain]]:
    for key in _IDENTITIES:
        first, second = _keyed(before, key), _keyed(after, key)
        if first is not None and second is not None:
            return [(first.get(name, ABSENT), second.get(name, ABSENT)) for name in dict.fromkeys([*second, *first])]
    return []


def _keyed(elements: list[Plain], key: str) -> dict[str, Plain] | None:
    """Elements by the value that each has under a key; None where one has none, or two have the same."""
    named: dict[str, Plain] = {}
    for element in elements:
        name = cast("Mapping[str, Plain]", element).get(key)
        if not isinstance(name, str | int):
            return None
        named[str(name)] = element
    return named if len(named) == len(elements) else None


def _by_likeness(before: list[Plain], after: list[Plain]) -> list[tuple[Plain, Plain]]:
    """Equal elements belong together; of the others, the first with the first."""
    left = list(before)
    unmatched: list[Plain] = []
    for element in after:
        place = next((index for index, each in enumerate(left) if _same(each, element)), None)
        if place is None:
            unmatched.append(element)
        else:
            del left[place]
    if len(left) == len(unmatched):
        return list(zip(left, unmatched, strict=True))
    return [*((ABSENT, each) for each in unmatched), *((each, ABSENT) for each in left)]


def _is_block(value: Plain) -> bool:
    return isinstance(value, Mapping) or (_is_list_of_blocks(value) and bool(value))


def _is_list_of_blocks(value: Plain) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in cast("list[Plain]", value))


def _same(before: Plain, after: Plain) -> bool:
    if before is after:
        return True
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        first, second = cast("Mapping[str, Plain]", before), cast("Mapping[str, Plain]", after)
        return first.keys() == second.keys() and all(_same(value, second[name]) for name, value in first.items())
    if isinstance(before, list) and isinstance(after, list):
        elements, others = cast("list[Plain]", before), cast("list[Plain]", after)
        return len(elements) == len(others) and all(map(_same, elements, others))
    # for Python, True is 1
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


def _text(path: _Path) -> str:
    text = ""
    for segment in path:
        if isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_NAME.fullmatch(segment):
            text += f".{segment}" if text else segment
        else:
            text += f"[{json.dumps(segment, ensure_ascii=False)}]"
    return text


_PARTS = re.compile(r"""\[(?:(\d+)|(\*)|("(?:[^"\\]|\\.)*"))\]|([^.\[\]]+)""")


def _parsed(path: str) -> Sequence[_Segment]:
    """A path in Pulumi's notation: `a.b[0]["c.d"]`, `*` for every element."""
    segments: list[_Segment] = []
    for position, star, quoted, name in _PARTS.findall(path):
        if position:
            segments.append(int(position))
        elif quoted:
            segments.append(cast("str", json.loads(quoted, strict=False)))
        else:
            segments.append(star or name)
    return segments
