"""The scripts that initialise Vault and take its snapshots, run by real shells against commands that stand in for the real ones."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.declared import ROOT

SCRIPTS = ROOT / "components" / "workloads" / "vault"
KEYS = "".join(f"Recovery Key {number}: key-{number}\n" for number in range(1, 6))
MEMBERS = ("https://vault-0", "https://vault-1", "https://vault-2")

# They write down how they were called, and answer as the tests say. DIE: the container is killed once the command has worked.
VAULT = """#!/bin/sh
echo "$VAULT_ADDR vault $*" >>"$WORLD/calls"
gone() { if [ "${DIE:-}" = "$1" ]; then kill -9 "$PPID"; fi; }
if [ "${VAULT_TOKEN:-}" = hvs.root ] && [ -e "$WORLD/revoked" ]; then
    printf 'Error making API request.\\n\\nCode: 403. Errors:\\n\\n* permission denied\\n' >&2
    exit 2
fi
case "$*" in
    "operator init -status") exit "$(cat "$WORLD/state-${VAULT_ADDR##*/}")" ;;
    "operator init "*)
        for state in "$WORLD"/state-*; do echo 0 >"$state"; done
        if [ "${DIE:-}" = "answering" ]; then echo "Recovery Key 1: key-1"; kill -9 "$PPID"; exit 1; fi
        for number in 1 2 3 4 5; do echo "Recovery Key $number: key-$number"; done
        printf '\\nInitial Root Token: hvs.root\\n\\nSuccess! Vault is initialized\\n'
        gone initialised ;;
    "status -format=json") printf '{\\n  "leader_address": "%s",\\n  "leader_cluster_address": "https://x:8201"\\n}\\n' "$LEADER" ;;
    "token revoke -self") : >"$WORLD/revoked"; gone revoked ;;
    "write auth/kubernetes/role/snapshots "*) : >"$WORLD/role-snapshots" ;;
    "write -field=token "*) if [ -e "$WORLD/role-snapshots" ]; then echo hvs.snapshots; else exit 2; fi ;;
    "operator raft snapshot save "*)
        if [ "$VAULT_ADDR" != "$LEADER" ]; then echo "incomplete snapshot" >&2; exit 2; fi
        echo "taken with $VAULT_TOKEN" >"$5" ;;
    "auth enable "*) exit "${FAIL_AUTH:-0}" ;;
esac
"""
AWS = """#!/bin/sh
echo "aws $*" >>"$WORLD/calls"
if [ "${FAIL_AWS:-0}" != 0 ]; then exit 254; fi
case "$*" in
    *describe-secret*) if [ -e "$WORLD/kept" ]; then echo true; else echo false; fi ;;
    *"--version-stages AWSCURRENT KEPT"*)
        for argument in "$@"; do
            case "$argument" in file://*) cp "${argument#file://}" "$WORLD/kept" ;; esac
        done ;;
esac
"""


def shells() -> list[str]:
    """The shell of the AWS image is a POSIX one, that of Vault's image is busybox: what is here of them."""
    busybox = shutil.which("busybox")
    return ["sh", *([f"{busybox} ash"] if busybox else [])]


