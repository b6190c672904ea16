"""Who may do what: roles, what they trust and allow, and what resources allow to others."""

import math
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from settings.traffic import FLOWS, Party, Service
from tests.declared import Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")
ACCOUNT = "123456789012"
KEYS = ("aws:kms/key:Key", "ReplicaKey")
ADMINISTRATORS = [f"arn:aws:iam::{ACCOUNT}:role/mastertrade-deploy"]


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def statements(policy: Any) -> list[dict[str, Any]]:
    return document(policy)["Statement"]


def refusals(policy: Any) -> list[dict[str, Any]]:
    return [each for each in statements(policy) if each["Effect"] == "Deny"]


def trusted_service(declared: Declared, role: str) -> str | None:
    """The service that may assume the role of this ARN or name."""
    (found,) = [each for each in declared.of("Role") if role in (each.outputs["arn"], each.inputs["name"])]
    (statement,) = statements(found.inputs["assumeRolePolicy"])
    return statement["Principal"].get("Service")


def readers(declared: Declared, secret: str) -> set[str]:
    """The services whose roles may read a secret."""
    arn = declared.one("aws:secretsmanager/secret:Secret", name=f"us-east-1-{secret}").outputs["arn"]
    (policy,) = [each.inputs["policy"] for each in declared.of("SecretPolicy") if each.inputs["secretArn"] == arn]
    return {service for service in Service if f"role/mastertrade-prod-service-{service}-" in str(policy)}


def test_every_role_is_one_services_but_the_approvers(prod: Declared) -> None:
    for role in prod.of("Role"):
        (statement,) = statements(role.inputs["assumeRolePolicy"])
        if role.name.endswith("-approver"):
            assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            assert statement["Condition"] == {"ArnLike": {"aws:PrincipalArn": ADMINISTRATORS}}
        else:
            assert re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", statement["Principal"]["Service"])


def test_services_that_say_for_whom_they_act_act_for_the_account_only(prod: Declared) -> None:
    for role in prod.of("Role"):
        if trusted_service(prod, role.inputs["name"]) in ("vpc-flow-logs.amazonaws.com", "monitoring.rds.amazonaws.com"):
            (statement,) = statements(role.inputs["assumeRolePolicy"])
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_every_role_of_aws_policies_has_the_one_of_its_task(prod: Declared) -> None:
    policies = {
        name: {each.inputs["policyArn"].rsplit("/", 1)[1] for each in prod.of("RolePolicyAttachment") if each.inputs["role"] == name}
        for name in (role.inputs["name"] for role in prod.of("Role"))
    }
    tasks = {
        "backup": "AWSBackupServiceRolePolicyForBackup",
        "restore": "AWSBackupServiceRolePolicyForRestores",
        "database-monitoring": "AmazonRDSEnhancedMonitoringRole",
        "operations": "AmazonSSMManagedInstanceCore",
    }
    expected = {f"mastertrade-prod-{task}-{region}": {policy} for task, policy in tasks.items() for region in REGIONS}
    nodes = {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}
    auto_mode = {f"AmazonEKS{part}Policy" for part in ("Cluster", "Compute", "BlockStorage", "LoadBalancing", "Networking")}
    for region in REGIONS:
        expected |= {f"mastertrade-prod-nodes-{region}": nodes, f"mastertrade-prod-cluster-{region}": auto_mode}
    assert {name: attached for name, attached in policies.items() if attached} == expected


def test_what_a_role_can_change_it_names(prod: Declared) -> None:
    for policy in prod.of("RolePolicy"):
        for statement in statements(policy.inputs["policy"]):
            assert not [action for action in statement["Action"] if "*" in action]
            # figures have no resource, only a namespace that a condition names
            if statement["Action"] == ["cloudwatch:PutMetricData"]:
                assert statement["Condition"]["StringEquals"].keys() == {"cloudwatch:namespace"}
                continue
            if "*" in statement["Resource"]:
                assert all(re.match(r"[\w-]+:(Describe|Get|List)", action) for action in statement["Action"]), policy.name


def test_a_hand_over_turns_the_switches_of_its_pair_and_no_others(prod: Declared) -> None:
    policy = prod.one("RolePolicy", name="hand-over-us-west-2-execution").inputs["policy"]
    (turning,) = [each for each in statements(policy) if "route53-recovery-cluster:UpdateRoutingControlStates" in each["Action"]]
    plan = prod.one("aws:arcregionswitch/plan:Plan").inputs
    turned = {
        control["routingControlArn"]
        for step in plan["workflows"][0]["steps"]
        for block in step.get("arcRoutingControlConfigs", [])
        for entry in block["regionAndRoutingControls"]
        for control in entry["routingControls"]
    }
    assert set(turning["Resource"]) == turned


