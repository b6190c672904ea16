"""What may differ between environments: one model per system, with units and the reason for each bound.

`settings.load` fills what a stack leaves out from `defaults.py`, so almost no field has a default here. Rules that span
several keys are in `rules.py`.
"""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from settings.add_ons import AddOn
from settings.base import EmailAddress, LogRetentionDays, Model
from settings.catalog import BrokerInstance, CacheNode, DatabaseInstance, Region
from settings.credentials import Vendor
from settings.network_plan import SERVICE_CIDR, VPC_PREFIX
from settings.node_pools import NodePool
from settings.observability import ObservabilitySettings
from settings.traffic import Service
from settings.windows import DailyWindow, TimeOfDay, TradingHours, WeeklyWindow


class Environment(StrEnum):
    """Classes of environment; each has its own defaults."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class RegionRole(StrEnum):
    """Where data is created first (primary) and where it is replicated to (standby). Failing over changes no role."""

    PRIMARY = "primary"
    STANDBY = "standby"


DomainName = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$",
        max_length=200,
        description="Public domain; the platform answers at api., monitoring. and logs. of it.",
        examples=["mastertrade.example"],
    ),
]

ZoneId = Annotated[str, Field(pattern=r"^[a-z]{3,4}\d-az[1-8]$", description="ID of an availability zone.", examples=["use1-az1"])]
RoleArn = Annotated[
    str,
    Field(
        pattern=r"^arn:aws:iam::\d{12}:role/[\w+=,.@/-]{3}[\w+=,.@/*-]{0,509}$",
        description="ARN of an IAM role; `*`, after three characters at least, stands for any run of characters.",
        examples=["arn:aws:iam::123456789012:role/mastertrade-deploy"],
    ),
]
Cidr = Annotated[IPv4Network, Field(examples=["203.0.113.0/24"])]


_PRIVATE = tuple(IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918


def _vpc_sized(network: IPv4Network) -> IPv4Network:
    if network.prefixlen != VPC_PREFIX or not any(network.subnet_of(block) for block in _PRIVATE):
        raise ValueError(f"a private /{VPC_PREFIX}, the largest that a VPC may have; the ledger lays out its segments")
    if network.overlaps(SERVICE_CIDR):
        raise ValueError(f"a private /{VPC_PREFIX} other than {SERVICE_CIDR}, which Kubernetes services have")
    return network


def _not_the_world(network: IPv4Network) -> IPv4Network:
    if network.prefixlen < 8:  # noqa: PLR2004 - no organisation holds more than a /8
        raise ValueError("a range of /8 or smaller: operators come from known addresses")
    return network


EndpointService = Literal[
    "aps-workspaces",
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sns",
    "ssm",
    "ssmmessages",
    "sts",
]
"""Interface endpoints: the last part of `com.amazonaws.REGION.SERVICE`."""


Listed = TypeVar("Listed")


def _each_once(values: tuple[Listed, ...]) -> tuple[Listed, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"each once; '{twice}' is named twice")
    return values


EachOnce = AfterValidator(_each_once)
"""For lists whose elements become resources of their own: a second one would clash with the first."""


class RegionSettings(Model):
    """One region of the platform."""

    role: RegionRole = Field(description="`primary` in one region, `standby` in every other.", examples=["primary"])
    zones: tuple[ZoneId, ...] = Field(
        min_length=2,
        max_length=6,
        description="IDs of the availability zones to spread over. At least two: subnet groups and load balancers need them.",
        examples=[["use1-az1", "use1-az2", "use1-az4"]],
    )
    vpc_cidr: Annotated[IPv4Network, AfterValidator(_vpc_sized)] = Field(
        description="Addresses of the VPC, a private /16. Left out, the address ledger gives each region its own.",
        examples=["10.64.0.0/16"],
    )


class NetworkSettings(Model):
    """Segments, ways out and flow logs."""

    nat_gateways: Literal["one_per_zone", "single"] = Field(
        description="`one_per_zone` survives the loss of a zone; `single` is cheaper.", examples=["one_per_zone"]
    )
    flow_log_retention_days: LogRetentionDays = Field(description="Days that flow logs are kept.", examples=[365])
    interface_endpoints: Annotated[tuple[EndpointService, ...], EachOnce] = Field(
        description="AWS APIs reached inside the VPC, the others through the NAT gateways. Operators' sessions need ssm and ssmmessages.",
        examples=[["ssm", "ssmmessages", "secretsmanager"]],
    )


class OperatorSettings(Model):
    """The people who run the platform."""

    cidrs: Annotated[tuple[Annotated[Cidr, AfterValidator(_not_the_world)], ...], EachOnce] = Field(
        min_length=1,
        max_length=3,  # a listener rule holds five values, two of which are host names (ELB user guide, "Quotas")
        description="Address ranges from which monitoring. and logs. can be opened, before sign-in.",
        examples=[["203.0.113.0/24"]],
    )
    administrators: tuple[RoleArn, ...] = Field(
        min_length=1,
        max_length=10,
        description="Roles that deploy and repair the platform: beside the services, only they may read secrets.",
        examples=[["arn:aws:iam::123456789012:role/mastertrade-deploy"]],
    )
    alert_emails: Annotated[tuple[EmailAddress, ...], EachOnce] = Field(
        max_length=20,
        description="Who hears of alarms by e-mail. Each address confirms its subscription once.",
        examples=[["oncall@mastertrade.example"]],
    )


ImageReference = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$",
        max_length=400,
        description="Repository in the registry of `images`, with a tag, a digest or both.",
        examples=["mastertrade/api-gateway@sha256:0a6d8f1b24c3957e0a6d8f1b24c3957e0a6d8f1b24c3957e0a6d8f1b24c3957e"],
    ),
]


class ImagesSettings(Model):
    """Container images: where they are pulled from, and those that are not a trading service's own."""

    registry: Annotated[str, Field(pattern=r"^[a-z0-9.{}-]+(:\d+)?(/[a-z0-9._/{}-]+)?$", max_length=200)] = Field(
        description="Registry of all images; {account} and {region} stand for each region's own.",
        examples=["{account}.dkr.ecr.{region}.amazonaws.com"],
    )
    vault: ImageReference = Field(
        description="HashiCorp Vault 1.20 or 1.21; images of 2.0 cannot start without the right to lock memory.",
        examples=[f"hashicorp/vault:1.21.4@sha256:{'0a6d8f1b24c3957e' * 4}"],
    )
    aws_cli: ImageReference = Field(
        description="AWS command line with a shell: stores Vault's recovery keys and snapshots.",
        examples=[f"aws-cli/aws-cli@sha256:{'0a6d8f1b24c3957e' * 4}"],
    )
    grafana: ImageReference = Field(
        description="Grafana OSS 12: from 13 on its own Prometheus data source signs no requests to AWS.",
        examples=[f"grafana/grafana:12.3.1@sha256:{'0a6d8f1b24c3957e' * 4}"],
    )
    cloud_metrics: ImageReference = Field(
        description="Yet Another CloudWatch Exporter 0.62 or later: tells Prometheus what CloudWatch measures.",
        examples=[f"prometheuscommunity/yet-another-cloudwatch-exporter:v0.62.1@sha256:{'0a6d8f1b24c3957e' * 4}"],
    )
    log_search: ImageReference = Field(
        description="Envoy 1.37 or later: signs the searches of operators with the role of its pod.",
        examples=[f"envoyproxy/envoy:distroless-v1.40.0@sha256:{'0a6d8f1b24c3957e' * 4}"],
    )


