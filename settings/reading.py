"""From Pulumi configuration to `PlatformSettings`: every mistake at once, in the same words under every host."""

import difflib
import functools
import json
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from settings.catalog import REGIONS, Region
from settings.defaults import DEFAULTS, ZONES, merged
from settings.model import Environment, PlatformSettings
from settings.network_plan import vpc_cidr
from settings.problems import Problem, SettingsError, shown
from settings.rules import RULES

Json = Any
"""What JSON can say."""

_TEXT_KEYS = frozenset(
    field.alias
    for field in PlatformSettings.model_fields.values()
    if isinstance(field.annotation, type) and issubclass(field.annotation, str)
)
"""Keys at the top whose values stay text, an account number included."""

Path = tuple[str, ...]


def load(configuration: Mapping[str, str], *, project: str, stack: str) -> PlatformSettings:
    """The settings of a stack.

    `configuration` is what Pulumi hands to a program: `project:key` to a string, with JSON for lists and mappings. Keys of
    other namespaces are left alone.

    Raises `SettingsError` with all mistakes.
    """
    stated = _stated(configuration, project)
    environment = _environment(stated)
    problems: dict[Path, Problem] = {}
    settings = _validated(stated, environment, problems)
    broken = list(problems)
    found = list(problems.values())
    for rule, reads in RULES.items():
        if not any(_touches(key.split("."), path) for key in reads for path in broken):
            found += rule(settings)
    if found:
        raise SettingsError(f"Pulumi.{stack}.yaml", found)
    return settings


def _touches(pattern: list[str], path: Path) -> bool:
    return all(wanted in ("*", part) for wanted, part in zip(pattern, path, strict=False))


def _stated(configuration: Mapping[str, str], project: str) -> dict[str, Json]:
    """The stack's own values by key. A key without a value counts as not stated."""
    prefix = f"{project}:"
    own = {key.removeprefix(prefix): text for key, text in configuration.items() if key.startswith(prefix)}
    return {key: _from_text(key, text) for key, text in own.items() if text not in ("", "{}", "null")}


def _from_text(key: str, text: str) -> Json:
    if key in _TEXT_KEYS and text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _environment(stated: Mapping[str, Json]) -> Environment:
    try:
        return Environment(stated.get("environment", ""))
    except ValueError:
        return Environment.PROD  # the strictest; validation reports the mistake itself


def _validated(stated: dict[str, Json], environment: Environment, problems: dict[Path, Problem]) -> PlatformSettings:
    """The settings, or what they would be without the mistakes that are put into `problems`.

    A mistaken value gives way to its default, a missing one to its example, so that the rest can be checked as well.
    """
    complete = _complete(stated, environment)
    while True:
        try:
            return PlatformSettings.model_validate_json(json.dumps(complete), strict=True)
        except ValidationError as error:
            mistakes = _separate({_path(detail, complete): detail for detail in error.errors(include_url=False)})
        problems |= {path: _problem(detail, path) for path, detail in mistakes.items() if path not in problems}
        fallback = _complete({}, environment)
        for path in mistakes:
            _replace(complete, path, fallback)
        complete = _complete(complete, environment)


def _separate(mistakes: dict[Path, ErrorDetails]) -> dict[Path, ErrorDetails]:
    """Drops what only follows from another mistake: all below an unknown key, and the list or mapping around a wrong value."""
    unknown = [path for path, detail in mistakes.items() if detail["loc"][-1] == "[key]"]
    kept = {path: detail for path, detail in mistakes.items() if path in unknown or not any(path[: len(key)] == key for key in unknown)}
    around = {path[:depth] for path in kept for depth in range(len(path))} - set(unknown)
    return {path: detail for path, detail in kept.items() if path not in around}


def _complete(stated: dict[str, Json], environment: Environment) -> dict[str, Json]:
    """Defaults below what the stack states; regions get the zones and addresses that they do not name."""
    complete = merged(DEFAULTS[environment], stated)
    regions = complete.get("regions")
    if isinstance(regions, dict):
        named = cast("dict[str, Json]", regions)
        complete["regions"] = {name: _complete_region(name, each, environment) for name, each in named.items()}
    return complete


def _complete_region(name: str, stated: Json, environment: Environment) -> Json:
    if not isinstance(stated, dict) or name not in set(Region):
        return cast("Json", stated)
    region = Region(name)
    zones = REGIONS[region].zones[: ZONES[environment]]
    filled: dict[str, Json] = {"zones": list(zones), "vpc_cidr": str(vpc_cidr(region))}
    return filled | cast("dict[str, Json]", stated)