class World:
    """Vault and AWS as the scripts see them, and the memory of one pod: `new_pod` loses what was in it."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.shared, self.kept, self._calls = folder / "shared", folder / "kept", folder / "calls"
        self._folder, self._shell = folder, shell.split()
        self.shared.mkdir()
        self._calls.touch()
        for member in MEMBERS:
            self.set_state(member, 2)
        for name, text in (("vault", VAULT), ("aws", AWS), ("sleep", "#!/bin/sh\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def set_state(self, member: str, code: int) -> None:
        """What `vault operator init -status` answers: 0 initialised, 1 not reached, 2 not initialised."""
        (self._folder / f"state-{member.rpartition('/')[2]}").write_text(f"{code}\n")

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()

    def count(self, part: str) -> int:
        return sum(part in call for call in self.calls)

    def new_pod(self) -> None:
        shutil.rmtree(self.shared)
        self.shared.mkdir()

    def run(self, script: str, *, seconds: float = 10, **more: str) -> subprocess.CompletedProcess[str]:
        told = {
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "WORLD": str(self._folder),
            "SHARED": str(self.shared),
            "POLICIES": str(SCRIPTS),
            "VAULT_ADDR": "https://vault",
            "MEMBERS": " ".join(MEMBERS),
            "LEADER": MEMBERS[1],
            "RECOVERY_SECRET": "arn:secret",
            "SNAPSHOT_BUCKET": "bucket",
            "AWS_REGION": "us-east-1",
        }
        if script == "initialise":
            told["VAULT_ADDR"] = MEMBERS[0]
        command = [*self._shell, str(SCRIPTS / f"{script}.sh")]
        return subprocess.run(command, env=told | more, capture_output=True, text=True, check=False, timeout=seconds)

    def succeed(self, *scripts: str) -> None:
        for script in scripts:
            done = self.run(script)
            assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"


ALL = ("prove", "initialise", "keep", "configure")


@pytest.fixture(params=shells())
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, request.param)


def test_initialising_keeps_the_recovery_keys_and_leaves_no_root_token(world: World) -> None:
    world.succeed(*ALL)
    assert world.kept.read_text() == KEYS
    assert not [each for each in world.shared.iterdir() if "hvs" in each.read_text() or "key-" in each.read_text()]
    assert world.calls[-1].endswith("vault token revoke -self")


def test_no_key_and_no_token_is_an_argument_or_printed(world: World) -> None:
    printed = "".join(done.stdout + done.stderr for done in map(world.run, ALL))
    for text in (printed, "\n".join(world.calls)):
        assert "hvs." not in text
        assert "key-1" not in text


def test_nothing_irreversible_happens_before_the_keys_can_be_kept(world: World) -> None:
    assert world.run("prove", FAIL_AWS="1").returncode != 0
    world.succeed(*ALL)
    calls = "\n".join(world.calls)
    assert calls.index("--version-stages PROVEN") < calls.index("operator init -recovery")


def test_a_vault_that_is_in_order_is_left_alone(world: World) -> None:
    world.succeed(*ALL)
    before, kept = len(world.calls), world.kept.read_text()
    world.new_pod()
    world.succeed(*ALL)
    again = world.calls[before:]
    assert not [call for call in again if re.search(r"init -recovery|enable|policy write|/role/|/config |transit|KEPT --secret", call)]
    assert world.kept.read_text() == kept


def test_nothing_is_initialised_until_every_member_answers(world: World) -> None:
    world.set_state(MEMBERS[2], 1)
    world.succeed("prove")
    with pytest.raises(subprocess.TimeoutExpired):
        world.run("initialise", seconds=0.5)  # goes on asking
    assert world.count("init -recovery") == 0


@pytest.mark.parametrize("lost", MEMBERS)
def test_a_member_that_lost_its_volume_does_not_begin_a_second_vault(world: World, lost: str) -> None:
    world.succeed(*ALL)
    world.set_state(lost, 2)
    world.new_pod()
    world.succeed(*ALL)
    assert world.count("init -recovery") == 1


def test_an_answer_that_arrived_before_the_container_was_killed_is_not_lost(world: World) -> None:
    world.succeed("prove")
    assert world.run("initialise", DIE="initialised").returncode != 0
    world.succeed("initialise", "keep", "configure")
    assert world.kept.read_text() == KEYS


def test_keys_that_could_not_be_kept_are_kept_by_the_next_attempt(world: World) -> None:
    world.succeed("prove", "initialise")
    assert world.run("keep", FAIL_AWS="1").returncode != 0
    world.succeed("keep")
    assert world.kept.read_text() == KEYS


def test_steps_that_run_again_in_the_same_pod_lose_nothing(world: World) -> None:
    world.succeed("prove", "initialise", "prove", "initialise", "keep", "prove", "initialise", "keep", "configure")
    assert world.kept.read_text() == KEYS
    assert world.count("token revoke -self") == 1


@pytest.mark.parametrize("died", ["initialised", "answering"])
def test_keys_that_are_lost_with_their_pod_are_said_to_be_lost(world: World, died: str) -> None:
    world.succeed("prove")
    world.run("initialise", DIE=died)
    world.new_pod()
    world.succeed("prove")
    done = world.run("initialise")
    assert done.returncode != 0
    assert "never kept" in done.stderr
    assert "delete its volumes" in done.stderr


def test_half_an_answer_is_not_taken_for_one(world: World) -> None:
    world.succeed("prove")
    world.run("initialise", DIE="answering")
    done = world.run("initialise")
    assert done.returncode != 0
    assert "never kept" in done.stderr
    assert not (world.shared / "recovery-keys").exists()


def test_a_vault_whose_configuration_was_lost_with_its_pod_is_said_not_to_be_configured(world: World) -> None:
    world.succeed("prove", "initialise", "keep")
    world.new_pod()
    world.succeed("prove", "initialise", "keep")
    done = world.run("configure")
    assert done.returncode != 0
    assert "not configured" in done.stderr


def test_a_configuration_that_broke_off_is_finished_by_the_next_attempt(world: World) -> None:
    world.succeed("prove", "initialise", "keep")
    assert world.run("configure", FAIL_AUTH="1").returncode != 0
    assert (world.shared / "root-token").exists()
    world.succeed("configure")
    assert not (world.shared / "root-token").exists()


def test_a_token_that_was_revoked_before_the_container_was_killed_fails_no_attempt(world: World) -> None:
    world.succeed("prove", "initialise", "keep")
    assert world.run("configure", DIE="revoked").returncode != 0
    world.succeed("configure")
    assert not (world.shared / "root-token").exists()


def test_every_policy_has_a_role_for_its_service_account_and_that_of_the_snapshots_comes_last(world: World) -> None:
    world.succeed(*ALL)
    calls = "\n".join(world.calls)
    roles = re.findall(r"auth/kubernetes/role/(\S+) audience=vault .*namespaces=(\S+) .*names=(\S+)", calls)
    assert roles == [
        ("api-gateway", "trading", "api-gateway"),
        ("order-executor", "trading", "order-executor"),
        ("snapshots", "vault", "vault-operations"),
    ]
    assert re.findall(r"vault policy write (\S+) ", calls) == [role for role, _, _ in roles]


@pytest.mark.parametrize("leader", MEMBERS)
def test_a_snapshot_is_taken_from_the_leader_and_uploaded_under_its_region(world: World, leader: str) -> None:
    world.succeed(*ALL)
    done = world.run("snapshot", LEADER=leader)
    assert done.returncode == 0, done.stderr
    assert (world.shared / "snapshot").read_text() == "taken with hvs.snapshots\n"
    world.succeed("upload")
    assert re.search(r"s3://bucket/us-east-1/\d{4}/\d\d/\d\d/\d{6}\.snap", world.calls[-1])


def test_no_snapshot_is_taken_without_a_leader(world: World) -> None:
    world.succeed(*ALL)
    done = world.run("snapshot", LEADER="")
    assert done.returncode != 0
    assert "no leader" in done.stderr


def test_a_failed_upload_fails_the_job(world: World) -> None:
    world.succeed(*ALL, "snapshot")
    assert world.run("upload", FAIL_AWS="1").returncode != 0
