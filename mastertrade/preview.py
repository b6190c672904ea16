"""What `mastertrade preview` does: evaluates stacks and shows what they declare."""

import contextlib
import json
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from mastertrade.offline import Evaluation, Mode, ProgramError, Resource, evaluate, masked, stacks_of
from settings.problems import SettingsError

__all__ = ["loaded_modules", "preview_stacks"]

_FORMAT = 1
_PROGRESS_EVERY = 25


def preview_stacks(root: Path, stacks: tuple[str, ...] | None, mode: str, *, full: bool, as_json: bool) -> int:
    """Previews stacks, all of them if none is named, and returns the exit code: the worst of theirs."""
    code = 0
    documents: list[dict[str, Any]] = []
    several = stacks is None
    if stacks is None:
        stacks = stacks_of(root)
        if not stacks:
            _tell(f"no Pulumi.NAME.yaml in {root}")
            return 2
    for number, stack in enumerate(stacks):
        try:
            with _progress(stack) as on_resource, contextlib.redirect_stdout(sys.stderr):
                evaluation = evaluate(root, stack, mode=Mode(mode), on_resource=on_resource)
        except SettingsError as error:
            code = max(code, 2)
            _tell(str(error))
            documents.append(_empty_document(stack, mode, str(error)))
            continue
        except ProgramError as error:
            code = max(code, 1)
            evaluation = error.evaluation
        _tell_diagnostics(evaluation)
        if as_json:
            documents.append(_document(evaluation))
        elif not evaluation.error:
            from mastertrade.preview_tree import show

            if number:
                sys.stdout.write("\n")
            show(evaluation, full=full)
    if as_json:
        document = {"format": _FORMAT, "stacks": documents} if several else {"format": _FORMAT, **documents[0]}
        # In one piece: the encoder writes a stream token by token, which takes several times as long.
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return code


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


def _document(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "project": evaluation.project,
        "stack": evaluation.stack,
        "mode": evaluation.mode.value,
        "error": evaluation.error,
        "regions": sorted({resource.region for resource in evaluation.resources if resource.region}),
        "outputs": masked(evaluation.outputs),
        "diagnostics": [{"severity": each.severity, "message": each.message, "urn": each.urn} for each in evaluation.diagnostics],
        "resources": [_resource_document(resource) for resource in evaluation.resources],
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
