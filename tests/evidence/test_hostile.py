"""Names that anybody may have chosen come out as text in every file, and choose no file's name."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mastertrade.audit import show_audit
from mastertrade.evidence.folder import WRITERS, write_evidence
from mastertrade.evidence.inert import inert
from mastertrade.evidence.model import State
from mastertrade.evidence.problems import EvidenceError
from tests.evidence.audits import HOSTILE, audit, hostile_audit, verdict


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON document, keys too."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"results.csv"}))
def test_files_hold_no_character_that_hides_or_turns_others_around(name: str) -> None:
    text = WRITERS[name](hostile_audit())
    assert all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("name", ["results.sarif", "code-scanning.sarif", "results.ocsf.json"])
def test_what_a_reader_of_json_unescapes_is_as_harmless(name: str) -> None:
    found = [each.replace("\n\n", "") for each in texts(json.loads(WRITERS[name](hostile_audit())))]
    assert [each for each in found if not each.isprintable()] == []


def test_what_a_reader_of_xml_unescapes_is_as_harmless_and_still_the_name() -> None:
    root = ElementTree.fromstring(WRITERS["results.junit.xml"](hostile_audit()).encode("utf-8"))
    found = {case.get("name", "").rpartition("Queue::")[2] for case in root.iter("testcase")}
    assert "<script>alert(1)</script>" in found
    assert "a\\u202egnp.exe" in found
    assert all(value.isprintable() for element in root.iter() for value in element.attrib.values())
    assert {each.tag for each in root.iter()} == {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "skipped",
    }


def test_what_a_reader_of_csv_unquotes_is_as_harmless() -> None:
    for row in csv.reader(io.StringIO(WRITERS["results.csv"](hostile_audit()), newline="")):
        assert all(cell.isprintable() and cell.lstrip()[:1] not in tuple("=+-@＝＋－＠") for cell in row if cell)


def test_sarif_messages_have_no_links_of_their_own() -> None:
    run = json.loads(WRITERS["results.sarif"](hostile_audit()))["runs"][0]
    assert not any("](" in each["message"]["text"] for each in run["results"])


def test_places_in_sarif_are_addresses_whatever_a_file_is_called() -> None:
    run = json.loads(WRITERS["results.sarif"](hostile_audit()))["runs"][0]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert all(each.isascii() and not set(each) & set(' <>"{}|\\^`') for each in places)


def test_long_names_are_shortened_but_in_the_canonical_form() -> None:
    name = "x" * 10_000
    stated = audit(verdict(State.FAIL, name, urn="urn:pulumi:prod::demo::t::n"))
    assert name in WRITERS["evidence.json"](stated)
    for file in ("results.junit.xml", "results.sarif", "results.ocsf.json"):
        assert "x" * 100 in WRITERS[file](stated)
        assert "x" * 5_000 not in WRITERS[file](stated)


@pytest.mark.parametrize("stack", ["..", ".", "../prod", "a/b", "a\\b", "", "prod\n", "x" * 101, "prod\u202e", "~"])
def test_no_stack_writes_outside_of_its_folder(tmp_path: Path, stack: str) -> None:
    with pytest.raises(EvidenceError, match="stack named"):
        write_evidence([audit(stack=stack)], tmp_path / "evidence")
    assert list(tmp_path.iterdir()) == []


def test_files_are_named_by_us_alone(tmp_path: Path) -> None:
    write_evidence([hostile_audit()], tmp_path / "evidence")
    assert {each.name for each in (tmp_path / "evidence" / "prod").iterdir()} == {*WRITERS, "manifest.json"}


def test_a_terminal_is_commanded_by_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    show_audit(hostile_audit())
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize("text", HOSTILE)
def test_inert_text_is_one_printable_line(text: str) -> None:
    assert inert(text).isprintable()
    assert len(inert(text, longest=20)) <= 20 * len("\\ud800")
