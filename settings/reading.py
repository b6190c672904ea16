"""From Pulumi configuration to `PlatformSettings`: every mistake at once, in the same words under every host."""

import copy
import difflib
import functools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
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

_DEEPEST = 8  # levels below a key at the top; settings nest five deep
_LONGEST_SHOWN = 1000  # characters that are looked at to show a value; `shown` leaves fewer
ENCRYPTED = "[secret]"
"""What stands for an encrypted value where nothing can decrypt it."""
_MOST_PER_GROUP = 20  # mistakes in one list or mapping that are named singly
_MOST_NAMES = 20  # that a mapping may have, in a line for a screen; docs/settings.md has them all

Path = tuple[str, ...]


def load(configuration: Mapping[str, str], *, project: str, stack: str) -> PlatformSettings:
    """The settings of a stack.

    `configuration` is what Pulumi hands to a program: `project:key` to a string, with JSON for lists and mappings. Keys of
    other namespaces are left alone.

    Raises `SettingsError` with all mistakes.
    """
    stated = _stated(configuration, project)
    environment = _environment(stated)
    settings, found = _checked(stated, environment or Environment.PROD)
    if environment is None:
        # which defaults count is not known: what only some of them make a mistake may be none
        others = [_checked(stated, each)[1] for each in Environment if each is not Environment.PROD]
        found = [problem for problem in found if all(problem in other for other in others)]
    found = [*_misspelt_namespaces(configuration, project), *found]
    if found:
        raise SettingsError(f"Pulumi.{stack}.yaml", found)
    return settings


def _checked(stated: dict[str, Json], environment: Environment) -> tuple[PlatformSettings, list[Problem]]:
    """The settings with the defaults of `environment`, and every mistake in them."""
    mistakes: dict[Path, ErrorDetails] = {}
    settings = _validated(stated, environment, mistakes)
    found = _worded(mistakes)
    # a key that is not known takes nothing away from the rest
    wrong = [path for path, detail in mistakes.items() if detail["loc"][-1:] != ("[key]",) and detail["type"] != "extra_forbidden"]
    for rule, reads in RULES.items():
        if not any(_touches(key.split("."), path) for key in reads for path in wrong):
            found += (_where_stated(problem, stated) for problem in rule(settings))
    return settings, found


def _where_stated(problem: Problem, stated: Mapping[str, Json]) -> Problem:
    """The mistake at the one of its keys that the stack states; nobody looks for it at a default."""
    other = problem.instead
    return other if other and _is_stated(other.key, stated) and not _is_stated(problem.key, stated) else problem


def _is_stated(key: str, stated: Json) -> bool:
    for part in key.split("."):
        if not isinstance(stated, dict) or part not in stated:
            return False
        stated = cast("dict[str, Json]", stated)[part]
    return True


def _touches(pattern: list[str], path: Path) -> bool:
    return all(wanted in ("*", part) for wanted, part in zip(pattern, path, strict=False))


def _stated(configuration: Mapping[str, str], project: str) -> dict[str, Json]:
    """The stack's own values by key. A key without a value counts as not stated."""
    prefix = f"{project}:"
    own = {key.removeprefix(prefix): text for key, text in configuration.items() if key.startswith(prefix)}
    return {key: _from_text(key, text) for key, text in own.items() if text not in ("", "{}", "null")}


def _misspelt_namespaces(configuration: Mapping[str, str], project: str) -> Iterator[Problem]:
    """Keys of a namespace that nobody has but that nearly is ours: Pulumi would pass over them without a word."""
    for full_key in configuration:
        namespace, _, key = full_key.rpartition(":")
        if namespace != project and difflib.get_close_matches(namespace.lower(), [project.lower()], cutoff=0.8):
            allowed = f"keys of {project}, or of a provider such as aws"
            known = key if key in names_at(()) else "domain"
            found = f"no namespace '{shown(namespace)[1:-1]}', did you mean '{project}:{shown(key)[1:-1]}'?"
            yield Problem(shown(full_key)[1:-1], found, allowed, f"{project}:{_example((known,), schema_at((known,)))}")