def test_a_hand_over_may_change_the_writer_with_and_without_the_old_region(prod: Declared) -> None:
    policy = prod.one("RolePolicy", name="hand-over-us-west-2-execution").inputs["policy"]
    (changing,) = [each for each in statements(policy) if "rds:SwitchoverGlobalCluster" in each["Action"]]
    assert "rds:FailoverGlobalCluster" in changing["Action"]
    assert {prod.one("aws:rds/cluster:Cluster", region).outputs["arn"] for region in REGIONS} < set(changing["Resource"])


def resource_policies(declared: Declared) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of a policy that stands at a resource and so speaks to all who come, whatever their own policies say."""
    kinds = {
        "BucketPolicy": "policy",
        "TopicPolicy": "policy",
        "VaultPolicy": "policy",
        "SecretPolicy": "policy",
        "LogResourcePolicy": "policyDocument",
        "VpcEndpoint": "policy",
        **dict.fromkeys(KEYS, "policy"),
    }
    for kind, key in kinds.items():
        for resource in declared.of(kind):
            if key in resource.inputs:
                yield from ((f"{kind} {resource.name}", statement) for statement in statements(resource.inputs[key]))


def test_resources_allow_nothing_to_other_accounts_nor_to_services_that_act_for_them(prod: Declared) -> None:
    own = {f"arn:aws:iam::{ACCOUNT}:root"}
    for where, statement in resource_policies(prod):
        if statement["Effect"] == "Allow" and not (isinstance(statement["Principal"], dict) and {statement["Principal"].get("AWS")} == own):
            assert ACCOUNT in str(statement.get("Condition")), f"{where}: {statement}"


def test_a_key_is_used_for_the_account_only(prod: Declared) -> None:
    for kind in KEYS:
        for key in prod.of(kind):
            for statement in statements(key.inputs["policy"]):
                if "kms:ViaService" in str(statement.get("Condition")):
                    assert statement["Condition"]["StringEquals"]["kms:CallerAccount"] == ACCOUNT


def test_grants_on_a_key_are_for_aws_only(prod: Declared) -> None:
    for kind in KEYS:
        for key in prod.of(kind):
            for statement in statements(key.inputs["policy"]):
                if "kms:CreateGrant" in statement["Action"]:
                    # EKS refuses to create a cluster under that condition (EKS user guide, "enable-kms")
                    if key.name.endswith("-key-cluster") and statement["Sid"] == "GrantsThroughServices":
                        assert statement["Condition"] == {"StringEquals": {"kms:CallerAccount": ACCOUNT}}
                        continue
                    # and the guide of Managed Service for Prometheus knows no such condition ("Encryption at rest")
                    if key.name.endswith("-key-metrics"):
                        assert statement["Condition"]["StringEquals"]["kms:ViaService"] == [f"aps.{key.region}.amazonaws.com"]
                        continue
                    assert statement["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


@pytest.mark.parametrize(
    ("kind", "property_", "service"),
    [
        ("aws:rds/cluster:Cluster", "kmsKeyId", "rds"),
        ("ReplicationGroup", "kmsKeyId", "elasticache"),
        ("aws:backup/vault:Vault", "kmsKeyArn", "backup"),
    ],
)
def test_a_service_may_hold_on_to_the_key_of_what_it_keeps(prod: Declared, kind: str, property_: str, service: str) -> None:
    """A store reads its disks long after the call that made it: by a grant."""
    policies = {key.outputs["arn"]: key.inputs["policy"] for each in KEYS for key in prod.of(each)}
    for resource in prod.of(kind):
        for action in ("kms:CreateGrant", "kms:Decrypt"):
            via = [
                statement["Condition"]["StringEquals"]["kms:ViaService"]
                for statement in statements(policies[resource.inputs[property_]])
                if action in statement["Action"]
            ]
            assert any(f"{service}.{resource.region}.amazonaws.com" in services for services in via), action


def test_the_key_for_logs_serves_log_groups_and_nothing_else(prod: Declared) -> None:
    policies = {key.outputs["arn"]: key.inputs["policy"] for key in prod.of("aws:kms/key:Key")}
    for group in prod.of("LogGroup"):
        (use,) = [each for each in statements(policies[group.inputs["kmsKeyId"]]) if "kms:GenerateDataKey*" in each["Action"]]
        pattern = use["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
        assert fnmatchcase(group.outputs["arn"], pattern)
        assert not fnmatchcase(group.outputs["arn"].replace(":log-group:", ":destination:"), pattern)


def test_firewalls_may_write_to_the_firewalls_log_only(prod: Declared) -> None:
    for region in REGIONS:
        (statement,) = statements(prod.one("LogResourcePolicy", region, f"{region}-firewall").inputs["policyDocument"])
        assert statement["Resource"] == [f"{prod.one('LogGroup', region, name=f'{region}-firewall').outputs['arn']}:*"]


@pytest.mark.parametrize("service", ["kms", "secretsmanager", "logs", "ssmmessages"])
def test_endpoints_through_which_data_could_leave_serve_the_account_only(prod: Declared, service: str) -> None:
    for region in REGIONS:
        endpoint = prod.one("VpcEndpoint", region, name=f"{region}-endpoint-{service}")
        (statement,) = statements(endpoint.inputs["policy"])
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}


def test_proxy_signs_in_as_exactly_those_who_may_reach_it(prod: Declared) -> None:
    may = {flow.source for flow in FLOWS if flow.target is Party.DATABASE_PROXY}
    for region in REGIONS:
        (statement,) = statements(prod.one("RolePolicy", region, name=f"{region}-database-proxy").inputs["policy"])
        assert {arn.rsplit("/", 1)[1].replace("_", "-") for arn in statement["Resource"]} == may


def test_database_signs_in_the_proxy_and_the_proxy_its_clients_by_iam(prod: Declared) -> None:
    for region in REGIONS:
        assert prod.one("Proxy", region).inputs["defaultAuthScheme"] == "IAM_AUTH"
        assert prod.one("aws:rds/cluster:Cluster", region).inputs["iamDatabaseAuthenticationEnabled"] is True


def test_a_cluster_of_valkey_knows_its_own_users_and_no_default(prod: Declared) -> None:
    groups = {group.outputs["userGroupId"]: group.inputs["userIds"] for group in prod.of("UserGroup")}
    for cluster in prod.of("ReplicationGroup"):
        (group,) = cluster.inputs["userGroupIds"]
        names = {user.inputs["userId"]: user.name for user in prod.of("aws:elasticache/user:User")}
        assert {names[user] for user in groups[group]} == {f"{cluster.name}-client", f"{cluster.name}-operator"}


def test_operators_see_no_key_of_a_cache_or_a_session_store(prod: Declared) -> None:
    operators = [each.inputs["accessString"] for each in prod.of("aws:elasticache/user:User") if each.name.endswith("-operator")]
    assert len(operators) == 2 * len(REGIONS)
    for access in operators:
        assert "~" not in access


def test_tokens_of_traders_are_signed_by_the_api_gateway_alone(prod: Declared) -> None:
    assert readers(prod, "jwt-signing-key") == {Service.API_GATEWAY}


def test_keys_of_exchanges_are_read_only_by_who_reaches_exchanges(prod: Declared) -> None:
    reach = {flow.source for flow in FLOWS if flow.target is Party.INTERNET}
    for vendor in ("binance", "alpaca", "polygon"):
        assert set() < readers(prod, f"{vendor}-api-key") <= reach


def test_a_reader_of_a_shared_secret_is_one_in_every_region(prod: Declared) -> None:
    for policy in prod.of("SecretPolicy"):
        arns = [str(arn) for each in refusals(policy.inputs["policy"]) for arn in each["Condition"]["ArnNotLike"]["aws:PrincipalArn"]]
        by_region = [{arn.removesuffix(region) for arn in arns if arn.endswith(region)} for region in REGIONS]
        assert by_region[0] == by_region[1]


def test_no_reader_of_a_secret_is_a_pattern_of_services(prod: Declared) -> None:
    for policy in prod.of("SecretPolicy"):
        for statement in refusals(policy.inputs["policy"]):
            named = set(statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]) - set(ADMINISTRATORS)
            assert not [arn for arn in named if "*" in arn]


def test_aws_may_read_a_secret_that_it_rotates_or_copies(prod: Declared) -> None:
    for policy in prod.of("SecretPolicy"):
        for statement in refusals(policy.inputs["policy"]):
            assert statement["Condition"]["BoolIfExists"] == {"aws:PrincipalIsAWSService": "false"}


def test_no_secret_can_be_opened_to_the_public(prod: Declared) -> None:
    for policy in prod.of("SecretPolicy"):
        assert policy.inputs["blockPublicPolicy"] is True


def test_a_copy_of_a_secret_is_encrypted_with_a_key_of_its_region(prod: Declared) -> None:
    for secret in prod.of("aws:secretsmanager/secret:Secret"):
        for replica in secret.inputs.get("replicas", []):
            own = {key.outputs["arn"] for kind in KEYS for key in prod.of(kind, replica["region"]) if key.name.endswith("-secrets")}
            assert {replica["kmsKeyId"]} == own


def test_generated_keys_carry_at_least_256_bits(prod: Declared) -> None:
    for name in ("jwt-signing-key", "api-encryption-key"):
        password = prod.one("RandomPassword", name=f"us-east-1-{name}").inputs
        assert password["length"] * math.log2(62) >= 256


def test_passwords_hold_no_character_that_their_service_refuses(prod: Declared) -> None:
    # Amazon MQ API reference, User; RDS API reference, CreateDBCluster
    for name, refused in (("us-east-1-broker", ",:="), ("us-west-2-broker", ",:="), ("database-password", '/"@ ')):
        assert not set(refused) & set(prod.one("RandomPassword", name=name).inputs["overrideSpecial"])
