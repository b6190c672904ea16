"""The catalogue of controls: generated, complete, and honest about what no control judges."""

import pytest

from mastertrade.controls_page import COMMAND, CONTROLS_PAGE, render_controls
from policies.catalogue import PACKS, nothing_to_judge
from policies.engine.resources import canonical_type
from tests.declared import ROOT, declare

JUDGED = {type_ for pack in PACKS for control in pack.controls for type_ in control.types}


def test_the_page_is_what_the_packs_say() -> None:
    assert (ROOT / CONTROLS_PAGE).read_text(encoding="utf-8") == render_controls(), f"run: {COMMAND}"


def test_the_readme_counts_the_controls() -> None:
    assert f"what {sum(len(pack.controls) for pack in PACKS)} controls say" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_declared_type_is_judged_or_has_a_reason_why_not(stack: str) -> None:
    declared = {canonical_type(each.type) for each in declare(stack).resources if each.custom}
    assert declared - JUDGED - set(nothing_to_judge()) == set()


def test_no_reason_stands_for_a_type_that_is_judged_or_declared_nowhere() -> None:
    declared = {canonical_type(each.type) for stack in ("dev", "staging", "prod") for each in declare(stack).resources if each.custom}
    assert set(nothing_to_judge()) & JUDGED == set()
    assert set(nothing_to_judge()) <= declared
    assert all(len(reason) > 5 for reason in nothing_to_judge().values())


def test_controls_say_what_they_hold_why_and_what_to_do() -> None:
    for control in (control for pack in PACKS for control in pack.controls):
        assert control.title, control.id
        assert not control.title.endswith("."), control.id
        assert control.rationale.endswith((".", "!")) or ":" in control.rationale, control.id
        assert control.remediation.endswith("."), control.id
        assert all(reference.startswith("https://") for reference in control.references), control.id
        assert control.references, control.id
