"""Whether the settings carry what they promise: from requests, traders, orders and gigabytes to pods, nodes and limits.

Arithmetic over one table of assumptions. Whoever measures better figures changes the table, and every stack that no longer
carries its promise is refused.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from settings.base import Model
from settings.catalog import GIB_PER_ACU, BrokerInstance, DatabaseInstance
from settings.model import PlatformSettings, ServerlessSettings, ServiceSettings
from settings.node_pools import NODE_POOLS, NodePool
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
class PodSize:
    """What one pod is given, no more and no less."""

    millicores: int
    memory_mib: int


VAULT_POD = PodSize(500, 512)
DASHBOARDS_POD = PodSize(250, 512)
CLOUD_METRICS_POD = PodSize(100, 256)
SECRET_AGES_POD = PodSize(100, 256)
LOG_SEARCH_POD = PodSize(250, 256)


@dataclass(frozen=True)
class Need:
    """Something that the promise takes, and what the settings give. `key` is the setting that gives it, `example` one that would do."""

    what: str
    wanted: float
    given: float
    unit: str
    key: str
    example: str
    allowed: str = ""
    """In other words than "`wanted` at least"."""

    @property
    def is_met(self) -> bool:
        """Whether the settings give enough."""
        return round(self.given - self.wanted, _DIGITS) >= 0


BYTES_PER_GB = 1_000_000_000
_DAYS_PER_MONTH = 30
_AURORA_TIB = 128  # of a cluster volume (Aurora user guide, "Quotas and constraints")
_GIB_PER_TIB, BYTES_PER_GIB = 1024, 1024**3
_YEARS_OF_GROWTH = 5
_GIB_PER_CORE = {"c": 2, "m": 4, "r": 8}  # of current instances (EC2 instance types, "Specifications")
_GIB_PER_ACU_CORE = 8  # an ACU comes with the CPU of an instance of its memory (Aurora user guide, "Aurora Serverless v2")
_LARGER_INSTANCES = "db.r8g."  # proposed to whom an instance is too small
_DIGITS = 9  # behind which quotients of floating point are noise


def surviving(replicas: int, zones: int) -> int:
    """Pods that are left when the zone with the most of them is lost; they are spread as evenly as can be."""
    return replicas - math.ceil(replicas / zones)


def peak_orders_per_second(settings: PlatformSettings) -> float:
    """Orders in the busiest second of a trading day."""
    return settings.capacity.orders_per_day / (settings.trading_hours.minutes_per_day * 60) * Assumption.PEAK_TO_MEAN.figure


def largest_pod(pool: NodePool) -> tuple[float, float]:
    """Cores, and GiB of memory, that the largest node of a pool has for one pod."""
    use = Assumption.NODE_USE_PERCENT.figure / 100
    cores = max(int(each) for each in NODE_POOLS[pool].cores)
    return cores * use, cores * use * max(_GIB_PER_CORE[category] for category in NODE_POOLS[pool].categories)


def needs(settings: PlatformSettings) -> tuple[Need, ...]:
    """Everything that the promise takes, in the order in which a request meets it."""
    return (*_pods(settings), *_nodes(settings), *_stores(settings))


def _load(settings: PlatformSettings) -> dict[Service, dict[str, float]]:
    """Cores that each service computes with when everything promised comes at once, by promise; a strategy worker is one core."""
    promise, orders = settings.capacity, peak_orders_per_second(settings)
    collected = promise.market_data_gb_per_day * BYTES_PER_GB / 1000 / (settings.trading_hours.minutes_per_day * 60)
    return {
        Service.API_GATEWAY: {"requests_per_second": promise.requests_per_second / Assumption.REQUESTS_PER_CORE.figure},
        Service.MARKET_DATA: {
            "concurrent_traders": promise.concurrent_traders / Assumption.STREAMS_PER_CORE.figure,
            "market_data_gb_per_day": collected * Assumption.PEAK_TO_MEAN.figure / Assumption.MARKET_DATA_KB_PER_CORE.figure,
        },
        Service.STRATEGY: {
            "orders_per_day": orders * Assumption.STRATEGY_ORDER_PERCENT.figure / 100 / Assumption.PROPOSALS_PER_WORKER.figure
        },
        Service.RISK_MANAGER: {"orders_per_day": orders * Assumption.CHECKS_PER_ORDER.figure / Assumption.CHECKS_PER_CORE.figure},
        Service.ORDER_EXECUTOR: {"orders_per_day": orders / Assumption.ORDERS_PER_CORE.figure},
    }


def least_pods(settings: PlatformSettings) -> dict[Service, int]:
    """Pods that carry the promise. A service without an assumption of its own has one."""
    load = _load(settings)
    return {service: max(1, _ceil(sum(load.get(service, {}).values()) / _cores_of_pod(settings, service))) for service in settings.services}


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
            yield _one_pod(settings, service, load.get(service, {}))
            continue
        spread = settings.capacity.survives_zone_loss
        given = surviving(stated.min_replicas, zones) if spread else stated.min_replicas
        enough = next(replicas for replicas in range(least, 10 * least + 10) if not spread or surviving(replicas, zones) >= least)
        key, example = f"services.{service}.min_replicas", f"min_replicas: {enough}"
        if enough > _largest(ServiceSettings, "min_replicas"):
            key, example = _promise_less(settings, given * _cores_of_pod(settings, service), load[service])
        yield Need(f"pods of {service}{' that a lost zone leaves' if spread else ''}", least, given, "pods", key, example)


def _one_pod(settings: PlatformSettings, service: Service, load: dict[str, float]) -> Need:
    """What may run once only carries the promise by itself, as far as a node of its pool is large enough."""
    cores, given = sum(load.values()), _cores_of_pod(settings, service)
    millicores = _ceil(cores * 10) * 100
    key, example = f"services.{service}.cpu_millicores", f"cpu_millicores: {millicores}"
    if millicores > largest_pod(settings.services[service].node_pool)[0] * 1000:
        key, example = _promise_less(settings, given, load)
    return Need(f"cores of the one pod of {service}", cores, given, "cores", key, example)


def _promise_less(settings: PlatformSettings, given: float, load: dict[str, float], **others: int) -> tuple[str, str]:
    """Key and example where nothing larger can be had: as much of the promises as is given. The lighter ones stay as they are."""
    less, left = dict[str, int](), given
    for number, promise in enumerate(sorted(load, key=lambda each: load[each])):
        carried = min(load[promise], left / (len(load) - number))
        less[promise] = max(1, math.floor(round(getattr(settings.capacity, promise) * carried / load[promise], _DIGITS)))
        left -= carried
    return "capacity", f"capacity: {{{', '.join(f'{promise}: {figure}' for promise, figure in (less | others).items())}}}"


@functools.cache
def _largest(model: type[Model], setting: str) -> float:
    """The largest value that a setting takes."""
    return model.model_json_schema()["properties"][setting]["maximum"]


def _ceil(value: float) -> int:
    return math.ceil(round(value, _DIGITS))


def _nodes(settings: PlatformSettings) -> Iterator[Need]:
    """Each pool can hold the most pods of all services that name it."""
    use = Assumption.NODE_USE_PERCENT.figure / 100
    for pool, stated in settings.cluster.node_pools.items():
        services = [service for service in settings.services.values() if service.node_pool is pool]
        cores = sum(service.max_replicas * service.cpu_millicores for service in services) / 1000
        memory = sum(service.max_replicas * service.memory_mib for service in services) / 1024
        if pool is NodePool.GENERAL:
            for size, replicas in _own_pods(settings):
                cores += replicas * size.millicores / 1000
                memory += replicas * size.memory_mib / 1024
        yield Need(
            f"cores of pool {pool}",
            cores,
            stated.max_cores * use,
            "cores",
            f"cluster.node_pools.{pool}.max_cores",
            f"max_cores: {_ceil(cores / use)}",
        )
        yield Need(
            f"memory of pool {pool}",
            memory,
            stated.max_memory_gib * use,
            "GiB",
            f"cluster.node_pools.{pool}.max_memory_gib",
            f"max_memory_gib: {_ceil(memory / use)}",
        )


def _stores(settings: PlatformSettings) -> Iterator[Need]:
    """The writer, the broker and the database's volume."""
    yield _writer(settings)
    yield _broker(settings)
    yield from _volume(settings)


