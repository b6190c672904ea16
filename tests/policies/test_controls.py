"""Every control tells its good form from its bad ones and from what is not known yet, in the process that the engine would start.

The fixtures are data: `fixtures/PACK/MODULE.yaml` has, for each control, the `type` and properties of a `good` resource, the changes that
make it `bad`, and the property that is `unknown`; null where a control asks only whether something is declared, which is always known.
"""

import pytest

from policies.catalogue import PACKS
from policies.engine.control import Control, Pack
from policies.engine.resources import canonical_type
from tests.policies.asking import Asking, described, judged

FIXTURES = {pack.name: described("fixtures", pack.name) for pack in PACKS}
CONTROLS = [pytest.param(pack, control, id=control.id) for pack in PACKS for control in pack.controls]
NOT_KNOWN = [
    pytest.param(pack, control, id=control.id)
    for pack in PACKS
    for control in pack.controls
    if FIXTURES[pack.name][control.id]["unknown"] is not None
]
BAD = [
    pytest.param(pack, control, number, id=f"{control.id}-{number}")
    for pack in PACKS
    for control in pack.controls
    for number, _ in enumerate(FIXTURES[pack.name][control.id]["bad"])
]


@pytest.mark.parametrize(("pack", "control"), CONTROLS)
def test_the_good_form_passes(packs: dict[str, Asking], pack: Pack, control: Control) -> None:
    fixture = FIXTURES[pack.name][control.id]
    assert canonical_type(fixture["type"]) in control.types
    said = packs[pack.name].violations(*judged(fixture, {}))
    assert not [each.message for each in said if each.policy == control.id]


@pytest.mark.parametrize(("pack", "control", "number"), BAD)
def test_the_bad_form_fails(packs: dict[str, Asking], pack: Pack, control: Control, number: int) -> None:
    fixture = FIXTURES[pack.name][control.id]
    said = packs[pack.name].violations(*judged(fixture, fixture["bad"][number]))
    (found,) = [each for each in said if each.policy == control.id]
    assert found.enforcement == control.enforcement
    assert found.urn.endswith("::judged")
    assert control.title in found.message
    assert control.remediation in found.message
    assert "cannot be told" not in found.message


@pytest.mark.parametrize(("pack", "control"), NOT_KNOWN)
def test_what_is_not_known_yet_is_unknown(packs: dict[str, Asking], pack: Pack, control: Control) -> None:
    fixture = FIXTURES[pack.name][control.id]
    said = packs[pack.name].violations(*judged(fixture, {fixture["unknown"]: "UNKNOWN"}))
    (found,) = [each for each in said if each.policy == control.id]
    assert (found.enforcement, "cannot be told" in found.message) == ("advisory", True)


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.name)
def test_every_control_has_its_fixtures(pack: Pack) -> None:
    assert set(FIXTURES[pack.name]) == {control.id for control in pack.controls}
