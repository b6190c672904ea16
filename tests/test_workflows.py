"""The workflows for whoever adopts the platform: pinned, with few rights, and calling commands that exist."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from mastertrade.changes.markdown import LIMIT, MARK
from mastertrade.cli import cli
from mastertrade.offline import stacks_of
from tests.declared import ROOT
from tests.real.servers import missing, program

LINTER = ROOT / "tests" / "actionlint"
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WORKFLOWS: dict[str, dict[Any, Any]] = {file.stem: yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES}
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION = re.compile(r" # v\d+\.\d+\.\d+")
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
COMMAND = re.compile(r"-m mastertrade (.*)$", re.MULTILINE)
MAKE = re.compile(r"^\s*make (.*)$", re.MULTILINE)

every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def triggers(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the word `on` as true
    stated = WORKFLOWS[name][True]
    return stated if isinstance(stated, dict) else dict.fromkeys([stated] if isinstance(stated, str) else stated)


def jobs(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from WORKFLOWS[name]["jobs"].items()


def steps(name: str) -> Iterator[dict[str, Any]]:
    for _, job in jobs(name):
        yield from job["steps"]


def scripts(name: str) -> Iterator[str]:
    """What the shell runs, lines that go on put together."""
    for step in steps(name):
        if "run" in step:
            yield step["run"].replace("\\\n", " ")


def commands(pattern: re.Pattern[str]) -> list[str]:
    return sorted({each.strip() for name in WORKFLOWS for script in scripts(name) for each in pattern.findall(script)})


def test_there_is_one_for_reviews_deployments_drift_and_evidence() -> None:
    assert set(WORKFLOWS) == {"pull-request", "deploy", "drift", "evidence"}


@every_workflow
def test_every_action_is_pinned_by_commit_and_names_its_version(name: str) -> None:
    found = USES.findall((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert len(found) == sum("uses" in each for each in steps(name)) > 0
    for action, comment in found:
        if action.startswith("./"):
            assert (ROOT / action / "action.yml").is_file()
            continue
        assert PINNED.fullmatch(action), action
        assert VERSION.fullmatch(comment), f"{action}{comment}"


def test_an_action_has_one_commit_everywhere() -> None:
    commits: dict[str, set[str]] = {}
    for file in FILES:
        for action, comment in USES.findall(file.read_text(encoding="utf-8")):
            owner, _, commit = action.partition("@")
            commits.setdefault(owner, set()).add(commit + comment)
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


@every_workflow
def test_permissions_are_none_but_those_that_each_job_states(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    for job, stated in jobs(name):
        assert isinstance(stated["permissions"], dict), job
        assert stated["permissions"].get("contents", "read") == "read", job


@every_workflow
def test_every_job_ends_and_runs_of_one_kind_wait_for_one_another(name: str) -> None:
    assert WORKFLOWS[name]["concurrency"]["group"]
    for job, stated in jobs(name):
        assert 0 < stated["timeout-minutes"] <= 180, job


def test_an_update_under_way_is_never_cancelled() -> None:
    assert WORKFLOWS["deploy"]["concurrency"] == {"group": "deploy-${{ inputs.stack }}", "cancel-in-progress": False}


def test_pull_requests_see_no_secret_and_no_credential() -> None:
    of_strangers = [name for name in WORKFLOWS if "pull_request" in triggers(name)]
    assert of_strangers == ["pull-request"]
    for name in of_strangers:
        text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
        assert not any(re.search(r"\b(secrets|vars)\b", each) for each in EXPRESSION.findall(text))
        for job, stated in jobs(name):
            assert "environment" not in stated, job
            assert "id-token" not in stated["permissions"], job


def test_no_workflow_runs_with_more_rights_on_what_a_stranger_wrote() -> None:
    for name in WORKFLOWS:
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers(name))


def test_whoever_may_write_runs_no_code_of_the_pull_request_and_nothing_of_forks() -> None:
    writing = [(job, each) for job, each in jobs("pull-request") if "write" in each["permissions"].values()]
    assert [job for job, _ in writing] == ["comment", "alerts"]
    for _, stated in writing:
        assert "github.event.pull_request.head.repo.full_name == github.repository" in stated["if"]
        assert not any("run" in step or "checkout" in step["uses"] for step in stated["steps"])


@every_workflow
def test_no_text_of_somebody_else_gets_into_a_script(name: str) -> None:
    """An expression is put into a script before the shell reads it: what may be anybody's text comes as a variable."""
    for step in steps(name):
        for script in (step.get("run", ""), step.get("with", {}).get("script", "")):
            assert EXPRESSION.findall(script) == []


@every_workflow
def test_no_token_is_left_beside_the_code(name: str) -> None:
    for step in steps(name):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_credentials_are_taken_in_an_environment_and_by_no_stored_key() -> None:
    for name in WORKFLOWS:
        assert "secrets" not in " ".join(EXPRESSION.findall((FOLDER / f"{name}.yml").read_text(encoding="utf-8")))
        for job, stated in jobs(name):
            takes = any("configure-aws-credentials" in step.get("uses", "") for step in stated["steps"])
            assert takes == (stated["permissions"].get("id-token") == "write") == ("environment" in stated), job


