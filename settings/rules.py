"""Rules that span several keys. Each yields every mistake that it finds, in words for the person who made it."""

import math
from collections.abc import Callable, Iterator
from itertools import combinations

from settings.capacity import Need, largest_pod, needs
from settings.catalog import (
    CACHE_NODES_PER_CLUSTER,
    GIB_PER_ACU,
    REGIONS,
    SERVERLESS_PAUSABLE_CONNECTIONS,
    BrokerInstance,
    max_connections,
)
from settings.model import Environment, ImagesSettings, PlatformSettings, RegionRole
from settings.problems import Problem
from settings.signals import BY_NAME, Limits, threshold_problems
from settings.traffic import SINGLE_ACTIVE
from settings.windows import DailyWindow, Interval, WeeklyWindow, overlap

Rule = Callable[[PlatformSettings], Iterator[Problem]]

_REGIONS_PER_GLOBAL_DATABASE = 11  # a primary and ten secondaries (Aurora user guide, "Aurora Global Database configuration requirements")
_GLOBAL_MIN_ACU = 8  # the same page
_CLUSTER_ZONES = 3  # Amazon MQ spreads a cluster over three zones
_BROKER_WINDOW_MINUTES = 120  # fixed by Amazon MQ
_BACKUP_START_MINUTES = 60  # AWS Backup starts within the hour
_DNS_TTL_SECONDS = 60  # of an alias to a load balancer (Route 53 developer guide)
_SERVICE_RECOVERY_SECONDS = 120  # promised
_IMAGES = tuple(name for name in ImagesSettings.model_fields if name != "registry")


def exactly_one_primary(settings: PlatformSettings) -> Iterator[Problem]:
    """One region is the primary."""
    primaries = [region for region, each in settings.regions.items() if each.role is RegionRole.PRIMARY]
    if not primaries:
        first = next(iter(settings.regions))
        yield Problem("regions", "no region has the role 'primary'", "exactly one primary", f"{first}: {{role: primary}}")
    for region in primaries[1:]:
        yield Problem(
            f"regions.{region}.role",
            f"a second primary beside {primaries[0]}",
            "exactly one primary; the others are standby",
            "role: standby",
        )


def active_region_exists(settings: PlatformSettings) -> Iterator[Problem]:
    """Orders are executed in a region that there is."""
    if settings.active_region not in settings.regions:
        known = ", ".join(settings.regions)
        yield Problem(
            "activeRegion",
            f"'{settings.active_region}' is not among the regions",
            f"one of {known}",
            f"activeRegion: {next(iter(settings.regions))}",
        )


def zones_exist(settings: PlatformSettings) -> Iterator[Problem]:
    """Every zone is one of the region in which all services are offered, named once."""
    for region, each in settings.regions.items():
        offered = REGIONS[region].zones
        for zone in each.zones:
            if zone not in offered:
                yield Problem(
                    f"regions.{region}.zones",
                    f"'{zone}' is no zone of {region} in which every service is offered",
                    f"some of {', '.join(offered)}",
                    f"zones: [{', '.join(offered)}]",
                )
        if len(set(each.zones)) < len(each.zones):
            yield Problem(f"regions.{region}.zones", "a zone is named twice", "each zone once", f"zones: [{', '.join(offered)}]")


def addresses_do_not_overlap(settings: PlatformSettings) -> Iterator[Problem]:
    """Regions can be connected, so their addresses differ."""
    for (first, a), (second, b) in combinations(settings.regions.items(), 2):
        if a.vpc_cidr.overlaps(b.vpc_cidr):
            yield Problem(
                f"regions.{second}.vpc_cidr",
                f"{b.vpc_cidr} overlaps {a.vpc_cidr} of {first}",
                "addresses that no other region uses",
                "vpc_cidr: 10.80.0.0/16",
            )


def _maintenance(settings: PlatformSettings) -> dict[str, tuple[Interval, ...]]:
    broker = settings.broker.maintenance
    two_hours = WeeklyWindow(day=broker.day, time=broker.time, duration_minutes=max(broker.duration_minutes, _BROKER_WINDOW_MINUTES))
    return {
        "database.maintenance": settings.database.maintenance.intervals(),
        "cache.maintenance": settings.cache.maintenance.intervals(),
        "sessions.maintenance": settings.sessions.maintenance.intervals(),
        "broker.maintenance": two_hours.intervals(),
    }


