"""What a stack declares, asked as a person would ask: this type, in this region, of this name."""

import contextlib
import functools
import gc
import json
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mastertrade.offline import Evaluation, Mode, Resource, Secret, evaluate, read_configuration, stacks_of
from tests.sharing import shared

ROOT = Path(__file__).parent.parent
PROJECT = "mastertrade"


class Declared:
    """The resources of one evaluated stack."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.resources = evaluation.resources
        self.by_urn = {resource.urn: resource for resource in evaluation.resources}
        self._by_id = {resource.id: resource for resource in evaluation.resources if isinstance(resource.id, str)}

    def of(self, kind: str, region: str | None = None) -> list[Resource]:
        """All of a type: `aws:rds/cluster:Cluster`, or its last part where that is unambiguous: `Cluster`."""
        found = [each for each in self.resources if kind in (each.type, each.type.rsplit(":", 1)[1])]
        types = {each.type for each in found}
        assert len(types) <= 1, f"{kind} is ambiguous: {sorted(types)}"
        return [each for each in found if region is None or each.region == region]

    def one(self, kind: str, region: str | None = None, name: str | None = None) -> Resource:
        """The only one of a type in a region, or the one of this name."""
        found = [each for each in self.of(kind, region) if name is None or each.name == name]
        assert len(found) == 1, f"{len(found)} of {kind} in {region}: {[each.name for each in found]}"
        return found[0]

    def with_id(self, identifier: str) -> Resource:
        """The resource that the cloud gave this ID."""
        return self._by_id[identifier]

    def parents(self, resource: Resource) -> Iterator[Resource]:
        """From a resource's parent up to the stack."""
        while resource.parent:
            resource = self.by_urn[resource.parent]
            yield resource


def document(value: Any) -> dict[str, Any]:
    """A policy or another JSON text as a mapping."""
    text = value.value if isinstance(value, Secret) else value
    return json.loads(text)


def configuration(stack: str, **changes: Any) -> dict[str, str]:
    """A stack's configuration with some keys replaced; values as they would stand in YAML."""
    stated = dict(_own_configuration(stack))
    for key, value in changes.items():
        stated[f"{PROJECT}:{key}"] = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return stated


@functools.cache
def _own_configuration(stack: str) -> Mapping[str, str]:
    return read_configuration(ROOT, stack)


def with_regions(*regions: str, active: str | None = None) -> dict[str, str]:
    """Production in these regions, the first as primary."""
    roles = {region: {"role": "primary" if position == 0 else "standby"} for position, region in enumerate(regions)}
    return configuration("prod", regions=roles, activeRegion=active or regions[0])


def declare(stack: str, stated: Mapping[str, str] | None = None, mode: Mode = Mode.SIMULATED) -> Declared:
    """Evaluates a stack. Equal questions are answered once, also where one states what the stack's own file does."""
    if stack in stacks_of(ROOT) and stated == _own_configuration(stack):
        stated = None
    return _declare(stack, None if stated is None else tuple(sorted(stated.items())), mode)


@functools.cache
def _declare(stack: str, stated: tuple[tuple[str, str], ...] | None, mode: Mode) -> Declared:
    # what comes from another process stays as long as what is evaluated here
    with _uncollected():
        return Declared(shared(repr((stack, stated, mode)), lambda: evaluated(stack, None if stated is None else dict(stated), mode)))


def evaluated(stack: str, stated: Mapping[str, str] | None = None, mode: Mode = Mode.SIMULATED) -> Evaluation:
    """Evaluates a stack of this repository anew."""
    # in a thread: the SDK records the whole call stack with every resource, and that of a test is sixty frames deeper
    with _uncollected(), ThreadPoolExecutor(1, thread_name_prefix="program") as thread:
        return thread.submit(evaluate, ROOT, stack, mode=mode, configuration=stated).result()


@contextlib.contextmanager
def _uncollected() -> Generator[None]:
    """Without the collector, which would look through everything that earlier evaluations left, again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
