"""What a mistake cannot destroy, and what is left of what is destroyed on purpose."""

import pytest

from tests.declared import Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


@pytest.mark.parametrize(("stack", "expected"), [("prod", True), ("staging", False), ("dev", False)])
def test_what_others_have_written_down_is_protected_in_production_only(stack: str, expected: bool) -> None:
    """Addresses, names and people that stand in somebody else's records, and logs that cannot be written again."""
    declared = declare(stack)
    for kind in ("Vpc", "Eip", "UserPool", "aws:s3/bucket:Bucket", "aws:lb/loadBalancer:LoadBalancer"):
        assert {resource.protect for resource in declared.of(kind)} == {expected}, kind
    for kind in ("GlobalCluster", "ReplicaKey"):
        assert {resource.protect for resource in declared.of(kind)} <= {expected}, kind


@pytest.mark.parametrize(("stack", "expected"), [("prod", True), ("staging", False), ("dev", False)])
@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("aws:rds/cluster:Cluster", "deletionProtection"),
        ("GlobalCluster", "deletionProtection"),
        ("aws:lb/loadBalancer:LoadBalancer", "enableDeletionProtection"),
        ("UserPool", "deletionProtection"),
    ],
)
def test_aws_itself_refuses_deletion_in_production_only(stack: str, expected: bool, kind: str, key: str) -> None:
    assert {each.inputs[key] in (True, "ACTIVE") for each in declare(stack).of(kind)} <= {expected}


def test_a_deletion_empties_no_bucket_and_no_vault_of_production(prod: Declared) -> None:
    for kind in ("aws:s3/bucket:Bucket", "aws:backup/vault:Vault"):
        for resource in prod.of(kind):
            assert not resource.inputs.get("forceDestroy")


def test_a_deleted_secret_of_production_can_be_brought_back_for_a_month(prod: Declared) -> None:
    for secret in prod.of("aws:secretsmanager/secret:Secret"):
        assert secret.inputs["recoveryWindowInDays"] == 30


def test_valkey_keeps_snapshots_as_long_as_the_database_and_one_of_its_last_state(prod: Declared) -> None:
    for region in REGIONS:
        for cluster in prod.of("ReplicationGroup", region):
            assert cluster.inputs["snapshotRetentionLimit"] == prod.one("aws:rds/cluster:Cluster", region).inputs["backupRetentionPeriod"]
            assert cluster.inputs["finalSnapshotIdentifier"].startswith(cluster.inputs["replicationGroupId"])


def test_only_administrators_delete_or_shorten_a_recovery_point(prod: Declared) -> None:
    for region in REGIONS:
        policy = prod.one("VaultPolicy", region).inputs
        assert policy["backupVaultName"] == prod.one("aws:backup/vault:Vault", region).inputs["name"]
        (refusal,) = document(policy["policy"])["Statement"]
        assert (refusal["Effect"], refusal["Principal"]) == ("Deny", "*")
        assert {"backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle", "backup:PutBackupVaultAccessPolicy"} <= {
            *refusal["Action"]
        }
        assert refusal["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::123456789012:role/mastertrade-deploy"]}}


def test_a_restore_is_tried_from_what_the_regions_own_vault_holds(prod: Declared) -> None:
    for region in REGIONS:
        selection = prod.one("RestoreTestingPlan", region).inputs["recoveryPointSelection"]
        assert selection["includeVaults"] == [prod.one("aws:backup/vault:Vault", region).outputs["arn"]]


def test_a_tried_restore_lands_in_the_data_segment(prod: Declared) -> None:
    for region in REGIONS:
        overrides = prod.one("RestoreTestingSelection", region).inputs["restoreMetadataOverrides"]
        assert overrides["dbSubnetGroupName"] == prod.one("aws:rds/cluster:Cluster", region).inputs["dbSubnetGroupName"]


def test_master_password_in_the_store_is_the_databases(prod: Declared) -> None:
    (stored,) = [each for each in prod.of("SecretVersion") if each.name.endswith("database-password")]
    password = prod.one("aws:rds/cluster:Cluster", "us-east-1").inputs["masterPassword"]
    assert document(stored.inputs["secretString"])["password"] == password.value
