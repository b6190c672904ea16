"""What is secret in a line of a log, and the line without it. Names stay, values become `[redacted]`.

The time is linear in the length of a line: every pattern begins where only few places begin, and looks back at none of them.
What is redacted once stays as it is.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

REDACTED = "[redacted]"

# A word's beginning, also behind what JSON, Go and URLs escape
_BEGIN = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=\\u0026)|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"
_END = r"(?![\w-])"

_SECRET_NAMES = (
    r"pass(?:word|wd|phrase)s?",
    r"(?<=[_.\-])pwd",
    r"secret(?:[_\- ]?(?:access[_\- ]?)?key)?",
    r"token",
    r"(?:api|access)[_\- ]?key(?:[_\- ]?id)?",
    r"(?:private|signing|encryption|master|unseal|recovery|integration|service|listen)[_\- ]?key",
    r"signature",
    r"credentials?",
    r"session[_\- ]?(?:id|key)",
    r"(?:set-)?cookie",
    r"authorization",
    r"card[_\- ]?number",
    r"(?<![a-z])(?:cvv2?|cvc2?|otp)",
)
"""What ends the name of a secret: `DB_PASSWORD`, `apiKey`, `APCA-API-SECRET-KEY`, `X-Amz-Security-Token`, `listenKey`."""

_COUNTING_NAMES = r"(?:lease|fencing|next|page|paging|continuation)[_\- ]?token"
"""Tokens that are numbers of something, or places in a list."""


@dataclass(frozen=True)
class Rule:
    """Secrets that are known by how they look.

    `hints` are in small letters: without one of them there is none, which is told much faster than by the pattern. `kept` is what
    stands instead of what matches; `applies` may say of a match that it is no secret. `by_chance`: the ID of something may look so.
    """

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    kept: str = REDACTED
    applies: Callable[[re.Match[str]], bool] = lambda _: True
    by_chance: bool = False

    def redact(self, text: str, small: str) -> str:
        """The text without them. `small`: the line in small letters."""
        if self.hints and not any(hint in small for hint in self.hints):
            return text
        return self.pattern.sub(lambda found: found.expand(self.kept) if self.applies(found) else found.group(), text)


def _looks_random(found: re.Match[str]) -> bool:
    """Small letters, capitals and digits, as evenly as chance mixes them; hashes lack capitals, and words repeat themselves."""
    text = found.group()
    if _named_as_id(found) or not (re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search("[0-9]", text)):
        return False
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values()) >= _RANDOM_BITS


def _named_as_id(found: re.Match[str]) -> bool:
    return bool(_ID_BEFORE.search(found.string, max(0, found.start() - _CONTEXT), found.start()))


def _mixed(found: re.Match[str]) -> bool:
    """Letters with digits, capitals within or padding: what words of a sentence are not."""
    value = found.group("value")
    return bool(re.search(r"[0-9=+/]|[a-z][A-Z]|\.\w", value))


def _is_card(found: re.Match[str]) -> bool:
    """By its check digit (ISO/IEC 7812-1, annex B), unless it is said to be the ID of something."""
    if _named_as_id(found):
        return False
    digits = [int(character) for character in reversed(found.group()) if character.isdigit()]
    return sum(sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)) % 10 == 0


# 40 characters chosen by chance out of 64 have 4.75 bits each on average, seldom fewer than 4.5; names of 40 characters have about 4
_RANDOM_BITS = 4.5
_CONTEXT = 24
_ID_BEFORE = re.compile(r"(?i)(?:id|number|nr|no|seq|sequence|timestamp|time|ts|offset)(?:\\*[\"'])?\s*[:=#]?\s*(?:\\*[\"'])?\Z")
_LARGEST_PASSWORD = 256

RULES: tuple[Rule, ...] = (
    Rule(
        "private key",
        ("private key",),
        # up to the next line of dashes, a quote, or the end of what is cut
        re.compile(r'(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----)(?:[^-"\\]|-(?!----)|\\++(?!"))*'),
        rf"\1{REDACTED}",
    ),
    Rule(
        "password in a URL",
        ("://",),
        re.compile(rf"(://[^\s:/@\"'\\?#<>]{{0,128}}):[^\s/\"'\\?#<>]{{1,{_LARGEST_PASSWORD}}}@"),
        rf"\1:{REDACTED}@",
    ),
    Rule(
        "webhook",
        ("hooks.slack.com", "pagerduty.com"),
        re.compile(r"(hooks\.slack\.com/(?:services|workflows|triggers)/|events\.(?:eu\.)?pagerduty\.com/(?:integration|x-ere)/)[\w/\-]+"),
        rf"\1{REDACTED}",
    ),
    Rule(
        "listen key in a stream's address",
        ("/ws/", "/stream/"),
        re.compile(r"(/(?:ws|stream)/)[A-Za-z0-9]{60,64}" + _END),
        rf"\1{REDACTED}",
    ),
    # RFC 9110, 11.1 (scheme and credentials), RFC 6750 (Bearer), RFC 7617 (Basic), PagerDuty (Token)
    Rule(
        "credentials of a scheme",
        ("bearer", "basic", "token token="),
        re.compile(_BEGIN + r"((?i:Bearer|Basic|Token(?= token=))\s+(?:token=)?)(?P<value>[A-Za-z0-9._~+/\-]{8,}=*)"),
        rf"\1{REDACTED}",
        _mixed,
    ),
    Rule("JSON Web Token", ("eyj",), re.compile(_BEGIN + r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*")),
    # IAM user guide, "Understanding unique ID prefixes"
    Rule("AWS access key", ("akia", "asia", "abia", "acca"), re.compile(r"(?<![A-Z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Z0-9])")),
    Rule(
        "AWS session token",
        ("fwogzxivyxdz", "iqojb3jpz2lu"),
        re.compile(r"(?<![A-Za-z0-9])(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=%_-]{20,}"),
    ),
    # Vault documentation, "Tokens", "Token prefixes": service, batch and recovery tokens, and those of before 1.10
    Rule("Vault token", ("hv",), re.compile(_BEGIN + r"hv[sbr]\.[\w-]{20,}")),
    Rule(
        "old Vault token", ("s.", "b.", "r."), re.compile(_BEGIN + r"(?<!\.)[sbr]\.(?P<value>[A-Za-z0-9]{24})(?![\w.-])"), REDACTED, _mixed
    ),
    Rule("Slack token", ("xox", "xapp-"), re.compile(_BEGIN + r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}")),
    Rule("PagerDuty token", ("u+",), re.compile(_BEGIN + r"u\+[A-Za-z0-9_-]{18}" + _END)),
    # its name is RabbitMQ's word for where a message goes, so the value decides
    Rule(
        "PagerDuty routing key",
        ("routing",),
        re.compile(r"((?i:routing[_-]?key)\\*[\"']?\s{0,4}[:=]\s{0,4}\\*[\"']?)[A-Za-z0-9]{32}" + _END),
        rf"\1{REDACTED}",
    ),
    Rule("GitHub token", ("gh",), re.compile(_BEGIN + r"gh[pousr]_[A-Za-z0-9]{36,}")),
    Rule("password in SQL", ("password",), re.compile(r"((?i:password)\s{1,4}[eE]?')(?:[^']|'')+'(?!')"), rf"\1{REDACTED}'"),
    Rule(
        "option of a command",
        ("--",),
        re.compile(r"((?<![\w-])--(?i:[a-z-]{0,30}(?:password|passphrase|secret|token|api-?key))\s{1,4})[^\s\"'\-][^\s\"']*"),
        rf"\1{REDACTED}",
    ),
    Rule(
        "payment card",
        (),
        re.compile(
            _BEGIN + r"(?<![.+/])(?:"
            r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6(?:011|4[4-9]\d|5\d\d))(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{4}"
            r"|3[47]\d\d(?P<space>[ -]?)\d{6}(?P=space)\d{5}"
            r")(?![\w-]|\.\d)"
        ),
        REDACTED,
        _is_card,
        by_chance=True,
    ),
    # secret keys of AWS and Alpaca (40), keys of streams (60) and of Binance (64), a full line of a private key (64)
    Rule(
        "random characters",
        (),
        re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{40}(?:[A-Za-z0-9+/]{20}(?:[A-Za-z0-9+/]{4})?)?(?![\w+/=-])"),
        REDACTED,
        _looks_random,
        by_chance=True,
    ),
)
"""Each is tried on the whole text, in this order."""


def redact(text: str, *, is_id: bool = False) -> str:
    """The text without its secrets, be it a sentence, JSON, JSON within JSON, a query string or a list of headers.

    `is_id`: it is the ID of something, which may look like a secret by chance.
    """
    small = text.lower()
    for rule in RULES:
        if not (is_id and rule.by_chance):
            text = rule.redact(text, small)
    return _without_named(_without_pairs(text)) if any(hint in small for hint in _HINTS) else text


def redact_value(value: Any, name: str = "") -> Any:
    """The same for what JSON was read into; whatever a secret's name leads to is one, but for what it is made of."""
    if isinstance(value, Mapping):
        return {key: redact_value(each, _name_of(value, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [redact_value(each, name) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if name and is_secret_name(name) and _is_secret(name, str(value)):
        return REDACTED
    is_id = bool(_ID_NAME.search(name))
    if isinstance(value, str):
        return redact(value, is_id=is_id)
    # a number may be a card's
    return value if redact(str(value), is_id=is_id) == str(value) else REDACTED


_ID_NAME = re.compile(r"(?:(?:^|[_.\- ])(?i:id)|[a-z](?:Id|ID))\Z")


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret."""
    return bool(_NAME_ENDS.search(name)) and not _HARMLESS.search(name)


def _name_of(value: Mapping[str, Any], key: str) -> str:
    """Headers and variables are often told as `{"name": …, "value": …}`."""
    if key == "value":
        named = value.get("name", value.get("key"))
        return named if isinstance(named, str) else ""
    return key


_HINTS = ("pass", "pwd", "secret", "token", "key", "signature", "credential", "session", "cookie", "authorization", "number", "cv", "otp")
_NAMES = "|".join(_SECRET_NAMES)
_NAME_ENDS = re.compile(rf"(?i:(?:{_NAMES})\Z)")
_HARMLESS = re.compile(rf"(?i:{_COUNTING_NAMES}\Z)")
# JSON in JSON escapes quotes once more at each level: 0, 1, 3, 7, 15 backslashes
_QUOTE = r"\\{0,31}[\"']"
_NAMED = re.compile(rf"(?i:(?P<name>{_NAMES}))(?P<close>{_QUOTE})?\s{{0,4}}(?:=>|[:=]|%3[aAdD])\s{{0,4}}(?P<open>{_QUOTE})?")
_PAIR = re.compile(
    rf"(?:name|key)(?P<quote>{_QUOTE})\s{{0,4}}:\s{{0,4}}(?P=quote)(?P<name>[\w .-]{{1,80}})(?P=quote)"
    r"\s{0,4},\s{0,4}(?P=quote)value(?P=quote)\s{0,4}:\s{0,4}(?P<open>(?P=quote))"
)
_ANY_QUOTE = re.compile(r"(?<!\\)(?P<escapes>\\*+)(?P<quote>[\"'])")
_NEXT_IN_LIST = re.compile(rf"\s{{0,16}},?\s{{0,16}}(?P<open>{_QUOTE})")
# A value without quotes ends at a bracket or comma that has nothing behind it, or the next name
_BARE = re.compile(
    r"(?:(?i:Bearer|Basic|Digest|Token|Negotiate|ApiKey|AWS4-HMAC-SHA256)\s+)?"
    r"(?P<value>(?:\[redacted\])?(?:[^\s\"'&\\,;)\]}>]|\\(?![unrt\"'\\])|[,;)\]}>](?!\Z|[\s\"'&\\,;)\]}>]|[\w.-]{1,40}[:=]))*)"
)
_COOKIES = re.compile(r"(?P<value>(?:[^\r\n\"'\\]|\\(?![nr\"'\\]))*)")
_WORD = re.compile(r"[a-z]{1,16}[.,;:!]?\Z")
_SMALL_NUMBER = re.compile(r"\d{1,5}\Z")
_NOTHING = frozenset({"null", "None", "nil", "true", "false", "True", "False", "undefined"})
_ALWAYS = re.compile(r"(?i:pass|pwd|secret|cvv|cvc|otp)")


def _is_secret(name: str, value: str) -> bool:
    """What is no secret though its name says so: nothing, the name of a thing in AWS, and the number of a lease."""
    if not value or value in _NOTHING or value.startswith("arn:aws"):
        return False
    return not (name.lower().endswith("token") and _SMALL_NUMBER.match(value))


def _without_pairs(text: str) -> str:
    pieces, done = [], 0
    while found := _PAIR.search(text, done):
        start = found.end()
        if is_secret_name(found["name"]):
            end = _end_of_quoted(text, start, found["open"])
            pieces += [text[done:start], REDACTED if _is_secret(found["name"], text[start:end]) else text[start:end]]
            done = end
        else:
            pieces.append(text[done:start])
            done = start
    return "".join([*pieces, text[done:]])


def _without_named(text: str) -> str:
    pieces, done = [], 0
    while found := _NAMED.search(text, done):
        name, start = found["name"], found.end()
        pieces.append(text[done:start])
        done = start
        before = text[max(0, found.start() - _CONTEXT) : found.start()]
        if _HARMLESS.search(before + name):
            continue
        if found["open"]:
            done = _end_of_quoted(text, start, found["open"])
            pieces.append(_instead(name, text[start:done]))
        elif text.startswith("[", start) and _NEXT_IN_LIST.match(text, start + 1):
            listed, done = _without_listed(text, start + 1)
            pieces += ["[", listed]
        elif bare := (_COOKIES if name.lower().endswith("cookie") else _BARE).match(text, start):
            value, done = bare["value"], bare.end()
            instead = _instead_of_bare(name, value)
            quote = found["close"] if found["close"] and instead == REDACTED and instead != value else ""
            pieces += [text[start : bare.start("value")], f"{quote}{instead}{quote}"]
    return "".join([*pieces, text[done:]])


def _without_listed(text: str, start: int) -> tuple[str, int]:
    """A list of quoted values, and where it ends."""
    pieces, done = [], start
    while found := _NEXT_IN_LIST.match(text, done):
        end = _end_of_quoted(text, found.end(), found["open"])
        pieces += [text[done : found.end()], REDACTED if end > found.end() else "", text[end : end + len(found["open"])]]
        done = end + len(found["open"])
    return "".join(pieces), min(done, len(text))


def _end_of_quoted(text: str, start: int, opening: str) -> int:
    """Where the quote closes that has been opened with these backslashes before it; the text's end, if it was cut before."""
    level, quote = len(opening) - 1, opening[-1]
    for found in _ANY_QUOTE.finditer(text, start):
        escapes = len(found["escapes"])
        if found["quote"] != quote:
            continue
        if escapes < level:
            return found.start()  # what is around it has ended
        # what the value itself has escaped comes in steps of its level: a backslash in it, or a quote in it
        if (escapes - level) % (2 * (level + 1)) == 0:
            return found.end() - level - 1
    return len(text)


def _instead(name: str, value: str) -> str:
    return REDACTED if _is_secret(name, value) else value


def _instead_of_bare(name: str, value: str) -> str:
    if name.lower().endswith("cookie"):
        return REDACTED if "=" in value else value
    # what is made of names and values says itself which are secret; and sentences speak of tokens
    if value.startswith(("{", "(", "<")) or (not _ALWAYS.match(name) and _WORD.match(value)):
        return value
    return _instead(name, value)
