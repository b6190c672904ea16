"""A folder of evidence: one file from each writer, and a manifest by which anybody can tell that nothing was changed."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mastertrade.evidence.document import document, to_json
from mastertrade.evidence.model import Audit
from mastertrade.evidence.page import render

__all__ = ["MANIFEST", "WRITERS", "EvidenceError", "write_evidence"]

MANIFEST = "manifest.json"
Writer = Callable[[Audit], str]

WRITERS: Mapping[str, Writer] = {
    "evidence.json": lambda audit: to_json(document(audit)),
    "index.html": lambda audit: render(document(audit), audit.earlier),
}
"""File name to what is written there."""


class EvidenceError(Exception):
    """A folder that cannot be written or read as evidence. Its text is for whoever named it."""


def write_evidence(audits: Sequence[Audit], folder: Path) -> None:
    """Writes `folder/STACK/…` for every audit, all of it or nothing. A folder of evidence that is there is replaced.

    Raises `EvidenceError`, also for a folder that holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not any(folder.glob(f"*/{MANIFEST}")):
        raise EvidenceError(f"{folder}: holds something that is no evidence; allowed: a new folder, or one of an earlier audit")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # beside its place, so that the last step is a renaming
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for audit in audits:
            _write_stack(audit, building / audit.stack)
        building.chmod(0o755)
        if folder.exists():
            retired = building.with_name(f"{building.name}-old")
            folder.rename(retired)
            building.replace(folder)
            shutil.rmtree(retired)
        else:
            building.replace(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _write_stack(audit: Audit, folder: Path) -> None:
    folder.mkdir()
    sums: dict[str, str] = {}
    for name, writer in WRITERS.items():
        content = writer(audit).encode("utf-8")
        (folder / name).write_bytes(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(to_json({"format": 1, "sha256": sums}), encoding="utf-8")
