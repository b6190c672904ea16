"""What exporters would emit while a signal has a given value: one row for each signal whose value is a plain figure.

Written by hand against the exporters, not derived from the expressions: a wrong expression meets the right series here. Signals
that are made of several conditions are in `compound.yaml`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """A counter that grows by so much a second."""

    per_second: float


@dataclass(frozen=True)
class Moment:
    """A point in time, so many seconds ahead of now."""

    seconds: float


Series = Mapping[str, float | Rate | Moment]
GIB = 1024**3


def _histogram(name: str, labels: str, milliseconds: float) -> Series:
    """A hundred observations a second of which the 95th percentile is so long: between 10 ms and 2 s they lie evenly."""
    share = (milliseconds / 1000 - 0.01) / 1.99
    below = (0.95 - share) / (1 - share)
    return {
        f'{name}_bucket{{{labels},le="0.01"}}': Rate(100 * below),
        f'{name}_bucket{{{labels},le="2"}}': Rate(100),
        f'{name}_bucket{{{labels},le="+Inf"}}': Rate(100),
    }


def _mean(name: str, labels: str, milliseconds: float) -> Series:
    return {f"{name}_sum{{{labels}}}": Rate(0.1 * milliseconds), f"{name}_count{{{labels}}}": Rate(100)}


def _share(used: str, whole: str, percent: float, size: float) -> Series:
    return {used: percent / 100 * size, whole: size}


def _cache(metric: str, cluster: str = "mastertrade-prod-cache-us-east-1") -> str:
    return f'aws_elasticache_{metric}{{dimension_CacheClusterId="{cluster}-0001-001"}}'


def _function(metric: str, name: str = "mastertrade-prod-log-shipper") -> str:
    return f'aws_lambda_{metric}{{dimension_FunctionName="{name}"}}'


_STORE = 'dimension_DomainName="mastertrade-prod-logs",dimension_ClientId="123456789012"'
_PROXY = 'dimension_ProxyName="mastertrade-prod",dimension_TargetGroup="default",dimension_Target="writer"'
_INSTANCE = 'dimension_DBInstanceIdentifier="mastertrade-prod-1"'
_POD = 'namespace="trading",pod="strategy-1",container="strategy"'
_CLAIM = 'namespace="vault",persistentvolumeclaim="data-vault-0"'
_NODE = 'dimension_Broker="mastertrade-prod",dimension_Node="rabbit@1"'

SERIES: Mapping[str, Callable[[float], Series]] = {
    "api-response-time": lambda value: _mean("http_server_request_duration_seconds", 'service="api-gateway",pod="a"', value),
    "api-response-time-p95": lambda value: _histogram("http_server_request_duration_seconds", 'service="api-gateway",pod="a"', value),
    "firewall-throttling": lambda value: {
        'aws_wafv2_blocked_requests_sum{dimension_WebACL="entry",dimension_Rule="requests-per-minute"}': 10 * value,
        'aws_wafv2_blocked_requests_sum{dimension_WebACL="entry",dimension_Rule="ALL"}': 10 * value + 100,
        'aws_wafv2_allowed_requests_sum{dimension_WebACL="entry",dimension_Rule="ALL"}': 900 - 10 * value,
    },
    "public-certificate-expiry": lambda value: {'aws_certificatemanager_days_to_expiry_minimum{dimension_CertificateArn="arn"}': value},
    "region-unhealthy": lambda value: {
        'aws_route53_health_check_status_minimum{tag_Name="entry-us-west-2"}': value,
        # our own region, and a switch that is off, are none of this signal's business
        'aws_route53_health_check_status_minimum{tag_Name="entry-us-east-1"}': 0,
        'aws_route53_health_check_status_minimum{tag_Name="traffic-us-west-2"}': 0,
    },
    "database-connections": lambda value: _share(
        f"aws_rds_database_connections_sum{{{_PROXY}}}", f"aws_rds_max_database_connections_allowed_sum{{{_PROXY}}}", value, 2000
    ),
    "database-connections-direct": lambda value: {f"aws_rds_database_connections_maximum{{{_INSTANCE}}}": value / 100 * 2000},
    "database-query-time": lambda value: _mean("db_client_operation_duration_seconds", 'service="risk-manager",pod="a"', value),
    "database-memory": lambda value: {f"aws_rds_freeable_memory_minimum{{{_INSTANCE}}}": (1 - value / 100) * 32 * GIB},
    "database-volume": lambda value: {
        'aws_rds_volume_bytes_used_average{dimension_DBClusterIdentifier="mastertrade-prod"}': value / 100 * 128 * 1024 * GIB
    },
    "replication-lag": lambda value: {'aws_rds_aurora_global_dbrpolag_maximum{dimension_DBClusterIdentifier="standby"}': 1000 * value},
    "cache-memory": lambda value: {
        _cache("database_memory_usage_percentage_maximum"): value,
        _cache("database_memory_usage_percentage_maximum", "mastertrade-prod-sessions-us-east-1"): 99,
    },
    "sessions-memory": lambda value: {
        _cache("database_memory_usage_percentage_maximum", "mastertrade-prod-sessions-us-east-1"): value,
        _cache("database_memory_usage_percentage_maximum"): 99,
    },
    "cache-hit-rate": lambda value: {_cache("cache_hits_sum"): 60 * value, _cache("cache_misses_sum"): 60 * (100 - value)},
    "cache-evictions": lambda value: {
        _cache("evictions_sum"): 60 * value,
        # the same once more, as CloudWatch has it
        _cache("evictions_sum").replace("}", ',dimension_CacheNodeId="0001"}'): 60 * value,
    },
    "broker-queue-depth": lambda value: {
        'aws_amazonmq_message_ready_count_maximum{dimension_Broker="mastertrade-prod",dimension_Queue=""}': value,
        'aws_amazonmq_message_ready_count_maximum{dimension_Broker="mastertrade-prod",dimension_Queue="orders"}': value,
    },
    "broker-unacked": lambda value: {'aws_amazonmq_message_unacknowledged_count_maximum{dimension_Broker="mastertrade-prod"}': value},
    "broker-memory": lambda value: _share(
        f"aws_amazonmq_rabbit_mqmem_used_maximum{{{_NODE}}}", f"aws_amazonmq_rabbit_mqmem_limit_maximum{{{_NODE}}}", value, 4 * GIB
    ),
    "broker-disk": lambda value: _share(
        f"aws_amazonmq_rabbit_mqdisk_free_limit_maximum{{{_NODE}}}", f"aws_amazonmq_rabbit_mqdisk_free_minimum{{{_NODE}}}", value, 20 * GIB
    ),
    "market-data-latency": lambda value: _histogram("mastertrade_market_data_latency_seconds", 'vendor="polygon",pod="a"', value),
    "order-failures": lambda value: {
        'mastertrade_orders_total{state="failed",pod="order-executor-0"}': Rate(value),
        'mastertrade_orders_total{state="filled",pod="order-executor-0"}': Rate(90 - value),
        'mastertrade_orders_total{state="rejected",pod="order-executor-0"}': Rate(10),
        'mastertrade_orders_total{state="proposed",pod="order-executor-0"}': Rate(100),
    },
    "pod-memory": lambda value: _share(
        f"container_memory_working_set_bytes{{{_POD}}}", f'kube_pod_container_resource_limits{{{_POD},resource="memory"}}', value, GIB
    ),
    "node-memory": lambda value: _share(
        'container_memory_working_set_bytes{id="/",instance="node-1"}', 'machine_memory_bytes{instance="node-1"}', value, 64 * GIB
    ),
    "node-disk": lambda value: _share(
        'container_fs_usage_bytes{id="/",device="/dev/nvme1n1p1",instance="node-1"}',
        'container_fs_limit_bytes{id="/",device="/dev/nvme1n1p1",instance="node-1"}',
        value,
        80 * GIB,
    ),
    "volume-disk": lambda value: _share(
        f"kubelet_volume_stats_used_bytes{{{_CLAIM}}}", f"kubelet_volume_stats_capacity_bytes{{{_CLAIM}}}", value, 10 * GIB
    ),
    "certificate-expiry": lambda value: {
        'certmanager_certificate_expiration_timestamp_seconds{namespace="trading",name="strategy"}': Moment(86400 * value)
    },
    "vault-snapshot-missed": lambda value: {
        'kube_cronjob_status_last_successful_time{namespace="vault",cronjob="vault-snapshots"}': Moment(-15 * 60 * value)
    },
    "log-store-disk": lambda value: {
        f"aws_es_free_storage_space_minimum{{{_STORE}}}": (1 - value / 100) * 380 * 1024,
        f"aws_es_warm_storage_space_utilization_maximum{{{_STORE}}}": 3 * 1024 * 1024,
        f"aws_es_warm_free_storage_space_sum{{{_STORE}}}": 1024 * 1024,
    },
    "log-store-memory": lambda value: {
        f"aws_es_jvmmemory_pressure_maximum{{{_STORE}}}": value,
        f"aws_es_master_jvmmemory_pressure_maximum{{{_STORE}}}": 40,
        f"aws_es_warm_jvmmemory_pressure_maximum{{{_STORE}}}": 60,
    },
    "log-store-health": lambda value: {
        f"aws_es_cluster_status_yellow_maximum{{{_STORE}}}": float(value == 1),
        f"aws_es_cluster_status_red_maximum{{{_STORE}}}": float(value > 1),
    },
    "log-store-writes-blocked": lambda value: {f"aws_es_cluster_index_writes_blocked_maximum{{{_STORE}}}": value},
    "log-store-key": lambda value: {f"aws_es_kmskey_error_maximum{{{_STORE}}}": value},
    "log-shipping": lambda value: {
        _function("errors_sum"): value,
        _function("throttles_sum"): 0,
        _function("errors_sum", "cwsyn-mastertrade-prod-api"): 5,
        'aws_logs_delivery_errors_sum{dimension_LogGroupName="/mastertrade/prod/pods",dimension_FilterName="log-store"}': 0,
    },
    "log-shipping-lost": lambda value: {
        _function("async_events_dropped_sum"): value,
        _function("async_events_dropped_sum", "cwsyn-mastertrade-prod-api"): 5,
    },
    "log-shipping-silent": lambda value: {
        _function("invocations_sum"): value,
        _function("invocations_sum", "cwsyn-mastertrade-prod-api"): 5,
        'up{job="cloudwatch",instance="cloud-metrics"}': 1,
    },
    "secret-not-rotated": lambda value: {'aws_mastertrade_secrets_days_since_rotation_maximum{dimension_SecretName="jwt"}': value},
}
"""By signal: its value to the series that make it."""
