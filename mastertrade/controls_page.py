"""The catalogue of controls: what holds, how strictly, for which types, and which requirements of frameworks that serves."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from policies.catalogue import FRAMEWORKS, PACKS, nothing_to_judge
from policies.engine.control import Control, Enforcement, Pack
from policies.engine.frameworks import Framework, read_frameworks

__all__ = ["CONTROLS_PAGE", "render_controls"]

CONTROLS_PAGE = Path("docs") / "controls.md"
COMMAND = "python -m mastertrade reference controls"
_MOST_TYPES = 4  # that stand in a row
_MOST_CONTROLS = 8


def render_controls() -> str:
    """`docs/controls.md`: a table for each pack and each framework, and what nothing is said of."""
    frameworks = read_frameworks(FRAMEWORKS, [control.id for pack in PACKS for control in pack.controls])
    packs = (line for pack in PACKS for line in _pack(pack))
    return "\n".join([*_introduction(), *packs, *_frameworks(frameworks), *_unjudged()]) + "\n"


def _introduction() -> Iterator[str]:
    controls = [control for pack in PACKS for control in pack.controls]
    types = {type_ for control in controls for type_ in control.types}
    yield f"<!-- Generated from policies/ by `{COMMAND}`. Changes here are lost. -->\n"
    yield "# Controls\n"
    yield f"Generated from the packs and frameworks under `policies/`, by `{COMMAND}`."
    yield f"{len(controls)} controls over {len(types)} resource types."
    yield "How to run, relax, waive and add controls: [policies.md](policies.md).\n"


def _pack(pack: Pack) -> Iterator[str]:
    yield f"## {pack.name}\n"
    yield f"{pack.description}. {len(pack.controls)} controls.\n"
    yield "| Control | What holds | Severity | Judges | Fix |\n|---|---|---|---|---|"
    for control in pack.controls:
        severity = control.severity if control.enforcement is Enforcement.MANDATORY else f"{control.severity}, {control.enforcement}"
        id_ = f"[{control.id}]({control.references[0]})" if control.references else control.id
        options = "".join(f" Option `{name}`: {each.meaning}, {each.allowed}; {each.default}" for name, each in control.options.items())
        yield f"| {id_} | {_cell(control.title)} | {severity} | {_types(control)} | {_cell(control.remediation + options)} |"
    yield ""


def _types(control: Control) -> str:
    names = [f"`{each.partition(':')[2]}`" if each.startswith("aws:") else f"`{each}`" for each in control.types]
    rest = f" and {len(names) - _MOST_TYPES} more" if len(names) > _MOST_TYPES + 1 else ""
    return ", ".join(names[:_MOST_TYPES] if rest else names) + rest


def _frameworks(frameworks: Sequence[Framework]) -> Iterator[str]:
    yield "## Frameworks\n"
    yield "Requirements in our own words; the texts are their publishers'."
    yield "Every control by name: [policies/frameworks](../policies/frameworks).\n"
    for framework in frameworks:
        covered = [each for each in framework.requirements if each.controls]
        yield f"### {framework.title} {framework.version}\n"
        yield f"<{framework.source}>. {len(covered)} of {len(framework.requirements)} requirements have controls.\n"
        yield "| Requirement | Is about | Controls |\n|---|---|---|"
        for requirement in framework.requirements:
            served_by = f"not covered: {_cell(requirement.not_covered)}" if requirement.not_covered else _serving(requirement.controls)
            yield f"| {_cell(requirement.id)} | {_cell(requirement.name)} | {served_by} |"
        yield ""


def _serving(controls: Sequence[str]) -> str:
    if len(controls) <= _MOST_CONTROLS:
        return ", ".join(controls)
    packs = {pack.name: sum(control.id in controls for control in pack.controls) for pack in PACKS}
    return f"{len(controls)} controls: " + ", ".join(f"{count} of {name}" for name, count in packs.items() if count)


def _unjudged() -> Iterator[str]:
    yield "## Nothing to judge\n"
    yield "Types that our stacks declare and that no control is about.\n"
    yield "| Type | Because |\n|---|---|"
    for type_, reason in nothing_to_judge().items():
        yield f"| `{type_}` | {_cell(reason)} |"


def _cell(text: str) -> str:
    """A bar ends a cell, and a line ends a row."""
    return " ".join(text.split()).replace("|", "\\|")