class ServiceSettings(Model):
    """One trading service: its image, its size, and what it may use of the shared stores."""

    image: ImageReference
    node_pool: NodePool = Field(description="Nodes that its pods run on.", examples=[NodePool.GENERAL.value])
    min_replicas: Annotated[int, Field(ge=1, le=200)] = Field(description="Fewest pods in one region.", examples=[3])
    max_replicas: Annotated[int, Field(ge=1, le=200)] = Field(description="Most pods in one region.", examples=[10])
    cpu_millicores: Annotated[int, Field(ge=50, le=16_000)] = Field(
        description="CPU that one pod is given, in thousandths of a core.", examples=[1000]
    )
    memory_mib: Annotated[int, Field(ge=64, le=131_072)] = Field(description="Memory of one pod, in MiB; more ends it.", examples=[2048])
    workers: Annotated[int, Field(ge=1, le=64)] = Field(description="Worker processes of one pod.", examples=[4])
    scale_up_cpu_percent: Annotated[int, Field(ge=10, le=95)] = Field(
        description="Mean CPU of the pods, as a share of what they are given, above which pods are added.", examples=[60]
    )
    database_connections: Annotated[int, Field(ge=1, le=100)] = Field(description="Pool size of one pod.", examples=[20])
    cache_clients: Annotated[int, Field(ge=1, le=1000)] = Field(description="Cache connections of one pod.", examples=[50])


