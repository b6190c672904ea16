"""What `mastertrade preview` does: evaluates stacks and shows what they declare."""

import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mastertrade.offline import Evaluation, ProgramError, Resource, evaluate, masked
from mastertrade.stacks import StackRun, run_stacks, tell
from settings.problems import SettingsError

if TYPE_CHECKING:
    from mastertrade.offline.analyzer import PackResult

__all__ = ["loaded_modules", "preview_stacks"]

_FORMAT = 1


def preview_stacks(
    root: Path,
    stacks: tuple[str, ...] | None,
    mode: str,
    *,
    full: bool,
    as_json: bool,
    packs: tuple[Path, ...] = (),
    own: bool = True,
    out: Path | None = None,
) -> int:
    """Previews stacks, all of them if none is named, with policy packs. Returns the exit code: the worst of theirs.

    Writes evidence of what the packs say to the folder `out`, if every stack could be evaluated; `own` are the project's packs.
    """
    if out is not None:
        from mastertrade.audit import can_write

        if not can_write(out):
            return 2
    code = 0
    documents: list[dict[str, Any]] = []
    runs: list[StackRun] = []
    for number, run in enumerate(run_stacks(root, stacks, mode, packs, with_accounts=out is not None)):
        code = max(code, run.code, int(any(result.is_violated for result in run.results)))
        runs.append(run)
        if as_json:
            documents.append(
                _document(run.evaluation, run.results if packs else None) if run.evaluation else _empty_document(run.stack, mode, run.error)
            )
        elif run.evaluation and not run.evaluation.error:
            from mastertrade.preview_tree import show, show_packs

            if number:
                sys.stdout.write("\n")
            show(run.evaluation, full=full)
            show_packs(run.results)
    if as_json and (documents or stacks):
        document = {"format": _FORMAT, "stacks": documents} if stacks is None else {"format": _FORMAT, **documents[0]}
        # In one piece: the encoder writes a stream token by token, which takes several times as long.
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    if out is not None and not any(run.code for run in runs):
        from mastertrade.audit import audited, written

        if not written([audited(root, run, with_frameworks=own) for run in runs], out, quiet=as_json):
            return 2
    return code


def loaded_modules(root: Path, stack: str) -> int:
    """Prints every module that is loaded after a stack's program has run, one a line, sorted."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            evaluate(root, stack)
    except (SettingsError, ProgramError) as error:
        tell(str(error))
        return 2 if isinstance(error, SettingsError) else 1
    sys.stdout.write("\n".join(sorted(sys.modules)) + "\n")
    return 0


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
