"""A good stack file, broken in a thousand ways: each ends in a message that names the key, never in a traceback."""

import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from settings import SettingsError
from settings.defaults import DEFAULTS, merged
from settings.model import Environment
from tests.settings.stacks import load, stated

AT_LEAST = 1000
LONGEST_LINE = 1000

Path = tuple[str | int, ...]


def nested(levels: int, around: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = around(value)
    return value


VALUES: dict[str, Any] = {
    "true": True,
    "false": False,
    "minus one": -1,
    "a half": 0.5,
    "a million millions": 10**12,
    "four thousand digits": 10**4000,
    "tiny": 5e-324,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "empty text": "",
    "blank": " ",
    "word": "caturday",
    "python": "__import__('os')",
    "template": "${jndi:ldap://x}{{7*7}}%s%n",
    "markup": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "number as text": "17",
    "null as text": "null",
    "base64 of bytes": "AAEC/w==",
    "bytes as text": "b'\\x00\\xff'",
    "line ends": "a\r\nb\u2028c",
    "control characters": "\x00\x07\x1b[31mred\x1b[0m\x7f\x9b",
    "right to left": "\u202egnp.exe\u2066",
    "half a character": "\ud800",
    "not a character": "\uffff\ufdd0",
    "combining": "e" + "\u0301" * 100,
    "other digits": "١٢:٣٠",
    "a hundred kilobytes": "x" * 100_000,
    "empty list": [],
    "list": [1, "two", None],
    "list in a list": [[["use1-az1"]]],
    "ten thousand elements": ["element"] * 10_000,
    "empty mapping": {},
    "mapping": {"a": {"b": [{"c": None}]}},
    "ten thousand keys": {f"key{number}": number for number in range(10_000)},
    "keys of every kind": {"": 1, " ": 2, "\n": 3, "\x1b[2J": 4, "[key]": 5, "\udfff": 6, "k" * 10_000: 7, "a.b": 8, "0": 9},
    "mapping like a secret": {"secure": "v1:abc"},
    "five hundred lists": nested(500, lambda value: [value]),
    "five hundred mappings": nested(500, lambda value: {"deeper": value}),
}

KEYS = ("unknown", "Retention_Days", "retention-days", "[key]", "0", "__class__", "a b", "ключ", "x" * 300, "new\nline", "esc\x1b[2J", "")


@dataclass(frozen=True)
class Mutation:
    """A broken configuration, and the keys of which the message has to name one."""

    name: str
    values: dict[str, Any]
    keys: tuple[str, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """All places in a configuration, lists and mappings themselves included."""
    if path:
        yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in below:
        yield from paths(each, (*path, key))


def changed(value: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    """A copy of `value` in which `change` was done to the list or mapping that holds `path`."""
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    head, *rest = path
    if rest:
        copy[head] = changed(copy[head], tuple(rest), change)
    else:
        change(copy, head)
    return copy


def printable(key: str) -> str:
    """The part of a key that a message can be searched for."""
    for length, character in enumerate(key):
        if not character.isprintable():
            return key[:length]
    return key[:60]


def named(path: Path) -> tuple[str, ...]:
    """A mistake is named by its own key, or, where only the whole is wrong, by a key around it."""
    return tuple(".".join(str(part) for part in path[:depth]) for depth in range(len(path), 0, -1))


def mutations() -> Iterator[Mutation]:
    """Every place of production's settings with defaults in full, each broken in several ways drawn by lot."""
    lot = random.Random(20)
    good = merged(DEFAULTS[Environment.PROD], stated())
    for path in paths(good):
        where = ".".join(map(str, path))
        for kind in lot.sample(sorted(VALUES), 6):
            value = VALUES[kind]
            yield Mutation(
                f"{where} = {kind}", changed(good, path, lambda holder, key, value=value: holder.__setitem__(key, value)), named(path)
            )
        if isinstance(path[-1], str):
            for name in lot.sample(KEYS, 2):
                broken = changed(good, path, lambda holder, key, name=name: holder.__setitem__(name, holder.pop(key)))
                yield Mutation(f"{where} renamed to {name!r:.40}", broken, (printable(name), str(path[-1])))
            added = changed(good, path, lambda holder, key: holder.__setitem__(f"{key}_too", holder[key]))
            yield Mutation(f"{where} twice", added, (f"{path[-1]}_too",))


MUTATIONS = {mutation.name: mutation for mutation in mutations()}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, str | None]:
    """What each mutation ends in: the text of the error, or None where the settings load. Any other error fails here."""

    def outcome(mutation: Mutation) -> str | None:
        try:
            load(mutation.values)
        except SettingsError as error:
            return str(error)
        return None

    return {name: outcome(mutation) for name, mutation in MUTATIONS.items()}


def test_there_are_a_thousand_mutations_at_least() -> None:
    assert len(MUTATIONS) >= AT_LEAST


def test_nearly_every_mutation_is_refused(outcomes: dict[str, str | None]) -> None:
    accepted = [name for name, text in outcomes.items() if text is None]
    assert len(accepted) <= len(outcomes) // 10, accepted


def test_what_loads_in_spite_of_a_mutation_is_a_plain_value(outcomes: dict[str, str | None]) -> None:
    """Emptied lists, another truth value, a default for what is not stated; never anything from the wild part of the table."""
    plain = {"true", "false", "empty text", "empty list", "empty mapping", "null as text", "a million millions", "a half"}
    wild = [name for name, text in outcomes.items() if text is None and name.split(" = ")[-1] not in plain]
    assert wild == []


def test_every_message_names_the_mutated_key(outcomes: dict[str, str | None]) -> None:
    silent = [name for name, text in outcomes.items() if text and not any(key in text for key in MUTATIONS[name].keys)]
    assert silent == []


def test_most_messages_name_the_very_key_that_is_mistaken(outcomes: dict[str, str | None]) -> None:
    texts = [(text, MUTATIONS[name].keys[0]) for name, text in outcomes.items() if text]
    assert sum(key in text for text, key in texts) >= 0.9 * len(texts)


def test_no_line_of_a_message_is_longer_than_a_screen_can_show(outcomes: dict[str, str | None]) -> None:
    assert [name for name, text in outcomes.items() if text and max(map(len, text.splitlines())) > LONGEST_LINE] == []


def test_no_message_goes_on_for_pages(outcomes: dict[str, str | None]) -> None:
    assert [name for name, text in outcomes.items() if text and len(text.splitlines()) > 100] == []


def test_no_message_carries_control_characters(outcomes: dict[str, str | None]) -> None:
    def controls(text: str) -> bool:
        return any(unicodedata.category(character)[0] == "C" for line in text.split("\n") for character in line)

    assert [name for name, text in outcomes.items() if text and controls(text)] == []


def test_no_line_is_broken_by_what_was_found(outcomes: dict[str, str | None]) -> None:
    broken = [
        name
        for name, text in outcomes.items()
        if text and not all(line.startswith("  Pulumi.prod.yaml: ") for line in text.split("\n")[1:])
    ]
    assert broken == []


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 5_000, "{", "[1,", '"', "\x00", "nan", "1" * 5_000, "{'a': 1}", "- 1\n- 2", "true false"]
)
@pytest.mark.parametrize("key", ["database", "regions", "protect", "accountId", "environment"])
def test_text_that_is_no_json_is_named_by_its_key(key: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(stated() | {key: text})
    assert f"Pulumi.prod.yaml: {key}: " in str(caught.value)
