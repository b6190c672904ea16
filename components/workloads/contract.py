"""What a trading service is told by its environment, and where it finds its files: the contract with whoever writes one.

`docs/service-contract.md` is this page for people. Nothing here is secret: secrets are files.
"""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.context import RegionContext
from components.database import DATABASE_NAME, database_user
from settings.model import PlatformSettings
from settings.pod_traffic import NAMESPACES
from settings.traffic import FLOWS, POSTGRESQL, SERVICE_METRICS, SERVICE_TLS, SINGLE_ACTIVE, VALKEY, VAULT_API, Party, Peer, Service

TLS_FOLDER = "/run/tls"
SECRETS_FOLDER = "/run/secrets/mastertrade"
VAULT_FOLDER = "/run/vault"
LEASE_FOLDER = "/run/order-lease"

HEALTH_PATH, LIVENESS_PATH = "/health", "/health/live"
"""Whether a pod can serve; whether it has to be started anew."""

ORDER_LEASE_SECONDS = 10
"""How long an executor may go on without having confirmed its lease and its switch; whoever follows waits as long."""


@dataclass(frozen=True)
class Endpoints:
    """Where the stores of a region answer. `switch_endpoints` and `switch_arn` are None in a stack of one region."""

    database: pulumi.Input[str]
    database_reader: pulumi.Input[str]
    database_writer: pulumi.Input[str]
    cache: pulumi.Input[str]
    cache_user: str
    sessions: pulumi.Input[str]
    sessions_user: str
    broker: pulumi.Input[str]
    switch_arn: pulumi.Input[str] | None = None
    switch_endpoints: pulumi.Input[str] | None = None
    """JSON: a list of `region` and `endpoint`."""


def reaches(service: Service, target: Peer) -> bool:
    """Whether the traffic table has a row from a service to a party."""
    return any(flow.source is service and flow.target is target for flow in FLOWS)


def service_url(service: Peer, port: int) -> str:
    """`https://risk-manager.trading.svc:8443`."""
    return f"https://{service}.{NAMESPACES[service]}.svc:{port}"


def environment(service: Service, settings: PlatformSettings, context: RegionContext, endpoints: Endpoints) -> list[core.v1.EnvVarArgsDict]:
    """The environment variables of a service, sorted by purpose."""
    stated = settings.services[service]
    features = settings.features
    plain: dict[str, pulumi.Input[str]] = {
        "AWS_REGION": context.region,
        "MASTERTRADE_ENVIRONMENT": settings.environment,
        "MASTERTRADE_SERVICE": service,
        "LISTEN_PORT": str(SERVICE_TLS),
        "METRICS_PORT": str(SERVICE_METRICS),
        "TLS_FOLDER": TLS_FOLDER,
        "SECRETS_FOLDER": SECRETS_FOLDER,
        "WORKERS": str(stated.workers),
        "FEATURE_LIVE_TRADING": _switch(on=features.live_trading),
        "FEATURE_ML_MODELS": _switch(on=features.ml_models),
        "FEATURE_HIGH_FREQUENCY_TRADING": _switch(on=features.high_frequency_trading),
        "DATABASE_HOST": endpoints.database,
        "DATABASE_READER_HOST": endpoints.database_reader,
        "DATABASE_PORT": str(POSTGRESQL),
        "DATABASE_NAME": DATABASE_NAME,
        "DATABASE_USER": database_user(service),
        "DATABASE_SSLMODE": "verify-full",
        "DATABASE_POOL_SIZE": str(stated.database_connections),
        "CACHE_HOST": endpoints.cache,
        "CACHE_PORT": str(VALKEY),
        "CACHE_USER": endpoints.cache_user,
        "CACHE_CLIENTS": str(stated.cache_clients),
        "BROKER_URL": endpoints.broker,
    }
    if reaches(service, Party.SESSIONS):
        plain |= {"SESSIONS_HOST": endpoints.sessions, "SESSIONS_PORT": str(VALKEY), "SESSIONS_USER": endpoints.sessions_user}
    if reaches(service, Party.VAULT):
        plain |= {"VAULT_ADDR": service_url(Party.VAULT, VAULT_API), "VAULT_CACERT": f"{TLS_FOLDER}/ca.crt", "VAULT_ROLE": service}
    if service is Service.API_GATEWAY:
        entry = settings.load_balancer
        plain |= {"RATE_LIMIT_PER_MINUTE": str(entry.requests_per_minute), "RATE_LIMIT_BURST": str(entry.burst_requests)}
    for peer in Service:
        if reaches(service, peer):
            plain[f"{peer.upper().replace('-', '_')}_URL"] = service_url(peer, SERVICE_TLS)
    if service in SINGLE_ACTIVE:
        plain |= _single_active(endpoints)
    pod_name: core.v1.EnvVarArgsDict = {
        "name": "POD_NAME",
        "value_from": {"field_ref": {"api_version": "v1", "field_path": "metadata.name"}},
    }
    return [*({"name": name, "value": value} for name, value in plain.items()), pod_name]


def _single_active(endpoints: Endpoints) -> dict[str, pulumi.Input[str]]:
    """Where the right to execute is asked for: at the region's own writer, and at the switch of the region."""
    told: dict[str, pulumi.Input[str]] = {
        "ORDER_LEASE_HOST": endpoints.database_writer,
        "ORDER_LEASE_SECONDS": str(ORDER_LEASE_SECONDS),
        "ORDER_LEASE_SQL": f"{LEASE_FOLDER}/lease.sql",
    }
    if endpoints.switch_arn is not None and endpoints.switch_endpoints is not None:
        told |= {"ORDER_SWITCH_ARN": endpoints.switch_arn, "ORDER_SWITCH_ENDPOINTS": endpoints.switch_endpoints}
    return told


def _switch(*, on: bool) -> str:
    return "on" if on else "off"
