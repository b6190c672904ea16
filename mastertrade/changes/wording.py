"""How values and names read, in every output: inert, in one line, and short."""

import json
import unicodedata

from mastertrade.changes.model import Absent, Danger, Difference, Operation, Replaces
from mastertrade.values import Plain

__all__ = ["FURTHER", "HEADINGS", "WORDS", "before_and_after", "effect", "inert", "plural", "short_type", "shortened"]

LONGEST = 120
_CONTEXT = 24
"""Of two long values, so much is shown before the place where they part."""
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")

HEADINGS = {
    Danger.DATA_LOSS: "Data loss",
    Danger.EXPOSURE: "Exposure",
    Danger.OUTAGE: "Outage",
    Danger.IDENTITY: "Identity",
    Danger.COST: "Cost",
    Danger.OTHER: "Other",
    Danger.HARMLESS: "Harmless",
}

FURTHER = "Each change is counted under its gravest danger; dangers beside those"
"""Begins the counts of what stands in sections of something graver."""

WORDS = {Operation.CREATE: "created", Operation.UPDATE: "updated", Operation.REPLACE: "replaced", Operation.DELETE: "deleted"}


def inert(text: str) -> str:
    """A text in which nothing steers a terminal, a page or the direction of reading: such characters are spelt out."""
    # nearly every text: nothing that Python prints as it is belongs to the hidden categories
    if text.isprintable():
        return text
    return "".join(each if unicodedata.category(each) not in _HIDDEN_CATEGORIES else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) < 0x10000 else f"\\U{ord(character):08x}"  # noqa: PLR2004 - the basic plane


def shortened(text: str, limit: int = LONGEST) -> str:
    """The beginning of a long text, and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def before_and_after(difference: Difference) -> tuple[str, str]:
    """Both values as short texts. Of long ones that begin alike, the part where they differ."""
    before, after = _text(difference.before), _text(difference.after)
    alike = next((place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    if max(len(before), len(after)) > LONGEST and alike > _CONTEXT:
        before, after = (f"…{each[alike - _CONTEXT :]}" for each in (before, after))
    return inert(shortened(before)), inert(shortened(after))


def _text(value: Plain | Absent) -> str:
    if isinstance(value, Absent):
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def effect(difference: Difference) -> str:
    """What a difference entails, in a word or two; empty where it entails nothing."""
    words = {Replaces.ALWAYS: "replaces", Replaces.PERHAPS: "perhaps replaces", Replaces.NO: ""}[difference.replaces]
    doubt = "may only look different" if difference.follows else ""
    return ", ".join(filter(None, (words, doubt)))


def short_type(type_: str) -> str:
    """`rds.Cluster` of `aws:rds/cluster:Cluster`, `apps.Deployment` of `kubernetes:apps/v1:Deployment`."""
    package, _, rest = type_.partition(":")
    module, _, name = rest.rpartition(":")
    service = module.split("/", 1)[0].split(".", 1)[0]
    if package == "pulumi":
        return f"provider.{name}"
    return f"{service if service not in ('', 'index') else package}.{name}"


def plural(count: int, word: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{count} {word if count == 1 else f'{word}s'}"
