"""Files of Pulumi's own command line are read as it writes them, and whatever else is given is one clear error."""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mastertrade.changes.comparing import compare
from mastertrade.changes.digest import digest_preview, digest_stack_export, run_digest
from mastertrade.changes.document import as_json
from mastertrade.changes.markdown import as_markdown
from mastertrade.changes.model import Danger, DigestError, Operation
from mastertrade.changes.pulumi_preview import read_preview
from mastertrade.changes.sides import Side
from mastertrade.changes.stack_export import comparable, read_stack_export
from tests.changes.changing import production
from tests.offline.programs import project

FIXTURES = Path(__file__).parent / "fixtures"
EXPORT, PREVIEW = FIXTURES / "stack_export.json", FIXTURES / "preview.json"
PROGRAM = """
key = aws.kms.Key("key", enable_key_rotation=True, deletion_window_in_days=30, opts=there)
aws.sqs.Queue("orders", kms_master_key_id=key.arn, message_retention_seconds=RETENTION, opts=there)
word = random.RandomPassword("word", length=20)
kept = pulumi.ResourceOptions(provider=home, protect=True)
secret = aws.secretsmanager.Secret("secret", name="demo", recovery_window_in_days=30, opts=kept)
aws.secretsmanager.SecretVersion("version", secret_id=secret.id, secret_string=word.result, opts=there)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("deployed") / "project", PROGRAM.replace("RETENTION", "345600"))


def test_a_stack_export_is_compared_with_the_program(root: Path) -> None:
    (found,) = digest_stack_export(root, EXPORT).stacks
    assert {(each.name, each.operation) for each in found.changes} == {("gone", Operation.DELETE), ("orders", Operation.UPDATE)}
    orders = next(each for each in found.changes if each.name == "orders")
    (difference,) = orders.differences
    assert (difference.path, difference.before, difference.after) == ("messageRetentionSeconds", 1209600, 345600)
    assert [each.danger for each in found.changes] == [Danger.DATA_LOSS, Danger.DATA_LOSS]
    assert any("1 resources still wait" in each for each in found.notes)


def test_nothing_of_a_secret_is_told(root: Path) -> None:
    found = digest_stack_export(root, EXPORT)
    for text in (as_json(found), as_markdown(found)):
        assert "ciphertext" not in text
        assert not re.search(r"v1:|c2Vjcm", text)


def test_plain_secrets_of_an_export_are_masked_too(tmp_path: Path) -> None:
    document = json.loads(EXPORT.read_text())
    secret = document["deployment"]["resources"][6]["inputs"]["secretString"]
    secret["plaintext"] = json.dumps("hunter22")
    del secret["ciphertext"]
    document["deployment"]["resources"].append({**document["deployment"]["resources"][6], "urn": "urn:pulumi:dev::demo::a:b/c:D::more"})
    file = tmp_path / "state.json"
    file.write_text(json.dumps(document))
    shown = [each.inputs for each in read_stack_export(file).resources]
    assert "hunter22" not in json.dumps(shown)
    assert "[secret]" in json.dumps(shown)


def test_real_identifiers_are_the_simulated_ones_by_another_name() -> None:
    """The whole of production, as if a real cloud had named everything."""
    present = production()
    accounts = str.maketrans("0123456789abcdef", "9876543210fedcba")

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(
                r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{17}\b|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])",
                lambda it: it[0].translate(accounts),
                value,
            )
        if isinstance(value, dict):
            return {name: renamed(each) for name, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list) else value

    real = tuple(
        replace(each, inputs=renamed(each.inputs), outputs=renamed(each.outputs), id=renamed(each.id)) for each in present.resources
    )
    assert sum(one.inputs != other.inputs for one, other in zip(real, present.resources, strict=True)) > 300
    deployed = read_stack_export(EXPORT)
    side = comparable(replace(deployed, stack="prod", project="mastertrade", resources=real), present)
    assert compare(side, present).changes == ()


def _with_what_pulumi_adds(file: Path, *, region: str = "us-east-1") -> Path:
    """The export with what the engine and pulumi-aws add to what a program states."""
    document = json.loads(EXPORT.read_text())
    resources = document["deployment"]["resources"]
    default = {
        "urn": "urn:pulumi:dev::demo::pulumi:providers:random::default_4_21_4",
        "custom": True,
        "id": "f1a34ca7-b40e-47f9-91f7-51e97471f869",
        "type": "pulumi:providers:random",
        "inputs": {"__internal": {}, "version": "4.21.4"},
        "outputs": {"version": "4.21.4"},
    }
    for each in resources:
        if each["type"].startswith("aws:") and each.get("inputs"):
            each["inputs"] |= {"region": region, "tagsAll": {"platform": "test"}}
        elif each["type"].startswith("random:"):
            each["provider"] = f"{default['urn']}::{default['id']}"
    resources.insert(1, default)
    file.write_text(json.dumps(document))
    return file


def test_what_pulumi_adds_by_itself_is_no_change(root: Path, tmp_path: Path) -> None:
    plain, added = (digest_stack_export(root, file).stacks[0] for file in (EXPORT, _with_what_pulumi_adds(tmp_path / "state.json")))
    assert [(each.name, each.operation) for each in added.changes] == [(each.name, each.operation) for each in plain.changes]
    (difference,) = next(each for each in added.changes if each.name == "orders").differences
    assert difference.path == "messageRetentionSeconds"


def test_another_region_than_the_providers_was_stated(root: Path, tmp_path: Path) -> None:
    (found,) = digest_stack_export(root, _with_what_pulumi_adds(tmp_path / "state.json", region="eu-west-1")).stacks
    key = next(each for each in found.changes if each.name == "key")
    assert (key.operation, [each.path for each in key.differences]) == (Operation.REPLACE, ["region"])


def test_what_only_looks_different_is_said_to(root: Path, tmp_path: Path) -> None:
    document = json.loads(EXPORT.read_text())
    document["deployment"]["resources"][3]["inputs"]["kmsMasterKeyId"] += "-of-another-form"
    file = tmp_path / "state.json"
    file.write_text(json.dumps(document))
    (found,) = digest_stack_export(root, file).stacks
    differences = {each.path: each for change in found.changes for each in change.differences}
    assert differences["kmsMasterKeyId"].follows
    assert not differences["messageRetentionSeconds"].follows


def test_an_export_of_another_stack_is_refused(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(EXPORT.read_text().replace("urn:pulumi:dev::", "urn:pulumi:live::"))
    with pytest.raises(DigestError, match="found the stack 'live'; allowed: dev"):
        digest_stack_export(root, file)


def test_a_preview_that_failed_is_no_good_news(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(PREVIEW.read_text())
    document["diagnostics"].append({"message": "error: preview failed\n", "severity": "error"})
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(document))
    assert run_digest(tmp_path, base=None, export=None, preview=file, stacks=(), form="terminal", out=None, fail_on=()) == 1
    told = capsys.readouterr().out
    assert "preview failed" in told
    assert "database" in told, "what was reached is shown"


def test_a_preview_is_ranked_as_pulumi_tells_it() -> None:
    found = read_preview(PREVIEW)
    assert (found.stack, found.unchanged) == ("prod", 1)
    told = {(each.name, each.operation, each.danger) for each in found.changes}
    assert told == {
        ("database", Operation.REPLACE, Danger.DATA_LOSS),
        ("kept", Operation.UPDATE, Danger.DATA_LOSS),
        ("orders", Operation.DELETE, Danger.DATA_LOSS),
        ("everybody", Operation.CREATE, Danger.EXPOSURE),
    }
    database = next(each for each in found.changes if each.name == "database")
    assert database.refused
    assert [(each.path, each.before, each.after, each.replaces) for each in database.differences] == [
        ("storageEncrypted", False, True, "always")
    ]
    everybody = next(each for each in found.changes if each.name == "everybody")
    assert everybody.reasons[0].found == ("ingress tcp 22 from 0.0.0.0/0",)


@pytest.mark.parametrize(
    ("order", "danger"),
    [
        (("create-replacement", "replace", "delete-replaced"), Danger.OTHER),
        (("delete-replaced", "replace", "create-replacement"), Danger.OUTAGE),
    ],
)
def test_the_order_of_a_preview_tells_whether_something_is_missing_meanwhile(
    tmp_path: Path, order: tuple[str, ...], danger: Danger
) -> None:
    urn = "urn:pulumi:prod::demo::kubernetes:core/v1:ConfigMap::files"

    def state(name: str, text: str) -> dict[str, Any]:
        inputs = {"metadata": {"name": name}, "data": {"a": text}, "immutable": True}
        return {"urn": urn, "custom": True, "type": "kubernetes:core/v1:ConfigMap", "inputs": inputs}

    states = {"oldState": state("files-0123abcd", "x"), "newState": state("files-4567cdef", "y")}
    kinds = {"metadata.name": {"kind": "update-replace"}, "data": {"kind": "update-replace"}}
    steps = [
        {"op": name, "urn": urn, "detailedDiff": kinds, **({"oldState": states["oldState"]} if name == "delete-replaced" else states)}
        for name in order
    ]
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": steps}))
    (change,) = read_preview(file).changes
    assert (change.operation, change.danger) == (Operation.REPLACE, danger)


def test_a_preview_that_changes_nothing_is_read(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text('{"changeSummary": {"same": 12}, "duration": 1}')
    (found,) = digest_preview(file).stacks
    assert (found.changes, found.unchanged) == ((), 12)


@pytest.mark.parametrize(("encoding", "mark"), [("utf-16-le", codecs.BOM_UTF16_LE), ("utf-8", codecs.BOM_UTF8)])
def test_files_that_powershell_writes_are_read(tmp_path: Path, encoding: str, mark: bytes) -> None:
    file = tmp_path / "preview.json"
    file.write_bytes(mark + PREVIEW.read_text().encode(encoding))
    assert read_preview(file).stack == "prod"


TRUNCATED = "line .*: it ends too early, or is not JSON"
FOREIGN: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "empty": (read_stack_export, "", TRUNCATED),
    "cut": (read_stack_export, EXPORT.read_text()[:3000], TRUNCATED),
    "preview cut": (read_preview, PREVIEW.read_text()[:3000], TRUNCATED),
    "text": (read_preview, "Previewing update (prod)\n", "line 1: it is not JSON"),
    "list": (read_preview, "[]", "found a list: expected what `pulumi preview --json` writes"),
    "deep": (read_preview, "[" * 200_000, "nested too deep"),
    "not a number": (read_preview, '{"steps": [NaN]}', "nested too deep, or with numbers"),
    "other tool": (read_stack_export, '{"terraform_version": "1.9.0", "resources": []}', "deployment: found null; allowed: a mapping"),
    "other document": (read_preview, '{"format": 1, "stacks": []}', "steps: found null; allowed: a list of steps"),
    "preview as export": (read_stack_export, PREVIEW.read_text(), "read a preview with --from-preview"),
    "export as preview": (read_preview, EXPORT.read_text(), "read a stack export with --from-stack-export"),
    "events": (read_preview, '{"sequence": 0, "timestamp": 1}', "a log of events"),
    "old version": (read_stack_export, '{"version": 1, "deployment": {"resources": []}}', "version: found 1; allowed: 3 or 4"),
    "no resources": (read_stack_export, '{"version": 3, "deployment": {"resources": []}}', "at least the stack itself"),
    "resources of a wrong kind": (read_stack_export, '{"version": 3, "deployment": {"resources": [1]}}', "a list of mappings"),
    "no URN": (
        read_stack_export,
        '{"version": 3, "deployment": {"resources": [{"urn": "x"}]}}',
        r"resources\[0\].urn: found \"x\"; allowed: urn:pulumi",
    ),
    "inputs of a wrong kind": (
        read_stack_export,
        '{"version": 3, "deployment": {"resources": [{"urn": "urn:pulumi:a::b::c:d/e:F::g", "inputs": []}]}}',
        r"resources\[0\].inputs: found \[\]; allowed: a mapping",
    ),
    "unknown operation": (
        read_preview,
        '{"steps": [{"op": "explode", "urn": "urn:pulumi:a::b::c:d/e:F::g"}]}',
        r"steps\[0\].op: found \"explode\"; allowed: create",
    ),
    "state of a wrong kind": (
        read_preview,
        '{"steps": [{"op": "same", "urn": "urn:pulumi:a::b::c:d/e:F::g", "newState": 7}]}',
        "allowed: a mapping",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_truncated_and_foreign_files_are_one_clear_error(tmp_path: Path, name: str) -> None:
    read, text, message = FOREIGN[name]
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(DigestError, match=message) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert len(str(raised.value).splitlines()) == 1


def test_bytes_that_are_no_text_are_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(b"\x80\x81\x82")
    with pytest.raises(DigestError, match="not text"):
        read_preview(file)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": [{"op": "a", "urn": "b"}] * 20}))
    with pytest.raises(DigestError) as raised:
        read_preview(file)
    assert str(raised.value).count("\n") == 10
    assert str(raised.value).endswith("and 30 more")


@pytest.mark.parametrize("place", range(0, 5000, 611))
def test_whatever_is_cut_off_is_no_traceback(tmp_path: Path, place: int) -> None:
    for source, read in ((EXPORT, read_stack_export), (PREVIEW, read_preview)):
        file = tmp_path / "file.json"
        file.write_text(source.read_text()[:place])
        with pytest.raises(DigestError):
            read(file)


def test_odd_values_in_place_of_any_other_are_no_traceback(tmp_path: Path) -> None:
    """Every value of a step and of a resource, replaced by values of other kinds."""
    odd: tuple[Any, ...] = (None, 7, "x", [], {}, [None], True)
    file = tmp_path / "file.json"
    for source, path, read in ((PREVIEW, ("steps",), read_preview), (EXPORT, ("deployment", "resources"), read_stack_export)):
        document = json.loads(source.read_text())
        elements = document
        for name in path:
            elements = elements[name]
        for place in (3, 5):
            original = elements[place]
            for key in original:
                for value in odd:
                    elements[place] = {**original, key: value}
                    file.write_text(json.dumps(document))
                    try:
                        read(file)
                    except DigestError:
                        continue
            elements[place] = original


def test_an_unreadable_side_is_not_compared() -> None:
    assert compare(Side("dev", "demo", (), error="no"), Side("dev", "demo", ())).error == "no"
