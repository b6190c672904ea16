"""Vault: its members agree over zones, unseal by KMS, and are initialised without a person who holds a key.

The scripts that do so are run in `test_vault_scripts.py`.
"""

import re
from typing import Any

import pytest

from settings.traffic import FLOWS, Party
from tests.declared import ROOT, Declared, declare, document

REGIONS = ("us-east-1", "us-west-2")
SCRIPTS = ROOT / "components" / "workloads" / "vault"


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def server(declared: Declared, region: str) -> dict[str, Any]:
    (found,) = [each.inputs["spec"] for each in declared.of("StatefulSet", region) if each.inputs["metadata"]["name"] == "vault"]
    return found


def configuration(declared: Declared, region: str) -> str:
    (found,) = [
        each.inputs["data"]["vault.hcl"]
        for each in declared.of("kubernetes:core/v1:ConfigMap", region)
        if "vault.hcl" in each.inputs["data"]
    ]
    return found


def rights(declared: Declared, region: str, party: str) -> list[dict[str, Any]]:
    return document(declared.one("RolePolicy", name=f"{region}-{party}-service").inputs["policy"])["Statement"]


@pytest.mark.parametrize("region", REGIONS)
def test_three_members_are_spread_so_that_no_zone_holds_two(prod: Declared, region: str) -> None:
    stated = server(prod, region)
    assert stated["replicas"] == 3
    spread = {
        each["topologyKey"]: (each["maxSkew"], each["whenUnsatisfiable"])
        for each in stated["template"]["spec"]["topologySpreadConstraints"]
    }
    assert spread["topology.kubernetes.io/zone"] == (1, "DoNotSchedule")


@pytest.mark.parametrize("region", REGIONS)
def test_every_member_finds_every_other_by_a_name_of_its_certificate(prod: Declared, region: str) -> None:
    text = configuration(prod, region)
    hosts = [f"vault-{number}.vault-internal.vault.svc" for number in range(3)]
    assert re.findall(r'leader_api_addr\s+= "https://(.*):8200"', text) == hosts
    assert re.findall(r'leader_tls_servername = "(.*)"', text) == hosts
    (certificate,) = [
        each.inputs["spec"]
        for each in prod.of("kubernetes:cert-manager.io/v1:Certificate", region)
        if each.inputs["metadata"]["name"] == "vault-tls"
    ]
    assert {*hosts, "vault.vault.svc"} <= set(certificate["dnsNames"])
    (headless,) = [
        each.inputs["spec"] for each in prod.of("kubernetes:core/v1:Service", region) if each.inputs["metadata"]["name"] == "vault-internal"
    ]
    assert headless["publishNotReadyAddresses"] is True
    assert server(prod, region)["serviceName"] == "vault-internal"


