"""Frameworks: what standards ask for, and which controls serve it."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from settings.problems import Problem, shown

__all__ = ["SUBJECTS", "Framework", "FrameworkError", "Requirement", "read_frameworks", "served"]

SUBJECTS = "subjects.yaml"
"""Names for groups of controls that several requirements share. Beside the frameworks, one file each."""

_FRAMEWORK = {
    "id": ("the name of the file without its ending", "id: soc-2"),
    "title": ("the name of the framework", "title: SOC 2"),
    "version": ("its version, as text", 'version: "5.0"'),
    "source": ("the address where it is published", "source: https://www.cisecurity.org/benchmark/amazon_web_services"),
}
_REQUIREMENT = {
    "id": ("the framework's own ID, as text", 'id: "2.2.1"'),
    "name": ("what it asks for, in our own words", "name: Databases are encrypted"),
}
_ONE_OF = ("controls", "not_covered")
_PATTERN = re.compile(r"[a-z]+-[a-z0-9-]*[a-z0-9]-\*")
"""A pack, a service and a star. A star behind the pack alone would serve what nobody has looked at."""


class FrameworkError(Exception):
    """All mistakes of a folder of frameworks, one line each."""

    def __init__(self, problems: Iterable[tuple[str, Problem]]) -> None:
        super().__init__("\n".join(["Frameworks:", *(f"  {each.line(file)}" for file, each in problems)]))


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that a framework asks for."""

    id: str
    name: str
    controls: tuple[str, ...] = ()
    """IDs of the controls that serve it, sorted: a finding of any of them is a breach of it, or of a part."""
    not_covered: str = ""
    """Why no control serves it; empty where one does."""


@dataclass(frozen=True, slots=True)
class Framework:
    """A standard."""

    id: str
    title: str
    version: str
    source: str
    """Where it is published."""
    requirements: tuple[Requirement, ...]
    """In the framework's order."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What an entry of `controls` may name."""

    controls: Collection[str]
    subjects: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    named: set[str] = field(default_factory=set[str])
    """Subjects that something names."""

    def resolve(self, entry: str) -> Sequence[str]:
        """IDs that an entry names; none where it names nothing."""
        if entry in self.subjects:
            self.named.add(entry)
            return self.subjects[entry]
        if _PATTERN.fullmatch(entry):
            return [each for each in self.controls if each.startswith(entry[:-1])]
        return [entry] if entry in self.controls else []


@dataclass(slots=True)
class _File:
    """A file that is being read, and what is wrong with it."""

    path: Path
    problems: list[tuple[str, Problem]]

    def wrong(self, where: str, found: str, allowed: str, example: str = "") -> None:
        self.problems.append((self.path.name, Problem(where, found, allowed, example)))

    def read(self) -> Mapping[str, Any] | None:
        import yaml  # noqa: PLC0415 - not needed by those who only judge

        try:
            # in C where PyYAML was built with it: ten times as fast
            loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(self.path.read_text(encoding="utf-8"))
            node: Any = loader.get_single_node()
            stated: Any = loader.construct_document(node) if node is not None else None
            doubled = _doubled(node)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            self.wrong("", f"not readable as YAML ({' '.join(str(error).split())[:200]})", "a file of the folder policies/frameworks")
            return None
        for line, key in doubled:
            self.wrong(f"line {line}", f"{shown(key)} a second time", "every key once in a mapping")
        if not isinstance(stated, Mapping):
            self.wrong("", f"found {shown(stated)}", "a mapping")
            return None
        return cast("Mapping[str, Any]", stated)

    def text(self, entry: Mapping[str, Any], name: str, where: str, allowed: str, example: str) -> str:
        """A field of a mapping that has to be text; empty where it is not."""
        value = entry.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.wrong(f"{where}{name}", f"found {shown(value)}" if name in entry else "missing", allowed, example)
        return ""

    def unknown(self, entry: Mapping[str, Any], where: str, known: Collection[str]) -> None:
        for name in entry:
            if name not in known:
                self.wrong(f"{where}{name}", "a key that is not known", ", ".join(known))

    def controls(self, stated: Any, where: str, known: _Known) -> tuple[str, ...]:
        """IDs that a list of IDs, patterns and subjects names."""
        if not isinstance(stated, list) or not stated:
            self.wrong(where, f"found {shown(cast('object', stated))}", "a list of controls", "[enc-ebs-volume, enc-kms-*]")
            return ()
        found: set[str] = set()
        entries = cast("list[Any]", stated)
        for position, entry in enumerate(entries):
            named = known.resolve(entry) if isinstance(entry, str) else ()
            found.update(named)
            if entry in entries[:position]:
                self.wrong(where, f"{shown(entry)} twice", "every control once")
            elif not named:
                self.wrong(where, *_unresolved(entry))
        return tuple(sorted(found))


