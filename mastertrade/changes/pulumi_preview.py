"""What Pulumi itself says it would do: `pulumi preview --json`, ranked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from mastertrade.changes.comparing import change_of
from mastertrade.changes.differences import differences, path_names
from mastertrade.changes.files import DEFAULTS, Mistakes, plain, read_json, resource_of_state, split_urn
from mastertrade.changes.matching import Pair
from mastertrade.changes.model import Difference, Operation, Replaces, StackDigest, in_order
from mastertrade.offline.evaluation import Resource
from mastertrade.values import Properties

__all__ = ["read_preview"]

_WANTED = "what `pulumi preview --json` writes"
_EXAMPLE = "pulumi preview -s prod --json > preview.json"
_OPERATIONS: Mapping[str, Operation | None] = {
    "create": Operation.CREATE,
    "create-replacement": Operation.REPLACE,
    "delete": Operation.DELETE,
    "delete-replaced": Operation.REPLACE,
    "discard": None,
    "discard-replaced": None,
    "import": Operation.CREATE,
    "import-replacement": Operation.REPLACE,
    "read": None,
    "read-replacement": None,
    "refresh": None,
    "remove-pending-replace": None,
    "replace": Operation.REPLACE,
    "same": None,
    "update": Operation.UPDATE,
}
"""Of Pulumi's steps. A replacement is several of them."""
_STATES_UNKNOWN = "what controls say is not known: a preview does not tell"


def read_preview(file: Path) -> StackDigest:
    """Reads the file. Raises `DigestError`."""
    document = read_json(file, _WANTED, _EXAMPLE)
    mistakes = Mistakes(file)
    steps: Any = document.get("steps", [])
    if "deployment" in document:
        mistakes.add("deployment", "a stack export", "a preview; read a stack export with --from-stack-export")
    elif "sequence" in document or "resourcePreEvent" in document:
        mistakes.add("sequence", "a log of events", "a preview as one document: run it without PULUMI_ENABLE_STREAMING_JSON_PREVIEW")
    elif not document.keys() & {"steps", "changeSummary"}:
        mistakes.add("steps", None, f"a list of steps: {_WANTED}. Example: {_EXAMPLE}")
    elif not isinstance(steps, list) or not all(isinstance(each, dict) for each in cast("list[Any]", steps)):
        mistakes.add("steps", cast("Any", steps), "a list of mappings")
    mistakes.raise_if_any()
    read = [_Read(each, f"steps[{place}]", mistakes) for place, each in enumerate(cast("list[dict[str, Any]]", steps))]
    owners = {parts[:2] for each in read if (parts := split_urn(each.urn))}
    if len(owners) > 1:
        mistakes.add("steps", sorted("/".join(each) for each in owners), "steps of one stack")
    mistakes.raise_if_any()
    stack, project = next(iter(owners)) if owners else ("", "")
    changes = sorted((each for each in _changes(stack, read)), key=in_order)
    counted = {each.urn for each in changes}
    error = _error(document)
    return StackDigest(
        stack=stack,
        project=project,
        counts=dict(Counter(each.operation for each in changes)),
        unchanged=_unchanged(document, read, counted),
        changes=tuple(changes),
        notes=(_STATES_UNKNOWN, *_notes(document, error)),
        error=error,
    )


class _Read:
    """One step, held to its form."""

    def __init__(self, step: Mapping[str, Any], where: str, mistakes: Mistakes) -> None:
        urn, name = step.get("urn"), step.get("op")
        self.urn = urn if isinstance(urn, str) else ""
        self.name = name if isinstance(name, str) else ""
        if split_urn(self.urn) is None:
            mistakes.add(f"{where}.urn", urn, "urn:pulumi:STACK::PROJECT::TYPE::NAME")
        if self.name not in _OPERATIONS:
            mistakes.add(f"{where}.op", name, ", ".join(_OPERATIONS))
        self.old = self._state(step, "oldState", where, mistakes)
        self.new = self._state(step, "newState", where, mistakes)
        self.replace_reasons = _texts(step.get("replaceReasons"))
        self.diff_reasons = _texts(step.get("diffReasons"))
        detailed = step.get("detailedDiff")
        self.kinds = {
            path: str(cast("Mapping[str, Any]", each).get("kind", ""))
            for path, each in cast("Mapping[str, Any]", detailed if isinstance(detailed, dict) else {}).items()
            if isinstance(each, dict)
        }

    @staticmethod
    def _state(step: Mapping[str, Any], name: str, where: str, mistakes: Mistakes) -> Resource | None:
        state = step.get(name)
        if state is None:
            return None
        if not isinstance(state, dict):
            mistakes.add(f"{where}.{name}", state, "a mapping")
            return None
        found = resource_of_state(cast("Mapping[str, Any]", state), f"{where}.{name}", mistakes)
        return replace(found, inputs=_without_defaults(found.inputs)) if found else None

    @property
    def operation(self) -> Operation | None:
        return _OPERATIONS.get(self.name)


