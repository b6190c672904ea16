"""Audits for the tests of files: one with every state, one with hostile names. Their dates stand still."""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonschema import validators

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

SCHEMAS = Path(__file__).parent / "schemas"
EVIDENCE_SCHEMA = Path(__file__).parents[2] / "mastertrade" / "evidence" / "evidence.schema.json"

QUEUE = "aws:sqs/queue:Queue"
HOSTILE = (
    "<script>alert(1)</script>",
    "</testcase><failure/>&amp;",
    "]]><!--",
    '=HYPERLINK("http://example.invalid","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "  =1+1",
    "＝1+1",
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "a\u202egnp.exe",
    "a\u2066b\u2069c\u200f",
    "zero\u200bwidth\ufeff",
    "\x1b[31mred\x1b[0m",
    "nul\x00bell\x07",
    "line\r\nbreak\u2028more",
    "lone\ud800surrogate",
    "[click](http://example.invalid)",
    "{0} {{1}} %s ${HOME} `id`",
    "quote\"s and 'apostrophes', commas; semicolons",
    "x" * 10_000,
)

CONTROL = AuditedControl(
    pack="encryption",
    id="enc-sqs-queue",
    title="Queues are encrypted with a customer managed key",
    severity="high",
    enforcement="mandatory",
    rationale="Whoever gets hold of a copy reads it.",
    remediation="Set kmsMasterKeyId.",
    references=("https://docs.aws.amazon.com/sqs", "internal page"),
    types=(QUEUE,),
)
ADVICE = replace(
    CONTROL, id="res-sqs-dead-letter", pack="resilience", title="Queues have a dead-letter queue", severity="low", enforcement="advisory"
)
WAIVER = WaiverOfVerdict(f"{QUEUE}::waived", "ada@mastertrade.example", "moves next month", "OPS-7", "2026-01-15", "2026-04-14")
FRAMEWORK = Framework(
    "nist-800-53-r5",
    "NIST Special Publication 800-53",
    "Revision 5",
    "https://csrc.nist.gov",
    (
        Requirement("SC-28", "Information at rest is protected", ("enc-sqs-queue",), ""),
        Requirement("AT-2", "People are trained", (), "is about people"),
    ),
)


def verdict(state: State, name: str, **changes: Any) -> Verdict:
    """What CONTROL says of a queue."""
    stated = Verdict(
        control=CONTROL.id,
        urn=f"urn:pulumi:prod::demo::{QUEUE}::{name}",
        type=QUEUE,
        name=name,
        region="us-east-1",
        source="components/queues.py:7",
        state=state,
        message="" if state is State.PASS else f"{name} has no key",
        findings=(Finding("kmsMasterKeyId", "nothing", "the ARN of a key"),) if state is State.FAIL else (),
        waiver=WAIVER if state is State.WAIVED else None,
    )
    return replace(stated, **changes)


def audit(*verdicts: Verdict, **changes: Any) -> Audit:
    """An audit of the stack prod with two packs; without verdicts of its own it has each state once, and one of the whole stack."""
    every = tuple(verdict(state, state.value.replace(" ", "-")) for state in State)
    advice = Verdict(ADVICE.id, "", "", "", "", "", State.FAIL, "no queue has one")
    stated = Audit(
        project="demo",
        stack="prod",
        mode="simulated",
        packs=(AuditedPack("encryption", "1.0.0", "Data is encrypted"), AuditedPack("resilience", "1.1.0")),
        controls=(CONTROL, ADVICE),
        verdicts=verdicts or (*every, advice),
        unjudged={"aws:sns/topic:Topic": 2, "random:index/randomId:RandomId": 1},
        commit=Commit("a" * 40, "2026-11-25T22:22:26+01:00", clean=True),
        frameworks=(FRAMEWORK,),
        reasons={"random:index/randomId:RandomId": "part of a name"},
    )
    return replace(stated, **changes)


def hostile_audit() -> Audit:
    """Every hostile text as name, URN, message, source and waiver, in every state."""
    verdicts: list[Verdict] = []
    for number, name in enumerate(HOSTILE):
        state = list(State)[number % len(State)]
        waiver = WaiverOfVerdict(name, name, name, name, "2026-01-15", "2026-04-14") if state is State.WAIVED else None
        verdicts.append(verdict(state, name, message=name, source=f"{name[:200]}:3", region=name[:200], waiver=waiver))
    # what a log of the CLI may name
    control = replace(CONTROL, title=HOSTILE[0], rationale=HOSTILE[9], remediation=HOSTILE[12])
    return audit(*verdicts, controls=(control, ADVICE), limits=HOSTILE)


@functools.cache
def validator(name: str) -> Any:
    """A validator for a published schema, or for our own."""
    schema = json.loads((EVIDENCE_SCHEMA if name == EVIDENCE_SCHEMA.name else SCHEMAS / name).read_text(encoding="utf-8"))
    kind = validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def problems(name: str, document: Any) -> list[str]:
    """Where a document is not as a schema wants it."""
    return [f"{error.json_path}: {error.message[:200]}" for error in validator(name).iter_errors(document)]