def read_frameworks(folder: Path, controls: Collection[str]) -> tuple[Framework, ...]:
    """Frameworks of a folder by ID, resolved against the IDs of all controls. Raises `FrameworkError` with every mistake of every file."""
    problems: list[tuple[str, Problem]] = []
    known = _Known(controls)
    if (folder / SUBJECTS).exists():
        _read_subjects(_File(folder / SUBJECTS, problems), known)
    paths = sorted(each for each in folder.glob("*.yaml") if each.name != SUBJECTS)
    if not paths:
        problems.append((folder.name, Problem("", "no framework", "a file for each framework", "soc-2.yaml")))
    frameworks = [_framework(_File(path, problems), known) for path in paths]
    for name in sorted(known.subjects.keys() - known.named):
        problems.append((SUBJECTS, Problem(name, "named by no requirement", "subjects that requirements name")))
    if problems:
        raise FrameworkError(problems)
    return tuple(each for each in frameworks if each is not None)


def served(frameworks: Iterable[Framework], controls: Iterable[str]) -> dict[str, tuple[tuple[Framework, Requirement], ...]]:
    """For each control, the requirements that it serves, in the order of the frameworks. A control that serves none has an empty tuple."""
    found: dict[str, list[tuple[Framework, Requirement]]] = {each: [] for each in controls}
    for framework in frameworks:
        for requirement in framework.requirements:
            for control in requirement.controls:
                found.setdefault(control, []).append((framework, requirement))
    return {control: tuple(each) for control, each in found.items()}


def _read_subjects(file: _File, known: _Known) -> None:
    """A subject may name those above it."""
    for name, stated in (file.read() or {}).items():
        if name in known.controls:
            file.wrong(str(name), "the ID of a control", "a name that no control has", "data-at-rest")
        known.subjects[str(name)] = file.controls(stated, str(name), known)


def _framework(file: _File, known: _Known) -> Framework | None:
    stated = file.read()
    if stated is None:
        return None
    before = len(file.problems)
    file.unknown(stated, "", (*_FRAMEWORK, "requirements"))
    fields = {name: file.text(stated, name, "", allowed, example) for name, (allowed, example) in _FRAMEWORK.items()}
    if fields["id"] and fields["id"] != file.path.stem:
        file.wrong("id", f"found {shown(fields['id'])}", *_FRAMEWORK["id"])
    if fields["source"] and not fields["source"].startswith("https://"):
        file.wrong("source", f"found {shown(fields['source'])}", *_FRAMEWORK["source"])
    entries: Any = stated.get("requirements")
    if not isinstance(entries, list) or not entries:
        file.wrong("requirements", f"found {shown(cast('object', entries))}", "a list of requirements")
        entries = []
    requirements = [_requirement(file, each, number, known) for number, each in enumerate(cast("list[Any]", entries))]
    ids = [each.id for each in requirements if each is not None and each.id]
    for doubled in sorted({each for each in ids if ids.count(each) > 1}):
        file.wrong(doubled, f"{ids.count(doubled)} requirements of this ID", "one requirement of an ID")
    if len(file.problems) > before:
        return None
    return Framework(**fields, requirements=tuple(each for each in requirements if each is not None))


def _requirement(file: _File, stated: Any, number: int, known: _Known) -> Requirement | None:
    where = f"requirements[{number}]"
    if not isinstance(stated, Mapping):
        file.wrong(where, f"found {shown(stated)}", f"a mapping with {', '.join(_REQUIREMENT)}, and one of {' and '.join(_ONE_OF)}")
        return None
    entry = cast("Mapping[str, Any]", stated)
    id_ = file.text(entry, "id", f"{where}.", *_REQUIREMENT["id"])
    where = id_ or where
    file.unknown(entry, f"{where}: ", (*_REQUIREMENT, *_ONE_OF))
    name = file.text(entry, "name", f"{where}: ", *_REQUIREMENT["name"])
    given = [each for each in _ONE_OF if each in entry]
    if len(given) != 1:
        found = "both controls and not_covered" if given else "neither controls nor not_covered"
        file.wrong(where, found, "controls that serve it, or the reason why none does", "not_covered: people are trained, not declared")
        return Requirement(id_, name)
    if "controls" in given:
        return Requirement(id_, name, controls=file.controls(entry["controls"], f"{where}: controls", known))
    reason = file.text(
        entry, "not_covered", f"{where}: ", "the reason why no control serves it", "not_covered: people are trained, not declared"
    )
    return Requirement(id_, name, not_covered=reason)


def _doubled(node: Any) -> list[tuple[int, str]]:
    """Lines and names of keys that stand twice in a mapping, of which YAML keeps the last without a word."""
    import yaml  # noqa: PLC0415 - not needed by those who only judge

    found: list[tuple[int, str]] = []
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            found.extend(_doubled(each))
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if key.value in keys:
                found.append((key.start_mark.line + 1, key.value))
            keys.add(str(key.value))
            found.extend(_doubled(value))
    return found


def _unresolved(entry: Any) -> tuple[str, str, str]:
    """Found, allowed and an example, for an entry that names no control."""
    if not isinstance(entry, str) or "*" not in entry:
        return (
            f"{shown(entry)}, which no control and no subject is called",
            "the ID of a control, as in docs/controls.md, or a subject of subjects.yaml",
            "enc-ebs-volume",
        )
    if _PATTERN.fullmatch(entry):
        return f"{shown(entry)}, which matches no control", "the beginning of at least one control", "enc-kms-*"
    return f"{shown(entry)}, which is no pattern", "a pack, a service and one star at the end", "enc-kms-*"
