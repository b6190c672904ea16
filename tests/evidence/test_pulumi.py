"""Evidence of a real run: what the files of the Pulumi CLI tell, what they do not, and what is wrong with them."""

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastertrade.evidence.document import document, to_json
from mastertrade.pulumi_audit import audit_from_pulumi
from policies.engine import waivers
from policies.exposure import PACK as EXPOSURE
from tests.declared import ROOT
from tests.evidence.audits import EVIDENCE_SCHEMA, problems
from tests.evidence.demo import DEMO
from tests.evidence.pulumi_files import (
    PROVIDER_STATE,
    QUEUE,
    TOPIC,
    UNKNOWN,
    log,
    objection,
    passes,
    preview,
    state,
    step,
    summary,
    urn,
)

PLAIN, KEPT = urn(QUEUE, "plain"), urn(QUEUE, "kept")
STEPS = (step(PROVIDER_STATE), step(state(QUEUE, "plain")), step(state(QUEUE, "kept")), step(state(TOPIC, "news")))
TITLE = next(each.title for each in EXPOSURE.controls if each.id == "exp-policy-public")


@pytest.fixture
def audited(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(file: Path, *, root: Path = ROOT, stack: str = "", **more: Any) -> tuple[int, dict[str, Any], str]:
        """Exit code, evidence (empty where none was made) and what is told beside it."""
        code = audit_from_pulumi(root, file, stack, **{"as_json": True, "packs": (), "out": None, **more})
        printed = capsys.readouterr()
        return code, json.loads(printed.out)["audits"][0] if printed.out else {}, printed.err

    return run


def said(evidence: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(each["control"], each["name"]): each["state"] for each in evidence["verdicts"]}


def test_objections_and_passes_of_a_log_become_verdicts(audited: Any, tmp_path: Path) -> None:
    events = (objection("enc-sqs-queue", "it is plain", PLAIN), passes(KEPT, "enc-sqs-queue", "enc-kms-rotation"))
    code, evidence, _ = audited(log(tmp_path / "log", *STEPS, *events, summary(isPreview=True)))
    assert code == 3
    assert problems(EVIDENCE_SCHEMA.name, evidence) == []
    assert said(evidence) == {("enc-sqs-queue", "plain"): "fail", ("enc-sqs-queue", "kept"): "pass"}
    failed = next(each for each in evidence["verdicts"] if each["state"] == "fail")
    assert (failed["message"], failed["severity"], failed["region"]) == ("it is plain", "high", "us-west-2")
    assert (evidence["project"], evidence["stack"], evidence["mode"]) == ("mastertrade", "prod", "pulumi preview")
    assert evidence["unjudged"] == {"aws:sns/topic:Topic": 1, "pulumi:providers:aws": 1}


def test_controls_of_ours_are_told_with_their_requirements(audited: Any, tmp_path: Path) -> None:
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, passes(KEPT, "enc-sqs-queue"), summary()))
    control = next(each for each in evidence["controls"] if each["id"] == "enc-sqs-queue")
    assert control["requirements"]["nist-800-53-r5"]
    assert control["remediation"]
    assert {each["pack"] for each in evidence["controls"]} == {"encryption"}, "no other pack was asked"


def test_a_pack_of_a_folder_is_the_one_that_objects(audited: Any, tmp_path: Path) -> None:
    told = summary({"encryption|local|~/infrastructure/policies/encryption": "1.0.0", "company": "v2.1.0"})
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, objection("enc-sqs-queue", "it is plain", PLAIN), told))
    assert [(each["name"], each["version"]) for each in evidence["packs"]] == [("company", "2.1.0"), ("encryption", "1.0.0")]


def test_what_a_log_cannot_tell_is_stated(audited: Any, tmp_path: Path) -> None:
    _, without, _ = audited(log(tmp_path / "log", *STEPS, objection("enc-sqs-queue", "x", PLAIN), summary()))
    _, with_passes, _ = audited(log(tmp_path / "log", *STEPS, passes(KEPT, "enc-sqs-queue"), summary({"encryption": "v0.9.0"})))
    assert any("not what passes" in each for each in without["limits"])
    assert not any("not what passes" in each for each in with_passes["limits"])
    assert any("lines that declare" in each for each in without["limits"])
    assert any("commit" in each for each in without["limits"])
    _, older, _ = audited(log(tmp_path / "log", *STEPS, summary({"encryption": "v0.9.0"})))
    assert any("ran in version 0.9.0" in each for each in older["limits"])


