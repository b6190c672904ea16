"""Another version of the program, evaluated by its own tool in its own processes, beside this one."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mastertrade.changes.model import DigestError
from mastertrade.changes.sides import Side, States, side_of_document, states_of_document
from mastertrade.changes.worktree import environment
from mastertrade.offline.configuration import stacks_of

__all__ = ["evaluating"]

_OURS = Path(__file__).parent.parent.parent
_NO_STATES = "what controls said before is not known: the tool of that version has no `audit --json`"


@contextlib.contextmanager
def evaluating(folder: Path, stacks: Sequence[str]) -> Generator["Future[dict[str, Side]]"]:
    """Starts to evaluate a version of the project; the future has its sides by stack, without those that it does not know.

    Raises `DigestError` from the future. Processes end with the block.
    """
    processes = _Processes()
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(_sides, processes, folder, tuple(stacks))
        finally:
            processes.end()


class _Processes:
    """Commands of the other version, one at a time, which may be ended from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = False
        self._running: subprocess.Popen[str] | None = None

    def run(self, folder: Path, words: Sequence[str]) -> tuple[int, str, str]:
        """Exit code, output and messages of `mastertrade` as that version has it."""
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(_OURS))))
        # -m puts the folder first: its own tool is found before ours, which serves projects that bring none
        variables = {**environment(), "PYTHONPATH": path, "PYTHONSAFEPATH": ""}
        with self._lock:
            if self._ended:
                return 1, "", ""
            self._running = subprocess.Popen(
                [sys.executable, "-m", "mastertrade", *words],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        out, told = self._running.communicate()
        return self._running.returncode, out, told

    def end(self) -> None:
        """Ends what runs, and starts nothing more."""
        with self._lock:
            self._ended = True
            if self._running and self._running.poll() is None:
                self._running.terminate()


def _sides(processes: _Processes, folder: Path, stacks: tuple[str, ...]) -> dict[str, Side]:
    known = [each for each in stacks if each in stacks_of(folder)]
    if not known:
        return {}
    which = ("--stack", known[0]) if len(known) == 1 else ("--all-stacks",)
    documents = _preview(processes, folder, which)
    states = _states(processes, folder, which)
    try:
        return {each["stack"]: _side(each, states) for each in documents if each["stack"] in known}
    except (KeyError, TypeError, AttributeError):
        raise DigestError("--base: the preview of that version has another form, which this tool does not know") from None


def _side(document: Mapping[str, Any], states: Mapping[str, States]) -> Side:
    side = side_of_document(document, states.get(document["stack"]))
    notes = () if side.states or side.error else (_NO_STATES,)
    return Side(side.stack, side.project, side.resources, side.states, side.error, notes)


def _preview(processes: _Processes, folder: Path, which: Sequence[str]) -> list[dict[str, Any]]:
    command = ("preview", *which, "--json")
    _, out, told = processes.run(folder, (*command, "--no-policy-packs"))
    document = _document(out)
    if document is None and "No such option" in told:
        # before there were packs, there was nothing to leave out
        _, out, told = processes.run(folder, command)
        document = _document(out)
    if document is None:
        last = told.strip().splitlines()[-1:] or ["it printed no document"]
        raise DigestError(f"--base: that version cannot be previewed: {last[0]}")
    return document.get("stacks", [document])


def _states(processes: _Processes, folder: Path, which: Sequence[str]) -> dict[str, States]:
    _, out, _ = processes.run(folder, ("audit", *which, "--json"))
    try:
        return states_of_document((_document(out) or {}).get("audits", ()))
    except (KeyError, TypeError, AttributeError):
        return {}


def _document(text: str) -> dict[str, Any] | None:
    """A document of our first format, which keeps its keys."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) and document.get("format") == 1 else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
