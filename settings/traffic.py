"""Who may talk to whom: the one table.

Security groups, network ACLs, Kubernetes network policies and the reachability test are all derived from it. What has no
row here does not reach. A row names who opens the connection; answers are implied.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from settings.network_plan import Segment


class Service(StrEnum):
    """The trading services. A new one is a member here, its rows in `FLOWS` and its entry in `defaults.py`."""

    API_GATEWAY = "api-gateway"
    MARKET_DATA = "market-data"
    STRATEGY = "strategy"
    RISK_MANAGER = "risk-manager"
    ORDER_EXECUTOR = "order-executor"


class Party(StrEnum):
    """Everyone else who opens or accepts a connection."""

    INTERNET = "internet"
    LOAD_BALANCER = "load-balancer"
    MONITORING = "monitoring"
    """Dashboards."""
    CLOUD_METRICS = "cloud-metrics"
    """Tells Prometheus what CloudWatch measures of the stores, the broker and the entry."""
    SECRET_AGES = "secret-ages"  # noqa: S105 - a name
    """Tells CloudWatch how old secrets are."""
    METRICS_COLLECTOR = "metrics-collector"
    """Reads the metrics of pods: a part of Managed Service for Prometheus, with addresses in our VPC."""
    LOGS = "logs"
    """Lets operators search logs."""
    LOG_FUNCTIONS = "log-functions"
    """Set up the log store, and bring logs there."""
    LOG_STORE = "log-store"
    VAULT = "vault"
    VAULT_OPERATIONS = "vault-operations"
    """Initialises Vault and takes its snapshots."""
    CLUSTER_SERVICES = "cluster-services"
    """What the cluster runs for its workloads: certificates, metrics, mounted secrets."""
    CONTROL_PLANE = "control-plane"
    NODE = "node"
    """A node itself: kubelet, image pulls, the agents of Auto Mode."""
    MANAGEMENT = "management"
    ENDPOINTS = "endpoints"
    DATABASE_PROXY = "database-proxy"
    DATABASE = "database"
    CACHE = "cache"
    SESSIONS = "sessions"
    BROKER = "broker"


Peer = Service | Party


class Boundary(StrEnum):
    """The security group that a party is behind. Pods share the group of their nodes; network policies part them."""

    LOAD_BALANCER = "load-balancer"
    NODES = "nodes"
    CONTROL_PLANE = "control-plane"
    METRICS_COLLECTOR = "metrics-collector"
    MANAGEMENT = "management"
    ENDPOINTS = "endpoints"
    DATABASE_PROXY = "database-proxy"
    DATABASE = "database"
    CACHE = "cache"
    SESSIONS = "sessions"
    BROKER = "broker"
    LOG_FUNCTIONS = "log-functions"
    LOG_STORE = "log-store"


BOUNDARY_SEGMENTS: dict[Boundary, Segment] = {
    Boundary.LOAD_BALANCER: Segment.PUBLIC,
    Boundary.NODES: Segment.APPLICATION,
    Boundary.CONTROL_PLANE: Segment.APPLICATION,
    Boundary.METRICS_COLLECTOR: Segment.APPLICATION,
    Boundary.ENDPOINTS: Segment.APPLICATION,
    Boundary.MANAGEMENT: Segment.MANAGEMENT,
    Boundary.DATABASE_PROXY: Segment.DATA,
    Boundary.DATABASE: Segment.DATA,
    Boundary.CACHE: Segment.DATA,
    Boundary.SESSIONS: Segment.DATA,
    Boundary.BROKER: Segment.DATA,
    Boundary.LOG_FUNCTIONS: Segment.APPLICATION,
    Boundary.LOG_STORE: Segment.DATA,
}
"""The segment in which each boundary's addresses lie."""

SINGLE_ACTIVE: frozenset[Service] = frozenset({Service.ORDER_EXECUTOR})
"""Services that run in the active region only, one pod at a time."""

PODS: tuple[Peer, ...] = (
    *Service,
    Party.MONITORING,
    Party.CLOUD_METRICS,
    Party.SECRET_AGES,
    Party.LOGS,
    Party.VAULT,
    Party.VAULT_OPERATIONS,
    Party.CLUSTER_SERVICES,
)
"""Parties that network policies are written for."""

