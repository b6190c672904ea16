"""`python -m mastertrade digest`, as people and pipelines start it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mastertrade.changes.markdown import MARK
from tests.changes.example import PAGE, comment, git
from tests.declared import ROOT
from tests.offline.programs import PREAMBLE, project

PROGRAM = """
kept = pulumi.ResourceOptions(provider=home, protect=True)
aws.s3.Bucket("logs", bucket="logs", opts=kept)
aws.sqs.Queue("orders", message_retention_seconds=RETENTION, opts=there)
"""
FIXTURES = Path(__file__).parent / "fixtures"


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"} | variables
    return subprocess.run(
        [sys.executable, "-m", "mastertrade", "digest", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def program(retention: int, more: str = "") -> str:
    return PREAMBLE + PROGRAM.replace("RETENTION", str(retention)) + more


def committed(folder: Path, retention: int = 1209600) -> Path:
    """A project below the top of a repository, with one commit on the branch main."""
    folder.mkdir()
    root = project(folder / "infrastructure", "", dev="config: {}", prod="config: {}")
    (root / "__main__.py").write_text(program(retention))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "begin")
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = committed(tmp_path_factory.mktemp("digest") / "repository")
    (root / "__main__.py").write_text(program(345600, 'aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=there)\n'))
    return root


@pytest.fixture(scope="module")
def told(root: Path) -> dict[str, Any]:
    done = run(root, "--base", "main", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def left_behind(root: Path) -> tuple[int, list[str]]:
    """Worktrees that git knows beside its own, and folders of ours."""
    known = git(root, "worktree", "list", "--porcelain").split("\n\n")
    return len(known) - 1, sorted(each.name for each in Path(git(root, "rev-parse", "--git-common-dir")).glob("worktrees/*"))


def test_what_changes_since_a_commit_is_told_of_every_stack(told: dict[str, Any]) -> None:
    assert (told["format"], told["after"]) == (1, "the working tree")
    assert told["before"].startswith("main (")
    assert [each["stack"] for each in told["stacks"]] == ["dev", "prod"]
    for stack in told["stacks"]:
        assert stack["counts"] == {"create": 1, "update": 1, "replace": 0, "delete": 0, "unchanged": 2}
        queue, vpc = stack["changes"]
        assert (queue["danger"], queue["name"], queue["differences"][0]["before"]) == ("data-loss", "orders", 1209600)
        assert (vpc["danger"], vpc["operation"]) == ("other", "create")


def test_nothing_is_left_behind(root: Path, told: dict[str, Any]) -> None:
    assert told
    assert left_behind(root) == (0, [])


def test_a_dangerous_change_fails_where_that_is_asked_for(root: Path) -> None:
    assert run(root, "--base", "main", "-s", "dev", "--fail-on", "exposure").returncode == 0
    failed = run(root, "--base", "main", "-s", "dev", "--fail-on", "data-loss,exposure")
    assert failed.returncode == 3
    assert "is kept for less time: messageRetentionSeconds" in failed.stdout
    assert "\x1b" not in failed.stdout


def test_a_danger_beside_a_graver_one_fails_too(root: Path, tmp_path: Path) -> None:
    old = {"urn": "urn:pulumi:prod::demo::aws:rds/cluster:Cluster::a", "custom": True, "type": "aws:rds/cluster:Cluster"}
    states = {"oldState": {**old, "inputs": {"dbClusterInstanceClass": "db.r8g.large", "deletionProtection": True}}}
    states["newState"] = {**old, "inputs": {"dbClusterInstanceClass": "db.r8g.xlarge", "deletionProtection": False}}
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": [{"op": "update", "urn": old["urn"], **states}]}))
    assert run(root, "--from-preview", str(file), "--fail-on", "cost").returncode == 3
    assert run(root, "--from-preview", str(file), "--fail-on", "outage").returncode == 0


def test_the_comment_is_written_whole(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "comment.md"
    done = run(root, "--base", "main", "-s", "dev", "--format", "markdown", "--out", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert file.read_text().startswith("<!-- mastertrade digest -->\n## Change digest: `main (")
    assert [each.name for each in tmp_path.iterdir()] == ["comment.md"]


def test_a_folder_that_is_not_there_is_one_clear_error(root: Path, tmp_path: Path) -> None:
    done = run(root, "--from-preview", str(FIXTURES / "preview.json"), "--out", str(tmp_path / "none" / "comment.md"))
    assert done.returncode == 2
    assert "--out: " in done.stderr
    assert "No such file" in done.stderr


def test_an_unknown_commit_is_one_clear_error(root: Path) -> None:
    for name in ("no-such-branch", "--upload-pack=x", "main:infrastructure"):
        done = run(root, f"--base={name}")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"--base: found '{name}'; allowed: a branch, tag or commit")
        assert done.stderr.count("\n") == 1


def test_a_folder_without_git_is_one_clear_error(tmp_path: Path) -> None:
    alone = project(tmp_path / "alone", "")
    done = run(alone, "--base", "main", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a git checkout" in done.stderr


def test_a_commit_without_the_project_is_one_clear_error(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    git(root.parent, "checkout", "--quiet", "--orphan", "empty")
    git(root.parent, "rm", "--quiet", "-r", "--cached", ".")
    git(root.parent, "commit", "--quiet", "--allow-empty", "--message", "nothing")
    done = run(root, "--base", "empty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no Pulumi.yaml" in done.stderr
    assert left_behind(root) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Compare with one of --base REF"),
        (("--base", "main", "--from-preview", str(FIXTURES / "preview.json")), "Compare with one of"),
        (("--base", "main", "--fail-on", "danger"), "--fail-on: found danger; allowed: data-loss"),
        (("--base", "main", "-s", "live"), "--stack: found 'live'; allowed: dev, prod"),
        (("-s", "dev", "--from-preview", str(FIXTURES / "preview.json")), "--stack goes with --base"),
        (("--from-stack-export", "no-such-file"), "does not exist"),
    ],
)
def test_wrong_usage_is_one_clear_error(root: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_pulumi_needs_no_git(tmp_path: Path) -> None:
    alone = project(tmp_path / "alone", "")
    done = run(alone, "--from-preview", str(FIXTURES / "preview.json"), "--fail-on", "identity")
    assert done.returncode == 0
    assert "Data loss: 3 changes" in done.stdout


def test_a_truncated_file_is_one_clear_error(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.json"
    file.write_text((FIXTURES / "stack_export.json").read_text()[:2000])
    done = run(root, "--from-stack-export", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert "it ends too early" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_fails_before_is_told_with_what_is_known(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    (root / "__main__.py").write_text(program(345600, 'aws.ec2.Vpc("stray", cidr_block="10.0.0.0/16")\n'))
    git(root, "commit", "--quiet", "--all", "--message", "break it")
    (root / "__main__.py").write_text(program(345600))
    done = run(root, "--base", "HEAD", "-s", "dev", "--format", "markdown")
    assert done.returncode == 1
    assert "the program fails before the change" in done.stdout
    assert "No changes" not in done.stdout
    broken_now = run(root, "--base", "HEAD~1", "-s", "dev")
    assert broken_now.returncode == 0


def test_wrong_settings_now_are_told_as_ever(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    (root / "Pulumi.dev.yaml").write_text("config: [")
    done = run(root, "--base", "HEAD", "-s", "dev")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Pulumi.dev.yaml: line 1" in done.stderr
    assert left_behind(root) == (0, [])


def test_stacks_that_come_and_go_are_told(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    (root / "Pulumi.prod.yaml").unlink()
    (root / "Pulumi.live.yaml").write_text("config: {}")
    done = run(root, "--base", "HEAD", "--format", "json")
    stacks = {each["stack"]: each for each in json.loads(done.stdout)["stacks"]}
    assert stacks["live"]["counts"]["create"] == 3
    assert any("the stack is new" in each for each in stacks["live"]["notes"])
    assert any("the stack file is gone" in each for each in stacks["prod"]["notes"])
    assert stacks["dev"]["changes"] == []


OLDER_TOOL = """
import pathlib, sys
for unknown in ("audit", "--no-policy-packs"):
    if unknown in sys.argv:
        sys.exit(f"Error: No such {'option' if unknown.startswith('-') else 'command'} '{unknown}'.")
