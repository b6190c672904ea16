"""A digest for a terminal."""

from collections.abc import Iterable, Iterator, Mapping

import click

from mastertrade.changes.folding import Group, folded, folded_policies
from mastertrade.changes.model import Danger, Digest, Operation
from mastertrade.changes.wording import FURTHER, HEADINGS, WORDS, effect, inert, plural, short_type, shortened

__all__ = ["as_text"]

_COLOURS = {
    Danger.DATA_LOSS: "red",
    Danger.EXPOSURE: "red",
    Danger.OUTAGE: "yellow",
    Danger.IDENTITY: "yellow",
    Danger.COST: "cyan",
    Danger.OTHER: "white",
    Danger.HARMLESS: "bright_black",
}
_MARGIN = " " * 11
_MOST_NAMES = 12
_MOST_DIFFERENCES = 20
"""Of one resource; a dashboard can have hundreds."""


def as_text(digest: Digest, *, colour: bool) -> str:
    """The whole digest. Without `colour` there is none."""
    text = "\n".join(_lines(digest)) + "\n"
    return text if colour else click.unstyle(text)


def _lines(digest: Digest) -> Iterator[str]:
    yield click.style(f"{inert(digest.before)} → {inert(digest.after)}", bold=True)
    yield ""
    yield from _overview(digest)
    groups = folded(digest.changes)
    for danger in Danger:
        here = [each for each in groups if each.danger is danger]
        if here:
            count = sum(len(each.members) for each in here)
            yield ""
            yield click.style(f"{HEADINGS[danger]}: {plural(count, 'change')}", fg=_COLOURS[danger], bold=True)
            for group in here:
                yield from _group(group)
    yield from _policies(digest)


def _overview(digest: Digest) -> Iterator[str]:
    operations = tuple(reversed(Operation))
    width = max((len(each.stack) for each in digest.stacks), default=5)
    width = min(max(width, len("stack")), 40)
    yield f"{'stack':<{width}}  {'  '.join(f'{WORDS[each]:>9}' for each in operations)}  unchanged"
    for stack in digest.stacks:
        name = shortened(inert(stack.stack), width)
        if stack.error:
            yield f"{name:<{width}}  {shortened(inert(stack.error))}"
        else:
            counts = "  ".join(f"{stack.counts.get(each, 0):>9}" for each in operations)
            yield f"{name:<{width}}  {counts}  {stack.unchanged:>9}"
    for note in (*digest.notes, *dict.fromkeys(note for stack in digest.stacks for note in stack.notes)):
        yield click.style(f"note: {inert(note)}", fg="bright_black")
    if digest.changes:
        yield ""
        yield _numbers(digest.dangers())
        if any(digest.further_dangers().values()):
            yield f"{FURTHER}: {_numbers(digest.further_dangers())}"
    elif not any(stack.error for stack in digest.stacks):
        yield ""
        yield "no changes"


def _numbers(counts: Mapping[Danger, int]) -> str:
    return ", ".join(click.style(f"{HEADINGS[each]}: {count}", fg=_COLOURS[each]) for each, count in counts.items() if count)


def _group(group: Group) -> Iterator[str]:
    source = group.members[0].source
    where = f"  {inert(group.places)}" + (click.style(f"  {inert(source)}", fg="bright_black") if source else "")
    does = click.style(f"{group.operation + ('?' if group.uncertain else ''):<8}", bold=True)
    refused = click.style(" refused", fg="red") if group.refused else ""
    yield f"  {click.style(f'{does:<8}', bold=True)}{refused}  {inert(short_type(group.type))} {_listed(group.names)}{where}"
    for reason in group.reasons:
        found = f": {_listed(reason.found)}" if reason.found else ""
        yield _MARGIN + click.style(reason.text, fg=_COLOURS[reason.danger]) + found
    for difference, before, after in group.differences[:_MOST_DIFFERENCES]:
        marks = effect(difference)
        yield f"{_MARGIN}{inert(shortened(difference.path))}: {before} → {after}{f' ({marks})' if marks else ''}"
    if (more := len(group.differences) - _MOST_DIFFERENCES) > 0:
        yield click.style(f"{_MARGIN}… {more} more: --format json has them", fg="bright_black")
    if group.cause:
        yield click.style(f"{_MARGIN}follows from the replacement of {shortened(inert(group.cause))}", fg="bright_black")
    for note in group.notes:
        yield click.style(_MARGIN + note, fg="bright_black")


def _listed(names: Iterable[str]) -> str:
    every = [shortened(inert(each)) for each in names]
    more = f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more


def _policies(digest: Digest) -> Iterator[str]:
    groups = folded_policies(digest.policies)
    if groups:
        yield ""
        yield click.style(f"Policies: {plural(sum(len(each.members) for each in groups), 'verdict')} changed", bold=True)
    for group in groups:
        first = group.first
        colour = "red" if first.worse else "green" if first.better else None
        verdict = click.style(f"{first.before or 'not judged'} → {first.after}", fg=colour)
        marks = ", ".join(filter(None, (first.severity, first.enforcement)))
        yield f"  {verdict}  {inert(first.control)} ({inert(marks)})  {_listed(group.names)}  {inert(group.places)}"
        if first.message and first.after != "pass":
            yield _MARGIN + shortened(inert(first.message), 300)
