"""Keys: least privilege, rotated, replicated where data is."""

import re

import pytest

from tests.declared import Declared, declare, document

KMS_USE = {"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:CreateGrant"}


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def test_every_key_rotates_and_can_be_saved_for_a_month(prod: Declared) -> None:
    for key in prod.of("aws:kms/key:Key"):
        assert key.inputs["enableKeyRotation"] is True
        assert key.inputs["deletionWindowInDays"] == 30


def test_standby_region_replicates_exactly_the_multi_region_keys(prod: Declared) -> None:
    multi_region = {key.outputs["arn"] for key in prod.of("aws:kms/key:Key", "us-east-1") if key.inputs["multiRegion"]}
    replicas = {key.inputs["primaryKeyArn"] for key in prod.of("ReplicaKey", "us-west-2")}
    assert replicas == multi_region
    assert replicas


def test_every_region_encrypts_with_keys_of_its_own(prod: Declared) -> None:
    for region in ("us-east-1", "us-west-2"):
        own = {key.outputs["arn"] for kind in ("aws:kms/key:Key", "ReplicaKey") for key in prod.of(kind, region)}
        users = [
            *(each.inputs["kmsKeyId"] for each in prod.of("aws:rds/cluster:Cluster", region)),
            *(each.inputs["kmsKeyId"] for each in prod.of("ReplicationGroup", region)),
            *(each.inputs["kmsKeyId"] for each in prod.of("LogGroup", region)),
            *(each.inputs["kmsKeyArn"] for each in prod.of("aws:backup/vault:Vault", region)),
            *(each.inputs["kmsMasterKeyId"] for each in prod.of("aws:sns/topic:Topic", region)),
            *(each.inputs["kmsKeyId"] for each in prod.of("aws:secretsmanager/secret:Secret", region)),
        ]
        assert set(users) <= own


def test_use_of_a_key_is_bound_to_services_or_a_role_of_its_region(prod: Declared) -> None:
    for kind in ("aws:kms/key:Key", "ReplicaKey"):
        for key in prod.of(kind):
            for statement in document(key.inputs["policy"])["Statement"]:
                if not KMS_USE & set(statement["Action"]):
                    continue
                if key.name.endswith("-key-cluster") and statement["Action"] == ["kms:CreateGrant"]:
                    continue  # whoever creates the cluster, under no further condition: EKS supports none
                named = str(statement["Condition"]) + str(statement["Principal"])
                other_regions = {"us-east-1", "us-west-2"} - {key.region}
                assert not any(region in named for region in other_regions)
                by_role = re.search(
                    r"'aws:PrincipalArn': 'arn:aws:iam::123456789012:role/mastertrade-prod-[a-z-]+-" + key.region + "'", named
                )
                assert "kms:ViaService" in named or "Service" in statement["Principal"] or by_role


def test_a_key_that_is_lent_to_everyone_is_lent_within_the_account_and_to_one_service(prod: Declared) -> None:
    services = {"volumes": "ec2", "metrics": "aps"}
    lent: set[str] = set()
    for kind in ("aws:kms/key:Key", "ReplicaKey"):
        for key in prod.of(kind):
            for statement in document(key.inputs["policy"])["Statement"]:
                if statement["Principal"] == "*":
                    purpose = key.name.split("-key-")[1]
                    lent.add(purpose)
                    assert statement["Condition"]["StringEquals"] == {
                        "kms:CallerAccount": "123456789012",
                        "kms:ViaService": [f"{services[purpose]}.{key.region}.amazonaws.com"],
                    }
    assert lent == services.keys()


@pytest.mark.parametrize("stack", ["prod", "dev"])
def test_roles_that_a_key_names_are_declared(stack: str) -> None:
    declared = declare(stack)
    roles = {role.outputs["arn"] for role in declared.of("Role")}
    for kind in ("aws:kms/key:Key", "ReplicaKey"):
        for key in declared.of(kind):
            for statement in document(key.inputs["policy"])["Statement"]:
                named = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn")
                assert named is None or named in roles


def test_roles_that_use_a_key_directly_are_of_its_task(prod: Declared) -> None:
    roles: dict[str, set[str]] = {}
    for kind in ("aws:kms/key:Key", "ReplicaKey"):
        for key in prod.of(kind):
            found = re.findall(r"role/mastertrade-prod-([a-z-]+)-(?:us-east-1|us-west-2)", str(document(key.inputs["policy"])))
            roles.setdefault(key.name.split("-key-")[1], set()).update(found)
    assert {purpose: named for purpose, named in roles.items() if named} == {
        "cluster": {"cluster"},
        "volumes": {"cluster"},
        "vault": {"service-vault"},
    }


def test_nobody_administers_and_uses_a_key_by_one_statement(prod: Declared) -> None:
    for key in prod.of("aws:kms/key:Key"):
        for statement in document(key.inputs["policy"])["Statement"]:
            administers = "kms:PutKeyPolicy" in statement["Action"]
            assert not (administers and KMS_USE & set(statement["Action"]))
            assert "kms:*" not in statement["Action"]
