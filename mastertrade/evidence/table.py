"""`results.csv`: every verdict as a row, for spreadsheets and databases."""

import csv
import io

from mastertrade.evidence.inert import cell
from mastertrade.evidence.model import Audit

__all__ = ["COLUMNS", "to_csv"]

COLUMNS = (
    "project",
    "stack",
    "commit",
    "pack",
    "control",
    "title",
    "severity",
    "enforcement",
    "state",
    "region",
    "type",
    "name",
    "urn",
    "source",
    "message",
    "requirements",
    "waived by",
    "waived until",
    "ticket",
    "waived because",
)
"""Columns may be added at the end, never changed."""


def to_csv(audit: Audit) -> str:
    """Comma-separated, every cell in quotes, lines as RFC 4180 wants them. No cell is ever a formula."""
    commit = audit.commit.id if audit.commit else ""
    requirements = audit.requirements()
    controls = {
        each.id: [cell(text) for text in (each.pack, each.id, each.title, each.severity, each.enforcement)] for each in audit.controls
    }
    serves = {each.id: cell(_listed(requirements.get(each.id, {}))) for each in audit.controls}
    stack = [cell(audit.project), cell(audit.stack), commit]
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for verdict in audit.verdicts:
        waiver = verdict.waiver
        told = (verdict.state.value, verdict.region, verdict.type, verdict.name, verdict.urn, verdict.source, verdict.message)
        accepted = (waiver.owner, waiver.expires, waiver.ticket, waiver.reason) if waiver else ("", "", "", "")
        row = [*stack, *controls[verdict.control], *map(cell, told), serves[verdict.control], *map(cell, accepted)]
        writer.writerow(row)
    return file.getvalue()


def _listed(requirements: dict[str, list[str]]) -> str:
    return "; ".join(f"{framework}: {', '.join(names)}" for framework, names in requirements.items())
