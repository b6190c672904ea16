"""JUnit XML. There is no one schema of it: what readers have in common is checked by hand."""

import re
from xml.etree import ElementTree

import pytest

from mastertrade.evidence.junit import to_junit
from mastertrade.evidence.model import Audit, State
from tests.evidence.audits import audit, hostile_audit, verdict

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@pytest.mark.parametrize("stated", [audit(), hostile_audit(), audit(commit=None)], ids=["states", "hostile", "no git"])
def test_the_structure_is_what_readers_of_junit_expect(stated: Audit) -> None:
    root = ElementTree.fromstring(to_junit(stated).encode("utf-8"))
    assert root.tag == "testsuites"
    assert {each.tag for each in root} == {"testsuite"}
    for suite in root:
        assert suite.get("name")
        assert re.fullmatch(r"\d+", suite.get("time", ""))
        assert [each.tag for each in suite][:1] == ["properties"]
        cases = suite.findall("testcase")
        assert len(cases) == len(suite) - 1 == int(suite.get("tests", ""))
        for attribute, element in COUNTED.items():
            assert int(suite.get(attribute, "")) == len(suite.findall(f"testcase/{element}"))
        for case in cases:
            assert case.get("name")
            assert case.get("classname")
            assert len(case) <= 1, "one outcome at most"
    for attribute in ("tests", *COUNTED):
        assert int(root.get(attribute, "")) == sum(int(suite.get(attribute, "")) for suite in root)


def test_a_suite_for_each_pack_and_an_outcome_for_each_state() -> None:
    root = ElementTree.fromstring(to_junit(audit()))
    assert [each.get("name") for each in root] == ["encryption", "resilience"]
    outcomes = {case.get("name", "").rpartition("::")[2]: [each.tag for each in case] for case in root[0].findall("testcase")}
    assert outcomes == {"pass": [], "fail": ["failure"], "unknown": ["error"], "not-applicable": ["skipped"], "waived": ["skipped"]}


def test_a_failure_tells_what_is_wrong_how_strict_that_is_and_the_fix() -> None:
    (failure,) = ElementTree.fromstring(to_junit(audit(verdict(State.FAIL, "queue")))).iter("failure")
    assert (failure.get("message"), failure.get("type")) == ("queue has no key", "mandatory")
    assert "Set kmsMasterKeyId." in (failure.text or "")


def test_cases_of_several_stacks_do_not_mix() -> None:
    one, two = (ElementTree.fromstring(to_junit(audit(stack=stack)))[0].find("testcase") for stack in ("dev", "prod"))
    assert one is not None
    assert two is not None
    assert one.get("classname") != two.get("classname")


def test_a_case_names_the_line_that_declares_its_resource() -> None:
    case = ElementTree.fromstring(to_junit(audit()))[0].find("testcase")
    assert case is not None
    assert (case.get("file"), case.get("line")) == ("components/queues.py", "7")
