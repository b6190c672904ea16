"""What the person hears who made a mistake: every mistake at once, where it is, what is allowed, and an example."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from settings import SettingsError, reading
from settings.catalog import Region
from settings.defaults import DEFAULTS
from settings.model import Environment, RegionRole
from settings.rules import RULES, Rule
from settings.traffic import Service
from tests.settings.stacks import LARGE_POOLS, SMALL_PROMISE, STACKS, load, load_changed, message, problems, problems_of, stated

Changes = dict[str, Any]


@dataclass(frozen=True)
class Limit:
    """A statement, the settings just beyond it, the nearest that keep it, and what the message says."""

    statement: str
    key: str
    refused: Changes
    accepted: Changes
    says: tuple[str, ...]
    stack: str = "prod"
    also: frozenset[str] = field(default_factory=frozenset)
    """Other keys that the same mistake reaches."""


EAST_ONLY = {"us-east-1": {"role": "primary"}}
PAUSING = {"form": "serverless", "serverless": {"min_acu": 0}, "instance_class": "db.t4g.medium"}
ACCOUNT = "123456789012"
MAY_STOP_WITH_A_ZONE = {"capacity": {"survives_zone_loss": False}}


def weekend(time: str, minutes: int = 60, day: str = "saturday") -> Changes:
    return {"day": day, "time": time, "duration_minutes": minutes}


ACROSS_KEYS = (
    Limit(
        "two regions are not both primary",
        "regions.us-west-2.role",
        {"regions": {"us-west-2": {"role": "primary"}}},
        {"regions": {"us-west-2": {"role": "standby"}}},
        ("second primary beside us-east-1", "exactly one primary", "role: standby"),
    ),
    Limit(
        "one region is primary",
        "regions",
        {"regions": {"us-east-1": {"role": "standby"}}},
        {"regions": {"us-east-1": {"role": "standby"}, "us-west-2": {"role": "primary"}}},
        ("no region has the role 'primary'", "us-east-1: {role: primary}"),
    ),
    Limit(
        "orders are executed in a region that there is",
        "activeRegion",
        {"activeRegion": "eu-west-1"},
        {"activeRegion": "us-west-2"},
        ("'eu-west-1' is not among the regions", "one of us-east-1, us-west-2", "activeRegion: us-east-1"),
    ),
    Limit(
        "regions share no address",
        "regions.us-west-2.vpc_cidr",
        {"regions": {"us-west-2": {"vpc_cidr": "10.64.0.0/16"}}},
        {"regions": {"us-west-2": {"vpc_cidr": "10.66.0.0/16"}}},
        ("10.64.0.0/16 overlaps 10.64.0.0/16 of us-east-1", "no other region uses"),
    ),
    Limit(
        "a region spreads over zones of its own",
        "regions.us-east-1.zones",
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "usw2-az1"]}}},
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az6"]}}},
        ("'usw2-az1' is no zone of us-east-1", "use1-az1, use1-az2, use1-az4, use1-az6"),
    ),
    Limit(
        "a region avoids zones in which a service is missing",
        "regions.us-east-1.zones",
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az3"]}}},
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az4"]}}},
        ("'use1-az3' is no zone of us-east-1 in which every service is offered",),
    ),
    Limit(
        "a zone is named once",
        "regions.us-east-1.zones",
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az1", "use1-az4"]}}},
        {"regions": {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az4"]}}},
        ("a zone is named twice",),
    ),
    Limit(
        "one store is under maintenance at a time",
        "cache.maintenance",
        {"cache": {"maintenance": weekend("05:59")}},
        {"cache": {"maintenance": weekend("06:00")}},
        ("overlaps database.maintenance", "a time when no other window is open"),
    ),
    Limit(
        "maintenance of the broker lasts two hours, whatever is stated",
        "broker.maintenance",
        {"broker": {"maintenance": weekend("08:00", 60)}},
        {"broker": {"maintenance": weekend("10:00", 60)}},
        ("overlaps",),
    ),
    Limit(
        "no store is under maintenance while the database is backed up",
        "sessions.maintenance",
        {"sessions": {"maintenance": weekend("02:29", day="sunday")}},
        {
            "sessions": {"maintenance": weekend("02:30", 30 + 30, day="sunday")},
            "cache": {"snapshot_window": {"time": "04:00"}},
            "backup": {"time": "01:00"},
        },
        ("overlaps database.backup_window",),
    ),
    Limit(
        "no store is under maintenance in the hour in which backups start",
        "database.maintenance",
        {"backup": {"time": "04:01"}},
        {"backup": {"time": "04:00"}},
        ("overlaps backup.time",),
    ),
    Limit(
        "operators reach their host through endpoints inside the network",
        "network.interface_endpoints",
        {"network": {"interface_endpoints": ["ssm"]}},
        {"network": {"interface_endpoints": ["ssm", "ssmmessages"]}},
        ("ssmmessages not among them",),
    ),
    Limit(
        "backups start while markets are closed",
        "backup.time",
        {"backup": {"time": "15:00"}},
        {"backup": {"time": "06:00"}, "database": {"maintenance": weekend("15:00")}},
        ("trading hours", "time: '02:00'"),
    ),
    Limit(
        "restores are tried while markets are closed",
        "backup.restore_test",
        {"backup": {"restore_test": {"day": "wednesday", "time": "12:00"}}},
        {"backup": {"restore_test": {"day": "sunday", "time": "12:00"}}},
        ("trading hours", "restore_test: {day: saturday"),
    ),
    Limit(
        "no store is under maintenance while a snapshot is taken",
        "database.maintenance",
        {"database": {"maintenance": weekend("04:59", day="sunday")}},
        {"database": {"maintenance": weekend("05:00", day="sunday")}},
        ("overlaps sessions.snapshot_window",),
    ),
    Limit(
        "no store is under maintenance while markets are open",
        "database.maintenance",
        {"database": {"maintenance": weekend("07:01", day="wednesday")}},
        {"database": {"maintenance": weekend("07:00", day="wednesday")}},
        ("in trading hours (08:00 to 01:00 UTC)", "a time when markets are closed"),
    ),
    Limit(
        "no snapshot is taken while markets are open",
        "cache.snapshot_window",
        {"cache": {"snapshot_window": {"time": "00:59"}}},
        {"cache": {"snapshot_window": {"time": "01:00"}}},
        ("in trading hours",),
    ),
    Limit(
        "longer trading hours move the windows",
        "database.backup_window",
        {"tradingHours": {"closes": "02:01"}},
        {"tradingHours": {"closes": "02:00"}},
        ("in trading hours (08:00 to 02:01 UTC)",),
    ),
    Limit(
        "a snapshot window lasts an hour",
        "sessions.snapshot_window.duration_minutes",
        {"sessions": {"snapshot_window": {"duration_minutes": 59}}},
        {"sessions": {"snapshot_window": {"duration_minutes": 60}}},
        ("found 59", "60 to 480", "duration_minutes: 60"),
    ),
    Limit(
        "a global database has eleven regions at most",
        "regions",
        {"regions": {region: {"role": "primary" if region == "us-east-1" else "standby"} for region in Region}, "broker": {"nodes": 1}},
        {
            "regions": {
                region: {"role": "primary" if region == "us-east-1" else "standby"} for region in Region if region != "ca-central-1"
            },
            "broker": {"nodes": 1},
            "vault": {"replicas": 1},
        }
        | SMALL_PROMISE,
        ("12 regions", "at most 11"),
    ),
    Limit(
        "no burstable class is part of a global database",
        "database.instance_class",
        {"database": {"instance_class": "db.t4g.large", "insights": "standard"}},
        {"database": {"instance_class": "db.r6g.large", "insights": "standard"}},
        ("db.t4g.large cannot be part of a global database", "instance_class: db.r8g.large"),
    ),
    Limit(
        "a burstable class has standard insights",
        "database.insights",
        {"database": {"form": "provisioned", "insights": "advanced"}},
        {"database": {"form": "provisioned", "insights": "standard"}},
        ("'advanced' with db.t4g.medium", "'standard'", "insights: standard"),
        stack="dev",
    ),
    Limit(
        "the least capacity is not above the most",
        "database.serverless.min_acu",
        {"database": {"serverless": {"min_acu": 4.5}}},
        {"database": {"serverless": {"min_acu": 4}}},
        ("4.5 is more than max_acu 4",),
        stack="dev",
    ),
    Limit(
        "members of a global database have eight capacity units",
        "database.serverless.min_acu",
        {"database": {"form": "serverless", "serverless": {"min_acu": 7.5}}},
        {"database": {"form": "serverless", "serverless": {"min_acu": 8}}},
        ("7.5 with 2 regions", "8 or more", "min_acu: 8"),
    ),
    Limit(
        "a database that pauses has no proxy",
        "database.proxy",
        {"database": {"proxy": DEFAULTS[Environment.PROD]["database"]["proxy"]}},
        {"database": {"proxy": None}},
        ("never pauses", "proxy: null"),
        stack="dev",
    ),
    Limit(
        "every pod can fill its database connections",
        "services",
        {"database": {"instance_class": "db.r8g.large"}, "services": {"strategy": {"max_replicas": 100}}},
        {"database": {"instance_class": "db.r8g.4xlarge"}, "services": {"strategy": {"max_replicas": 100}}} | LARGE_POOLS,
        ("database connections", "strategy 100 × 20", "db.r8g.large", "a larger database"),
    ),
    Limit(
        "every pod can fill its cache connections",
        "services",
        {"services": {"strategy": {"max_replicas": 70, "cache_clients": 1000}}},
        {"services": {"strategy": {"max_replicas": 60, "cache_clients": 1000}}} | LARGE_POOLS,
        ("cache clients", "65000 on cache.r7g.large"),
    ),
    Limit(
        "a cache has ninety nodes at most",
        "cache.shards",
        {"cache": {"shards": 31, "replicas_per_shard": 2}},
        {"cache": {"shards": 30, "replicas_per_shard": 2}},
        ("93 nodes with 2 replicas", "at most 90 nodes"),
    ),
    Limit(
        "sessions have ninety nodes at most",
        "sessions.shards",
        {"sessions": {"shards": 46}},
        {"sessions": {"shards": 45}},
        ("92 nodes with 1 replicas", "at most 90 nodes"),
    ),
    Limit(
        "durable sessions need a type that can keep them",
        "sessions.node_type",
        {"sessions": {"node_type": "cache.t4g.medium"}},
        {"sessions": {"node_type": "cache.t4g.medium", "durability": "disabled"}},
        ("cache.t4g.medium with durability 'sync'", "m7g or r7g", "node_type: cache.m7g.large"),
    ),
    Limit(
        "durable sessions need a replica",
        "sessions.replicas_per_shard",
        {"sessions": {"replicas_per_shard": 0}},
        {"sessions": {"replicas_per_shard": 0, "durability": "disabled"}},
        ("0 with durability 'sync'", "at least 1", "replicas_per_shard: 1"),
    ),
    Limit(
        "administrators are of the account",
        "operators.administrators",
        {"operators": {"administrators": ["arn:aws:iam::210987654321:role/mastertrade-deploy"]}},
        {"operators": {"administrators": [f"arn:aws:iam::{ACCOUNT}:role/another"]}},
        (f"'arn:aws:iam::210987654321:role/mastertrade-deploy' is not of account {ACCOUNT}", f"arn:aws:iam::{ACCOUNT}:role/"),
    ),
    Limit(
        "a cluster of brokers runs on a class made for it",
        "broker.instance",
        {"broker": {"instance": "mq.m7g.medium"}},
        {"broker": {"instance": "mq.m7g.medium", "nodes": 1}},
        ("mq.m7g.medium in a cluster", "instance: mq.m7g.large"),
    ),
    Limit(
        "a cluster of brokers spreads over three zones",
        "regions.us-west-2.zones",
        {"regions": {"us-west-2": {"zones": ["usw2-az1", "usw2-az2"]}}},
        {"regions": {"us-west-2": {"zones": ["usw2-az1", "usw2-az2"]}}, "broker": {"nodes": 1}, "vault": {"replicas": 1}} | SMALL_PROMISE,
        ("2 zones with a broker of three nodes", "zones: [usw2-az1, usw2-az2, usw2-az3]"),
    ),
    Limit(
        "traffic moves within two minutes",
        "failover.health_check_failures",
        {"failover": {"health_check_interval_seconds": 10, "health_check_failures": 7}},
        {"failover": {"health_check_interval_seconds": 10, "health_check_failures": 6}},
        ("70 s until a failure counts and 60 s of DNS make 130 s", "120 s in all"),
    ),
    Limit(
        "slow health checks count as well",
        "failover.health_check_failures",
        {"failover": {"health_check_interval_seconds": 30, "health_check_failures": 3}},
        {"failover": {"health_check_interval_seconds": 30, "health_check_failures": 2}},
        ("90 s until a failure counts",),
    ),
    Limit(
        "a warning comes before what it warns of",
        "alarms.memory_warning_percent",
        {"alarms": {"memory_warning_percent": 95}},
        {"alarms": {"memory_warning_percent": 94}},
        ("95 is not below the critical 95", "memory_warning_percent: 85"),
    ),
    Limit(
        "a changed warning still comes before its critical mark",
        "observability.thresholds.node-memory.warning",
        {"observability": {"thresholds": {"node-memory": {"warning": 96}}}},
        {"observability": {"thresholds": {"node-memory": {"warning": 90}}}},
        ("96 is not below the critical 95", "by default warning 85, critical 95"),
    ),
    Limit(
        "no share is more than all of it",
        "observability.thresholds.node-memory.critical",
        {"observability": {"thresholds": {"node-memory": {"critical": 101}}}},
        {"observability": {"thresholds": {"node-memory": {"critical": 100}}}},
        ("101 is more than 100 %",),
    ),
    Limit(
        "production runs images that nobody can exchange",
        "services.strategy.image",
        {"services": {"strategy": {"image": "mastertrade/strategy:1.4.2"}}},
        {"services": {"strategy": {"image": f"mastertrade/strategy:1.4.2@sha256:{'0a' * 32}"}}},
        ("'mastertrade/strategy:1.4.2' has no digest", "image: mastertrade/strategy@sha256:"),
    ),
    Limit(
        "other environments may follow a tag",
        "images.vault",
        {"environment": "prod", "images": {"vault": "hashicorp/vault:1.21.4"}},
        {"environment": "staging", "images": {"vault": "hashicorp/vault:1.21.4"}},
        ("has no digest",),
        stack="staging",
    ),
    Limit(
        "a registry is told apart by account and region alone",
        "images.registry",
        {"images": {"registry": "{account}.dkr.ecr.{zone}.amazonaws.com"}},
        {"images": {"registry": "registry.mastertrade.example/{region}"}},
        ("no braces but {account} and {region}",),
    ),
    Limit(
        "the fewest pods are no more than the most",
        "services.risk-manager.max_replicas",
        {"services": {"risk-manager": {"min_replicas": 7}}},
        {"services": {"risk-manager": {"min_replicas": 6}}},
        ("6 is less than min_replicas 7", "max_replicas: 7"),
    ),
    Limit(
        "nothing executes orders beside the executor",
        "services.order-executor.max_replicas",
        {"services": {"order-executor": {"max_replicas": 2}}},
        {"services": {"order-executor": {"max_replicas": 1}}},
        ("1: two would execute the same order",),
    ),
    Limit(
        "pods carry the promise without any one zone",
        "services.api-gateway.min_replicas",
        {"services": {"api-gateway": {"min_replicas": 7}}},
        {"services": {"api-gateway": {"min_replicas": 8}}},
        ("that a lost zone leaves: 4 pods", "5 pods at least", "min_replicas: 8"),
    ),
    Limit(
        "a pod has room on a node of its pool",
        "services.order-executor.cpu_millicores",
        {"services": {"order-executor": {"cpu_millicores": 3201}}},
        {"services": {"order-executor": {"cpu_millicores": 3200}}},  # of four cores, four fifths
        ("found 3201", "3200 at most", "pool 'order-execution'", "cpu_millicores: 3200"),
    ),
    Limit(
        "memory of a pod has room on a node of its pool",
        "services.market-data.memory_mib",
        {"services": {"market-data": {"memory_mib": 26_215}}},
        {"services": {"market-data": {"memory_mib": 26_214}}, "cluster": {"node_pools": {"market-data": {"max_memory_gib": 193}}}},
        ("26214 at most", "pool 'market-data'"),  # eight cores with 4 GiB each, four fifths: 25.6 GiB
    ),
    Limit(
        "a zone holds no half of Vault",
        "regions.us-west-2.zones",
        {"regions": {"us-west-2": {"zones": ["usw2-az1", "usw2-az2"]}}, "broker": {"nodes": 1}} | SMALL_PROMISE,
        {"regions": {"us-west-2": {"zones": ["usw2-az1", "usw2-az2"]}}, "broker": {"nodes": 1}, "vault": {"replicas": 1}} | SMALL_PROMISE,
        ("2 zones with 3 members of Vault", "vault: {replicas: 1}"),
    ),
    Limit(
        "the region that executes orders answers",
        "failover.lost_regions",
        {"failover": {"lost_regions": ["us-east-1"]}},
        {"failover": {"lost_regions": ["us-east-1"]}, "activeRegion": "us-west-2"},
        ("'us-east-1' executes orders",),
    ),
    Limit(
        "only a region of the stack can be lost",
        "failover.lost_regions",
        {"failover": {"lost_regions": ["eu-west-1"]}},
        {"failover": {"lost_regions": ["us-west-2"]}},
        ("'eu-west-1' is not among the regions",),
    ),
    Limit(
        "somebody can deploy to the clusters",
        "operators.administrators",
        {"operators": {"administrators": [f"arn:aws:iam::{ACCOUNT}:role/admin*"]}},
        {"operators": {"administrators": [f"arn:aws:iam::{ACCOUNT}:role/admin*", f"arn:aws:iam::{ACCOUNT}:role/deploy"]}},
        ("every role is a pattern", "without `*`"),
    ),
    Limit(
        "logs survive a zone where the platform does",
        "observability.logs.zones",
        {"observability": {"logs": {"zones": 1, "warm": None}}},
        {"observability": {"logs": {"zones": 2}}},
        ("capacity.survives_zone_loss is true", "2 or 3"),
    ),
    Limit(
        "warm nodes have masters beside them",
        "observability.logs.masters",
        {"observability": {"logs": {"masters": None}}} | MAY_STOP_WITH_A_ZONE,
        {"observability": {"logs": {"masters": None, "warm": None}}} | MAY_STOP_WITH_A_ZONE,
        ("found null", "warm nodes need dedicated masters", "masters: m6g.large.search"),
    ),
    Limit(
        "warm nodes stand beside data nodes that are not T3",
        "observability.logs.instance",
        {"observability": {"logs": {"instance": "t3.medium.search", "volume_gib": 200}}} | MAY_STOP_WITH_A_ZONE,
        {"observability": {"logs": {"instance": "t3.medium.search", "volume_gib": 200, "warm": None}}} | MAY_STOP_WITH_A_ZONE,
        ("found t3.medium.search", "not T3", "or warm is null", "instance: m6g.large.search"),
    ),
    Limit(
        "a log store that survives a zone has dedicated masters",
        "observability.logs.masters",
        {"observability": {"logs": {"zones": 2, "masters": None, "warm": None}}},
        {"observability": {"logs": {"zones": 2, "masters": None, "warm": None}}} | MAY_STOP_WITH_A_ZONE,
        ("found null", "capacity.survives_zone_loss is true", "two zones lose their majority", "masters: m6g.large.search"),
    ),
    Limit(
        "masters of a log store that survives a zone are not T3",
        "observability.logs.masters",
        {"observability": {"logs": {"masters": "t3.medium.search"}}},
        {"observability": {"logs": {"masters": "t3.medium.search"}}} | MAY_STOP_WITH_A_ZONE,
        ("found t3.medium.search", "not T3: capacity.survives_zone_loss is true", "masters: m6g.large.search"),
    ),
    Limit(
        "data nodes of a log store that survives a zone are not T3",
        "observability.logs.instance",
        {"observability": {"logs": {"instance": "t3.medium.search", "volume_gib": 200, "warm": None}}},
        {"observability": {"logs": {"instance": "t3.medium.search", "volume_gib": 200, "warm": None}}} | MAY_STOP_WITH_A_ZONE,
        ("found t3.medium.search", "not T3: capacity.survives_zone_loss is true", "instance: m6g.large.search"),
    ),
    Limit(
        "warm nodes are two at least",
        "observability.logs.warm.nodes_per_zone",
        {"observability": {"logs": {"zones": 1}}, "capacity": {"survives_zone_loss": False}},
        {
            "observability": {"logs": {"zones": 1, "warm": {"instance": "ultrawarm1.medium.search", "nodes_per_zone": 2}}},
            "capacity": {"survives_zone_loss": False},
        },
        ("two nodes at least",),
    ),
    Limit(
        "a node's volume is one that its type takes",
        "observability.logs.volume_gib",
        {"observability": {"logs": {"instance": "m6g.large.search", "volume_gib": 513}}},
        {"observability": {"logs": {"instance": "m6g.large.search", "volume_gib": 512}}},
        ("513 GiB on a m6g.large.search", "512 at most"),
    ),
    Limit(
        "logs are kept longer than they are hot",
        "observability.logs.retention_days",
        {"observability": {"logs": {"hot_days": 7, "retention_days": 7}}},
        {"observability": {"logs": {"hot_days": 7, "retention_days": 8}}},
        ("more days than hot_days", "retention_days: 8"),
    ),
    Limit(
        "logs are hot for less time than they are kept",
        "observability.logs.hot_days",
        {"observability": {"logs": {"hot_days": 90}}},
        {"observability": {"logs": {"hot_days": 89}}},
        ("90 days of 90", "fewer days than retention_days", "hot_days: 89"),
    ),
)

IN_ONE_KEY = (
    Limit(
        "nothing that becomes a resource is named twice",
        "secrets.external_api_keys",
        {"secrets": {"external_api_keys": ["alpaca", "alpaca"]}},
        {"secrets": {"external_api_keys": ["alpaca"]}},
        ("each once", "alpaca"),
    ),
    Limit(
        "secrets are not for every role of the account",
        "operators.administrators.0",
        {"operators": {"administrators": ["arn:aws:iam::123456789012:role/*"]}},
        {"operators": {"administrators": ["arn:aws:iam::123456789012:role/aws-reserved/*/Admin_*", f"arn:aws:iam::{ACCOUNT}:role/deploy"]}},
        ("ARN of an IAM role",),
    ),
    Limit(
        "no network lies in addresses that are nobody's",
        "regions.us-east-1.vpc_cidr",
        {"regions": {"us-east-1": {"role": "primary", "vpc_cidr": "127.0.0.0/16"}, "us-west-2": {"role": "standby"}}},
        {"regions": {"us-east-1": {"role": "primary", "vpc_cidr": "172.21.0.0/16"}, "us-west-2": {"role": "standby"}}},
        ("private /16",),
    ),
    Limit(
        "point-in-time recovery reaches back 35 days at most",
        "database.retention_days",
        {"database": {"retention_days": 36}},
        {"database": {"retention_days": 35}},
        ("found 36", "a whole number from 1 to 35", "RDS keeps 1 to 35", "retention_days: 30"),
    ),
    Limit(
        "a number is not text",
        "database.retention_days",
        {"database": {"retention_days": "30"}},
        {"database": {"retention_days": 30}},
        ("found '30'", "a whole number"),
    ),
    Limit(
        "a version is not a number",
        "broker.engine_version",
        {"broker": {"engine_version": 4.2}},
        {"broker": {"engine_version": "4.2"}},
        ("found 4.2;", 'allowed: "4.2"', 'engine_version: "4.2"'),
    ),
    Limit(
        "a word is not a truth value",
        "protect",
        {"protect": "yes"},
        {"protect": False},
        ("found 'yes'", "true or false", "protect: true"),
    ),
    Limit(
        "a region is one that the platform knows",
        "regions.mars-north-1",
        {"regions": {"mars-north-1": {"role": "standby"}}},
        {"regions": {"eu-west-1": {"role": "standby"}}},
        ("'mars-north-1' is not a region that the platform knows", "us-east-1, us-east-2", "us-east-1: {role: primary}"),
    ),
    Limit(
        "nothing is nobody's",
        "broker",
        {"broker": 5},
        {"broker": {"nodes": 3}},
        ("found 5", "a mapping with engine_version, instance, nodes", 'broker: {engine_version: "4.2"}'),
    ),
    Limit(
        "null stands only where nothing is a choice",
        "broker.maintenance",
        {"broker": {"maintenance": None}},
        {"backup": {"restore_test": None}},
        ("found null", "a mapping with day, time"),
    ),
    Limit(
        "where nothing is a choice the message says so",
        "database.proxy",
        {"database": {"proxy": 5}},
        {"database": {"proxy": None}},
        ("found 5", "or null"),
    ),
    Limit(
        "a capacity is in half units",
        "database.serverless.min_acu",
        {"database": {"serverless": {"min_acu": 8.3}}},
        {"database": {"serverless": {"min_acu": 8.5}}},
        ("found 8.3", "a number from 0 to 256 in steps of 0.5"),
    ),
    Limit(
        "a vpc is a private /16",
        "regions.us-east-1.vpc_cidr",
        {"regions": {"us-east-1": {"vpc_cidr": "10.64.0.0/17"}}},
        {"regions": {"us-east-1": {"vpc_cidr": "172.16.0.0/16"}}},
        ("found '10.64.0.0/17'", "a private /16", "vpc_cidr: 10.64.0.0/16"),
    ),
    Limit(
        "a range has no host bits",
        "operators.cidrs.1",
        {"operators": {"cidrs": ["203.0.113.0/24", "203.0.113.7/24"]}},
        {"operators": {"cidrs": ["203.0.113.0/24", "203.0.113.7/32"]}},
        ("found '203.0.113.7/24'", "an IPv4 range in CIDR notation", 'cidrs: ["203.0.113.0/24"]'),
    ),
    Limit(
        "operators do not come from everywhere",
        "operators.cidrs.0",
        {"operators": {"cidrs": ["0.0.0.0/0"]}},
        {"operators": {"cidrs": ["17.0.0.0/8"]}},
        ("a range of /8 or smaller",),
    ),
    Limit(
        "operators come from three ranges at most",
        "operators.cidrs",
        {"operators": {"cidrs": ["203.0.113.0/32", "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"]}},
        {"operators": {"cidrs": ["203.0.113.0/32", "203.0.113.1/32", "203.0.113.2/32"]}},
        ("a list of 1 to 3",),
    ),
    Limit(
        "a choice in a list is one of the choices",
        "network.interface_endpoints.1",
        {"network": {"interface_endpoints": ["ssm", "s3"]}},
        {"network": {"interface_endpoints": ["ssm", "ssmmessages"]}},
        ("found 's3'", "autoscaling, ec2", 'interface_endpoints: ["ssm"'),
    ),
    Limit(
        "a time is hours and minutes",
        "backup.time",
        {"backup": {"time": "2am"}},
        {"backup": {"time": "02:00"}},
        ("found '2am'", 'time: "02:00"'),
    ),
    Limit(
        "a line end is no part of a value",
        "domain",
        {"domain": "mastertrade.example\n"},
        {"domain": "mastertrade.example"},
        ("found 'mastertrade.example?'",),
    ),
    Limit(
        "digits of another alphabet are no digits",
        "accountId",
        {"accountId": "١٢٣٤٥٦٧٨٩٠١٢"},
        {"accountId": ACCOUNT},
        ('accountId: "123456789012"',),
    ),
    Limit(
        "a channel of Slack is named by its IDs",
        "observability.alerts.slack",
        {"observability": {"alerts": {"slack": "#alerts"}}},
        {"observability": {"alerts": {"slack": "T0123ABCDEF/C0123ABCDEF"}}},
        ("found '#alerts'", "by their IDs", "Example: slack: T0123ABCDEF/C0123ABCDEF"),
    ),
    Limit(
        "a pager has an address",
        "observability.alerts.pager_email",
        {"observability": {"alerts": {"pager_email": "pagerduty"}}},
        {"observability": {"alerts": {"pager_email": "mastertrade@example.pagerduty.com"}}},
        ("found 'pagerduty'",),
    ),
    Limit(
        "a threshold belongs to a signal that there is",
        "observability.thresholds.node-memry",
        {"observability": {"thresholds": {"node-memry": {"warning": 80}}}},
        {"observability": {"thresholds": {"node-memory": {"warning": 80}}}},
        ("node-memory",),
    ),
    Limit(
        "metrics are kept for three years at most",
        "observability.metrics.retention_days",
        {"observability": {"metrics": {"retention_days": 1096}}},
        {"observability": {"metrics": {"retention_days": 1095}}},
        ("from 1 to 1095", "retention_days: 150"),
    ),
    Limit(
        "a null character is no part of an address",
        "operators.alert_emails.0",
        {"operators": {"alert_emails": ["on\0call@mastertrade.example"]}},
        {"operators": {"alert_emails": ["oncall@mastertrade.example"]}},
        ("found 'on?call@mastertrade.example'", "Example: oncall@mastertrade.example"),
    ),
)

LIMITS = ACROSS_KEYS + IN_ONE_KEY
each_limit = pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.statement)


@each_limit
def test_who_breaks_a_limit_is_told_where_and_what_is_allowed(limit: Limit) -> None:
    lines = [problem.line("file") for problem in problems_of(limit.refused, limit.stack) if problem.key == limit.key]
    assert lines
    assert [word for word in limit.says if not any(word in line for line in lines)] == []


@each_limit
def test_who_keeps_a_limit_hears_nothing(limit: Limit) -> None:
    assert problems_of(limit.accepted, limit.stack) == ()


@pytest.mark.parametrize("limit", IN_ONE_KEY, ids=lambda limit: limit.statement)
def test_one_mistake_is_one_line(limit: Limit) -> None:
    assert [problem.key for problem in problems_of(limit.refused, limit.stack)] == [limit.key]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_across_keys_refuses_something_above(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RULES", {})
    assert any(list(rule(load_changed(limit.refused, limit.stack))) for limit in ACROSS_KEYS)


@pytest.mark.parametrize("stack", STACKS)
def test_stack_files_of_this_repository_load(stack: str) -> None:
    assert load(stated(stack), stack).environment == stack


def test_production_stands_in_two_regions_and_executes_in_its_primary() -> None:
    settings = load(stated())
    assert [settings.regions[region].role for region in settings.regions] == [RegionRole.PRIMARY, RegionRole.STANDBY]
    assert settings.active_region is settings.primary_region


def test_executing_in_the_standby_region_changes_nothing_else() -> None:
    before, after = load(stated()), load_changed({"activeRegion": "us-west-2"})
    assert after == before.model_copy(update={"active_region": Region.US_WEST_2})


def test_a_stated_value_replaces_its_default_and_no_other() -> None:
    before, after = load(stated()), load_changed({"database": {"proxy": {"idle_timeout_seconds": 60}}})
    assert after.database.proxy
    assert before.database.proxy
    assert after.database.proxy.idle_timeout_seconds == 60
    assert after.database.proxy.borrow_timeout_seconds == before.database.proxy.borrow_timeout_seconds
    assert after.model_copy(update={"database": before.database}) == before


def test_message_names_file_key_found_allowed_and_example() -> None:
    (line,) = message({"database": {"retention_days": 45}}).splitlines()
    assert re.fullmatch(
        r"Pulumi\.prod\.yaml: database\.retention_days: found 45; allowed: .*1 to 35.*\. Example: retention_days: 30",
        line,
    )


def test_error_counts_the_mistakes_and_gives_each_a_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load_changed({"database": {"retention_days": 45}, "broker": {"nodes": 2}})
    heading, *lines = str(caught.value).splitlines()
    assert heading == "2 mistakes in the settings:"
    assert [line.split(":")[1].strip() for line in lines] == ["database.retention_days", "broker.nodes"]


def test_message_names_the_file_of_its_stack() -> None:
    assert message({"broker": {"nodes": 2}}, stack="staging").startswith("Pulumi.staging.yaml: broker.nodes: ")


@each_limit
def test_every_mistake_comes_with_an_example(limit: Limit) -> None:
    assert all(problem.example for problem in problems_of(limit.refused, limit.stack))


def test_mistakes_in_keys_and_across_keys_are_reported_together() -> None:
    found = problems_of(
        {
            "database": {"retention_days": 45, "retentoin": 1},
            "regions": {"us-east-1": {"zones": ["use1-az1", "usw2-az1", "use1-az2"]}},
            "alarms": {"memory_warning_percent": 96},
            "failover": {"health_check_failures": 10},
            "broker": {"instance": "mq.m7g.medium"},
            "operators": {"cidrs": [], "administrators": ["arn:aws:iam::999999999999:role/deploy"]},
            "protekt": True,
        }
    )
    assert {problem.key for problem in found} == {
        "database.retention_days",
        "database.retentoin",
        "regions.us-east-1.zones",
        "alarms.memory_warning_percent",
        "failover.health_check_failures",
        "broker.instance",
        "operators.cidrs",
        "operators.administrators",
        "protekt",
    }


@pytest.mark.parametrize(
    ("stated_days", "blamed"),
    [
        ({"hot_days": 90}, "hot_days"),
        ({"retention_days": 7}, "retention_days"),
        ({"hot_days": 90, "retention_days": 90}, "retention_days"),
    ],
    ids=["hot days alone", "retention alone", "both"],
)
def test_a_mistake_between_two_keys_is_told_at_one_that_the_file_states(stated_days: Changes, blamed: str) -> None:
    (problem,) = problems_of({"observability": {"logs": stated_days}})
    assert problem.key == f"observability.logs.{blamed}"


def test_each_thing_that_warm_nodes_miss_is_a_mistake_of_its_own() -> None:
    warm = {"instance": "ultrawarm1.medium.search", "nodes_per_zone": 2}
    assert [(problem.key, problem.found) for problem in problems_of({"observability": {"logs": {"warm": warm}}}, "dev")] == [
        ("observability.logs.masters", "found null"),
        ("observability.logs.instance", "found t3.medium.search"),
    ]


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        ({"observability": {"alerts": {"quiet_hours": {"days": ["caturday"]}}}}, "Days on which the quiet begins, in UTC"),
        ({"tradingHours": {"days": ["caturday"]}}, "Days on which a session opens, in UTC"),
        ({"database": {"maintenance": {"day": "caturday"}}}, "Day on which the window starts, in UTC"),
    ],
    ids=["quiet hours", "trading hours", "maintenance"],
)
def test_a_wrong_day_is_explained_by_what_the_day_is_for(changes: Changes, meaning: str) -> None:
    (problem,) = problems_of(changes)
    assert problem.allowed == f"monday, tuesday, wednesday, thursday, friday, saturday, sunday ({meaning})"


def test_several_mistakes_in_one_list_are_all_named() -> None:
    keys = [problem.key for problem in problems_of({"operators": {"alert_emails": ["no address", "a@b.example", "neither"]}})]
    assert keys == ["operators.alert_emails.0", "operators.alert_emails.2"]


def test_of_ten_thousand_mistakes_in_a_list_the_first_are_named_and_the_rest_counted() -> None:
    found = problems_of({"network": {"interface_endpoints": ["s3"] * 10_000}})
    assert len(found) < 50
    named = len(found) - 1
    assert f"{10_000 - named:,} more" in found[-1].found


def test_a_rule_says_nothing_about_values_that_are_mistaken_themselves() -> None:
    (problem,) = problems_of({"regions": {"us-west-2": {"role": "secondary"}}})
    assert problem.key == "regions.us-west-2.role"


@pytest.mark.parametrize("mistake", [{"mars-north-1": {"role": "primary"}}, {"us-east-1": 5}], ids=["unknown", "no mapping"])
def test_the_only_region_being_mistaken_is_one_mistake(mistake: Changes) -> None:
    (problem,) = problems(stated() | {"regions": mistake})
    assert problem.key == f"regions.{next(iter(mistake))}"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"services": ["api-gateway"]}, "services"),
        ({"services": {"strategy": None}}, "services.strategy"),
        ({"images": 5}, "images"),
        ({"operators": "oncall@mastertrade.example"}, "operators"),
    ],
    ids=["services", "a service", "images", "operators"],
)
def test_a_group_that_is_mistaken_as_a_whole_is_one_mistake(changes: Changes, key: str) -> None:
    """What must be stated in it is not missed as well."""
    assert [problem.key for problem in problems_of(changes)] == [key]


@pytest.mark.parametrize(
    ("changes", "key", "nearest", "example"),
    [
        ({"databse": {}, "broker": {}}, None, None, None),
        ({"databse": {"retention_days": 30}}, "databse", "database", "database: {"),
        ({"database": {"retention_day": 30}}, "database.retention_day", "retention_days", "retention_days: 30"),
        (
            {"database": {"proxy": {"idle_timeout": 60}}},
            "database.proxy.idle_timeout",
            "idle_timeout_seconds",
            "idle_timeout_seconds: 1800",
        ),
        ({"regions": {"us-east-1": {"vpc": "10.0.0.0/16"}}}, "regions.us-east-1.vpc", "vpc_cidr", "vpc_cidr: 10.64.0.0/16"),
        ({"loadbalancer": {"drain_seconds": 1}}, "loadbalancer", "loadBalancer", "loadBalancer: {"),
    ],
    ids=["stated without a value", "system", "key", "deeper key", "key of a region", "capitals"],
)
def test_an_unknown_key_is_answered_with_the_nearest_valid_one(
    changes: Changes, key: str | None, nearest: str | None, example: str | None
) -> None:
    found = problems_of(changes)
    if key is None:
        assert found == ()
        return
    (problem,) = found
    assert problem.key == key
    assert f"did you mean '{nearest}'?" in problem.found
    assert str(nearest) in problem.allowed
    assert problem.example.startswith(str(example))


@pytest.mark.parametrize(
    ("changes", "key", "meant", "example"),
    [
        ({"logs": {"hot_days": 3}}, "logs", "'observability.logs'", {"observability": {"logs": {"engine_version": "2.19"}}}),
        ({"alerts": {"pagerduty": False}}, "alerts", "'observability.alerts'", None),
        ({"database": {"hot_days": 3}}, "database.hot_days", "'observability.logs.hot_days'", {"observability": {"logs": {"hot_days": 7}}}),
        ({"observability": {"vault": {"replicas": 1}}}, "observability.vault", "'vault' at the top", None),
        ({"strategy": {"max_replicas": 3}}, "strategy", "'services.strategy'", None),
        (
            {"vpc_cidr": "10.64.0.0/16"},
            "vpc_cidr",
            "'regions.us-east-1.vpc_cidr'",
            {"regions": {"us-east-1": {"vpc_cidr": "10.64.0.0/16"}}},
        ),
    ],
    ids=["group", "group like another", "key", "deeper than it belongs", "name", "key of a region"],
)
def test_a_key_at_the_wrong_level_is_answered_with_where_it_belongs(
    changes: Changes, key: str, meant: str, example: Changes | None
) -> None:
    (problem,) = problems_of(changes)
    assert (problem.key, problem.found) == (key, f"no setting of this name here, did you mean {meant}?")
    if example:
        assert yaml.safe_load(problem.example) == example


def test_a_key_that_belongs_in_several_other_places_is_answered_with_a_neighbour() -> None:
    """`nodes_per_zone` is one of the log store's data nodes and of its warm ones."""
    (problem,) = problems_of({"cache": {"nodes_per_zone": 2}})
    assert "did you mean 'node_type'?" in problem.found