def _writer(settings: PlatformSettings) -> Need:
    database = settings.database
    load = {
        "requests_per_second": settings.capacity.requests_per_second * Assumption.REQUESTS_TO_DATABASE_PERCENT.figure / 100,
        "orders_per_day": peak_orders_per_second(settings) * Assumption.STATEMENTS_PER_ORDER.figure,
    }
    statements = sum(load.values())
    wanted = statements / Assumption.STATEMENTS_PER_CORE.figure
    if database.form == "serverless":
        cores = database.serverless.max_acu * GIB_PER_ACU / _GIB_PER_ACU_CORE
        enough = _ceil(wanted * _GIB_PER_ACU_CORE / GIB_PER_ACU)
        key, example = "database.serverless.max_acu", f"max_acu: {enough}"
        exists = enough <= _largest(ServerlessSettings, "max_acu")
    else:
        cores = database.instance_class.cores
        larger = [each for each in DatabaseInstance if each.startswith(_LARGER_INSTANCES) and each.cores >= wanted]
        key, example = "database.instance_class", f"instance_class: {min(larger, key=lambda each: each.cores, default='')}"
        exists = bool(larger)
    given = cores * Assumption.STATEMENTS_PER_CORE.figure
    if not exists:
        key, example = _promise_less(settings, given, load)
    return Need("statements on the writer", statements, given, "statements a second", key, example)