def _changes(stack: str, steps: Iterable[_Read]) -> Iterator[Any]:
    by_urn: dict[str, list[_Read]] = {}
    for step in steps:
        if step.operation is not None:
            by_urn.setdefault(step.urn, []).append(step)
    for urn, together in by_urn.items():
        # of a replacement: the step that knows both states
        step = max(together, key=lambda each: (each.operation is Operation.REPLACE, each.old is not None and each.new is not None))
        before = step.old or next((each.old for each in together if each.old), None)
        after = step.new or next((each.new for each in together if each.new), None)
        before, after = (
            before if step.operation is not Operation.CREATE else None,
            after if step.operation is not Operation.DELETE else None,
        )
        if before is not None and together[0].name == "delete-replaced":
            # a preview does not state the option; the order of its steps shows it
            before = replace(before, delete_before_replace=True)
        if step.operation and all(each is None or each.custom for each in (before, after)):
            bare = split_urn(urn)
            if before is None and after is None and bare:
                # shown without its states: its name is all that is known
                only = Resource(urn, bare[2], bare[3], True, {}, {})
                before, after = (only, None) if step.operation is Operation.DELETE else (None, only)
            yield change_of(stack, step.operation, Pair(before, after), _differences(step, before, after))


def _differences(step: _Read, before: Resource | None, after: Resource | None) -> list[Difference]:
    if before is None or after is None:
        return []
    found = [replace(each, replaces=_replaces(step, each)) for each in differences(before.inputs, after.inputs)]
    told = {each.names[0] for each in found if each.names}
    # what differs from the cloud only, not from the last inputs
    for path in dict.fromkeys([*step.kinds, *step.diff_reasons, *step.replace_reasons]):
        names = path_names(path)
        if names and names[0] not in told:
            told.add(names[0])
            old, new = before.outputs.get(names[0], before.inputs.get(names[0])), after.inputs.get(names[0])
            bare = Difference(path, names, old, new)
            found.append(replace(bare, replaces=_replaces(step, bare)))
    return found


def _replaces(step: _Read, difference: Difference) -> Replaces:
    forced = {path_names(path) for path, kind in step.kinds.items() if kind.endswith("replace")}
    forced |= {path_names(path) for path in step.replace_reasons}
    names = difference.names
    return Replaces.ALWAYS if any(each == names[: len(each)] or names == each[: len(names)] for each in forced if each) else Replaces.NO


def _without_defaults(inputs: Properties) -> Properties:
    cleaned = plain(inputs)
    return cast("Properties", _clean(cleaned))


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in cast("dict[str, Any]", value).items() if name != DEFAULTS}
    return [_clean(each) for each in cast("list[Any]", value)] if isinstance(value, list) else value


def _unchanged(document: Mapping[str, Any], steps: Iterable[_Read], counted: set[str]) -> int:
    listed = {each.urn for each in steps if each.name == "same" and each.new and each.new.custom} - counted
    if listed:
        return len(listed)
    # steps that change nothing are left out without --show-sames; the summary counts them, components included
    summary = document.get("changeSummary")
    same = cast("Mapping[str, Any]", summary).get("same", 0) if isinstance(summary, dict) else 0
    return same if isinstance(same, int) else 0


def _notes(document: Mapping[str, Any], error: str) -> Iterator[str]:
    if document.get("maybeCorrupt"):
        yield "Pulumi says that the stack's state may be corrupt"
    if error:
        yield "the preview failed: what it shows may not be all"


def _error(document: Mapping[str, Any]) -> str:
    """What stopped the preview, in its first words; empty where nothing did."""
    diagnostics = document.get("diagnostics")
    for each in cast("list[Any]", diagnostics) if isinstance(diagnostics, list) else ():
        if isinstance(each, dict) and cast("Mapping[str, Any]", each).get("severity") == "error":
            return str(cast("Mapping[str, Any]", each).get("message") or "").strip().removeprefix("error: ") or "it does not say why"
    return ""


def _texts(value: Any) -> list[str]:
    return [each for each in cast("list[Any]", value) if isinstance(each, str)] if isinstance(value, list) else []
