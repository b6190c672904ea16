"""What evidence is evidence of: the commit, the frameworks that its controls serve, and why types have none."""

import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, cast

from mastertrade.evidence.model import Commit
from policies.engine.frameworks import Framework, read_frameworks

__all__ = ["commit_of", "frameworks_of", "reasons_of"]


def commit_of(root: Path) -> Commit | None:
    """The commit that is checked out in a folder, and whether anything was changed since; None where git does not know the folder."""
    described = _git(root, "log", "-1", "--format=%H %cI")
    if not described:
        return None
    id_, date = described.split()
    return Commit(id_, date, clean=not _git(root, "status", "--porcelain"))


def frameworks_of(root: Path, controls: Collection[str]) -> tuple[Framework, ...]:
    """Frameworks under `policies/frameworks`, of which these are all controls. Raises `FrameworkError`."""
    folder = root / "policies" / "frameworks"
    if not folder.is_dir():
        return ()
    return read_frameworks(folder, controls)


def reasons_of(root: Path, types: Iterable[str]) -> dict[str, str]:
    """Why no control is about these types: what `policies/nothing_to_judge.yaml` says of them."""
    file = root / "policies" / "nothing_to_judge.yaml"
    if not file.is_file():
        return {}
    import yaml

    from policies.engine.resources import canonical_type

    loaded: Any = yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    reasons = cast("dict[str, str]", loaded)
    return {each: reason for each in types if (reason := reasons.get(canonical_type(each)))}


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607 - from the path, as everywhere
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