def test_nothing_is_deployed_but_the_plan_that_was_approved() -> None:
    plan, up = (job for _, job in jobs("deploy"))
    assert "--save-plan plan.json" in plan["steps"][-2]["run"]
    assert up["needs"] == "plan"
    (deploying,) = [step["run"] for step in up["steps"] if "pulumi up" in step.get("run", "")]
    assert "--plan plan.json" in deploying
    assert (plan["environment"], up["environment"]) == ("${{ inputs.stack }}-preview", "${{ inputs.stack }}")


def test_what_was_deployed_is_looked_at_afterwards() -> None:
    steps_of_up = WORKFLOWS["deploy"]["jobs"]["up"]["steps"]
    assert "pulumi up" in steps_of_up[-2]["run"]
    assert "pulumi preview" in steps_of_up[-1]["run"]
    assert "--refresh --expect-no-changes" in steps_of_up[-1]["run"]


def test_pulumi_is_installed_by_the_checked_action_and_no_other() -> None:
    for name in WORKFLOWS:
        for job, stated in jobs(name):
            runs = [number for number, step in enumerate(stated["steps"]) if re.search(r"\bpulumi ", step.get("run", ""))]
            installs = [number for number, step in enumerate(stated["steps"]) if "pulumi" in step.get("uses", "")]
            assert [stated["steps"][each]["uses"] for each in installs] == ["./.github/actions/pulumi"] * bool(runs), job
            assert not runs or installs[0] < runs[0], job


@pytest.mark.parametrize(("code", "told"), [(0, "no"), (7, "yes"), (1, None), (255, None)])
def test_drift_is_told_from_errors_by_exit_code(tmp_path: Path, code: int, told: str | None) -> None:
    """7 is what Pulumi ends with where no changes were expected, and there are some (pulumi/pulumi#22176)."""
    (script,) = [each for each in scripts("drift") if "pulumi refresh" in each]
    stand_in = tmp_path / "pulumi"
    stand_in.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "STACK": "dev"}
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False)
    answer = tmp_path / "drift" / "drifted"
    assert (answer.read_text(encoding="utf-8").strip() if answer.exists() else None) == told
    assert done.returncode == (0 if told else code)


def test_the_comment_is_known_again_by_the_first_line_of_every_digest() -> None:
    (script,) = [step["with"]["script"] for step in steps("pull-request") if "script" in step.get("with", {})]
    assert f'const marker = "{MARK}"' in script
    assert f"const longest = {LIMIT};" in script


def test_alerts_are_only_of_what_fails() -> None:
    (upload,) = [step["with"] for step in steps("pull-request") if "upload-sarif" in step.get("uses", "")]
    assert upload["sarif_file"] == "evidence/${{ matrix.stack }}/code-scanning.sarif"


def test_every_stack_is_looked_at() -> None:
    stacks = set(stacks_of(ROOT))
    assert set(triggers("deploy")["workflow_dispatch"]["inputs"]["stack"]["options"]) == stacks
    matrices = [job["strategy"]["matrix"]["stack"] for name in WORKFLOWS for _, job in jobs(name) if "strategy" in job]
    assert len(matrices) == 2
    assert all(set(each) == stacks for each in matrices)


@pytest.mark.parametrize("line", commands(COMMAND))
def test_every_command_exists(line: str) -> None:
    words = shlex.split(line)
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"mastertrade has no command '{words[0]}' ({line})"
        command, words = found, words[1:]
    _, surplus, _ = command.make_parser(click.Context(command)).parse_args(words)
    assert surplus == [], f"{command.name} takes no '{surplus}' ({line})"


@pytest.mark.parametrize("line", commands(MAKE))
def test_every_target_exists(line: str) -> None:
    done = subprocess.run(["make", "--dry-run", *shlex.split(line)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_workflows_do_what_they_are_for() -> None:
    for expected in (
        "preview --all-stacks --mode first",
        "audit --all-stacks --out evidence",
        "audit verify",
        "digest --base",
        "permissions --stack",
    ):
        assert any(each.startswith(expected) for each in commands(COMMAND)), expected


def test_actionlint_has_nothing_to_say() -> None:
    go = program("go", package="golang")
    # A module that is not there yet is not fetched unannounced
    environment = os.environ | {"GOPROXY": "off", "GOWORK": "off"}
    known = subprocess.run(
        [go, "-C", LINTER, "tool", "actionlint", "-version"], env=environment, capture_output=True, text=True, check=False
    )
    if known.returncode != 0:
        missing(f"actionlint has not been built: go -C {LINTER.relative_to(ROOT)} tool actionlint -version")
    done = subprocess.run(
        [go, "-C", LINTER, "tool", "actionlint", "-no-color", *FILES], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
