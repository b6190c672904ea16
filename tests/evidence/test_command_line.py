"""`audit --out`, `audit verify` and `preview --out`, as people and CI start them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mastertrade.evidence.folder import WRITERS
from tests.declared import ROOT
from tests.evidence.audits import EVIDENCE_SCHEMA, SCHEMAS, problems
from tests.evidence.pulumi_files import PROVIDER_STATE, QUEUE, log, passes, state, step, summary, urn
from tests.evidence.test_ocsf import problems_of


def run(*arguments: str, seed: str = "0", given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mastertrade", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": seed},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of development."""
    folder = tmp_path_factory.mktemp("written") / "evidence"
    done = run("audit", "-s", "dev", "--out", str(folder), seed="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Evidence: {folder}/dev\n")
    return folder


def test_development_is_written_as_every_schema_says(evidence: Path) -> None:
    folder = evidence / "dev"
    assert {each.name for each in folder.iterdir()} == {*WRITERS, "manifest.json"}
    document = json.loads((folder / "evidence.json").read_text())
    assert problems(EVIDENCE_SCHEMA.name, document) == []
    assert all(each["reason"] for each in document["coverage"]), "every type without a control has its reason"
    for name in ("results.sarif", "code-scanning.sarif"):
        assert problems(next(SCHEMAS.glob("sarif-*")).name, json.loads((folder / name).read_text())) == []
    assert [each for event in json.loads((folder / "results.ocsf.json").read_text()) for each in problems_of(event)] == []


def test_places_in_sarif_exist(evidence: Path) -> None:
    (log_of_run,) = json.loads((evidence / "dev" / "results.sarif").read_text())["runs"]
    places = {
        (each["artifactLocation"]["uri"], each["region"]["startLine"])
        for result in log_of_run["results"]
        for each in [result["locations"][0]["physicalLocation"]]
    }
    assert len(places) > 20
    assert all(line <= len((ROOT / file).read_text().splitlines()) for file, line in places)


def test_preview_writes_the_same_bytes_in_another_process(evidence: Path, tmp_path: Path) -> None:
    done = run("preview", "-s", "dev", "--out", str(tmp_path / "again"), seed="2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Evidence: {tmp_path}/again/dev\n")
    one, two = ({each.name: each.read_bytes() for each in (folder / "dev").iterdir()} for folder in (evidence, tmp_path / "again"))
    assert one == two


def test_verify_tells_what_was_changed(evidence: Path) -> None:
    done = run("audit", "verify", str(evidence))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"as it was written: {len(WRITERS)} files, manifest SHA-256 [0-9a-f]{{64}}\n", done.stdout)
    file = evidence / "dev" / "results.csv"
    before = file.read_bytes()
    try:
        file.write_bytes(before.replace(b'"fail"', b'"pass"') + b" ")
        changed = run("audit", "verify", str(evidence))
    finally:
        file.write_bytes(before)
    assert changed.returncode == 3
    assert "results.csv: changed" in changed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("audit", "verify", "components"), "no evidence"),
        (("audit", "verify", "missing"), "does not exist"),
        (("audit", "-s", "dev", "verify", "components"), "takes a folder and nothing else"),
        (("audit", "--from-pulumi", "missing"), "does not exist"),
        (("audit", "--from-pulumi", "README.md", "--mode", "first"), "--mode: --from-pulumi takes stack and mode from its file"),
        (("audit", "--from-pulumi", "README.md"), "README.md: line 1: not JSON"),
        (("audit", "--from-pulumi", "README.md", "--since", "README.md"), "--since is for the page that --out writes"),
        (("preview", "--out", "x", "--no-policy-packs"), "leave one of --out and --no-policy-packs away"),
        (("audit", "-s", "dev", "--out", "components"), "which is no evidence"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_is_read_from_standard_input(tmp_path: Path) -> None:
    kept = state(QUEUE, "kept")
    file = log(tmp_path / "log", step(PROVIDER_STATE), step(kept), passes(urn(QUEUE, "kept"), "enc-sqs-queue"), summary())
    done = run("audit", "--from-pulumi", "-", given=file.read_text())
    assert done.returncode == 0, done.stderr
    assert "The lines that declare resources are not told." in done.stdout


def test_a_run_is_compared_with_the_files_that_are_named(tmp_path: Path) -> None:
    file = log(tmp_path / "log", step(PROVIDER_STATE), summary())
    done = run("audit", "--from-pulumi", str(file), "--out", str(tmp_path / "evidence"), "--since", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{file}: is no whole JSON document; allowed: an evidence.json")


def test_git_leaves_evidence_alone() -> None:
    """Evidence that is lying there would otherwise make the next evidence say that something was changed."""
    done = subprocess.run(["git", "check-ignore", "evidence/prod/evidence.json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    own = subprocess.run(["git", "check-ignore", "mastertrade/evidence/model.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert own.returncode == 1


@pytest.mark.parametrize("target", ["preview", "audit"])
def test_make_names_the_evidence_folder(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f'-m mastertrade {target} -s "prod" --out evidence' in done.stdout