def _path(detail: ErrorDetails, complete: Json) -> Path:
    """Where the mistake is in the settings. Pydantic also names the branch of a union that it tried: that part is cut."""
    here, kept = complete, list[str]()
    for part in (str(part) for part in detail["loc"] if part != "[key]"):
        if isinstance(here, dict):
            kept.append(part)
            here = cast("dict[str, Json]", here).get(part)
        elif isinstance(here, list) and part.isdigit():
            kept.append(part)
            elements = cast("list[Json]", here)
            here = elements[int(part)] if int(part) < len(elements) else None
        else:
            break
    return tuple(kept)


def _replace(complete: dict[str, Json], path: Path, fallback: Json) -> None:
    """Puts the default of `path` in its place, or its example, or takes it away; a list is replaced as a whole."""
    here: Json = complete
    for depth, part in enumerate(path[:-1]):
        fallback = cast("dict[str, Json]", fallback).get(part) if isinstance(fallback, dict) else None
        below = cast("dict[str, Json]", here).get(part)
        if not isinstance(below, dict):
            path = path[: depth + 1]
            break
        here = cast("Json", below)
    else:
        fallback = cast("dict[str, Json]", fallback).get(path[-1]) if isinstance(fallback, dict) else None
    schema = schema_at(path)
    known = path[-1] in schema_at(path[:-1]).get("properties", {})
    if fallback is not None or (known and not schema.get("examples")):
        here[path[-1]] = fallback
    elif known:
        here[path[-1]] = schema["examples"][0]
    else:
        here.pop(path[-1], None)


def _problem(detail: ErrorDetails, path: Path) -> Problem:
    key, schema, kind = ".".join(path), schema_at(path), detail["type"]
    if kind == "missing":
        return Problem(key, "missing", _allowed(schema), _example(path, schema))
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if path[:1] == ("regions",) and detail["loc"][-1] == "[key]":
        return Problem(
            key, f"{shown(path[-1])} is not a region that the platform knows", f"one of {', '.join(Region)}", "us-east-1: {role: primary}"
        )
    context = detail.get("ctx", {})
    allowed = str(context["error"]) if kind == "value_error" else _allowed(schema) or detail["msg"]
    return Problem(key, f"found {shown(detail['input'])}", allowed, _example(path, schema))


def _unknown_key(path: Path) -> Problem:
    known = sorted(schema_at(path[:-1]).get("properties", {}))
    nearest = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.3)
    hint = f", did you mean '{nearest[0]}'?" if nearest else ""
    return Problem(".".join(path), f"no setting of this name{hint}", f"one of {', '.join(known)}")


@functools.cache
def _schema() -> dict[str, Json]:
    return PlatformSettings.model_json_schema()


def schema_at(path: Path) -> dict[str, Json]:
    """The JSON Schema of one key, references resolved and a nullable value's null left out; empty for an unknown key."""
    schema = _schema()
    for part in path:
        schema = _resolved(schema)
        below: Json = schema.get("properties", {}).get(part) or schema.get("additionalProperties") or schema.get("items")
        schema = cast("dict[str, Json]", below) if isinstance(below, dict) else {}
    return _resolved(schema)


def _resolved(schema: dict[str, Json]) -> dict[str, Json]:
    outer = {key: schema[key] for key in ("description", "examples") if key in schema}
    for branch in schema.get("anyOf", ()):
        if branch.get("type") != "null":
            schema = branch
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema | outer


def _allowed(schema: dict[str, Json]) -> str:
    """The values that a schema takes, in words."""
    description = str(schema.get("description", "")).split("\n", 1)[0]
    reason = f" ({description.rstrip('.')})" if description else ""
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"]) + reason
    if "const" in schema:
        return f"{schema['const']}{reason}"
    words = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "array": "a list",
        "object": "a mapping",
    }
    kind = "an IPv4 range" if schema.get("format") == "ipv4network" else words.get(schema.get("type", ""), "")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{kind} from {low:g} to {high:g}{reason}"
    if schema.get("type") == "object" and "properties" in schema:
        return f"a mapping with {', '.join(schema['properties'])}"
    return f"{kind}{reason}"


def _example(path: Path, schema: dict[str, Json]) -> str:
    """`key: value`, as it would stand in the stack file."""
    examples = schema.get("examples")
    if not examples:
        return ""
    value = examples[0]
    text = value if isinstance(value, str) and not value.isdigit() else json.dumps(value)
    return f"{path[-1]}: {text}" if not path[-1].isdigit() else text
