"""Who may talk to whom by the rules of a resource, and what one version of it lets through that another did not."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mastertrade.changes.tables import RULES
from mastertrade.values import Plain, Properties

__all__ = ["ALL_PORTS", "Flow", "flows", "opened", "wider"]

ALL_PORTS = (0, 65535)
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_ANYBODY = "anybody"
_ADDRESSES = ("cidrBlock", "cidrBlocks", "cidrIpv4", "cidrIpv6", "ipv6CidrBlock", "ipv6CidrBlocks")
_PEERS = (
    "prefixListId",
    "prefixListIds",
    "referencedSecurityGroupId",
    "securityGroups",
    "sourceSecurityGroupId",
    "self",
)
_PROTOCOLS = {"-1": "all", "1": "icmp", "6": "tcp", "17": "udp"}
"""Numbers of IANA, as network ACLs have them."""
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """Traffic that is let through."""

    direction: str
    """`ingress` or `egress`."""
    protocol: str
    """Lower case; `all` for every one."""
    ports: tuple[int, int]
    peer: str
    """Addresses, a group, or pods, as declared."""

    def __str__(self) -> str:
        first, last = self.ports
        ports = "" if self.ports == ALL_PORTS else f" {first}" if first == last else f" {first}-{last}"
        return f"{self.direction} {self.protocol}{ports} {'from' if self.direction == 'ingress' else 'to'} {self.peer}"

    def covers(self, other: "Flow") -> bool:
        """Whether everything that the other lets through passes here, too."""
        return (
            self.direction == other.direction
            and self.protocol in ("all", other.protocol)
            and self.ports[0] <= other.ports[0]
            and other.ports[1] <= self.ports[1]
            and (self.peer in (other.peer, _ANYBODY) or wider([other.peer], [self.peer]) == [])
        )


def opened(before: frozenset[Flow], after: frozenset[Flow]) -> list[Flow]:
    """What is let through afterwards and was not before. The other way round: what is refused."""
    return sorted(each for each in after - before if not any(other.covers(each) for other in before))


def wider(after: list[Plain], before: list[Plain]) -> list[str]:
    """Those addresses that lie in none of the earlier ones; what is no address is left out."""
    old = [network for each in before if (network := _network(each))]
    return [str(each) for each in after if (network := _network(each)) and not any(_within(network, other) for other in old)]


def flows(type_: str, inputs: Properties) -> frozenset[Flow] | None:
    """What a resource lets through; None for a type that is not about that."""
    if type_ == _POLICY:
        return frozenset(_of_pods(_mapping(inputs.get("spec"))))
    if type_ not in RULES:
        return None
    found = set(_flows("ingress" if _is_ingress(type_, inputs) else "egress", inputs))
    for direction in ("ingress", "egress"):
        for rule in _list(inputs.get(direction)):
            found.update(_flows(direction, _mapping(rule)))
    return frozenset(found)


def _is_ingress(type_: str, inputs: Properties) -> bool:
    # rules of network ACLs say `egress: true`, those of security groups `type: ingress`
    stated = inputs.get("type", inputs.get("egress"))
    return stated in (None, False, "ingress") if "securityGroupEgressRule" not in type_ else False


def _flows(direction: str, rule: Mapping[str, Plain]) -> Iterator[Flow]:
    if str(rule.get("ruleAction", rule.get("action", "allow"))).lower() != "allow":
        return
    protocol = str(rule.get("ipProtocol", rule.get("protocol", "all"))).lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    ports = (_port(rule.get("fromPort"), 0), _port(rule.get("toPort"), 65535))
    if protocol == "all" or ports == (0, 0) or min(ports) < 0:
        ports = ALL_PORTS
    for name in (*_ADDRESSES, *_PEERS):
        for peer in _list(rule.get(name)):
            if peer not in (None, "", False):
                yield Flow(direction, protocol, ports, "itself" if name == "self" else str(peer))


def _of_pods(spec: Mapping[str, Plain]) -> Iterator[Flow]:
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for each in _list(spec.get(direction)):
            rule = _mapping(each)
            peers = [_text(peer) for peer in _list(rule.get(side))] or [_ANYBODY]
            ports = [_mapping(port) for port in _list(rule.get("ports"))] or [{}]
            for peer in peers:
                for port in ports:
                    # without a port there is none to name, and every protocol passes
                    named = port.get("port")
                    protocol = str(port.get("protocol", "tcp" if port else "all")).lower()
                    first = _port(named, 0)
                    last = _port(port.get("endPort", named), 65535)
                    by_name = f" (port {named})" if isinstance(named, str) and not named.isdigit() else ""
                    yield Flow(direction, protocol, (first, last), peer + by_name)


def _text(peer: Plain) -> str:
    block = _mapping(peer).get("ipBlock")
    if block is not None:
        stated = _mapping(block)
        return str(stated.get("cidr", "")) + (f" but {_text_of(stated['except'])}" if stated.get("except") else "")
    return re.sub(r'["{}]', "", _text_of(peer)) or _ANYBODY


def _text_of(value: Plain) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_text_of(each)}" for name, each in sorted(cast("Mapping[str, Any]", value).items())) + "}"
    if isinstance(value, list):
        return ", ".join(_text_of(each) for each in cast("list[Any]", value))
    return str(value)


def _port(value: Plain, otherwise: int) -> int:
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _network(value: Plain) -> _Network | None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F:.]+/\d{1,3}", value):
        return None
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None


def _within(inner: _Network, outer: _Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def _list(value: Plain) -> list[Plain]:
    if value is None:
        return []
    return cast("list[Plain]", value) if isinstance(value, list) else [value]


def _mapping(value: Plain) -> Mapping[str, Plain]:
    return cast("Mapping[str, Plain]", value) if isinstance(value, Mapping) else {}
