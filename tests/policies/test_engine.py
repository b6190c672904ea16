"""How controls are asked: what they read, what they say, what happens when they cannot tell."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mastertrade.values import UNKNOWN, Secret
from policies.engine.addresses import Ports, covers_world, networks
from policies.engine.blocks import MisshapenError, UnknownValueError
from policies.engine.configuration import ConfigurationError, configured
from policies.engine.control import Control, Enforcement, Finding, Option, Pack, Severity, State
from policies.engine.documents import parse
from policies.engine.judging import judge
from policies.engine.resources import Resource, Stack


def resource(properties: Mapping[str, Any], type_: str = "aws:sns/topic:Topic", name: str = "topic") -> Resource:
    return Resource(urn=f"urn:pulumi:prod::demo::{type_}::{name}", type_=type_, name=name, properties=properties)


def control(judged: Any, **options: Option) -> Control:
    return Control("enc-demo", "Topics are good", Severity.HIGH, "why", "do that", ("aws:sns/topic:Topic",), judged, options=options)


def test_booleans_and_numbers_may_be_spelt_as_text() -> None:
    block = resource({"a": "True", "b": 0, "c": "35", "d": "", "e": None})
    assert (block.flag("a"), block.flag("b", default=True), block.number("c")) == (True, False, 35)
    assert (block.flag("d", default=True), block.flag("e", default=True), block.has("d")) == (True, True, False)


def test_one_value_reads_as_a_list_of_one_and_a_list_of_one_as_its_value() -> None:
    block = resource({"cidr": "10.0.0.0/8", "inner": [{"on": True}], "several": {"on": True}})
    assert block.texts("cidr") == ("10.0.0.0/8",)
    assert block.flag("inner.on")
    assert [each.flag("on") for each in block.blocks("several")] == [True]


def test_unknown_values_are_never_taken_for_absent_ones() -> None:
    block = resource({"key": UNKNOWN, "inner": {"list": ["a", UNKNOWN]}, "secret": Secret(UNKNOWN)})
    for read in (
        lambda: block.text("key"),
        lambda: block.texts("inner.list"),
        lambda: block.flag("secret"),
        lambda: block.text("key.deeper"),
    ):
        with pytest.raises(UnknownValueError):
            read()
    assert block.has("key")


def test_values_of_another_shape_are_unknown_not_a_pass() -> None:
    verdict = judge(control(lambda asked: [Finding("on", "true")] if not asked.flag("on") else None), resource({"on": {"x": 1}}), {})
    assert (verdict.state, verdict.reason) == (State.UNKNOWN, "on is not a text")


def test_a_control_that_breaks_is_unknown_and_does_not_say_what_it_read() -> None:
    def breaks(asked: Resource) -> Iterator[Finding]:
        raise ValueError(asked.text("password"))
        yield

    verdict = judge(control(breaks), resource({"password": Secret("correct horse")}), {})
    assert verdict.state is State.UNKNOWN
    assert verdict.message() == "Topics are good: cannot be told, the control broke (ValueError)."


def test_what_was_found_before_a_control_could_not_go_on_counts() -> None:
    def half(asked: Resource) -> Iterator[Finding]:
        yield Finding("on", "true")
        asked.text("unknown")

    verdict = judge(control(half), resource({"on": False, "unknown": UNKNOWN}), {})
    assert (verdict.state, verdict.findings[0].found) == (State.FAIL, "false")


def test_messages_name_property_found_wanted_and_fix_and_no_secret() -> None:
    def always(asked: Resource) -> Iterator[Finding]:
        yield Finding("a.b", "something else")
        yield Finding("list", "none")

    message = judge(control(always), resource({"a": {"b": Secret("correct horse")}, "list": [{"c": Secret("battery")}]}), {}).message()
    assert message == (
        'Topics are good. a.b: found a secret value; wanted something else. list: found [{"c": "[secret]"}]; wanted none. Fix: do that'
    )


def test_what_a_control_says_in_its_own_words_is_checked_for_secrets() -> None:
    def quoting(asked: Resource) -> Iterator[Finding]:
        yield Finding("list", "none", found=f"a password, {asked.text('list.0.value')}")

    message = judge(control(quoting), resource({"list": [{"value": Secret("correct horse")}]}), {}).message()
    assert message == "Topics are good. list: found a secret value; wanted none. Fix: do that"


def test_a_control_that_needs_other_resources_waits_for_the_stack() -> None:
    def lonely(asked: Resource) -> Iterator[Finding]:
        if not asked.stack.companions(asked, "aws:sns/topicPolicy:TopicPolicy", by="arn"):
            yield Finding("policy", "a policy")

    alone = judge(control(lonely), resource({}), {})
    assert (alone.state, alone.waits_for_stack) == (State.UNKNOWN, True)
    topic = resource({"name": "orders"})
    policy = resource({"arn": "orders"}, "aws:sns/topicPolicy:TopicPolicy", "policy")
    other = resource({"arn": "others"}, "aws:sns/topicPolicy:TopicPolicy", "policy")
    Stack([topic, policy])
    assert judge(control(lonely), topic, {}).state is State.PASS
    Stack([topic, other])
    assert judge(control(lonely), topic, {}).state is State.FAIL


def test_configuration_names_every_mistake_at_once() -> None:
    days = Option(30, "1 to 35", lambda value: isinstance(value, int) and 1 <= value <= 35, "how long")
    pack = Pack("demo", "1.0.0", "", (control(lambda _asked, _options: None, days=days),))
    assert configured(pack, {"enc-demo": {"enforcementLevel": "advisory", "days": 35}})["enc-demo"].options == {"days": 35}
    assert configured(pack, {"enc-demo": "disabled"})["enc-demo"].enforcement is Enforcement.DISABLED
    with pytest.raises(ConfigurationError) as caught:
        configured(pack, {"enc-demo": {"enforcementLevel": "off", "days": 36, "hours": 1}, "enc-other": "advisory"})
    assert str(caught.value).splitlines() == [
        "Configuration of the policy pack 'demo':",
        "  enc-other: no control of the pack 'demo'; allowed: enc-demo",
        "  enc-demo: enforcementLevel: found 'off'; allowed: mandatory, advisory, disabled. Example: enforcementLevel: advisory",
        "  enc-demo: days: found 36; allowed: 1 to 35. Example: days: 30",
        "  enc-demo: hours: no option of this control; allowed: days",
    ]


@pytest.mark.parametrize(
    ("ranges", "world"),
    [
        (["0.0.0.0/0"], True),
        (["::/0"], True),
        (["0.0.0.0/1", "128.0.0.0/1"], True),
        (["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/2", "192.0.0.0/2"], True),
        (["2000::/3"], True),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], False),
        (["203.0.113.7"], False),
        (["fd00::/8"], False),
    ],
)
def test_the_world_is_recognised_in_pieces(ranges: list[str], world: bool) -> None:
    assert covers_world(networks(ranges, "cidrBlocks")) is world


def test_what_is_no_address_is_misshapen() -> None:
    with pytest.raises(MisshapenError):
        networks(["10.0.0.0/33"], "cidrBlocks")


@pytest.mark.parametrize(
    ("protocol", "first", "last", "only_web"),
    [("tcp", 443, 443, True), ("6", 80, 80, True), ("tcp", 80, 443, False), ("-1", 443, 443, False), ("tcp", None, None, False)],
)
def test_port_ranges_are_judged_by_all_that_they_contain(protocol: str, first: int | None, last: int | None, only_web: bool) -> None:
    assert Ports(protocol, first, last).within(80, 443) is only_web


ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::*:root"}}, True),
        ({"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Principal": {"Service": "delivery.logs.amazonaws.com"}}, False),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}}, False),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": "*"}}}, True),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}, True),
        ({"Principal": "*", "Condition": {"ForAllValues:StringEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
        ({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}}, True),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::orders"}}}, False),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}}, True),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:Referer": "https://example.com/*"}}}, True),
    ],
)
def test_an_open_principal_is_public_unless_a_condition_names_somebody(statement: dict[str, Any], public: bool) -> None:
    (found,) = parse({"Statement": {**ALLOW, **statement}}, "policy")
    assert found.is_public is public


def test_a_document_may_have_the_form_of_get_policy_document() -> None:
    (found,) = parse(
        {
            "statements": [
                {
                    "actions": ["kms:Decrypt"],
                    "principals": [{"type": "AWS", "identifiers": ["*"]}],
                    "conditions": [{"test": "StringEquals", "variable": "kms:CallerAccount", "values": ["123456789012"]}],
                }
            ]
        },
        "policy",
    )
    assert found.names_everybody
    assert not found.is_public
