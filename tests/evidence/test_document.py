"""`evidence.json`: whole, described by its schema, and the same bytes for the same commit."""

import json
import tomllib

import pytest

import mastertrade
from mastertrade.evidence.context import reasons_of
from mastertrade.evidence.document import document, to_json
from mastertrade.evidence.model import Audit, State
from tests.declared import ROOT
from tests.evidence.audits import EVIDENCE_SCHEMA, audit, hostile_audit, problems


@pytest.mark.parametrize("stated", [audit(), hostile_audit(), audit(commit=None, frameworks=())], ids=["states", "hostile", "no git"])
def test_evidence_is_as_its_schema_says(stated: Audit) -> None:
    assert problems(EVIDENCE_SCHEMA.name, json.loads(to_json(document(stated)))) == []


@pytest.mark.parametrize(
    ("key", "value"), [("mode", "guessed"), ("compliant", "yes"), ("commit", {"id": "main"}), ("verdicts", [{"state": "pass"}])]
)
def test_the_schema_refuses_what_is_no_evidence(key: str, value: object) -> None:
    assert problems(EVIDENCE_SCHEMA.name, {**document(audit()), key: value}) != []


def test_the_schema_refuses_a_waiver_that_nobody_gave() -> None:
    stated = document(audit())
    waived = next(each for each in stated["verdicts"] if each["state"] == "waived")
    waived["waiver"] = None
    assert problems(EVIDENCE_SCHEMA.name, stated) != []


def test_every_key_of_the_document_is_described() -> None:
    schema = json.loads(EVIDENCE_SCHEMA.read_text(encoding="utf-8"))
    stated = document(audit())
    described = schema["$defs"]
    for found, keys in (
        (stated, schema["properties"]),
        (stated["verdicts"][0], described["verdict"]["properties"]),
        (stated["controls"][0], described["control"]["properties"]),
        (stated["frameworks"][0], described["framework"]["properties"]),
    ):
        assert set(found) == set(keys)


def test_verdicts_say_how_grave_they_are_and_controls_whom_they_serve() -> None:
    stated = document(audit())
    failed = next(each for each in stated["verdicts"] if each["state"] == "fail")
    assert (failed["severity"], failed["enforcement"]) == ("high", "mandatory")
    assert stated["controls"][0]["requirements"] == {"nist-800-53-r5": ["SC-28"]}
    assert stated["controls"][1]["requirements"] == {}


def test_counts_add_up_in_every_direction() -> None:
    stated = document(audit())
    counts = stated["counts"]
    for groups in (counts["packs"], counts["controls"], counts["regions"]):
        assert {state: sum(group[state] for group in groups.values()) for state in counts["states"]} == counts["states"]
    assert sum(counts["states"].values()) == len(stated["verdicts"])
    assert counts["frameworks"]["nist-800-53-r5"] == {state.value: 1 for state in State}


def test_types_without_a_control_are_named_with_the_reason() -> None:
    assert document(audit())["coverage"] == [
        {"type": "aws:sns/topic:Topic", "resources": 2, "reason": ""},
        {"type": "random:index/randomId:RandomId", "resources": 1, "reason": "part of a name"},
    ]


def test_reasons_are_found_whatever_the_version_of_a_kubernetes_kind() -> None:
    reasons = reasons_of(ROOT, ["kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "aws:new/thing:Thing"])
    assert list(reasons) == ["kubernetes:autoscaling/v2:HorizontalPodAutoscaler"]


def test_the_version_of_the_tool_is_the_projects() -> None:
    stated = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert (mastertrade.__version__, document(audit())["tool"]["version"]) == (stated, stated)


def test_entries_stand_on_lines_of_their_own() -> None:
    lines = to_json(document(audit())).splitlines()
    assert sum(line.startswith('  {"control": ') for line in lines) == len(audit().verdicts)


@pytest.mark.parametrize("value", [{}, [], [[]], {"a": []}, [1, "x", None, {"b": {"c": [1]}}], {"ä": "\u202e\ud800"}])
@pytest.mark.parametrize("levels", [0, 1, 2, 9])
def test_layout_changes_nothing(value: object, levels: int) -> None:
    text = to_json(value, open_levels=levels)
    assert json.loads(text) == value
    assert text.isascii()