def _backups(settings: PlatformSettings) -> dict[str, tuple[Interval, ...]]:
    return {
        "database.backup_window": settings.database.backup_window.intervals(),
        "cache.snapshot_window": settings.cache.snapshot_window.intervals(),
        "sessions.snapshot_window": settings.sessions.snapshot_window.intervals(),
        "backup.time": DailyWindow(time=settings.backup.time, duration_minutes=_BACKUP_START_MINUTES).intervals(),
    }


def _time_example(key: str) -> str:
    name = key.rsplit(".", 1)[1]
    if name == "time":
        return "time: '02:00'"
    return f"{name}: {{day: saturday, time: '05:00'}}" if name in ("maintenance", "restore_test") else f"{name}: {{time: '02:00'}}"


def windows_do_not_overlap(settings: PlatformSettings) -> Iterator[Problem]:
    """One system is under maintenance at a time, and none while a backup runs."""
    maintenance, backups = _maintenance(settings), _backups(settings)
    pairs = [*combinations(maintenance, 2), *((backup, window) for window in maintenance for backup in backups)]
    intervals = maintenance | backups
    for first, second in pairs:
        if overlap(intervals[first], intervals[second]):
            yield Problem(second, f"the window overlaps {first}", "a time when no other window is open", _time_example(second))


def windows_lie_outside_trading_hours(settings: PlatformSettings) -> Iterator[Problem]:
    """Nothing is changed or snapshot while markets are open."""
    hours = settings.trading_hours.intervals()
    test = settings.backup.restore_test
    restores = {"backup.restore_test": test.intervals()} if test else {}
    for key, intervals in (_maintenance(settings) | _backups(settings) | restores).items():
        if overlap(intervals, hours):
            trading = f"{settings.trading_hours.opens} to {settings.trading_hours.closes} UTC"
            yield Problem(key, f"the window lies in trading hours ({trading})", "a time when markets are closed", _time_example(key))


def snapshot_windows_are_long_enough(settings: PlatformSettings) -> Iterator[Problem]:
    """ElastiCache takes no snapshot window under an hour."""
    for key, window in (
        ("cache.snapshot_window", settings.cache.snapshot_window),
        ("sessions.snapshot_window", settings.sessions.snapshot_window),
    ):
        if window.duration_minutes < 60:  # noqa: PLR2004
            yield Problem(f"{key}.duration_minutes", f"found {window.duration_minutes}", "60 to 480", "duration_minutes: 60")


def database_class_fits_its_features(settings: PlatformSettings) -> Iterator[Problem]:
    """What a Global Database, a proxy and insights ask of the instances."""
    database = settings.database
    several = len(settings.regions) > 1
    serverless = database.form == "serverless"
    if len(settings.regions) > _REGIONS_PER_GLOBAL_DATABASE:
        yield Problem(
            "regions",
            f"{len(settings.regions)} regions",
            f"at most {_REGIONS_PER_GLOBAL_DATABASE}: a global database has ten secondaries",
            "regions: {us-east-1: {role: primary}, us-west-2: {role: standby}}",
        )
    if not serverless and several and database.instance_class.burstable:
        yield Problem(
            "database.instance_class",
            f"{database.instance_class} cannot be part of a global database, and there are {len(settings.regions)} regions",
            "a memory-optimised class",
            "instance_class: db.r8g.large",
        )
    if not serverless and database.insights == "advanced" and database.instance_class.burstable:
        yield Problem(
            "database.insights", f"'advanced' with {database.instance_class}", "'standard' with burstable classes", "insights: standard"
        )
    if not serverless:
        return
    if database.serverless.min_acu > database.serverless.max_acu:
        yield Problem(
            "database.serverless.min_acu",
            f"{database.serverless.min_acu:g} is more than max_acu {database.serverless.max_acu:g}",
            "at most max_acu",
            "min_acu: 0.5",
        )
    if several and database.serverless.min_acu < _GLOBAL_MIN_ACU:
        yield Problem(
            "database.serverless.min_acu",
            f"{database.serverless.min_acu:g} with {len(settings.regions)} regions",
            f"{_GLOBAL_MIN_ACU} or more in a global database",
            f"min_acu: {_GLOBAL_MIN_ACU}",
        )
    if database.serverless.min_acu == 0 and database.proxy is not None:
        yield Problem(
            "database.proxy",
            "a proxy keeps connections open, so the database never pauses",
            "null while serverless.min_acu is 0",
            "proxy: null",
        )


