"""`python -m mastertrade`, as people and CI start it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.offline.programs import project

HERE = Path(__file__).parent.parent.parent
PROGRAM = """
class Network(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("demo:net:Network", "net", None, pulumi.ResourceOptions(providers=[home]))
        self.vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(parent=self))
        for index in range(2):
            aws.ec2.Subnet(f"subnet-{index}", vpc_id=self.vpc.id, cidr_block=f"10.0.{index}.0/24", opts=pulumi.ResourceOptions(parent=self))
        random.RandomUuid("id", opts=pulumi.ResourceOptions(parent=self))

network = Network()
print("printed by the program")
pulumi.warn("mind this")
pulumi.export("vpc", network.vpc.id)
pulumi.export("password", random.RandomPassword("word", length=20).result)
pulumi.export("long", "x" * 500)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, "-m", "mastertrade", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("line"), PROGRAM, dev="config: {}", prod="config: {}")


@pytest.fixture(scope="module")
def tree(root: Path) -> subprocess.CompletedProcess[str]:
    (root / "deep").mkdir()
    return run(root / "deep", "preview", "-s", "dev")  # from a folder below the project


def test_tree_counts_by_region_component_and_type(tree: subprocess.CompletedProcess[str]) -> None:
    assert tree.returncode == 0
    lines = tree.stdout.splitlines()
    assert lines[0] == "demo dev  1 region, 5 resources  simulated"
    assert any("us-east-1  4 resources" in line for line in lines)
    assert any("Network net  4  2 ec2.Subnet, ec2.Vpc 10.0.0.0/16, random.RandomUuid" in line for line in lines)


def test_outputs_are_shown_and_secrets_are_not(tree: subprocess.CompletedProcess[str]) -> None:
    assert "password: [secret]" in tree.stdout
    assert "vpc: vpc-" in tree.stdout


def test_outputs_are_never_cut(tree: subprocess.CompletedProcess[str]) -> None:
    assert f"long: {'x' * 500}" in tree.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to stand for a full disk")
def test_a_full_disk_is_one_message(root: Path) -> None:
    command = [sys.executable, "-m", "mastertrade", "preview", "-s", "dev", "--json"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            command, cwd=root, env=os.environ | {"PYTHONPATH": str(HERE)}, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    assert "Traceback" not in result.stderr


def test_one_stack_and_all_stacks_exclude_one_another(root: Path) -> None:
    result = run(root, "preview", "--all-stacks", "-s", "dev")
    assert result.returncode == 2
    assert "not both" in result.stderr


def test_output_in_a_pipe_has_no_colour_and_no_progress(tree: subprocess.CompletedProcess[str]) -> None:
    assert "\x1b" not in tree.stdout + tree.stderr
    assert tree.stderr == "printed by the program\nwarning: mind this\n"


def test_json_is_the_same_each_time_and_hides_secrets(root: Path) -> None:
    one, two = (run(root, "preview", "-s", "dev", "--json") for _ in range(2))
    assert one.stdout == two.stdout
    document = json.loads(one.stdout)
    assert (document["format"], document["stack"], document["mode"], document["error"]) == (1, "dev", "simulated", None)
    assert document["outputs"]["password"] == "[secret]"
    subnet = next(each for each in document["resources"] if each["name"] == "subnet-0")
    assert subnet["inputs"] == {"cidrBlock": "10.0.0.0/24", "vpcId": document["outputs"]["vpc"]}
    assert subnet["region"] == "us-east-1"
    assert subnet["source"].startswith("__main__.py:")


def test_all_stacks_in_the_first_mode(root: Path) -> None:
    done = run(root, "preview", "--all-stacks", "--mode", "first", "--json")
    assert done.returncode == 0
    stacks = json.loads(done.stdout)["stacks"]
    assert [(each["stack"], each["outputs"]["vpc"]) for each in stacks] == [("dev", "[unknown]"), ("prod", "[unknown]")]


def test_full_names_every_resource_and_its_line(root: Path) -> None:
    done = run(root, "preview", "-s", "prod", "--full")
    assert "ec2.Subnet subnet-1  __main__.py:" in done.stdout


def test_modules_lists_what_the_program_has_loaded(root: Path) -> None:
    done = run(root, "modules", "-s", "dev")
    assert done.returncode == 0
    names = done.stdout.splitlines()
    assert names == sorted(names)
    assert {"pulumi", "pulumi_aws.ec2", "pulumi_random"} <= set(names)


def test_exit_code_1_for_a_program_that_fails(tmp_path: Path) -> None:
    done = run(project(tmp_path, 'aws.ec2.Vpc("stray", cidr_block="10.0.0.0/16")'), "preview", "-s", "dev")
    assert done.returncode == 1
    assert "Stack 'dev' of 'demo' fails:\naws:ec2/vpc:Vpc 'stray' (__main__.py:8): default provider for 'aws' disabled" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_exit_code_2_for_bad_settings(tmp_path: Path) -> None:
    done = run(project(tmp_path, "", dev="config: {a: 1"), "preview", "-s", "dev")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("1 mistake in the settings:\n  Pulumi.dev.yaml: line 1: not YAML")


@pytest.mark.parametrize("arguments", [["preview", "--mode", "last"], ["preview", "-s", "other"], ["unknown"], ["-C", "/", "preview"]])
def test_exit_code_2_for_wrong_usage(root: Path, arguments: list[str]) -> None:
    done = run(root, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_all_stacks_goes_on_after_a_broken_one_and_fails(tmp_path: Path) -> None:
    done = run(project(tmp_path, "", alpha="config: [", zeta="config: {}"), "preview", "--all-stacks")
    assert done.returncode == 2
    assert "demo zeta  1 region" in done.stdout
    assert "Pulumi.alpha.yaml: line 1" in done.stderr


def exit_codes(text: str) -> set[str]:
    return set(re.findall(r"^ +(\d)  \w", text.split("Exit codes")[1], re.MULTILINE))


def test_help_of_all_lists_every_exit_code_of_a_command(root: Path) -> None:
    told = run(root, "--help").stdout
    commands = (("preview",), ("audit",), ("audit", "verify"), ("digest",), ("manifests",), ("permissions",))
    of_commands = {command: exit_codes(run(root, *command, "--help").stdout) for command in commands}
    assert exit_codes(told) == set().union(*of_commands.values())
    with_three = {" ".join(command) for command, codes in of_commands.items() if "3" in codes}
    assert set(re.findall(r"(audit verify|audit|digest):", told)) == with_three


def test_help_has_examples_and_exit_codes(root: Path) -> None:
    text = run(root, "preview", "--help").stdout
    for part in ("Examples:", "python -m mastertrade preview -s dev", "Exit codes:", "simulated", "first"):
        assert part in text
