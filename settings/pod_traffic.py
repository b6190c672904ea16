"""The traffic table as pods see it: from which pods and addresses each party's pods accept, and which they may reach.

Security groups cannot tell the pods of a node apart; network policies can, by label. A pod has what is written here and
nothing else: on our nodes traffic that no policy admits is dropped. Kubelet's probes need no rule: traffic between a pod and
its own node always passes (Kubernetes documentation, "Network Policies").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from settings.add_ons import AddOn
from settings.network_plan import API_ADDRESS, DNS_ADDRESS, segment_cidr
from settings.traffic import BOUNDARY_SEGMENTS, FLOWS, HTTP, HTTPS, PARTY_BOUNDARIES, Direction, Party, Peer, Service

NAME_LABEL = "app.kubernetes.io/name"
"""The label that tells whose a pod is."""

TRADING, VAULT, MONITORING = "trading", "vault", "monitoring"
OWN_NAMESPACES: tuple[str, ...] = (TRADING, VAULT, MONITORING)
NAMESPACES: dict[Peer, str] = {
    **dict.fromkeys(Service, TRADING),
    **dict.fromkeys((Party.VAULT, Party.VAULT_OPERATIONS), VAULT),
    **dict.fromkeys((Party.MONITORING, Party.CLOUD_METRICS, Party.SECRET_AGES, Party.LOGS), MONITORING),
}
"""Namespace of each party of ours. The cluster's own services live where their add-ons put them."""

ADD_ON_NAMESPACES: tuple[str, ...] = tuple(dict.fromkeys(add_on.namespace for add_on in AddOn))

DNS = 53
POD_IDENTITY_AGENT = IPv4Network("169.254.170.23/32")
"""Gives a pod its role's credentials, on every node (EKS user guide, "EKS Pod Identity")."""
_WORLD = IPv4Network("0.0.0.0/0")
NOT_THE_INTERNET = tuple(
    IPv4Network(block) for block in ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
)
"""Private, shared and link-local addresses: who may reach the internet may not reach these by it (RFC 1918, 6598, 3927)."""


@dataclass(frozen=True)
class Addresses:
    """A block of addresses, less some within it."""

    block: IPv4Network
    without: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True)
class Pods:
    """Pods of one namespace: of one party, or all."""

    namespace: str
    party: Peer | None = None


@dataclass(frozen=True)
class PodRule:
    """Connections that pods accept (ingress) from any of these peers, or may open (egress) to them, on one port."""

    direction: Direction
    peers: tuple[Addresses | Pods, ...]
    port: int
    protocols: tuple[str, ...] = ("TCP",)


def pod_rules(party: Peer, vpc: IPv4Network, *, apis_inside: bool) -> tuple[PodRule, ...]:
    """All rules of a party's pods. `apis_inside`: every AWS API that we use has an endpoint in the VPC."""
    return tuple(dict.fromkeys((*_platform_rules(), *_table_rules(party, vpc, apis_inside=apis_inside))))


def _platform_rules() -> Iterator[PodRule]:
    """What every pod needs of its node."""
    yield PodRule(Direction.EGRESS, (Addresses(IPv4Network(DNS_ADDRESS)),), DNS, ("UDP", "TCP"))
    yield PodRule(Direction.EGRESS, (Addresses(POD_IDENTITY_AGENT),), HTTP)


def _table_rules(party: Peer, vpc: IPv4Network, *, apis_inside: bool) -> Iterator[PodRule]:
    for flow in FLOWS:
        if flow.target is party:
            yield PodRule(Direction.INGRESS, _peers(flow.source, vpc), flow.port)
        if flow.source is party:
            yield PodRule(Direction.EGRESS, _peers(flow.target, vpc), flow.port)
            if flow.target is Party.ENDPOINTS and not apis_inside:
                yield PodRule(Direction.EGRESS, _peers(Party.INTERNET, vpc), HTTPS)


def _peers(peer: Peer, vpc: IPv4Network) -> tuple[Addresses | Pods, ...]:
    if peer in NAMESPACES:
        return (Pods(NAMESPACES[peer], peer),)
    if peer is Party.CLUSTER_SERVICES:
        return tuple(Pods(namespace) for namespace in ADD_ON_NAMESPACES)
    if peer is Party.INTERNET:
        return (Addresses(_WORLD, NOT_THE_INTERNET),)
    segment = Addresses(segment_cidr(vpc, BOUNDARY_SEGMENTS[PARTY_BOUNDARIES[peer]]))
    # pods call the API server by the address of its service
    return (segment, Addresses(IPv4Network(API_ADDRESS))) if peer is Party.CONTROL_PLANE else (segment,)
