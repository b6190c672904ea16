"""What a pack says of one stack: every verdict of every control, waivers applied."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mastertrade.values import Properties
from policies.engine.configuration import configured
from policies.engine.control import Control, Enforcement, Pack, State
from policies.engine.judging import Settings, Verdict, judge
from policies.engine.resources import Resource, Stack
from policies.engine.waivers import OWN_FILE, WAIVER_TYPE, Tally, Waiver, as_resource, read_waivers

__all__ = ["Run"]


class Run:
    """One pack and one stack. Resources are judged as they come; what cannot be told of one alone is asked again with the stack."""

    def __init__(self, pack: Pack, project: str, stack: str, today: datetime.date) -> None:
        self._by_type = pack.by_type()
        self._pack = pack
        self._project, self._stack, self._today = project, stack, today
        self._inputs: dict[str, Properties] = {}
        self._verdicts: dict[tuple[str, str], Verdict] = {}
        self._waivers: tuple[Waiver, ...] | None = None
        self.settings: Mapping[str, Settings] = configured(pack, {})

    def configure(self, stated: Mapping[str, Any]) -> None:
        """Sets enforcement and options. Raises `ConfigurationError` and `WaiverError`."""
        self.settings = configured(self._pack, stated)
        self._waivers = None
        self.load_waivers()

    def load_waivers(self) -> tuple[Waiver, ...]:
        """Waivers of this stack, read once. Raises `WaiverError`."""
        if self._waivers is None:
            named = next((str(each.options["file"]) for each in self.settings.values() if "file" in each.options), OWN_FILE.name)
            file = OWN_FILE.parent / named
            self._waivers = read_waivers(file, project=self._project, stack=self._stack, today=self._today)
        return self._waivers

    def judge_alone(self, resource: Resource) -> list[Verdict]:
        """Verdicts on a resource of which nothing else is known. One that waits for the stack is among them."""
        # an update asks again what its preview asked
        self._inputs[resource.urn] = dict(resource.raw())
        return [
            self._keep(judge(control, resource, self.settings[control.id].options), State.FAIL)
            for control in self.controls_of_type(resource.type)
        ]

    def judge_stack(self, resources: Iterable[Resource]) -> list[Verdict]:
        """Verdicts on all that could not be told alone, then on the waivers of the pack's controls."""
        stack = Stack(resources)
        said = [
            self._keep(judge(control, resource, self.settings[control.id].options), State.FAIL, State.UNKNOWN)
            for resource in stack.resources
            for control in self.controls_of_type(resource.type)
            if self._is_open(control, resource)
        ]
        return [*said, *self._on_waivers()]

    def declared(self, urn: str) -> Properties | None:
        """Properties of a resource as the program declares them, where it was judged alone before."""
        return self._inputs.get(urn)

    def controls_of_type(self, type_: str) -> list[Control]:
        """Controls that judge a canonical type and are not disabled."""
        return [each for each in self._by_type.get(type_, ()) if self.settings[each.id].enforcement is not Enforcement.DISABLED]

    def verdicts(self) -> Iterator[Verdict]:
        """All that were given, in the order of their resources' first."""
        return iter(self._verdicts.values())

    def _is_open(self, control: Control, resource: Resource) -> bool:
        known = self._verdicts.get((control.id, resource.urn))
        return known is None or known.state is State.UNKNOWN

    def _keep(self, verdict: Verdict, *waivable: State) -> Verdict:
        if verdict.state in waivable:
            waiver = next((each for each in self.load_waivers() if each.covers(verdict.control.id, verdict.resource)), None)
            if waiver is not None and waiver.holds(self._today):
                verdict = replace(verdict, state=State.WAIVED, waiver=waiver)
        self._verdicts[verdict.control.id, verdict.resource.urn] = verdict
        return verdict

    def _on_waivers(self) -> Iterator[Verdict]:
        judge_of_waivers = next(iter(self._by_type.get(WAIVER_TYPE, ())), None)
        own = {control.id for control in self._pack.controls}
        prefix = judge_of_waivers.id.partition("-")[0] if judge_of_waivers else ""
        for waiver in self.load_waivers() if judge_of_waivers else ():
            if waiver.control.startswith(f"{prefix}-"):
                # a control that the pack does not have finds nothing: its waiver is not needed
                resource = as_resource(waiver, self._tally(waiver) if waiver.control in own else Tally(), self._today)
                yield from self.judge_alone(resource)

    def _tally(self, waiver: Waiver) -> Tally:
        tally = Tally()
        for (control, _), verdict in self._verdicts.items():
            if control == waiver.control and verdict.state is not State.NOT_APPLICABLE:
                matches = waiver.covers(control, verdict.resource)
                tally.judged += 1
                tally.matched += matches
                tally.waived += matches and verdict.state is not State.PASS
        return tally
