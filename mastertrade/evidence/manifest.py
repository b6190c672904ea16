"""The manifest of a stack's evidence, and whether the files beside it are those that were written."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mastertrade.evidence.problems import EvidenceError

__all__ = ["MANIFEST", "Verification", "read_manifest", "verify"]

MANIFEST = "manifest.json"
_MOST_BYTES = 1_000_000
_SUM = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of one folder that has a manifest."""

    folder: Path
    files: int
    """That the manifest names."""
    digest: str
    """SHA-256 of the manifest itself: who has noted it elsewhere knows that the manifest was not exchanged either."""
    differences: tuple[str, ...]
    """Each file that is changed, missing or extra, a sentence each; empty if none is."""


def read_manifest(file: Path) -> dict[str, str] | None:
    """File name to SHA-256; None where there is no manifest that can be read."""
    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        stated: Any = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    sums: Any = cast("dict[str, Any]", stated).get("sha256") if isinstance(stated, dict) else None
    if not isinstance(sums, dict):
        return None
    named = cast("dict[str, Any]", sums)
    return named if all(isinstance(each, str) and _SUM.fullmatch(each) for each in named.values()) else None


def verify(folder: Path) -> list[Verification]:
    """Recomputes every sum of a folder that `audit --out` wrote, or of one stack in it.

    Raises `EvidenceError` for a folder in which there is no manifest.
    """
    try:
        if (folder / MANIFEST).exists():
            return [_verified(folder)]
        entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
        if not any((each / MANIFEST).exists() for each in entries):
            raise EvidenceError(f"{folder}: no evidence: neither it nor a folder in it has a {MANIFEST}. Example: audit verify evidence")
        return [_verified(each) if each.is_dir() else _stray(each) for each in entries]
    except OSError as error:
        raise EvidenceError(f"{error.filename or folder}: cannot be read: {error.strerror or error}") from None


def _stray(file: Path) -> Verification:
    return Verification(file, 0, "", ("extra: belongs to no stack",))


def _verified(folder: Path) -> Verification:
    sums = read_manifest(folder / MANIFEST)
    if sums is None:
        told = "changed: not readable as a manifest" if (folder / MANIFEST).exists() else "missing"
        return Verification(folder, 0, "", (f"{MANIFEST}: {told}",))
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    return Verification(folder, len(sums), digest, tuple(_differences(folder, sums)))


def _differences(folder: Path, sums: dict[str, str]) -> Iterator[str]:
    # names are compared with what lies in the folder, never opened: a manifest may name any path
    present = {each.name: each for each in folder.iterdir() if each.name != MANIFEST}
    for name in sorted({*sums, *present}):
        shown = name if name.isprintable() else ascii(name)
        if name not in present:
            yield f"{shown}: missing"
        elif name not in sums:
            yield f"{shown}: extra: the manifest does not name it"
        elif present[name].is_symlink() or not present[name].is_file():
            yield f"{shown}: changed: no plain file"
        elif (found := _sum(present[name])) != sums[name]:
            yield f"{shown}: changed: SHA-256 is {found}, the manifest says {sums[name]}"


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