def _broker(settings: PlatformSettings) -> Need:
    messages = peak_orders_per_second(settings) * Assumption.MESSAGES_PER_ORDER.figure
    given = settings.broker.instance.cores * Assumption.MESSAGES_PER_CORE.figure
    larger = [each for each in BrokerInstance if each.cores > 1 and each.cores * Assumption.MESSAGES_PER_CORE.figure >= messages]
    key, example = "broker.instance", f"instance: {min(larger, key=lambda each: each.cores, default='')}"
    if not larger:
        key, example = _promise_less(settings, given, {"orders_per_day": messages})
    return Need("messages through the broker", messages, given, "messages a second", key, example)


def _volume(settings: PlatformSettings) -> Iterator[Need]:
    """What is promised to grow is as much as grows, and no more than a volume holds."""
    promise, key = settings.capacity, "capacity.storage_growth_gb_per_month"
    volume = _AURORA_TIB * _GIB_PER_TIB * BYTES_PER_GIB / BYTES_PER_GB
    most = math.floor(volume / _YEARS_OF_GROWTH / 12)
    days = {
        "orders_per_day": promise.orders_per_day * Assumption.ORDER_BYTES.figure / BYTES_PER_GB,
        "market_data_gb_per_day": promise.market_data_gb_per_day * Assumption.MARKET_DATA_KEPT_PERCENT.figure / 100,
    }
    kept = sum(days.values()) * _DAYS_PER_MONTH
    where = (key, f"storage_growth_gb_per_month: {_ceil(kept)}")
    if kept > most:
        where = _promise_less(settings, most / _DAYS_PER_MONTH, days, storage_growth_gb_per_month=most)
    yield Need("growth by orders and market data", kept, promise.storage_growth_gb_per_month, "GB a month", *where)
    yield Need(
        f"{_YEARS_OF_GROWTH} years of growth",
        promise.storage_growth_gb_per_month * 12 * _YEARS_OF_GROWTH,
        volume,
        "GB",
        key,
        f"storage_growth_gb_per_month: {most}",
        f"{most} a month at most: a volume of the database holds {_AURORA_TIB} TiB, for {_YEARS_OF_GROWTH} years",
    )


def _own_pods(settings: PlatformSettings) -> Iterator[tuple[PodSize, int]]:
    """What runs beside the services, and how many of each at most: one more while it is replaced, where it is replaced that way."""
    yield VAULT_POD, settings.vault.replicas
    yield DASHBOARDS_POD, settings.observability.dashboards.replicas + 1
    yield CLOUD_METRICS_POD, 2
    yield SECRET_AGES_POD, 1
    yield LOG_SEARCH_POD, settings.observability.logs.search_replicas + 1
