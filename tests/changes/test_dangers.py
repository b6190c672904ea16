"""Every seeded change stands in the class where a reviewer looks for it, with the reason."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from mastertrade.changes.model import Danger, Operation
from mastertrade.changes.sides import Side
from mastertrade.values import HIDDEN_SECRET
from tests.changes.changing import added, compared, find, only, production, put, with_inputs, with_options, without

DATA_LOSS, EXPOSURE, OUTAGE, IDENTITY = Danger.DATA_LOSS, Danger.EXPOSURE, Danger.OUTAGE, Danger.IDENTITY
CREATE, UPDATE, REPLACE, DELETE = Operation.CREATE, Operation.UPDATE, Operation.REPLACE, Operation.DELETE


class Seed(NamedTuple):
    """A change made on purpose, and where it belongs."""

    danger: Danger
    operation: Operation
    says: str
    """What one of the reasons begins with."""
    change: Callable[[Side], Side]
    given: Callable[[Side], Side] = lambda side: side
    """What production has to be like before."""


def stating(type_: str, name: str, *path: str | int, value: Any) -> Callable[[Side], Side]:
    """One property of one resource has another value."""

    def edit(inputs: Any) -> None:
        *above, last = path
        for step in above:
            inputs = inputs[step]
        inputs[last] = value

    return lambda side: with_inputs(side, type_, name, edit)


def taking(type_: str, name: str, key: str) -> Callable[[Side], Side]:
    """One property of one resource is no longer stated."""
    return lambda side: with_inputs(side, type_, name, lambda inputs: inputs.pop(key))


def removing(type_: str, name: str) -> Callable[[Side], Side]:
    return lambda side: without(side, type_, name)


def stating_policy(type_: str, name: str, key: str, **statement: Any) -> Callable[[Side], Side]:
    """One more statement stands in a policy."""

    def edit(inputs: Any) -> None:
        document = json.loads(inputs[key])
        document["Statement"].append({"Effect": "Allow", **statement})
        inputs[key] = json.dumps(document)

    return lambda side: with_inputs(side, type_, name, edit)


def copying(type_: str, name: str, **inputs: Any) -> Callable[[Side], Side]:
    """One more resource like another."""

    def change(side: Side) -> Side:
        model = find(side, type_, name)
        return added(side, replace(model, urn=f"{model.urn}-more", name=f"{name}-more", inputs={**model.inputs, **inputs}))

    return change


DATABASE, CACHE, BROKER = (
    ("rds/cluster:Cluster", "us-east-1-database"),
    ("replicationGroup:ReplicationGroup", "us-east-1-cache"),
    ("mq/broker:Broker", "us-east-1-broker"),
)
BUCKET, BALANCER, CLUSTER = (
    "us-east-1-entry-logs",
    ("lb/loadBalancer:LoadBalancer", "us-east-1-entry"),
    ("eks/cluster:Cluster", "us-east-1-cluster"),
)
GATEWAY = ("apps/v1:Deployment", "us-east-1-api-gateway")
SCRIPTS = ("core/v1:ConfigMap", "us-east-1-vault-operations")


def naming(name: str) -> Callable[[Side], Side]:
    """The scripts of Vault's pods have this name."""
    return stating(*SCRIPTS, "metadata", "name", value=name)


def refilling(name: str) -> Callable[[Side], Side]:
    """The scripts of Vault's pods are others, under this name."""
    other = stating(*SCRIPTS, "data", "configure.sh", value="exit 0")
    return lambda side: naming(name)(other(side))


