"""Compares two sides of a stack as Pulumi would, and ranks what changes."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mastertrade.changes.dangers import Subject, reasons
from mastertrade.changes.differences import differences, ignored, leaves
from mastertrade.changes.matching import Pair, pairs
from mastertrade.changes.model import OPTION, Change, Danger, Difference, Operation, Reason, Replaces, StackDigest, in_order
from mastertrade.changes.policy_changes import policy_changes
from mastertrade.changes.replacements import known, replaces
from mastertrade.changes.sides import Side
from mastertrade.offline.evaluation import Resource
from mastertrade.values import HIDDEN_UNKNOWN, Plain

__all__ = ["change_of", "compare"]

_REPLACING = (Replaces.ALWAYS, Replaces.PERHAPS, Replaces.NO)
_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):")
_SHORTEST_IDENTIFIER = 6
"""What is shorter stands in many a value by chance."""


def compare(before: Side, after: Side) -> StackDigest:
    """What Pulumi would do to come from one side to the other."""
    if before.error or after.error:
        note = f"nothing can be told: the program fails {'before' if before.error else 'after'} the change"
        return StackDigest(after.stack, after.project, notes=(note,), error=before.error or after.error)
    found = pairs(before.resources, after.resources)
    steps = [_step(each, real=before.real) for each in found if _is_managed(each)]
    _spread(steps, {each.urn: each for each in after.resources})
    gone = {step.urn for step in steps if step.operation is Operation.DELETE}
    account = _account(after) or _account(before)
    changes = sorted((replace(_change(after.stack, step, gone), account=account) for step in steps if step.operation), key=in_order)
    renamed = {each.before.urn: each.after.urn for each in found if each.before and each.after}
    return StackDigest(
        stack=after.stack,
        project=after.project or before.project,
        counts=dict(Counter(each.operation for each in changes)),
        unchanged=sum(step.operation is None for step in steps),
        changes=tuple(changes),
        policies=tuple(policy_changes(before, after, renamed)),
        notes=(*before.notes, *after.notes),
    )


def change_of(stack: str, operation: Operation, pair: Pair, found: Sequence[Difference]) -> Change:
    """The change that somebody else, Pulumi's own preview, says is made."""
    return _change(stack, _Step(pair, operation, list(found)), set())


@dataclass
class _Step:
    """What happens to one resource."""

    pair: Pair
    operation: Operation | None = None
    """None where nothing does."""
    differences: list[Difference] = field(default_factory=list[Difference])
    uncertain: bool = False
    cause: str = ""
    """Name of the replaced resource from which all of this follows."""

    @property
    def urn(self) -> str:
        resource = self.pair.after or self.pair.before
        return resource.urn if resource else ""

    def settle(self) -> None:
        """Decides from the differences."""
        found = {each.replaces for each in self.differences}
        if found & {Replaces.ALWAYS, Replaces.PERHAPS}:
            self.operation, self.uncertain = Operation.REPLACE, Replaces.ALWAYS not in found
        else:
            self.operation, self.uncertain = (Operation.UPDATE if found else None), False


def _account(side: Side) -> str:
    """The account of most resources; others may be named in their properties."""
    found = Counter(match[1] for each in side.resources if (match := _ARN.match(str(each.outputs.get("arn", "")))))
    return next((account for account, _ in found.most_common(1)), "")


def _step(pair: Pair, *, real: bool) -> _Step:
    before, after = pair.before, pair.after
    if before is None or after is None:
        return _Step(pair, Operation.CREATE if before is None else Operation.DELETE)
    step = _Step(pair, differences=[*_properties(before, after, real=real), *_options(before, after)])
    if before.type != after.type:
        # an alias may bring a resource from a type that the provider calls the same
        step.differences.append(Difference("type" + OPTION, ("type",), before.type, after.type, Replaces.PERHAPS))
    step.settle()
    return step


