"""`mastertrade audit`: what every control says of every resource, and the exit code that a pipeline acts on."""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mastertrade.audit import audit_stacks
from tests.declared import ROOT
from tests.offline.programs import project

PROGRAM = """
key = aws.kms.Key("key", enable_key_rotation=True, deletion_window_in_days=30, opts=there)
aws.sqs.Queue("kept", kms_master_key_id=key.arn, opts=there)
aws.sqs.Queue("plain", opts=there)
aws.sqs.Queue("odd", kms_master_key_id="alias/orders", policy="not a document", opts=there)
aws.mq.Broker("broker", engine_type="RabbitMQ", engine_version="3.13", host_instance_type="mq.m7g.large", opts=there)
aws.ec2.InternetGateway("gateway", opts=there)
"""
WAIVERS = """
project: demo
waivers:
  - {control: enc-sqs-queue, stack: dev, resource: "aws:sqs/queue:Queue::plain", owner: ada, reason: a test, ticket: OPS-7,
     accepted: ACCEPTED, expires: EXPIRES}
"""
PACK = """
import sys
sys.path.insert(0, "ROOT")
from policies.PACKNAME import PACK
from policies.engine.server import serve
serve(PACK)
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("audited") / "project", PROGRAM)


def pack(folder: Path, name: str, configuration: dict[str, Any]) -> Path:
    """One of our packs in a folder of its own, configured for the stack dev."""
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text(PACK.replace("ROOT", str(ROOT)).replace("PACKNAME", name))
    (folder / "dev.json").write_text(json.dumps(configuration))
    return folder


def audit(capsys: pytest.CaptureFixture[str], root: Path, *packs: Path) -> tuple[int, dict[tuple[str, str], dict[str, Any]], str]:
    """Exit code, verdicts by control and resource, and what is told beside them."""
    code = audit_stacks(root, ("dev",), "simulated", as_json=True, packs=packs)
    printed = capsys.readouterr()
    audits = json.loads(printed.out)["audits"]
    return code, {(each["control"], each["name"]): each for one in audits for each in one["verdicts"]}, printed.err


def test_each_of_the_five_states_is_told(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(WAIVERS.replace("ACCEPTED", str(today)).replace("EXPIRES", str(today + datetime.timedelta(days=1))))
    encryption = pack(tmp_path / "encryption", "encryption", {"enc-waivers": {"file": str(waivers)}, "enc-kms-lockout": "disabled"})
    exposure = pack(tmp_path / "exposure", "exposure", {"exp-policy-public": "advisory", "exp-policy-deputy": "advisory"})
    code, said, _ = audit(capsys, demo, encryption, exposure)
    assert {name: said["enc-sqs-queue", name]["state"] for name in ("kept", "plain", "odd")} == {
        "kept": "pass",
        "plain": "waived",
        "odd": "pass",
    }
    assert said["enc-sqs-queue", "plain"]["waiver"]["owner"] == "ada"
    assert said["enc-mq-storage", "broker"]["state"] == "not applicable"
    assert said["exp-policy-public", "odd"]["state"] == "unknown"
    assert ("enc-kms-lockout", "key") not in said
    assert code == 0, "nothing mandatory fails"


def test_a_failed_mandatory_control_is_exit_code_3(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    code, said, _ = audit(capsys, demo, pack(tmp_path / "encryption", "encryption", {}))
    failed = said["enc-sqs-queue", "plain"]
    assert (code, failed["state"], failed["region"]) == (3, "fail", "us-east-1")
    assert failed["findings"] == [{"property": "kmsMasterKeyId", "found": "nothing", "wanted": "the ARN of a customer managed key"}]


def test_a_mandatory_control_that_cannot_tell_is_no_pass(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    code, said, _ = audit(capsys, demo, pack(tmp_path / "exposure", "exposure", {}))
    assert (code, said["exp-policy-public", "odd"]["state"]) == (3, "unknown")


def test_wrong_waivers_are_told_and_nothing_is_audited(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("project: demo\nwaivers: [{control: 7}]\n")
    code, said, told = audit(
        capsys, demo, pack(tmp_path / "encryption", "encryption", {"enc-waivers": {"file": str(tmp_path / "waivers.yaml")}})
    )
    assert (code, said) == (2, {})
    assert "waivers.yaml: waivers[0].control: found 7; allowed: a control's ID" in told
    assert "waivers.yaml: waivers[0].owner: missing" in told


def test_packs_of_other_origins_tell_what_the_protocol_tells(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text("""
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def plain(args, report):
    if args.resource_type == "aws:sqs/queue:Queue" and "kmsMasterKeyId" not in args.props:
        report("a plain queue")
PolicyPack("company", [ResourceValidationPolicy("queues", "a description", plain, enforcement_level=EnforcementLevel.MANDATORY)])
""")
    code, said, _ = audit(capsys, demo, folder)
    assert code == 3
    assert (said["queues", "plain"]["state"], said["queues", "kept"]["state"]) == ("fail", "pass")
    assert "a plain queue" in said["queues", "plain"]["message"]


def test_production_complies_and_every_verdict_is_counted() -> None:
    done = subprocess.run([sys.executable, "-m", "mastertrade", "audit", "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (audited,) = json.loads(done.stdout)["audits"]
    assert audited["compliant"]
    counts = audited["counts"]["states"]
    assert sum(counts.values()) == len(audited["verdicts"]) > 800
    assert (counts["fail"], counts["unknown"], counts["waived"]) == (0, 0, 0)
    assert {each["name"] for each in audited["packs"]} == {"encryption", "exposure", "resilience", "workloads"}
    assert "[secret]" not in done.stdout, "no message needs to hide anything"


def test_the_list_names_every_control_resource_and_state() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mastertrade", "audit", "-s", "dev"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "\x1b" not in done.stdout, "colour only on a terminal"
    lines = done.stdout.splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("enc-rds-cluster-storage "))
    assert lines[heading + 1].split() == ["pass", "us-east-1-database"]
    assert lines[-1].strip() == "compliant"
