"""The canonical form of evidence: `evidence.json`. `evidence.schema.json` beside this file describes it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from mastertrade.evidence.model import Audit, AuditedFramework, Verdict

__all__ = ["FORMAT", "document", "to_json"]

FORMAT = 1


def document(audit: Audit) -> dict[str, Any]:
    """The evidence as plain data. Keys may be added, never changed."""
    packs = {control.id: control.pack for control in audit.controls}
    return {
        "format": FORMAT,
        "project": audit.project,
        "stack": audit.stack,
        "mode": audit.mode,
        "commit": asdict(audit.commit) if audit.commit else None,
        "compliant": not audit.failures(),
        "counts": {
            "states": audit.counts(),
            "packs": _grouped(audit, [pack.name for pack in audit.packs], lambda verdict: packs[verdict.control]),
            "controls": _grouped(audit, packs, lambda verdict: verdict.control),
            "regions": _grouped(audit, sorted({each.region for each in audit.verdicts}), lambda verdict: verdict.region),
            "frameworks": {each.id: _of_framework(audit, each) for each in audit.frameworks},
        },
        "packs": [asdict(each) for each in audit.packs],
        "controls": [asdict(each) for each in audit.controls],
        "frameworks": [asdict(each) for each in audit.frameworks],
        "verdicts": [asdict(each) for each in audit.verdicts],
        "unjudged": dict(audit.unjudged),
    }


def to_json(value: Any) -> str:
    """Text in the one form in which evidence is written: the same value is the same bytes."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _grouped(audit: Audit, names: Iterable[str], group_of: Callable[[Verdict], str]) -> dict[str, Any]:
    """State to number for each group."""
    members: dict[str, list[Verdict]] = {name: [] for name in names}
    for verdict in audit.verdicts:
        members[group_of(verdict)].append(verdict)
    return {name: audit.counts(verdicts) for name, verdicts in members.items()}


def _of_framework(audit: Audit, framework: AuditedFramework) -> dict[str, int]:
    """Each verdict counts once, however many requirements its control serves."""
    serving = {control for requirement in framework.requirements for control in requirement.controls}
    return {state.value: count for state, count in audit.counts(each for each in audit.verdicts if each.control in serving).items()}
