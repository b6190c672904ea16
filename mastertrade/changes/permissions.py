"""What IAM documents allow, and what one allows that another did not."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from mastertrade.changes.differences import document
from mastertrade.values import Plain

__all__ = ["Gains", "documents", "gained"]

_EVERYBODY = "*"


@dataclass(frozen=True, slots=True, order=True)
class _Grant:
    """One thing that a statement allows or denies."""

    action: str
    """Lower case; with `!` before it, everything but that."""
    resource: str
    principal: str
    """Empty in a policy of an identity."""
    condition: str
    """JSON text; empty where there is none."""

    def __str__(self) -> str:
        by = f" by {self.principal}" if self.principal else ""
        on = f" on {self.resource}" if self.resource else ""
        return f"{self.action}{on}{by}{' under conditions' if self.condition else ''}"


@dataclass(frozen=True, slots=True)
class Gains:
    """What a document allows beyond another."""

    public: tuple[str, ...] = ()
    """Actions that everybody may do, without a condition."""
    actions: tuple[str, ...] = ()
    """Of everybody else, with resource and principal."""
    denials: tuple[str, ...] = ()
    """What was denied and no longer is."""


def documents(value: Plain) -> Iterator[Any]:
    """Every IAM document in a value, however deep, as a mapping with statements."""
    opened = document(value)
    plain = value if opened is None else opened
    if isinstance(plain, Mapping):
        mapping = cast("Mapping[str, Any]", plain)
        if isinstance(mapping.get("Statement"), list | Mapping):
            yield mapping
        else:
            for each in mapping.values():
                yield from documents(each)
    elif isinstance(plain, list):
        for each in cast("list[Any]", plain):
            yield from documents(each)


def gained(before: Iterable[Any], after: Iterable[Any]) -> Gains:
    """What the documents of a resource allow afterwards and did not before."""
    old, new = list(before), list(after)
    had, has = _grants(old, "Allow"), _grants(new, "Allow")
    more = sorted(each for each in has - had if not any(_covers(other, each) for other in had))
    public = tuple(str(each) for each in more if each.principal == _EVERYBODY and not each.condition)
    others = tuple(str(each) for each in more if each.principal != _EVERYBODY or each.condition)
    denied, denies = _grants(old, "Deny"), _grants(new, "Deny")
    lost = sorted(each for each in denied - denies if not any(_covers(other, each) for other in denies))
    return Gains(public, others, tuple(str(each) for each in lost))


def _grants(stated: Iterable[Any], effect: str) -> set[_Grant]:
    found: set[_Grant] = set()
    for each in stated:
        statements: Any = each["Statement"]
        for statement in cast("list[Any]", statements if isinstance(statements, list) else [statements]):
            if isinstance(statement, Mapping):
                found.update(_grants_of(cast("Mapping[str, Any]", statement), effect))
    return found


def _grants_of(statement: Mapping[str, Any], effect: str) -> Iterator[_Grant]:
    if statement.get("Effect") != effect:
        return
    condition = statement.get("Condition")
    text = json.dumps(condition, sort_keys=True) if condition else ""
    principals = _principals(statement) or [""]
    for action in _texts(statement, "Action", "NotAction"):
        for resource in _texts(statement, "Resource", "NotResource") or [""]:
            for principal in principals:
                yield _Grant(action, resource, principal, text)


def _texts(statement: Mapping[str, Any], name: str, negated: str) -> list[str]:
    found = _list(statement.get(name))
    others = _list(statement.get(negated))
    return [*found, *([f"!({', '.join(sorted(others))})"] if others else [])]


def _principals(statement: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name, mark in (("Principal", ""), ("NotPrincipal", "!")):
        stated = statement.get(name)
        if isinstance(stated, Mapping):
            for each in cast("Mapping[str, Any]", stated).values():
                found += [mark + text for text in _list(each)]
        else:
            found += [mark + text for text in _list(stated)]
    # everybody but somebody is nearly everybody
    return [_EVERYBODY if each.startswith("!") else each for each in found]


def _list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]


def _covers(wide: _Grant, narrow: _Grant) -> bool:
    return (
        _matches(wide.action.lower(), narrow.action.lower())
        and _matches(wide.resource, narrow.resource)
        and (wide.principal in (narrow.principal, _EVERYBODY))
        and wide.condition in ("", narrow.condition)
    )


def _matches(pattern: str, text: str) -> bool:
    # IAM knows `*` and `?`; brackets are ordinary there
    return pattern == text or (not pattern.startswith("!") and fnmatchcase(text, pattern.replace("[", "[[]")))