SEEDS = {
    "retention-shortened": Seed(DATA_LOSS, UPDATE, "is kept for less time", stating(*DATABASE, "backupRetentionPeriod", value=7)),
    "retention-off": Seed(DATA_LOSS, UPDATE, "is kept for less time", stating(*CACHE, "snapshotRetentionLimit", value=0)),
    "logs-expire": Seed(DATA_LOSS, UPDATE, "is kept for less time", stating("LogGroup", "us-east-1-cluster", "retentionInDays", value=1)),
    "objects-expire": Seed(
        DATA_LOSS,
        UPDATE,
        "is kept for less time",
        stating("bucketLifecycleConfiguration:BucketLifecycleConfiguration", BUCKET, "rules", 0, "expiration", "days", value=30),
    ),
    "deletion-protection-off": Seed(
        DATA_LOSS, UPDATE, "protection against deletion is off", stating(*DATABASE, "deletionProtection", value=False)
    ),
    "deletion-protection-unstated": Seed(DATA_LOSS, UPDATE, "protection against deletion is off", taking(*DATABASE, "deletionProtection")),
    "user-pool-unprotected": Seed(
        DATA_LOSS,
        UPDATE,
        "protection against deletion is off",
        stating("userPool:UserPool", "us-east-1-operators", "deletionProtection", value="INACTIVE"),
    ),
    "final-snapshot-skipped": Seed(DATA_LOSS, UPDATE, "no final snapshot", stating(*DATABASE, "skipFinalSnapshot", value=True)),
    "final-snapshot-unnamed": Seed(DATA_LOSS, UPDATE, "no final snapshot", taking(*CACHE, "finalSnapshotIdentifier")),
    "pulumi-protection-off": Seed(DATA_LOSS, UPDATE, "is no longer protected", lambda side: with_options(side, *DATABASE, protect=False)),
    "bucket-deleted": Seed(DATA_LOSS, DELETE, "deletes objects", removing("s3/bucket:Bucket", BUCKET)),
    "key-deleted": Seed(DATA_LOSS, DELETE, "deletes the key", removing("kms/key:Key", "us-east-1-key-cache")),
    "database-replaced": Seed(
        DATA_LOSS, REPLACE, "replaces, and so deletes, a database", stating(*DATABASE, "storageEncrypted", value=False)
    ),
    "broker-replaced": Seed(
        DATA_LOSS, REPLACE, "replaces, and so deletes, messages", stating(*BROKER, "deploymentMode", value="SINGLE_INSTANCE")
    ),
    "versioning-suspended": Seed(
        DATA_LOSS,
        UPDATE,
        "is no longer kept",
        stating("bucketVersioning:BucketVersioning", BUCKET, "versioningConfiguration", "status", value="Suspended"),
    ),
    "backup-ends": Seed(
        DATA_LOSS, DELETE, "what it selects is no longer backed up", removing("backup/selection:Selection", "us-east-1-backup")
    ),
    "writes-may-be-lost": Seed(
        DATA_LOSS,
        REPLACE,
        "acknowledged writes can be lost",
        stating("replicationGroup:ReplicationGroup", "us-east-1-sessions", "durability", value="async"),
    ),
    "rule-wider": Seed(
        EXPOSURE, UPDATE, "lets more through", stating("IngressRule", "us-east-1-control-plane-nodes-10250", "toPort", value=10300)
    ),
    "rule-added": Seed(
        EXPOSURE,
        CREATE,
        "lets more through",
        copying("IngressRule", "us-east-1-control-plane-nodes-10250", cidrIpv4="0.0.0.0/0", referencedSecurityGroupId=None),
    ),
    "acl-wider": Seed(
        EXPOSURE,
        UPDATE,
        "lets more through",
        stating("networkAcl:NetworkAcl", "us-east-1-data", "egress", 0, "cidrBlock", value="0.0.0.0/0"),
    ),
    "bucket-may-be-public": Seed(
        EXPOSURE, UPDATE, "the bucket can be made public", stating("PublicAccessBlock", BUCKET, "blockPublicPolicy", value=False)
    ),
    "bucket-public": Seed(
        EXPOSURE,
        UPDATE,
        "everybody gains actions",
        stating_policy("s3/bucketPolicy:BucketPolicy", BUCKET, "policy", Principal="*", Action="s3:GetObject", Resource="*"),
    ),
    "cluster-public": Seed(
        EXPOSURE,
        UPDATE,
        "can be reached from the internet",
        stating(*CLUSTER, "vpcConfig", "endpointPublicAccess", value=True),
        stating(*CLUSTER, "vpcConfig", "endpointPublicAccess", value=False),
    ),
    "cluster-reached-from-anywhere": Seed(
        EXPOSURE, UPDATE, "can be reached from more addresses", stating(*CLUSTER, "vpcConfig", "publicAccessCidrs", value=["0.0.0.0/0"])
    ),
    "tls-weaker": Seed(
        EXPOSURE,
        UPDATE,
        "weaker TLS is accepted",
        stating("lb/listener:Listener", "us-east-1-https", "sslPolicy", value="ELBSecurityPolicy-2016-08"),
    ),
    "tls-optional": Seed(EXPOSURE, UPDATE, "connections without TLS", stating(*CACHE, "transitEncryptionMode", value="preferred")),
    "key-changed": Seed(
        EXPOSURE, UPDATE, "is encrypted under another key", stating("LogGroup", "us-east-1-cluster", "kmsKeyId", value="alias/other")
    ),
    "rotation-off": Seed(
        EXPOSURE, UPDATE, "the key is no longer rotated", stating("kms/key:Key", "us-east-1-key-cache", "enableKeyRotation", value=False)
    ),
    "firewall-off": Seed(
        EXPOSURE, DELETE, "requests are no longer filtered", removing("webAclAssociation:WebAclAssociation", "us-east-1-firewall")
    ),
    "pods-open": Seed(EXPOSURE, DELETE, "the pods that it selects are open", removing("NetworkPolicy", "us-east-1-trading-api-gateway")),
    "second-factor-off": Seed(
        EXPOSURE, UPDATE, "a second factor", stating("userPool:UserPool", "us-east-1-operators", "mfaConfiguration", value="OFF")
    ),
    "privileged-pods": Seed(
        EXPOSURE,
        UPDATE,
        "containers may run as root",
        stating(*GATEWAY, "spec", "template", "spec", "securityContext", "runAsNonRoot", value=False),
    ),
    "balancer-replaced": Seed(
        EXPOSURE,
        REPLACE,
        "replaces something that is in use",
        stating(*BALANCER, "internal", value=False),
        stating(*BALANCER, "internal", value=True),
    ),
    "target-group-replaced": Seed(
        OUTAGE,
        REPLACE,
        "replaces something that is in use",
        stating("lb/targetGroup:TargetGroup", "us-east-1-target-api", "port", value=9443),
    ),
    "files-of-pods-replaced": Seed(Danger.OTHER, REPLACE, "has other content under another name", refilling("vault-scripts-0123abcd")),
    "files-of-pods-under-the-same-name": Seed(
        OUTAGE, REPLACE, "replaces something that is in use", refilling("vault-scripts"), naming("vault-scripts")
    ),
    "files-of-pods-of-another-purpose": Seed(OUTAGE, REPLACE, "replaces something that is in use", refilling("vault-others-0123abcd")),
    "files-of-pods-without-a-hash": Seed(OUTAGE, REPLACE, "replaces something that is in use", refilling("vault-scripts-2")),
    "files-of-pods-renamed": Seed(OUTAGE, REPLACE, "replaces something that is in use", naming("vault-scripts-0123abcd")),
    "record-deleted": Seed(
        OUTAGE, DELETE, "deletes something that is in use", removing("ec2/natGateway:NatGateway", "us-east-1-nat-use1-az1")
    ),
    "fewer-shards": Seed(OUTAGE, UPDATE, "less capacity", stating(*CACHE, "numNodeGroups", value=1)),
    "smaller-machines": Seed(OUTAGE, UPDATE, "smaller machines", stating(*BROKER, "hostInstanceType", value="mq.m7g.medium")),
    "single-zone": Seed(OUTAGE, UPDATE, "lives in a single zone", stating(*CACHE, "multiAzEnabled", value=False)),
    "fewer-zones": Seed(OUTAGE, REPLACE, "lives in a single zone", stating(*BALANCER, "subnets", value=["subnet-0b3a050ef6de4130c"])),
    "major-version": Seed(OUTAGE, UPDATE, "another major version", stating(*BROKER, "engineVersion", value="5.0")),
    "rule-narrower": Seed(OUTAGE, DELETE, "lets less through", removing("IngressRule", "us-east-1-control-plane-nodes-10250")),
    "actions-gained": Seed(
        IDENTITY,
        UPDATE,
        "gains actions",
        stating_policy("iam/rolePolicy:RolePolicy", "us-east-1-cluster", "policy", Action=["iam:PassRole"], Resource="*"),
    ),
    "trust-gained": Seed(
        IDENTITY,
        UPDATE,
        "gains actions",
        stating_policy(
            "iam/role:Role", "us-east-1-cluster", "assumeRolePolicy", Action="sts:AssumeRole", Principal={"AWS": "999999999999"}
        ),
    ),
    "policy-attached": Seed(
        IDENTITY,
        CREATE,
        "gives permissions",
        copying("RolePolicyAttachment", "us-east-1-backup", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    ),
    "larger-machines": Seed(Danger.COST, UPDATE, "larger machines", stating(*BROKER, "hostInstanceType", value="mq.m7g.4xlarge")),
    "more-capacity": Seed(
        Danger.COST, UPDATE, "more capacity", stating("HorizontalPodAutoscaler", "us-east-1-api-gateway", "spec", "maxReplicas", value=100)
    ),
    "one-more-gateway": Seed(Danger.COST, CREATE, "costs something", copying("ec2/natGateway:NatGateway", "us-east-1-nat-use1-az1")),
    "window-moved": Seed(Danger.OTHER, UPDATE, "no rule says more", stating(*CACHE, "maintenanceWindow", value="sun:07:00-sun:08:00")),
    "tags": Seed(
        Danger.HARMLESS,
        UPDATE,
        "only what people read",
        stating("ec2/natGateway:NatGateway", "us-east-1-nat-use1-az1", "tags", value={"Name": "renamed"}),
    ),
    "description": Seed(
        Danger.HARMLESS, UPDATE, "only what people read", stating("kms/key:Key", "us-east-1-key-cache", "description", value="another")
    ),
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_seeded_change_ranks_where_it_belongs(name: str) -> None:
    seed = SEEDS[name]
    side = seed.given(production())
    changes = compared(side, seed.change(side))
    own = [each for each in changes if not each.cause]
    assert len(own) == 1, "one change was seeded; what else changes follows from it"
    (change,) = own
    assert (change.danger, change.operation) == (seed.danger, seed.operation)
    assert any(each.text.startswith(seed.says) for each in change.reasons), [each.text for each in change.reasons]


def test_every_class_has_a_seed() -> None:
    assert {seed.danger for seed in SEEDS.values()} == set(Danger)


def test_gained_actions_are_shown_and_those_that_were_allowed_are_not() -> None:
    side = production()
    after = stating_policy("iam/rolePolicy:RolePolicy", "us-east-1-cluster", "policy", Action=["s3:*", "iam:PassRole"], Resource="*")(side)
    more = stating_policy("iam/rolePolicy:RolePolicy", "us-east-1-cluster", "policy", Action=["s3:GetObject"], Resource="arn:aws:s3:::x/*")
    (reason,) = only(side, after).reasons
    assert reason.found == ("iam:PassRole on *", "s3:* on *")
    assert IDENTITY not in {each.danger for each in only(after, more(after)).reasons}, "s3:* covers s3:GetObject"


def test_a_denial_that_ends_is_exposure() -> None:
    side = production()

    def edit(inputs: Any) -> None:
        document = json.loads(inputs["policy"])
        document["Statement"] = [each for each in document["Statement"] if each["Effect"] == "Allow"]
        inputs["policy"] = json.dumps(document)

    change = only(side, with_inputs(side, "s3/bucketPolicy:BucketPolicy", BUCKET, edit))
    assert (change.danger, change.reasons[0].text) == (EXPOSURE, "denies no longer")


def test_a_widened_rule_says_what_it_lets_through() -> None:
    side = production()
    change = only(side, SEEDS["rule-wider"].change(side))
    assert change.reasons[0].found[0].startswith("ingress tcp 10250-10300 from sg-")


def test_a_narrowed_rule_exposes_nothing() -> None:
    side = SEEDS["rule-wider"].change(production())
    change = only(side, stating("IngressRule", "us-east-1-control-plane-nodes-10250", "toPort", value=10260)(side))
    assert change.danger is OUTAGE


def test_a_secret_that_is_stated_in_plain_is_exposure() -> None:
    side = production()
    after = stating("secretVersion:SecretVersion", "us-east-1-jwt-signing-key", "secretString", value="hunter22")(side)
    (change,) = (each for each in compared(side, after) if not each.cause)
    assert EXPOSURE in {each.danger for each in change.reasons}


def test_a_retained_resource_loses_nothing() -> None:
    side = with_options(production(), "s3/bucket:Bucket", BUCKET, retain_on_delete=True, protect=False)
    change = next(each for each in compared(side, without(side, "s3/bucket:Bucket", BUCKET)) if not each.cause)
    assert change.danger is Danger.OTHER
    assert any("retainOnDelete" in each for each in change.notes)


def test_an_order_of_the_same_elements_is_no_loss_of_zones() -> None:
    side = production()
    subnets = find(side, *BALANCER).inputs["subnets"]
    changed = stating(*BALANCER, "subnets", value=list(reversed(subnets)))(side)
    change = only(side, changed)
    assert (change.operation, change.danger) == (UPDATE, Danger.OTHER)


def test_what_is_new_had_no_protection_to_lose() -> None:
    side = production()
    cluster = find(side, *DATABASE)
    more = replace(cluster, urn=f"{cluster.urn}-more", name="more", inputs={**cluster.inputs, "deletionProtection": False})
    assert DATA_LOSS not in {each.danger for each in only(side, added(side, more)).reasons}
    assert put(side, cluster) == side


def test_files_of_pods_that_are_deleted_first_are_missing_meanwhile() -> None:
    side = with_options(production(), *SCRIPTS, delete_before_replace=True)
    assert next(each for each in compared(side, refilling("vault-scripts-0123abcd")(side)) if not each.cause).danger is OUTAGE


def test_files_of_pods_that_move_to_another_namespace_leave_the_pods_behind() -> None:
    side = production()
    moved = stating(*SCRIPTS, "metadata", "namespace", value="trading")(refilling("vault-scripts-0123abcd")(side))
    assert next(each for each in compared(side, moved) if not each.cause).danger is OUTAGE


def test_a_secret_named_after_its_content_needs_no_content_to_be_seen() -> None:
    """Both contents read `[secret]`."""

    def holding(name: str, value: str) -> Side:
        side = production()
        files = find(side, *SCRIPTS)
        inputs = {**files.inputs, "metadata": {**files.inputs["metadata"], "name": name}, "data": {"token": value}}
        return put(side, replace(files, type="kubernetes:core/v1:Secret", inputs=inputs))

    def danger(before: Side, after: Side) -> Danger:
        return next(each for each in compared(before, after) if not each.cause).danger

    assert danger(holding("token-0123abcd", HIDDEN_SECRET), holding("token-4567cdef", HIDDEN_SECRET)) is Danger.OTHER
    assert danger(holding("token-0123abcd", "same"), holding("token-4567cdef", "same")) is OUTAGE
