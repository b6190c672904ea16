"""The cluster: who gets in, what is encrypted and kept, which nodes it may start, and what vanishes with it."""

import json
from typing import Any

import pytest

from settings.add_ons import AddOn
from settings.model import Environment
from tests.declared import Declared, configuration, declare, document, with_regions

REGIONS = ("us-east-1", "us-west-2")
STACKS = ("dev", "staging", "prod")
ADMINISTRATOR = "arn:aws:iam::123456789012:role/mastertrade-deploy"
EKS = "aws:eks/cluster:Cluster"


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def clusters(declared: Declared) -> list[dict[str, Any]]:
    found = [each.inputs for each in declared.of(EKS)]
    assert found
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_the_api_server_is_reached_from_inside_and_from_named_ranges_only(stack: str) -> None:
    for cluster in clusters(declare(stack)):
        network = cluster["vpcConfig"]
        assert network["endpointPrivateAccess"] is True
        assert network["endpointPublicAccess"] is True
        assert network["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_without_named_ranges_the_api_server_has_no_public_address() -> None:
    for cluster in clusters(declare("prod", configuration("prod", cluster={"api_cidrs": []}))):
        assert cluster["vpcConfig"]["endpointPublicAccess"] is False
        assert "publicAccessCidrs" not in cluster["vpcConfig"]


def test_secrets_of_kubernetes_are_encrypted_with_a_key_of_the_region(prod: Declared) -> None:
    for region in REGIONS:
        cluster = prod.one(EKS, region).inputs
        key = prod.one("aws:kms/key:Key", region, name=f"{region}-key-cluster").outputs["arn"]
        assert cluster["encryptionConfig"] == {"provider": {"keyArn": key}, "resources": ["secrets"]}


def test_every_log_of_the_control_plane_is_kept_encrypted(prod: Declared) -> None:
    for region in REGIONS:
        cluster = prod.one(EKS, region)
        assert set(cluster.inputs["enabledClusterLogTypes"]) == {"api", "audit", "authenticator", "controllerManager", "scheduler"}
        group = prod.one("LogGroup", region, name=f"{region}-cluster")
        assert group.inputs["name"] == f"/aws/eks/{cluster.inputs['name']}/cluster"
        assert group.inputs["retentionInDays"] == 365
        assert group.inputs["kmsKeyId"] == prod.one("aws:kms/key:Key", region, name=f"{region}-key-logs").outputs["arn"]
        assert group.urn in cluster.dependencies, "EKS would make a group of its own"


def test_production_clusters_refuse_to_be_deleted(prod: Declared) -> None:
    for cluster in prod.of(EKS):
        assert cluster.inputs["deletionProtection"] is True
        assert cluster.protect
    assert not any(cluster.protect or cluster.inputs["deletionProtection"] for cluster in declare("dev").of(EKS))


@pytest.mark.parametrize("stack", STACKS)
def test_clusters_leave_no_paid_extension_to_chance(stack: str) -> None:
    assert {cluster["upgradePolicy"]["supportType"] for cluster in clusters(declare(stack))} == {"STANDARD"}


def test_auto_mode_is_on_as_a_whole(prod: Declared) -> None:
    for cluster in clusters(prod):
        assert cluster["computeConfig"] == {"enabled": True, "nodePools": []}
        assert cluster["storageConfig"]["blockStorage"]["enabled"] is True
        assert cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"]["enabled"] is True
        assert cluster["bootstrapSelfManagedAddons"] is False


def test_a_zone_that_ails_can_be_left_at_once(prod: Declared) -> None:
    assert {cluster["zonalShiftConfig"]["enabled"] for cluster in clusters(prod)} == {True}


def test_the_role_of_a_cluster_keeps_its_rights_until_the_cluster_is_gone(prod: Declared) -> None:
    for region in REGIONS:
        before = _everything_before(prod, prod.one(EKS, region).urn)
        name = prod.one("Role", name=f"{region}-cluster").inputs["name"]
        attached = {each.urn for each in prod.of("RolePolicyAttachment") if each.inputs["role"] == name}
        assert len(attached) == 5
        assert attached <= before


def test_nodes_have_their_network_until_the_cluster_is_gone(prod: Declared) -> None:
    for region in REGIONS:
        before = _everything_before(prod, prod.one(EKS, region).urn)
        for kind in (
            "SecurityGroupIngressRule",
            "SecurityGroupEgressRule",
            "VpcEndpoint",
            "aws:ec2/networkAcl:NetworkAcl",
            "RouteTableAssociation",
        ):
            assert {each.urn for each in prod.of(kind, region)} <= before, kind


def test_a_deployment_that_broke_off_finds_its_own_objects_again(prod: Declared) -> None:
    assert {each.inputs["upsertExistingObjects"] for each in prod.of("pulumi:providers:kubernetes")} == {"true"}


def test_access_entries_alone_decide_who_gets_in(prod: Declared) -> None:
    for cluster in clusters(prod):
        assert cluster["accessConfig"] == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    for region in REGIONS:
        entries = {(each.inputs["type"], each.inputs["principalArn"]) for each in prod.of("AccessEntry", region)}
        nodes = prod.one("Role", name=f"{region}-cluster-nodes").outputs["arn"]
        assert entries == {("STANDARD", ADMINISTRATOR), ("EC2", nodes)}
        policies = {
            (each.inputs["principalArn"], each.inputs["policyArn"].rsplit("/", 1)[1]) for each in prod.of("AccessPolicyAssociation", region)
        }
        assert policies == {(ADMINISTRATOR, "AmazonEKSClusterAdminPolicy"), (nodes, "AmazonEKSAutoNodePolicy")}


def test_a_pattern_of_roles_gets_no_access_and_moves_nobody_elses() -> None:
    operators = {
        "cidrs": ["203.0.113.0/24"],
        "administrators": ["arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_*", ADMINISTRATOR],
    }
    declared = declare("prod", configuration("prod", operators=operators))
    assert [each.urn for each in declared.of("AccessEntry")] == [each.urn for each in declare("prod").of("AccessEntry")]


def test_objects_are_made_only_once_the_deploying_role_has_access(prod: Declared) -> None:
    for region in REGIONS:
        access = {each.urn for each in prod.of("AccessPolicyAssociation", region)}
        provider = prod.one("pulumi:providers:kubernetes", region)
        assert access <= set(provider.dependencies)


def test_the_kubeconfig_names_the_cluster_and_holds_no_credential(prod: Declared) -> None:
    for region in REGIONS:
        cluster = prod.one(EKS, region)
        config = document(prod.one("pulumi:providers:kubernetes", region).inputs["kubeconfig"])
        (server,) = config["clusters"]
        assert server["cluster"]["server"] == cluster.outputs["endpoint"]
        assert server["cluster"]["certificate-authority-data"] == cluster.outputs["certificateAuthority"]["data"]
        (user,) = config["users"]
        assert user["user"].keys() == {"exec"}
        assert user["user"]["exec"]["args"][:4] == ["eks", "get-token", "--cluster-name", cluster.inputs["name"]]
        assert config["current-context"] == config["contexts"][0]["name"]
        assert config["contexts"][0]["context"] == {"cluster": server["name"], "user": user["name"]}


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_vanishes_with_its_own_cluster(stack: str) -> None:
    declared = declare(stack)
    objects = [each for each in declared.resources if each.type.startswith("kubernetes:")]
    assert objects
    for each in objects:
        assert each.deleted_with == declared.one(EKS, each.region).urn, each.name
        assert each.provider == declared.one("pulumi:providers:kubernetes", each.region).urn, each.name


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_lies_in_a_namespace_of_ours_waits_for_it(stack: str) -> None:
    declared = declare(stack)
    for region in {each.region for each in declared.of(EKS)}:
        namespaces = {each.inputs["metadata"]["name"]: each.urn for each in declared.of("Namespace", region)}
        for each in declared.resources:
            if each.type.startswith("kubernetes:") and each.region == region:
                namespace = each.inputs["metadata"].get("namespace")
                if namespace in namespaces:
                    assert namespaces[namespace] in _everything_before(declared, each.urn), each.name


def _everything_before(declared: Declared, urn: str) -> set[str]:
    found, todo = set[str](), [urn]
    while todo:
        for before in declared.by_urn[todo.pop()].dependencies:
            if before not in found:
                found.add(before)
                todo.append(before)
    return found


def test_add_ons_are_pinned_and_come_after_nodes_and_policies(prod: Declared) -> None:
    for region in REGIONS:
        pools = {each.urn for each in prod.of("NodePool", region)}
        for add_on in prod.of("Addon", region):
            assert add_on.inputs["addonVersion"].startswith("v")
            assert pools <= set(add_on.dependencies)
            assert any("NetworkPolicy" in urn for urn in add_on.dependencies)


def test_the_driver_of_mounted_secrets_is_told_its_region(prod: Declared) -> None:
    for region in REGIONS:
        add_on = prod.one("Addon", region, name=f"{region}-aws-secrets-store-csi-driver-provider")
        stated = json.loads(add_on.inputs["configurationValues"])
        assert stated["awsRegion"] == region
        assert stated["tolerations"] == [{"operator": "Exists"}], "pods of closed pools could not mount their secrets"


def test_disks_of_nodes_and_volumes_of_pods_are_encrypted_with_our_key(prod: Declared) -> None:
    for region in REGIONS:
        key = prod.one("aws:kms/key:Key", region, name=f"{region}-key-volumes").outputs["arn"]
        assert prod.one("NodeClass", region).inputs["spec"]["ephemeralStorage"]["kmsKeyID"] == key
        parameters = prod.one("StorageClass", region).inputs["parameters"]
        assert (parameters["encrypted"], parameters["kmsKeyId"]) == ("true", key)


def test_nodes_stand_in_the_application_segment_behind_their_group(prod: Declared) -> None:
    for region in REGIONS:
        spec = prod.one("NodeClass", region).inputs["spec"]
        assert spec["role"] == prod.one("Role", name=f"{region}-cluster-nodes").inputs["name"]
        segments = {prod.with_id(each["id"]).inputs["tags"]["mastertrade:segment"] for each in spec["subnetSelectorTerms"]}
        assert segments == {"application"}


def test_volumes_are_made_in_the_zone_of_their_pod_and_outlive_it(prod: Declared) -> None:
    for region in REGIONS:
        storage = prod.one("StorageClass", region).inputs
        assert (storage["volumeBindingMode"], storage["reclaimPolicy"]) == ("WaitForFirstConsumer", "Retain")


def test_traffic_between_nodes_is_encrypted_by_their_hardware(prod: Declared) -> None:
    """Generation 7 and later of the families m, c and r (EC2 user guide, "Encryption in transit")."""
    for pool in prod.of("NodePool"):
        (generation,) = [
            each for each in pool.inputs["spec"]["template"]["spec"]["requirements"] if each["key"].endswith("instance-generation")
        ]
        assert (generation["operator"], generation["values"]) == ("Gt", ["6"])
        assert set(requirement(pool.inputs["spec"], "eks.amazonaws.com/instance-category")) <= {"m", "c", "r"}


def requirement(pool: dict[str, Any], key: str) -> list[str]:
    (found,) = [each["values"] for each in pool["template"]["spec"]["requirements"] if each["key"] == key]
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_orders_are_executed_on_nodes_that_nobody_takes_away(stack: str) -> None:
    pools = {(each.region, each.inputs["metadata"]["name"]): each.inputs["spec"] for each in declare(stack).of("NodePool")}
    for (_, name), pool in pools.items():
        if name == "order-execution":
            assert requirement(pool, "karpenter.sh/capacity-type") == ["on-demand"]
            assert [taint["effect"] for taint in pool["template"]["spec"]["taints"]] == ["NoSchedule"]


def test_nodes_of_the_executor_change_only_while_markets_are_closed(prod: Declared) -> None:
    for region in REGIONS:
        (pool,) = [each.inputs["spec"] for each in prod.of("NodePool", region) if each.inputs["metadata"]["name"] == "order-execution"]
        closed, otherwise = pool["disruption"]["budgets"]
        # Monday to Friday from 08:00 to 01:00 of the next day, in UTC
        assert closed == {"nodes": "0", "schedule": "0 8 * * 1,2,3,4,5", "duration": "1020m"}
        assert otherwise == {"nodes": "1"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_node_ends_before_auto_mode_would_end_it(stack: str) -> None:
    """Of Auto Mode a node lives 21 days at most, its leave-taking included (EKS user guide)."""
    for pool in declare(stack).of("NodePool"):
        spec = pool.inputs["spec"]["template"]["spec"]
        assert int(spec["expireAfter"].removesuffix("h")) + int(spec["terminationGracePeriod"].removesuffix("h")) <= 21 * 24


def test_a_lost_region_is_left_as_it_is_and_no_other() -> None:
    stated = configuration("prod", activeRegion="us-west-2", failover={"lost_regions": ["us-east-1"]})
    declared = declare("prod", stated)
    left = {each.region: each.inputs["skipUpdateUnreachable"] for each in declared.of("pulumi:providers:kubernetes")}
    assert left == {"us-east-1": "true", "us-west-2": "false"}  # a provider's inputs are JSON


def test_a_third_region_has_a_cluster_of_its_own_and_changes_no_other() -> None:
    pair = {each.urn: each.inputs for each in declare("prod").resources if each.type.startswith("kubernetes:")}
    trio = declare("prod", with_regions(*REGIONS, "eu-west-1"))
    assert trio.one(EKS, "eu-west-1").inputs["name"] == "mastertrade-prod-eu-west-1"
    for urn, inputs in pair.items():
        assert trio.by_urn[urn].inputs == inputs


def test_every_environment_has_settings_for_every_pool_and_add_on() -> None:
    for stack in STACKS:
        declared = declare(stack)
        for region in {each.region for each in declared.of(EKS)}:
            assert {each.inputs["metadata"]["name"] for each in declared.of("NodePool", region)} == {
                "general",
                "market-data",
                "order-execution",
            }
            assert len(declared.of("Addon", region)) == len(AddOn), Environment(stack)
