"""Breaks production on purpose, one property at a time, and looks which controls notice.

python -m tests.policies.mutation [CONTROL ...]    # `make mutate`: every mandatory control that judges something in production

For every control some mutation has to exist that this control finds and no other; what a second control finds as well is listed. A
mutation is one of the bad forms of the control's fixture, a declared value that is taken away, turned round or emptied, a companion
that is taken away, or the protection of the resource.
"""

import contextlib
import copy
import datetime
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mastertrade.offline import Evaluation, Resource
from policies.catalogue import PACKS
from policies.engine.control import Control, Enforcement, State
from policies.engine.resources import Resource as Judged
from policies.engine.run import Run
from policies.engine.waivers import WAIVER_TYPE
from tests.declared import declare
from tests.policies.asking import changed, described

_MOST_MUTATIONS = 150
_DEEPEST = 5


@dataclass(frozen=True)
class Mutation:
    """Production with one defect."""

    text: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Outcome:
    """What became of one control."""

    control: str
    resource: str
    mutation: str
    """The first that this control finds; empty if there is none."""
    others: tuple[str, ...]
    """Controls that find it as well."""

    @property
    def is_found(self) -> bool:
        """Whether some mutation is found by the control."""
        return bool(self.mutation)


class Baseline:
    """Production as it is, judged by every pack in this process."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.runs = [Run(pack, evaluation.project, evaluation.stack, _TODAY) for pack in PACKS]
        self.resources = {each.urn: each for each in evaluation.resources}
        self.alone: list[dict[Any, Any]] = []
        for run in self.runs:
            for each in evaluation.resources:
                run.judge_alone(judged(each, self.resources))
            self.alone.append(dict(run._verdicts))
            run.judge_stack(judged(each, self.resources) for each in evaluation.resources)

    def passes(self, control: Control) -> list[str]:
        """URNs of the resources about which a control found nothing."""
        return [
            verdict.resource.urn
            for run in self.runs
            for verdict in run.verdicts()
            if verdict.control.id == control.id and verdict.state is State.PASS
        ]

    def failures(self, mutated: Evaluation, control: Control) -> set[str]:
        """IDs of the controls that fail or are unknown, if this one is among them; else none: its own pack is asked first.

        Only what was changed, and what depends on the stack, is judged again.
        """
        resources = {each.urn: each for each in mutated.resources}
        touched = [each for each in mutated.resources if self.resources[each.urn] is not each]
        found: set[str] = set()
        for run, alone in sorted(zip(self.runs, self.alone, strict=True), key=lambda each: control.id not in each[0].settings):
            again = copy.copy(run)
            again._verdicts = {key: verdict for key, verdict in alone.items() if key[1] in resources}
            for each in touched:
                again.judge_alone(judged(each, resources))
            again.judge_stack(judged(each, resources) for each in mutated.resources)
            found |= {each.control.id for each in again.verdicts() if each.state in (State.FAIL, State.UNKNOWN)}
            if control.id not in found:
                return set()
        return found


def judged(resource: Resource, resources: Mapping[str, Resource]) -> Judged:
    """A declared resource as packs see it."""
    provider = resources.get(resource.provider)
    return Judged(
        urn=resource.urn,
        type_=resource.type,
        name=resource.name,
        properties=resource.inputs,
        outputs={**resource.inputs, **resource.outputs},
        protect=resource.protect,
        parent=resource.parent,
        provider=provider.inputs if provider else {},
        dependencies=resource.dependencies,
        property_dependencies=resource.property_dependencies,
    )


def guarded_controls() -> Iterator[Control]:
    """Controls that stop a deployment."""
    for pack in PACKS:
        for control in pack.controls:
            if control.enforcement is Enforcement.MANDATORY and WAIVER_TYPE not in control.types:
                yield control


def outcome(baseline: Baseline, control: Control) -> Outcome | None:
    """The first mutation that a control finds, best one that no other finds. None where it judges nothing in production."""
    targets = baseline.passes(control)
    if not targets:
        return None
    best: Outcome | None = None
    # one resource of each type that the control judges
    for urn in {baseline.resources[urn].type: urn for urn in reversed(targets)}.values():
        for mutation in itertools.islice(mutations(baseline.evaluation, urn, control), _MOST_MUTATIONS):
            found = baseline.failures(mutation.evaluation, control)
            if control.id in found and (best is None or len(found) <= len(best.others)):
                best = Outcome(control.id, urn, mutation.text, tuple(sorted(found - {control.id})))
                if not best.others:
                    return best
    return best or Outcome(control.id, targets[0], "", ())


def mutations(evaluation: Evaluation, urn: str, control: Control) -> Iterator[Mutation]:
    """Defects of a resource, the likeliest first."""
    resource = next(each for each in evaluation.resources if each.urn == urn)
    yield from _of_fixture(evaluation, resource, control)
    yield from _of_values(evaluation, resource)
    if resource.protect:
        yield _with(evaluation, replace(resource, protect=False), "protect: false")
    companions = [each for each in evaluation.resources if urn in each.dependencies]
    for each in companions:
        yield Mutation(
            f"without {each.type} {each.name}", replace(evaluation, resources=tuple(r for r in evaluation.resources if r is not each))
        )
    for kind in sorted({each.type for each in companions}):
        rest = tuple(each for each in evaluation.resources if not (each in companions and each.type == kind))
        yield Mutation(f"without any {kind}", replace(evaluation, resources=rest))
    for each in [*companions, *(one for one in evaluation.resources if one.urn in resource.dependencies and one.custom)]:
        yield from _of_values(evaluation, each)


def _of_fixture(evaluation: Evaluation, resource: Resource, control: Control) -> Iterator[Mutation]:
    pack = next(pack.name for pack in PACKS if control in pack.controls)
    fixture = described("fixtures", pack)[control.id]
    for bad in fixture["bad"]:
        stated = {path: value for path, value in bad.items() if path not in ("companions", "options")}
        for inputs in _broken(resource, fixture, stated):
            yield _with(evaluation, replace(resource, inputs=inputs), f"{resource.type}: {stated}")


def _broken(resource: Resource, fixture: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A resource with a fixture's defect: at the same paths, then with the whole properties of the fixture's bad form."""
    moved = {_moved(path, fixture["type"], resource.type): value for path, value in stated.items()}
    unfit = (KeyError, IndexError, TypeError, AttributeError, ValueError)
    if moved:
        with contextlib.suppress(*unfit):
            yield changed(resource.inputs, moved)
        with contextlib.suppress(*unfit):
            bad = changed(fixture["good"], stated)
            names = {path.split(".")[0] for path in stated}
            yield {**resource.inputs, **{name: bad[name] for name in names if name in bad}}


