"""Policy packs of any origin run over an offline preview, in the process that the engine would start."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mastertrade.offline import Evaluation, Mode, evaluate
from mastertrade.offline.analyzer import PackResult, analyze
from mastertrade.offline.pack_process import PackError
from tests.offline.programs import project

PROGRAM = """
word = random.RandomPassword("word", length=20)
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=home, protect=True))
aws.ec2.Subnet("inner", vpc_id=vpc.id, cidr_block="10.0.0.0/24", opts=there)
aws.secretsmanager.SecretVersion("secret", secret_id="arn", secret_string=word.result, opts=there)
"""
HEAD = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def policy(name, judge, level=EnforcementLevel.MANDATORY):
    return ResourceValidationPolicy(name, "a description", judge, enforcement_level=level)

"""


def pack(folder: Path, body: str, file: str = "runtime: python\n") -> Path:
    """A policy pack whose program is `body`."""
    folder.mkdir(parents=True)
    (folder / "PulumiPolicy.yaml").write_text(file)
    (folder / "__main__.py").write_text(HEAD + body)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("packs") / "project", PROGRAM)


@pytest.fixture(scope="module")
def evaluation(root: Path) -> Evaluation:
    return evaluate(root, "dev")


def run(evaluation: Evaluation, *packs: Path) -> tuple[PackResult, ...]:
    return analyze(evaluation, packs, {"demo:size": "3"})


def said(result: PackResult) -> set[tuple[str, str, str]]:
    return {(each.policy, each.urn.rsplit("::", 1)[-1], each.message.splitlines()[-1]) for each in result.violations}


