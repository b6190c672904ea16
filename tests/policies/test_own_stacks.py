"""What the packs say of our own stacks."""

from dataclasses import replace
from pathlib import Path

import pytest

from mastertrade.offline import Mode, Resource
from mastertrade.offline.analyzer import Violation, analyze
from tests.declared import declare
from tests.policies.asking import POLICIES

PACKS = sorted(file.parent for file in POLICIES.glob("*/PulumiPolicy.yaml"))


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_deployed_stacks_have_no_finding(stack: str) -> None:
    results = analyze(declare(stack).evaluation, PACKS, {})
    assert [each for result in results for each in result.violations] == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_first_preview_is_stopped_by_nothing_that_is_merely_not_known_yet(stack: str) -> None:
    results = analyze(declare(stack, mode=Mode.FIRST).evaluation, PACKS, {})
    assert [each for result in results for each in result.violations if each.enforcement == "mandatory"] == []


def broken(stack: str, type_: str, **changes: object) -> tuple[str, list[Violation]]:
    """A stack with one resource's properties changed, None for removed; its name, and what the packs say."""
    evaluation = declare(stack).evaluation
    target = next(each for each in evaluation.resources if each.type == type_)
    inputs = {name: value for name, value in {**target.inputs, **changes}.items() if value is not None}
    outputs = {name: value for name, value in {**target.outputs, **changes}.items() if value is not None}

    def as_broken(resource: Resource) -> Resource:
        return replace(resource, inputs=inputs, outputs=outputs) if resource is target else resource

    results = analyze(
        replace(evaluation, resources=tuple(as_broken(each) for each in evaluation.resources)), [Path(each) for each in PACKS], {}
    )
    return target.name, [each for result in results for each in result.violations]


@pytest.mark.parametrize(
    ("type_", "changes", "control"),
    [
        ("aws:rds/cluster:Cluster", {"storageEncrypted": False}, "enc-rds-cluster-storage"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"transitEncryptionEnabled": False}, "enc-elasticache-transit"),
        ("aws:rds/proxy:Proxy", {"requireTls": False}, "enc-rds-proxy-transit"),
        ("aws:kms/key:Key", {"enableKeyRotation": False}, "enc-kms-rotation"),
        ("aws:cloudwatch/logGroup:LogGroup", {"kmsKeyId": None}, "enc-logs-group"),
        ("aws:rds/cluster:Cluster", {"backupRetentionPeriod": 7}, "res-cluster-retention"),
        ("aws:mq/broker:Broker", {"deploymentMode": "SINGLE_INSTANCE"}, "res-mq-zones"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"versioningConfiguration": {"status": "Suspended"}}, "res-s3-versions"),
        ("aws:eks/cluster:Cluster", {"vpcConfig": {"endpointPublicAccess": True}}, "exp-eks-endpoint"),
        (
            "aws:sns/topicPolicy:TopicPolicy",
            {"policy": '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}]}'},
            "exp-policy-public",
        ),
        ("aws:s3/bucketPolicy:BucketPolicy", {"policy": '{"Statement": []}'}, "enc-s3-plain-http"),
    ],
)
def test_one_broken_property_of_production_fails_one_control(type_: str, changes: dict[str, object], control: str) -> None:
    name, violations = broken("prod", type_, **changes)
    assert [each.policy for each in violations] == [control]
    assert violations[0].urn.endswith(f"::{name}")
