"""Backups: daily at two, thirty days, copied to another region, restored to prove them."""

import pytest

from tests.declared import Declared, declare, with_regions

REGIONS = ("us-east-1", "us-west-2")
PLAN = "aws:backup/plan:Plan"


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def vault_region(declared: Declared, arn: str) -> str | None:
    (vault,) = [each for each in declared.of("aws:backup/vault:Vault") if each.outputs["arn"] == arn]
    return vault.region


def test_every_region_backs_up_its_own_database_at_two_for_thirty_days(prod: Declared) -> None:
    for region in REGIONS:
        plan = prod.one(PLAN, region)
        (rule,) = plan.inputs["rules"]
        assert rule["schedule"] == "cron(0 2 * * ? *)"
        assert rule["lifecycle"]["deleteAfter"] == 30
        selection = prod.one("aws:backup/selection:Selection", region).inputs
        assert selection["planId"] == plan.id
        assert selection["resources"] == [prod.one("aws:rds/cluster:Cluster", region).outputs["arn"]]


def test_copies_lie_in_another_region_as_long(prod: Declared) -> None:
    for region in REGIONS:
        (rule,) = prod.one(PLAN, region).inputs["rules"]
        (copy,) = rule["copyActions"]
        assert vault_region(prod, copy["destinationVaultArn"]) != region
        assert copy["lifecycle"] == rule["lifecycle"]


def test_vault_lock_accepts_what_the_plans_keep(prod: Declared) -> None:
    for region in REGIONS:
        lock = prod.one("VaultLockConfiguration", region).inputs
        (rule,) = prod.one(PLAN, region).inputs["rules"]
        assert lock["minRetentionDays"] <= rule["lifecycle"]["deleteAfter"] <= lock["maxRetentionDays"]
        assert "changeableForDays" not in lock, "a compliance lock cannot be undone: only where the settings ask for it"


def test_a_restore_is_tried_every_week_where_nobody_can_reach_it(prod: Declared) -> None:
    for region in REGIONS:
        selection = prod.one("RestoreTestingSelection", region).inputs
        isolated = prod.one("DefaultSecurityGroup", region).id
        assert selection["restoreMetadataOverrides"]["vpcSecurityGroupIds"] == f'["{isolated}"]'
        assert selection["protectedResourceArns"] == [prod.one("aws:rds/cluster:Cluster", region).outputs["arn"]]


def test_a_third_region_changes_no_other_regions_plan() -> None:
    before = {plan.name: plan.inputs for plan in declare("prod").of(PLAN)}
    after = {plan.name: plan.inputs for plan in declare("prod", with_regions(*REGIONS, "eu-west-1")).of(PLAN)}
    assert len(after) == 3
    assert before.items() <= after.items()


def test_a_single_region_keeps_its_backups_at_home() -> None:
    dev = declare("dev")
    (rule,) = dev.one(PLAN).inputs["rules"]
    assert "copyActions" not in rule
