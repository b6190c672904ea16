"""`mastertrade manifests` writes what a stack declares on one cluster, as YAML that other tools read."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mastertrade import manifests
from mastertrade.cli import cli
from mastertrade.manifests import manifests_of
from mastertrade.offline import masked
from tests.declared import ROOT, declare


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mastertrade", "manifests", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def written() -> subprocess.CompletedProcess[str]:
    return run("-s", "dev")


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command in this process, about stacks that other tests have declared. Returns the exit code."""
    monkeypatch.setattr(manifests, "evaluate", lambda _, stack: declare(stack).evaluation)
    monkeypatch.chdir(ROOT)
    return lambda *arguments: cli.main(["manifests", *arguments], standalone_mode=False)()


def objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_everything_that_is_declared_on_the_cluster_is_written_unchanged(written: subprocess.CompletedProcess[str]) -> None:
    assert (written.returncode, written.stderr) == (0, "")
    declared = [masked(each.inputs) for each in declare("dev").resources if each.type.startswith("kubernetes:")]
    found = objects(written.stdout)
    assert len(found) == len(declared) > 50
    assert all(each in declared for each in found)


def test_namespaces_come_before_what_lies_in_them(written: subprocess.CompletedProcess[str]) -> None:
    kinds = [each["kind"] for each in objects(written.stdout)]
    assert kinds.index("Namespace") == 0
    assert kinds.count("Namespace") == len([kind for kind in kinds[: kinds.count("Namespace")] if kind == "Namespace"])


def test_text_of_several_lines_stays_readable(written: subprocess.CompletedProcess[str]) -> None:
    assert "  lease.sql: |\n" in written.stdout


def test_the_same_is_written_in_each_process(
    written: subprocess.CompletedProcess[str], run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here("-s", "dev", "--region", "us-east-1") == 0
    assert capsys.readouterr().out == written.stdout


def kind_and_name(each: dict[str, Any]) -> tuple[str, str]:
    """Files that differ between regions are named after their content."""
    return each["kind"], re.sub(r"-[0-9a-f]{8}$", "", each["metadata"]["name"])


def test_regions_have_their_own_objects() -> None:
    evaluation = declare("prod").evaluation
    east, west = (manifests_of(evaluation, region) for region in ("us-east-1", "us-west-2"))
    assert [kind_and_name(each) for each in east] == [kind_and_name(each) for each in west]
    assert "dkr.ecr.us-west-2" not in str(east)
    assert "dkr.ecr.us-east-1" not in str(west)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-s", "prod"), "--region: stack 'prod' has clusters in several regions; allowed: us-east-1, us-west-2"),
        (("-s", "dev", "--region", "eu-west-1"), "--region: 'eu-west-1' has no cluster in stack 'dev'; allowed: us-east-1"),
    ],
    ids=["no region", "unknown region"],
)
def test_a_region_that_is_missing_is_said_once(
    arguments: tuple[str, ...], told: str, run_here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(told)
    assert said.err.count("\n") == 1


def test_a_stack_that_is_not_there_is_exit_code_2() -> None:
    done = run("-s", "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert "none" in done.stderr
    assert "Traceback" not in done.stderr
