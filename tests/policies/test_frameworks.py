"""Frameworks: every control serves a requirement, every requirement has controls or a reason, and every mistake of their files is named."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.catalogue import FRAMEWORKS, PACKS
from policies.engine.frameworks import SUBJECTS, Framework, FrameworkError, read_frameworks, served
from tests.declared import ROOT

CONTROLS = [control.id for pack in PACKS for control in pack.controls]
KNOWN = ("enc-demo-disk", "enc-demo-queue", "enc-other", "res-demo-copy")
REQUIREMENT: dict[str, Any] = {"id": "1.1", "name": "Disks are encrypted", "controls": ["enc-demo-disk"]}
FRAMEWORK: dict[str, Any] = {
    "id": "demo-1",
    "title": "Demo",
    "version": "1",
    "source": "https://demo.example",
    "requirements": [REQUIREMENT],
}


@pytest.fixture(scope="module")
def frameworks() -> tuple[Framework, ...]:
    return read_frameworks(FRAMEWORKS, CONTROLS)


def read(folder: Path, *requirements: Any, subjects: dict[str, Any] | None = None, **fields: Any) -> tuple[Framework, ...]:
    """What is read of a folder with one framework, in which some fields are others; None leaves one out."""
    stated = {**FRAMEWORK, **({"requirements": list(requirements)} if requirements else {}), **fields}
    (folder / "demo-1.yaml").write_text(yaml.safe_dump({name: value for name, value in stated.items() if value is not None}))
    if subjects is not None:
        (folder / SUBJECTS).write_text(yaml.safe_dump(subjects, sort_keys=False))
    return read_frameworks(folder, KNOWN)


def controls(folder: Path, *entries: str, **more: Any) -> tuple[str, ...]:
    """IDs that a requirement's list names."""
    return read(folder, {**REQUIREMENT, "controls": list(entries)}, **more)[0].requirements[0].controls


def test_every_control_serves_a_requirement(frameworks: tuple[Framework, ...]) -> None:
    idle = [control for control, requirements in served(frameworks, CONTROLS).items() if not requirements]
    assert not idle, f"name them in policies/frameworks/{SUBJECTS} or in a framework"


def test_every_requirement_has_controls_or_a_reason(frameworks: tuple[Framework, ...]) -> None:
    for framework in frameworks:
        for requirement in framework.requirements:
            assert bool(requirement.controls) != bool(requirement.not_covered), f"{framework.id} {requirement.id}"


def test_reasons_name_tests_and_controls_that_exist(frameworks: tuple[Framework, ...]) -> None:
    for framework in frameworks:
        for requirement in framework.requirements:
            for file in re.findall(r"tests/\S+\.py", requirement.not_covered):
                assert (ROOT / file).is_file(), f"{framework.id} {requirement.id}"
            for control in re.findall(r"\b(?:enc|exp|res|wl)-[\w-]+", requirement.not_covered):
                assert control in CONTROLS, f"{framework.id} {requirement.id}"


def test_reasons_that_point_to_another_requirement_point_to_one_with_controls(frameworks: tuple[Framework, ...]) -> None:
    for framework in frameworks:
        covered = {each.id for each in framework.requirements if each.controls}
        for requirement in framework.requirements:
            for id_ in re.findall(r"judged under ([\w.()-]+\w)", requirement.not_covered):
                assert id_ in covered, f"{framework.id} {requirement.id}"


def test_requirements_of_a_control_come_with_their_framework(tmp_path: Path) -> None:
    (framework,) = read(tmp_path, REQUIREMENT, {**REQUIREMENT, "id": "1.2"})
    requirements = served([framework], KNOWN)
    assert [(each.id, requirement.id) for each, requirement in requirements["enc-demo-disk"]] == [("demo-1", "1.1"), ("demo-1", "1.2")]
    assert requirements["enc-other"] == ()


def test_a_pattern_names_a_family(tmp_path: Path) -> None:
    assert controls(tmp_path, "enc-demo-*") == ("enc-demo-disk", "enc-demo-queue")