@pytest.mark.parametrize("region", REGIONS)
def test_members_unseal_with_the_regions_own_copy_of_one_key(prod: Declared, region: str) -> None:
    (container,) = server(prod, region)["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    key = told["VAULT_AWSKMS_SEAL_KEY_ID"]
    assert key.startswith(f"arn:aws:kms:{region}:")
    assert {tuple(each["Resource"]) for each in rights(prod, region, "vault")} == {(key,)}
    assert 'seal "awskms"' in configuration(prod, region)
    copies = {prod.one("aws:kms/key:Key", "us-east-1", "us-east-1-key-vault").outputs["arn"].rsplit("/", 1)[1]}
    assert key.rsplit("/", 1)[1] in copies, "a snapshot of one region could not be unsealed in the other"


@pytest.mark.parametrize("region", REGIONS)
def test_volumes_are_encrypted_and_outlive_their_members(prod: Declared, region: str) -> None:
    stated = server(prod, region)
    (claim,) = stated["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == prod.one("StorageClass", region).inputs["metadata"]["name"]
    assert stated["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@pytest.mark.parametrize("region", REGIONS)
def test_certificates_outlive_the_pods_that_started_with_them(prod: Declared, region: str) -> None:
    """Nothing tells a process that its certificate was renewed, so it never has to know."""
    longest = max(
        int(spec["expireAfter"].removesuffix("h")) + int(spec["terminationGracePeriod"].removesuffix("h"))
        for spec in (pool.inputs["spec"]["template"]["spec"] for pool in prod.of("NodePool", region))
    )
    leaves = [
        each.inputs["spec"] for each in prod.of("kubernetes:cert-manager.io/v1:Certificate", region) if not each.inputs["spec"].get("isCA")
    ]
    assert len(leaves) == 8
    for spec in leaves:
        assert int(spec["renewBefore"].removesuffix("h")) > longest


@pytest.mark.parametrize("region", REGIONS)
def test_members_start_side_by_side_and_leave_one_at_a_time(prod: Declared, region: str) -> None:
    assert server(prod, region)["podManagementPolicy"] == "Parallel", "the first would wait to be ready for the others, and they for it"
    (budget,) = [each.inputs["spec"] for each in prod.of("PodDisruptionBudget", region) if each.inputs["metadata"]["name"] == "vault"]
    assert budget["maxUnavailable"] == 1


@pytest.mark.parametrize("region", REGIONS)
def test_vault_may_ask_whose_a_token_is_and_nothing_else_of_the_cluster(prod: Declared, region: str) -> None:
    binding = prod.one("ClusterRoleBinding", region).inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "vault", "namespace": "vault"}]
    assert not [
        each
        for each in prod.resources
        if each.type.startswith("kubernetes:rbac") and each.type != "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"
    ]


@pytest.mark.parametrize("region", REGIONS)
def test_members_speak_current_tls_and_lock_no_memory_twice(prod: Declared, region: str) -> None:
    text = configuration(prod, region)
    assert 'tls_min_version = "tls12"' in text
    assert "disable_mlock = true" in text
    assert "tls_disable" not in text


@pytest.mark.parametrize("region", REGIONS)
def test_keys_are_proven_to_be_keepable_first_and_touch_no_disk(prod: Declared, region: str) -> None:
    spec = prod.one("Job", region).inputs["spec"]["template"]["spec"]
    assert [each["name"] for each in (*spec["initContainers"], *spec["containers"])] == ["prove", "initialise", "keep", "configure"]
    (shared,) = [each["emptyDir"] for each in spec["volumes"] if each["name"] == "shared"]
    assert shared["medium"] == "Memory"
    assert spec["restartPolicy"] == "OnFailure", "with the pod the keys would go"


@pytest.mark.parametrize("region", REGIONS)
def test_recovery_keys_are_put_by_the_initialisation_and_read_by_administrators_alone(prod: Declared, region: str) -> None:
    secret = prod.one("aws:secretsmanager/secret:Secret", region, f"{region}-vault-recovery-keys")
    (policy,) = [document(each.inputs["policy"]) for each in prod.of("SecretPolicy") if each.inputs["secretArn"] == secret.outputs["arn"]]
    (refused,) = policy["Statement"]
    assert refused["Effect"] == "Deny"
    assert refused["Condition"]["ArnNotLike"]["aws:PrincipalArn"] == ["arn:aws:iam::123456789012:role/mastertrade-deploy"]
    putting = {
        action
        for each in rights(prod, region, "vault-operations")
        if secret.outputs["arn"] in each["Resource"]
        for action in each["Action"]
    }
    assert putting == {"secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"}
    assert not [each for each in prod.of("SecretVersion", region) if each.inputs["secretId"] == secret.id]


def test_the_policies_of_a_new_vault_are_for_those_whom_the_traffic_table_lets_in() -> None:
    accounts = {tuple(path.stem.split(".")[1:]) for path in SCRIPTS.glob("*.hcl")}
    callers = {flow.source for flow in FLOWS if flow.target is Party.VAULT} - {Party.VAULT, Party.MANAGEMENT, Party.METRICS_COLLECTOR}
    assert {account for _, account in accounts} == callers
    assert {namespace for namespace, _ in accounts} == {"trading", "vault"}


@pytest.mark.parametrize("region", REGIONS)
def test_snapshots_are_taken_as_often_as_the_settings_say_and_never_two_at_once(prod: Declared, region: str) -> None:
    stated = prod.one("CronJob", region, f"{region}-vault-operations-snapshots").inputs["spec"]
    assert stated["schedule"] == "*/15 * * * *"
    assert stated["concurrencyPolicy"] == "Forbid"
    assert declare("dev").one("CronJob", name="us-east-1-vault-operations-snapshots").inputs["spec"]["schedule"] == "0 * * * *"


@pytest.mark.parametrize(("region", "other"), [REGIONS, REGIONS[::-1]])
def test_snapshots_are_encrypted_versioned_and_copied_to_another_region(prod: Declared, region: str, other: str) -> None:
    name = f"{region}-vault-snapshots"
    (rule,) = prod.one("BucketServerSideEncryptionConfiguration", name=name).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert prod.one("BucketVersioning", name=name).inputs["versioningConfiguration"] == {"status": "Enabled"}
    (copying,) = prod.one("BucketReplicationConfig", name=name).inputs["rules"]
    assert copying["destination"]["bucket"] == prod.one("aws:s3/bucket:Bucket", other, f"{other}-vault-snapshots").outputs["arn"]
    assert copying["sourceSelectionCriteria"]["sseKmsEncryptedObjects"] == {"status": "Enabled"}
    copied = document(prod.one("RolePolicy", name=f"{region}-vault-snapshots-copy").inputs["policy"])["Statement"]
    used = {action: each["Resource"] for each in copied for action in each["Action"] if action.startswith("kms:")}
    assert {action: arn.split(":")[3] for action, (arn,) in used.items()} == {
        "kms:Decrypt": region,
        "kms:Encrypt": other,
        "kms:GenerateDataKey": other,
    }
    policy = document(prod.one("BucketPolicy", region, name).inputs["policy"])["Statement"]
    (other_keys,) = [each["Condition"] for each in policy if each["Sid"] == "RefuseOtherKeys"]
    (key,) = [each["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] for each in (rule,)]
    assert other_keys == {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key}}
    assert copying["destination"]["encryptionConfiguration"]["replicaKmsKeyId"].startswith(f"arn:aws:kms:{other}:")
    writing = next(each for each in rights(prod, region, "vault-operations") if "s3:PutObject" in each["Action"])
    assert writing["Resource"] == [f"{prod.one('aws:s3/bucket:Bucket', region, name).outputs['arn']}/{region}/*"]
