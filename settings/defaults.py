"""One table: environment class -> what its stacks need not state.

Times are UTC. Production's maintenance windows lie on the weekend, outside of trading hours, one system after the other.
"""

from collections.abc import Mapping
from typing import Any, cast, get_args

from settings.model import EndpointService, Environment, TlsPolicy

# Extended US equity session, 04:00 to 20:00 New York time, over both halves of the year (NYSE Arca trading hours).
# Crypto markets never close; changes reach them on the weekend, when volumes are lowest.
_TRADING_HOURS = {"days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "opens": "08:00", "closes": "01:00"}
_WINDOWS: dict[str, dict[str, Any]] = {
    "database": {"day": "saturday", "time": "05:00"},
    "cache": {"day": "saturday", "time": "07:00"},
    "sessions": {"day": "saturday", "time": "09:00"},
    "broker": {"day": "saturday", "time": "11:00", "duration_minutes": 120},
    "restore_test": {"day": "sunday", "time": "05:00", "duration_minutes": 480},
}

PROD: dict[str, Any] = {
    "protect": True,
    "tradingHours": _TRADING_HOURS,
    "network": {"nat_gateways": "one_per_zone", "flow_log_retention_days": 365, "interface_endpoints": list(get_args(EndpointService))},
    "operators": {"alert_emails": []},
    "services": {
        "api_gateway": {"max_replicas": 10, "database_connections": 20, "cache_clients": 50},
        "market_data": {"max_replicas": 6, "database_connections": 20, "cache_clients": 50},
        "strategy": {"max_replicas": 8, "database_connections": 20, "cache_clients": 50},
        "risk_manager": {"max_replicas": 6, "database_connections": 20, "cache_clients": 50},
        "order_executor": {"max_replicas": 1, "database_connections": 20, "cache_clients": 50},
    },
    "database": {
        "engine_version": "17.7",
        "form": "provisioned",
        "instance_class": "db.r8g.xlarge",
        "serverless": {"min_acu": 8, "max_acu": 64, "pause_after_seconds": 1800},
        "primary_instances": 3,
        "standby_instances": 2,
        "retention_days": 30,
        "backup_window": {"time": "02:00", "duration_minutes": 30},
        "maintenance": _WINDOWS["database"],
        "slow_query_milliseconds": 50,
        "insights": "advanced",
        "proxy": {"max_connections_percent": 90, "borrow_timeout_seconds": 10, "idle_timeout_seconds": 1800},
        "data_loss": {"alarm_seconds": 30, "block_commits_after_seconds": None},
    },
    "cache": {
        "engine_version": "9.0",
        "node_type": "cache.r7g.large",
        "shards": 3,
        "replicas_per_shard": 1,
        "snapshot_retention_days": 30,
        "snapshot_window": {"time": "03:00", "duration_minutes": 60},
        "log_retention_days": 90,
        "maintenance": _WINDOWS["cache"],
    },
    "sessions": {
        "engine_version": "9.0",
        "node_type": "cache.r7g.large",
        "shards": 1,
        "replicas_per_shard": 1,
        "snapshot_retention_days": 30,
        "snapshot_window": {"time": "04:00", "duration_minutes": 60},
        "log_retention_days": 90,
        "durability": "sync",
        "maintenance": _WINDOWS["sessions"],
    },
    "broker": {
        "engine_version": "4.2",
        "instance": "mq.m7g.large",
        "nodes": 3,
        "consumer_timeout_seconds": 300,
        "maintenance": _WINDOWS["broker"],
    },
    "secrets": {"recovery_window_days": 30, "external_api_keys": ["binance", "alpaca", "polygon"]},
    "loadBalancer": {
        "tls_policy": TlsPolicy.TLS12_POST_QUANTUM.value,
        "requests_per_minute": 1000,
        "idle_timeout_seconds": 300,
        "drain_seconds": 30,
        "log_retention_days": 365,
    },
    "failover": {"health_check_interval_seconds": 10, "health_check_failures": 3, "approval_timeout_minutes": 60, "recovery_minutes": 15},
    "backup": {
        "time": "02:00",
        "retention_days": 30,
        "lock": "governance",
        "lock_cooling_off_days": 30,
        "restore_test": _WINDOWS["restore_test"],
    },
    "alarms": {"memory_warning_percent": 85, "memory_critical_percent": 95, "cache_hit_rate_percent": 80},
}

STAGING_DIFFERENCES: dict[str, Any] = {
    "protect": False,
    "network": {"flow_log_retention_days": 30},
    "services": {
        "api_gateway": {"max_replicas": 4},
        "market_data": {"max_replicas": 3},
        "strategy": {"max_replicas": 4},
        "risk_manager": {"max_replicas": 3},
    },
    "database": {"instance_class": "db.r8g.large", "primary_instances": 2, "standby_instances": 1},
    "cache": {"node_type": "cache.t4g.medium", "shards": 2, "snapshot_retention_days": 7, "log_retention_days": 30},
    "sessions": {"node_type": "cache.m7g.large", "snapshot_retention_days": 7, "log_retention_days": 30},
    "secrets": {"recovery_window_days": 0},
    "loadBalancer": {"log_retention_days": 30},
}

DEV_DIFFERENCES: dict[str, Any] = {
    "protect": False,
    "network": {"nat_gateways": "single", "flow_log_retention_days": 7, "interface_endpoints": ["ssm", "ssmmessages"]},
    "services": {
        "api_gateway": {"max_replicas": 2},
        "market_data": {"max_replicas": 1},
        "strategy": {"max_replicas": 1},
        "risk_manager": {"max_replicas": 1},
    },
    "database": {
        "form": "serverless",
        "instance_class": "db.t4g.medium",
        "serverless": {"min_acu": 0, "max_acu": 4, "pause_after_seconds": 1800},
        "primary_instances": 1,
        "standby_instances": 1,
        "insights": "standard",
        "proxy": None,
    },
    "cache": {"node_type": "cache.t4g.micro", "shards": 1, "replicas_per_shard": 0, "snapshot_retention_days": 1, "log_retention_days": 7},
    "sessions": {
        "node_type": "cache.t4g.micro",
        "replicas_per_shard": 0,
        "snapshot_retention_days": 1,
        "log_retention_days": 7,
        "durability": "disabled",
    },
    "broker": {"instance": "mq.m7g.medium", "nodes": 1},
    "secrets": {"recovery_window_days": 0},
    "loadBalancer": {"log_retention_days": 7},
    "backup": {"lock": "none", "restore_test": None},
}


def merged(base: Mapping[str, Any], differences: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `differences` on top; mappings merge, everything else replaces."""
    result = dict(base)
    for key, value in differences.items():
        below = result.get(key)
        both_are_mappings = isinstance(below, dict) and isinstance(value, dict)
        result[key] = merged(cast("dict[str, Any]", below), cast("dict[str, Any]", value)) if both_are_mappings else value
    return result


DEFAULTS: dict[Environment, dict[str, Any]] = {
    Environment.PROD: PROD,
    Environment.STAGING: merged(PROD, STAGING_DIFFERENCES),
    Environment.DEV: merged(PROD, DEV_DIFFERENCES),
}

ZONES: dict[Environment, int] = {Environment.PROD: 3, Environment.STAGING: 3, Environment.DEV: 2}
"""Zones of a region that names none. Two are the least that AWS takes for subnet groups and load balancers."""