def writer_connections(settings: PlatformSettings) -> int:
    """`max_connections` of the writer."""
    database = settings.database
    if database.form == "serverless":
        connections = max_connections(database.serverless.max_acu * GIB_PER_ACU)
        if database.serverless.min_acu <= 0.5:  # noqa: PLR2004
            connections = min(connections, SERVERLESS_PAUSABLE_CONNECTIONS)
        return connections
    return max_connections(database.instance_class.memory_gib)


def database_connections_available(settings: PlatformSettings) -> int:
    """Connections that the services of one region may hold: through the proxy its share, without one all but a tenth."""
    proxy = settings.database.proxy
    return writer_connections(settings) * (proxy.max_connections_percent if proxy else 90) // 100


def connection_budget_fits(settings: PlatformSettings) -> Iterator[Problem]:
    """Every pod can fill its pools at once: no service starves another."""
    services = settings.services
    wanted = sum(service.max_replicas * service.database_connections for service in services.values())
    available = database_connections_available(settings)
    if wanted > available:
        serverless = settings.database.form == "serverless"
        size = f"{settings.database.serverless.max_acu:g} ACU" if serverless else settings.database.instance_class
        terms = " + ".join(f"{name} {service.max_replicas} × {service.database_connections}" for name, service in services.items())
        yield Problem(
            "services",
            f"database connections {terms} = {wanted}",
            f"{available} with {size}; a larger database, fewer max_replicas or smaller database_connections",
            "database: {instance_class: db.r8g.2xlarge}",
        )
    clients = sum(service.max_replicas * service.cache_clients for service in services.values())
    most = settings.cache.node_type.most_clients
    if clients > most:
        yield Problem("services", f"cache clients {clients}", f"{most} on {settings.cache.node_type}", "cache_clients: 50")


def caches_fit_elasticache(settings: PlatformSettings) -> Iterator[Problem]:
    """Nodes of one cluster, all shards and replicas; and what durable writes need."""
    for key, cluster in (("cache", settings.cache), ("sessions", settings.sessions)):
        nodes = cluster.shards * (1 + cluster.replicas_per_shard)
        if nodes > CACHE_NODES_PER_CLUSTER:
            yield Problem(
                f"{key}.shards",
                f"{nodes} nodes with {cluster.replicas_per_shard} replicas",
                f"at most {CACHE_NODES_PER_CLUSTER} nodes",
                "shards: 3",
            )
    if settings.sessions.durability != "sync":
        return
    if not settings.sessions.node_type.durable:
        yield Problem(
            "sessions.node_type",
            f"{settings.sessions.node_type} with durability 'sync'",
            "an m7g or r7g type: ElastiCache offers durability on no other",
            "node_type: cache.m7g.large",
        )
    if settings.sessions.replicas_per_shard < 1:
        yield Problem(
            "sessions.replicas_per_shard", "0 with durability 'sync'", "at least 1: the log spans several zones", "replicas_per_shard: 1"
        )


def images_are_pinned(settings: PlatformSettings) -> Iterator[Problem]:
    """Production runs what was tested: a tag can be moved to another image, a digest cannot."""
    if settings.environment is not Environment.PROD:
        return
    images = {f"images.{name}": getattr(settings.images, name) for name in _IMAGES}
    images |= {f"services.{service}.image": each.image for service, each in settings.services.items()}
    for key, image in images.items():
        if "@sha256:" not in image:
            name = image.split(":", 1)[0]
            yield Problem(
                key,
                f"'{image}' has no digest",
                "an image with its digest in production",
                f"{key.rsplit('.', 1)[1]}: {name}@sha256:{'0a6d8f1b' * 8}",
            )


def registries_have_known_parts(settings: PlatformSettings) -> Iterator[Problem]:
    """Braces stand for the account and the region, and for nothing else."""
    rest = settings.images.registry.replace("{account}", "").replace("{region}", "")
    if "{" in rest or "}" in rest:
        yield Problem(
            "images.registry",
            f"'{settings.images.registry}'",
            "no braces but {account} and {region}",
            "registry: '{account}.dkr.ecr.{region}.amazonaws.com'",
        )


def replicas_are_ordered(settings: PlatformSettings) -> Iterator[Problem]:
    """Fewest pods are no more than most, and what may never run twice has one."""
    for service, each in settings.services.items():
        if each.min_replicas > each.max_replicas:
            yield Problem(
                f"services.{service}.max_replicas",
                f"{each.max_replicas} is less than min_replicas {each.min_replicas}",
                "min_replicas at least",
                f"max_replicas: {each.min_replicas}",
            )
        if service in SINGLE_ACTIVE and each.max_replicas > 1:
            yield Problem(
                f"services.{service}.max_replicas",
                f"found {each.max_replicas}",
                "1: two would execute the same order",
                "max_replicas: 1",
            )


