"""The table of signals: what is watched, from when it is bad, who owns it.

Recording rules, alert rules, threshold lines of dashboards and runbooks are all derived from it. Figures marked «promise» are
rows of the requirements; the others are our own, and may be changed per environment like those.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from string import Template

SCRAPE_SECONDS = 30
"""Time between two looks at a target. Signals that count failures in a row rely on it."""
EVALUATION_SECONDS = 30
"""Time between two evaluations of a rule."""
JOBS = ("trading-services", "kube-state-metrics", "kubelet", "cadvisor", "cert-manager", "vault", "cloudwatch")
"""What the scrape calls its groups of targets. One that falls silent silences the alerts that need it."""


class Severity(StrEnum):
    """How soon somebody has to look."""

    WARNING = "warning"
    """In working hours."""
    CRITICAL = "critical"
    """Now, at any hour."""


class Team(StrEnum):
    """Who owns a signal."""

    PLATFORM = "platform"
    TRADING = "trading"
    DATA = "data"
    SECURITY = "security"


class System(StrEnum):
    """What a signal is about. Maintenance of a system mutes its warnings."""

    API = "api"
    MARKET_DATA = "market-data"
    DATABASE = "database"
    CACHE = "cache"
    SESSIONS = "sessions"
    BROKER = "broker"
    ORDERS = "orders"
    CLUSTER = "cluster"
    VAULT = "vault"
    SECRETS = "secrets"
    BACKUP = "backup"
    REGION = "region"
    MONITORING = "monitoring"
    LOGS = "logs"

    @property
    def dashboard(self) -> "Dashboard":
        """Where its signals are drawn."""
        return _DASHBOARDS[self]


class Dashboard(StrEnum):
    """Dashboards, by the identifier in their address."""

    PLATFORM = "platform-overview"
    API = "api"
    DATABASE = "database"
    CACHE = "cache"
    BROKER = "broker"
    ORDER_FLOW = "order-flow"
    KUBERNETES = "kubernetes"
    LOGS = "logs"
    RECOVERY = "recovery-objectives"
    COST = "cost-drivers"


_DASHBOARDS: dict[System, Dashboard] = {
    System.API: Dashboard.API,
    System.MARKET_DATA: Dashboard.ORDER_FLOW,
    System.DATABASE: Dashboard.DATABASE,
    System.CACHE: Dashboard.CACHE,
    System.SESSIONS: Dashboard.CACHE,
    System.BROKER: Dashboard.BROKER,
    System.ORDERS: Dashboard.ORDER_FLOW,
    System.CLUSTER: Dashboard.KUBERNETES,
    System.VAULT: Dashboard.PLATFORM,
    System.SECRETS: Dashboard.PLATFORM,
    System.BACKUP: Dashboard.RECOVERY,
    System.REGION: Dashboard.RECOVERY,
    System.MONITORING: Dashboard.PLATFORM,
    System.LOGS: Dashboard.LOGS,
}


class Unit(StrEnum):
    """What a value counts."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    MINUTES = "min"
    DAYS = "d"
    PERCENT = "%"
    PER_SECOND = "/s"
    TIMES = "x"
    COUNT = ""


class Direction(StrEnum):
    """When a value is bad: PromQL's comparison of it with its threshold."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"

    def orders(self, warning: float, critical: float) -> bool:
        """Whether a value on its way from good to bad meets the warning first."""
        return warning > critical if self is Direction.BELOW else warning < critical


class Where(StrEnum):
    """In which regions a signal is evaluated."""

    EVERYWHERE = "everywhere"
    EXECUTING = "executing"
    """The region that executes orders."""
    NOT_EXECUTING = "not-executing"
    SEVERAL_REGIONS = "several-regions"
    """Everywhere, in a stack of several regions."""
    BEHIND_PROXY = "behind-proxy"
    """Everywhere, in a stack whose database has a proxy."""
    WITHOUT_PROXY = "without-proxy"


@dataclass(frozen=True)
class Place:
    """A region's facts, as far as rules and dashboards depend on them."""

    environment: str
    region: str
    monitoring_host: str
    """Where this region's dashboards answer: `monitoring-us-east-1.mastertrade.example`."""
    executes_orders: bool
    several_regions: bool
    database_memory_bytes: int
    """Memory of one database instance; of a serverless one at its largest."""
    database_connections: int
    """`max_connections` of the writer."""
    canary_minutes: int
    """Time between two visits of a canary."""
    vault_snapshot_minutes: int
    """Time between two snapshots of Vault."""
    log_store_volume_gib: int
    """Volume of each data node of the log store."""
    database_has_proxy: bool = True
    availability_percent: float = 99.9
    """Promise: the error budget is the rest."""

    def evaluates(self, where: Where) -> bool:
        """Whether signals of this kind are evaluated here."""
        return {
            Where.EVERYWHERE: True,
            Where.EXECUTING: self.executes_orders,
            Where.NOT_EXECUTING: not self.executes_orders,
            Where.SEVERAL_REGIONS: self.several_regions,
            Where.BEHIND_PROXY: self.database_has_proxy,
            Where.WITHOUT_PROXY: not self.database_has_proxy,
        }[where]

    def fill(self, expression: str) -> str:
        """An expression with this region's figures in the place of `$region` and its like. `$1` of `label_replace` stays."""
        return Template(expression).safe_substitute(
            region=self.region,
            database_memory_bytes=self.database_memory_bytes,
            database_connections=self.database_connections,
            visit=f"{self.canary_minutes}m",
            # a moment more than one look of the collector, where there is a visit each minute
            since_visit=f"{60 * self.canary_minutes - SCRAPE_SECONDS + 1}s",
            three_visits=f"{3 * 60 * self.canary_minutes - 1}s",
            vault_snapshot_seconds=60 * self.vault_snapshot_minutes,
            log_store_mebibytes=round(_usable_mebibytes(self.log_store_volume_gib)),
            error_budget=f"{round(1 - self.availability_percent / 100, 6):g}",
        )


