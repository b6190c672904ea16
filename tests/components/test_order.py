"""What has to exist before what: AWS refuses some resources that come too early, and others fail later."""

import pytest

from tests.declared import Declared, declare

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


@pytest.mark.parametrize(
    ("kind", "property_"),
    [
        ("aws:rds/cluster:Cluster", "monitoringRoleArn"),
        ("ClusterInstance", "monitoringRoleArn"),
        ("Proxy", "roleArn"),
        ("FlowLog", "iamRoleArn"),
        ("aws:backup/selection:Selection", "iamRoleArn"),
        ("RestoreTestingSelection", "iamRoleArn"),
        ("aws:arcregionswitch/plan:Plan", "executionRole"),
    ],
)
def test_a_role_has_its_permissions_before_somebody_is_given_it(prod: Declared, kind: str, property_: str) -> None:
    assert prod.of(kind)
    for user in prod.of(kind):
        (role,) = [each for each in prod.of("Role") if each.outputs["arn"] == user.inputs[property_]]
        permissions = [
            each.urn for each in (*prod.of("RolePolicy"), *prod.of("RolePolicyAttachment")) if each.inputs["role"] == role.inputs["name"]
        ]
        assert permissions
        assert set(permissions) <= set(user.dependencies)


def test_public_subnets_have_their_gateway_before_anything_public(prod: Declared) -> None:
    for region in REGIONS:
        gateway = prod.one("InternetGateway", region).urn
        for kind in ("aws:lb/loadBalancer:LoadBalancer", "NatGateway", "Eip"):
            assert all(gateway in each.dependencies for each in prod.of(kind, region)), kind


def test_proxy_is_given_a_cluster_that_has_instances(prod: Declared) -> None:
    for region in REGIONS:
        instances = {each.urn for each in prod.of("ClusterInstance", region)}
        assert instances <= set(prod.one("ProxyTarget", region).dependencies)


def test_services_find_no_endpoint_of_a_proxy_without_a_database(prod: Declared) -> None:
    for region in REGIONS:
        target = prod.one("ProxyTarget", region).urn
        assert all(target in each.dependencies for each in prod.of("ProxyEndpoint", region))


def test_listener_waits_until_its_certificate_is_issued(prod: Declared) -> None:
    for region in REGIONS:
        (listener,) = [each for each in prod.of("aws:lb/listener:Listener", region) if each.inputs["port"] == 443]
        assert prod.one("CertificateValidation", region).urn in listener.property_dependencies["certificateArn"]


def test_firewall_may_write_to_its_log_before_it_logs(prod: Declared) -> None:
    for region in REGIONS:
        admitted = prod.one("LogResourcePolicy", region, f"{region}-firewall")
        assert admitted.urn in prod.one("WebAclLoggingConfiguration", region).dependencies


def test_topic_takes_messages_before_somebody_sends_them(prod: Declared) -> None:
    for region in REGIONS:
        policies = {policy.inputs["arn"]: policy.urn for policy in prod.of("TopicPolicy", region)}
        for alarm in prod.of("MetricAlarm", region):
            (topic,) = alarm.inputs["alarmActions"]
            assert policies[topic] in alarm.dependencies, alarm.name
        announced = prod.one("VaultNotifications", region)
        assert policies[announced.inputs["snsTopicArn"]] in announced.dependencies
        assert set(policies.values()) & set(prod.one("AlertManagerDefinition", region).dependencies)


def test_objects_are_versioned_before_old_versions_expire(prod: Declared) -> None:
    for versioning in prod.of("BucketVersioning"):
        expiry = prod.one("BucketLifecycleConfiguration", versioning.region, versioning.name)
        assert versioning.urn in expiry.dependencies


def test_groups_that_name_one_another_can_be_deleted(prod: Declared) -> None:
    for group in prod.of("SecurityGroup"):
        assert group.inputs["revokeRulesOnDelete"] is True
