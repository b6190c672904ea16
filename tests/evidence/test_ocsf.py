"""OCSF: every verdict is a valid Compliance Finding."""

import json
from typing import Any

import pytest

from mastertrade.evidence.model import Audit
from mastertrade.evidence.ocsf import to_ocsf
from tests.evidence.audits import SCHEMAS, audit, hostile_audit, problems

SCHEMA = next(SCHEMAS.glob("ocsf-*.json")).name


def problems_of(event: dict[str, Any]) -> list[str]:
    """The schema is that of the class with the cloud profile, without which no cloud is required."""
    found = problems(SCHEMA, event)
    return found if "profiles" in event["metadata"] else [each for each in found if each != "$: 'cloud' is a required property"]


def events(stated: Audit) -> list[dict[str, Any]]:
    return json.loads(to_ocsf(stated))


@pytest.mark.parametrize("stated", [audit(), hostile_audit(), audit(commit=None, frameworks=())], ids=["states", "hostile", "no git"])
def test_every_event_is_as_the_published_class_says(stated: Audit) -> None:
    assert [problem for event in events(stated) for problem in problems_of(event)] == []


def test_the_class_is_compliance_finding() -> None:
    for event in events(audit()):
        assert (event["category_uid"], event["class_uid"], event["type_uid"]) == (2, 2003, 2003 * 100 + event["activity_id"])


def test_each_state_has_its_status() -> None:
    said = {each["unmapped"]["state"]: (each["compliance"]["status"], each["status"]) for each in events(audit())[:-1]}
    assert said == {
        "pass": ("Pass", "New"),
        "fail": ("Fail", "New"),
        "unknown": ("Warning", "New"),
        "not applicable": ("Not applicable", "New"),
        "waived": ("Fail", "Suppressed"),
    }


def test_an_event_tells_standards_requirements_fix_and_resource() -> None:
    failed = next(each for each in events(audit()) if each["compliance"]["status"] == "Fail")
    assert failed["compliance"]["standards"] == ["NIST Special Publication 800-53 Revision 5"]
    assert failed["compliance"]["requirements"] == ["nist-800-53-r5: SC-28"]
    assert failed["remediation"]["desc"] == "Set kmsMasterKeyId."
    (resource,) = failed["resources"]
    assert (resource["name"], resource["region"], failed["cloud"]) == ("fail", "us-east-1", {"provider": "AWS", "region": "us-east-1"})
    assert (failed["severity_id"], failed["severity"]) == (4, "High")


def test_the_time_of_an_event_is_the_commits() -> None:
    assert {each["time"] for each in events(audit())} == {1_795_641_746_000}


def test_every_event_is_known_again() -> None:
    identities = [each["finding_info"]["uid"] for each in events(audit())]
    assert len(set(identities)) == len(identities)
    assert identities == [each["finding_info"]["uid"] for each in events(audit(mode="first"))]
