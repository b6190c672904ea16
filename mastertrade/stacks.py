"""Evaluates stacks offline and asks policy packs about them: what the preview, the audit and the digest begin with."""

import contextlib
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mastertrade.offline import Evaluation, Mode, ProgramError, Resource, evaluate, read_configuration, stacks_of
from settings.problems import SettingsError

if TYPE_CHECKING:
    from mastertrade.offline.analyzer import PackResult
    from mastertrade.offline.warm_parent import WarmParent

__all__ = ["StackRun", "own_packs", "run_stacks", "tell"]

_PROGRESS_EVERY = 25
_NEEDED_BY_PACKS = ("pulumi.policy", "policies.engine.server")


@dataclass(frozen=True)
class StackRun:
    """What came of one stack. Without an evaluation, its settings are wrong."""

    stack: str
    evaluation: Evaluation | None
    code: int
    """0 fine, 1 the program failed, 2 wrong settings or a pack that cannot be run."""
    results: "tuple[PackResult, ...]" = ()
    error: str = ""


def own_packs(root: Path) -> tuple[Path, ...]:
    """Folders of the policy packs that a project has."""
    return tuple(sorted(file.parent for file in root.glob("policies/*/PulumiPolicy.yaml")))


def run_stacks(
    root: Path, stacks: tuple[str, ...] | None, mode: str, packs: tuple[Path, ...], *, with_accounts: bool = False
) -> Iterator[StackRun]:
    """Evaluates stacks, all of them if none is named, and asks the packs about each. Tells what goes wrong on standard error."""
    if stacks is None:
        stacks = stacks_of(root)
        if not stacks:
            tell(f"no Pulumi.NAME.yaml in {root}")
            yield StackRun("", None, 2)
    with _warm_parent(packs) as warm:
        for stack in stacks:
            yield _run(root, stack, mode, packs, warm, with_accounts=with_accounts)


@contextlib.contextmanager
def _warm_parent(packs: tuple[Path, ...]) -> "Generator[WarmParent | None]":
    if not packs:
        yield None
        return
    from mastertrade.offline.warm_parent import warm_parent

    with warm_parent(_NEEDED_BY_PACKS) as warm:
        yield warm


def _run(root: Path, stack: str, mode: str, packs: tuple[Path, ...], warm: "WarmParent | None", *, with_accounts: bool) -> StackRun:
    try:
        with _progress(stack) as on_resource, contextlib.redirect_stdout(sys.stderr):
            evaluation = evaluate(root, stack, mode=Mode(mode), on_resource=on_resource)
    except SettingsError as error:
        tell(str(error))
        return StackRun(stack, None, 2, error=str(error))
    except ProgramError as error:
        _tell_diagnostics(error.evaluation)
        return StackRun(stack, error.evaluation, 1)
    _tell_diagnostics(evaluation)
    if not packs:
        return StackRun(stack, evaluation, 0)
    from mastertrade.offline.analyzer import analyze
    from mastertrade.offline.pack_process import PackError

    try:
        results = analyze(evaluation, packs, read_configuration(root, stack), warm=warm, with_accounts=with_accounts)
    except PackError as error:
        tell(str(error))
        return StackRun(stack, evaluation, 2)
    return StackRun(stack, evaluation, 0, results)


def _tell_diagnostics(evaluation: Evaluation) -> None:
    for diagnostic in evaluation.diagnostics:
        tell(f"{diagnostic.severity}: {diagnostic.message}")
    if evaluation.error:
        tell(f"Stack '{evaluation.stack}' of '{evaluation.project}' fails:\n{evaluation.error}")


def tell(text: str) -> None:
    """One line for whoever runs the command, beside its output."""
    sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def _progress(stack: str) -> Generator[Callable[[Resource], None] | None]:
    """Counts resources on the terminal while a stack is evaluated; does nothing where nobody looks."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console

    count = 0
    with Console(stderr=True).status(f"{stack}: loading …") as status:

        def on_resource(resource: Resource) -> None:
            nonlocal count
            count += 1
            if count % _PROGRESS_EVERY == 0:
                status.update(f"{stack}: {count} resources …")

        yield on_resource