def promise_is_carried(settings: PlatformSettings) -> Iterator[Problem]:
    """Pods, nodes, writer, broker and volume carry what `capacity` promises (`settings/capacity.py`)."""
    for need in needs(settings):
        if not need.is_met:
            yield _unmet(need)


def _unmet(need: Need) -> Problem:
    """Needed is rounded up and given is rounded down, so that the two are never shown alike."""
    if need.allowed:
        return Problem(need.key, f"{need.what} are {_rounded(need.wanted, math.ceil)} {need.unit}", need.allowed, need.example)
    given, wanted = _rounded(need.given, math.floor), _rounded(need.wanted, math.ceil)
    return Problem(need.key, f"{need.what}: {given} {need.unit}", f"{wanted} {need.unit} at least", need.example)


def _rounded(value: float, to_whole: Callable[[float], int]) -> str:
    return f"{to_whole(round(value * 10, 6)) / 10:,.1f}".removesuffix(".0")


def pods_fit_their_nodes(settings: PlatformSettings) -> Iterator[Problem]:
    """A pod larger than every node of its pool would wait for ever."""
    for service, each in settings.services.items():
        cores, memory_gib = largest_pod(each.node_pool)
        for key, found, most in (
            ("cpu_millicores", each.cpu_millicores, int(cores * 1000)),
            ("memory_mib", each.memory_mib, int(memory_gib * 1024)),
        ):
            if found > most:
                allowed = f"{most} at most, which the largest node of pool '{each.node_pool}' has for a pod"
                yield Problem(f"services.{service}.{key}", f"found {found}", allowed, f"{key}: {most}")


def vault_fits_its_zones(settings: PlatformSettings) -> Iterator[Problem]:
    """Losing a zone leaves Vault a majority: no zone holds half of its members."""
    if settings.vault.replicas == 1:
        return
    for region, each in settings.regions.items():
        if len(each.zones) < _CLUSTER_ZONES:
            yield Problem(
                f"regions.{region}.zones",
                f"{len(each.zones)} zones with {settings.vault.replicas} members of Vault",
                "three zones or more, or vault.replicas 1",
                "vault: {replicas: 1}",
            )


def lost_regions_leave_one(settings: PlatformSettings) -> Iterator[Problem]:
    """The region that executes orders answers, and the others are regions of the stack."""
    for region in settings.failover.lost_regions:
        if region not in settings.regions:
            yield Problem(
                "failover.lost_regions",
                f"'{region}' is not among the regions",
                f"some of {', '.join(settings.regions)}",
                "lost_regions: []",
            )
        if region == settings.active_region:
            yield Problem("failover.lost_regions", f"'{region}' executes orders", "regions other than activeRegion", "lost_regions: []")


def somebody_deploys(settings: PlatformSettings) -> Iterator[Problem]:
    """A cluster gives access to roles by name, not by pattern; without any, nobody could deploy to it."""
    if all("*" in arn for arn in settings.operators.administrators):
        yield Problem(
            "operators.administrators",
            "every role is a pattern",
            "one role at least without `*`: the one that deploys, to which the clusters give access",
            f"administrators: ['arn:aws:iam::{settings.account_id}:role/mastertrade-deploy']",
        )


def operators_reach_their_host(settings: PlatformSettings) -> Iterator[Problem]:
    """The management segment has no way out: Session Manager has to be inside."""
    endpoints = settings.network.interface_endpoints
    missing = [service for service in ("ssm", "ssmmessages") if service not in endpoints]
    if missing:
        yield Problem(
            "network.interface_endpoints",
            f"{' and '.join(missing)} not among them, and operators' sessions go through both",
            "a list with ssm and ssmmessages",
            "interface_endpoints: [ssm, ssmmessages]",
        )


def administrators_are_of_the_account(settings: PlatformSettings) -> Iterator[Problem]:
    """Secrets stay in the account."""
    for arn in settings.operators.administrators:
        if arn.split(":")[4] != settings.account_id:
            yield Problem(
                "operators.administrators",
                f"'{arn}' is not of account {settings.account_id}",
                "roles of accountId",
                f"arn:aws:iam::{settings.account_id}:role/mastertrade-deploy",
            )


