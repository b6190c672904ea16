"""Folders of evidence: whole or not at all, the same bytes each time, and every change noticed."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mastertrade.evidence import folder as folders
from mastertrade.evidence.folder import WRITERS, EvidenceError, write_evidence
from mastertrade.evidence.manifest import verify
from mastertrade.evidence.model import Audit
from tests.evidence.audits import audit
from tests.evidence.demo import large


def content(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    folder = tmp_path / "evidence"
    write_evidence([audit(stack="dev"), audit()], folder)
    return folder


def test_every_stack_has_every_file_and_a_manifest(evidence: Path) -> None:
    assert set(content(evidence)) == {f"{stack}/{name}" for stack in ("dev", "prod") for name in (*WRITERS, "manifest.json")}


def test_the_same_audit_is_the_same_bytes(evidence: Path, tmp_path: Path) -> None:
    write_evidence([audit(stack="dev"), audit()], tmp_path / "again")
    assert content(tmp_path / "again") == content(evidence)


def test_evidence_of_the_same_stack_is_replaced_and_of_others_kept(evidence: Path) -> None:
    before = content(evidence)
    write_evidence([audit(mode="first")], evidence)
    after = content(evidence)
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} >= {"prod/evidence.json", "prod/manifest.json"}
    assert all(after[name] == before[name] for name in after if name.startswith("dev/"))


def test_a_writer_that_fails_leaves_the_old_folder_as_it_was(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(audited: Audit) -> str:
        raise RuntimeError(audited.stack)

    before = content(evidence)
    monkeypatch.setattr(folders, "WRITERS", {**WRITERS, "results.csv": fails})
    with pytest.raises(RuntimeError):
        write_evidence([audit(mode="first")], evidence)
    assert content(evidence) == before
    assert [each.name for each in evidence.parent.iterdir()] == ["evidence"], "nothing is left beside it"


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(evidence: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(target))

    before = content(evidence)
    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(EvidenceError, match="cannot be written: Permission denied"):
        write_evidence([audit(mode="first")], evidence)
    assert content(evidence) == before
    assert [each.name for each in evidence.parent.iterdir()] == ["evidence"]


@pytest.mark.parametrize(
    ("place", "named"), [("thesis.txt", "thesis.txt"), ("prod/notes.txt", "prod/notes.txt"), ("other/thesis.txt", "other")]
)
def test_a_folder_with_something_else_in_it_is_refused(evidence: Path, place: str, named: str) -> None:
    (evidence / place).parent.mkdir(exist_ok=True)
    (evidence / place).write_text("years of work")
    before = content(evidence)
    with pytest.raises(EvidenceError, match=named):
        write_evidence([audit()], evidence)
    assert content(evidence) == before


def test_what_a_file_manager_leaves_is_in_nobodys_way(evidence: Path) -> None:
    (evidence / ".DS_Store").write_text("")
    write_evidence([audit()], evidence)


def test_untouched_evidence_is_as_it_was_written(evidence: Path) -> None:
    assert [(each.folder.name, each.files, each.differences) for each in verify(evidence)] == [
        ("dev", len(WRITERS), ()),
        ("prod", len(WRITERS), ()),
    ]
    assert verify(evidence / "prod")[0].digest == verify(evidence)[1].digest


def test_changed_missing_and_extra_files_are_named_all_at_once(evidence: Path) -> None:
    with (evidence / "prod" / "results.csv").open("a") as file:
        file.write(" ")
    (evidence / "prod" / "evidence.json").unlink()
    (evidence / "prod" / "notes.txt").write_text("")
    (evidence / "dev" / "results.sarif").write_text("{}")
    dev, prod = verify(evidence)
    assert [each.partition(": SHA")[0] for each in dev.differences] == ["results.sarif: changed"]
    assert [each.partition(": SHA")[0] for each in prod.differences] == [
        "evidence.json: missing",
        "notes.txt: extra: the manifest does not name it",
        "results.csv: changed",
    ]


def _link(folder: Path) -> None:
    target = folder.parent / ".elsewhere"
    (folder / "results.csv").rename(target)
    (folder / "results.csv").symlink_to(target)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file became a link to the same bytes": _link,
    "a file became a folder": lambda folder: ((folder / "results.csv").unlink(), (folder / "results.csv").mkdir()),
    "a folder was added": lambda folder: (folder / "more").mkdir(),
    "the manifest is gone": lambda folder: (folder / "manifest.json").unlink(),
    "the manifest is no JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "the manifest has no sums": lambda folder: (folder / "manifest.json").write_text('{"sha256": {"a": 1}}'),
    "the manifest names another place": lambda folder: (folder / "manifest.json").write_text(
        json.dumps({"sha256": {"../dev/results.csv": "0" * 64}})
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_no_other_change_goes_unnoticed(evidence: Path, change: Callable[[Path], object]) -> None:
    change(evidence / "prod")
    dev, prod = verify(evidence)
    assert (dev.differences, bool(prod.differences)) == ((), True)


def test_a_stray_file_beside_the_stacks_is_named(evidence: Path) -> None:
    (evidence / "notes.txt").write_text("")
    assert [each.folder.name for each in verify(evidence) if each.differences] == ["notes.txt"]


def test_a_folder_without_a_manifest_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no evidence"):
        verify(tmp_path)


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match="cannot be written"):
        write_evidence([audit()], tmp_path / "file" / "evidence")


def test_ten_thousand_verdicts_are_written_in_a_few_seconds(tmp_path: Path) -> None:
    started = time.process_time()
    write_evidence([large(10_000)], tmp_path / "evidence")
    assert time.process_time() - started < 5
    assert verify(tmp_path / "evidence")[0].differences == ()