class FeatureSettings(Model):
    """Feature switches that every service is told."""

    live_trading: bool = Field(description="Orders go to exchanges; off, they are simulated.", examples=[True])
    ml_models: bool = Field(description="Strategies use their models; off, their rules alone.", examples=[True])
    high_frequency_trading: bool = Field(description="Strategies that hold positions for less than a second.", examples=[False])


class NodePoolSettings(Model):
    """How far one pool of nodes may grow, and what it may be made of."""

    capacity: Literal["on_demand", "spot"] = Field(
        description="`spot` is cheaper, and taken away with two minutes' notice.", examples=["on_demand"]
    )
    max_cores: Annotated[int, Field(ge=2, le=10_000)] = Field(description="Cores of all its nodes together.", examples=[64])
    max_memory_gib: Annotated[int, Field(ge=4, le=100_000)] = Field(description="Memory of all its nodes together.", examples=[256])


AddOnVersion = Annotated[
    str,
    Field(
        pattern=r"^v\d+\.\d+\.\d+-eksbuild\.\d+$",
        description="Build of the add-on, as `aws eks describe-addon-versions` lists it.",
        examples=["v0.8.0-eksbuild.2"],
    ),
]


class ClusterSettings(Model):
    """Amazon EKS with Auto Mode."""

    version: Literal["1.35", "1.36"] = Field(description="Kubernetes version, in standard support.", examples=["1.35"])
    architecture: Literal["arm64", "amd64"] = Field(description="Processors of the nodes; images must exist for it.", examples=["arm64"])
    api_cidrs: Annotated[tuple[Annotated[Cidr, AfterValidator(_not_the_world)], ...], EachOnce] = Field(
        max_length=40,  # Amazon EKS user guide, "Service quotas"
        description="Ranges from which the API server is reached over the internet; none closes it to all but the VPC.",
        examples=[["203.0.113.0/24"]],
    )
    log_retention_days: LogRetentionDays = Field(description="Days that the logs of the control plane are kept.", examples=[365])
    add_ons: dict[AddOn, AddOnVersion] = Field(
        description="Builds of the EKS add-ons, pinned; `aws eks describe-addon-versions` lists those of a Kubernetes version.",
        examples=[{"metrics-server": "v0.8.0-eksbuild.2"}],
    )
    node_pools: dict[NodePool, NodePoolSettings] = Field(description="Pools of nodes by name.", examples=[{"general": {"max_cores": 96}}])


class VaultSettings(Model):
    """HashiCorp Vault on the cluster, with integrated storage."""

    replicas: Literal[1, 3, 5] = Field(description="Members: an odd number keeps a majority when one is lost.", examples=[3])
    storage_gib: Annotated[int, Field(ge=1, le=1024)] = Field(
        description="Volume of each member when it is made, in GiB; a made volume is grown by itself.", examples=[10]
    )
    snapshot_interval_minutes: Literal[5, 10, 15, 20, 30, 60] = Field(
        description="Time between snapshots, in parts of an hour.", examples=[15]
    )
    snapshot_retention_days: Annotated[int, Field(ge=1, le=3650)] = Field(description="Days that snapshots are kept.", examples=[30])


