"""Differences are told as a person would say them."""

import json
from typing import Any

import pytest

from mastertrade.changes.differences import differences, leaves, path_names
from mastertrade.changes.model import ABSENT


def told(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    return [(each.path, each.before, each.after) for each in differences(before, after)]


def test_only_what_differs_is_told() -> None:
    assert told({"a": 1, "b": {"c": 1, "d": 2}}, {"a": 1, "b": {"c": 1, "d": 3}}) == [("b.d", 2, 3)]


def test_a_block_that_comes_or_goes_is_one_difference() -> None:
    assert told({}, {"a": {"b": 1, "c": 2}}) == [("a", ABSENT, {"b": 1, "c": 2})]
    assert told({"rules": [{"id": "x", "days": 1}]}, {"rules": []}) == [("rules[0]", {"id": "x", "days": 1}, ABSENT)]


def test_leaves_go_into_blocks_that_come_or_go() -> None:
    found = leaves({}, {"a": {"b": [{"c": 1}]}})
    assert [(each.path, each.before, each.after) for each in found] == [("a.b[0].c", ABSENT, 1)]


def test_true_is_not_one() -> None:
    assert told({"a": True}, {"a": 1}) == [("a", True, 1)]
    assert told({"a": 1.0}, {"a": 1}) == []


def test_null_is_not_nothing() -> None:
    assert told({}, {"a": None}) == [("a", ABSENT, None)]


def test_elements_are_matched_by_name_whatever_their_order() -> None:
    before = [{"name": "a", "x": 1}, {"name": "b", "x": 2}]
    assert told({"l": before}, {"l": [{"name": "b", "x": 2}, {"name": "a", "x": 9}]}) == [("l[1].x", 1, 9)]


def test_elements_without_a_name_are_matched_by_likeness() -> None:
    assert told({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 2}, {"x": 3}, {"x": 1}]}) == [("l[1]", ABSENT, {"x": 3})]


def test_another_order_of_the_same_elements_is_told_as_such() -> None:
    assert [path for path, _, _ in told({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 2}, {"x": 1}]})] == ["l"]


def test_documents_in_texts_are_opened() -> None:
    before, after = (json.dumps({"Statement": [{"Sid": "A", "Action": action}]}) for action in ("s3:Get*", "s3:*"))
    assert told({"policy": before}, {"policy": after}) == [("policy.Statement[0].Action", "s3:Get*", "s3:*")]


def test_a_document_that_is_only_written_otherwise_is_no_change() -> None:
    assert told({"policy": '{"a": 1, "b": 2}'}, {"policy": '{"b":2,"a":1}'}) == []


def test_a_document_nested_without_end_is_a_text() -> None:
    deep = "[" * 100_000
    assert told({"a": deep}, {"a": "x"}) == [("a", deep, "x")]


@pytest.mark.parametrize(
    ("path", "names"),
    [("a.b[0].c", ("a", "b", "c")), ('a["b.c"].d', ("a", "b.c", "d")), ("a[*].b", ("a", "b")), ('tags["x\\"y"]', ("tags", 'x"y'))],
)
def test_paths_in_pulumis_notation_are_read(path: str, names: tuple[str, ...]) -> None:
    assert path_names(path) == names


def test_names_with_dots_are_quoted() -> None:
    assert told({"labels": {"a.b/c": "1"}}, {"labels": {"a.b/c": "2"}}) == [('labels["a.b/c"]', "1", "2")]
