"""Names in AWS: within each service's limits, different for different things, and never changing."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.catalog import Region
from settings.names import NameRule, Names

words = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=30)
wordings = st.lists(words, min_size=1, max_size=8)
# What a person may type: capitals, underscores, dots, blanks, letters of other alphabets
anything = st.lists(st.text(max_size=40), min_size=0, max_size=6)
rules = st.sampled_from(NameRule)
stacks = st.sampled_from(["dev", "staging", "prod", "prod-copy-for-the-yearly-exercise"])


@given(rules, stacks, anything)
def test_a_name_is_never_longer_than_its_service_takes(rule: NameRule, stack: str, parts: list[str]) -> None:
    assert len(Names("mastertrade", stack).of(rule, *parts)) <= rule.longest


@given(rules, stacks, anything)
def test_a_name_is_lower_case_words_with_single_separators_between_them(rule: NameRule, stack: str, parts: list[str]) -> None:
    name = Names("mastertrade", stack).of(rule, *parts)
    assert re.fullmatch(f"[a-z][a-z0-9]*({rule.separator}[a-z0-9]+)*", name)


@given(rules, stacks, st.lists(wordings.map(tuple), min_size=2, max_size=50, unique=True))
def test_different_parts_give_different_names(rule: NameRule, stack: str, many: list[tuple[str, ...]]) -> None:
    names = Names("mastertrade", stack)
    assert len({names.of(rule, *parts) for parts in many}) == len(many)


@pytest.mark.parametrize("rule", NameRule)
def test_names_that_differ_only_beyond_the_limit_stay_apart(rule: NameRule) -> None:
    names = Names("mastertrade", "prod")
    long = "x" * rule.longest
    assert len({names.of(rule, long, region) for region in Region}) == len(Region)


@pytest.mark.parametrize("rule", NameRule)
def test_stacks_never_share_a_name(rule: NameRule) -> None:
    parts = ("database", "a-purpose-that-takes-some-room", Region.AP_SOUTHEAST_1)
    assert len({Names("mastertrade", stack).of(rule, *parts) for stack in ("dev", "staging", "prod")}) == 3


@pytest.mark.parametrize("rule", NameRule)
def test_regions_never_share_a_name(rule: NameRule) -> None:
    names = Names("mastertrade", "staging")
    assert len({names.of(rule, "database", region) for region in Region}) == len(Region)


@given(rules, wordings, st.lists(wordings, max_size=5))
def test_a_name_depends_on_its_parts_alone(rule: NameRule, parts: list[str], others: list[list[str]]) -> None:
    alone = Names("mastertrade", "prod").of(rule, *parts)
    crowded = Names("mastertrade", "prod")
    for other in others:
        crowded.of(rule, *other)
    assert crowded.of(rule, *parts) == alone


def test_names_that_are_in_use_stay() -> None:
    """A name that changes replaces what it names: the load balancer, with its address, or the database."""
    names = Names("mastertrade", "prod")
    assert names.of(NameRule.DATABASE, "database", "us-east-1") == "mastertrade-prod-database-us-east-1"
    assert names.of(NameRule.RESTORE_TESTING, "restore", "us-east-1") == "mastertrade_prod_restore_us_east_1"
    assert names.of(NameRule.LOAD_BALANCER, "entry", "ap-southeast-1") == "mastertrade-prod-entry-ap-94275a"


@given(words, words)
def test_a_name_within_the_limit_is_readable_in_full(first: str, second: str) -> None:
    assert Names("mastertrade", "prod").of(NameRule.LOG_GROUP, first, second) == f"mastertrade-prod-{first}-{second}"


@given(wordings)
def test_a_path_leads_from_project_and_stack_to_its_last_part(parts: list[str]) -> None:
    assert Names("mastertrade", "prod").path(*parts).split("/") == ["", "mastertrade", "prod", *parts]


@pytest.mark.parametrize("rule", NameRule)
def test_a_name_that_is_cut_between_two_words_has_no_double_separator(rule: NameRule) -> None:
    names = Names("mastertrade", "prod")
    for length in range(1, rule.longest):
        assert not re.search(r"[-_]{2}|[-_]$", names.of(rule, "x" * length, "y" * rule.longest))


def test_capitals_are_written_small() -> None:
    assert Names("masterTrade", "Prod").of(NameRule.TOPIC, "Alarms") == "mastertrade-prod-alarms"
