"""`results.ocsf.json`: every verdict as a Compliance Finding (class 2003) of the Open Cybersecurity Schema Framework."""

import datetime
from typing import Any

from mastertrade import __version__
from mastertrade.evidence.document import to_json
from mastertrade.evidence.identity import fingerprint
from mastertrade.evidence.inert import inert
from mastertrade.evidence.model import Audit, AuditedControl, State, Verdict, WaiverOfVerdict

__all__ = ["to_ocsf"]

_VERSION = "1.6.0"
_LONGEST = 4_000
"""Characters of a name or message. evidence.json has the whole."""
_SEVERITIES = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
_STATUSES = {
    State.PASS: (1, "Pass"),
    # «did not yield a result due to missing information»
    State.UNKNOWN: (2, "Warning"),
    State.FAIL: (3, "Fail"),
    State.WAIVED: (3, "Fail"),
    State.NOT_APPLICABLE: (99, "Not applicable"),
}
_NEW, _SUPPRESSED = (1, "New"), (3, "Suppressed")


def to_ocsf(audit: Audit) -> str:
    """A list of events. Their time is the commit's, so that the same commit is the same bytes; 0 where there is none."""
    time = int(datetime.datetime.fromisoformat(audit.commit.date).timestamp() * 1000) if audit.commit else 0
    requirements = audit.requirements()
    titles = {each.id: f"{each.title} {each.version}" for each in audit.frameworks}
    of_controls = {each.id: _of_control(each, requirements.get(each.id, {}), titles, time) for each in audit.controls}
    return to_json([_event(audit, each, of_controls[each.control]) for each in audit.verdicts], open_levels=1)


def _of_control(control: AuditedControl, requirements: dict[str, list[str]], titles: dict[str, str], time: int) -> dict[str, Any]:
    """What every event of a control says."""
    severity, caption = _SEVERITIES.get(control.severity, (0, "Unknown"))
    references = [each for each in control.references if each.startswith("https://")]
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": severity,
        "severity": caption,
        "metadata": {
            "version": _VERSION,
            "product": {"name": "mastertrade", "vendor_name": "masterTrade", "version": __version__},
            "event_code": inert(control.id),
        },
        "finding_info": {"title": inert(control.title), "desc": inert(control.rationale or control.title)},
        "compliance": {
            "control": inert(control.id),
            "desc": inert(control.title),
            "standards": [titles[framework] for framework in requirements],
            "requirements": [f"{framework}: {name}" for framework, names in requirements.items() for name in names],
        },
        "remediation": {
            "desc": inert(control.remediation or control.title),
            **({"references": references} if references else {}),
        },
        "unmapped": {"pack": inert(control.pack), "enforcement": control.enforcement},
    }


def _event(audit: Audit, verdict: Verdict, of_control: dict[str, Any]) -> dict[str, Any]:
    compliance, compliance_caption = _STATUSES[verdict.state]
    status, caption = _SUPPRESSED if verdict.state is State.WAIVED else _NEW
    message = inert(verdict.message or of_control["finding_info"]["title"], longest=_LONGEST)
    identity = fingerprint(audit, verdict)
    resource = {
        "uid": inert(verdict.urn or f"{audit.project}/{audit.stack}", longest=_LONGEST),
        "name": inert(verdict.name or audit.stack, longest=_LONGEST),
        "type": inert(verdict.type or "pulumi:pulumi:Stack", longest=_LONGEST),
    }
    return {
        **of_control,
        "status_id": status,
        "status": caption,
        "message": message,
        "finding_info": {"uid": identity, **of_control["finding_info"]},
        "compliance": {**of_control["compliance"], "status_id": compliance, "status": compliance_caption, "status_detail": message},
        **_placed(of_control["metadata"], resource, inert(verdict.region)),
        "unmapped": {
            **of_control["unmapped"],
            "project": inert(audit.project),
            "stack": inert(audit.stack),
            "mode": audit.mode,
            "commit": audit.commit.id if audit.commit else None,
            "state": verdict.state.value,
            "source": inert(verdict.source),
            "waiver": _waiver(verdict.waiver) if verdict.waiver else None,
            **({"limits": [inert(each) for each in audit.limits]} if audit.limits else {}),
        },
    }


def _placed(metadata: dict[str, Any], resource: dict[str, str], region: str) -> dict[str, Any]:
    """The resource, under the profile for clouds where it is known to be in one: regions are AWS's."""
    if not region:
        return {"resources": [resource]}
    return {
        "metadata": {**metadata, "profiles": ["cloud"]},
        "cloud": {"provider": "AWS", "region": region},
        "resources": [{**resource, "region": region}],
    }


def _waiver(waiver: WaiverOfVerdict) -> dict[str, str]:
    return {"owner": inert(waiver.owner), "ticket": inert(waiver.ticket), "expires": waiver.expires, "reason": inert(waiver.reason)}