class CapacitySettings(Model):
    """What the platform promises to carry. `settings/capacity.py` translates it into replicas, nodes and limits."""

    survives_zone_loss: bool = Field(
        description="Whether the fewest pods of each service carry the promise without any one zone.", examples=[True]
    )
    requests_per_second: Annotated[int, Field(ge=1, le=100_000)] = Field(description="API requests.", examples=[1000])
    concurrent_traders: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Traders with an open stream.", examples=[1000])
    orders_per_day: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(description="Orders of a trading day.", examples=[1_000_000])
    market_data_gb_per_day: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="Market data collected a day, in GB.", examples=[10]
    )
    storage_growth_gb_per_month: Annotated[int, Field(ge=1, le=100_000)] = Field(description="Growth of the database.", examples=[100])


class ServerlessSettings(Model):
    """Capacity of a serverless database, in Aurora capacity units (ACU, about 2 GiB of memory each)."""

    min_acu: Annotated[float, Field(ge=0, le=256, multiple_of=0.5)] = Field(description="0 lets the database pause.", examples=[0])
    max_acu: Annotated[float, Field(ge=1, le=256, multiple_of=0.5)] = Field(description="Most capacity.", examples=[4])
    pause_after_seconds: Annotated[int, Field(ge=300, le=86_400)] = Field(
        description="Idle time before it pauses; Aurora takes 5 minutes to a day.", examples=[1800]
    )


class DatabaseProxySettings(Model):
    """Connection pooling in front of the database (RDS Proxy)."""

    max_connections_percent: Annotated[int, Field(ge=10, le=95)] = Field(
        description="Share of the database's connections that the proxy may hold; the rest is for operators.", examples=[90]
    )
    borrow_timeout_seconds: Annotated[int, Field(ge=1, le=300)] = Field(
        description="How long a client waits for a pooled connection; RDS Proxy takes at most 300.", examples=[10]
    )
    idle_timeout_seconds: Annotated[int, Field(ge=60, le=28_800)] = Field(
        description="When an idle client connection is closed; RDS Proxy takes at most 8 hours.", examples=[1800]
    )


class DataLossSettings(Model):
    """How the promised minute of data loss between regions is kept."""

    alarm_seconds: Annotated[int, Field(ge=1, le=60)] = Field(
        description="Replication lag that raises an alarm; the promise is one minute.", examples=[30]
    )
    block_commits_after_seconds: Annotated[int, Field(ge=20, le=60)] | None = Field(
        description="Lag at which the writer stops committing (`rds.global_db_rpo`, 20 at least), or null to alarm only.",
        examples=[60],
    )


class DatabaseSettings(Model):
    """Aurora PostgreSQL; a Global Database where there are several regions."""

    engine_version: Literal["16.11", "17.7", "17.9", "17.11"] = Field(description="Aurora PostgreSQL version.", examples=["17.7"])
    form: Literal["provisioned", "serverless"] = Field(
        description="Fixed instances, or capacity that follows the load.", examples=["provisioned"]
    )
    instance_class: DatabaseInstance = Field(description="Class of each provisioned instance.", examples=["db.r8g.xlarge"])
    serverless: ServerlessSettings
    primary_instances: Annotated[int, Field(ge=1, le=16)] = Field(
        description="Writer and readers in the primary region, one zone after the other. Aurora allows 16.", examples=[3]
    )
    standby_instances: Annotated[int, Field(ge=1, le=16)] = Field(
        description="Instances in each standby region. At least one: a cluster without any cannot be failed over to.", examples=[2]
    )
    retention_days: Annotated[int, Field(ge=1, le=35)] = Field(
        description="Days of point-in-time recovery. RDS keeps 1 to 35.", examples=[30]
    )
    backup_window: DailyWindow
    maintenance: WeeklyWindow
    slow_query_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = Field(
        description="Statements slower than this are logged. The promise for the mean is 50.", examples=[50]
    )
    insights: Literal["standard", "advanced"] = Field(description="CloudWatch Database Insights mode.", examples=["advanced"])
    proxy: DatabaseProxySettings | None = Field(description="Connection pooling; null for none, which lets a serverless database pause.")
    data_loss: DataLossSettings


