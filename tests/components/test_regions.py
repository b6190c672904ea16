"""Regions come and go without touching one another."""

from typing import Any

import pytest

from components.workloads.trading_service import TradingService
from mastertrade.offline import Mode, ProgramError, Resource, Secret
from tests.declared import Declared, configuration, declare, document, evaluated, with_regions

PAIR = ("us-east-1", "us-west-2")
TRIO = (*PAIR, "eu-west-1")

# What all regions share, and so knows of each of them. All but the first is added to or updated in place.
SHARED_KINDS = {
    "aws:route53/record:Record",
    "aws:route53recoverycontrol/safetyRule:SafetyRule",
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretPolicy:SecretPolicy",
}


def inputs(declared: Declared) -> dict[str, Any]:
    return {resource.urn: resource.inputs for resource in declared.resources if resource.custom}


def changed(before: Declared, after: Declared) -> list[Resource]:
    old, new = inputs(before), inputs(after)
    return [after.by_urn[urn] for urn in old.keys() & new.keys() if old[urn] != new[urn]]


@pytest.fixture(scope="module")
def pair() -> Declared:
    return declare("prod")


@pytest.fixture(scope="module")
def trio() -> Declared:
    return declare("prod", with_regions(*TRIO))


def test_a_third_region_removes_nothing(pair: Declared, trio: Declared) -> None:
    assert inputs(pair).keys() - inputs(trio).keys() == {
        urn for urn in inputs(pair) if urn.endswith("::entry-secondary") and urn not in inputs(trio)
    }


def test_a_third_region_changes_only_what_all_regions_share(pair: Declared, trio: Declared) -> None:
    assert {resource.type for resource in changed(pair, trio)} <= SHARED_KINDS


def test_a_third_region_adds_only_itself(pair: Declared, trio: Declared) -> None:
    added = [trio.by_urn[urn] for urn in inputs(trio).keys() - inputs(pair).keys()]
    in_other_regions = [resource.name for resource in added if resource.region in PAIR and "eu-west-1" not in resource.name]
    # the second choice of the failover chain moves one level down
    assert sorted(in_other_regions) == ["entry-2-primary", "entry-2-secondary"]


def test_removing_a_region_leaves_the_others_as_they_were(pair: Declared, trio: Declared) -> None:
    remaining = {urn for urn in inputs(trio) if urn in inputs(pair)}
    for urn in remaining:
        if trio.by_urn[urn].type not in SHARED_KINDS:
            assert inputs(trio)[urn] == inputs(pair)[urn]


def executors(declared: Declared) -> dict[str, Resource]:
    return {each.region: each for each in declared.of("StatefulSet") if each.name.endswith("-order-executor")}


def test_switching_the_active_region_changes_order_execution_and_nothing_else(pair: Declared) -> None:
    other = declare("prod", with_regions(*PAIR, active="us-west-2"))
    before, after = inputs(pair), inputs(other)
    assert before.keys() == after.keys()
    changed = {(pair.by_urn[urn].type.rsplit(":", 1)[1], pair.by_urn[urn].name) for urn in before if before[urn] != after[urn]}
    assert changed == {
        *(("StatefulSet", f"{region}-order-executor") for region in PAIR),
        *(("RolePolicy", f"{region}-order-executor-service") for region in PAIR),
        # where an executor is expected, and where one must not be
        *(("RuleGroupNamespace", f"{region}-rules-trading") for region in PAIR),
        *((kind, f"{region}-monitoring{part}") for region in PAIR for kind, part in (("ConfigMap", "-dashboards"), ("Deployment", ""))),
    }
    assert other.evaluation.outputs["activeRegion"] == "us-west-2"


@pytest.mark.parametrize("active", PAIR)
def test_orders_are_executed_in_one_region_after_all_others_have_stopped(active: str) -> None:
    declared = executors(declare("prod", with_regions(*PAIR, active=active)))
    assert {region: each.inputs["spec"]["replicas"] for region, each in declared.items()} == {
        region: int(region == active) for region in PAIR
    }
    resting = {each.urn for region, each in declared.items() if region != active}
    assert resting <= set(declared[active].dependencies)
    assert declared[active].urn not in {
        urn for urn in resting for urn in declare("prod", with_regions(*PAIR, active=active)).by_urn[urn].dependencies
    }


@pytest.mark.parametrize(("everywhere", "told"), [(True, "us-west-2 and us-east-1"), (False, "no region")])
def test_a_program_that_would_execute_orders_twice_or_nowhere_stops(everywhere: bool, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TradingService, "_is_active", everywhere)
    with pytest.raises(ProgramError) as stopped:
        evaluated("prod")
    assert f"order-executor would run in {told}; it runs in exactly one" in str(stopped.value.evaluation.error)
    assert "Traceback" not in str(stopped.value.evaluation.error)