def test_an_unknown_key_like_no_other_is_answered_with_all_valid_ones() -> None:
    (problem,) = problems_of({"backup": {"xyzzy": 1}})
    assert "did you mean" not in problem.found
    assert "lock_cooling_off_days" in problem.allowed


def test_pydantics_own_mark_is_a_key_like_any_other() -> None:
    keys = {problem.key for problem in problems_of({"database": {"[key]": 1}, "regions": {"[key]": {}}})}
    assert keys == {"database.[key]", "regions.[key]"}


@pytest.mark.parametrize("key", ["environment", "accountId", "domain", "hostedZoneId", "regions", "activeRegion"])
def test_what_has_no_default_must_be_stated(key: str) -> None:
    (problem,) = problems({name: value for name, value in stated().items() if name != key})
    assert (problem.key, problem.found) == (key, "missing")
    assert problem.example.startswith(f"{key}: ")


ALWAYS_NEEDED = {"accountId", "domain", "hostedZoneId", "regions", "activeRegion", "operators.cidrs", "operators.administrators"}
IMAGES = {
    "images.vault",
    "images.aws_cli",
    "images.grafana",
    "images.cloud_metrics",
    "images.log_search",
    *(f"services.{service}.image" for service in Service),
}


@pytest.mark.parametrize(
    ("environment", "needed"), [("dev", ALWAYS_NEEDED), ("staging", ALWAYS_NEEDED | IMAGES), ("prod", ALWAYS_NEEDED | IMAGES)]
)
def test_everything_missing_is_reported_at_once(environment: str, needed: set[str]) -> None:
    assert {problem.key for problem in problems({"environment": environment})} == needed