@pytest.mark.parametrize("level", ["advisory", "mandatory"], ids=["in a preview", "in a deployment"])
def test_what_cannot_be_told_is_unknown_and_no_pass(audited: Any, tmp_path: Path, level: str) -> None:
    event = objection("exp-policy-public", f"{TITLE}: cannot be told, it is unknown.", PLAIN, pack="exposure", level=level)
    code, evidence, _ = audited(log(tmp_path / "log", *STEPS, event, summary({"exposure": "v1.0.0"})))
    assert (code, said(evidence)) == (3, {("exp-policy-public", "plain"): "unknown"})


@pytest.fixture
def waived_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> datetime.date:
    """The queue PLAIN is waived until the day that is returned."""
    today = datetime.datetime.now(datetime.UTC).date()
    stated = tmp_path / "waivers.yaml"
    stated.write_text(
        f"project: mastertrade\nwaivers:\n  - {{control: enc-sqs-queue, stack: prod, resource: '{QUEUE}::plain', owner: ada, "
        f"reason: a test, ticket: OPS-7, accepted: {today}, expires: {today}}}\n"
    )
    monkeypatch.setattr(waivers, "OWN_FILE", stated)
    return today


def test_waivers_count_where_the_project_states_them(audited: Any, tmp_path: Path, waived_today: datetime.date) -> None:
    message = "Queues. found nothing. Waived: accepted by ada until 2099-01-01 (OPS-7): trust me"
    events = [objection("enc-sqs-queue", message, each, level="advisory") for each in (PLAIN, KEPT)]
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, *events, summary()))
    assert said(evidence) == {("enc-sqs-queue", "plain"): "waived", ("enc-sqs-queue", "kept"): "fail"}, "a message waives nothing"
    (waived,) = [each["waiver"] for each in evidence["verdicts"] if each["waiver"]]
    assert (waived["owner"], waived["expires"]) == ("ada", str(waived_today))


@pytest.mark.usefixtures("waived_today")
def test_what_stopped_a_run_was_not_waived_in_it(audited: Any, tmp_path: Path) -> None:
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, objection("enc-sqs-queue", "it is plain", PLAIN), summary()))
    assert said(evidence) == {("enc-sqs-queue", "plain"): "fail"}


def test_packs_of_other_origins_are_taken_at_their_word(audited: Any, tmp_path: Path) -> None:
    events = (
        objection("queues", "a plain queue", PLAIN, pack="company", level="advisory"),
        objection("budget", "too dear", "", pack="company", level="warning"),
        passes(KEPT, "queues", pack="company"),
    )
    code, evidence, _ = audited(log(tmp_path / "log", *STEPS, *events, summary({"company": "v1.0.0"})))
    assert code == 0, "advice alone"
    assert said(evidence) == {("queues", "plain"): "fail", ("queues", "kept"): "pass", ("budget", ""): "fail"}
    assert {each["enforcement"] for each in evidence["controls"]} == {"advisory"}
    assert evidence["packs"] == [{"name": "company", "version": "1.0.0", "description": ""}]


def test_a_deployment_that_repeats_its_previews_objection_has_one_verdict(audited: Any, tmp_path: Path) -> None:
    events = [objection("enc-sqs-queue", "it is plain", PLAIN)] * 2
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, *events, summary(isPreview=False)))
    assert [each["message"] for each in evidence["verdicts"]] == ["it is plain"]
    assert evidence["mode"] == "pulumi update"


