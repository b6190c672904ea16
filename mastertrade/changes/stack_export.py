"""What is deployed, from `pulumi stack export`, made comparable with what the program declares offline."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from mastertrade.changes.files import DEFAULTS, Mistakes, read_json, resource_of_state, split_urn
from mastertrade.changes.matching import pairs
from mastertrade.changes.sides import Side
from mastertrade.offline.evaluation import PROVIDER_PREFIX, Resource
from mastertrade.values import HIDDEN_SECRET, Plain, Properties

__all__ = ["Deployed", "comparable", "read_stack_export"]

_EXAMPLE = "pulumi stack export -s prod --file state.json"
_WANTED = "what `pulumi stack export` writes"
_VERSIONS = (3, 4)
_SHORTEST_TOKEN, _SHORTEST_PART = 4, 8
"""What is shorter stands in many a value by chance."""
_SEPARATORS = re.compile(r"[:/|]")
_DEFAULT_PROVIDER = re.compile(rf"(?P<own>urn:pulumi:[^:]+::[^:]+::{PROVIDER_PREFIX}[^:$]+::default)(?:_.+)?")
"""One that the engine makes where a resource names none. It is of no component, and may have the version in its name."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as Pulumi last left it."""

    stack: str
    project: str
    resources: tuple[Resource, ...]
    notes: tuple[str, ...]


def read_stack_export(file: Path) -> Deployed:
    """Reads the file. Secrets are masked, whether encrypted or in plain. Raises `DigestError`."""
    document = read_json(file, _WANTED, _EXAMPLE)
    mistakes = Mistakes(file)
    deployment = document.get("deployment")
    if "steps" in document and deployment is None:
        mistakes.add("steps", "a preview", "a stack export; read a preview with --from-preview")
    elif not isinstance(deployment, dict):
        mistakes.add("deployment", deployment, f"a mapping: {_WANTED}. Example: {_EXAMPLE}")
    if document.get("version") not in _VERSIONS and isinstance(deployment, dict):
        mistakes.add("version", document.get("version"), "3 or 4")
    mistakes.raise_if_any()
    content = cast("dict[str, Any]", deployment)
    states = cast("list[dict[str, Any]]", content.get("resources") or [])
    if not _is_list_of_mappings(states):
        mistakes.add("deployment.resources", states, "a list of mappings")
        mistakes.raise_if_any()
    found = [(state, resource_of_state(state, f"deployment.resources[{place}]", mistakes)) for place, state in enumerate(states)]
    owners = {parts[:2] for _, each in found if each and (parts := split_urn(each.urn))}
    if len(owners) > 1:
        mistakes.add("deployment.resources", sorted("/".join(each) for each in owners), "resources of one stack")
    mistakes.raise_if_any()
    if not owners:
        mistakes.add("deployment.resources", [], "at least the stack itself: of an empty stack everything is created")
        mistakes.raise_if_any()
    stack, project = next(iter(owners))
    pending = [state["urn"] for state, _ in found if state.get("delete")]
    return Deployed(
        stack=stack,
        project=project,
        resources=tuple(
            replace(each, provider=_undated(each.provider))
            for state, each in found
            if each and not state.get("delete") and not _DEFAULT_PROVIDER.fullmatch(each.urn)
        ),
        notes=tuple(_notes(len(pending), len(content.get("pending_operations") or []))),
    )


def _undated(provider: str) -> str:
    """The URN of a provider; of a default one without its version, as the offline preview names it."""
    default = _DEFAULT_PROVIDER.fullmatch(provider)
    return default["own"] if default else provider


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in cast("list[Any]", value))


def _notes(pending: int, unfinished: int) -> Iterator[str]:
    yield "what controls said of what is deployed is not known: an export does not tell"
    yield "secrets are not compared: an export has them encrypted"
    if pending:
        yield f"{pending} resources still wait for the deletion that an earlier update began: the next update goes on with it"
    if unfinished:
        yield f"{unfinished} operations of an earlier update did not end: Pulumi asks for `pulumi refresh` first"


def comparable(deployed: Deployed, present: Side) -> Side:
    """What is deployed in the words of the offline preview: identifiers of the real cloud become those of the simulated one,
    provider's defaults are left out where the program states nothing, secrets read as the program's do.
    """
    matched = {each.before.urn: each.after for each in pairs(deployed.resources, present.resources) if each.before and each.after}
    words = _Words(deployed.resources, matched)
    names = {old: new.urn for old, new in matched.items()}
    regions = {each.urn: each.inputs.get("region") for each in deployed.resources if each.type == f"{PROVIDER_PREFIX}aws"}
    resources = tuple(
        _translated(_as_stated(each, matched.get(each.urn), regions.get(each.provider)), matched.get(each.urn), words, names)
        for each in deployed.resources
    )
    return Side(deployed.stack, deployed.project, resources, notes=deployed.notes, real=True)


_Tokens = list[tuple[str, str]]


