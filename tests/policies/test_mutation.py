"""Production is broken on purpose: the control that guards a property finds it. A sample; `make mutate` asks about every control."""

import pytest

from policies.catalogue import PACKS
from tests.declared import declare
from tests.policies.mutation import Baseline, outcome

SAMPLE = (
    *("enc-s3-plain-http", "enc-calls-https"),
    *("exp-nacl-administration", "exp-iam-trust"),
    *("res-backup-plan-copies", "res-stateful-protect"),
    *("wl-privileged", "wl-namespace-standard"),
)
CONTROLS = {control.id: control for pack in PACKS for control in pack.controls}


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    return Baseline(declare("prod").evaluation)


@pytest.mark.parametrize("control", SAMPLE)
def test_exactly_the_guarding_control_finds_a_broken_property(baseline: Baseline, control: str) -> None:
    result = outcome(baseline, CONTROLS[control])
    assert result is not None, "it judges nothing in production"
    assert result.is_found
    assert result.others == ()