def test_what_is_deleted_is_not_part_of_the_stack(audited: Any, tmp_path: Path) -> None:
    gone = {
        "resourcePreEvent": {
            "metadata": {"op": "delete", "urn": urn(TOPIC, "news"), "type": TOPIC, "old": state(TOPIC, "news"), "new": None}
        }
    }
    _, evidence, _ = audited(log(tmp_path / "log", *STEPS, gone, summary()))
    assert "aws:sns/topic:Topic" not in evidence["unjudged"]


def test_the_order_of_events_changes_nothing(audited: Any, tmp_path: Path) -> None:
    events = [*STEPS, objection("enc-sqs-queue", "it is plain", PLAIN), passes(KEPT, "enc-sqs-queue")]
    one = audited(log(tmp_path / "one", *events, summary()))[1]
    two = audited(log(tmp_path / "two", *reversed(events), summary()))[1]
    assert one == two


def test_a_failed_run_is_no_evidence_of_anything_but_its_failures(audited: Any, tmp_path: Path) -> None:
    failed = {"diagnosticEvent": {"message": "<{%reset%}>boom\n", "severity": "error", "color": "raw"}}
    code, evidence, told = audited(log(tmp_path / "log", *STEPS, failed, passes(KEPT, "enc-sqs-queue"), summary()))
    assert (code, evidence) == (1, {})
    assert told.strip().endswith("the run failed, and no evidence is made of it: boom")
    code, evidence, _ = audited(log(tmp_path / "log", *STEPS, failed, objection("enc-sqs-queue", "x", PLAIN), summary()))
    assert code == 3
    assert any("The run failed" in each for each in evidence["limits"])


def test_the_packs_are_asked_about_what_a_preview_declares(audited: Any, tmp_path: Path) -> None:
    states = (
        PROVIDER_STATE,
        state(QUEUE, "plain", sourcePosition="project:///components/queues.py#12,5"),
        state(QUEUE, "kept", {"kmsMasterKeyId": "arn:aws:kms:us-west-2:210987654321:key/1"}),
        state(QUEUE, "coming", {"kmsMasterKeyId": UNKNOWN}, propertyDependencies={"kmsMasterKeyId": [urn("aws:kms/key:Key", "k")]}),
    )
    code, evidence, _ = audited(preview(tmp_path / "preview.json", *states), packs=(ROOT / "policies" / "encryption",))
    assert code == 3
    assert problems(EVIDENCE_SCHEMA.name, evidence) == []
    found = {name: each for (control, name), each in said(evidence).items() if control == "enc-sqs-queue"}
    assert (found["plain"], found["kept"]) == ("fail", "pass")
    failed = next(each for each in evidence["verdicts"] if each["name"] == "plain" and each["control"] == "enc-sqs-queue")
    assert (failed["source"], failed["region"]) == ("components/queues.py:12", "us-west-2")
    assert any("packs were asked about what the file declares" in each for each in evidence["limits"])


def test_evidence_of_a_run_is_written_like_any_other(audited: Any, tmp_path: Path) -> None:
    file = log(tmp_path / "log", *STEPS, passes(KEPT, "enc-sqs-queue"), summary())
    assert audited(file, out=tmp_path / "evidence")[0] == 0
    assert (tmp_path / "evidence" / "prod" / "manifest.json").is_file()


@pytest.mark.parametrize("kind", ["log", "preview"])
def test_a_run_is_compared_with_evidence_of_an_earlier_one(audited: Any, tmp_path: Path, kind: str) -> None:
    if kind == "log":
        file = log(tmp_path / "log", *STEPS, passes(KEPT, "enc-sqs-queue"), summary())
    else:
        file = preview(tmp_path / "preview", PROVIDER_STATE, state(QUEUE, "kept", {"kmsMasterKeyId": "key"}))
    out, pack = tmp_path / "evidence", () if kind == "log" else (ROOT / "policies" / "encryption",)
    code, first, _ = audited(file, out=out, packs=pack)
    page = out / "prod" / "index.html"
    assert 'id="earlier">[]<' in page.read_text(encoding="utf-8")
    kept = tmp_path / "kept.json"
    kept.write_bytes((out / "prod" / "evidence.json").read_bytes())
    assert audited(file, out=out, packs=pack, since=(kept,)) == (code, first, "")
    assert 'id="earlier">[{"project":"mastertrade","stack":"prod"' in page.read_text(encoding="utf-8")


