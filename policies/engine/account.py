"""A pack's account of one stack: its controls and every verdict, as plain data for whoever keeps evidence."""

from typing import Any

from policies.engine.control import Control, Pack, State
from policies.engine.judging import Settings, Verdict
from policies.engine.run import Run
from policies.engine.waivers import Waiver

__all__ = ["VERDICTS_METHOD", "VERDICTS_SERVICE", "account"]

VERDICTS_SERVICE = "mastertrade.Pack"
VERDICTS_METHOD = "Verdicts"
"""Takes nothing, gives `account` as JSON text. Of a pack that has been asked about the whole stack."""


def account(pack: Pack, run: Run) -> dict[str, Any]:
    """`controls`, with the settings that applied, and `verdicts`, in the order of their resources."""
    return {
        "name": pack.name,
        "version": pack.version,
        "description": pack.description,
        "controls": [_control(each, run.settings[each.id]) for each in pack.controls],
        "verdicts": [_verdict(each) for each in run.verdicts()],
    }


def _control(control: Control, settings: Settings) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "severity": control.severity,
        "enforcement": settings.enforcement,
        "rationale": control.rationale,
        "remediation": control.remediation,
        "references": list(control.references),
        "types": list(control.types),
        "options": dict(settings.options),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    told = {"control": verdict.control.id, "urn": verdict.resource.urn, "state": verdict.state.value}
    if verdict.state is State.PASS:
        return told
    findings = [{"property": each.property, "found": each.found or "", "wanted": each.wanted} for each in verdict.findings]
    return {
        **told,
        "message": verdict.message(),
        **({"findings": findings} if findings else {}),
        **({"waiver": _waiver(verdict.waiver)} if verdict.waiver else {}),
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "resource": waiver.resource,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "ticket": waiver.ticket,
        "accepted": str(waiver.accepted),
        "expires": str(waiver.expires),
    }
