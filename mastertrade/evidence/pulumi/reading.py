"""Tells the files of the Pulumi CLI apart."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn, cast

from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.pulumi.events import EventLog, read_events
from mastertrade.evidence.pulumi.fields import Fields
from mastertrade.evidence.pulumi.plan import Plan, read_plan

__all__ = ["read_run"]

_ALLOWED = "what `pulumi preview --json` prints, or the file of `--event-log`"


def read_run(path: Path) -> EventLog | Plan:
    """The event log or preview that a file holds; `-` is standard input. Raises `EvidenceError`."""
    file = "standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.buffer.read().decode("utf-8") if str(path) == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise EvidenceError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise EvidenceError(f"{file}: not UTF-8; allowed: {_ALLOWED}") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise EvidenceError(f"{file}: empty; allowed: {_ALLOWED}")
    if _is_event(lines[0][1]):
        return read_events([_event(line, f"{file}: line {number}", is_last=line is lines[-1][1]) for number, line in lines], file)
    document = _document(text, file)
    if not ("steps" in document or "changeSummary" in document):
        raise EvidenceError(f"{file}: found {', '.join(list(document)[:5]) or 'nothing'}; allowed: {_ALLOWED}")
    return read_plan(Fields(document, file), file)


def _is_event(line: str) -> bool:
    try:
        first: Any = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "sequence" in first and "timestamp" in first


def _event(line: str, where: str, *, is_last: bool) -> Fields:
    try:
        return Fields(json.loads(line), where)
    except (ValueError, RecursionError):
        told = "ends in the middle of an event: the file is cut short" if is_last else "not JSON"
        raise EvidenceError(f"{where}: {told}; allowed: one event of the engine a line") from None


def _document(text: str, file: str) -> dict[str, Any]:
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as error:
        whole = text.strip()
        if whole.startswith("{") and (not whole.endswith("}") or error.pos >= len(text.rstrip())):
            _refuse(f"{file}: ends in the middle of a preview: the file is cut short")
        _refuse(f"{file}: line {error.lineno}: not JSON")
    except RecursionError:
        _refuse(f"{file}: nested too deeply")
    if not isinstance(document, dict):
        _refuse(f"{file}: found no JSON object")
    return cast("dict[str, Any]", document)


def _refuse(told: str) -> NoReturn:
    raise EvidenceError(f"{told}; allowed: {_ALLOWED}")