def _is_managed(pair: Pair) -> bool:
    """Components are names for what is inside of them; what is only read is managed elsewhere."""
    return all(each is None or (each.custom and not each.external) for each in (pair.before, pair.after))


def _properties(before: Resource, after: Resource, *, real: bool) -> Iterator[Difference]:
    for each in differences(before.inputs, after.inputs):
        if ignored(each, after.ignore_changes):
            continue
        # most of AWS's lists are sets: another order is no other value
        forced = Replaces.NO if _is_reordered(each) else replaces(after.type, each.names, after.replace_on_changes)
        follows = real and bool(after.property_dependencies.get(each.names[0]))
        if follows and forced is Replaces.ALWAYS:
            forced = Replaces.PERHAPS
        yield replace(each, replaces=forced, follows=follows)


def _is_reordered(difference: Difference) -> bool:
    before, after = difference.before, difference.after
    return isinstance(before, list) and isinstance(after, list) and sorted(map(repr, before)) == sorted(map(repr, after))  # pyright: ignore[reportUnknownArgumentType]


def _options(before: Resource, after: Resource) -> Iterator[Difference]:
    for name, old, new in (
        ("protect", before.protect, after.protect),
        ("retainOnDelete", before.retain_on_delete, after.retain_on_delete),
        ("deletedWith", _last(before.deleted_with), _last(after.deleted_with)),
    ):
        if old != new:
            yield Difference(name + OPTION, (name,), old, new)
    old, new = _provider(before), _provider(after)
    if old != new:
        # the engine creates with the new provider and deletes with the old one
        yield Difference("provider" + OPTION, ("provider",), old, new, Replaces.ALWAYS)


def _provider(resource: Resource) -> str:
    """Name of the provider; those that Pulumi makes by itself have one for each version."""
    name = _last(resource.provider)
    return "default" if not name or name == "default" or name.startswith("default_") else name