def test_every_resource_is_judged_by_what_it_declares(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
def small(args, report):
    if args.resource_type == "aws:ec2/subnet:Subnet" and args.props["cidrBlock"].endswith("/24"):
        report(f"{args.name} is a /24 of {args.props['vpcId'][:4]} by {args.provider.resource_type}")
    if args.resource_type == "aws:ec2/vpc:Vpc" and args.opts.protect:
        report("protected")

PolicyPack("company", [policy("small", small)])
"""
    (result,) = run(evaluation, pack(tmp_path / "pack", body))
    assert (result.name, result.version, result.policies) == ("company", "0.0.1", ("small",))
    assert {(name, message.split("]")[-1].strip()) for _, name, message in said(result)} >= {
        ("inner", "inner is a /24 of vpc- by pulumi:providers:aws"),
        ("vpc", "protected"),
    }
    assert result.is_violated


def test_the_stack_is_judged_as_a_whole_with_its_dependencies(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
def whole(args, report):
    subnet = next(each for each in args.resources if each.name == "inner")
    (vpc,) = subnet.property_dependencies["vpcId"]
    report(f"{len(args.resources)} resources, {subnet.name} in {vpc.name}, below {subnet.parent.resource_type}", urn=subnet.urn)
    report("the stack as a whole")

PolicyPack("company", [StackValidationPolicy("whole", "all", whole, enforcement_level=EnforcementLevel.ADVISORY)])
"""
    (result,) = run(evaluation, pack(tmp_path / "pack", body))
    found = {(name, message.split("]")[-1].strip()) for _, name, message in said(result)}
    assert ("inner", f"{len(evaluation.resources)} resources, inner in vpc, below pulumi:pulumi:Stack") in found
    assert any(name == "" and "as a whole" in message for name, message in found)
    assert not result.is_violated, "advisory"


def test_packs_get_the_name_of_the_stack_and_its_configuration(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
import pulumi
def told(args, report):
    if args.name == "vpc":
        report(f"{pulumi.get_project()} {pulumi.get_stack()} {pulumi.runtime.get_config('demo:size')}")

PolicyPack("company", [policy("told", told)])
"""
    (result,) = run(evaluation, pack(tmp_path / "pack", body))
    assert any("demo dev 3" in message for _, _, message in said(result))


def test_several_packs_answer_each_for_itself(evaluation: Evaluation, tmp_path: Path) -> None:
    packs = [pack(tmp_path / name, f'PolicyPack("{name}", [policy("p", lambda args, report: None)])') for name in ("one", "two")]
    assert [(result.name, result.violations) for result in run(evaluation, *packs)] == [("one", ()), ("two", ())]


def test_what_is_unknown_in_a_first_preview_is_never_passed_in_silence(root: Path, tmp_path: Path) -> None:
    body = """
def known(args, report):
    if args.resource_type == "aws:ec2/subnet:Subnet":
        args.props["vpcId"].startswith("vpc-")

PolicyPack("company", [policy("known", known)])
"""
    (result,) = run(evaluate(root, "dev", mode=Mode.FIRST), pack(tmp_path / "pack", body))
    assert any("can't run policy 'known'" in message for _, _, message in said(result))


def test_a_secret_that_a_pack_says_is_not_repeated(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
def tells(args, report):
    if args.resource_type.startswith("aws:secretsmanager"):
        report(f"the password is {args.props['secretString']}")

PolicyPack("company", [policy("tells", tells)])
"""
    (result,) = run(evaluation, pack(tmp_path / "pack", body))
    (message,) = [message for _, _, message in said(result)]
    assert message.endswith("the password is [secret]")


BROKEN = {
    "no policy pack": (None, "it has no PulumiPolicy.yaml"),
    "another runtime": ("runtime: nodejs\n", "found 'nodejs'; allowed: python"),
    "no YAML": ("runtime: [\n", "not YAML"),
}


@pytest.mark.parametrize(("file", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_folder_that_is_no_pack_is_told_in_one_line(evaluation: Evaluation, tmp_path: Path, file: str | None, told: str) -> None:
    folder = pack(tmp_path / "pack", "", file or "")
    if file is None:
        (folder / "PulumiPolicy.yaml").unlink()
    with pytest.raises(PackError, match=re.escape(told)) as error:
        run(evaluation, folder)
    assert "\n" not in str(error.value)


def test_a_pack_that_ends_at_once_is_told(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="ended before it could be asked"):
        run(evaluation, pack(tmp_path / "pack", "raise SystemExit(3)"))


def test_a_policy_that_raises_is_told_with_the_pack(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = pack(tmp_path / "pack", 'PolicyPack("company", [policy("p", lambda args, report: 1 / 0)])')
    with pytest.raises(PackError, match=r"the pack failed: .*division by zero"):
        run(evaluation, folder)


def test_no_pack_outlives_its_question(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
import os, pathlib
pathlib.Path("pid").write_text(str(os.getpid()))
PolicyPack("company", [policy("p", lambda args, report: None)])
"""
    folder = pack(tmp_path / "pack", body)
    run(evaluation, folder)
    analyzer = int((folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(analyzer, 0)


@pytest.mark.parametrize(("level", "code"), [("MANDATORY", 1), ("ADVISORY", 0)])
def test_the_command_line_shows_violations_and_fails_for_mandatory_ones(root: Path, tmp_path: Path, level: str, code: int) -> None:
    body = f"""
PolicyPack("company", [policy("vpcs", lambda args, report: report("too large") if args.name == "vpc" else None, EnforcementLevel.{level})])
"""
    folder = pack(tmp_path / "pack", body)
    command = [sys.executable, "-m", "mastertrade", "-C", root, "preview", "-s", "dev", "--policy-pack", folder]
    shown = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert shown.returncode == code, shown.stderr
    assert "company 0.0.1  1 policy, 1 violation" in shown.stdout
    assert f"{level.lower()}  vpcs  vpc: " in shown.stdout
    document = json.loads(
        subprocess.run([*command, "--json"], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False).stdout
    )
    (result,) = document["policyPacks"]
    (violation,) = result["violations"]
    assert (violation["policy"], violation["enforcement"]) == ("vpcs", level.lower())
    assert violation["urn"].endswith("::vpc")


def test_a_file_named_after_the_stack_configures_a_pack(evaluation: Evaluation, tmp_path: Path) -> None:
    body = """
PolicyPack("company", [policy("vpcs", lambda args, report: report(str(args.get_config())) if args.name == "vpc" else None)])
"""
    folder = pack(tmp_path / "pack", body)
    (folder / "prod.json").write_text('{"vpcs": "disabled"}')
    assert [each.enforcement for each in run(evaluation, folder)[0].violations] == ["mandatory"]
    (folder / "dev.json").write_text('{"vpcs": {"enforcementLevel": "advisory", "largest": 16}}')
    (found,) = run(evaluation, folder)[0].violations
    assert (found.enforcement, "'largest': 16" in found.message) == ("advisory", True)
    (folder / "dev.json").write_text('{"vpcs": "disabled"}')
    assert run(evaluation, folder)[0].violations == ()


def test_every_mistake_in_such_a_file_is_named(evaluation: Evaluation, tmp_path: Path) -> None:
    folder = pack(tmp_path / "pack", 'PolicyPack("company", [policy("vpcs", lambda args, report: None)])\n')
    (folder / "dev.json").write_text('{"vpc": "advisory", "vpcs": "off"}')
    with pytest.raises(PackError) as caught:
        run(evaluation, folder)
    assert str(caught.value).splitlines() == [
        f"{folder / 'dev.json'}: vpc: the pack has no such policy; allowed: vpcs",
        f"{folder / 'dev.json'}: vpcs: enforcementLevel: found 'off'; allowed: mandatory, advisory, disabled. Example: \"advisory\"",
    ]
    (folder / "dev.json").write_text("{")
    with pytest.raises(PackError, match=r"dev\.json: not JSON"):
        run(evaluation, folder)
