"""Rules of security groups and network ACLs, in every form that declares them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from policies.engine.addresses import Network, Ports, covers_world, networks
from policies.engine.blocks import Block

__all__ = ["WEB", "AclRule", "Rule", "acl_rule", "first_allowing", "open_to_world", "rule"]

WEB = (80, 443)
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Rule:
    """What a security group lets in."""

    ports: Ports
    ranges: tuple[Network, ...]
    where: str = ""
    """Where it is declared, for messages."""


@dataclass(frozen=True, slots=True)
class AclRule:
    """A rule of a network ACL. Those with lower numbers are looked at first."""

    allows: bool
    number: float
    ports: Ports
    ranges: tuple[Network, ...]
    where: str = ""

    def is_for(self, protocol: str, port: int) -> bool:
        """Whether the rule looks at packets of a protocol to a port."""
        return self.ports.protocol in ("all", protocol) and self.ports.first <= port <= self.ports.last


def rule(block: Block) -> Rule:
    """A rule for what comes in, inline or separate. Prefix lists are left to who knows the stack."""
    ranges = [
        network
        for path in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
        for network in networks(block.texts(path), block.at(path))
    ]
    protocol = block.text("protocol") or block.text("ipProtocol") or "-1"
    return Rule(Ports(protocol, block.number("fromPort"), block.number("toPort")), tuple(ranges))


def acl_rule(block: Block, where: str = "") -> AclRule:
    """A rule of a network ACL, inline or separate."""
    ranges = [network for path in ("cidrBlock", "ipv6CidrBlock") for network in networks(block.texts(path), block.at(path))]
    number = block.number("ruleNo") or block.number("ruleNumber") or 0
    protocol = block.text("protocol", "-1")
    ports = Ports(protocol, block.number("fromPort"), block.number("toPort"))
    if not ports.carries_connections:
        ports = Ports(protocol, block.number("icmpType", -1), None)
    return AclRule((block.text("action") or block.text("ruleAction")).lower() == "allow", number, ports, tuple(ranges), where)


def open_to_world(rules: Iterable[Rule], *allowed: int) -> Iterator[Ports]:
    """Ports that rules together open to the world, pieces of ranges and of ports put together, but for allowed ones."""
    listed = [each for each in rules if each.ranges]
    everything = [each for each in listed if each.ports.protocol == "all"]
    if covers_world(network for each in everything for network in each.ranges):
        yield everything[0].ports
        return
    for protocol in dict.fromkeys(each.ports.protocol for each in listed if each.ports.protocol != "all"):
        matching = [each for each in listed if each.ports.protocol in ("all", protocol)]
        opened: list[tuple[int, int]] = []
        for first, after in pairwise(sorted({edge for each in matching for edge in (each.ports.first, each.ports.last + 1)})):
            ranges = [network for each in matching if each.ports.first <= first and after - 1 <= each.ports.last for network in each.ranges]
            if not Ports(protocol, first, after - 1).within(*allowed) and covers_world(ranges):
                if opened and opened[-1][1] + 1 == first:
                    opened[-1] = (opened[-1][0], after - 1)
                else:
                    opened.append((first, after - 1))
        for first, last in opened:
            yield Ports(protocol, None, None) if (first, last) == (0, _LAST_PORT) else Ports(protocol, first, last)


def first_allowing(rules: Sequence[AclRule], ports: Ports) -> AclRule | None:
    """The rule of a list that lets strangers in to one of some ports, after those that keep them out; rules are sorted by number."""
    protocol = "tcp" if ports.protocol == "all" else ports.protocol
    edges = {ports.first, *(edge for each in rules for edge in (each.ports.first, each.ports.last + 1))}
    for port in sorted(edge for edge in edges if ports.first <= edge <= ports.last):
        denied: list[Network] = []
        for each in rules:
            if not each.is_for(protocol, port):
                continue
            if not each.allows:
                denied += each.ranges
            elif covers_world(piece for one in each.ranges for piece in _without(one, denied)):
                return each
    return None


def _without(network: Network, denied: Iterable[Network]) -> list[Network]:
    """What is left of a range."""
    left = [network]
    for each in denied:
        left = [rest for piece in left for rest in _difference(piece, each)]
    return left


def _difference(network: Any, denied: Any) -> list[Network]:
    if network.version != denied.version or not network.overlaps(denied):
        return [network]
    return [] if network.subnet_of(denied) else list(network.address_exclude(denied))
