"""Waivers: what is accepted, by whom, until when; and what is said of waivers that are not in order."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.engine.control import Control, Finding, Findings, Pack, Severity, State
from policies.engine.resources import Resource
from policies.engine.run import Run
from policies.engine.waivers import WaiverError, read_waivers, waiver_control
from tests.declared import ROOT

TODAY = datetime.date(2026, 3, 1)
QUEUE = "aws:sqs/queue:Queue"
ENTRY: dict[str, Any] = {
    "control": "enc-demo",
    "stack": "prod",
    "resource": f"{QUEUE}::orders",
    "owner": "ada@mastertrade.example",
    "reason": "the vendor reads it",
    "ticket": "OPS-7",
    "accepted": datetime.date(2026, 1, 15),
    "expires": datetime.date(2026, 4, 14),
}


def written(folder: Path, *entries: dict[str, Any], **keys: Any) -> Path:
    file = folder / "waivers.yaml"
    file.write_text(yaml.safe_dump({"project": "demo", "waivers": list(entries), **keys}))
    return file


def read(file: Path, today: datetime.date = TODAY) -> Any:
    return read_waivers(file, project="demo", stack="prod", today=today)


def encrypted(asked: Resource) -> Findings:
    if not asked.flag("encrypted"):
        yield Finding("encrypted", "true")


DEMO = Control("enc-demo", "Queues are encrypted", Severity.HIGH, "why", "do that", (QUEUE,), encrypted)
PACK = Pack("demo", "1.0.0", "", (DEMO, waiver_control("enc")))


def judged(file: Path, queues: dict[str, dict[str, Any]], today: datetime.date = TODAY) -> dict[tuple[str, str], Any]:
    """Verdicts by control and resource."""
    run = Run(PACK, "demo", "prod", today)
    run.configure({"enc-waivers": {"file": str(file)}})
    resources = [
        Resource(urn=f"urn:pulumi:prod::demo::{QUEUE}::{name}", type_=QUEUE, name=name, properties=properties)
        for name, properties in queues.items()
    ]
    for each in resources:
        run.judge_alone(each)
    run.judge_stack(resources)
    return {(each.control.id, each.resource.name): each for each in run.verdicts()}


def test_a_waived_finding_is_waived_and_says_by_whom_until_when(tmp_path: Path) -> None:
    verdicts = judged(written(tmp_path, ENTRY), {"orders": {}, "other": {"encrypted": True}})
    waived = verdicts["enc-demo", "orders"]
    assert waived.state is State.WAIVED
    assert waived.message().endswith("Waived: accepted by ada@mastertrade.example until 2026-04-14 (OPS-7): the vendor reads it")
    assert verdicts["enc-demo", "other"].state is State.PASS
    assert verdicts["enc-waivers", "waivers[0]"].state is State.PASS


def test_a_waiver_holds_on_its_last_day_and_not_after_it(tmp_path: Path) -> None:
    file = written(tmp_path, ENTRY)
    assert judged(file, {"orders": {}}, ENTRY["expires"])["enc-demo", "orders"].state is State.WAIVED
    after = judged(file, {"orders": {}}, ENTRY["expires"] + datetime.timedelta(days=1))
    assert after["enc-demo", "orders"].state is State.FAIL
    assert "which is over" in after["enc-waivers", "waivers[0]"].message()


def test_a_waiver_that_nothing_needs_is_a_finding(tmp_path: Path) -> None:
    verdicts = judged(written(tmp_path, ENTRY), {"orders": {"encrypted": True}})
    assert "about which it finds nothing" in verdicts["enc-waivers", "waivers[0]"].message()
    assert verdicts["enc-demo", "orders"].state is State.PASS


def test_a_waiver_of_a_control_that_does_not_exist_is_a_finding(tmp_path: Path) -> None:
    verdicts = judged(written(tmp_path, {**ENTRY, "control": "enc-dmeo"}), {"orders": {}})
    assert verdicts["enc-waivers", "waivers[0]"].state is State.FAIL
    assert verdicts["enc-demo", "orders"].state is State.FAIL


def test_a_pattern_that_covers_all_that_its_control_judges_is_too_broad(tmp_path: Path) -> None:
    file = written(tmp_path, {**ENTRY, "resource": f"{QUEUE}::ord*"})
    assert judged(file, {"orders": {}, "ordinary": {}, "other": {}})["enc-waivers", "waivers[0]"].state is State.PASS
    broad = judged(file, {"orders": {}, "ordinary": {}})
    assert "every resource that the control judges" in broad["enc-waivers", "waivers[0]"].message()


def test_waivers_of_another_project_or_stack_waive_nothing_here(tmp_path: Path) -> None:
    assert read(written(tmp_path, ENTRY, project="other")) == ()
    assert read(written(tmp_path, {**ENTRY, "stack": "dev"})) == ()


def test_every_mistake_is_named_at_once_with_an_example(tmp_path: Path) -> None:
    wrong = {**ENTRY, "resource": "*", "owner": " ", "expires": "soon", "until": 1}
    late = {**ENTRY, "expires": datetime.date(2026, 4, 16), "accepted": datetime.date(2026, 1, 15)}
    ahead = {**ENTRY, "accepted": datetime.date(2026, 3, 2)}
    with pytest.raises(WaiverError) as caught:
        read(written(tmp_path, wrong, late, ahead, "text"))  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "Waivers:",
        "  waivers.yaml: waivers[0].until: a key that is not known",
        "  waivers.yaml: waivers[0].resource: found '*'",
        "  waivers.yaml: waivers[0].owner: found ' '",
        "  waivers.yaml: waivers[0].expires: found 'soon'",
        "  waivers.yaml: waivers[1].expires: found 2026-04-16",
        "  waivers.yaml: waivers[2].accepted: found 2026-03-02",
        "  waivers.yaml: waivers[3]: found 'text'",
    ]
    assert lines[5].endswith("allowed: 2026-01-15 to 2026-04-15: 90 days at most. Example: expires: 2026-04-15")


@pytest.mark.parametrize("text", ["[", "- a", "waivers: 7\nproject: demo", "project: demo", "\x00"])
def test_a_file_of_another_form_is_one_clear_message(tmp_path: Path, text: str) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(WaiverError, match=r"waivers\.yaml: "):
        read(file)


def test_own_waivers_are_in_order() -> None:
    read_waivers(ROOT / "policies" / "waivers.yaml", project="mastertrade", stack="prod", today=datetime.datetime.now(datetime.UTC).date())