def broker_fits_its_zones(settings: PlatformSettings) -> Iterator[Problem]:
    """A cluster of brokers spreads over three zones, on a class made for it."""
    if settings.broker.nodes == 1:
        return
    if settings.broker.instance is BrokerInstance.MEDIUM:
        yield Problem(
            "broker.instance",
            f"{BrokerInstance.MEDIUM} in a cluster",
            "mq.m7g.large or larger: the medium class is for testing",
            "instance: mq.m7g.large",
        )
    for region, each in settings.regions.items():
        if len(each.zones) < _CLUSTER_ZONES:
            offered = REGIONS[region].zones
            enough = len(offered) >= _CLUSTER_ZONES
            yield Problem(
                f"regions.{region}.zones",
                f"{len(each.zones)} zones with a broker of three nodes",
                "three zones or more, or broker.nodes 1",
                f"zones: [{', '.join(offered[:_CLUSTER_ZONES])}]" if enough else "broker: {nodes: 1}",
            )


def failover_keeps_its_promise(settings: PlatformSettings) -> Iterator[Problem]:
    """Detection and DNS together stay under the promised two minutes."""
    failover = settings.failover
    detection = failover.health_check_interval_seconds * failover.health_check_failures
    seconds = detection + _DNS_TTL_SECONDS
    if seconds > _SERVICE_RECOVERY_SECONDS:
        yield Problem(
            "failover.health_check_failures",
            f"{detection} s until a failure counts and {_DNS_TTL_SECONDS} s of DNS make {seconds} s",
            f"{_SERVICE_RECOVERY_SECONDS} s in all",
            "health_check_failures: 3",
        )


def thresholds_make_sense(settings: PlatformSettings) -> Iterator[Problem]:
    """A changed threshold is one that the signal has, and its warning still comes first."""
    stated = settings.observability.thresholds
    for key, reason in threshold_problems({name: Limits(each.warning, each.critical) for name, each in stated.items()}):
        signal = BY_NAME[key.split(".")[0]]
        levels = ", ".join(f"{severity} {level.threshold:g}" for severity, level in signal.levels)
        example = ", ".join(f"{severity}: {level.threshold:g}" for severity, level in signal.levels)
        yield Problem(
            f"observability.thresholds.{key}", reason, f"{signal.title}, in {signal.unit or 'numbers'}; by default {levels}", example
        )


def log_store_is_possible(settings: PlatformSettings) -> Iterator[Problem]:
    """The log store is one that OpenSearch Service makes (developer guide, "Multi-AZ", "UltraWarm storage", "T3 instances", "Quotas").

    Where the platform survives a zone, so does the store, at its full speed.
    """
    logs, key = settings.observability.logs, "observability.logs"
    if settings.capacity.survives_zone_loss and logs.zones == 1:
        yield Problem(f"{key}.zones", "1, which may be lost, and capacity.survives_zone_loss is true", "2 or 3", "zones: 3")
    yield from _log_nodes_are_strong_enough(settings)
    if logs.warm and logs.zones * logs.warm.nodes_per_zone == 1:
        yield Problem(f"{key}.warm.nodes_per_zone", "1 in one zone", "two nodes at least", "nodes_per_zone: 2")
    if logs.volume_gib > logs.instance.max_volume_gib:
        yield Problem(
            f"{key}.volume_gib",
            f"{logs.volume_gib} GiB on a {logs.instance}",
            f"{logs.instance.max_volume_gib} at most for this type",
            f"volume_gib: {logs.instance.max_volume_gib}",
        )
    if logs.retention_days <= logs.hot_days:
        yield Problem(
            f"{key}.retention_days",
            f"{logs.retention_days} days, of which {logs.hot_days} are hot",
            "more days than hot_days",
            f"retention_days: {logs.hot_days + 1}",
            instead=Problem(
                f"{key}.hot_days",
                f"{logs.hot_days} days of {logs.retention_days}",
                "fewer days than retention_days",
                f"hot_days: {logs.retention_days - 1}",
            ),
        )


