"""What evidence is evidence of: the commit, and the frameworks that its controls serve."""

import subprocess
from collections.abc import Collection
from pathlib import Path

from mastertrade.evidence.model import AuditedFramework, AuditedRequirement, Commit

__all__ = ["commit_of", "frameworks_of"]


def commit_of(root: Path) -> Commit | None:
    """The commit that is checked out in a folder, and whether anything was changed since; None where git does not know the folder."""
    described = _git(root, "log", "-1", "--format=%H %cI")
    if not described:
        return None
    id_, date = described.split()
    return Commit(id_, date, clean=not _git(root, "status", "--porcelain"))


def frameworks_of(root: Path, controls: Collection[str]) -> tuple[AuditedFramework, ...]:
    """Frameworks under `policies/frameworks`, of which these are all controls. Raises `FrameworkError`."""
    folder = root / "policies" / "frameworks"
    if not folder.is_dir():
        return ()
    from policies.engine.frameworks import read_frameworks

    return tuple(
        AuditedFramework(
            framework.id,
            framework.title,
            framework.version,
            framework.source,
            tuple(AuditedRequirement(each.id, each.name, each.controls, each.not_covered) for each in framework.requirements),
        )
        for framework in read_frameworks(folder, controls)
    )


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)  # noqa: S607 - from the path, as everywhere
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