OUTSIDE: tuple[Peer, ...] = (Party.INTERNET,)
"""Parties without an address of ours."""

PARTY_BOUNDARIES: dict[Peer, Boundary] = {
    Party.LOAD_BALANCER: Boundary.LOAD_BALANCER,
    **dict.fromkeys((*PODS, Party.NODE), Boundary.NODES),
    Party.CONTROL_PLANE: Boundary.CONTROL_PLANE,
    Party.METRICS_COLLECTOR: Boundary.METRICS_COLLECTOR,
    Party.MANAGEMENT: Boundary.MANAGEMENT,
    Party.ENDPOINTS: Boundary.ENDPOINTS,
    Party.DATABASE_PROXY: Boundary.DATABASE_PROXY,
    Party.DATABASE: Boundary.DATABASE,
    Party.CACHE: Boundary.CACHE,
    Party.SESSIONS: Boundary.SESSIONS,
    Party.BROKER: Boundary.BROKER,
    Party.LOG_FUNCTIONS: Boundary.LOG_FUNCTIONS,
    Party.LOG_STORE: Boundary.LOG_STORE,
}

HTTP, HTTPS = 80, 443
SERVICE_TLS = 8443
GRAFANA_TLS, LOGS_TLS = 3000, 5601
VAULT_API, VAULT_CLUSTER = 8200, 8201
KUBELET = 10250
WEBHOOK, METRICS_API = 10260, 10251  # of the EKS add-ons, which leave 10250 to the kubelet
COLLECTOR_WEBHOOK = 9443  # of the add-on that collects logs (chart of amazon-cloudwatch-observability)
SERVICE_METRICS = 9464  # apart from 8443, which the load balancer leads the world to; OpenTelemetry's port for Prometheus
CERTIFICATE_METRICS, OBJECT_METRICS = 9402, 8080  # of cert-manager and kube-state-metrics, as their add-ons have them
CLOUD_METRICS = 5000  # YACE's port
EXCHANGE_STREAM = 9443  # Binance market streams listen on 9443 beside 443 (Binance API documentation, "WebSocket Streams")
POSTGRESQL, VALKEY, AMQPS = 5432, 6379, 5671

EPHEMERAL = (1024, 65535)
"""Ports that answers return to: NAT gateways and load balancers use 1024 to 65535 (VPC user guide, "Ephemeral ports")."""


@dataclass(frozen=True)
class Flow:
    """One row: `source` opens TCP connections to `target` on `port`."""

    source: Peer
    target: Peer
    port: int
    why: str


def _from_each(sources: Iterable[Peer], target: Peer, port: int, why: str) -> tuple[Flow, ...]:
    return tuple(Flow(source, target, port, why) for source in sources)