print(pathlib.Path("recorded.json").read_text())
"""


def test_a_version_whose_tool_is_older_is_compared_as_far_as_it_tells(tmp_path: Path) -> None:
    root = committed(tmp_path / "repository")
    recorded = [sys.executable, "-m", "mastertrade", "preview", "-s", "dev", "--json"]
    document = subprocess.run(recorded, cwd=root, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    (root / "recorded.json").write_text(document.stdout)
    (root / "mastertrade").mkdir()
    (root / "mastertrade" / "__init__.py").touch()
    (root / "mastertrade" / "__main__.py").write_text(OLDER_TOOL)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "an older tool")
    shutil.rmtree(root / "mastertrade")
    (root / "__main__.py").write_text(program(345600))
    done = run(root, "--base", "HEAD", "-s", "dev", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (stack,) = json.loads(done.stdout)["stacks"]
    assert [(each["name"], each["danger"]) for each in stack["changes"]] == [("orders", "data-loss")]
    assert stack["notes"] == ["what controls said before is not known: the tool of that version has no `audit --json`"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    root = committed(tmp_path / "repository")
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    # the program waits where nobody will answer it, after it has said that it runs
    (root / "__main__.py").write_text(f"import pathlib, time\npathlib.Path({str(ready)!r}).write_text('x')\ntime.sleep(600)\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "mastertrade", "digest", "--base", "main", "-s", "dev"]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as running:
        ready.read_text()
        assert len(list(scratch.iterdir())) == 1, "the other version is checked out"
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert said == "Interrupted.\n"
    assert list(scratch.iterdir()) == []
    assert left_behind(root) == (0, [])


PASSING = re.compile(r"\([0-9a-f]{12}\)|(?<=\.py:)\d+|\d+(?= \|$)", re.MULTILINE)
"""What every commit changes of a comment: the commit, lines of files, and how many resources stay as they are."""


def test_the_comment_in_the_documents_is_what_the_project_itself_tells_of_that_change(tmp_path: Path) -> None:
    """And of nothing else: whatever the two versions of production differed in besides would be a line more."""
    assert PASSING.sub("…", comment(tmp_path)) == PASSING.sub("…", PAGE.read_text(encoding="utf-8"))


def test_the_example_is_worth_showing() -> None:
    told = PAGE.read_text(encoding="utf-8")
    assert told.startswith(MARK)
    for heading in ("### Data loss: 2 changes", "### Exposure: 4 changes", "<summary>Cost: 5 changes</summary>", "### Policies: 8 worse"):
        assert heading in told