class _Words:
    """What the real cloud calls something, and what the simulated one does: longest first, by the resource that brings it."""

    def __init__(self, resources: Iterable[Resource], matched: Mapping[str, Resource]) -> None:
        self._resources = {each.urn: each for each in resources}
        self._matched = matched
        self._known: dict[str, _Tokens] = {}

    def of_property(self, name: str, *resources: Resource | None) -> _Tokens:
        """Of whatever a property depends on, on either side."""
        needed = {urn for each in resources if each for urn in each.property_dependencies.get(name, ())}
        return sorted({each for urn in needed for each in self._of(urn)}, key=lambda each: (-len(each[0]), each))

    def _of(self, urn: str) -> _Tokens:
        if urn not in self._known:
            # before its own are known: files may have resources that depend on one another
            self._known[urn] = []
            real, simulated = self._resources.get(urn), self._matched.get(urn)
            if real and simulated:
                self._known[urn] = self._found(real, simulated)
        return self._known[urn]

    def _found(self, real: Resource, simulated: Resource) -> _Tokens:
        found = dict(_different(real.outputs, simulated.outputs, simulated.inputs))
        if isinstance(real.id, str) and isinstance(simulated.id, str) and real.id != simulated.id:
            found.setdefault(real.id, simulated.id)
        for name, value in real.inputs.items():
            # what a resource is given by others, it may pass on
            known = self.of_property(name, real, simulated)
            for old, new in _different(value, simulated.inputs.get(name), None):
                if _said(old, known) == new:
                    found.setdefault(old, new)
        for old, new in list(found.items()):
            # programs take addresses and ARNs apart
            parts, others = _SEPARATORS.split(old), _SEPARATORS.split(new)
            if len(parts) == len(others):
                for mine, theirs in zip(parts, others, strict=True):
                    if mine != theirs and len(mine) >= _SHORTEST_PART:
                        found.setdefault(mine, theirs)
        return [(old, new) for old, new in found.items() if len(old) >= _SHORTEST_TOKEN]


def _different(real: Plain, simulated: Plain, stated: Plain) -> Iterator[tuple[str, str]]:
    if isinstance(real, str) and isinstance(simulated, str):
        # what the program states may have changed: that is news, not another word for the same
        if real != simulated and not isinstance(stated, str):
            yield real, simulated
    elif isinstance(real, dict) and isinstance(simulated, dict):
        mine, theirs = cast("dict[str, Plain]", real), cast("dict[str, Plain]", simulated)
        own = cast("dict[str, Plain]", stated) if isinstance(stated, dict) else {}
        for name in sorted(mine.keys() & theirs.keys()):
            yield from _different(mine[name], theirs[name], own.get(name))
    elif isinstance(real, list) and isinstance(simulated, list):
        for mine_, theirs_ in zip(cast("list[Plain]", real), cast("list[Plain]", simulated), strict=False):
            yield from _different(mine_, theirs_, None)


def _as_stated(real: Resource, present: Resource | None, region: Plain) -> Resource:
    """Without what pulumi-aws adds to inputs beside `__defaults`: its provider's region, and the tags of both together.

    https://github.com/pulumi/pulumi-aws/issues/6602 shows the region among inputs.
    """
    wanted = present.inputs if present else {}
    if not real.type.startswith("aws:"):
        return real
    added = {name for name in ("region", "tagsAll") if name not in wanted and (name != "region" or real.inputs.get(name) == region)}
    return replace(real, inputs={name: value for name, value in real.inputs.items() if name not in added})


def _translated(real: Resource, present: Resource | None, words: _Words, names: Mapping[str, str]) -> Resource:
    wanted = present.inputs if present else {}
    inputs: Properties = {}
    for name, value in _without_defaults(real.inputs, wanted).items():
        inputs[name] = _like(_said(value, words.of_property(name, real, present)), wanted.get(name))
    if real.type.startswith(PROVIDER_PREFIX):
        inputs = {name: _opened(value, wanted.get(name)) for name, value in inputs.items()}
    return replace(
        real,
        inputs=inputs,
        region=present.region if present and present.region else real.region,
        provider=names.get(real.provider, real.provider),
        deleted_with=names.get(real.deleted_with, real.deleted_with),
    )


def _without_defaults(real: Properties, wanted: Properties) -> Properties:
    """Without what a provider filled in by itself, unless the program states it by now."""
    filled = {each for each in cast("list[Any]", real.get(DEFAULTS) or []) if isinstance(each, str)}
    found: Properties = {}
    for name, value in real.items():
        if name != DEFAULTS and (name not in filled or name in wanted):
            found[name] = _below(value, wanted.get(name))
    return found


def _below(value: Plain, wanted: Plain) -> Plain:
    if isinstance(value, dict):
        return _without_defaults(cast("Properties", value), cast("Properties", wanted) if isinstance(wanted, dict) else {})
    if isinstance(value, list):
        others = cast("list[Plain]", wanted) if isinstance(wanted, list) else []
        return [_below(each, others[place] if place < len(others) else None) for place, each in enumerate(cast("list[Plain]", value))]
    return value


def _said(value: Plain, tokens: Iterable[tuple[str, str]]) -> Plain:
    """A value with the simulated cloud's words for the real one's."""
    if isinstance(value, str):
        for old, new in tokens:
            value = value.replace(old, new)
        return value
    if isinstance(value, dict):
        return {name: _said(each, tokens) for name, each in cast("dict[str, Plain]", value).items()}
    if isinstance(value, list):
        return [_said(each, tokens) for each in cast("list[Plain]", value)]
    return value


def _like(value: Plain, wanted: Plain) -> Plain:
    """A secret of the export as the program's value where that is one, too, or holds one."""
    if value == HIDDEN_SECRET and wanted is not None and HIDDEN_SECRET in json.dumps(wanted, default=str):
        return wanted
    if isinstance(value, dict) and isinstance(wanted, dict):
        mine, theirs = cast("dict[str, Plain]", value), cast("dict[str, Plain]", wanted)
        return {name: _like(each, theirs.get(name)) for name, each in mine.items()}
    if isinstance(value, list) and isinstance(wanted, list):
        elements, others = cast("list[Plain]", value), cast("list[Plain]", wanted)
        return [_like(each, others[place] if place < len(others) else None) for place, each in enumerate(elements)]
    return cast("Plain", value)


def _opened(value: Plain, wanted: Plain) -> Plain:
    """A provider's property, which Pulumi keeps as JSON text."""
    if isinstance(value, str) and not isinstance(wanted, str | None):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