def test_evidence_of_another_stack_is_no_earlier_one(audited: Any, tmp_path: Path) -> None:
    file = log(tmp_path / "log", *STEPS, passes(KEPT, "enc-sqs-queue"), summary())
    other = tmp_path / "other.json"
    other.write_text(to_json(document(replace(DEMO, project="mastertrade", stack="dev"))), encoding="utf-8")
    code, evidence, told = audited(file, out=tmp_path / "evidence", since=(other,))
    assert (code, evidence) == (2, {})
    assert told.startswith(f"{other}: found evidence of 'mastertrade', stack 'dev'; allowed: evidence of 'mastertrade', stack 'prod'")
    assert not (tmp_path / "evidence").exists()


EVENTS = (*STEPS, passes(KEPT, "enc-sqs-queue"))
WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (lambda file: file.write_text(""), "empty"),
    "no text": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
    "no JSON": (lambda file: file.write_text("Previewing update (prod)\n"), "line 1: not JSON"),
    "JSON of something else": (lambda file: file.write_text('{"resources": []}'), "found resources"),
    "a list": (lambda file: file.write_text("[1]"), "no JSON object"),
    "nested without end": (lambda file: file.write_text("[" * 100_000), "nested too deeply"),
    "a preview cut short": (lambda file: file.write_text(preview(file, PROVIDER_STATE).read_text()[:-40]), "cut short"),
    "a preview without steps": (preview, "found no steps"),
    "a preview that failed": (
        lambda file: preview(file, PROVIDER_STATE, diagnostics=[{"severity": "error", "message": "boom"}]),
        "the preview failed",
    ),
    "a preview that leaves out what is unchanged": (
        lambda file: preview(file, PROVIDER_STATE, changeSummary={"create": 1, "same": 7}),
        "leaves out 7 unchanged resources. Example: pulumi preview --json --show-sames",
    ),
    "a preview of another shape": (lambda file: preview(file, PROVIDER_STATE, steps=[7]), "steps[0]: found 7; allowed: an object"),
    "a log cut off within an event": (lambda file: file.write_text(log(file, *EVENTS).read_text()[:-9]), "the file is cut short"),
    "a log cut off between events": (
        lambda file: file.write_text("".join(log(file, *EVENTS, summary()).read_text().splitlines(keepends=True)[:-2])),
        "ends without a summaryEvent",
    ),
    "a log with a line of something else": (lambda file: file.write_text(log(file, *EVENTS).read_text() + "oops\n{}\n"), "not JSON"),
    "a log without packs": (lambda file: log(file, *STEPS, summary({})), "no policy pack was asked"),
    "a log without resources": (lambda file: log(file, summary()), "found no resource"),
    "a log of another shape": (
        lambda file: log(file, *STEPS, {"policyEvent": {"message": 7}}, summary()),
        "policyEvent.message: found 7; allowed: text",
    ),
    "a log without a URN": (lambda file: log(file, step({"urn": "x", "type": "y"}), summary()), "allowed: a URN"),
    "a log of another stack": (lambda file: log(file, *STEPS, summary()), "is about stack 'prod', not 'dev'"),
}


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_one_clear_error(audited: Any, tmp_path: Path, make: Any, message: str) -> None:
    file = tmp_path / "file"
    make(file)
    code, evidence, told = audited(file, stack="dev" if "not 'dev'" in message else "", out=tmp_path / "evidence")
    assert (code, evidence) == (2, {})
    assert told.startswith(str(file))
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "evidence").exists()


def test_a_stack_of_a_log_that_would_leave_its_folder_is_refused(audited: Any, tmp_path: Path) -> None:
    escaping = state(QUEUE, "queue", urn=f"urn:pulumi:../../etc::mastertrade::{QUEUE}::queue")
    code, _, told = audited(log(tmp_path / "log", step(escaping), summary()), out=tmp_path / "evidence")
    assert code == 2
    assert "stack named '../../etc'" in told
    assert not (tmp_path / "evidence").exists()
