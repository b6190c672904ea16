"""Caches, sessions and broker: spread, encrypted, signed in by IAM or generated credentials."""

import pytest

from mastertrade.offline import Secret
from settings.defaults import DEFAULTS
from settings.model import Environment
from tests.declared import Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def policy_of(declared: Declared, cluster_parameter_group: str) -> str:
    (group,) = [
        each for each in declared.of("aws:elasticache/parameterGroup:ParameterGroup") if each.inputs["name"] == cluster_parameter_group
    ]
    return {each["name"]: each["value"] for each in group.inputs["parameters"]}["maxmemory-policy"]


def test_cache_evicts_and_sessions_never_do(prod: Declared) -> None:
    for region in REGIONS:
        cache, sessions = (prod.one("ReplicationGroup", region, name=f"{region}-{purpose}").inputs for purpose in ("cache", "sessions"))
        assert policy_of(prod, cache["parameterGroupName"]) == "allkeys-lru"
        assert policy_of(prod, sessions["parameterGroupName"]) == "noeviction"


def test_no_acknowledged_session_is_lost(prod: Declared) -> None:
    for region in REGIONS:
        sessions = prod.one("ReplicationGroup", region, name=f"{region}-sessions").inputs
        assert sessions["durability"] == "sync"
        assert sessions["multiAzEnabled"] is True
        assert sessions["replicasPerNodeGroup"] >= 1
        assert sessions["engineVersion"] >= "9.0"


def test_every_cluster_is_encrypted_in_both_ways(prod: Declared) -> None:
    for cluster in prod.of("ReplicationGroup"):
        assert cluster.inputs["transitEncryptionMode"] == "required"
        assert cluster.inputs["atRestEncryptionEnabled"] is True
        assert cluster.inputs["kmsKeyId"]


def test_nobody_signs_in_with_a_password_or_as_the_default_user(prod: Declared) -> None:
    users = {user.inputs["userId"]: user.inputs for user in prod.of("aws:elasticache/user:User")}
    for group in prod.of("UserGroup"):
        members = [users[user] for user in group.inputs["userIds"]]
        assert members
        for user in members:
            assert user["authenticationMode"] == {"type": "iam"}
            assert user["userId"] == user["userName"] != "default"


def test_snapshots_and_maintenance_of_a_cluster_do_not_meet(prod: Declared) -> None:
    for cluster in prod.of("ReplicationGroup"):
        snapshot = cluster.inputs["snapshotWindow"]
        maintenance = cluster.inputs["maintenanceWindow"]
        start, end = (part.split(":", 1)[1] for part in maintenance.split("-"))
        first, last = snapshot.split("-")
        assert last <= start or end <= first


def test_memory_and_hit_rate_are_watched_on_every_node(prod: Declared) -> None:
    for region in REGIONS:
        for cluster in prod.of("ReplicationGroup", region):
            nodes = cluster.inputs["numNodeGroups"] * (1 + cluster.inputs["replicasPerNodeGroup"])
            watched = {
                query["metric"]["dimensions"]["CacheClusterId"]
                for alarm in prod.of("MetricAlarm", region)
                if alarm.name.startswith(f"{cluster.name}-memory")
                for query in alarm.inputs["metricQueries"]
                if "metric" in query
            }
            assert len(watched) == nodes
            assert all(node.startswith(f"{cluster.inputs['replicationGroupId']}-0") for node in watched)
        assert any(alarm.name.startswith(f"{region}-cache-hit-rate") for alarm in prod.of("MetricAlarm", region))


def test_broker_is_private_and_clustered_over_three_zones(prod: Declared) -> None:
    for region in REGIONS:
        broker = prod.one("Broker", region).inputs
        zones = {prod.with_id(subnet).inputs["availabilityZoneId"] for subnet in broker["subnetIds"]}
        assert broker["publiclyAccessible"] is False
        assert broker["deploymentMode"] == "CLUSTER_MULTI_AZ"
        assert len(zones) == 3


def test_broker_password_reaches_the_broker_and_the_secrets_store_only(prod: Declared) -> None:
    for region in REGIONS:
        password = prod.one("RandomPassword", name=f"{region}-broker").outputs["result"].value
        carriers = {each.type for each in prod.resources if password in _plain(each.inputs)}
        assert carriers == {"aws:mq/broker:Broker", "aws:secretsmanager/secretVersion:SecretVersion"}


def test_development_runs_single_nodes() -> None:
    dev = declare("dev")
    for cluster in dev.of("ReplicationGroup"):
        assert (cluster.inputs["numNodeGroups"], cluster.inputs["replicasPerNodeGroup"]) == (1, 0)
    assert dev.one("Broker").inputs["deploymentMode"] == "SINGLE_INSTANCE"
    assert len(dev.one("Broker").inputs["subnetIds"]) == 1


def test_secrets_are_read_by_named_roles_only(prod: Declared) -> None:
    policies = prod.of("aws:secretsmanager/secretPolicy:SecretPolicy")
    assert {policy.inputs["secretArn"] for policy in policies} == {
        secret.outputs["arn"] for secret in prod.of("aws:secretsmanager/secret:Secret")
    }
    for policy in policies:
        *admitted, statement = document(policy.inputs["policy"])["Statement"]
        assert [each["Principal"] for each in admitted] == (
            [{"Service": "aps.amazonaws.com"}] if "pagerduty-integration-key" in policy.name else []
        )
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", ["secretsmanager:GetSecretValue"])
        readers = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert "arn:aws:iam::123456789012:role/mastertrade-deploy" in readers
        assert all(reader.startswith("arn:aws:iam::123456789012:role/") and not reader.endswith("/*") for reader in readers)


def test_market_data_key_of_polygon_is_not_for_the_order_executor(prod: Declared) -> None:
    secret = prod.one("aws:secretsmanager/secret:Secret", name="us-east-1-polygon-api-key")
    (policy,) = [each for each in prod.of("SecretPolicy") if each.inputs["secretArn"] == secret.outputs["arn"]]
    assert "order-executor" not in str(policy.inputs["policy"])


def test_api_keys_of_vendors_are_declared_without_a_value(prod: Declared) -> None:
    with_value = {version.inputs["secretId"] for version in prod.of("SecretVersion")}
    for vendor in ("binance", "alpaca", "polygon"):
        assert prod.one("aws:secretsmanager/secret:Secret", name=f"us-east-1-{vendor}-api-key").id not in with_value


def test_shared_secrets_have_a_copy_in_every_other_region(prod: Declared) -> None:
    for secret in prod.of("aws:secretsmanager/secret:Secret", "us-east-1"):
        if "broker" in secret.name or "recovery" in secret.name:
            continue  # of one region's broker, and of one region's Vault
        assert [replica["region"] for replica in secret.inputs["replicas"]] == ["us-west-2"]


def test_consumers_that_hang_lose_their_messages_after_the_stated_seconds(prod: Declared) -> None:
    for region in REGIONS:
        configuration = prod.one("aws:mq/configuration:Configuration", region)
        stated = DEFAULTS[Environment.PROD]["broker"]["consumer_timeout_seconds"]
        assert configuration.inputs["data"] == f"consumer_timeout = {1000 * stated}\n", "RabbitMQ counts milliseconds"
        assert prod.one("Broker", region).inputs["configuration"]["id"] == configuration.id


def _plain(value: object) -> str:
    """A value as text with its secrets uncovered."""
    if isinstance(value, Secret):
        return _plain(value.value)
    if isinstance(value, dict):
        return " ".join(_plain(each) for each in value.values())
    if isinstance(value, list):
        return " ".join(_plain(each) for each in value)
    return str(value)