FLOWS: tuple[Flow, ...] = (
    Flow(Party.INTERNET, Party.LOAD_BALANCER, HTTPS, "clients, over TLS"),
    Flow(Party.INTERNET, Party.LOAD_BALANCER, HTTP, "answered with a redirect to TLS, nothing else"),
    Flow(Party.LOAD_BALANCER, Service.API_GATEWAY, SERVICE_TLS, "API and health checks"),
    Flow(Party.LOAD_BALANCER, Service.MARKET_DATA, SERVICE_TLS, "WebSocket streams on /ws"),
    Flow(Party.LOAD_BALANCER, Party.MONITORING, GRAFANA_TLS, "dashboards, for operators"),
    Flow(Party.LOAD_BALANCER, Party.LOGS, LOGS_TLS, "log search, for operators"),
    Flow(Party.LOAD_BALANCER, Party.INTERNET, HTTPS, "sign-in of operators: the token endpoint of the user pool"),
    Flow(Service.API_GATEWAY, Service.MARKET_DATA, SERVICE_TLS, "quotes and history"),
    Flow(Service.API_GATEWAY, Service.STRATEGY, SERVICE_TLS, "strategy management"),
    Flow(Service.API_GATEWAY, Service.RISK_MANAGER, SERVICE_TLS, "limits and positions"),
    Flow(Service.API_GATEWAY, Service.ORDER_EXECUTOR, SERVICE_TLS, "orders placed by traders"),
    Flow(Service.STRATEGY, Service.MARKET_DATA, SERVICE_TLS, "features for models"),
    Flow(Service.STRATEGY, Service.RISK_MANAGER, SERVICE_TLS, "check before an order is proposed"),
    Flow(Service.ORDER_EXECUTOR, Service.RISK_MANAGER, SERVICE_TLS, "check before an order is sent"),
    *_from_each(Service, Party.DATABASE_PROXY, POSTGRESQL, "pooled database connections"),
    Flow(Party.DATABASE_PROXY, Party.DATABASE, POSTGRESQL, "the pool itself"),
    Flow(Service.ORDER_EXECUTOR, Party.DATABASE, POSTGRESQL, "the executor's lease is a session lock, which a pool would break"),
    Flow(Party.MANAGEMENT, Party.DATABASE, POSTGRESQL, "schema changes and repairs"),
    *_from_each(Service, Party.CACHE, VALKEY, "cache"),
    Flow(Service.API_GATEWAY, Party.SESSIONS, VALKEY, "sessions"),
    *_from_each(Service, Party.BROKER, AMQPS, "queues"),
    Flow(Party.MANAGEMENT, Party.BROKER, HTTPS, "management console and API"),
    Flow(Party.MANAGEMENT, Party.CACHE, VALKEY, "inspection"),
    Flow(Party.MANAGEMENT, Party.SESSIONS, VALKEY, "inspection"),
    Flow(Service.API_GATEWAY, Party.VAULT, VAULT_API, "encrypts the stored credentials of traders"),
    Flow(Service.ORDER_EXECUTOR, Party.VAULT, VAULT_API, "decrypts the credentials that an order needs"),
    *_from_each((Party.METRICS_COLLECTOR,), Party.CONTROL_PLANE, HTTPS, "which pods and nodes there are, and the metrics of nodes"),
    *(Flow(Party.METRICS_COLLECTOR, service, SERVICE_METRICS, "metrics") for service in Service),
    Flow(Party.METRICS_COLLECTOR, Party.VAULT, VAULT_API, "metrics"),
    Flow(Party.METRICS_COLLECTOR, Party.CLOUD_METRICS, CLOUD_METRICS, "what CloudWatch measures"),
    Flow(Party.METRICS_COLLECTOR, Party.CLUSTER_SERVICES, OBJECT_METRICS, "state of Kubernetes objects"),
    Flow(Party.METRICS_COLLECTOR, Party.CLUSTER_SERVICES, CERTIFICATE_METRICS, "expiry of certificates"),
    Flow(Party.LOG_FUNCTIONS, Party.LOG_STORE, HTTPS, "logs, and what the store is told about them"),
    Flow(Party.LOGS, Party.LOG_STORE, HTTPS, "searches of operators"),
    Flow(Party.VAULT, Party.VAULT, VAULT_API, "a new member joins"),
    Flow(Party.VAULT, Party.VAULT, VAULT_CLUSTER, "members agree, and forward to their leader"),
    Flow(Party.VAULT_OPERATIONS, Party.VAULT, VAULT_API, "initialisation and snapshots"),
    Flow(Party.MANAGEMENT, Party.VAULT, VAULT_API, "operators of Vault"),
    *_from_each(
        (*PODS, Party.NODE, Party.MANAGEMENT),
        Party.ENDPOINTS,
        HTTPS,
        "AWS APIs inside the VPC",
    ),
    *_from_each(
        (Party.VAULT, Party.CLUSTER_SERVICES, Party.NODE, Party.MANAGEMENT), Party.CONTROL_PLANE, HTTPS, "API server of the cluster"
    ),
    Flow(Party.CONTROL_PLANE, Party.NODE, KUBELET, "logs, commands and probes that operators ask for"),
    Flow(Party.CONTROL_PLANE, Party.CLUSTER_SERVICES, WEBHOOK, "admission webhook of the certificates"),
    Flow(Party.CONTROL_PLANE, Party.CLUSTER_SERVICES, METRICS_API, "metrics that the autoscalers read"),
    Flow(Party.CONTROL_PLANE, Party.CLUSTER_SERVICES, COLLECTOR_WEBHOOK, "admission webhook of the log collector"),
    Flow(Party.CLUSTER_SERVICES, Party.NODE, KUBELET, "metrics of the pods"),
    Flow(Party.NODE, Party.INTERNET, HTTPS, "image layers in S3, and AWS APIs that have no endpoint here"),
    Flow(Party.VAULT_OPERATIONS, Party.INTERNET, HTTPS, "snapshots to S3, whose addresses are public behind the gateway endpoint too"),
    Flow(Party.CLOUD_METRICS, Party.INTERNET, HTTPS, "figures of services without regions, and names of tags, which have no endpoint here"),
    Flow(Service.MARKET_DATA, Party.INTERNET, HTTPS, "exchanges and data vendors"),
    Flow(Service.MARKET_DATA, Party.INTERNET, EXCHANGE_STREAM, "market streams"),
    Flow(Service.ORDER_EXECUTOR, Party.INTERNET, HTTPS, "exchanges"),
)


