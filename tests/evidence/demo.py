"""Audits for the tests of the page and of comparisons, which count from today: a small one, it as it was earlier, and one that is large."""

import datetime
from collections.abc import Iterable
from dataclasses import replace

from mastertrade.evidence.model import (
    Audit,
    AuditedControl,
    AuditedPack,
    Commit,
    Finding,
    State,
    Verdict,
    WaiverOfVerdict,
)
from policies.engine.frameworks import Framework, Requirement

TODAY = datetime.datetime.now().astimezone().date()
DAYS_LEFT = 9


def control(id_: str, title: str, severity: str = "high", enforcement: str = "mandatory") -> AuditedControl:
    """A control of the pack that its ID tells."""
    pack = {"enc": "encryption", "exp": "exposure"}[id_.partition("-")[0]]
    return AuditedControl(
        pack, id_, title, severity, enforcement, f"Why {id_}.", f"Mend {id_}.", ("https://docs.example/it",), ("aws:rds/cluster:Cluster",)
    )


def verdict(
    control_id: str,
    name: str,
    state: State = State.PASS,
    *,
    type_: str = "aws:rds/cluster:Cluster",
    region: str = "us-east-1",
    message: str = "",
    waiver: WaiverOfVerdict | None = None,
    findings: tuple[Finding, ...] = (),
) -> Verdict:
    """What a control says of a resource of this name."""
    urn = f"urn:pulumi:prod::demo::demo:index:Region${type_}::{name}"
    return Verdict(
        control_id, urn, type_, name, region, f"components/{type_.rpartition(':')[2].lower()}.py:12", state, message, findings, waiver
    )


WAIVER = WaiverOfVerdict(
    "aws:rds/cluster:Cluster::west-database",
    "ada@demo.example",
    "restored with the next release",
    "OPS-7",
    str(TODAY),
    str(TODAY + datetime.timedelta(days=DAYS_LEFT)),
)
PLAIN = Finding("kmsKeyId", "nothing", "the ARN of a key")

DEMO = Audit(
    project="demo",
    stack="prod",
    mode="simulated",
    packs=(AuditedPack("encryption", "1.0.0", "Data is encrypted"), AuditedPack("exposure", "1.0.0", "Nothing is open")),
    controls=(
        control("enc-rds-storage", "Storage of database clusters is encrypted"),
        control("enc-sqs-queue", "Queues are encrypted", "medium"),
        control("enc-idle", "Tapes are encrypted"),
        control("exp-sg-world", "Security groups open nothing", "critical"),
        control("exp-off", "Doors are shut", "low", "disabled"),
    ),
    verdicts=(
        verdict("enc-rds-storage", "east-database"),
        verdict("enc-rds-storage", "west-database", State.WAIVED, region="us-west-2", findings=(PLAIN,), waiver=WAIVER),
        verdict("enc-sqs-queue", "orders", type_="aws:sqs/queue:Queue"),
        verdict("enc-sqs-queue", "plain", State.FAIL, type_="aws:sqs/queue:Queue", message="no key", findings=(PLAIN,)),
        verdict("exp-sg-world", "door", State.UNKNOWN, type_="aws:ec2/securityGroup:SecurityGroup", message="known after the deployment"),
        verdict("exp-sg-world", "wall", State.NOT_APPLICABLE, type_="aws:ec2/securityGroup:SecurityGroup", region="", message="no rule"),
    ),
    unjudged={"random:index/randomId:RandomId": 3},
    commit=Commit("f047e57c90641e3f7a15d7715f0b065c2d69ffaa", "2026-11-25T22:22:26+00:00", clean=True),
    frameworks=(
        Framework(
            "nist-800-53-r5",
            "NIST Special Publication 800-53",
            "Revision 5",
            "https://csrc.example/",
            (
                Requirement("AC-1", "Policy of access", (), "is written by people"),
                Requirement("SC-28", "What is stored stays secret", ("enc-rds-storage", "enc-idle"), ""),
                Requirement("SC-29", "Tapes too", ("enc-idle",), ""),
            ),
        ),
    ),
)  # fmt: skip


def earlier(commit: str, date: str, *, without: Iterable[str] = (), **states: State) -> Audit:
    """The demo as it was: verdicts of some resources otherwise, of others none."""
    verdicts = tuple(
        replace(each, state=states[key], waiver=None) if (key := each.name.replace("-", "_")) in states else each
        for each in DEMO.verdicts
        if each.name not in without
    )
    return replace(DEMO, commit=Commit(commit * 40, date, clean=True), verdicts=verdicts)


def large(count: int) -> Audit:
    """As many verdicts over fifty controls, a few of which fail."""
    controls = tuple(control(f"enc-thing-{number}", f"Thing {number} is encrypted") for number in range(50))
    verdicts = tuple(
        verdict(
            controls[number * 50 // count].id,
            f"resource-{number % 2000}",
            State.FAIL if number % 500 == 0 else State.NOT_APPLICABLE if number % 10 == 0 else State.PASS,
            region=f"us-east-{number % 4}",
            message="" if number % 10 else "said for a reason",
        )
        for number in range(count)
    )
    return replace(DEMO, controls=controls, verdicts=verdicts, frameworks=())
