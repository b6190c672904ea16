"""`mastertrade audit --since FILE`: what the page compares with, and which files are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastertrade.audit import audit_stacks
from mastertrade.evidence.document import document, to_json
from mastertrade.evidence.earlier import read_earlier
from mastertrade.evidence.folder import EvidenceError
from tests.declared import ROOT
from tests.evidence.demo import DEMO
from tests.offline.programs import project


def saved(folder: Path, content: str, name: str = "earlier.json") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def refused(*files: Path) -> list[str]:
    """What is told about files of which not all can be used."""
    with pytest.raises(EvidenceError) as caught:
        read_earlier(files, project="demo", stacks=("prod", "dev"))
    return str(caught.value).splitlines()


def altered(**changes: Any) -> str:
    return to_json({**document(DEMO), **changes})


def test_evidence_is_kept_by_its_stack(tmp_path: Path) -> None:
    prod, dev = saved(tmp_path, to_json(document(DEMO))), saved(tmp_path, to_json(document(replace(DEMO, stack="dev"))), "dev.json")
    found = read_earlier([prod, dev, prod], project="demo", stacks=("prod", "dev", "staging"))
    assert {stack: len(documents) for stack, documents in found.items()} == {"prod": 2, "dev": 1, "staging": 0}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is no whole JSON document"),
        (to_json(document(DEMO))[:-200], "is no whole JSON document"),
        ("[" * 100_000, "is no whole JSON document"),
        ("[]", "is no evidence of format 1 (the document:"),
        ('{"version": "2.1.0", "runs": []}', "is no evidence of format 1 (format:"),
        (altered(format=2), "is no evidence of format 1 (format:"),
        (altered(verdicts=[{"control": "enc-rds-storage"}]), "is no evidence of format 1 (verdicts.0.urn:"),
        (to_json(document(DEMO)).replace('"state": "pass"', '"state": "great"'), "is no evidence of format 1 (verdicts.0.state:"),
        (altered(controls=[]), "has a verdict of 'enc-rds-storage', which is none of its controls"),
        (altered(project="other"), "found evidence of 'other', stack 'prod'; allowed: evidence of 'demo', stack 'prod' or 'dev'"),
        (altered(stack="staging"), "found evidence of 'demo', stack 'staging'; allowed: evidence of 'demo', stack 'prod' or 'dev'"),
    ],
)
def test_a_file_that_is_no_such_evidence_is_one_line(tmp_path: Path, content: str, told: str) -> None:
    file = saved(tmp_path, content)
    (line,) = refused(file)
    assert line.startswith(f"{file}: {told}")
    assert "allowed: " in line


def test_all_wrong_files_are_told_at_once(tmp_path: Path) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    lines = refused(saved(tmp_path, "{}"), tmp_path / "none.json", binary)
    assert [line.partition(": ")[0].rpartition("/")[2] for line in lines] == ["earlier.json", "none.json", "binary.json"]
    assert "cannot be read (No such file or directory)" in lines[1]


def test_an_audit_compares_with_the_evidence_of_an_earlier_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = project(tmp_path / "project", 'aws.sqs.Queue("plain", opts=there)')
    pack, out = (ROOT / "policies" / "encryption",), tmp_path / "evidence"
    audit_stacks(demo, ("dev",), "simulated", packs=pack, out=out)
    first = (out / "dev" / "evidence.json").read_bytes()
    kept = tmp_path / "kept.json"
    kept.write_bytes(first)
    assert '<script type="application/json" id="earlier">[]<' in (out / "dev" / "index.html").read_text(encoding="utf-8")

    assert audit_stacks(demo, ("dev",), "simulated", packs=pack, out=out, since=(kept,)) == 3
    assert '<script type="application/json" id="earlier">[{"project":"demo"' in (out / "dev" / "index.html").read_text(encoding="utf-8")
    assert (out / "dev" / "evidence.json").read_bytes() == first, "what it is compared with is no part of evidence"
    assert "index.html" in json.loads((out / "dev" / "manifest.json").read_text())["sha256"]

    capsys.readouterr()
    kept.write_text("{}")
    assert audit_stacks(demo, ("dev",), "simulated", packs=pack, out=out, since=(kept,)) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1), "refused before anything is evaluated"