def _last(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


# -- what follows from replacements -------------------------------------------------------------------------------


def _spread(steps: Sequence[_Step], present: Mapping[str, Resource]) -> None:
    """A replaced resource has a new identity: what refers to it changes too, and may be replaced in its turn."""
    by_urn = {step.urn: step for step in steps}
    dependents: dict[str, list[_Step]] = {}
    for step in steps:
        if step.pair.before and step.pair.after:
            for urn in _needed(step.pair.after):
                dependents.setdefault(urn, []).append(step)
    waiting = [step for step in steps if step.operation is Operation.REPLACE]
    while waiting:
        replaced = waiting.pop()
        texts = _computed(present[replaced.urn])
        for step in dependents.get(replaced.urn, ()):
            was = step.operation, step.uncertain
            _follow(step, replaced, texts)
            if step.operation is Operation.REPLACE and (step.operation, step.uncertain) != was:
                waiting.append(by_urn[step.urn])


def _needed(resource: Resource) -> set[str]:
    return {urn for urns in resource.property_dependencies.values() for urn in urns} | ({resource.provider} if resource.provider else set())


def _follow(step: _Step, replaced: _Step, texts: set[str]) -> None:
    after = step.pair.after
    if after is None:
        return
    had_own = bool(step.differences)
    have = {each.path: place for place, each in enumerate(step.differences)}
    for each in _references(after, replaced.urn, texts):
        forced = replaces(after.type, each.names, after.replace_on_changes)
        if forced is Replaces.ALWAYS and replaced.uncertain:
            forced = Replaces.PERHAPS
        if each.path not in have:
            if not ignored(each, after.ignore_changes):
                step.differences.append(replace(each, replaces=forced))
        elif step.differences[have[each.path]].replaces is Replaces.PERHAPS and forced is Replaces.ALWAYS:
            step.differences[have[each.path]] = replace(step.differences[have[each.path]], replaces=forced)
    if after.provider == replaced.urn and f"provider{OPTION}" not in have:
        forced = Replaces.PERHAPS if replaced.uncertain else Replaces.ALWAYS
        step.differences.append(Difference("provider" + OPTION, ("provider",), _last(replaced.urn), HIDDEN_UNKNOWN, forced))
    if step.differences and not had_own:
        step.cause = replaced.cause or _last(replaced.urn)
    step.settle()


def _references(resource: Resource, urn: str, texts: set[str]) -> Iterator[Difference]:
    """Properties of a resource that hold something which the cloud gives to another."""
    for name, urns in resource.property_dependencies.items():
        if urn not in urns or name not in resource.inputs:
            continue
        for leaf in leaves({}, {name: resource.inputs[name]}):
            if any(text in each for each in _texts(leaf.after) for text in texts):
                yield replace(leaf, before=leaf.after, after=HIDDEN_UNKNOWN)


def _computed(resource: Resource) -> set[str]:
    """Texts that only the cloud knows of a resource."""
    stated = set(_texts(resource.inputs))
    found = {*_texts(resource.outputs), *_texts(resource.id)} - stated
    return {each for each in found if len(each) >= _SHORTEST_IDENTIFIER and not each.startswith("[")}


def _texts(value: Plain) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(each)


# -- how a change is told -----------------------------------------------------------------------------------------


def _change(stack: str, step: _Step, gone: set[str]) -> Change:
    before, after = step.pair.before, step.pair.after
    resource = after or before
    if resource is None or step.operation is None:
        raise ValueError("a change is of a resource")
    aliased = before is not None and after is not None and before.urn != after.urn
    why = reasons(Subject(step.operation, before, after, tuple(step.differences)))
    return Change(
        stack=stack,
        operation=step.operation,
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        region=resource.region,
        source=str(resource.source) if after is not None and resource.source else "",
        old_urn=before.urn if before is not None and aliased else "",
        differences=tuple(_gravest_first(step.differences, why)),
        reasons=why,
        notes=tuple(_notes(step, gone)),
        uncertain=step.uncertain,
        cause=step.cause,
        refused=before is not None and before.protect and step.operation in (Operation.DELETE, Operation.REPLACE),
    )


def _gravest_first(found: Sequence[Difference], why: Sequence[Reason]) -> list[Difference]:
    """What replaces, then Pulumi's options, then what the reasons name, the worst of them first."""
    named = [(path, reason.danger.rank) for reason in why for path in reason.found]

    def rank(difference: Difference) -> tuple[int, bool, int]:
        # a reason names a single value, a difference perhaps the block around it
        path, inside = difference.path, (f"{difference.path}.", f"{difference.path}[")
        worst = min((danger for name, danger in named if name == path or name.startswith(inside)), default=len(Danger))
        return _REPLACING.index(difference.replaces), not path.endswith(OPTION), worst

    return sorted(found, key=rank)


def _notes(step: _Step, gone: set[str]) -> Iterator[str]:
    before, after, operation = step.pair.before, step.pair.after, step.operation
    if before and after and before.urn != after.urn:
        yield "known under another name until now: an alias keeps it"
    if operation is Operation.UPDATE and after and after.type.startswith("aws:") and not known(after.type).sources:
        yield "which changes replace a resource of this type is not known"
    if before is None or operation not in (Operation.DELETE, Operation.REPLACE):
        return
    if step.uncertain:
        yield "perhaps updated in place: what decides it is not known offline"
    if before.protect:
        yield "Pulumi refuses: the resource is protected. Take `protect` off, deploy, then change it"
    if before.retain_on_delete:
        yield "`retainOnDelete`: Pulumi forgets it and leaves it where it is"
    elif operation is Operation.DELETE and before.deleted_with in gone:
        yield "goes with what it is `deletedWith`: Pulumi does not delete it by itself"
    if before.inputs.get("deletionProtection") in (True, "ACTIVE") or before.inputs.get("enableDeletionProtection") is True:
        yield "AWS refuses while protection against deletion is on"
    if before.inputs.get("finalSnapshotIdentifier") and before.inputs.get("skipFinalSnapshot") is not True:
        yield "a final snapshot is taken"
