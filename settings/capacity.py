"""Whether the settings carry what they promise: from requests, traders, orders and gigabytes to pods, nodes and limits.

Arithmetic over one table of assumptions. Whoever measures better figures changes the table, and every stack that no longer
carries its promise is refused.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from settings.catalog import GIB_PER_ACU
from settings.model import PlatformSettings
from settings.node_pools import NodePool
from settings.traffic import SINGLE_ACTIVE, Service


class Assumption(Enum):
    """What one unit does, or how load is spread; with the unit and the reason."""

    PEAK_TO_MEAN = (10, "times the mean of the trading hours in the busiest second", "openings and news: a tenth of the day in 1 % of it")
    REQUESTS_PER_CORE = (
        200,
        "API requests a second on one core of the gateway",
        "TLS, token, limits and one call to a service: 5 ms of CPU",
    )
    STREAMS_PER_CORE = (500, "open streams on one core of market data", "ten small messages a second on each: 0.2 ms of CPU")
    MARKET_DATA_KB_PER_CORE = (2000, "kB a second that one core decodes and stores", "JSON of exchanges: 0.5 ms of CPU a kB")
    STRATEGY_ORDER_PERCENT = (50, "percent of the orders that strategies propose", "the others are placed by traders")
    PROPOSALS_PER_WORKER = (12, "orders a second that one worker proposes", "a model's answer takes 80 ms")
    CHECKS_PER_ORDER = (2, "checks of an order", "when it is proposed and when it is sent")
    CHECKS_PER_CORE = (400, "checks a second on one core of the risk manager", "positions are in memory and in the cache: 2.5 ms of CPU")
    ORDERS_PER_CORE = (250, "orders a second on one core of the executor", "signing, routing and four writes: 4 ms of CPU")
    STATEMENTS_PER_ORDER = (8, "database statements for an order", "four states of it and of the position")
    REQUESTS_TO_DATABASE_PERCENT = (20, "percent of the requests that the cache does not answer", "its hit rate raises an alarm below 80 %")
    STATEMENTS_PER_CORE = (1500, "database statements a second on one core of the writer", "indexed reads and single-row writes")
    MESSAGES_PER_ORDER = (5, "messages for an order", "proposed, checked, accepted, filled, settled")
    MESSAGES_PER_CORE = (1000, "persistent messages a second on one core of a broker", "quorum queues write three copies")
    ORDER_BYTES = (2000, "bytes that an order leaves in the database", "its states and their indexes")
    MARKET_DATA_KEPT_PERCENT = (10, "percent of the collected market data that stays", "ticks become candles")
    NODE_USE_PERCENT = (80, "percent of a node that pods can be given", "system services, agents, and what does not fit")

    @property
    def figure(self) -> int:
        """The figure itself."""
        return self.value[0]

    @property
    def unit(self) -> str:
        """What the figure counts."""
        return self.value[1]

    @property
    def reason(self) -> str:
        """Why it is taken to be so."""
        return self.value[2]


@dataclass(frozen=True)
class Need:
    """Something that the promise takes, and what the settings give. `key` is the setting that gives it, `example` one that would do."""

    what: str
    wanted: float
    given: float
    unit: str
    key: str
    example: str

    @property
    def is_met(self) -> bool:
        """Whether the settings give enough."""
        return self.given >= self.wanted


BYTES_PER_GB = 1_000_000_000
_DAYS_PER_MONTH = 30
_AURORA_TIB = 128  # of a cluster volume (Aurora user guide, "Quotas and constraints")
_GIB_PER_TIB, _BYTES_PER_GIB = 1024, 1024**3
_YEARS_OF_GROWTH = 5


def surviving(replicas: int, zones: int) -> int:
    """Pods that are left when the zone with the most of them is lost; they are spread as evenly as can be."""
    return replicas - math.ceil(replicas / zones)


def peak_orders_per_second(settings: PlatformSettings) -> float:
    """Orders in the busiest second of a trading day."""
    return settings.capacity.orders_per_day / (settings.trading_hours.minutes_per_day * 60) * Assumption.PEAK_TO_MEAN.figure


def needs(settings: PlatformSettings) -> tuple[Need, ...]:
    """Everything that the promise takes, in the order in which a request meets it."""
    return (*_pods(settings), *_nodes(settings), *_stores(settings))


def _load(settings: PlatformSettings) -> dict[Service, float]:
    """Cores that each service computes with when everything promised comes at once; a strategy worker is one core."""
    promise, orders = settings.capacity, peak_orders_per_second(settings)
    collected = promise.market_data_gb_per_day * BYTES_PER_GB / 1000 / (settings.trading_hours.minutes_per_day * 60)
    return {
        Service.API_GATEWAY: promise.requests_per_second / Assumption.REQUESTS_PER_CORE.figure,
        Service.MARKET_DATA: promise.concurrent_traders / Assumption.STREAMS_PER_CORE.figure
        + collected * Assumption.PEAK_TO_MEAN.figure / Assumption.MARKET_DATA_KB_PER_CORE.figure,
        Service.STRATEGY: orders * Assumption.STRATEGY_ORDER_PERCENT.figure / 100 / Assumption.PROPOSALS_PER_WORKER.figure,
        Service.RISK_MANAGER: orders * Assumption.CHECKS_PER_ORDER.figure / Assumption.CHECKS_PER_CORE.figure,
        Service.ORDER_EXECUTOR: orders / Assumption.ORDERS_PER_CORE.figure,
    }


def least_pods(settings: PlatformSettings) -> dict[Service, int]:
    """Pods that carry the promise. A service without an assumption of its own has one."""
    load = _load(settings)
    return {service: max(1, math.ceil(load.get(service, 0) / _cores_of_pod(settings, service))) for service in settings.services}


def _cores_of_pod(settings: PlatformSettings, service: Service) -> float:
    """Cores that a pod computes with: no more than it has, and in a strategy no more than it has workers."""
    stated = settings.services[service]
    cores = stated.cpu_millicores / 1000
    return min(cores, stated.workers) if service is Service.STRATEGY else cores


def _pods(settings: PlatformSettings) -> Iterator[Need]:
    """Fewest pods of each service carry the promise, where asked for also without one of the zones."""
    zones = min(len(region.zones) for region in settings.regions.values())
    load = _load(settings)
    for service, least in least_pods(settings).items():
        stated = settings.services[service]
        if service in SINGLE_ACTIVE:
            cores = load.get(service, 0)
            yield Need(
                f"cores of the one pod of {service}",
                cores,
                _cores_of_pod(settings, service),
                "cores",
                f"services.{service}.cpu_millicores",
                f"cpu_millicores: {math.ceil(cores * 10) * 100}",
            )
            continue
        spread = settings.capacity.survives_zone_loss
        given = surviving(stated.min_replicas, zones) if spread else stated.min_replicas
        enough = next(replicas for replicas in range(least, 10 * least + 10) if not spread or surviving(replicas, zones) >= least)
        yield Need(
            f"pods of {service}{' that a lost zone leaves' if spread else ''}",
            least,
            given,
            "pods",
            f"services.{service}.min_replicas",
            f"min_replicas: {enough}",
        )


def _nodes(settings: PlatformSettings) -> Iterator[Need]:
    """Each pool can hold the most pods of all services that name it."""
    use = Assumption.NODE_USE_PERCENT.figure / 100
    for pool, stated in settings.cluster.node_pools.items():
        services = [service for service in settings.services.values() if service.node_pool is pool]
        cores = sum(service.max_replicas * service.cpu_millicores for service in services) / 1000
        memory = sum(service.max_replicas * service.memory_mib for service in services) / 1024
        if pool is NodePool.GENERAL:
            cores += settings.vault.replicas * VAULT_MILLICORES / 1000
            memory += settings.vault.replicas * VAULT_MEMORY_MIB / 1024
        yield Need(
            f"cores of pool {pool}",
            cores,
            stated.max_cores * use,
            "cores",
            f"cluster.node_pools.{pool}.max_cores",
            f"max_cores: {math.ceil(cores / use)}",
        )
        yield Need(
            f"memory of pool {pool}",
            memory,
            stated.max_memory_gib * use,
            "GiB",
            f"cluster.node_pools.{pool}.max_memory_gib",
            f"max_memory_gib: {math.ceil(memory / use)}",
        )


def _stores(settings: PlatformSettings) -> Iterator[Need]:
    """The writer, the broker and the database's volume."""
    promise, orders = settings.capacity, peak_orders_per_second(settings)
    database = settings.database
    statements = (
        orders * Assumption.STATEMENTS_PER_ORDER.figure + promise.requests_per_second * Assumption.REQUESTS_TO_DATABASE_PERCENT.figure / 100
    )
    serverless = database.form == "serverless"
    # an ACU comes with the CPU of an instance of its memory: a core to 8 GiB (Aurora user guide, "Aurora Serverless v2")
    cores = database.serverless.max_acu * GIB_PER_ACU / 8 if serverless else database.instance_class.cores
    yield Need(
        "statements on the writer",
        statements,
        cores * Assumption.STATEMENTS_PER_CORE.figure,
        "statements a second",
        "database.serverless.max_acu" if serverless else "database.instance_class",
        "max_acu: 16" if serverless else "instance_class: db.r8g.2xlarge",
    )
    yield Need(
        "messages through the broker",
        orders * Assumption.MESSAGES_PER_ORDER.figure,
        settings.broker.instance.cores * Assumption.MESSAGES_PER_CORE.figure,
        "messages a second",
        "broker.instance",
        "instance: mq.m7g.xlarge",
    )
    kept_bytes = promise.orders_per_day * Assumption.ORDER_BYTES.figure
    kept_gb = kept_bytes / BYTES_PER_GB + promise.market_data_gb_per_day * Assumption.MARKET_DATA_KEPT_PERCENT.figure / 100
    yield Need(
        "growth by orders and market data",
        kept_gb * _DAYS_PER_MONTH,
        promise.storage_growth_gb_per_month,
        "GB a month",
        "capacity.storage_growth_gb_per_month",
        f"storage_growth_gb_per_month: {math.ceil(kept_gb * _DAYS_PER_MONTH)}",
    )
    yield Need(
        f"{_YEARS_OF_GROWTH} years of growth",
        promise.storage_growth_gb_per_month * 12 * _YEARS_OF_GROWTH,
        _AURORA_TIB * _GIB_PER_TIB * _BYTES_PER_GIB / BYTES_PER_GB,
        "GB",
        "capacity.storage_growth_gb_per_month",
        "storage_growth_gb_per_month: 100",
    )


VAULT_MILLICORES, VAULT_MEMORY_MIB = 500, 512
"""What one member of Vault is given."""
