"""Changes that are the same in several regions or stacks, or of several resources of a type, as one."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mastertrade.changes.model import Change, Danger, Difference, Operation, PolicyChange, Reason
from mastertrade.changes.wording import before_and_after

__all__ = ["Group", "PolicyGroup", "folded", "folded_policies"]

_REGION, _STACK, _ACCOUNT, _ID, _HASH = "‹region›", "‹stack›", "‹account›", "‹id›", "‹hash›"
_IDENTIFIERS = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}|[0-9a-f]{17})\b")
"""Of keys, networks, groups: the cloud gives another to each region."""
_NAMED_AFTER_CONTENT = (("metadata", "name"), ("configMap", "name"), ("secret", "secretName"))
_HASHED = re.compile(r"(.+)(-[0-9a-f]{8,64})")


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that read alike."""

    operation: Operation
    type: str
    reasons: tuple[Reason, ...]
    differences: tuple[tuple[Difference, str, str], ...]
    """Each with its values as texts."""
    notes: tuple[str, ...]
    uncertain: bool
    refused: bool
    cause: str
    members: tuple[Change, ...]
    names: tuple[str, ...]
    """Without regions and stacks, if there are several."""
    places: str
    """`prod: us-east-1, us-west-2; staging`."""

    @property
    def danger(self) -> Danger:
        """That of every member."""
        return self.reasons[0].danger


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """One control that says the same of several resources."""

    first: PolicyChange
    members: tuple[PolicyChange, ...]
    names: tuple[str, ...]
    places: str


def folded(changes: Iterable[Change]) -> list[Group]:
    """Groups in the order of their first change."""
    by_likeness: dict[str, list[Change]] = {}
    for change in changes:
        by_likeness.setdefault(json.dumps(_likeness(change, _general(change))), []).append(change)
    return [_group(members) for members in by_likeness.values()]


def folded_policies(changes: Iterable[PolicyChange]) -> list[PolicyGroup]:
    """Groups in the order of their first change."""
    found: dict[tuple[str, ...], list[PolicyChange]] = {}
    for each in changes:
        message = _placed(each.region, each.stack)(each.message)
        found.setdefault((each.control, each.enforcement, each.before, each.after, each.type, message), []).append(each)
    return [
        PolicyGroup(
            members[0],
            tuple(members),
            _names([(each.name, each.region, each.stack) for each in members]),
            _places([(each.stack, each.region) for each in members]),
        )
        for members in found.values()
    ]


def _likeness(change: Change, said: Callable[[str], str]) -> list[object]:
    """What makes two changes the same to a reader."""
    return [
        change.operation,
        change.type,
        change.uncertain,
        change.refused,
        change.notes,
        said(change.cause),
        [[each.danger, each.text, [said(text) for text in each.found]] for each in change.reasons],
        [
            [said(each.path), said(_whole(each.before)), said(_whole(each.after)), each.replaces, each.follows]
            for each in change.differences
        ],
    ]


def _whole(value: object) -> str:
    return json.dumps(value, default=str, sort_keys=True)


def _group(members: Sequence[Change]) -> Group:
    first = members[0]
    said = _wording(members)
    differences: list[tuple[Difference, str, str]] = []
    for each in first.differences:
        before, after = before_and_after(each)
        differences.append((replace(each, path=said(each.path)), said(before), said(after)))
    return Group(
        operation=first.operation,
        type=first.type,
        reasons=tuple(Reason(each.danger, each.text, tuple(map(said, each.found))) for each in first.reasons),
        differences=tuple(differences),
        notes=first.notes,
        uncertain=first.uncertain,
        refused=first.refused,
        cause=said(first.cause),
        members=tuple(members),
        names=_names([(each.name, each.region, each.stack) for each in members]),
        places=_places([(each.stack, each.region) for each in members]),
    )


def _wording(members: Sequence[Change]) -> Callable[[str], str]:
    """As exact as all members allow: their own texts, without region and stack, without identifiers."""
    first = members[0]
    if len({json.dumps(_likeness(each, str)) for each in members}) == 1:
        return str
    if len({(each.region, each.stack) for each in members}) == 1:
        return _without_identifiers(first)
    # the account of all of them distinguishes none
    several = len({each.account for each in members}) > 1
    if len({json.dumps(_likeness(each, _placed_change(each, with_account=several))) for each in members}) == 1:
        return _placed_change(first, with_account=several)
    return _general(first, with_account=several)


def _general(change: Change, *, with_account: bool = True) -> Callable[[str], str]:
    placed, bare = _placed_change(change, with_account=with_account), _without_identifiers(change)
    return lambda text: bare(placed(text))


def _placed_change(change: Change, *, with_account: bool) -> Callable[[str], str]:
    return _placed(change.region, change.stack, change.account if with_account else "")


def _without_identifiers(change: Change) -> Callable[[str], str]:
    hashes = _hashes(change)

    def said(text: str) -> str:
        for each in hashes:
            text = text.replace(each, f"-{_HASH}")
        return _IDENTIFIERS.sub(_ID, text)

    return said


def _hashes(change: Change) -> set[str]:
    """Ends of the names of files for pods, where those change with their content: another in each stack that has other content."""
    found: set[str] = set()
    for each in change.differences:
        if each.names[-2:] in _NAMED_AFTER_CONTENT and isinstance(each.before, str) and isinstance(each.after, str):
            before, after = _HASHED.fullmatch(each.before), _HASHED.fullmatch(each.after)
            if before and after and before[1] == after[1]:
                found |= {before[2], after[2]}
    return found


def _placed(region: str, stack: str, account: str = "") -> Callable[[str], str]:
    """Puts words in place of the region, the stack and the stack's own account that a text names."""
    patterns = [
        (re.compile(rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])"), word)
        for each, word in ((stack, _STACK), (account, _ACCOUNT))
        if each
    ]

    def said(text: str) -> str:
        text = text.replace(region, _REGION) if region else text
        for pattern, word in patterns:
            text = pattern.sub(word, text)
        return text

    return said


def _names(members: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    plain = tuple(dict.fromkeys(name for name, _, _ in members))
    general = tuple(dict.fromkeys(_placed(region, stack)(name) for name, region, stack in members))
    return general if len(general) < len(plain) else plain


def _places(members: Sequence[tuple[str, str]]) -> str:
    regions: dict[str, list[str]] = {}
    for stack, region in members:
        regions.setdefault(stack, []).append(region)
    return "; ".join(
        f"{stack}: {', '.join(named)}" if (named := sorted({each for each in here if each})) else stack for stack, here in regions.items()
    )
