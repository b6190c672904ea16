"""What rules of firewalls let in together: pieces of ranges and ports, and the order of network ACLs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.addresses import Ports
from policies.engine.blocks import Block
from policies.exposure.rules import WEB, acl_rule, first_allowing, open_to_world, rule


def opened(*rules: dict[str, Any]) -> list[str]:
    return [str(each) for each in open_to_world([rule(Block(each)) for each in rules], *WEB)]


def tcp(first: int, last: int, *ranges: str) -> dict[str, Any]:
    return {"protocol": "tcp", "fromPort": first, "toPort": last, "cidrBlocks": list(ranges)}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([tcp(80, 80, "0.0.0.0/0"), tcp(443, 443, "0.0.0.0/0")], []),
        ([tcp(79, 80, "0.0.0.0/0")], ["tcp 79 to 80"]),
        ([tcp(22, 22, *(f"{first}.0.0.0/8" for first in range(256)))], ["tcp 22"]),
        (
            [tcp(20, 25, *(f"{first}.0.0.0/8" for first in range(128))), tcp(22, 30, *(f"{first}.0.0.0/8" for first in range(128, 256)))],
            ["tcp 20 to 30"],
        ),
        ([tcp(22, 22, "10.0.0.0/8", "172.16.0.0/12")], []),
        ([{"ipProtocol": "-1", "cidrIpv6": "::/0"}], ["every protocol and port"]),
        ([{"protocol": "icmp", "fromPort": 3, "toPort": -1, "cidrBlocks": "0.0.0.0/0"}], []),
        ([{"protocol": "icmp", "fromPort": -1, "toPort": -1, "cidrBlocks": "0.0.0.0/0"}], ["every kind of icmp"]),
        ([{"protocol": "50", "fromPort": 0, "toPort": 0, "cidrBlocks": "0.0.0.0/0"}], ["50 0"]),
    ],
)
def test_pieces_are_put_together(rules: list[dict[str, Any]], expected: list[str]) -> None:
    assert opened(*rules) == expected


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535))
def test_a_port_is_open_where_a_rule_opens_it(first: int, last: int, port: int) -> None:
    first, last = sorted((first, last))
    found = list(open_to_world([rule(Block(tcp(first, last, "0.0.0.0/0")))]))
    assert any(each.admits(port) for each in found) == (first <= port <= last)


def entry(number: int, action: str, first: int, last: int, block: str = "0.0.0.0/0") -> dict[str, Any]:
    return {"ruleNo": number, "action": action, "protocol": "6", "fromPort": first, "toPort": last, "cidrBlock": block}


@pytest.mark.parametrize(
    ("entries", "let_in"),
    [
        ([entry(1, "allow", 0, 65535)], True),
        ([entry(1, "deny", 22, 22), entry(2, "allow", 0, 65535)], False),
        ([entry(1, "deny", 22, 22, "192.0.2.0/24"), entry(2, "allow", 0, 65535)], True),
        ([entry(1, "deny", 22, 22, "0.0.0.0/1"), entry(2, "deny", 22, 22, "128.0.0.0/1"), entry(3, "allow", 0, 65535)], False),
        ([entry(1, "allow", 22, 22, "10.0.0.0/8")], False),
        ([], False),
    ],
)
def test_the_first_rule_of_a_list_decides(entries: list[dict[str, Any]], let_in: bool) -> None:
    rules = [acl_rule(Block(each)) for each in entries]
    assert (first_allowing(rules, Ports("tcp", 22, 22)) is not None) == let_in