class ValkeySettings(Model):
    """ElastiCache for Valkey in cluster mode."""

    engine_version: Literal["9.0"] = Field(description="Valkey version, major and minor.", examples=["9.0"])
    node_type: CacheNode = Field(description="Type of each node.", examples=["cache.r7g.large"])
    shards: Annotated[int, Field(ge=1, le=90)] = Field(
        description="Parts of the key space. ElastiCache allows 90 nodes in all.", examples=[3]
    )
    replicas_per_shard: Annotated[int, Field(ge=0, le=5)] = Field(description="Copies of each shard in other zones.", examples=[1])
    snapshot_retention_days: Annotated[int, Field(ge=0, le=35)] = Field(
        description="Days that daily snapshots are kept. ElastiCache keeps 35 at most; 0 for none.", examples=[30]
    )
    snapshot_window: DailyWindow
    maintenance: WeeklyWindow
    log_retention_days: LogRetentionDays = Field(description="Days that engine and slow logs are kept.", examples=[90])


class SessionsSettings(ValkeySettings):
    """Sessions, in a cluster of their own: nothing is evicted, and no acknowledged write is lost."""

    durability: Literal["sync", "disabled"] = Field(
        description="`sync` acknowledges a write when a log over several zones has it; `disabled` lets a failure lose the last writes.",
        examples=["sync"],
    )


class BrokerSettings(Model):
    """Amazon MQ for RabbitMQ."""

    engine_version: Literal["4.2"] = Field(description="RabbitMQ version, major and minor.", examples=["4.2"])
    instance: BrokerInstance = Field(description="Host class of each node.", examples=["mq.m7g.large"])
    nodes: Literal[1, 3] = Field(
        description="A single node, or a cluster over three zones: Amazon MQ offers nothing between.", examples=[3]
    )
    consumer_timeout_seconds: Annotated[int, Field(ge=60, le=3600)] = Field(
        description="After this a message counts as not delivered. An order unacknowledged for minutes is lost work.", examples=[300]
    )
    maintenance: WeeklyWindow


class SecretsSettings(Model):
    """Secrets Manager."""

    recovery_window_days: Literal[0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30] = Field(
        description="Days in which a deleted secret can be brought back: 7 to 30, or 0 to delete at once.", examples=[30]
    )
    external_api_keys: Annotated[tuple[Vendor, ...], EachOnce] = Field(
        description="Vendors whose API keys are declared without a value; an operator puts the value.",
        examples=[["binance", "alpaca", "polygon"]],
    )


class TlsPolicy(StrEnum):
    """TLS 1.2 and 1.3 with forward secrecy, newest first (ELB user guide, "Security policies").

    Policies of TLS 1.3 alone are left out: Route 53's health checkers speak 1.2 at most (API reference, HealthCheckConfig).
    """

    TLS12_POST_QUANTUM = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    TLS12_RESTRICTED = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


class LoadBalancerSettings(Model):
    """The public entry of a region."""

    tls_policy: TlsPolicy = Field(
        description="Security policy of the TLS listener; every choice refuses TLS below 1.2.", examples=[TlsPolicy.TLS12_RESTRICTED.value]
    )
    requests_per_minute: Annotated[int, Field(ge=10, le=2_000_000)] = Field(
        description="Requests per minute that one address may send before it is refused. WAF takes 10 or more.", examples=[1000]
    )
    idle_timeout_seconds: Annotated[int, Field(ge=60, le=4000)] = Field(
        description="How long a silent WebSocket stays open. An ALB takes 1 to 4000.", examples=[300]
    )
    burst_requests: Annotated[int, Field(ge=1, le=10_000)] = Field(
        description="Requests that one address may send at once before the gateway counts them against its minute.", examples=[100]
    )
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        description="How long a leaving target finishes its requests; its pod stays a little longer.", examples=[30]
    )
    log_retention_days: LogRetentionDays = Field(description="Days that access and WAF logs are kept.", examples=[365])


