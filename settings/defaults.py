"""One table: environment class -> what its stacks need not state.

Times are UTC. Production's maintenance windows lie on the weekend, outside of trading hours, one system after the other.
"""

from collections.abc import Mapping
from typing import Any, cast, get_args

from settings.model import EndpointService, Environment, TlsPolicy
from settings.traffic import Service

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

# What a service is given unless it says otherwise; connections and clients are promised to each pod
_POD: dict[str, Any] = {
    "node_pool": "general",
    "min_replicas": 3,
    "cpu_millicores": 1000,
    "memory_mib": 1024,
    "workers": 1,
    "scale_up_cpu_percent": 60,
    "database_connections": 20,
    "cache_clients": 50,
}

PROD: dict[str, Any] = {
    "protect": True,
    "tradingHours": _TRADING_HOURS,
    "network": {"nat_gateways": "one_per_zone", "flow_log_retention_days": 365, "interface_endpoints": list(get_args(EndpointService))},
    "operators": {"alert_emails": []},
    "capacity": {
        "survives_zone_loss": True,
        "requests_per_second": 1000,
        "concurrent_traders": 1000,
        "orders_per_day": 1_000_000,
        "market_data_gb_per_day": 10,
        "storage_growth_gb_per_month": 100,
    },
    "features": {"live_trading": True, "ml_models": True, "high_frequency_trading": False},
    "images": {"registry": "{account}.dkr.ecr.{region}.amazonaws.com"},
    "services": {
        "api-gateway": _POD | {"min_replicas": 8, "max_replicas": 12},
        "market-data": _POD | {"node_pool": "market-data", "max_replicas": 6, "cpu_millicores": 2000, "memory_mib": 4096},
        "strategy": _POD | {"max_replicas": 8, "cpu_millicores": 4000, "memory_mib": 8192, "workers": 4},
        "risk-manager": _POD | {"max_replicas": 6, "cpu_millicores": 500},
        "order-executor": _POD
        | {"node_pool": "order-execution", "min_replicas": 1, "max_replicas": 1, "cpu_millicores": 2000, "memory_mib": 4096},
    },
    "cluster": {
        "version": "1.35",
        "architecture": "arm64",
        "api_cidrs": [],
        "log_retention_days": 365,
        # builds for Kubernetes 1.35
        "add_ons": {
            "metrics-server": "v0.8.0-eksbuild.2",
            "kube-state-metrics": "v2.17.0-eksbuild.4",
            "cert-manager": "v1.20.2-eksbuild.3",
            "aws-secrets-store-csi-driver-provider": "v3.1.3-eksbuild.1",
            # of the line that collects with Fluent Bit; from 5 on it instruments applications unless told not to
            "amazon-cloudwatch-observability": "v4.10.3-eksbuild.1",
        },
        "node_pools": {
            "general": {"capacity": "on_demand", "max_cores": 96, "max_memory_gib": 384},
            "market-data": {"capacity": "on_demand", "max_cores": 24, "max_memory_gib": 96},
            "order-execution": {"capacity": "on_demand", "max_cores": 8, "max_memory_gib": 32},
        },
    },
    "vault": {"replicas": 3, "storage_gib": 10, "snapshot_interval_minutes": 15, "snapshot_retention_days": 30},
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
        "burst_requests": 100,
        "idle_timeout_seconds": 300,
        "drain_seconds": 30,
        "log_retention_days": 365,
    },
    "failover": {
        "health_check_interval_seconds": 10,
        "health_check_failures": 3,
        "approval_timeout_minutes": 60,
        "recovery_minutes": 15,
        "lost_regions": [],
    },
    "backup": {
        "time": "02:00",
        "retention_days": 30,
        "lock": "governance",
        "lock_cooling_off_days": 30,
        "restore_test": _WINDOWS["restore_test"],
    },
    "alarms": {"memory_warning_percent": 85, "memory_critical_percent": 95, "cache_hit_rate_percent": 80},
    "observability": {
        "metrics": {"retention_days": 150},
        "alerts": {"slack": None, "pagerduty": True, "pager_email": None, "quiet_hours": None},
        "dashboards": {"replicas": 2},
        "thresholds": {},
        "canaries": {"interval_minutes": 1, "runtime": "syn-python-selenium-14.0", "retention_days": 31},
        "logs": {
            "engine_version": "2.19",
            "instance": "r6g.large.search",
            "zones": 3,
            "nodes_per_zone": 1,
            "volume_gib": 400,
            "masters": "m6g.large.search",
            "warm": {"instance": "ultrawarm1.medium.search", "nodes_per_zone": 1},
            "hot_days": 7,
            "retention_days": 90,
            "collected_days": 30,
            "search_replicas": 2,
        },
        "log_retention_days": 90,
    },
}