@dataclass(frozen=True)
class BoundaryFlow:
    """A row as security groups see it. One side is None where that side is the internet."""

    source: Boundary | None
    target: Boundary | None
    port: int


def boundary_flows() -> tuple[BoundaryFlow, ...]:
    """The rows between security groups, in table order, without repeats. Rows between pods stay: nodes talk to nodes."""
    rows = (BoundaryFlow(PARTY_BOUNDARIES.get(flow.source), PARTY_BOUNDARIES.get(flow.target), flow.port) for flow in FLOWS)
    return tuple(dict.fromkeys(rows))


@dataclass(frozen=True)
class SegmentFlow:
    """A row as network ACLs see it: connections between two segments, or between a segment and the internet (None)."""

    source: Segment | None
    target: Segment | None
    port: int


def segment_flows() -> tuple[SegmentFlow, ...]:
    """The rows that cross a network ACL, without repeats.

    Way out from a private segment leads through the NAT gateways of the public segment, so such a row is two:
    private segment to public segment's gateways, and public segment to the internet. Within a subnet no ACL applies,
    but a segment has one subnet per zone, so rows within a segment count.
    """
    rows: list[SegmentFlow] = []
    for flow in boundary_flows():
        source = BOUNDARY_SEGMENTS[flow.source] if flow.source else None
        target = BOUNDARY_SEGMENTS[flow.target] if flow.target else None
        rows.append(SegmentFlow(source, target, flow.port))
        if target is None and source is not Segment.PUBLIC:
            rows.append(SegmentFlow(Segment.PUBLIC, None, flow.port))
    return tuple(dict.fromkeys(rows))


class Direction(StrEnum):
    """Seen from the subnet that the ACL guards."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True)
class AclRule:
    """One allowed range of TCP ports from or to a segment of the same region, or the world (None)."""

    direction: Direction
    peer: Segment | None
    first_port: int
    last_port: int


def acl_rules(segment: Segment) -> tuple[AclRule, ...]:
    """What the network ACL of a segment lets through: each row both ways, since ACLs do not remember connections.

    Packets to the internet keep the outside address on their way to the NAT gateway, so a private segment's ACL opens the
    port to the world, and the public segment's ACL accepts it from the private one.
    """
    rules: list[AclRule] = []
    for flow in segment_flows():
        if flow.source is segment:
            rules.append(AclRule(Direction.EGRESS, flow.target, flow.port, flow.port))
            rules.append(AclRule(Direction.INGRESS, flow.target, *EPHEMERAL))
        if flow.target is segment:
            rules.append(AclRule(Direction.INGRESS, flow.source, flow.port, flow.port))
            rules.append(AclRule(Direction.EGRESS, flow.source, *EPHEMERAL))
        passes_through_nat = flow.target is None and flow.source is not Segment.PUBLIC
        if passes_through_nat and segment is Segment.PUBLIC:
            rules.append(AclRule(Direction.INGRESS, flow.source, flow.port, flow.port))
            rules.append(AclRule(Direction.EGRESS, flow.source, *EPHEMERAL))
    each_once = dict.fromkeys(rules)
    # the world has our segments in it, and an ACL holds twenty rules each way (VPC user guide, "Quotas")
    return tuple(rule for rule in each_once if rule.peer is None or replace(rule, peer=None) not in each_once)
