"""Asks a pack's real analyzer process about a few resources that fixtures describe."""

import contextlib
import copy
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mastertrade.offline import UNKNOWN, Evaluation, Mode, Resource
from mastertrade.offline.analyzer import Questions, Violation, ask
from mastertrade.offline.pack_process import RunningPack, running_pack

POLICIES = Path(__file__).parents[2] / "policies"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML was built with it: ten times as fast
_REFERENCE = re.compile(r"\$\{([\w-]+)\.(\w+)\}")


@dataclass(frozen=True)
class Asking:
    """A running pack."""

    pack: RunningPack

    def violations(self, *described: Mapping[str, Any]) -> tuple[Violation, ...]:
        """What the pack says of resources: `type`, `name`, `properties`, `protect`."""
        resources = [_resource(each, described) for each in described]
        evaluation = Evaluation("demo", "prod", Mode.SIMULATED, tuple(resources), {}, ())
        return ask(self.pack, Questions(evaluation)).violations


@contextlib.contextmanager
def asking(pack: str) -> Generator[Asking]:
    """Starts a pack as the engine does."""
    evaluation = Evaluation("demo", "prod", Mode.SIMULATED, (), {}, ())
    with running_pack(POLICIES / pack, evaluation, {}) as running:
        yield Asking(running)


def described(folder: str, pack: str) -> dict[str, dict[str, Any]]:
    """Entries of `folder/PACK/*.yaml`, one file for each module of the pack or subject. A name that stands twice is refused.

    `~~` stands for nothing: it breaks what scanners of repositories take for a credential.
    """
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((Path(__file__).parent / folder / pack).glob("*.yaml")):
        text = file.read_text(encoding="utf-8").replace("~~", "")
        for name, entry in yaml.load(text, Loader=_LOADER).items():
            assert name not in found, f"{file}: {name} stands in another file, too"
            found[name] = entry
    return found


def judged(entry: Mapping[str, Any], changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The resource of an entry with some changes, and its companions."""
    companions = changes.get("companions", entry.get("companions", []))
    options = changes.get("options", entry.get("options", {}))
    own = {path: value for path, value in changes.items() if path not in ("companions", "options")}
    return [{"type": entry["type"], "properties": changed(entry["good"], own), **options}, *companions]


def changed(properties: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with other values at some paths; None removes what is there."""
    result = copy.deepcopy(dict(properties))
    for path, value in changes.items():
        *above, last = path.split(".")
        target: Any = result
        for step in above:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        place: Any = int(last) if isinstance(target, list) else last
        if value is None:
            del target[place]
        else:
            target[place] = value
    return result


def _urn(described: Mapping[str, Any]) -> str:
    return f"urn:pulumi:prod::demo::{described['type']}::{described.get('name', 'judged')}"


def _resource(described: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Resource:
    urns = {each.get("name", "judged"): _urn(each) for each in others}
    dependencies: dict[str, tuple[str, ...]] = {}
    properties: dict[str, Any] = {}
    for name, value in described["properties"].items():
        found: list[str] = []
        properties[name] = _resolved(value, urns, found)
        if found:
            dependencies[name] = tuple(found)
    return Resource(
        urn=_urn(described),
        type=described["type"],
        name=described.get("name", "judged"),
        custom=True,
        inputs=properties,
        outputs={**properties, "id": f"{described.get('name', 'judged')}-id"},
        protect=bool(described.get("protect")),
        dependencies=tuple(urn for each in dependencies.values() for urn in each),
        property_dependencies=dependencies,
    )


def _resolved(value: Any, urns: Mapping[str, str], found: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _resolved(each, urns, found) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each, urns, found) for each in value]
    if value == "UNKNOWN":
        return UNKNOWN
    if not isinstance(value, str):
        return value
    found += [urns[each.group(1)] for each in _REFERENCE.finditer(value)]
    return _REFERENCE.sub(lambda each: f"{each.group(1)}-{each.group(2)}", value.replace("KEY", KEY) if value == "KEY" else value)
