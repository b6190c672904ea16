"""Vault: its members agree over zones, unseal by KMS, and are initialised without a person who holds a key."""

import os
import re
import subprocess
from pathlib import Path
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
    assert len(leaves) == 6
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
    assert putting == {"secretsmanager:PutSecretValue"}
    assert not [each for each in prod.of("SecretVersion", region) if each.inputs["secretId"] == secret.id]


def test_the_policies_of_a_new_vault_are_for_those_whom_the_traffic_table_lets_in() -> None:
    accounts = {tuple(path.stem.split(".")[1:]) for path in SCRIPTS.glob("*.hcl")}
    callers = {flow.source for flow in FLOWS if flow.target is Party.VAULT} - {Party.VAULT, Party.MANAGEMENT}
    assert {account for _, account in accounts} == callers
    assert {namespace for namespace, _ in accounts} == {"trading", "vault"}


@pytest.mark.parametrize("region", REGIONS)
def test_snapshots_are_taken_as_often_as_the_settings_say_and_never_two_at_once(prod: Declared, region: str) -> None:
    stated = prod.one("CronJob", region).inputs["spec"]
    assert stated["schedule"] == "*/15 * * * *"
    assert stated["concurrencyPolicy"] == "Forbid"
    assert declare("dev").one("CronJob").inputs["spec"]["schedule"] == "0 * * * *"


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


# What stands for the commands: it writes down how it was called, and answers as the tests say.
VAULT = """#!/bin/sh
echo "vault $*" >>"$CALLS"
case "$*" in
    "operator init -status") exit "$(cat "$STATE")" ;;
    "operator init "*) echo 0 >"$STATE"; printf 'Recovery Key 1: one\\nRecovery Key 2: two\\n\\nInitial Root Token: hvs.root\\n' ;;
    "write -field=token "*) echo hvs.snapshots ;;
    "operator raft snapshot save "*) echo "taken with $VAULT_TOKEN" >"$5" ;;
    "auth enable "*) exit "${FAIL_AUTH:-0}" ;;
esac
"""
AWS = """#!/bin/sh
echo "aws $*" >>"$CALLS"
if [ "${FAIL_AWS:-0}" != 0 ]; then exit 254; fi
for argument in "$@"; do
    case "$argument" in file://*) cp "${argument#file://}" "$KEPT" ;; esac
done
"""


class Pod:
    """The shared memory of an initialisation or snapshot, and its containers one after the other."""

    def __init__(self, folder: Path, *, initialised: bool) -> None:
        self.shared, self.calls, self.kept = folder / "shared", folder / "calls", folder / "kept"
        self._state, self._folder = folder / "state", folder
        self.shared.mkdir()
        self.calls.touch()
        self._state.write_text("0\n" if initialised else "2\n")
        for name, text in (("vault", VAULT), ("aws", AWS), ("sleep", "#!/bin/sh\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        told = {
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "SHARED": str(self.shared),
            "CALLS": str(self.calls),
            "STATE": str(self._state),
            "KEPT": str(self.kept),
            "POLICIES": str(SCRIPTS),
            "RECOVERY_SECRET": "arn:secret",
            "SNAPSHOT_BUCKET": "bucket",
            "AWS_REGION": "us-east-1",
        }
        return subprocess.run(["sh", SCRIPTS / f"{script}.sh"], env=told | more, capture_output=True, text=True, check=False, timeout=20)

    def initialise(self) -> None:
        for script in ("prove", "initialise", "keep", "configure"):
            done = self.run(script)
            assert done.returncode == 0, f"{script}: {done.stderr}"


def test_initialising_keeps_the_recovery_keys_and_leaves_no_root_token(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=False)
    pod.initialise()
    assert pod.kept.read_text() == "Recovery Key 1: one\nRecovery Key 2: two\n"
    assert list(pod.shared.iterdir()) == []
    calls = pod.calls.read_text().splitlines()
    assert calls[-1] == "vault token revoke -self"
    assert "hvs.root" not in pod.calls.read_text()


def test_nothing_irreversible_happens_before_the_keys_can_be_kept(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=False)
    assert pod.run("prove", FAIL_AWS="1").returncode != 0
    pod.initialise()
    calls = pod.calls.read_text()
    assert calls.index("--version-stages PROVEN") < calls.index("operator init -recovery")


def test_a_vault_that_is_initialised_is_left_alone(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=True)
    pod.initialise()
    calls = pod.calls.read_text().splitlines()
    assert [call for call in calls if call.startswith("vault")] == ["vault operator init -status"]
    assert not pod.kept.exists()
    assert all("PROVEN" in call for call in calls if call.startswith("aws"))


def test_keys_that_could_not_be_kept_are_kept_by_the_next_attempt(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=False)
    assert pod.run("initialise").returncode == 0
    assert pod.run("keep", FAIL_AWS="1").returncode != 0
    assert pod.run("keep").returncode == 0
    assert "Recovery Key 1: one" in pod.kept.read_text()


def test_a_configuration_that_broke_off_is_finished_by_the_next_attempt(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=False)
    pod.run("initialise")
    pod.run("keep")
    assert pod.run("configure", FAIL_AUTH="1").returncode != 0
    assert (pod.shared / "root-token").exists()
    assert pod.run("configure").returncode == 0
    assert not (pod.shared / "root-token").exists()


def test_every_policy_has_a_role_for_its_service_account(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=False)
    pod.initialise()
    roles = re.findall(r"auth/kubernetes/role/(\S+) .*namespaces=(\S+) .*names=(\S+)", pod.calls.read_text())
    assert set(roles) == {
        ("api-gateway", "trading", "api-gateway"),
        ("order-executor", "trading", "order-executor"),
        ("snapshots", "vault", "vault-operations"),
    }
    written = re.findall(r"vault policy write (\S+) ", pod.calls.read_text())
    assert set(written) == {role for role, _, _ in roles}


def test_a_snapshot_is_taken_with_a_token_of_its_own_and_uploaded_under_its_region(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=True)
    assert pod.run("snapshot").returncode == 0
    assert (pod.shared / "snapshot").read_text() == "taken with hvs.snapshots\n"
    assert pod.run("upload").returncode == 0
    assert re.search(r"s3://bucket/us-east-1/\d{4}/\d\d/\d\d/\d{6}\.snap", pod.calls.read_text())


def test_a_failed_upload_fails_the_job(tmp_path: Path) -> None:
    pod = Pod(tmp_path, initialised=True)
    pod.run("snapshot")
    assert pod.run("upload", FAIL_AWS="1").returncode != 0
