"""A digest as a comment of a code hosting service, in as many words as fit into one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mastertrade.changes.folding import Group, PolicyGroup, folded, folded_policies
from mastertrade.changes.model import Danger, Digest, Operation
from mastertrade.changes.wording import FURTHER, HEADINGS, WORDS, effect, inert, plural, short_type, shortened

__all__ = ["LIMIT", "MARK", "as_markdown"]

LIMIT = 65_536
"""Characters that a comment may have on GitHub; other services allow more."""
MARK = "<!-- mastertrade digest -->"
"""First line: by it a pipeline finds the comment that it wrote before."""

_GRAVE = (Danger.DATA_LOSS, Danger.EXPOSURE)
_MODERATE = (Danger.OUTAGE, Danger.IDENTITY)
_LIGHT = (Danger.COST, Danger.OTHER, Danger.HARMLESS)
_MOST_STACKS = 50
_FOLDED = "Shortened to fit into a comment: the whole is in the JSON document."


@dataclass(frozen=True, slots=True)
class _Form:
    """How much is said. Forms get shorter; each says less of what is least dangerous."""

    values: frozenset[Danger]
    """Dangers of which values are shown."""
    lines: frozenset[Danger]
    """Dangers of which each group has a line; of the others types are counted."""
    names: int
    """How many names a line has."""
    found: int
    """How many properties, actions, addresses a reason has."""
    policies: int
    """How many lines policies have."""
    kinds: int
    """How many lines there are for changes that are only counted; of the gravest dangers there are always all."""


def _form(values: Iterable[Danger], lines: Iterable[Danger], names: int, found: int, policies: int, kinds: int) -> _Form:
    return _Form(frozenset(values), frozenset(lines), names, found, policies, kinds)


_FORMS = (
    _form(Danger, Danger, 40, 40, 200, 0),
    _form((*_GRAVE, *_MODERATE, Danger.COST, Danger.OTHER), (*_GRAVE, *_MODERATE, Danger.COST, Danger.OTHER), 20, 20, 100, 100),
    _form((*_GRAVE, *_MODERATE), (*_GRAVE, *_MODERATE), 20, 20, 50, 50),
    _form(_GRAVE, (*_GRAVE, *_MODERATE), 10, 10, 50, 50),
    _form((), (*_GRAVE, *_MODERATE), 5, 5, 20, 30),
    _form((), _GRAVE, 5, 5, 20, 30),
    _form((), _GRAVE, 2, 1, 10, 10),
    _form((), (), 1, 1, 5, 10),
)


def as_markdown(digest: Digest, limit: int = LIMIT) -> str:
    """The comment, at most `limit` characters. What is dangerous is folded last and counted always."""
    groups, policies = folded(digest.changes), folded_policies(digest.policies)
    for form in _FORMS:
        text = _within(limit, _lines(digest, groups, policies, form, is_short=form is not _FORMS[0]))
        if text is not None:
            return text
    # a digest of so many types that even counting them takes too long
    return "\n".join(_counts_only(digest)) + "\n"


def _within(limit: int, lines: Iterable[str]) -> str | None:
    """The lines as one text; None, as soon as they are longer than the limit."""
    written: list[str] = []
    for line in lines:
        limit -= len(line) + 1
        if limit < 0:
            return None
        written.append(f"{line}\n")
    return "".join(written)


def _lines(digest: Digest, groups: Sequence[Group], policies: Sequence[PolicyGroup], form: _Form, *, is_short: bool) -> Iterator[str]:
    yield from _heading(digest)
    if is_short:
        yield from (f"_{_FOLDED}_", "")
    for danger in Danger:
        here = [each for each in groups if each.danger is danger]
        if here:
            yield from _section(danger, here, form)
    yield from _policies(policies, form)


def _heading(digest: Digest) -> Iterator[str]:
    yield MARK
    yield f"## Change digest: {_code(digest.before)} → {_code(digest.after)}"
    yield ""
    operations = tuple(reversed(Operation))
    yield f"| Stack | {' | '.join(WORDS[each] for each in operations)} | unchanged |"
    yield f"|---|{'--:|' * (len(operations) + 1)}"
    for stack in digest.stacks[:_MOST_STACKS]:
        counts = " | ".join("?" if stack.error else str(stack.counts.get(each, 0)) for each in operations)
        yield f"| {_cell(stack.stack)} | {counts} | {'?' if stack.error else stack.unchanged} |"
    if len(digest.stacks) > _MOST_STACKS:
        yield f"\nand {plural(len(digest.stacks) - _MOST_STACKS, 'stack')} more"
    yield ""
    if digest.changes:
        yield _numbers(digest.dangers())
        if any(digest.further_dangers().values()):
            yield ""
            yield f"{FURTHER}: {_numbers(digest.further_dangers())}"
    elif not any(stack.error for stack in digest.stacks):
        yield "**No changes.**"
    yield ""
    for stack in digest.stacks[:_MOST_STACKS]:
        if stack.error:
            yield f"> **{_code(stack.stack)}**: {'; '.join(stack.notes)}: {_code(stack.error, 400)}"
            yield ""
    notes = dict.fromkeys((*digest.notes, *(note for stack in digest.stacks if not stack.error for note in stack.notes)))
    for note in notes:
        yield f"> {note}"
    if notes:
        yield ""


def _numbers(counts: Mapping[Danger, int]) -> str:
    named = ((each, f"{HEADINGS[each]}: {count}") for each, count in counts.items() if count)
    return ", ".join(f"**{text}**" if each in _GRAVE else text for each, text in named)


def _section(danger: Danger, groups: Sequence[Group], form: _Form) -> Iterator[str]:
    count = plural(sum(len(each.members) for each in groups), "change")
    is_open = danger not in _LIGHT
    if is_open:
        yield f"### {HEADINGS[danger]}: {count}"
    else:
        yield f"<details><summary>{HEADINGS[danger]}: {count}</summary>"
    yield ""
    if danger in form.lines:
        for group in groups:
            yield from _group(group, form)
    else:
        yield from _counted(groups, form, len(groups) if danger in _GRAVE else form.kinds)
    yield ""
    if not is_open:
        yield "</details>"
        yield ""


def _group(group: Group, form: _Form) -> Iterator[str]:
    doubt = "perhaps " if group.uncertain else ""
    refused = " **(refused: protected)**" if group.refused else ""
    source = group.members[0].source
    where = f" · {_code(source)}" if source else ""
    count = f"{len(group.members)} × " if len(group.members) > 1 else ""
    head = f"- {doubt}**{group.operation}** {count}{_code(short_type(group.type))} {_codes(group.names, form.names)}{refused}"
    yield f"{head} · {_code(group.places)}{where}"
    for reason in group.reasons:
        found = f": {_codes(reason.found, form.found)}" if reason.found else ""
        yield f"  - {reason.text}{found}"
    if group.danger in form.values:
        for difference, before, after in group.differences:
            marks = effect(difference)
            yield f"  - {_code(difference.path)}: {_code(before)} → {_code(after)}{f' _({marks})_' if marks else ''}"
    if group.cause:
        yield f"  - _follows from the replacement of_ {_code(group.cause)}"
    for note in group.notes:
        yield f"  - _{note}_"


def _counted(groups: Iterable[Group], form: _Form, most: int) -> Iterator[str]:
    """A line for each operation, type and reason; names as many as there is room for."""
    together: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        together.setdefault((group.operation, short_type(group.type), group.reasons[0].text), []).append(group)
    for (operation, type_, text), here in list(together.items())[:most]:
        names = [name for each in here for name in each.names]
        count = sum(len(each.members) for each in here)
        yield f"- {count} × **{operation}** {_code(type_, 60)}: {text} ({_codes(names, form.names)})"
    rest = [group for here in list(together.values())[most:] for group in here]
    if rest:
        yield f"- and {plural(sum(len(each.members) for each in rest), 'change')} more"


def _policies(groups: Sequence[PolicyGroup], form: _Form) -> Iterator[str]:
    if not groups:
        return
    states = Counter(
        "worse" if each.first.worse else "better" if each.first.better else "different" for each in groups for _ in each.members
    )
    yield f"### Policies: {', '.join(f'{count} {name}' for name, count in states.items())}"
    yield ""
    for group in groups[: form.policies]:
        first = group.first
        after = f"**{first.after}**" if first.worse else first.after
        marks = ", ".join(filter(None, (first.severity, first.enforcement)))
        message = f": {_code(first.message, 300)}" if first.message and first.after != "pass" else ""
        yield (
            f"- {first.before or 'not judged'} → {after} {_code(first.control)} ({_code(marks)}) "
            f"{_codes(group.names, form.names)} · {_code(group.places)}{message}"
        )
    if len(groups) > form.policies:
        rest = sum(len(each.members) for each in groups[form.policies :])
        yield f"- and {plural(rest, 'verdict')} more, none of them graver"
    yield ""


def _counts_only(digest: Digest) -> Iterator[str]:
    yield MARK
    yield "## Change digest"
    yield ""
    yield f"_{_FOLDED}_"
    yield ""
    for danger, count in digest.dangers().items():
        if count:
            yield f"- {HEADINGS[danger]}: {plural(count, 'change')}"
    if any(digest.further_dangers().values()):
        yield f"- {FURTHER}: {_numbers(digest.further_dangers())}"
    worse = sum(each.worse for each in digest.policies)
    yield f"- Policies: {plural(len(digest.policies), 'verdict')} changed, {worse} for the worse"


def _codes(texts: Sequence[str], most: int) -> str:
    shown = ", ".join(_code(each) for each in texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def _code(text: str, limit: int = 120) -> str:
    """Foreign text as a code span, in which nothing is markup, a mention or a reference; longer than any run of backticks inside."""
    plain = shortened(inert(text), limit) or " "
    longest = run = 0
    for each in plain:
        run = run + 1 if each == "`" else 0
        longest = max(longest, run)
    fence = "`" * (longest + 1)
    space = " " if plain[0] == "`" or plain[-1] == "`" else ""
    return f"{fence}{space}{plain}{space}{fence}"


def _cell(text: str) -> str:
    # a table is cut at its bars before anything else is read
    return _code(text).replace("|", "\\|")
