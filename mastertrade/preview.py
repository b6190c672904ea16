"""What `mastertrade preview` does: evaluates stacks and shows what they declare."""

import contextlib
import json
import sys
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrade.offline import Evaluation, Mode, ProgramError, Resource, evaluate, masked, read_configuration, stacks_of
from settings.problems import SettingsError

if TYPE_CHECKING:
    from mastertrade.offline.analyzer import PackResult

__all__ = ["loaded_modules", "preview_stacks"]

_FORMAT = 1
_PROGRESS_EVERY = 25


@dataclass(frozen=True)
class _Preview:
    """What came of one stack. Without an evaluation, its settings are wrong."""

    evaluation: Evaluation | None
    code: int
    results: "tuple[PackResult, ...]" = ()
    error: str = ""


def preview_stacks(
    root: Path, stacks: tuple[str, ...] | None, mode: str, *, full: bool, as_json: bool, packs: tuple[Path, ...] = ()
) -> int:
    """Previews stacks, all of them if none is named, with policy packs. Returns the exit code: the worst of theirs."""
    code = 0
    documents: list[dict[str, Any]] = []
    several = stacks is None
    if stacks is None:
        stacks = stacks_of(root)
        if not stacks:
            _tell(f"no Pulumi.NAME.yaml in {root}")
            return 2
    for number, stack in enumerate(stacks):
        preview = _preview(root, stack, mode, packs)
        code = max(code, preview.code)
        if as_json:
            documents.append(
                _document(preview.evaluation, preview.results if packs else None)
                if preview.evaluation
                else _empty_document(stack, mode, preview.error)
            )
        elif preview.evaluation and not preview.evaluation.error:
            from mastertrade.preview_tree import show, show_packs

            if number:
                sys.stdout.write("\n")
            show(preview.evaluation, full=full)
            show_packs(preview.results)
    if as_json:
        document = {"format": _FORMAT, "stacks": documents} if several else {"format": _FORMAT, **documents[0]}
        # In one piece: the encoder writes a stream token by token, which takes several times as long.
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return code


def _preview(root: Path, stack: str, mode: str, packs: tuple[Path, ...]) -> _Preview:
    """Evaluates a stack and asks the packs about it; tells what went wrong."""
    try:
        with _progress(stack) as on_resource, contextlib.redirect_stdout(sys.stderr):
            evaluation = evaluate(root, stack, mode=Mode(mode), on_resource=on_resource)
    except SettingsError as error:
        _tell(str(error))
        return _Preview(None, 2, error=str(error))
    except ProgramError as error:
        _tell_diagnostics(error.evaluation)
        return _Preview(error.evaluation, 1)
    _tell_diagnostics(evaluation)
    if not packs:
        return _Preview(evaluation, 0)
    from mastertrade.offline.analyzer import PackError, analyze

    try:
        results = analyze(evaluation, packs, read_configuration(root, stack))
    except PackError as error:
        _tell(str(error))
        return _Preview(evaluation, 2)
    return _Preview(evaluation, int(any(result.is_violated for result in results)), results)


def loaded_modules(root: Path, stack: str) -> int:
    """Prints every module that is loaded after a stack's program has run, one a line, sorted."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            evaluate(root, stack)
    except (SettingsError, ProgramError) as error:
        _tell(str(error))
        return 2 if isinstance(error, SettingsError) else 1
    sys.stdout.write("\n".join(sorted(sys.modules)) + "\n")
    return 0


def _tell_diagnostics(evaluation: Evaluation) -> None:
    for diagnostic in evaluation.diagnostics:
        _tell(f"{diagnostic.severity}: {diagnostic.message}")
    if evaluation.error:
        _tell(f"Stack '{evaluation.stack}' of '{evaluation.project}' fails:\n{evaluation.error}")


def _tell(text: str) -> None:
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


def _empty_document(stack: str, mode: str, error: str) -> dict[str, Any]:
    """Of a stack whose program did not get to run."""
    nothing: dict[str, Any] = {"regions": [], "outputs": {}, "diagnostics": [], "resources": []}
    return {"project": None, "stack": stack, "mode": mode, "error": error, **nothing}


def _document(evaluation: Evaluation, results: "tuple[PackResult, ...] | None") -> dict[str, Any]:
    """`results` is None where no pack was named."""
    packs = {} if results is None else {"policyPacks": [_pack_document(each) for each in results]}
    return {
        "project": evaluation.project,
        "stack": evaluation.stack,
        "mode": evaluation.mode.value,
        "error": evaluation.error,
        "regions": sorted({resource.region for resource in evaluation.resources if resource.region}),
        "outputs": masked(evaluation.outputs),
        "diagnostics": [{"severity": each.severity, "message": each.message, "urn": each.urn} for each in evaluation.diagnostics],
        "resources": [_resource_document(resource) for resource in evaluation.resources],
        **packs,
    }


def _pack_document(result: "PackResult") -> dict[str, Any]:
    return {
        "name": result.name,
        "version": result.version,
        "policies": list(result.policies),
        "violations": [asdict(each) for each in result.violations],
    }


def _resource_document(resource: Resource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "custom": resource.custom,
        "id": masked(resource.id),
        "parent": resource.parent,
        "provider": resource.provider,
        "region": resource.region,
        "inputs": masked(resource.inputs),
        "outputs": masked(resource.outputs),
        "dependencies": list(resource.dependencies),
        "propertyDependencies": {name: list(urns) for name, urns in resource.property_dependencies.items()},
        "protect": resource.protect,
        "ignoreChanges": list(resource.ignore_changes),
        "deletedWith": resource.deleted_with,
        "additionalSecretOutputs": list(resource.additional_secret_outputs),
        "aliases": list(resource.aliases),
        "retainOnDelete": resource.retain_on_delete,
        "deleteBeforeReplace": resource.delete_before_replace,
        "customTimeouts": dict(resource.custom_timeouts),
        "external": resource.external,
        "source": str(resource.source) if resource.source else None,
    }
