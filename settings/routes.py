"""What the load balancer serves: which host and path leads to which service, and who has to sign in."""

from dataclasses import dataclass

from settings.traffic import GRAFANA_TLS, LOGS_TLS, SERVICE_TLS, Party, Peer, Service


@dataclass(frozen=True)
class TargetGroupSpec:
    """Pods of one service, reached over TLS. `health_path` answers 200 while a pod can serve."""

    name: str
    service: Peer
    port: int
    health_path: str
    sticky: bool = False


@dataclass(frozen=True)
class Route:
    """One rule of the TLS listener. Lower priorities are looked at first; `operators` are asked to sign in."""

    priority: int
    host_label: str
    paths: tuple[str, ...]
    target: TargetGroupSpec
    operators: bool = False


API = TargetGroupSpec("api", Service.API_GATEWAY, SERVICE_TLS, "/health")
# a client that reconnects finds the pod that holds its subscriptions
STREAMS = TargetGroupSpec("streams", Service.MARKET_DATA, SERVICE_TLS, "/health", sticky=True)
DASHBOARDS = TargetGroupSpec("dashboards", Party.MONITORING, GRAFANA_TLS, "/api/health")
LOG_SEARCH = TargetGroupSpec("log-search", Party.LOGS, LOGS_TLS, "/health")

API_HOST, MONITORING_HOST, LOGS_HOST = "api", "monitoring", "logs"

ROUTES: tuple[Route, ...] = (
    Route(100, MONITORING_HOST, ("/*",), DASHBOARDS, operators=True),
    Route(110, LOGS_HOST, ("/*",), LOG_SEARCH, operators=True),
    Route(200, API_HOST, ("/ws", "/ws/*"), STREAMS),
    Route(300, API_HOST, ("/*",), API),
)

HEALTH_PATH = "/health"
"""What Route 53 asks on the API host of each region."""