def _usable_mebibytes(volume_gib: int) -> float:
    """What OpenSearch Service leaves of a volume for indices: it keeps a fifth to itself, and 20 GiB at most.

    (OpenSearch Service developer guide, "Calculating storage requirements".)
    """
    return 1024 * (volume_gib - min(volume_gib / 5, 20))


@dataclass(frozen=True)
class Level:
    """A threshold, and how long a value has to stay beyond it before anybody hears of it."""

    threshold: float
    hold: str


@dataclass(frozen=True)
class Recording:
    """A series that a signal is made of."""

    record: str
    expression: str


@dataclass(frozen=True)
class Signal:
    """One row. `expression` yields the value in `unit`, one series for each combination of the labels `by`."""

    name: str
    title: str
    system: System
    team: Team
    unit: Unit
    expression: str
    summary: str
    """What is wrong, in a line; `{labels}` of `by` and the value are filled in by the rule."""
    direction: Direction = Direction.ABOVE
    warning: Level | None = None
    critical: Level | None = None
    by: tuple[str, ...] = ()
    where: Where = Where.EVERYWHERE
    runbook: str = ""
    """Page of `docs/runbooks`; the signal's own name unless said otherwise."""
    recordings: tuple[Recording, ...] = ()
    """What the expression counts over time: recorded in the same moment, or a sample more or less could be in its window."""

    @property
    def page(self) -> str:
        """Name of its runbook page, without `.md`."""
        return self.runbook or self.name

    @property
    def record(self) -> str:
        """Name of its recorded series: `signal:api_response_time`."""
        return f"signal:{self.name.replace('-', '_')}"

    @property
    def alert(self) -> str:
        """Name of its alerts: `ApiResponseTime`."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    def level(self, severity: Severity) -> Level | None:
        """Its level of a severity, if it has one."""
        return self.warning if severity is Severity.WARNING else self.critical

    @property
    def levels(self) -> Iterator[tuple[Severity, Level]]:
        """Its levels, the lighter first."""
        for severity in Severity:
            if (level := self.level(severity)) is not None:
                yield severity, level


@dataclass(frozen=True)
class Limits:
    """Thresholds of one signal in one environment; None leaves the default."""

    warning: float | None = None
    critical: float | None = None


Thresholds = Mapping[str, Limits]
"""Changes of thresholds by the name of their signal."""


_API = 'service="api-gateway"'
# nodes are named after their cluster: `mastertrade-prod-cache-us-east-1-0001-002`
_CACHE = '{dimension_CacheClusterId=~".+-cache-.+"}'
_SESSIONS = '{dimension_CacheClusterId=~".+-sessions-.+"}'
_BAD_JOBS = ("backup_jobs_failed", "backup_jobs_expired", "copy_jobs_failed", "restore_jobs_failed")
_REQUESTS = "http_server_request_duration_seconds"
_SHIPPER = '{dimension_FunctionName=~".+-log-shipper"}'


def _error_ratio(window: str) -> Recording:
    failed = f'sum(rate({_REQUESTS}_count{{{_API},http_response_status_code=~"5.."}}[{window}])) or vector(0)'
    return Recording(f"api:error_ratio:{window}", f"({failed}) / sum(rate({_REQUESTS}_count{{{_API}}}[{window}]))")


def _burn_rate(long: str, short: str) -> str:
    """The smaller of two windows: both have to burn, the long one to matter, the short one to be still going on."""
    return f"((api:error_ratio:{long} <= api:error_ratio:{short}) or api:error_ratio:{short}) / $error_budget"


def _of_nodes(counted: str) -> str:
    """What the nodes of the cache counted within a minute; CloudWatch tells it of a node and once more of its only part."""
    return f"sum(max by (dimension_CacheClusterId) (aws_elasticache_{counted}_sum{_CACHE}))"


def _failures_in_a_row(checks: str, seconds: int) -> str:
    """How many of the last three checks failed. `checks` is a series of 0 and 1, one each `seconds`.

    A window a second shorter than three checks never holds a fourth.
    """
    window = f"[{3 * seconds - 1}s]"
    return f"count_over_time({checks}{window}) - sum_over_time({checks}{window})"


def _silent(jobs: Sequence[str]) -> str:
    """1 for each job none of whose targets answers, or that has no targets at all."""
    gone = " or ".join(f'absent(up{{job="{job}"}})' for job in jobs)
    return f'1 - max by (job) (up{{job=~"{"|".join(jobs)}"}}) or {gone}'


def _each(label: str, expressions: Mapping[str, str]) -> str:
    """Several values side by side, told apart by a label: one that is missing, or no number, leaves the others as they are."""
    return " or ".join(f'label_replace({expression}, "{label}", "{value}", "", "")' for value, expression in expressions.items())


def _of_domain(metric: str) -> str:
    return f"max by (dimension_DomainName) (aws_es_{metric})"


RECORDINGS: tuple[Recording, ...] = (
    Recording("rules:evaluated", "vector(1)"),
    *(_error_ratio(window) for window in ("5m", "30m", "1h", "6h")),
)
"""What several signals share."""


_ENTRY: tuple[Signal, ...] = (
    Signal(
        "api-response-time",
        "API response time, mean",
        System.API,
        Team.PLATFORM,
        Unit.MILLISECONDS,
        f"1000 * sum(rate({_REQUESTS}_sum{{{_API}}}[2m])) / sum(rate({_REQUESTS}_count{{{_API}}}[2m]))",
        "The API answers slowly",
        warning=Level(200, "2m"),  # promise
        critical=Level(1000, "1m"),  # promise
    ),
    Signal(
        "api-response-time-p95",
        "API response time, 95th percentile",
        System.API,
        Team.PLATFORM,
        Unit.MILLISECONDS,
        f"1000 * histogram_quantile(0.95, sum by (le) (rate({_REQUESTS}_bucket{{{_API}}}[5m])))",
        "One request in twenty takes longer than promised",
        warning=Level(100, "5m"),  # promise
        runbook="api-response-time",
    ),
    Signal(
        "api-error-budget-fast",
        "Error budget burn, 1 h and 5 min",
        System.API,
        Team.PLATFORM,
        Unit.TIMES,
        _burn_rate("1h", "5m"),
        "Errors use up a month's budget in two days",
        critical=Level(14.4, "1m"),  # 2 % of 30 days' budget in an hour (SRE Workbook, "Alerting on SLOs")
        runbook="api-error-budget",
    ),
    Signal(
        "api-error-budget-slow",
        "Error budget burn, 6 h and 30 min",
        System.API,
        Team.PLATFORM,
        Unit.TIMES,
        _burn_rate("6h", "30m"),
        "Errors use up a month's budget in five days",
        warning=Level(6, "5m"),  # 5 % of 30 days' budget in six hours
        runbook="api-error-budget",
    ),
    Signal(
        "firewall-throttling",
        "Requests that the firewall throttles",
        System.API,
        Team.SECURITY,
        Unit.PERCENT,
        '100 * sum(aws_wafv2_blocked_requests_sum{dimension_Rule="requests-per-minute"})'
        ' / (sum(aws_wafv2_allowed_requests_sum{dimension_Rule="ALL"})'
        ' + (sum(aws_wafv2_blocked_requests_sum{dimension_Rule="ALL"}) or vector(0)))',
        "The firewall throttles a large part of the requests",
        warning=Level(5, "5m"),
        critical=Level(25, "5m"),
    ),
    Signal(
        "public-certificate-expiry",
        "Days until the public certificate ends",
        System.API,
        Team.SECURITY,
        Unit.DAYS,
        "min by (dimension_CertificateArn) (aws_certificatemanager_days_to_expiry_minimum)",
        "The public certificate was not renewed",
        direction=Direction.BELOW,
        # ACM renews 60 days before the end
        warning=Level(30, "1h"),
        critical=Level(14, "1h"),
        by=("dimension_CertificateArn",),
        runbook="certificate-expiry",
    ),
    Signal(
        "canary-failures",
        "Checks from outside that failed, of the last three",
        System.API,
        Team.PLATFORM,
        Unit.COUNT,
        "count_over_time(canary:passes[$three_visits:$visit]) - sum_over_time(canary:passes[$three_visits:$visit])",
        "The platform does not answer from outside",
        direction=Direction.AT_LEAST,
        critical=Level(3, "0s"),  # promise: three failures in a row
        by=("dimension_CanaryName",),
        recordings=(
            # between visits CloudWatch has no figure
            Recording(
                "canary:passes",
                "max by (dimension_CanaryName) (max_over_time(aws_cloudwatchsynthetics_success_percent_average[$since_visit])) >= bool 100",
            ),
        ),
    ),
    Signal(
        "region-unhealthy",
        "Health of the other regions",
        System.REGION,
        Team.PLATFORM,
        Unit.COUNT,
        'min by (tag_Name) (aws_route53_health_check_status_minimum{tag_Name=~"entry-.+",tag_Name!="entry-$region"})',
        "Another region does not answer Route 53",
        direction=Direction.BELOW,
        critical=Level(1, "1m"),
        by=("tag_Name",),
        where=Where.SEVERAL_REGIONS,
    ),
)

_DATA: tuple[Signal, ...] = (
    Signal(
        "database-connections",
        "Database connections in use",
        System.DATABASE,
        Team.DATA,
        Unit.PERCENT,
        # a proxy runs on several hosts, each of which reports its part
        '100 * sum by (dimension_ProxyName, dimension_Target) (aws_rds_database_connections_sum{dimension_Target!=""})'
        ' / sum by (dimension_ProxyName, dimension_Target) (aws_rds_max_database_connections_allowed_sum{dimension_Target!=""})',
        "The pool of database connections is nearly used up",
        warning=Level(80, "2m"),  # promise
        critical=Level(95, "1m"),  # promise
        by=("dimension_ProxyName", "dimension_Target"),
        where=Where.BEHIND_PROXY,
    ),
    Signal(
        "database-connections-direct",
        "Database connections in use, without a proxy",
        System.DATABASE,
        Team.DATA,
        Unit.PERCENT,
        '100 * max by (dimension_DBInstanceIdentifier) (aws_rds_database_connections_maximum{dimension_DBInstanceIdentifier!=""})'
        " / $database_connections",
        "The database's connections are nearly used up",
        warning=Level(80, "2m"),  # promise
        critical=Level(95, "1m"),  # promise
        by=("dimension_DBInstanceIdentifier",),
        where=Where.WITHOUT_PROXY,
        runbook="database-connections",
    ),
    Signal(
        "database-query-time",
        "Database query time, mean",
        System.DATABASE,
        Team.DATA,
        Unit.MILLISECONDS,
        "1000 * sum by (service) (rate(db_client_operation_duration_seconds_sum[5m]))"
        " / sum by (service) (rate(db_client_operation_duration_seconds_count[5m]))",
        "Queries take longer than promised",
        warning=Level(50, "5m"),  # promise
        by=("service",),
    ),
    Signal(
        "database-memory",
        "Database memory in use",
        System.DATABASE,
        Team.DATA,
        Unit.PERCENT,
        "100 * (1 - min by (dimension_DBInstanceIdentifier)"
        ' (aws_rds_freeable_memory_minimum{dimension_DBInstanceIdentifier!=""}) / $database_memory_bytes)',
        "A database instance is short of memory",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "2m"),  # promise
        by=("dimension_DBInstanceIdentifier",),
    ),
    Signal(
        "database-volume",
        "Database volume in use, of the 128 TiB that Aurora gives",
        System.DATABASE,
        Team.DATA,
        Unit.PERCENT,
        '100 * max by (dimension_DBClusterIdentifier) (aws_rds_volume_bytes_used_average{dimension_DBClusterIdentifier!=""})'
        " / (128 * 1024 ^ 4)",
        "The database's volume is nearly as large as it can become",
        warning=Level(85, "1h"),  # promise
        critical=Level(95, "1h"),  # promise
        by=("dimension_DBClusterIdentifier",),
    ),
    Signal(
        "replication-lag",
        "Replication lag between regions",
        System.REGION,
        Team.DATA,
        Unit.SECONDS,
        "max(aws_rds_aurora_global_dbrpolag_maximum) / 1000",
        "A region that is lost now would take data with it",
        warning=Level(30, "1m"),
        critical=Level(60, "1m"),  # promise: less than a minute of data
        where=Where.SEVERAL_REGIONS,
    ),
    Signal(
        "cache-memory",
        "Cache memory in use",
        System.CACHE,
        Team.DATA,
        Unit.PERCENT,
        f"max by (dimension_CacheClusterId) (aws_elasticache_database_memory_usage_percentage_maximum{_CACHE})",
        "A node of the cache is nearly full",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "5m"),  # promise
        by=("dimension_CacheClusterId",),
    ),
    Signal(
        "sessions-memory",
        "Session memory in use",
        System.SESSIONS,
        Team.DATA,
        Unit.PERCENT,
        f"max by (dimension_CacheClusterId) (aws_elasticache_database_memory_usage_percentage_maximum{_SESSIONS})",
        "A node of the sessions is nearly full, and refuses new ones when it is",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "1m"),  # promise
        by=("dimension_CacheClusterId",),
        runbook="cache-memory",
    ),
    Signal(
        "cache-hit-rate",
        "Reads that the cache answers",
        System.CACHE,
        Team.DATA,
        Unit.PERCENT,
        f"100 * {_of_nodes('cache_hits')} / ({_of_nodes('cache_hits')} + {_of_nodes('cache_misses')})",
        "The cache answers few reads, and the database the others",
        direction=Direction.BELOW,
        warning=Level(80, "5m"),
    ),
    Signal(
        "cache-evictions",
        "Keys that the cache gives up",
        System.CACHE,
        Team.DATA,
        Unit.PER_SECOND,
        f"{_of_nodes('evictions')} / 60",
        "The cache gives up keys that are still wanted",
        warning=Level(100, "10m"),
    ),
    Signal(
        "broker-queue-depth",
        "Messages that wait in queues",
        System.BROKER,
        Team.TRADING,
        Unit.COUNT,
        'sum by (dimension_Broker) (aws_amazonmq_message_ready_count_maximum{dimension_Queue=""})',
        "Messages arrive faster than they are taken",
        # a second and half a minute of the busiest hour, 817 messages a second
        warning=Level(1_000, "2m"),
        critical=Level(25_000, "2m"),
        by=("dimension_Broker",),
    ),
    Signal(
        "broker-unacked",
        "Messages taken and not acknowledged",
        System.BROKER,
        Team.TRADING,
        Unit.COUNT,
        'sum by (dimension_Broker) (aws_amazonmq_message_unacknowledged_count_maximum{dimension_Queue=""})',
        "Consumers take messages and do not finish them",
        warning=Level(1_000, "2m"),
        critical=Level(10_000, "2m"),
        by=("dimension_Broker",),
        runbook="broker-queue-depth",
    ),
    Signal(
        "broker-memory",
        "Broker memory, of what it may use",
        System.BROKER,
        Team.PLATFORM,
        Unit.PERCENT,
        "100 * max by (dimension_Node) (aws_amazonmq_rabbit_mqmem_used_maximum)"
        " / max by (dimension_Node) (aws_amazonmq_rabbit_mqmem_limit_maximum)",
        "The broker is about to stop taking messages for want of memory",
        warning=Level(85, "2m"),  # promise
        critical=Level(95, "1m"),  # promise
        by=("dimension_Node",),
        runbook="broker-resources",
    ),
    Signal(
        "broker-disk",
        "Broker disk: what must stay free, of what is free",
        System.BROKER,
        Team.PLATFORM,
        Unit.PERCENT,
        "100 * max by (dimension_Node) (aws_amazonmq_rabbit_mqdisk_free_limit_maximum)"
        " / min by (dimension_Node) (aws_amazonmq_rabbit_mqdisk_free_minimum)",
        "The broker is about to stop taking messages for want of disk",
        warning=Level(85, "2m"),  # promise
        critical=Level(95, "1m"),  # promise
        by=("dimension_Node",),
        runbook="broker-resources",
    ),
)

_TRADING: tuple[Signal, ...] = (
    Signal(
        "market-data-latency",
        "Market data latency, 95th percentile",
        System.MARKET_DATA,
        Team.TRADING,
        Unit.MILLISECONDS,
        "1000 * histogram_quantile(0.95, sum by (le, vendor) (rate(mastertrade_market_data_latency_seconds_bucket[2m])))",
        "Market data arrives late",
        warning=Level(100, "1m"),  # promise
        critical=Level(1000, "1m"),
        by=("vendor",),
    ),
    Signal(
        "order-executor-absent",
        "Order executors that hold the right to execute",
        System.ORDERS,
        Team.TRADING,
        Unit.COUNT,
        "sum(mastertrade_order_executor_active) or vector(0)",
        "No order executor holds the right to execute: orders wait",
        direction=Direction.BELOW,
        critical=Level(1, "1m"),
        where=Where.EXECUTING,
    ),
    Signal(
        "order-executor-doubled",
        "Order executors that believe to hold the right to execute",
        System.ORDERS,
        Team.TRADING,
        Unit.COUNT,
        "sum(mastertrade_order_executor_active) or vector(0)",
        "Two order executors believe to hold the right to execute",
        critical=Level(1, "0s"),  # promise: never two at once
        where=Where.EXECUTING,
    ),
    Signal(
        "order-executor-elsewhere",
        "Order executors in a region that executes no orders",
        System.ORDERS,
        Team.TRADING,
        Unit.COUNT,
        "sum(mastertrade_order_executor_active) or vector(0)",
        "An order executor is active in a region that must not execute",
        critical=Level(0, "0s"),  # promise: never active in two regions
        where=Where.NOT_EXECUTING,
        runbook="order-executor-doubled",
    ),
    Signal(
        "order-failures",
        "Orders that failed",
        System.ORDERS,
        Team.TRADING,
        Unit.PERCENT,
        '100 * (sum(rate(mastertrade_orders_total{state="failed"}[5m])) or vector(0))'
        ' / sum(rate(mastertrade_orders_total{state=~"filled|rejected|failed"}[5m]))',
        "Orders fail on our side",
        warning=Level(1, "2m"),
        critical=Level(5, "1m"),
    ),
)

_CLUSTER: tuple[Signal, ...] = (
    Signal(
        "service-failures",
        "Checks of a service that failed, of the last three",
        System.CLUSTER,
        Team.PLATFORM,
        Unit.COUNT,
        _failures_in_a_row("service:answers", EVALUATION_SECONDS),
        "A service does not answer",
        direction=Direction.AT_LEAST,
        critical=Level(3, "0s"),  # promise: three failures in a row
        by=("service",),
        recordings=(
            Recording(
                "service:answers",
                'max by (service) (up{job="trading-services"})'
                ' or 0 * max by (service) (label_replace(kube_deployment_spec_replicas{namespace="trading"} > 0,'
                ' "service", "$1", "deployment", "(.+)"))',
            ),
        ),
    ),
    Signal(
        "pod-memory",
        "Pod memory, of its limit",
        System.CLUSTER,
        Team.PLATFORM,
        Unit.PERCENT,
        '100 * max by (namespace, pod, container) (container_memory_working_set_bytes{container!="",pod!=""})'
        ' / max by (namespace, pod, container) (kube_pod_container_resource_limits{resource="memory"})',
        "A container is about to be ended for want of memory",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "2m"),  # promise
        by=("namespace", "pod", "container"),
    ),
    Signal(
        "node-memory",
        "Node memory in use",
        System.CLUSTER,
        Team.PLATFORM,
        Unit.PERCENT,
        '100 * max by (instance) (container_memory_working_set_bytes{id="/"}) / max by (instance) (machine_memory_bytes)',
        "A node is short of memory",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "2m"),  # promise
        by=("instance",),
        runbook="node-resources",
    ),
    Signal(
        "node-disk",
        "Node disk in use",
        System.CLUSTER,
        Team.PLATFORM,
        Unit.PERCENT,
        '100 * max by (instance, device) (container_fs_usage_bytes{id="/",device=~"/dev/.+"})'
        ' / max by (instance, device) (container_fs_limit_bytes{id="/",device=~"/dev/.+"} > 0)',
        "A disk of a node is nearly full",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "2m"),  # promise
        by=("instance", "device"),
        runbook="node-resources",
    ),
    Signal(
        "volume-disk",
        "Volume in use",
        System.CLUSTER,
        Team.PLATFORM,
        Unit.PERCENT,
        "100 * max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes)"
        " / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes)",
        "A volume is nearly full",
        warning=Level(85, "5m"),  # promise
        critical=Level(95, "2m"),  # promise
        by=("namespace", "persistentvolumeclaim"),
    ),
    Signal(
        "certificate-expiry",
        "Days until a service's certificate ends",
        System.CLUSTER,
        Team.SECURITY,
        Unit.DAYS,
        "(min by (namespace, name) (certmanager_certificate_expiration_timestamp_seconds) - time()) / 86400",
        "A certificate between services was not renewed",
        direction=Direction.BELOW,
        # renewed thirty days before the end; a pod keeps what it started with for fifteen
        warning=Level(25, "1h"),
        critical=Level(15, "10m"),
        by=("namespace", "name"),
    ),
)

_SAFETY: tuple[Signal, ...] = (
    Signal(
        "vault-sealed",
        "Members of Vault that are sealed or silent",
        System.VAULT,
        Team.SECURITY,
        Unit.PERCENT,
        '100 * (1 - (count(vault_core_unsealed == 1) or vector(0)) / count(up{job="vault"}))',
        "Members of Vault are sealed or silent",
        warning=Level(0, "2m"),
        critical=Level(50, "1m"),  # the majority is lost
    ),
    Signal(
        "vault-snapshot-missed",
        "Snapshots of Vault that were missed in a row",
        System.VAULT,
        Team.SECURITY,
        Unit.COUNT,
        '(time() - max(kube_cronjob_status_last_successful_time{namespace="vault"})) / $vault_snapshot_seconds',
        "Vault's snapshots have stopped",
        warning=Level(3, "1m"),
        critical=Level(12, "1m"),
    ),
    Signal(
        "secret-not-rotated",
        "Days since a secret was rotated",
        System.SECRETS,
        Team.SECURITY,
        Unit.DAYS,
        "max by (dimension_SecretName) (aws_mastertrade_secrets_days_since_rotation_maximum)",
        "A secret is older than it may become",
        warning=Level(90, "1h"),
        critical=Level(120, "1h"),
        by=("dimension_SecretName",),
    ),
    Signal(
        "backup-failed",
        "Backup, copy and restore jobs that failed within six hours",
        System.BACKUP,
        Team.DATA,
        Unit.COUNT,
        f"max_over_time(({' + '.join(f'(sum(aws_backup_number_of_{jobs}_sum) or vector(0))' for jobs in _BAD_JOBS)})[6h:5m])",
        "A backup, a copy or a test restore failed",
        warning=Level(0, "0s"),
        runbook="backup-missed",
    ),
    Signal(
        "backup-missed",
        "Backups completed within 26 hours",
        System.BACKUP,
        Team.DATA,
        Unit.COUNT,
        "(max_over_time(sum(aws_backup_number_of_backup_jobs_completed_sum)[26h:5m]) or vector(0))"
        # a new environment has not had its first backup yet
        " and on () rules:evaluated offset 26h",
        "No backup was completed since yesterday",
        direction=Direction.BELOW,
        critical=Level(1, "5m"),
    ),
    Signal(
        "exporter-silent",
        "Sources of metrics that are silent",
        System.MONITORING,
        Team.PLATFORM,
        Unit.COUNT,
        _silent(JOBS),
        "A source of metrics is silent, and with it the alerts that need it",
        warning=Level(0, "5m"),
        by=("job",),
    ),
)

_LOGS: tuple[Signal, ...] = (
    Signal(
        "log-store-disk",
        "Disk of the log store in use, on its fullest node",
        System.LOGS,
        Team.PLATFORM,
        Unit.PERCENT,
        _each(
            "nodes",
            {
                # a node stops taking documents when none of what it may use is free, whatever its neighbours have
                "data": "100 * (1 - min by (dimension_DomainName) (aws_es_free_storage_space_minimum) / $log_store_mebibytes)",
                # these share what they have
                "warm": f"100 * {_of_domain('warm_storage_space_utilization_maximum')}"
                f" / ({_of_domain('warm_storage_space_utilization_maximum')} + {_of_domain('warm_free_storage_space_sum')})",
            },
        ),
        "The log store is nearly full, and takes no more logs when it is",
        warning=Level(85, "15m"),  # promise
        critical=Level(95, "5m"),  # promise
        by=("dimension_DomainName", "nodes"),
    ),
    Signal(
        "log-store-memory",
        "Java heap of the log store in use",
        System.LOGS,
        Team.PLATFORM,
        Unit.PERCENT,
        _each(
            "nodes",
            {
                "data": _of_domain("jvmmemory_pressure_maximum"),
                "master": _of_domain("master_jvmmemory_pressure_maximum"),
                "warm": _of_domain("warm_jvmmemory_pressure_maximum"),
            },
        ),
        "Nodes of the log store are short of memory",
        # collections free it again and again: only what they leave for minutes counts
        warning=Level(85, "10m"),  # promise
        critical=Level(95, "3m"),  # promise; three minutes in a row are what AWS recommends
        by=("dimension_DomainName", "nodes"),
    ),
    Signal(
        "log-store-health",
        "Health of the log store: 1 is yellow, 2 is red",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        f"{_of_domain('cluster_status_yellow_maximum')} + 2 * {_of_domain('cluster_status_red_maximum')}",
        "Shards of the log store have no copy, or no place at all",
        direction=Direction.AT_LEAST,
        # times as AWS recommends ("Recommended CloudWatch alarms for Amazon OpenSearch Service")
        warning=Level(1, "5m"),
        critical=Level(2, "1m"),
        by=("dimension_DomainName",),
    ),
    Signal(
        "log-store-writes-blocked",
        "Whether the log store refuses writes",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        _of_domain("cluster_index_writes_blocked_maximum"),
        "The log store refuses every write",
        direction=Direction.AT_LEAST,
        critical=Level(1, "5m"),  # as AWS recommends, the same page
        by=("dimension_DomainName",),
        runbook="log-store-health",
    ),
    Signal(
        "log-store-key",
        "Whether the key of the log store is out of its reach",
        System.LOGS,
        Team.SECURITY,
        Unit.COUNT,
        # there are no such figures until the day it happens
        _each(
            "state",
            {"disabled": _of_domain("kmskey_error_maximum"), "lost": _of_domain("kmskey_inaccessible_maximum")},
        ),
        "The log store cannot use its key",
        direction=Direction.AT_LEAST,
        critical=Level(1, "1m"),
        by=("dimension_DomainName", "state"),
    ),
    Signal(
        "log-store-ageing",
        "Moves of old logs to warm nodes that failed within an hour",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        # a fall is a new start, of a node or of a minute
        f"increase({_of_domain('hot_to_warm_migration_failure_count_sum')}[1h:1m])",
        "Old logs do not move to the warm nodes, and fill the data nodes",
        warning=Level(0, "0s"),
        by=("dimension_DomainName",),
        runbook="log-store-disk",
    ),
    Signal(
        "log-shipping",
        "Log shipping that went wrong within five minutes",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        _each(
            "outcome",
            {
                "failed": f"sum(aws_lambda_errors_sum{_SHIPPER})",
                "throttled": f"sum(aws_lambda_throttles_sum{_SHIPPER})",
                "undelivered": "sum(aws_logs_delivery_errors_sum)",
            },
        ),
        "Logs reach the store late or not at all",
        # a figure is that of five minutes: this one and the two before it
        warning=Level(0, "10m"),
        by=("outcome",),
    ),
    Signal(
        "log-shipping-lost",
        "Batches of log lines that were given up within five minutes",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        f"sum(aws_lambda_async_events_dropped_sum{_SHIPPER})",
        "Logs were given up on their way to the store",
        warning=Level(0, "0s"),
        runbook="log-shipping",
    ),
    Signal(
        "log-shipping-silent",
        "Runs of the log shipper within five minutes",
        System.LOGS,
        Team.PLATFORM,
        Unit.COUNT,
        # where CloudWatch is not heard of, nothing follows from hearing of no run
        f'sum(aws_lambda_invocations_sum{_SHIPPER}) or max(up{{job="cloudwatch"}} == 1) - 1',
        "No logs are brought to the store",
        direction=Direction.BELOW,
        warning=Level(1, "15m"),
        runbook="log-shipping",
    ),
)

SIGNALS: tuple[Signal, ...] = (*_ENTRY, *_DATA, *_TRADING, *_CLUSTER, *_SAFETY, *_LOGS)

HEARTBEAT = "Heartbeat"
"""The alert that always fires. When it stops arriving, alerts have stopped."""

BY_NAME: dict[str, Signal] = {signal.name: signal for signal in SIGNALS}


def signals_of(place: Place, changes: Thresholds | None = None) -> tuple[Signal, ...]:
    """The signals that are evaluated in a region, with its figures and its environment's thresholds."""
    limits = changes or {}
    return tuple(
        replace(
            signal,
            expression=place.fill(signal.expression),
            warning=_changed(signal.warning, limits.get(signal.name, Limits()).warning),
            critical=_changed(signal.critical, limits.get(signal.name, Limits()).critical),
        )
        for signal in SIGNALS
        if place.evaluates(signal.where)
    )


