"""A folder of evidence: one file from each writer, and a manifest by which anybody can tell that nothing was changed."""

import contextlib
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mastertrade.evidence.document import document, to_json
from mastertrade.evidence.junit import to_junit
from mastertrade.evidence.manifest import MANIFEST, read_manifest
from mastertrade.evidence.model import Audit
from mastertrade.evidence.ocsf import to_ocsf
from mastertrade.evidence.page import render
from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.sarif import to_code_scanning, to_sarif
from mastertrade.evidence.table import to_csv

__all__ = ["MANIFEST", "WRITERS", "EvidenceError", "check_folder", "write_evidence"]

Writer = Callable[[Audit], str]

WRITERS: Mapping[str, Writer] = {
    "evidence.json": lambda audit: to_json(document(audit)),
    "results.csv": to_csv,
    "results.sarif": to_sarif,
    "code-scanning.sarif": to_code_scanning,
    "results.junit.xml": to_junit,
    "results.ocsf.json": to_ocsf,
    "index.html": lambda audit: render(document(audit), audit.earlier),
}
"""File name to what is written there."""

_STACK_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,100}", re.ASCII)
"""What Pulumi allows, and no way out of the folder."""
_MOST_NAMED = 5


def check_folder(folder: Path) -> None:
    """Raises `EvidenceError` for a folder that holds something else than evidence, for whoever wants to know before the work is done."""
    try:
        _stacks_in(folder)
    except OSError as error:
        raise EvidenceError(f"{folder}: cannot be read: {error.strerror or error}") from None


def write_evidence(audits: Sequence[Audit], folder: Path) -> None:
    """Writes `folder/STACK/…` for every audit, all of it or nothing. Evidence of the same stacks is replaced, of others kept.

    Raises `EvidenceError`, also for a folder that holds something else.
    """
    for audit in audits:
        if not _STACK_NAME.fullmatch(audit.stack):
            raise EvidenceError(f"{folder}: found a stack named {audit.stack[:100]!r}; allowed: letters, digits, `.`, `_`, `-`")
    try:
        kept = {stack for stack in _stacks_in(folder) if stack not in {audit.stack for audit in audits}}
        folder.parent.mkdir(parents=True, exist_ok=True)
        # beside its place, so that the last step is a renaming
        building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            for audit in audits:
                _write_stack(audit, building / audit.stack)
            for stack in kept:
                shutil.copytree(folder / stack, building / stack)
            building.chmod(0o755)
            _put(building, folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        raise EvidenceError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _stacks_in(folder: Path) -> list[str]:
    """Stacks of which a folder holds evidence. Raises `EvidenceError` for a folder that holds anything else: it would be lost."""
    stacks: list[str] = []
    foreign: list[str] = []
    for entry in _visible(folder) if folder.exists() else ():
        known = None if entry.is_symlink() else read_manifest(entry / MANIFEST)
        if known is None:
            foreign.append(entry.name)
        else:
            stacks.append(entry.name)
            foreign += [f"{entry.name}/{file.name}" for file in _visible(entry) if file.name not in (*known, MANIFEST)]
    if foreign:
        found = ", ".join(foreign[:_MOST_NAMED])
        raise EvidenceError(f"{folder}: found {found}, which is no evidence; allowed: a new folder, or one of earlier audits")
    return stacks


def _visible(folder: Path) -> list[Path]:
    """What is hidden is what a file manager leaves."""
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _put(building: Path, folder: Path) -> None:
    """In its place, and what was there away; where that fails, what was there stays."""
    if not folder.exists():
        building.replace(folder)
        return
    retired = building.with_name(f"{building.name}-old")
    folder.rename(retired)
    try:
        building.replace(folder)
    except OSError:
        retired.rename(folder)
        raise
    with contextlib.suppress(OSError):
        shutil.rmtree(retired)


def _write_stack(audit: Audit, folder: Path) -> None:
    folder.mkdir()
    sums: dict[str, str] = {}
    for name, writer in WRITERS.items():
        content = writer(audit).encode("utf-8")
        (folder / name).write_bytes(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(to_json({"format": 1, "sha256": sums}), encoding="utf-8")
