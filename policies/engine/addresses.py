"""Address ranges and ports, as rules state them."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from policies.engine.blocks import MisshapenError

__all__ = ["Network", "Ports", "covers_world", "networks"]

Network = IPv4Network | IPv6Network

# Nobody who is named owns more: the largest allocations of the registries are a /8, and a /19 of IPv6.
_WIDEST_OWNED_V4 = 8
_WIDEST_OWNED_V6 = 19
_ALL_PORTS = (0, 65535)


def networks(texts: Iterable[str], path: str) -> list[Network]:
    """Address ranges of a property. A single address is a range of one. Raises `MisshapenError`."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            raise MisshapenError(path, "a list of address ranges") from None
    return found


def covers_world(ranges: Iterable[Network]) -> bool:
    """Whether ranges together admit strangers: everything, or public ranges larger than anybody owns, also in pieces."""
    listed = list(ranges)
    fours = ipaddress.collapse_addresses(each for each in listed if isinstance(each, IPv4Network))
    sixes = ipaddress.collapse_addresses(each for each in listed if isinstance(each, IPv6Network))
    return any(each.prefixlen < _WIDEST_OWNED_V4 for each in fours) or any(
        each.prefixlen < _WIDEST_OWNED_V6 and not each.is_private and not each.is_multicast for each in sixes
    )


class Ports:
    """Ports that a rule opens."""

    __slots__ = ("first", "last", "protocol")

    def __init__(self, protocol: str, first: float | None, last: float | None) -> None:
        """`protocol` as the API takes it: a name, a number, `-1` or `all`. No ports: all of them. Of ICMP, `first` is the type."""
        self.protocol = _PROTOCOLS.get(protocol.lower(), protocol.lower())
        if self.protocol in _MESSAGES:
            last = first
        low, high = _ALL_PORTS if first is None and last is None else (first, last)
        low = high if low is None else low
        high = low if high is None else high
        # -1 stands for all; a rule for every protocol opens every port, whatever ports it states
        if self.protocol == "all" or low is None or high is None or low < 0 or high < 0:
            low, high = _ALL_PORTS
        self.first, self.last = int(low), int(high)

    @property
    def carries_connections(self) -> bool:
        """Whether it is TCP, UDP or everything: ICMP has types, not ports."""
        return self.protocol in ("tcp", "udp", "all")

    def within(self, *allowed: int) -> bool:
        """Whether only allowed TCP or UDP ports are open, or what the network itself needs to tell."""
        return (self.first == self.last and self.first in _MESSAGES.get(self.protocol, ())) or (
            self.carries_connections
            and self.protocol != "all"
            and set(range(self.first, min(self.last, self.first + 64) + 1)) <= set(allowed)
        )

    def admits(self, port: int) -> bool:
        """Whether a TCP port is open."""
        return self.protocol in ("tcp", "all") and self.first <= port <= self.last

    def __str__(self) -> str:
        if self.protocol == "all":
            return "every protocol and port"
        if not self.carries_connections and self.first != self.last:
            return f"every kind of {self.protocol}"
        return f"{self.protocol} {self.first}" if self.first == self.last else f"{self.protocol} {self.first} to {self.last}"


_PROTOCOLS = {"-1": "all", "all": "all", "": "all", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "ipv6-icmp": "icmpv6"}

# Messages that networks need: what is too big, took too long, or where a neighbour is.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html
_MESSAGES = {"icmp": (3, 11), "icmpv6": (1, 2, 3, 4, 133, 134, 135, 136)}