def _changed(level: Level | None, threshold: float | None) -> Level | None:
    return level if level is None or threshold is None else replace(level, threshold=threshold)


def threshold_problems(changes: Thresholds) -> Iterator[tuple[str, str]]:
    """What is wrong with changed thresholds: the key (`api-response-time.warning`) and the reason, all at once."""
    for name, limits in changes.items():
        signal = BY_NAME.get(name)
        if signal is None:
            yield name, f"is no signal; there are {', '.join(BY_NAME)}"
            continue
        yield from _level_problems(signal, limits)


def _level_problems(signal: Signal, limits: Limits) -> Iterator[tuple[str, str]]:
    for severity, threshold in ((Severity.WARNING, limits.warning), (Severity.CRITICAL, limits.critical)):
        key = f"{signal.name}.{severity}"
        if threshold is None:
            continue
        if signal.level(severity) is None:
            yield key, f"this signal has no {severity}"
        elif threshold < 0:
            yield key, f"{threshold:g} is below 0"
        elif signal.unit is Unit.PERCENT and threshold > 100:  # noqa: PLR2004 - of a hundred
            yield key, f"{threshold:g} is more than 100 %"
    warning, critical = _changed(signal.warning, limits.warning), _changed(signal.critical, limits.critical)
    if warning and critical and not signal.direction.orders(warning.threshold, critical.threshold):
        side = "above" if signal.direction is Direction.BELOW else "below"
        yield f"{signal.name}.warning", f"{warning.threshold:g} is not {side} the critical {critical.threshold:g}"
