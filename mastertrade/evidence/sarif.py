"""`results.sarif` and `code-scanning.sarif`: verdicts at the lines that declare their resources, in SARIF 2.1.0."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from mastertrade import __version__
from mastertrade.evidence.document import to_json
from mastertrade.evidence.identity import fingerprint
from mastertrade.evidence.inert import inert
from mastertrade.evidence.model import Audit, AuditedControl, State, Verdict, WaiverOfVerdict

__all__ = ["to_code_scanning", "to_sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST_NAME, _LONGEST_MESSAGE = 300, 2_000
"""Characters. evidence.json has the whole."""
_KINDS = {State.PASS: "pass", State.FAIL: "fail", State.UNKNOWN: "review", State.NOT_APPLICABLE: "notApplicable"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}
"""What code scanning reads severities from: from 9 it is critical, from 7 high, from 4 medium."""
_OPEN_LEVELS = 4
"""So many that each result has a line of its own."""


def to_sarif(audit: Audit) -> str:
    """Every verdict. What is accepted is a suppressed result; what passes or does not apply is a result of that kind."""
    return _log(audit, audit.controls, audit.verdicts)


def to_code_scanning(audit: Audit) -> str:
    """Only what fails and what cannot be told, and the controls that say so.

    GitHub's code scanning makes an alert of every result, of whatever kind, suppressed or not.
    """
    verdicts = [each for each in audit.verdicts if each.state in (State.FAIL, State.UNKNOWN)]
    speaking = {each.control for each in verdicts}
    return _log(audit, [each for each in audit.controls if each.id in speaking], verdicts)


def _log(audit: Audit, controls: Iterable[AuditedControl], verdicts: Iterable[Verdict]) -> str:
    controls = list(controls)
    requirements = audit.requirements()
    rules = {control.id: number for number, control in enumerate(controls)}
    by_id = {control.id: control for control in controls}
    places = _Places(f"Pulumi.{audit.stack}.yaml")
    run = {
        "tool": {
            "driver": {
                "name": "mastertrade",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(each, requirements.get(each.id, {})) for each in controls],
            },
            "extensions": [{"name": inert(each.name), "version": inert(each.version)} for each in audit.packs],
        },
        "automationDetails": {"id": f"mastertrade/{inert(audit.project)}/{inert(audit.stack)}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "note", "message": {"text": _message(each)}} for each in audit.limits],
            }
        ],
        "properties": {
            "project": inert(audit.project),
            "stack": inert(audit.stack),
            "mode": audit.mode,
            "commit": audit.commit.id if audit.commit else None,
        },
        "results": [_result(audit, by_id[each.control], rules[each.control], each, places) for each in verdicts],
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, open_levels=_OPEN_LEVELS)


def _rule(control: AuditedControl, requirements: dict[str, list[str]]) -> dict[str, Any]:
    title, rationale = _message(control.title), _message(control.rationale or control.title)
    links = [each for each in control.references if each.startswith("https://")]
    served = "; ".join(f"{framework} {', '.join(names)}" for framework, names in requirements.items())
    parts = [rationale, f"Fix: {control.remediation}" if control.remediation else "", f"Serves {served}." if served else "", *links]
    help_ = "\n\n".join(inert(each) for each in parts if each)
    rule: dict[str, Any] = {
        "id": inert(control.id),
        "shortDescription": {"text": title},
        "fullDescription": {"text": rationale},
        "help": {"text": help_, "markdown": help_},
        "defaultConfiguration": {"level": _level(control), "enabled": control.enforcement != "disabled"},
        "properties": {
            "tags": ["security", inert(control.pack), *requirements],
            "pack": inert(control.pack),
            "severity": control.severity,
            "enforcement": control.enforcement,
            "requirements": requirements,
        },
    }
    if links:
        rule["helpUri"] = links[0]
    if control.severity in _SCORES:
        rule["properties"]["security-severity"] = _SCORES[control.severity]
    return rule


def _result(audit: Audit, control: AuditedControl, rule: int, verdict: Verdict, places: "_Places") -> dict[str, Any]:
    kind = _kind(verdict)
    name = inert(verdict.name or "the stack", longest=_LONGEST_NAME)
    identity = fingerprint(audit, verdict)
    return {
        "ruleId": inert(control.id),
        "ruleIndex": rule,
        "kind": kind,
        # anything but a failure has no level
        "level": _level(control) if kind == "fail" else "none",
        "message": {"text": _message(f"{name}: {verdict.message or control.title}")},
        "locations": [
            {
                "physicalLocation": places.of(verdict.source),
                "logicalLocations": [{"name": name, "fullyQualifiedName": inert(verdict.urn or audit.stack), "kind": "resource"}],
            }
        ],
        # code scanning knows alerts again by the first; one line of the program may declare many resources
        "partialFingerprints": {"primaryLocationLineHash": f"{identity}:1", "controlAndResource/v1": identity},
        "suppressions": [_suppression(verdict.waiver)] if verdict.waiver else [],
        "properties": {"state": verdict.state.value, "type": inert(verdict.type), "region": inert(verdict.region)},
    }


def _kind(verdict: Verdict) -> str:
    """A waiver accepts a failure, which has findings, or that nothing can be told."""
    if verdict.state is State.WAIVED:
        return _KINDS[State.FAIL if verdict.findings else State.UNKNOWN]
    return _KINDS[verdict.state]


def _level(control: AuditedControl) -> str:
    """`error` for what stops a deployment."""
    if control.enforcement == "mandatory":
        return "error"
    return "note" if control.severity == "low" else "warning"


def _suppression(waiver: WaiverOfVerdict) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": inert(f"accepted by {waiver.owner} until {waiver.expires} ({waiver.ticket}): {waiver.reason}"),
        "properties": {"owner": inert(waiver.owner), "expires": waiver.expires, "ticket": inert(waiver.ticket)},
    }


def _message(text: str) -> str:
    """Text without links: SARIF makes one of `[text](address)`."""
    return inert(text, longest=_LONGEST_MESSAGE).replace("](", "] (")


class _Places:
    """Locations in the project; what has none of its own is declared by the stack's file."""

    def __init__(self, stack_file: str) -> None:
        self._stack_file = stack_file
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, source: str) -> dict[str, Any]:
        """The physical location of `file:line`."""
        if source not in self._known:
            file, _, line = source.rpartition(":")
            self._known[source] = {
                "artifactLocation": {"uri": quote(inert(file) or self._stack_file), "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": int(line) if line.isdigit() and int(line) else 1},
            }
        return self._known[source]
