"""The settings reference: every key of a stack file, written out from the models that check it."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from settings.catalog import REGIONS, Region
from settings.defaults import DEFAULTS, ZONES
from settings.model import Environment
from settings.network_plan import vpc_cidr
from settings.reading import allowed_values, as_written, names_at, schema_at

SETTINGS_PAGE = Path("docs") / "settings.md"
COMMAND = "python -m mastertrade reference settings"

_ENVIRONMENTS = (Environment.DEV, Environment.STAGING, Environment.PROD)
_ANY_REGION = "REGION"
_EXAMPLE_REGION = Region.US_EAST_1
_MISSING = object()

_INTRODUCTION = f"""\
<!-- Generated from settings/model.py and settings/defaults.py by `{COMMAND}`. Changes here are lost. -->

# Settings

Generated from the models that check the settings, by `{COMMAND}`.

What a stack may state in `Pulumi.STACK.yaml`, under `config:`. Each section is one key at the top, written with the project's name
before it; a dotted key stands for nested mappings. `database.proxy.idle_timeout_seconds` is

```yaml
config:
  mastertrade:database:
    proxy:
      idle_timeout_seconds: 1800
```

or, from the command line, `pulumi config set --path 'database.proxy.idle_timeout_seconds' 1800`.

A stack states only what differs from the defaults of its `environment`; a key without a default must be stated. Mappings are merged
with their defaults key by key, lists replace theirs. Below a mapping that is `null`, a default is what a key gets once the mapping is
stated. Times are UTC. Rules that span several keys are in `settings/rules.py`. A
mistake is reported with its key, what was found, what is allowed and an example; all mistakes at once.
"""


@dataclass(frozen=True)
class _Row:
    """One key with a value of its own."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]


def render_settings_reference() -> str:
    """`docs/settings.md`: a section per system, a row per key."""
    properties = schema_at(()).get("properties", {})
    systems = [key for key in properties if _is_group(schema_at((key,)))]
    plain = [_Row((key,), schema_at((key,))) for key in properties if key not in systems]
    sections = [_section("Stack", "What the stack is, and where.", plain)]
    for key in systems:
        schema = schema_at((key,))
        sections.append(_section(f"`{key}`", _first_line(schema), list(_rows((key,), schema))))
    return "\n".join([_INTRODUCTION, *sections])


def write(root: Path) -> list[Path]:
    """Writes the reference into the project at `root`. Returns the files that were written."""
    return [write_page(root / SETTINGS_PAGE, render_settings_reference())]


def write_page(path: Path, text: str) -> Path:
    """Writes a page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def _is_group(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object"


def _rows(path: tuple[str, ...], schema: Mapping[str, Any]) -> Iterator[_Row]:
    """The keys below a group. A group that may be null has a row of its own before them."""
    if path == ("regions",):
        path, schema = (*path, _ANY_REGION), schema_at((*path, _ANY_REGION))
    elif schema.get("nullable"):
        yield _Row(path, schema)
    elif all(_stated(path, environment) == {} for environment in _ENVIRONMENTS):
        # nothing is stated below it: its own row says what could be
        yield _Row(path, schema)
        return
    for key in schema.get("properties") or names_at(path):
        below = schema_at((*path, key))
        if _is_group(below):
            yield from _rows((*path, key), below)
        else:
            yield _Row((*path, key), below)


def _section(title: str, purpose: str, rows: list[_Row]) -> str:
    environments = " | ".join(f"Default in {environment}" for environment in _ENVIRONMENTS)
    lines = [f"## {title}", "", purpose, "", f"| Key | Type and allowed values | {environments} | Meaning | Example |"]
    lines.append("|---" * (4 + len(_ENVIRONMENTS)) + "|")
    lines += [_line(row) for row in rows]
    return "\n".join([*lines, ""])


def _line(row: _Row) -> str:
    defaults = [_default(row, environment) for environment in _ENVIRONMENTS]
    allowed = "a mapping of the keys below, or null" if "properties" in row.schema else _in_code(allowed_values(row.schema), row.schema)
    cells = [_code(".".join(row.path)), allowed, *defaults, _first_line(row.schema), _example(row)]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _in_code(allowed: str, schema: Mapping[str, Any]) -> str:
    """A pattern is no prose: Markdown would take its stars and brackets for marks."""
    patterns = (schema.get("pattern"), cast("Mapping[str, Any]", schema.get("items", {})).get("pattern"))
    for pattern in patterns:
        if pattern:
            allowed = allowed.replace(pattern, _code(pattern))
    return allowed


def _first_line(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description", "")).split("\n", 1)[0]


def _default(row: _Row, environment: Environment) -> str:
    """The value that a stack of this environment has without stating it."""
    if row.path[:2] == ("regions", _ANY_REGION):
        return _region_default(row.path[2], environment)
    value = _stated(row.path, environment)
    if value is None and row.path and _stated(row.path[:-1], environment) is None:
        # the group itself is null
        return _code(as_written(row.schema["default"])) if "default" in row.schema else "–"
    if value is _MISSING:
        value = row.schema.get("default", _MISSING)
    if value is _MISSING:
        return "must be stated"
    if value == {}:
        return "none"
    if isinstance(value, dict):
        return "as below"
    return "none" if value == [] else _code(as_written(value))


def _stated(path: tuple[str, ...], environment: Environment) -> Any:
    """What the table of defaults has at a path; below a null, null."""
    value: Any = DEFAULTS[environment]
    for key in path:
        if value is None:
            break
        value = cast("Mapping[str, Any]", value).get(key, _MISSING) if isinstance(value, dict) else value
    return value


def _region_default(key: str, environment: Environment) -> str:
    if key == "zones":
        example = REGIONS[_EXAMPLE_REGION].zones[: ZONES[environment]]
        return f"the first {ZONES[environment]} that are known; in {_EXAMPLE_REGION} {_code(', '.join(example))}"
    if key == "vpc_cidr":
        return f"from the ledger; in {_EXAMPLE_REGION} {_code(str(vpc_cidr(_EXAMPLE_REGION)))}"
    return "must be stated"


def _example(row: _Row) -> str:
    examples = row.schema.get("examples")
    return _code(f"{row.path[-1]}: {as_written(examples[0])}") if examples else ""


def _code(text: str) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    """A bar ends a cell, even within code."""
    return text.replace("|", "\\|")
