"""What is written stays inert, short and complete, whatever stands in names and values."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from mastertrade.changes.document import as_json
from mastertrade.changes.folding import folded, folded_policies
from mastertrade.changes.markdown import LIMIT, MARK, as_markdown
from mastertrade.changes.model import ABSENT, Change, Danger, Difference, Operation, PolicyChange, Reason, StackDigest
from mastertrade.changes.terminal import as_text
from tests.changes.changing import compared, digest_of, production, with_inputs

HOSTILE = {
    "markup": "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "end of a block": "</details></summary>",
    "links": "[click](javascript:alert(1)) ![x](https://example.com/x.png) https://example.com",
    "backticks": "`` ` ``` `a`",
    "only backticks": "`",
    "line breaks": "a\n\n# heading\r\n- item\u2028x\u2029",
    "table": "a | b | c",
    "mentions": "@everybody #1 GH-2 a1b2c3d",
    "formula": "=HYPERLINK(1)",
    "path": "../../../etc/passwd\\..\\x",
    "direction": "abc\u202edcba\u2066x\u2069",
    "invisible": "a\u200bb\ufeffc\u00adb",
    "terminal": "\x1b[31mred\x1b[0m\x07\x9b31m",
    "comment": "<!-- mastertrade digest --> -->",
    "entity": "&lt;b&gt; &#64;x",
    "10 kB": "x" * 10_240,
    "10 kB of markup": "<b>`|\n" * 2_000,
    "empty": "",
    "surrogate": "a\ud800b",
}


def change(name: str = "a", danger: Danger = Danger.DATA_LOSS, **more: object) -> Change:
    made = Change("prod", Operation.DELETE, f"urn:{name}", "aws:s3/bucket:Bucket", name, reasons=(Reason(danger, "deletes objects"),))
    return replace(made, **more)


def of(*changes: Change, policies: tuple[PolicyChange, ...] = ()) -> StackDigest:
    return StackDigest("prod", "demo", {Operation.DELETE: len(changes)}, 3, changes, policies)


def everywhere(text: str) -> StackDigest:
    """A digest in which every text that somebody else chooses is this one."""
    difference = Difference(text, (text,), text, {"a": [text]})
    changed = Change(
        stack=text,
        operation=Operation.UPDATE,
        urn=text,
        type=text,
        name=text,
        region=text,
        source=text,
        differences=(difference,),
        reasons=(Reason(Danger.EXPOSURE, "lets more through", (text,)),),
        cause=text,
    )
    verdict = PolicyChange(text, text, text, text, "mandatory", text, text, text, text, "pass", "fail", text)
    return StackDigest(text, text, {Operation.UPDATE: 1}, 0, (changed,), (verdict,))


def plain_texts(markdown: str) -> Iterator[tuple[str, str]]:
    """Kinds and contents of everything that a reader of Markdown makes of it."""
    for token in MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(markdown):
        yield token.type, token.content
        for child in token.children or ():
            yield child.type, child.content


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_inert_in_markdown(name: str) -> None:
    text = HOSTILE[name]
    written = as_markdown(digest_of(everywhere(text), StackDigest(text, text, error=text, notes=("nothing can be told",))))
    assert len(written) < 20_000
    found = list(plain_texts(written))
    kinds = {kind for kind, _ in found}
    assert not kinds & {"image", "link_open", "fence", "code_block", "html_inline", "h1"}
    assert [content.strip() for kind, content in found if kind == "html_block"] == [MARK], "our own mark is the only markup"
    headings = [content for kind, content in found if kind == "inline" and content.startswith(("Exposure", "Change digest", "Policies"))]
    assert len(headings) == 3
    outside = " ".join(content for kind, content in found if kind == "text")
    assert not re.search(r"alert|everybody|etc/passwd|HYPERLINK|xxxx", outside), "foreign text stands in code spans only"
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u2028\u2029\x1b\x07\x9b\r]", written)
    rows = [line for line in written.splitlines() if line.startswith("|")]
    assert len(rows) == 4
    cells = [kind for kind, _ in found].count("td_open")
    assert cells == 12, "a bar in a name makes no cell"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_inert_on_a_terminal_and_in_json(name: str) -> None:
    digest = digest_of(everywhere(HOSTILE[name]))
    shown = as_text(digest, colour=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\u2028\u2029]", shown)
    written = as_json(digest)
    assert written.isascii()
    (stack,) = json.loads(written)["stacks"]
    assert stack["changes"][0]["name"] == HOSTILE[name], "the document holds the whole, as it was"


def test_long_values_are_shortened_and_whole_in_the_document() -> None:
    long = change(operation=Operation.UPDATE, differences=(Difference("a", ("a",), "b" * 5000 + "1", "b" * 5000 + "2"),))
    digest = digest_of(of(long))
    for text in (as_markdown(digest), as_text(digest, colour=False)):
        assert "b" * 200 not in text
        assert re.search(r"…b+1`? → `?…b+2", text), "the place where they differ is shown"
    assert "b" * 5000 + "1" in as_json(digest)


def test_of_many_differences_a_terminal_shows_some_and_says_how_many_more() -> None:
    def shown(count: int) -> str:
        differences = tuple(Difference(f"panel[{number}]", ("panel",), "x", "y") for number in range(count))
        digest = digest_of(of(change(operation=Operation.UPDATE, differences=differences)))
        assert f"panel[{count - 1}]" in as_json(digest)
        return as_text(digest, colour=False)

    assert shown(500).count(": x → y") == 20
    assert "panel[19]: x → y\n           … 480 more: --format json has them\n" in shown(500)
    assert shown(20).count(": x → y") == 20
    assert "more" not in shown(20)


def test_a_value_that_is_not_there_is_told_from_null() -> None:
    differences = (Difference("a", ("a",), ABSENT, None), Difference("b", ("b",), None, "x"))
    digest = digest_of(of(change(differences=differences)))
    first, second = json.loads(as_json(digest))["stacks"][0]["changes"][0]["differences"]
    assert ("before" in first, first["after"], second["before"]) == (False, None, None)
    assert "`a`: `none` → `null`" in as_markdown(digest)


def test_the_same_change_in_every_region_and_stack_is_one_line() -> None:
    production_, changes = production(), []
    for region in ("us-east-1", "us-west-2"):
        after = with_inputs(production_, "rds/cluster:Cluster", f"{region}-database", lambda inputs: inputs.update(backupRetentionPeriod=7))
        changes += compared(production_, after)
    staging = [replace(each, stack="staging") for each in changes]
    (group,) = folded([*changes, *staging])
    assert (group.names, group.places) == (("‹region›-database",), "prod: us-east-1, us-west-2; staging: us-east-1, us-west-2")
    assert len(group.members) == 4
    text = as_text(digest_of(of(*changes, *staging)), colour=False)
    assert text.count("backupRetentionPeriod: 30 → 7") == 1


def test_values_that_name_their_region_fold_too() -> None:
    def in_region(region: str) -> Change:
        values = (Difference("bucket", ("bucket",), f"logs-{region}", f"kept-logs-{region}"),)
        return change(f"{region}-logs", region=region, differences=values)

    (group,) = folded([in_region("us-east-1"), in_region("us-west-2")])
    assert group.differences[0][1:] == ("logs-‹region›", "kept-logs-‹region›")


def in_account(stack: str, account: str, value: str) -> Change:
    differences = (Difference("role", ("role",), "none", value),)
    return change(stack=stack, account=account, reasons=(Reason(Danger.IDENTITY, "gains actions", (value,)),), differences=differences)


def test_values_that_name_the_account_of_their_stack_fold() -> None:
    roles = {account: f"arn:aws:iam::{account}:role/x" for account in ("111122223333", "444455556666")}
    (group,) = folded([in_account("dev", "111122223333", roles["111122223333"]), in_account("prod", "444455556666", roles["444455556666"])])
    assert group.reasons[0].found == ("arn:aws:iam::‹account›:role/x",)
    assert group.differences[0][2] == "arn:aws:iam::‹account›:role/x"
    (same,) = folded([in_account(stack, "111122223333", f"arn:aws:iam::111122223333:role/{stack}") for stack in ("dev", "prod")])
    assert same.reasons[0].found == ("arn:aws:iam::111122223333:role/‹stack›",), "one account is named"


def test_accounts_of_others_are_never_folded() -> None:
    """Which stranger gains something is what a reviewer has to see."""
    strangers = [
        in_account(stack, own, other)
        for stack, own, other in (("dev", "111122223333", "777788889999"), ("prod", "444455556666", "999900001111"))
    ]
    assert len(folded(strangers)) == 2


def test_names_that_differ_in_the_hash_of_their_content_fold_and_other_values_do_not() -> None:
    def mounting(stack: str, path: str, before: str, after: str) -> Change:
        names = tuple(path.split("."))
        return change(stack=stack, operation=Operation.UPDATE, differences=(Difference(path, names, before, after),))

    mounted = "spec.configMap.name"
    (group,) = folded(
        [mounting("dev", mounted, "files-0123abcd", "files-1123abcd"), mounting("prod", mounted, "files-2123abcd", "files-3123abcd")]
    )
    assert group.differences[0][1:] == ("files-‹hash›", "files-‹hash›")
    (alone,) = folded([mounting("dev", mounted, "files-0123abcd", "files-1123abcd")])
    assert alone.differences[0][1:] == ("files-0123abcd", "files-1123abcd")
    images = [mounting("dev", "spec.image", "app-0123abcd", "app-1123abcd"), mounting("prod", "spec.image", "app-2123abcd", "app-3123abcd")]
    assert len(folded(images)) == 2
    renamed = (("dev", "files-0123abcd", "other-1123abcd"), ("prod", "files-2123abcd", "other-3123abcd"))
    assert len(folded([mounting(stack, mounted, before, after) for stack, before, after in renamed])) == 2


def test_changes_that_differ_in_anything_stay_apart() -> None:
    first = change("a", differences=(Difference("x", ("x",), 1, 2),))
    for other in (
        replace(first, name="b", differences=(Difference("x", ("x",), 1, 3),)),
        replace(first, name="b", operation=Operation.UPDATE),
        replace(first, name="b", type="aws:sqs/queue:Queue"),
        replace(first, name="b", reasons=(Reason(Danger.OUTAGE, "deletes objects"),)),
        replace(first, name="b", refused=True),
    ):
        assert len(folded([first, other])) == 2


def test_verdicts_of_one_control_fold() -> None:
    verdicts = [
        PolicyChange("prod", "enc-1", "t", "high", "mandatory", f"u{region}", "t:a/b:C", f"{region}-x", region, "pass", "fail", "why")
        for region in ("us-east-1", "us-west-2")
    ]
    (group,) = folded_policies(verdicts)
    assert (group.names, group.places) == (("‹region›-x",), "prod: us-east-1, us-west-2")


def many(count: int, danger: Danger) -> list[Change]:
    differences = (Difference("property", ("property",), "before " * 15, "after " * 15),)
    return [
        change(f"resource-{danger}-{number}", danger, type=f"aws:x/y{number % 40}:Type{number}", differences=differences)
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, 50, 200, 1000, 10_000])
def test_a_comment_keeps_the_limit_and_the_dangerous(count: int) -> None:
    changes = [each for danger in Danger for each in many(count, danger)]
    written = as_markdown(digest_of(of(*changes)))
    assert len(written) <= LIMIT
    assert f"Data loss: {count}" in written
    assert f"Exposure: {count}" in written


def test_what_is_harmless_is_folded_before_what_is_dangerous() -> None:
    changes = [*many(120, Danger.DATA_LOSS), *many(120, Danger.EXPOSURE), *many(3000, Danger.HARMLESS), *many(3000, Danger.OTHER)]
    written = as_markdown(digest_of(of(*changes)))
    assert len(written) <= LIMIT
    for danger in (Danger.DATA_LOSS, Danger.EXPOSURE):
        missing = [number for number in range(120) if f"`resource-{danger}-{number}`" not in written]
        assert not missing, "each of the dangerous has a line"
    assert written.count("resource-harmless-") < 200
    assert "the whole is in the JSON document" in written


def test_nothing_is_folded_that_fits() -> None:
    changes = [*many(20, Danger.DATA_LOSS), *many(20, Danger.HARMLESS)]
    written = as_markdown(digest_of(of(*changes)))
    assert all(f"`{each.name}`" in written for each in changes)
    assert "the whole is in the JSON document" not in written


def test_many_verdicts_keep_the_limit_and_those_for_the_worse() -> None:
    def verdict(number: int, before: str, after: str) -> PolicyChange:
        return PolicyChange(
            "prod", f"control-{number:04}", "t", "high", "mandatory", f"u{number}", "t:a/b:C", "n", "", before, after, "m" * 500
        )

    verdicts = (
        *(verdict(number, "pass", "fail") for number in range(20)),
        *(verdict(number, "fail", "pass") for number in range(20, 3000)),
    )
    written = as_markdown(digest_of(of(*many(500, Danger.DATA_LOSS), policies=verdicts)))
    assert len(written) <= LIMIT
    assert "20 worse, 2980 better" in written
    assert "control-0000" in written


def test_the_worst_comes_first() -> None:
    changes = [each for danger in reversed(Danger) for each in many(1, danger)]
    written = as_markdown(digest_of(of(*changes)))
    places = [written.index(f"resource-{danger}-0") for danger in Danger]
    assert places == sorted(places)


def test_head_table_and_sections_count_every_change_once() -> None:
    dangers = (Danger.DATA_LOSS, Danger.EXPOSURE, Danger.COST)
    several = change("a", reasons=tuple(Reason(each, "x") for each in dangers))
    digest = digest_of(of(several, change("b"), change("c", Danger.OTHER)))
    document = json.loads(as_json(digest))
    counted = {danger: count for danger, count in document["dangers"].items() if count}
    assert counted == Counter(each["danger"] for each in document["stacks"][0]["changes"]) == {"data-loss": 2, "other": 1}
    assert sum(counted.values()) == sum(document["stacks"][0]["counts"][each] for each in Operation)
    assert {danger: count for danger, count in document["furtherDangers"].items() if count} == {"exposure": 1, "cost": 1}
    for text in (as_markdown(digest).replace("*", ""), as_text(digest, colour=False)):
        head, _, rest = text.partition("Each change is counted under its gravest danger; dangers beside those: ")
        assert "\nData loss: 2, Other: 1\n" in head
        assert rest.startswith("Exposure: 1, Cost: 1\n")
        sections = re.findall(r"^(?:### |<details><summary>)?([A-Z][a-z ]+): (\d+) changes?\b", text, re.MULTILINE)
        assert sections == [("Data loss", "2"), ("Other", "1")]


def test_a_digest_that_is_only_counts_counts_every_change_once() -> None:
    several = change("a", reasons=(Reason(Danger.DATA_LOSS, "x"), Reason(Danger.COST, "x")))
    lines = as_markdown(digest_of(of(several, change("b"))), limit=300).splitlines()
    assert lines[-3:-1] == ["- Data loss: 2 changes", "- Each change is counted under its gravest danger; dangers beside those: Cost: 1"]


def test_nothing_is_said_of_further_dangers_where_there_are_none() -> None:
    digest = digest_of(of(change()))
    assert not any("beside those" in text for text in (as_markdown(digest), as_text(digest, colour=False)))


def test_no_changes_are_said_to_be_none() -> None:
    nothing = digest_of(StackDigest("prod", "demo", unchanged=9))
    assert "**No changes.**" in as_markdown(nothing)
    assert "no changes" in as_text(nothing, colour=False)
    failing = digest_of(StackDigest("prod", "demo", error="NameError"))
    assert "No changes" not in as_markdown(failing)
    assert "no changes" not in as_text(failing, colour=False)


def test_colour_is_only_where_it_is_asked_for() -> None:
    digest = digest_of(of(change()))
    assert "\x1b" in as_text(digest, colour=True)
    assert "\x1b" not in as_text(digest, colour=False)