_PODS_AT = {"Pod": "", "CronJob": "spec.jobTemplate.spec.template."}


def _moved(path: str, type_: str, other: str) -> str:
    """A path below a pod's template, in a resource of another kind that has one."""
    if not type_.startswith("kubernetes:"):
        return path
    here, there = (_PODS_AT.get(each.rpartition(":")[2], "spec.template.") for each in (type_, other))
    return f"{there}{path.removeprefix(here)}" if path.startswith(f"{here}spec.") else path


def _of_values(evaluation: Evaluation, resource: Resource) -> Iterator[Mutation]:
    for path, value in _leaves(resource.inputs, ()):
        for other in _others(value):
            inputs = _replaced(resource.inputs, path, other)
            shown = "nothing" if other is None else repr(other)
            yield _with(evaluation, replace(resource, inputs=inputs), f"{resource.type}: {'.'.join(map(str, path))}: {shown}")


def _others(value: Any) -> Iterator[Any]:
    yield None
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (0, 1, value * 100)
    elif isinstance(value, str):
        yield from ("*", "0.0.0.0/0", "sun:02:00-sun:03:00", "02:00-03:00", "alias/aws/ebs", "http://example.com/")


def _leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if path:
        yield path, value
    if len(path) < _DEEPEST and isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*path, name))
    elif len(path) < _DEEPEST and isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, (*path, number))


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    first, *rest = path
    result = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        result[first] = _replaced(value[first], tuple(rest), other)
    elif other is None:
        del result[first]
    else:
        result[first] = other
    return result


def _with(evaluation: Evaluation, mutated: Resource, text: str) -> Mutation:
    """The evaluation with a resource replaced: what it declares is also what the cloud would say of it."""
    old = next(each for each in evaluation.resources if each.urn == mutated.urn)
    outputs = {name: value for name, value in old.outputs.items() if name not in old.inputs or name in mutated.inputs}
    changed_one = replace(mutated, outputs={**outputs, **mutated.inputs})
    return Mutation(text, replace(evaluation, resources=tuple(changed_one if each is old else each for each in evaluation.resources)))


_TODAY = datetime.date(2026, 1, 1)


def main(names: list[str]) -> int:
    """Runs the mutations of all controls, or of those named. Exit code 1 where one of them finds none."""
    baseline = Baseline(declare("prod").evaluation)
    missed = 0
    judged_nothing = 0
    for control in guarded_controls():
        if names and control.id not in names:
            continue
        result = outcome(baseline, control)
        if result is None:
            judged_nothing += 1
        elif not result.is_found:
            missed += 1
            print(f"{control.id}: no mutation of {result.resource} is found")
        else:
            beside = f" (also {', '.join(result.others)})" if result.others else ""
            print(f"{control.id}: {result.mutation}{beside}")
    print(f"{missed} without a mutation that they find; {judged_nothing} judge nothing in production")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
