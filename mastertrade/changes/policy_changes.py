"""Controls that say something else of a resource than before."""

from collections.abc import Mapping

from mastertrade.changes.model import PolicyChange
from mastertrade.changes.sides import Side, State

__all__ = ["policy_changes"]

_WORTH_TELLING = ("fail", "unknown", "waived")


def policy_changes(before: Side, after: Side, renamed: Mapping[str, str]) -> list[PolicyChange]:
    """Verdicts that changed, what became worse first; none where one side knows none. `renamed`: URNs until now to URNs from now on."""
    if before.states is None or after.states is None:
        return []
    was = {(control, renamed.get(urn, urn)): state for (control, urn), state in before.states.by_place.items()}
    resources = {each.urn: each for each in after.resources}
    found: list[PolicyChange] = []
    for (control, urn), now in after.states.by_place.items():
        then = was.get((control, urn))
        if not _tells(then, now):
            continue
        about, resource = after.states.controls[control], resources.get(urn)
        found.append(
            PolicyChange(
                stack=after.stack,
                control=control,
                title=about.title,
                severity=about.severity,
                enforcement=about.enforcement,
                urn=urn,
                type=resource.type if resource else "",
                name=resource.name if resource else urn,
                region=resource.region if resource else "",
                before=then.state if then else "",
                after=now.state,
                message=now.message,
            )
        )
    return sorted(found, key=lambda each: (not each.worse, each.better, each.control, each.urn))


def _tells(then: State | None, now: State) -> bool:
    """Whether it is news. What is judged for the first time and passes is not."""
    return now.state in _WORTH_TELLING if then is None else then.state != now.state