class FailoverSettings(Model):
    """How traffic and orders move between regions."""

    health_check_interval_seconds: Literal[10, 30] = Field(description="Route 53 offers 10 or 30.", examples=[10])
    health_check_failures: Annotated[int, Field(ge=1, le=10)] = Field(
        description="Failures in a row that take a region out of DNS.", examples=[3]
    )
    approval_timeout_minutes: Annotated[int, Field(ge=5, le=1440)] = Field(
        description="How long a hand-over waits for its approval before it is given up.", examples=[60]
    )
    recovery_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(
        description="Recovery time objective of the whole system.", examples=[15]
    )
    lost_regions: Annotated[tuple[Region, ...], EachOnce] = Field(
        description="Regions whose cluster does not answer: it is left as it is, so that the others can still be changed.",
        examples=[["us-east-1"]],
    )


class BackupSettings(Model):
    """AWS Backup."""

    time: TimeOfDay = Field(description="Start of the daily backup, in UTC.", examples=["02:00"])
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        description="Days that recovery points are kept. AWS Backup keeps up to 100 years.", examples=[30]
    )
    lock: Literal["none", "governance", "compliance"] = Field(
        description="Vault lock. `compliance` cannot be undone by anyone once its cooling-off days are over.", examples=["governance"]
    )
    lock_cooling_off_days: Annotated[int, Field(ge=3, le=36_500)] = Field(
        description="Days in which a compliance lock can still be removed. AWS asks for 3 at least.", examples=[30]
    )
    restore_test: WeeklyWindow | None = Field(
        description="When a backup is restored and thrown away, to prove that it can be; null for never."
    )


class AlarmSettings(Model):
    """Thresholds of the alarms that AWS evaluates."""

    memory_warning_percent: Annotated[int, Field(ge=1, le=99)] = Field(description="Memory in use, warning.", examples=[85])
    memory_critical_percent: Annotated[int, Field(ge=1, le=99)] = Field(description="Memory in use, critical.", examples=[95])
    cache_hit_rate_percent: Annotated[int, Field(ge=1, le=99)] = Field(
        description="Share of reads that the cache answers; below raises a warning.", examples=[80]
    )


class PlatformSettings(Model):
    """Everything that one stack states. Keys at the top are Pulumi configuration keys, so they are written in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)

    environment: Environment = Field(description="Class of environment; decides the defaults of everything else.", examples=["prod"])
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")] = Field(
        description="AWS account that may be deployed to; any other is refused.", examples=["123456789012"]
    )
    domain: DomainName
    hosted_zone_id: Annotated[str, Field(pattern=r"^Z[A-Z0-9]{1,31}$")] = Field(
        description="Public Route 53 hosted zone of `domain`.", examples=["Z0123456789ABCDEFGHIJ"]
    )
    regions: Annotated[dict[Region, RegionSettings], Field(min_length=1)] = Field(
        description="Regions by name.", examples=[{"us-east-1": {"role": "primary"}}]
    )
    active_region: Region = Field(description="The region that executes orders.", examples=["us-east-1"])
    protect: bool = Field(description="Whether stateful resources refuse to be deleted.", examples=[True])
    trading_hours: TradingHours
    network: NetworkSettings
    operators: OperatorSettings
    capacity: CapacitySettings
    features: FeatureSettings
    images: ImagesSettings
    services: dict[Service, ServiceSettings] = Field(
        description="The trading services by name.", examples=[{"api-gateway": {"min_replicas": 8}}]
    )
    cluster: ClusterSettings
    vault: VaultSettings
    database: DatabaseSettings
    cache: ValkeySettings
    sessions: SessionsSettings
    broker: BrokerSettings
    secrets: SecretsSettings
    load_balancer: LoadBalancerSettings
    failover: FailoverSettings
    backup: BackupSettings
    alarms: AlarmSettings
    observability: ObservabilitySettings

    @property
    def primary_region(self) -> Region:
        """The region in which data is created first."""
        return next(region for region, settings in self.regions.items() if settings.role is RegionRole.PRIMARY)

    @property
    def standby_regions(self) -> tuple[Region, ...]:
        """The other regions, in the order of the settings."""
        return tuple(region for region, settings in self.regions.items() if settings.role is RegionRole.STANDBY)
