"""SARIF: valid, in place, and alerts that stay the same when lines move."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mastertrade.evidence.model import Audit, State
from mastertrade.evidence.sarif import to_code_scanning, to_sarif
from tests.evidence.audits import SCHEMAS, WAIVER, audit, hostile_audit, problems, verdict

SCHEMA = next(SCHEMAS.glob("sarif-*.json")).name


def run_of(text: str) -> dict[str, Any]:
    (run,) = json.loads(text)["runs"]
    return run


def results(stated: Audit) -> dict[str, dict[str, Any]]:
    """By name of the resource."""
    return {each["locations"][0]["logicalLocations"][0]["name"]: each for each in run_of(to_sarif(stated))["results"]}


@pytest.mark.parametrize("stated", [audit(), hostile_audit(), audit(commit=None, frameworks=())], ids=["states", "hostile", "no git"])
@pytest.mark.parametrize("writer", [to_sarif, to_code_scanning])
def test_sarif_is_as_its_published_schema_says(stated: Audit, writer: Any) -> None:
    assert problems(SCHEMA, json.loads(writer(stated))) == []


def test_each_state_has_its_kind() -> None:
    kinds = {name: (each["kind"], each["level"], bool(each["suppressions"])) for name, each in results(audit()).items()}
    assert kinds == {
        "pass": ("pass", "none", False),
        "fail": ("fail", "error", False),
        "unknown": ("review", "none", False),
        "not-applicable": ("notApplicable", "none", False),
        "waived": ("review", "none", True),
        "the stack": ("fail", "note", False),
    }


def test_an_accepted_failure_is_a_suppressed_failure() -> None:
    waived = verdict(State.WAIVED, "waived", findings=verdict(State.FAIL, "x").findings)
    result = results(audit(waived))["waived"]
    (suppression,) = result["suppressions"]
    assert (result["kind"], suppression["kind"], suppression["status"]) == ("fail", "external", "accepted")
    assert all(each in suppression["justification"] for each in (WAIVER.owner, WAIVER.expires, WAIVER.ticket, WAIVER.reason))


def test_results_stand_where_their_resources_are_declared() -> None:
    location = results(audit())["fail"]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "components/queues.py"
    assert location["region"] == {"startLine": 7}


def test_what_no_line_declares_stands_in_the_stacks_file() -> None:
    location = results(audit())["the stack"]["locations"][0]["physicalLocation"]
    assert (location["artifactLocation"]["uri"], location["region"]) == ("Pulumi.prod.yaml", {"startLine": 1})


def test_rules_tell_the_fix_the_requirements_and_how_grave_they_are() -> None:
    rule, advice = run_of(to_sarif(audit()))["tool"]["driver"]["rules"]
    assert rule["helpUri"] == "https://docs.aws.amazon.com/sqs"
    assert "Fix: Set kmsMasterKeyId." in rule["help"]["text"]
    assert rule["properties"]["requirements"] == {"nist-800-53-r5": ["SC-28"]}
    assert (rule["properties"]["security-severity"], advice["properties"]["security-severity"]) == ("8.0", "2.5")
    assert (rule["defaultConfiguration"]["level"], advice["defaultConfiguration"]["level"]) == ("error", "note")


def test_every_result_names_its_rule() -> None:
    run = run_of(to_sarif(audit()))
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_resources_of_one_line_are_alerts_of_their_own() -> None:
    prints = {each["partialFingerprints"]["primaryLocationLineHash"] for each in results(audit()).values()}
    assert len(prints) == len(audit().verdicts)


def test_an_alert_stays_the_same_when_lines_and_messages_change() -> None:
    before = verdict(State.FAIL, "queue")
    after = replace(before, source="components/messages.py:99", message="other words")
    one, two = (results(audit(each))["queue"]["partialFingerprints"] for each in (before, after))
    assert one == two


def test_code_scanning_gets_problems_and_nothing_else() -> None:
    run = run_of(
        to_code_scanning(audit(verdict(State.PASS, "a"), verdict(State.FAIL, "b"), verdict(State.UNKNOWN, "c"), verdict(State.WAIVED, "d")))
    )
    assert [each["properties"]["state"] for each in run["results"]] == ["fail", "unknown"]
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == ["enc-sqs-queue"]


def test_limits_are_notifications() -> None:
    (invocation,) = run_of(to_sarif(audit(limits=("Lines are not told.",))))["invocations"]
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == ["Lines are not told."]