@pytest.mark.parametrize("changes", [{}, {"environment": "develop"}, {"environment": ["dev"]}], ids=["missing", "unknown", "a list"])
def test_without_an_environment_only_what_all_of_them_need_is_missed(changes: Changes) -> None:
    assert {problem.key for problem in problems(changes)} == ALWAYS_NEEDED | {"environment"}


def test_what_is_missing_stays_missing_when_asked_again() -> None:
    """The examples that stand in for missing values while the rest is checked reach no later stack."""
    without = {key: value for key, value in stated().items() if key != "operators"}
    assert problems(without) == problems(without) != ()


@pytest.mark.parametrize("stack", STACKS)
def test_an_unknown_environment_is_one_mistake(stack: str) -> None:
    """A newcomer who writes `develop` is not asked for production's images."""
    (problem,) = problems_of({"environment": "develop"}, stack)
    assert problem.key == "environment"


def test_under_an_unknown_environment_stated_values_that_are_wrong_in_all_of_them_are_told() -> None:
    cluster_of_testing_brokers = {"broker": {"instance": "mq.m7g.medium", "nodes": 3}}
    found = problems_of({"environment": "production", "database": {"retention_days": 45}, "protekt": True} | cluster_of_testing_brokers)
    assert {problem.key for problem in found} == {"environment", "database.retention_days", "protekt", "broker.instance"}


