"""The canonical form of evidence: `evidence.json`. `evidence.schema.json` beside this file describes it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, cast

from mastertrade import __version__
from mastertrade.evidence.model import Audit, Verdict
from policies.engine.frameworks import Framework

__all__ = ["FORMAT", "document", "to_json"]

FORMAT = 1
# With an indentation the library leaves its encoder in C. Escaped, no character of a name can hide or turn others around
_ENCODE = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode


def document(audit: Audit) -> dict[str, Any]:
    """The evidence as plain data. Keys may be added, never changed."""
    controls = {control.id: control for control in audit.controls}
    requirements = audit.requirements()
    return {
        "format": FORMAT,
        "project": audit.project,
        "stack": audit.stack,
        "mode": audit.mode,
        "tool": {"name": "mastertrade", "version": __version__},
        "commit": asdict(audit.commit) if audit.commit else None,
        "limits": list(audit.limits),
        "compliant": not audit.failures(),
        "counts": {
            "states": _named(audit, audit.verdicts),
            "packs": _grouped(audit, [pack.name for pack in audit.packs], lambda verdict: controls[verdict.control].pack),
            "controls": _grouped(audit, controls, lambda verdict: verdict.control),
            "regions": _grouped(audit, sorted({each.region for each in audit.verdicts}), lambda verdict: verdict.region),
            "frameworks": {each.id: _of_framework(audit, each) for each in audit.frameworks},
        },
        "packs": [asdict(each) for each in audit.packs],
        "controls": [{**asdict(each), "requirements": requirements.get(each.id, {})} for each in audit.controls],
        "frameworks": [asdict(each) for each in audit.frameworks],
        "verdicts": [_verdict(each, controls[each.control].severity, controls[each.control].enforcement) for each in audit.verdicts],
        "unjudged": dict(audit.unjudged),
        "coverage": [
            {"type": type_, "resources": resources, "reason": audit.reasons.get(type_, "")} for type_, resources in audit.unjudged.items()
        ],
    }


def to_json(value: Any, *, open_levels: int = 2) -> str:
    """Text in the one form in which evidence is written: the same value is the same bytes.

    What stands `open_levels` deep has a line of its own, so that differences show and `grep` finds whole entries.
    """
    return _laid_out(value, open_levels, "") + "\n"


def _laid_out(value: Any, levels: int, margin: str) -> str:
    if not levels or not value or not isinstance(value, dict | list):
        return _ENCODE(value)
    inner = margin + " "
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        lines = [f"{_ENCODE(name)}: {_laid_out(each, levels - 1, inner)}" for name, each in members]
        opening, closing = "{}"
    else:
        lines = [_laid_out(each, levels - 1, inner) for each in cast("list[Any]", value)]
        opening, closing = "[]"
    separator = f",\n{inner}"
    return f"{opening}\n{inner}{separator.join(lines)}\n{margin}{closing}"


def _verdict(verdict: Verdict, severity: str, enforcement: str) -> dict[str, Any]:
    # by hand: `asdict` copies everything below, which takes ten times as long
    return {
        "control": verdict.control,
        "urn": verdict.urn,
        "type": verdict.type,
        "name": verdict.name,
        "region": verdict.region,
        "source": verdict.source,
        "state": verdict.state.value,
        "severity": severity,
        "enforcement": enforcement,
        "message": verdict.message,
        "findings": [asdict(each) for each in verdict.findings],
        "waiver": asdict(verdict.waiver) if verdict.waiver else None,
    }


def _grouped(audit: Audit, names: Iterable[str], group_of: Callable[[Verdict], str]) -> dict[str, Any]:
    """State to number for each group."""
    members: dict[str, list[Verdict]] = {name: [] for name in names}
    for verdict in audit.verdicts:
        members[group_of(verdict)].append(verdict)
    return {name: _named(audit, verdicts) for name, verdicts in members.items()}


def _of_framework(audit: Audit, framework: Framework) -> dict[str, int]:
    """Each verdict counts once, however many requirements its control serves."""
    serving = {control for requirement in framework.requirements for control in requirement.controls}
    return _named(audit, (each for each in audit.verdicts if each.control in serving))


def _named(audit: Audit, verdicts: Iterable[Verdict]) -> dict[str, int]:
    return {state.value: count for state, count in audit.counts(verdicts).items()}
