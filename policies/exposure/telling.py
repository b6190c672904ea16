"""What reads like a credential, in whatever a resource carries."""

import base64
import binascii
import email
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.telling import is_reference, is_telling

__all__ = ["Leaf", "leaves", "opened", "reads_like", "tells"]

_LONGEST = 200_000
_DEEPEST = 24


class Leaf(NamedTuple):
    """A text in plain, with the name it goes by."""

    path: str
    name: str
    text: str


def leaves(value: Any, path: str, name: str = "", depth: int = 0) -> Iterator[Leaf]:
    """Every text in a value; text in JSON is opened. What Pulumi keeps secret and what is not known yet is left out."""
    if value is UNKNOWN or isinstance(value, Secret) or value is None or depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        yield from _of_mapping(cast("Mapping[str, Any]", value), path, depth)
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        for number, each in enumerate(items):
            yield from leaves(each, f"{path}[{number}]", name, depth + 1)
        # `--password`, `hunter2` in a list of arguments
        words = [each for each in items if isinstance(each, str)]
        if len(words) > 1 and len(words) == len(items):
            yield Leaf(path, "", " ".join(words))
    elif isinstance(value, str):
        found = _json(value)
        if found is None:
            yield Leaf(path, name, value)
        else:
            yield from leaves(found, path, name, depth + 1)
    elif not isinstance(value, bool):
        yield Leaf(path, name, str(value))


_NAMES = ("name", "key", "parameterKey", "optionName", "Name", "Key", "ParameterKey", "parameterName", "propertyName", "headerName")
_VALUES = ("value", "values", "parameterValue", "Value", "Values", "ParameterValue", "headerValue")
# What names a secret instead of holding it, in definitions of tasks, builds and pods
_REFERRING = frozenset({"secrets", "valueFrom", "secretKeyRef", "secretRef", "secrets-manager", "parameter-store", "Ref", "Fn::GetAtt"})
_REFERRING_KINDS = frozenset({"secrets_manager", "parameter_store"})


def _of_mapping(value: Mapping[str, Any], path: str, depth: int) -> Iterator[Leaf]:
    named = next((value[each] for each in _NAMES if isinstance(value.get(each), str)), None)
    if str(value.get("type", "")).lower() in _REFERRING_KINDS:
        return
    for key, each in value.items():
        if key in _REFERRING:
            continue
        if named is not None and key in _VALUES:
            yield from leaves(each, f"{path}.{key}", named, depth + 1)
        elif named is None or key not in _NAMES:
            yield from leaves(each, f"{path}.{key}" if path else str(key), str(key), depth + 1)


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("Any", found) if isinstance(found, dict | list) else None


def opened(text: str) -> Iterator[str]:
    """A script as it is, and decoded: base64, compressed, in parts of a message."""
    yield text
    try:
        plain = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if plain[:2] == b"\x1f\x8b":
        try:
            plain = zlib.decompressobj(wbits=31).decompress(plain, _LONGEST)
        except zlib.error:
            plain = b""
    decoded = plain.decode("utf-8", "replace")
    if decoded:
        yield decoded
    for each in (text, decoded):
        if "mime-version" in each[:_LONGEST].lower():
            for part in email.message_from_string(each[:_LONGEST]).walk():
                content = part.get_payload(decode=True)
                if isinstance(content, bytes):
                    yield content.decode("utf-8", "replace")


_PATTERNS = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bgh[pousr]_[0-9A-Za-z]{36}\b|\bgithub_pat_\w{22,}|"
    r"\bglpat-[\w-]{20}|\bxox[abprs]-[0-9A-Za-z-]{10,}|\b[sr]k_live_[0-9A-Za-z]{16,}|\bAIza[\w-]{35}|\bnpm_[0-9A-Za-z]{36}\b|"
    r"hooks\.slack\.com/services/T\w+/B\w+/\w+|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|"
    r"(?i:authorization['\"]?\s*:\s*['\"]?(?:bearer|basic)\s+)[\w+/.=-]{12,}"
)
_ADDRESS = re.compile(r"://[^/\s:@'\"]{0,100}:([^/\s@'\"]{3,200})@")
_ASSIGNED = re.compile(
    r"(?<![\w.$-])-{0,2}([A-Za-z][\w.-]{0,80})[\"']?[ \t]*(:=|=>|=|:)[ \t]*(?:\"([^\"\n]{0,400})\"|'([^'\n]{0,400})'|([^\s\"',;&<>|)\]}]{1,400}))"
)
_OPTION = re.compile(r"(?<!\S)-{1,2}([A-Za-z][\w-]{0,60})[ \t]+(?:\"([^\"\n]{1,400})\"|'([^'\n]{1,400})'|([^\s\"'-][^\s\"']{0,400}))")
_COMMANDS = (
    re.compile(r"\bmysql\w*\b[^\n|;]{0,200}?\s-p['\"]?([^\s'\"-][^\s'\"]{3,100})"),
    re.compile(r"\becho\s+['\"]?[\w-]+:([^\s'\"|]{3,100})['\"]?\s*\|\s*(?:sudo\s+)?chpasswd"),
    re.compile(r"\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)\s+['\"]?[\w.@-]+:([^\s'\"]{3,100})"),
    re.compile(r"(?i)\b(?:identified\s+by|with\s+password|password)\s+'([^'\n]{4,100})'"),
    re.compile(r"\bsshpass\s+-p\s*['\"]?([^\s'\"]{3,100})"),
    re.compile(r"(?i)\bhtpasswd\s+-\w*b\w*\s+\S+\s+\S+\s+['\"]?([^\s'\"]{3,100})"),
)
# Lines below these headings of a build name secrets
_NAMING_LINES = re.compile(r"(?m)^([ \t]*)(?:secrets-manager|parameter-store):[ \t]*\n(?:\1[ \t]+\S.*\n?)*")
_CODE = re.compile(
    r"[({\[]|\b(process\.env|os\.environ|getenv|self|var|local|data|config|event|module|input|args|params)\b[.\[(]|\.(get|value)\b"
)


def reads_like(text: str) -> bool:
    """Whether a text holds a credential: one of a known form, one in an address, one assigned to a telling name or option."""
    text = text[:_LONGEST]
    if _PATTERNS.search(text) or any(not is_reference(each) for each in _ADDRESS.findall(text)):
        return True
    if any(not is_reference(each) for form in _COMMANDS for each in form.findall(text)):
        return True
    text = _NAMING_LINES.sub("", text)
    return any(_assigns(found) for found in _ASSIGNED.finditer(text)) or any(_opts(found) for found in _OPTION.finditer(text))


def _assigns(found: re.Match[str]) -> bool:
    name, sign, double, single, bare = found.groups()
    value: str = next(each for each in (double, single, bare) if each is not None)
    if not is_telling(name) or is_reference(value):
        return False
    if bare is None:
        return "$(" not in value and "${" not in value and "{{" not in value
    if _CODE.search(bare) or "$" in bare:
        return False
    # after a colon it is prose, unless it ends the line
    rest = found.string[found.end() : found.end() + 80].split("\n", maxsplit=1)[0].strip()
    return sign != ":" or not rest or rest.startswith("#")


def _opts(found: re.Match[str]) -> bool:
    name, double, single, bare = found.groups()
    value: str = next(each for each in (double, single, bare) if each is not None)
    return is_telling(name) and not is_reference(value) and "$" not in value and not _CODE.search(value)


def tells(name: str, text: str) -> bool:
    """Whether a text under a name reads like a credential."""
    if text.startswith("arn:"):
        return False
    return (is_telling(name) and not is_reference(text) and "\n" not in text.strip()) or reads_like(text)
