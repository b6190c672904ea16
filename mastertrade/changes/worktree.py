"""A commit of the project in a temporary git worktree."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mastertrade.changes.model import DigestError

__all__ = ["Checkout", "checkout", "environment"]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A version of the project on disk."""

    folder: Path
    """Of the project, which may lie below the top of the repository."""
    commit: str


@contextlib.contextmanager
def checkout(root: Path, ref: str) -> Generator[Checkout]:
    """The project as of a commit, until the block is left, however it is left. Raises `DigestError`."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None:
        _refuse(f"{root}: not a git checkout: there is no other version to compare with")
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if commit is None:
        _refuse(f"--base: found {ref!r}; allowed: a branch, tag or commit that this clone has. Example: --base main")
    with _terminated_as_interrupted(), contextlib.ExitStack() as stack:
        parent = Path(tempfile.gettempdir(), f"mastertrade-digest-{secrets.token_hex(8)}")
        stack.callback(_remove, root, parent)
        parent.mkdir(mode=0o700)
        folder = parent / "base"
        # A hook of the repository is for people who check out, not for us
        if _git(root, "-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--quiet", "--detach", str(folder), commit) is None:
            _refuse(f"--base: git cannot check {ref!r} out: is there space in {parent.parent}, and are all files of the commit here?")
        project = folder / root.resolve().relative_to(Path(top).resolve())
        if not (project / "Pulumi.yaml").is_file():
            _refuse(f"--base: {ref!r} has no Pulumi.yaml in this folder: there is nothing to compare with")
        yield Checkout(project, commit)


def environment() -> Mapping[str, str]:
    """Ours, without what git hands to hooks: it would speak of another checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def _git(root: Path, *words: str) -> str | None:
    """What git prints; None where it fails."""
    try:
        done = subprocess.run(["git", *words], cwd=root, env=environment(), capture_output=True, text=True, check=False)  # noqa: S607 - whichever git the person uses
    except FileNotFoundError:
        _refuse("git is not installed: --base needs it")
    return done.stdout.strip() if done.returncode == 0 else None


def _refuse(message: str) -> NoReturn:
    raise DigestError(message)


def _remove(root: Path, parent: Path) -> None:
    with _uninterrupted():
        _git(root, "worktree", "remove", "--force", "--force", str(parent / "base"))
        shutil.rmtree(parent, ignore_errors=True)
        _git(root, "worktree", "prune")


@contextlib.contextmanager
def _uninterrupted() -> Generator[None]:
    """Whoever presses Ctrl-C twice wants to end, not to leave something behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Generator[None]:
    """A pipeline that is cancelled sends SIGTERM: then, too, the block is left as it should be."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
