"""A project's settings files, merged into what Pulumi hands to a program as its engine merges them."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mastertrade.offline.yaml_file import Node, Scalar, example_of, mistake, read_yaml
from settings.problems import Problem, SettingsError, shown
from settings.reading import ENCRYPTED

__all__ = ["Project", "merged_configuration", "read_configuration", "read_project", "stacks_of"]

PROJECT_FILE = "Pulumi.yaml"

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
# `secretsprovider`, `encryptedkey` and `encryptionsalt` are Pulumi's own; they decide nothing that a program sees.
_EXAMPLES = {"integer": "3", "boolean": "true", "array": "[first, second]", "object": "{first: 1, second: 2}"}
_STACK_FILE_KEYS = ("config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment")


@dataclass(frozen=True, slots=True)
class Project:
    """What `Pulumi.yaml` says about the program."""

    root: Path
    name: str
    main: Path
    """The folder or file that is run."""
    declared: Mapping[str, Node]
    """The `config:` section."""


def read_project(root: Path) -> Project:
    """The project in a folder. Raises `SettingsError`."""
    path = root / PROJECT_FILE
    if not path.is_file():
        raise mistake(PROJECT_FILE, 0, f"no such file in {shown(str(root))}", "the folder of a Pulumi project", "mastertrade --cwd FOLDER")
    content = read_yaml(path)
    name = content.get("name")
    if not isinstance(name, Scalar) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name.text):
        raise SettingsError(
            PROJECT_FILE, [Problem("name", "missing or malformed", "letters, digits, '-', '_' and '.'", "name: mastertrade")]
        )
    main = content.get("main")
    folder = root / main.text if isinstance(main, Scalar) and main.text else root
    declared = content.get("config")
    if declared is None or (isinstance(declared, Scalar) and declared.is_null):
        declared = {}
    if not isinstance(declared, dict):
        raise SettingsError(PROJECT_FILE, [Problem("config", "found no mapping", "a mapping", "config: {domain: {default: ''}}")])
    return Project(root, name.text, folder, cast("dict[str, Node]", declared))


def stacks_of(root: Path) -> tuple[str, ...]:
    """Names of the stacks that have a file in the project's folder, sorted."""
    names = (path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml"))
    return tuple(sorted(name for name in names if name))


def read_configuration(root: Path, stack: str) -> dict[str, str]:
    """What a stack's program gets to read: full keys, such as `mastertrade:domain`, to texts. Raises `SettingsError`."""
    return merged_configuration(read_project(root), stack)[0]


def merged_configuration(project: Project, stack: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Full keys to texts, and the keys whose values are secret.

    A list or mapping becomes JSON text, any other value the text as written. A value encrypted for a stack cannot be
    decrypted here: a placeholder takes its place. Raises `SettingsError`.
    """
    path = project.root / f"Pulumi.{stack}.yaml"
    if not _STACK_NAME.fullmatch(stack) or not path.is_file():
        raise _no_such_stack(project.root, stack)
    content = read_yaml(path)
    problems = [_unknown_stack_key(key) for key in content if key not in _STACK_FILE_KEYS]
    example = f"config: {{{project.name}:domain: mastertrade.example}}"
    if content.get("environment"):
        allowed = "plain settings: the offline preview opens no environment"
        problems.append(Problem("environment", "found imports of Pulumi ESC", allowed, example))
    stated = content.get("config")
    if isinstance(stated, Scalar) and stated.is_null:
        stated = None
    if stated is not None and not isinstance(stated, dict):
        problems.append(Problem("config", "found no mapping", "a mapping", example))
        stated = None
    if problems:
        raise SettingsError(path.name, problems)
    values = dict(_stack_values(project, path.name, cast("dict[str, Node]", stated or {})))
    for key, value in _project_values(project):
        values.setdefault(key, value)
    _check_declared_types(project, path.name, values)
    return {key: value.text for key, value in values.items()}, tuple(sorted(key for key, value in values.items() if value.secret))


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    secret: bool = False


def _no_such_stack(root: Path, stack: str) -> SettingsError:
    known = stacks_of(root)
    short = stack.rsplit("/", 1)[-1].removeprefix("Pulumi.").removesuffix(".yaml")
    nearest = difflib.get_close_matches(short, known, n=1)
    hint = f", did you mean '{nearest[0]}'?" if nearest else ""
    allowed = f"one of {', '.join(known)}" if known else "a stack with a Pulumi.STACK.yaml beside Pulumi.yaml"
    example = nearest or known[:1]
    return SettingsError(
        f"Pulumi.{shown(stack)[1:-1]}.yaml",
        [Problem("", f"no stack of this name{hint}", allowed, f"--stack {example[0]}" if example else "Pulumi.dev.yaml")],
    )


def _unknown_stack_key(key: str) -> Problem:
    nearest = difflib.get_close_matches(key, _STACK_FILE_KEYS, n=1)
    hint = f", did you mean '{nearest[0]}'?" if nearest else ""
    return Problem(shown(key)[1:-1], f"no key of a stack file{hint}", f"one of {', '.join(_STACK_FILE_KEYS)}", "config: {}")


def _stack_values(project: Project, file: str, stated: Mapping[str, Node]) -> Iterator[tuple[str, _Value]]:
    seen: dict[str, str] = {}
    for key, node in stated.items():
        full = _full_key(project.name, key)
        if full in seen:
            found = f"the same as {shown(seen[full])}"
            raise SettingsError(file, [Problem(shown(key)[1:-1], found, "each key once", example_of(full, node))])
        seen[full] = key
        yield full, _value(node, file, key)


def _project_values(project: Project) -> Iterator[tuple[str, _Value]]:
    """A project states a value for every stack (`value`), or one for stacks that state none (`default`)."""
    for key, node in project.declared.items():
        if isinstance(node, dict):
            declaration = cast("dict[str, Node]", node)
            stated = declaration.get("value", declaration.get("default"))
            if stated is not None:
                yield _full_key(project.name, key), _value(stated, PROJECT_FILE, key)
        else:
            yield _full_key(project.name, key), _value(node, PROJECT_FILE, key)


def _check_declared_types(project: Project, file: str, values: Mapping[str, _Value]) -> None:
    problems: list[Problem] = []
    for key, node in project.declared.items():
        type_ = cast("dict[str, Node]", node).get("type") if isinstance(node, dict) else None
        value = values.get(_full_key(project.name, key))
        if not isinstance(type_, Scalar):
            continue
        example = f"{key}: {_EXAMPLES.get(type_.text, 'text')}"
        if value is None:
            problems.append(Problem(key, "missing", f"a value of type {type_.text}: {PROJECT_FILE} gives no default", example))
        elif not value.secret and not _has_type(value.text, type_.text):
            problems.append(
                Problem(key, f"found {shown(value.text)}", f"a value of type {type_.text}, as {PROJECT_FILE} declares", example)
            )
    if problems:
        raise SettingsError(file, problems)


def _has_type(text: str, type_: str) -> bool:
    if type_ == "string":
        return True
    try:
        value: Any = json.loads(text)
    except ValueError:
        return False
    kinds: dict[str, type] = {"integer": int, "boolean": bool, "array": list, "object": dict}
    return type_ not in kinds or (isinstance(value, kinds[type_]) and (type_ != "integer" or not isinstance(value, bool)))


def _full_key(project: str, key: str) -> str:
    if ":" not in key:
        return f"{project}:{key}"
    return key.replace(":config:", ":", 1)  # the oldest form, which Pulumi still reads


def _value(node: Node, file: str, key: str) -> _Value:
    if isinstance(node, Scalar):
        # Text as written: 02:00 stays 02:00 and 012 stays 012, whatever YAML would make of it.
        return _Value("" if node.is_null else node.text)
    if _is_encrypted(node):
        return _Value(ENCRYPTED, secret=True)
    found_secret: list[bool] = []
    plain = _plain(node, found_secret)
    try:
        text = json.dumps(plain, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise SettingsError(
            file, [Problem(shown(key)[1:-1], "found a number without end", "a number", f"{shown(key)[1:-1]}: 0.5")]
        ) from None
    return _Value(text, secret=bool(found_secret))


def _is_encrypted(node: Node) -> bool:
    return isinstance(node, dict) and list(cast("dict[str, Node]", node)) == ["secure"] and isinstance(node["secure"], Scalar)


def _plain(node: Node, found_secret: list[bool]) -> Any:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, list):
        return [_plain(each, found_secret) for each in cast("list[Node]", node)]
    if _is_encrypted(node):
        found_secret.append(True)
        return ENCRYPTED
    return {name: _plain(each, found_secret) for name, each in cast("dict[str, Node]", node).items()}
