"""What the packs say of our own stacks."""

from dataclasses import replace

import pytest

from mastertrade.offline import Evaluation, Mode, Resource
from mastertrade.offline.analyzer import Questions, Violation, ask
from tests.declared import declare
from tests.policies.asking import Asking


def violations(packs: dict[str, Asking], evaluation: Evaluation) -> list[Violation]:
    """What every pack finds."""
    questions = Questions(evaluation)
    return [each for asked in packs.values() for each in ask(asked.pack, questions).violations]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_deployed_stacks_have_no_finding(packs: dict[str, Asking], stack: str) -> None:
    assert violations(packs, declare(stack).evaluation) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_first_preview_is_stopped_by_nothing_that_is_merely_not_known_yet(packs: dict[str, Asking], stack: str) -> None:
    found = violations(packs, declare(stack, mode=Mode.FIRST).evaluation)
    assert [each for each in found if each.enforcement == "mandatory"] == []


BREAKS: list[tuple[str, int, dict[str, object], str]] = [
    ("aws:rds/cluster:Cluster", 0, {"storageEncrypted": False}, "enc-rds-cluster-storage"),
    ("aws:rds/cluster:Cluster", 1, {"backupRetentionPeriod": 7}, "res-cluster-retention"),
    ("aws:elasticache/replicationGroup:ReplicationGroup", 0, {"transitEncryptionEnabled": False}, "enc-elasticache-transit"),
    ("aws:rds/proxy:Proxy", 0, {"requireTls": False}, "enc-rds-proxy-transit"),
    ("aws:kms/key:Key", 0, {"enableKeyRotation": False}, "enc-kms-rotation"),
    ("aws:cloudwatch/logGroup:LogGroup", 0, {"kmsKeyId": None}, "enc-logs-group"),
    ("aws:mq/broker:Broker", 0, {"deploymentMode": "SINGLE_INSTANCE"}, "res-mq-zones"),
    ("aws:backup/plan:Plan", 0, {"rules": [{"ruleName": "daily"}]}, "res-backup-plan-copies"),
    (
        "aws:sns/topicPolicy:TopicPolicy",
        0,
        {"policy": '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]}'},
        "exp-policy-public",
    ),
    ("aws:ec2/subnet:Subnet", 0, {"mapPublicIpOnLaunch": True}, "exp-subnet-public-address"),
    ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", 0, {"roleRef": {"name": "cluster-admin"}}, "wl-rbac-administrators"),
]


def test_each_broken_property_of_production_fails_its_control_and_no_other(packs: dict[str, Asking]) -> None:
    evaluation = declare("prod").evaluation
    changes: dict[str, dict[str, object]] = {}
    expected: set[tuple[str, str]] = set()
    for type_, number, change, control in BREAKS:
        target = [each for each in evaluation.resources if each.type == type_][number]
        changes[target.urn] = change
        expected.add((control, target.urn))

    def as_broken(resource: Resource) -> Resource:
        change = changes.get(resource.urn)
        if change is None:
            return resource
        inputs = {name: value for name, value in {**resource.inputs, **change}.items() if value is not None}
        return replace(resource, inputs=inputs, outputs={**resource.outputs, **inputs})

    broken = replace(evaluation, resources=tuple(as_broken(each) for each in evaluation.resources))
    found = [(each.policy, each.urn) for each in violations(packs, broken)]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_what_stands_on_a_companion_fails_the_resource_that_it_completes(packs: dict[str, Asking]) -> None:
    evaluation = declare("prod").evaluation
    companions = [
        each
        for each in evaluation.resources
        if each.type in ("aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucketVersioning:BucketVersioning")
    ]
    without = replace(evaluation, resources=tuple(each for each in evaluation.resources if each not in companions))
    buckets = {each.urn for each in evaluation.resources if each.type == "aws:s3/bucket:Bucket"}
    found = {(each.policy, each.urn) for each in violations(packs, without)}
    assert found == {(control, urn) for control in ("enc-s3-plain-http", "res-s3-versions") for urn in buckets}