@pytest.mark.parametrize("active", PAIR)
def test_a_stale_executor_cannot_sign_in_to_the_database(active: str) -> None:
    declared = declare("prod", with_regions(*PAIR, active=active))
    for region in PAIR:
        rights = document(declared.one("RolePolicy", name=f"{region}-order-executor-service").inputs["policy"])["Statement"]
        may_sign_in = any("rds-db:connect" in statement["Action"] for statement in rights)
        assert may_sign_in == (region == active)


def test_every_resource_belongs_to_the_region_of_its_component(trio: Declared) -> None:
    for resource in trio.resources:
        regions = [parent.name for parent in trio.parents(resource) if parent.type == "mastertrade:platform:Region"]
        if resource.custom and resource.region and regions and resource.name != "certificate-validation":
            assert [resource.region] == regions


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_first_preview_declares_what_a_deployment_declares(stack: str) -> None:
    first, simulated = declare(stack, mode=Mode.FIRST), declare(stack)
    assert {resource.urn for resource in first.resources} == {resource.urn for resource in simulated.resources}
    assert set(first.evaluation.outputs) == set(simulated.evaluation.outputs)


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
@pytest.mark.parametrize("mode", list(Mode))
def test_previews_warn_of_nothing(stack: str, mode: Mode) -> None:
    assert not declare(stack, mode=mode).evaluation.diagnostics


def test_six_regions_are_declared_like_two() -> None:
    stated = with_regions(*TRIO, "eu-central-1", "ap-southeast-1", "us-east-2")
    six, first = declare("prod", stated), declare("prod", stated, Mode.FIRST)
    assert not six.evaluation.diagnostics
    assert not first.evaluation.diagnostics
    assert {resource.urn for resource in six.resources} == {resource.urn for resource in first.resources}
    assert {resource.region for resource in six.of("aws:rds/cluster:Cluster")} == {*TRIO, "eu-central-1", "ap-southeast-1", "us-east-2"}
    cidrs = [vpc.inputs["cidrBlock"] for vpc in six.of("Vpc")]
    assert len(set(cidrs)) == 6


def test_stateful_resources_are_protected_in_production_only() -> None:
    stateful = (
        "aws:rds/cluster:Cluster",
        "ReplicationGroup",
        "Broker",
        "aws:kms/key:Key",
        "aws:secretsmanager/secret:Secret",
        "aws:backup/vault:Vault",
    )
    for stack, expected in (("prod", True), ("staging", False), ("dev", False)):
        for kind in stateful:
            assert {bool(resource.protect) for resource in declare(stack).of(kind)} == {expected}


def test_exchanges_can_allow_list_every_address_that_requests_leave_from(pair: Declared) -> None:
    for region in PAIR:
        exported = pair.evaluation.outputs["regions"][region]["egressAddresses"]
        addresses = {eip.outputs["allocationId"]: eip.outputs["publicIp"] for eip in pair.of("Eip", region)}
        used = [addresses[nat.inputs["allocationId"]] for nat in pair.of("NatGateway", region)]
        assert sorted(exported) == sorted(used)


def test_each_zone_leaves_through_its_own_gateway_in_production_and_through_one_in_development() -> None:
    assert len(declare("prod").of("NatGateway", "us-east-1")) == 3
    assert len(declare("dev").of("NatGateway")) == 1


def secrets_in(value: Any) -> set[str]:
    if isinstance(value, Secret):
        return {str(value.value)}
    if isinstance(value, dict):
        return set().union(*(secrets_in(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(secrets_in(each) for each in value))
    return set()


def plain_texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in plain_texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in plain_texts(each)]
    return [value] if isinstance(value, str) else []


def test_no_generated_secret_is_plain_in_any_input_output_or_export(pair: Declared) -> None:
    generated = {password.outputs["result"].value for password in pair.of("RandomPassword")}
    assert len(generated) >= 4
    everything = [
        pair.evaluation.outputs,
        *(resource.inputs for resource in pair.resources),
        *(resource.outputs for resource in pair.resources),
    ]
    for text in plain_texts(everything):
        assert not any(secret in text for secret in generated)


def test_a_stack_of_one_region_needs_no_switches() -> None:
    one = declare("prod", with_regions("us-east-1"))
    assert not one.of("RoutingControl")
    assert not one.of("GlobalCluster")
    assert configuration("prod")  # the stack file itself stays as it is