def _from_text(key: str, text: str) -> Json:
    if key in _TEXT_KEYS and text[:1] not in ("{", "["):
        return text
    try:
        return _cut_off(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _cut_off(value: Json, depth: int = 0) -> Json:
    """`value` without what is nested deeper than any setting: parsers give up on that without saying where it is."""
    if depth == _DEEPEST and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {key: _cut_off(below, depth + 1) for key, below in cast("dict[str, Json]", value).items()}
    if isinstance(value, list):
        return [_cut_off(below, depth + 1) for below in cast("list[Json]", value)]
    return value


def _environment(stated: Mapping[str, Json]) -> Environment | None:
    try:
        return Environment(stated.get("environment", ""))
    except ValueError:
        return None  # validation reports the mistake itself


def _validated(stated: dict[str, Json], environment: Environment, mistakes: dict[Path, ErrorDetails]) -> PlatformSettings:
    """The settings, or what they would be without the mistakes that are put into `mistakes`.

    A mistaken value gives way to its default, a missing one to its example, so that the rest can be checked as well.
    """
    complete = _complete(stated, environment)
    found: dict[Path, ErrorDetails] = {}
    if not _typable(stated):
        found = {path: {"type": "not_typable", "loc": path, "msg": "", "input": value} for path, value in _not_typable(complete)}
    while True:
        known = _with_groups(mistakes)  # a group that is too small without its mistaken members is no mistake of its own
        # and what its default leaves open is not stated because the group is mistaken
        mistakes |= {path: detail for path, detail in found.items() if path not in known and not _lies_below(path, mistakes)}
        if found:
            fallback = _complete({}, environment)
            for path in found:
                _replace(complete, path, fallback)
            complete = _complete(complete, environment)
        try:
            return PlatformSettings.model_validate_json(json.dumps(complete), strict=True)
        except ValidationError as error:
            found = _separate({_path(detail, complete): detail for detail in error.errors(include_url=False)})


def _not_typable(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Settings with text beyond printable ASCII: none holds a line end, half a character, or a digit that only looks like one."""
    kind = schema_at(path).get("type")
    if isinstance(value, dict) and kind == "object":
        for key, below in cast("dict[str, Json]", value).items():
            yield from _not_typable(below, (*path, key)) if _is_known((*path, key)) else _mistaken((*path, key), {key: below})
    elif isinstance(value, list) and kind == "array":
        for number, below in enumerate(cast("list[Json]", value)):
            yield from _not_typable(below, (*path, str(number)))
    else:
        yield from _mistaken(path, value)


def _mistaken(path: Path, value: Json) -> Iterator[tuple[Path, Json]]:
    if not _typable(value):
        yield path, value


def _typable(value: Json) -> bool:
    return all(text.isascii() and text.isprintable() for text in _texts(value))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, below in cast("dict[str, Json]", value).items():
            yield key
            yield from _texts(below)
    elif isinstance(value, list):
        for below in cast("list[Json]", value):
            yield from _texts(below)


def _is_known(path: Path) -> bool:
    return path[-1] in names_at(path[:-1])


def _with_groups(mistakes: Mapping[Path, ErrorDetails]) -> set[Path]:
    """The paths of all mistakes and of the lists and mappings around them."""
    return {path[:depth] for path in mistakes for depth in range(len(path) + 1)}


def _lies_below(path: Path, mistakes: Mapping[Path, ErrorDetails]) -> bool:
    """Whether a list or mapping around `path` is mistaken in itself."""
    return any(path[:depth] in mistakes for depth in range(len(path)))


def _separate(mistakes: dict[Path, ErrorDetails]) -> dict[Path, ErrorDetails]:
    """Drops what only follows from another mistake: all below an unknown key, and the list or mapping around a wrong value."""
    unknown = {path for path, detail in mistakes.items() if _is_name(detail)}
    kept = {
        path: detail
        for path, detail in mistakes.items()
        if path in unknown or not any(path[:depth] in unknown for depth in range(len(path)))
    }
    around = {path[:depth] for path in kept for depth in range(len(path))} - unknown
    return {path: detail for path, detail in kept.items() if path not in around}


def _is_name(detail: ErrorDetails) -> bool:
    """Whether the mistake is a name: of a region, a service, a pool of nodes. Pydantic marks those with a last part of `[key]`."""
    return detail["loc"][-1:] == ("[key]",) and detail["type"] == "enum"


def _complete(stated: dict[str, Json], environment: Environment) -> dict[str, Json]:
    """Defaults below what the stack states; regions get the zones and addresses that they do not name."""
    complete = merged(copy.deepcopy(DEFAULTS[environment]), stated)  # a copy: mistakes are replaced in place
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
    for part in map(str, detail["loc"][:-1] if _is_name(detail) else detail["loc"]):
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
        here[path[-1]] = copy.deepcopy(schema["examples"][0])
    else:
        here.pop(path[-1], None)


def _worded(mistakes: Mapping[Path, ErrorDetails]) -> list[Problem]:
    """A line for each mistake; where one list or mapping holds many, for the first of them, and one for how many more there are."""
    groups = Counter[Path]()
    problems: list[Problem] = []
    for path, detail in mistakes.items():
        groups[path[:-1]] += 1
        if groups[path[:-1]] <= _MOST_PER_GROUP:
            problems.append(_problem(detail, path))
    for group, count in groups.items():
        if count > _MOST_PER_GROUP:
            schema = schema_at(group)
            problems.append(
                Problem(_key(group), f"{count - _MOST_PER_GROUP:,} more mistakes of this kind", _allowed(schema), _example(group, schema))
            )
    return problems


def _problem(detail: ErrorDetails, path: Path) -> Problem:
    schema, kind = schema_at(path), detail["type"]
    if path and path[-1].isdigit() and "enum" in schema:
        # what a vocabulary says of itself is for readers of the code; what it is for here, the list says
        schema |= {"description": schema_at(path[:-1]).get("description", "")}
    if detail["input"] in (ENCRYPTED, {"secure": ENCRYPTED}):
        return Problem(
            _key(path), "encrypted, which only Pulumi's command line can read", f"plain text: {_allowed(schema)}", _example(path, schema)
        )
    if kind == "missing":
        return Problem(_key(path), "missing", _allowed(schema), _example(path, schema))
    if path[:-1] == ("regions",) and not _is_known(path):
        return _unknown_region(path)
    if not schema or not _is_known_name(path):
        return _unknown_key(path)
    allowed = _own_words(detail, schema) or _allowed(schema) or detail["msg"]
    return Problem(_key(path), f"found {_found(detail['input'])}", allowed, _example(path, schema))


def _unknown_region(path: Path) -> Problem:
    allowed = f"one of {', '.join(Region)}"
    return Problem(_key(path), f"{shown(path[-1])} is not a region that the platform knows", allowed, "us-east-1: {role: primary}")


def _unknown_key(path: Path) -> Problem:
    known = names_at(path[:-1])
    allowed = f"one of {', '.join(sorted(known))}"
    meant = _elsewhere(path[-1])
    if meant and not difflib.get_close_matches(path[-1], known, cutoff=0.8):
        where = f"'{_key(meant)}'" if len(meant) > 1 else f"'{_key(meant)}' at the top"
        return Problem(_key(path), f"no setting of this name here, did you mean {where}?", allowed, _example_from_the_top(meant))
    # of a setting any likeness is worth a hint; a name of something of one's own is like no other
    cutoff = 0.6 if "propertyNames" in schema_at(path[:-1]) else 0.3
    nearest = difflib.get_close_matches(path[-1], known, n=1, cutoff=cutoff)
    hint = f", did you mean '{nearest[0]}'?" if nearest else ""
    meant = (*path[:-1], nearest[0] if nearest else known[0])
    return Problem(_key(path), f"no setting of this name{hint}", allowed, _example(meant, schema_at(meant)))


def _elsewhere(name: str) -> Path | None:
    """The one place where a key of this name belongs: at the top, or wherever it alone is."""
    paths = _paths_by_name().get(name, [])
    return paths[0] if len(paths) == 1 or (name,) in paths else None


@functools.cache
def _paths_by_name() -> dict[str, list[Path]]:
    """Every key by its last part, shallowest first. What is below a name, of a region or a service, is listed below the first of them."""
    found: dict[str, list[Path]] = {}
    groups: list[Path] = [()]
    for group in groups:
        below = [(*group, name) for name in names_at(group)]
        for path in below:
            found.setdefault(path[-1], []).append(path)
        groups += below[:1] if "propertyNames" in schema_at(group) else below
    return found


def _own_words(detail: ErrorDetails, schema: Mapping[str, Json]) -> str:
    """What a validator of the model says is allowed; empty where a library complains, which says what is wrong instead."""
    if detail["type"] != "value_error" or (schema.get("format") == "ipv4network" and not _is_range(detail["input"])):
        return ""
    return str(detail.get("ctx", {})["error"])


def _is_range(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(IPv4Network(value))
    except ValueError:
        return False


def _key(path: Path) -> str:
    return ".".join(part if part and shown(part) == f"'{part}'" else shown(part) for part in path)


def _found(value: object) -> str:
    """A value as it would stand in the stack file, shortened."""
    return shown(value[:_LONGEST_SHOWN]) if isinstance(value, str) else shown(json.dumps(value)[:_LONGEST_SHOWN])[1:-1]


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


def names_at(path: Path) -> list[str]:
    """The keys that the group at `path` knows: its settings, or the names of its regions, services or pools."""
    schema = schema_at(path)
    names = _resolved(cast("dict[str, Json]", schema.get("propertyNames", {})))
    return [*schema.get("properties", names.get("enum", ()))]


def _is_known_name(path: Path) -> bool:
    return "propertyNames" not in schema_at(path[:-1]) or _is_known(path)


def _resolved(schema: dict[str, Json]) -> dict[str, Json]:
    outer = {key: schema[key] for key in ("description", "examples") if key in schema}
    branches = cast("list[dict[str, Json]]", schema.get("anyOf", []))
    for branch in branches:
        if branch.get("type") == "null":
            outer["nullable"] = True
        else:
            schema = branch
    while "$ref" in schema:
        schema = _schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema | outer


def _allowed(schema: Mapping[str, Json]) -> str:
    """The values that a schema takes, and why."""
    description = str(schema.get("description", "")).split("\n", 1)[0].rstrip(".")
    values = allowed_values(schema, _MOST_NAMES)
    return f"{values} ({description})" if description and "properties" not in schema else values


def allowed_values(schema: Mapping[str, Json], most: int | None = None) -> str:
    """The values that a schema takes, in words: all names of a mapping, or so many of them at most."""
    return f"{_values(schema, most)}, or null" if schema.get("nullable") else _values(schema, most)


def _values(schema: Mapping[str, Json], most: int | None) -> str:
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return ", ".join(as_written(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("format") == "ipv4network":
        return "an IPv4 range in CIDR notation, without bits behind its prefix"
    if kind == "string":
        pattern = schema.get("pattern", "")
        return f"text of the form {pattern}" if pattern else "text"
    if kind == "array":
        element = _resolved(cast("dict[str, Json]", schema.get("items", {})))
        each = f"{'one of ' if 'enum' in element else ''}{allowed_values(element)}"
        return f"a list{_bounds(schema.get('minItems'), schema.get('maxItems'), 'of')}, each {each}"
    if kind == "object":
        names = list(schema.get("properties") or _resolved(cast("dict[str, Json]", schema.get("propertyNames", {}))).get("enum", ()))
        more = f" and {len(names) - most} more" if most is not None and len(names) > most else ""
        return f"a mapping with {', '.join(names[:most])}{more}" if "minProperties" not in schema else "a mapping with one entry at least"
    words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}.get(str(kind), "")
    steps = f" in steps of {schema['multipleOf']:g}" if "multipleOf" in schema else ""
    return f"{words}{_bounds(schema.get('minimum'), schema.get('maximum'), 'from')}{steps}"


def _bounds(low: float | None, high: float | None, between: str) -> str:
    if low is not None and high is not None:
        return f" {between} {low:.15g} to {high:.15g}"
    if low is not None:
        return f" of {low:.15g} at least"
    return "" if high is None else f" of {high:.15g} at most"


def as_written(value: Json) -> str:
    """A value as it stands in a stack file: text only in quotes where YAML would read something else."""
    return value if isinstance(value, str) and not re.fullmatch(r"[\d.:]*|[{\[].*", value) else json.dumps(value)


def _example_from_the_top(path: Path) -> str:
    example = _example(path, schema_at(path))
    for part in reversed(path[:-1]):
        example = f"{part}: {{{example}}}"
    return example


def _example(path: Path, schema: Mapping[str, Json]) -> str:
    """`key: value`, as it would stand in the stack file; for an element of a list without an example of its own, the list."""
    if path and path[-1].isdigit():
        return as_written(schema["examples"][0]) if "examples" in schema else _example(path[:-1], schema_at(path[:-1]))
    for key in () if "examples" in schema else schema.get("properties", ()):
        below = _example((*path, key), schema_at((*path, key)))
        return f"{path[-1]}: {{{below}}}" if path else below
    return f"{path[-1]}: {as_written(schema['examples'][0])}" if "examples" in schema else ""