def _log_nodes_are_strong_enough(settings: PlatformSettings) -> Iterator[Problem]:
    """Types of nodes that warm nodes and the loss of a zone ask for.

    Of two zones, one that is lost takes the majority with it; of three it does not, but without dedicated masters and with T3 none is
    a standby (developer guide, "Multi-AZ", "Dedicated master nodes"). T3 nodes slow down when their credits are spent (Well-Architected
    OpenSearch lens), and those that a lost zone leaves have more to do.
    """
    logs, key = settings.observability.logs, "observability.logs"
    warm, survives = logs.warm is not None, settings.capacity.survives_zone_loss
    zone_loss = "capacity.survives_zone_loss is true, and"
    no_t3 = (survives, f"{zone_loss} T3 nodes know no standby and slow down when their credits are spent")
    if logs.masters is None and (warm or survives):
        why = _those_that_hold(
            (warm, "warm nodes need dedicated masters, or warm is null"),
            (survives, f"{zone_loss} without them two zones lose their majority with one, and three have no standby"),
        )
        allowed = "a type that is not T3" if survives else "a type"
        yield Problem(f"{key}.masters", "found null", f"{allowed}: {why}", "masters: m6g.large.search")
    if logs.masters and logs.masters.burstable and survives:
        yield Problem(
            f"{key}.masters", f"found {logs.masters}", f"a type that is not T3: {_those_that_hold(no_t3)}", "masters: m6g.large.search"
        )
    if logs.instance.burstable and (warm or survives):
        why = _those_that_hold((warm, "T3 data nodes take no warm ones, or warm is null"), no_t3)
        yield Problem(f"{key}.instance", f"found {logs.instance}", f"a type that is not T3: {why}", "instance: m6g.large.search")


def _those_that_hold(*reasons: tuple[bool, str]) -> str:
    return "; ".join(reason for holds, reason in reasons if holds)


def alarms_are_ordered(settings: PlatformSettings) -> Iterator[Problem]:
    """A warning comes before what it warns of."""
    if settings.alarms.memory_warning_percent >= settings.alarms.memory_critical_percent:
        yield Problem(
            "alarms.memory_warning_percent",
            f"{settings.alarms.memory_warning_percent} is not below the critical {settings.alarms.memory_critical_percent}",
            "less than memory_critical_percent",
            "memory_warning_percent: 85",
        )


def _of_services(*settings: str) -> tuple[str, ...]:
    return tuple(f"services.*.{setting}" for setting in settings)


_WINDOWS = ("database.maintenance", "database.backup_window", "cache", "sessions", "broker.maintenance", "backup.time")

RULES: dict[Rule, tuple[str, ...]] = {
    exactly_one_primary: ("regions.*.role",),
    active_region_exists: ("regions", "activeRegion"),
    zones_exist: ("regions.*.zones",),
    addresses_do_not_overlap: ("regions.*.vpc_cidr",),
    windows_do_not_overlap: _WINDOWS,
    windows_lie_outside_trading_hours: (*_WINDOWS, "backup.restore_test", "tradingHours"),
    snapshot_windows_are_long_enough: ("cache.snapshot_window", "sessions.snapshot_window"),
    database_class_fits_its_features: ("database", "regions"),
    connection_budget_fits: (
        *_of_services("max_replicas", "database_connections", "cache_clients"),
        "database",
        "cache.node_type",
    ),
    caches_fit_elasticache: ("cache", "sessions"),
    operators_reach_their_host: ("network.interface_endpoints",),
    administrators_are_of_the_account: ("operators.administrators", "accountId"),
    broker_fits_its_zones: ("broker", "regions.*.zones"),
    failover_keeps_its_promise: ("failover",),
    alarms_are_ordered: ("alarms",),
    thresholds_make_sense: ("observability.thresholds",),
    log_store_is_possible: ("observability.logs", "capacity.survives_zone_loss"),
    images_are_pinned: (*(f"images.{name}" for name in _IMAGES), *_of_services("image"), "environment"),
    registries_have_known_parts: ("images.registry",),
    replicas_are_ordered: _of_services("min_replicas", "max_replicas"),
    pods_fit_their_nodes: _of_services("node_pool", "cpu_millicores", "memory_mib"),
    promise_is_carried: (
        *_of_services("node_pool", "min_replicas", "max_replicas", "cpu_millicores", "memory_mib", "workers"),
        "capacity",
        "cluster.node_pools",
        "vault.replicas",
        "regions.*.zones",
        "tradingHours",
        "database",
        "broker.instance",
    ),
    vault_fits_its_zones: ("vault.replicas", "regions.*.zones"),
    lost_regions_leave_one: ("failover.lost_regions", "regions", "activeRegion"),
    somebody_deploys: ("operators.administrators",),
}
"""Each rule with the keys that it reads (`*` for any name), in the order in which mistakes are reported. A rule is left out
while one of its keys is mistaken in itself."""