STAGING_DIFFERENCES: dict[str, Any] = {
    "protect": False,
    "network": {"flow_log_retention_days": 30},
    "capacity": {
        "requests_per_second": 100,
        "concurrent_traders": 100,
        "orders_per_day": 100_000,
        "market_data_gb_per_day": 10,
        "storage_growth_gb_per_month": 50,
    },
    "features": {"live_trading": False},
    "services": {
        "api-gateway": {"min_replicas": 2, "max_replicas": 4},
        "market-data": {"min_replicas": 2, "max_replicas": 3},
        "strategy": {"min_replicas": 2, "max_replicas": 4},
        "risk-manager": {"min_replicas": 2, "max_replicas": 3},
        "order-executor": {"cpu_millicores": 1000, "memory_mib": 2048},
    },
    "cluster": {
        "log_retention_days": 30,
        "node_pools": {
            "general": {"capacity": "spot", "max_cores": 48, "max_memory_gib": 192},
            "market-data": {"capacity": "spot", "max_cores": 16, "max_memory_gib": 64},
            "order-execution": {"max_cores": 4, "max_memory_gib": 16},
        },
    },
    "vault": {"snapshot_interval_minutes": 60, "snapshot_retention_days": 7},
    "database": {"instance_class": "db.r8g.large", "primary_instances": 2, "standby_instances": 1},
    "cache": {"node_type": "cache.t4g.medium", "shards": 2, "snapshot_retention_days": 7, "log_retention_days": 30},
    "sessions": {"node_type": "cache.m7g.large", "snapshot_retention_days": 7, "log_retention_days": 30},
    "secrets": {"recovery_window_days": 0},
    "loadBalancer": {"log_retention_days": 30},
    "observability": {
        "metrics": {"retention_days": 30},
        "alerts": {"pagerduty": False},
        "canaries": {"interval_minutes": 5, "retention_days": 7},
        "logs": {"instance": "m6g.large.search", "volume_gib": 100, "warm": None, "retention_days": 30},
        "log_retention_days": 30,
    },
}

DEV_DIFFERENCES: dict[str, Any] = {
    "protect": False,
    "network": {"nat_gateways": "single", "flow_log_retention_days": 7, "interface_endpoints": ["ssm", "ssmmessages"]},
    "capacity": {
        "survives_zone_loss": False,
        "requests_per_second": 20,
        "concurrent_traders": 20,
        "orders_per_day": 10_000,
        "market_data_gb_per_day": 1,
        "storage_growth_gb_per_month": 5,
    },
    "features": {"live_trading": False},
    "images": {
        "vault": "hashicorp/vault:1.21.4",
        "aws_cli": "aws-cli/aws-cli:latest",
        "grafana": "grafana/grafana:12.3.1",
        "cloud_metrics": "prometheuscommunity/yet-another-cloudwatch-exporter:v0.62.1",
        "log_search": "envoyproxy/envoy:distroless-v1.40.0",
    },
    "services": {
        service: {
            "image": f"mastertrade/{service}:latest",
            "node_pool": "general",
            "min_replicas": 1,
            "max_replicas": 2 if service is Service.API_GATEWAY else 1,
            "cpu_millicores": 1000 if service is Service.STRATEGY else 250,
            "memory_mib": 2048 if service is Service.STRATEGY else 512,
        }
        for service in Service
    },
    "cluster": {
        "log_retention_days": 7,
        "node_pools": {
            "general": {"capacity": "spot", "max_cores": 8, "max_memory_gib": 32},
            "market-data": {"capacity": "spot", "max_cores": 4, "max_memory_gib": 16},
            "order-execution": {"max_cores": 4, "max_memory_gib": 16},
        },
    },
    "vault": {"replicas": 1, "storage_gib": 1, "snapshot_interval_minutes": 60, "snapshot_retention_days": 7},
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
    "observability": {
        "metrics": {"retention_days": 15},
        "alerts": {"pagerduty": False},
        "dashboards": {"replicas": 1},
        "canaries": {"interval_minutes": 15, "retention_days": 7},
        "logs": {
            "instance": "t3.medium.search",
            "zones": 1,
            "volume_gib": 20,
            "masters": None,
            "warm": None,
            "hot_days": 2,
            "retention_days": 7,
            "collected_days": 7,
            "search_replicas": 1,
        },
        "log_retention_days": 7,
    },
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