def test_a_subject_names_controls_and_subjects_above_it(tmp_path: Path) -> None:
    subjects = {"demo": ["enc-demo-*"], "all": ["demo", "enc-other"]}
    assert controls(tmp_path, "all", "res-demo-copy", subjects=subjects) == KNOWN


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": None}, 'requirements[0].id: missing; allowed: the framework\'s own ID, as text. Example: id: "2.2.1"'),
        ({"id": 1.1}, "requirements[0].id: found 1.1; allowed: the framework's own ID, as text"),
        ({"name": ""}, "1.1: name: found ''; allowed: what it asks for, in our own words"),
        ({"note": "x"}, "1.1: note: a key that is not known; allowed: id, name, controls, not_covered"),
        ({"controls": None}, "1.1: neither controls nor not_covered; allowed: controls that serve it, or the reason why none does"),
        ({"not_covered": "x"}, "1.1: both controls and not_covered; allowed"),
        ({"controls": None, "not_covered": " "}, "1.1: not_covered: found ' '; allowed: the reason why no control serves it"),
        ({"controls": []}, "1.1: controls: found []; allowed: a list of controls"),
        ({"controls": "enc-other"}, "1.1: controls: found 'enc-other'; allowed: a list of controls"),
        ({"controls": ["enc-lost"]}, "1.1: controls: 'enc-lost', which no control and no subject is called"),
        ({"controls": [7]}, "1.1: controls: 7, which no control and no subject is called"),
        ({"controls": ["enc-other", "enc-other"]}, "1.1: controls: 'enc-other' twice; allowed: every control once"),
        ({"controls": ["enc-lost-*"]}, "1.1: controls: 'enc-lost-*', which matches no control"),
        ({"controls": ["enc-*"]}, "1.1: controls: 'enc-*', which is no pattern; allowed: a pack, a service and one star at the end"),
        ({"controls": ["enc-*-disk"]}, "1.1: controls: 'enc-*-disk', which is no pattern"),
    ],
)
def test_mistakes_of_a_requirement_are_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    requirement = {name: value for name, value in {**REQUIREMENT, **changed}.items() if value is not None}
    with pytest.raises(FrameworkError) as raised:
        read(tmp_path, requirement)
    assert f"demo-1.yaml: {message}" in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": None}, "demo-1.yaml: title: missing; allowed: the name of the framework"),
        ({"version": 5.0}, "demo-1.yaml: version: found 5.0; allowed: its version, as text"),
        ({"id": "demo-2"}, "demo-1.yaml: id: found 'demo-2'; allowed: the name of the file without its ending"),
        ({"source": "a book"}, "demo-1.yaml: source: found 'a book'; allowed: the address where it is published"),
        ({"author": "x"}, "demo-1.yaml: author: a key that is not known"),
        ({"requirements": None}, "demo-1.yaml: requirements: found None; allowed: a list of requirements"),
        ({"requirements": ["x"]}, "demo-1.yaml: requirements[0]: found 'x'; allowed: a mapping with id, name"),
        ({"requirements": [REQUIREMENT, REQUIREMENT]}, "demo-1.yaml: 1.1: 2 requirements of this ID; allowed: one requirement of an ID"),
        ({"subjects": {"demo": ["enc-lost"]}}, "subjects.yaml: demo: 'enc-lost', which no control and no subject is called"),
        ({"subjects": {"low": ["high"], "high": ["enc-other"]}}, "subjects.yaml: low: 'high', which no control and no subject is called"),
        ({"subjects": {"demo": ["enc-demo-*"]}}, "subjects.yaml: demo: named by no requirement"),
        ({"subjects": {"enc-other": ["enc-other"]}}, "subjects.yaml: enc-other: the ID of a control; allowed: a name that no control has"),
    ],
)
def test_mistakes_of_a_file_are_named(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FrameworkError) as raised:
        read(tmp_path, **fields)
    assert message in str(raised.value)


def test_all_mistakes_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("- a")
    with pytest.raises(FrameworkError) as raised:
        read(tmp_path, {**REQUIREMENT, "controls": ["enc-lost", "enc-lost-*"]}, title=None)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines] == ["Frameworks", "broken.yaml", *["demo-1.yaml"] * 3, "list.yaml"]


def test_a_key_that_stands_twice_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / SUBJECTS).write_text("demo: [enc-other]\ndemo: [enc-demo-*]\n")
    with pytest.raises(FrameworkError, match=r"subjects\.yaml: line 2: 'demo' a second time"):
        controls(tmp_path, "demo")


def test_a_folder_without_a_framework_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FrameworkError, match="no framework"):
        read_frameworks(tmp_path, KNOWN)