def test_under_an_unknown_environment_what_its_defaults_would_decide_is_left_out() -> None:
    """The class is wrong in a cluster, which is a default of production and not of development."""
    assert {problem.key for problem in problems_of({"environment": "production", "broker": {"instance": "mq.m7g.medium"}})} == {
        "environment"
    }


@pytest.mark.parametrize("nothing", ["", "{}", "null"])
def test_a_key_without_a_value_counts_as_not_stated(nothing: str) -> None:
    assert load(stated() | {"database": nothing}) == load(stated())


def test_keys_of_other_namespaces_are_left_alone() -> None:
    texts = {"aws:region": "mars-north-1", "pulumi:disable-default-providers": '["aws"]', "exchange:foo": "1"}
    own = {f"mastertrade:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in stated().items()}
    assert reading.load(own | texts, project="mastertrade", stack="prod") == load(stated())


@pytest.mark.parametrize("key", ["mastertrad:protect", "Mastertrade:protect", "masterTrade:protect"])
def test_a_misspelt_namespace_is_not_passed_over(key: str) -> None:
    own = {f"mastertrade:{name}": value if isinstance(value, str) else json.dumps(value) for name, value in stated().items()}
    with pytest.raises(SettingsError, match=r"did you mean 'mastertrade:protect'.* Example: mastertrade:protect: true$"):
        reading.load(own | {key: "true"}, project="mastertrade", stack="prod")


def test_an_encrypted_setting_is_called_that() -> None:
    (problem,) = problems_of({"database": {"retention_days": reading.ENCRYPTED}})
    assert "encrypted" in problem.found
    assert "1 to 35" in problem.allowed


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert load_changed({"hostedZoneId": "Z1"}).account_id == ACCOUNT
    (problem,) = problems_of({"hostedZoneId": "123"})
    assert "found '123'" in problem.found


@pytest.mark.parametrize("stack", STACKS)
def test_a_region_that_names_no_zones_gets_some_of_its_own(stack: str) -> None:
    for region, each in load(stated(stack), stack).regions.items():
        assert len(each.zones) == (2 if stack == "dev" else 3)
        assert len({zone.split("-")[0] for zone in each.zones}) == 1, region


def test_settings_never_change() -> None:
    settings = load(stated())
    with pytest.raises(ValueError, match="frozen"):
        settings.database.retention_days = 1
