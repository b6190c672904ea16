"""Which resource of one version is which of the other: by URN, or by the aliases that Pulumi would follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mastertrade.offline.evaluation import Resource, qualified_type

__all__ = ["Pair", "pairs"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A resource before and after; one of them may be missing."""

    before: Resource | None
    after: Resource | None


def pairs(before: Iterable[Resource], after: Iterable[Resource]) -> list[Pair]:
    """Every resource of both sides, in the order of the later one; what is only in the earlier one comes last."""
    left = {each.urn: each for each in before}
    present = list(after)
    aliases = _all_aliases(present)
    found: list[Pair] = []
    known = {each.urn for each in present}
    for resource in present:
        names = (resource.urn, *(each for each in aliases[resource.urn] if each not in known))
        match = next((left.pop(urn) for urn in names if urn in left), None)
        found.append(Pair(match, resource))
    return [*found, *(Pair(each, None) for each in left.values())]


def _all_aliases(resources: Iterable[Resource]) -> Mapping[str, list[str]]:
    """By URN, as the engine finds them: a resource's own aliases, and those that follow from its parents'."""
    by_urn = {each.urn: each for each in resources}
    found: dict[str, list[str]] = {}
    # parents come before their children
    for resource in by_urn.values():
        own = list(resource.aliases)
        parent = by_urn.get(resource.parent)
        if parent is not None:
            for alias in found.get(parent.urn, ()):
                own.append(_inherited(resource.name, resource.type, parent.name, alias))
                own += [_inherited(_name(each), _type(each), parent.name, alias) for each in resource.aliases]
        found[resource.urn] = list(dict.fromkeys(own))
    return found


def _inherited(name: str, type_: str, parent_name: str, parent_alias: str) -> str:
    """The URN that a child had while its parent had another; names that begin with the parent's follow it."""
    head = parent_alias.split("::", 2)
    old = _name(parent_alias) + name[len(parent_name) :] if parent_name and name.startswith(parent_name) else name
    return f"{head[0]}::{head[1]}::{qualified_type(parent_alias)}${type_}::{old}"


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]


def _type(urn: str) -> str:
    return qualified_type(urn).rsplit("$", 1)[-1]
