"""One region, composed in the order in which a request's data is laid down: network, stores, entry, backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.backup import BackupPlan, BackupPlanArgs, BackupVault, BackupVaultArgs
from components.broker import MessageBroker, MessageBrokerArgs
from components.cache import Valkey, ValkeyArgs
from components.certificate import Certificate, CertificateArgs
from components.cluster import Cluster, ClusterArgs
from components.context import RegionContext
from components.database import Database, DatabaseArgs, MasterCredentials
from components.keys import EncryptionKeys, KeyPurpose
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.notifications import Notifications, NotificationsArgs, Topic
from components.observability.canaries import Canaries, CanariesArgs
from components.observability.central_logs import CentralLogs, CentralLogsArgs
from components.observability.heartbeat import HeartbeatListener, HeartbeatListenerArgs
from components.observability.logs.contract import LogSource
from components.observability.metrics import Metrics, MetricsArgs
from components.observability.monitoring import Monitoring, MonitoringArgs
from components.operations import OperationsHost, OperationsHostArgs
from components.region_switch import RegionSwitches, Switch
from components.secrets import Readers, SecretsStore, readers_policy
from components.security_groups import SecurityGroups, SecurityGroupsArgs
from components.snapshots import SnapshotBucket, SnapshotBucketArgs
from components.workloads.contract import Endpoints
from components.workloads.objects import ClusterContext
from components.workloads.trading_service import SharedStores, TradingService
from components.workloads.workloads import Workloads, WorkloadsArgs
from settings.credentials import BROKER_READERS, PAGER_KEY
from settings.model import PlatformSettings, RegionRole, ValkeySettings
from settings.network_plan import Segment, segment_cidr
from settings.parameters import CACHE_ACCESS, CACHE_PARAMETERS, SESSIONS_ACCESS, SESSIONS_PARAMETERS, ValkeyParameter
from settings.traffic import Boundary, Service


@dataclass(frozen=True)
class GlobalParts:
    """What all regions of a stack share.

    `global_cluster`, `master` and `switches` are None in a stack of one region, where AWS keeps the master password itself.
    """

    settings: PlatformSettings
    readers: Readers
    secrets: SecretsStore
    provider: aws.Provider
    """For services without regions."""
    global_cluster: aws.rds.GlobalCluster | None
    master: MasterCredentials | None
    switches: RegionSwitches | None


@dataclass(frozen=True)
class RegionArgs:
    """What a region is given. `primary` is the primary region, None for the primary itself."""

    context: RegionContext
    shared: GlobalParts
    keys: EncryptionKeys
    primary: "Region | None"


class Region(pulumi.ComponentResource):
    """Everything that one region runs."""

    def __init__(self, name: str, args: RegionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:platform:Region", name, None, opts)
        self._args = args
        self._context = args.context
        self._settings = args.shared.settings
        self._stated = self._settings.regions[args.context.region]

        self.notifications = self._create_notifications()
        self.metrics = self._create_metrics()
        self.network = self._create_network()
        self.security_groups = self._create_security_groups()
        self.network.create_endpoints(self.security_groups.group_id(Boundary.ENDPOINTS))
        self.database = self._create_database()
        self.cache = self._create_cache()
        self.sessions = self._create_sessions()
        self.broker = self._create_broker()
        self.certificate = self._create_certificate()
        self.load_balancer = self._create_load_balancer()
        self.cluster = self._create_cluster()
        self.vault_snapshots = self._create_vault_snapshots()
        self.workloads = self._create_workloads()
        self.central_logs = self._create_central_logs()
        self.monitoring = self._create_monitoring()
        self.operations_host = self._create_operations_host()
        self.backup_vault = self._create_backup_vault()

        self.register_outputs(self.outputs())

    @property
    def context(self) -> RegionContext:
        """Where it stands."""
        return self._context

    def outputs(self) -> dict[str, pulumi.Input[object]]:
        """What people and other programs need to know of the region."""
        return {
            "egressAddresses": self.network.egress_addresses,
            "databaseEndpoint": self.database.endpoint,
            "databaseReaderEndpoint": self.database.reader_endpoint,
            "cacheEndpoint": self.cache.endpoint,
            "sessionsEndpoint": self.sessions.endpoint,
            "brokerEndpoint": self.broker.endpoint,
            "brokerCredentialsArn": self.broker.credentials_arn,
            "cluster": self.cluster.cluster_name,
            "vaultRecoveryKeys": self.workloads.vault.recovery_secret_arn,
            "loadBalancer": self.load_balancer.dns_name,
            "operatorPool": self.load_balancer.operator_pool_id,
            "metrics": self.metrics.endpoint,
            "logs": self.central_logs.endpoint,
            "operationsHost": self.operations_host.group_name,
            "targetGroups": self.load_balancer.target_group_arns,
        }

    def create_backup_plan(self, copy_to: "Region | None") -> BackupPlan:
        """The daily backup of this region's database, copied to another region's vault. Called once all vaults exist."""
        return BackupPlan(
            self._context.logical("backup-plan"),
            BackupPlanArgs(
                context=self._context,
                settings=self._settings.backup,
                vault=self.backup_vault,
                copy_to_vault_arn=copy_to.backup_vault.arn if copy_to else None,
                database_cluster_arn=self.database.cluster_arn,
                subnet_group_name=self.database.subnet_group_name,
                isolated_security_group_id=self.network.isolated_security_group_id,
            ),
            self._child(),
        )

    def watch(self, watched: "Sequence[Region]") -> Canaries:
        """Visits the API from here, and other regions. Called once all regions exist."""
        return Canaries(
            self._context.logical("canaries"),
            CanariesArgs(
                context=self._context,
                settings=self._settings.observability.canaries,
                domain=self._settings.domain,
                watched=[each.context.region for each in watched],
                key_arn=self._key(KeyPurpose.CANARIES),
                alarm_topic_arn=self.notifications.topic_arns[Topic.CRITICAL],
            ),
            self._child(),
        )

    def be_heard_by(self, listener: "Region") -> None:
        """Another region raises the alarm when alerts of this one stop. Called once all regions exist."""
        self.notifications.send(Topic.HEARTBEAT, listener.listen_to(self).queue_arn)

    def listen_to(self, heard: "Region") -> HeartbeatListener:
        """Raises an alarm here when alerts of another region stop."""
        return HeartbeatListener(
            self._context.logical("listener", heard.context.region),
            HeartbeatListenerArgs(
                context=self._context,
                heard=heard.context.region,
                heartbeat_topic_arn=heard.notifications.topic_arns[Topic.HEARTBEAT],
                alarm_topic_arn=self.notifications.topic_arns[Topic.CRITICAL],
                key_arn=self._key(KeyPurpose.NOTIFICATIONS),
            ),
            self._child(),
        )

    def create_single_active(self, service: Service, after: Sequence[pulumi.Resource]) -> TradingService:
        """A service that is active in one region. Called for that region last, with what the others return."""
        return self.workloads.create_single_active(service, after)

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _key(self, purpose: KeyPurpose) -> pulumi.Output[str]:
        return self._args.keys.arn(purpose)

    def _data_subnets(self) -> Sequence[pulumi.Output[str]]:
        return self.network.subnet_ids(Segment.DATA)

    def _create_notifications(self) -> Notifications:
        return Notifications(
            self._context.logical("notifications"),
            NotificationsArgs(
                context=self._context,
                key_arn=self._key(KeyPurpose.NOTIFICATIONS),
                emails=self._settings.operators.alert_emails,
                pager_email=self._settings.observability.alerts.pager_email,
            ),
            self._child(),
        )

    def _create_metrics(self) -> Metrics:
        pager = self._settings.observability.alerts.pagerduty
        return Metrics(
            self._context.logical("metrics"),
            MetricsArgs(
                context=self._context,
                settings=self._settings,
                metrics_key_arn=self._key(KeyPurpose.METRICS),
                logs_key_arn=self._key(KeyPurpose.LOGS),
                topic_arns=self.notifications.topic_arns,
                pager_secret_arn=self._args.shared.secrets.arn_in(PAGER_KEY, self._context.region) if pager else None,
            ),
            self._child(),
        )

    def _create_network(self) -> Network:
        return Network(
            self._context.logical("network"),
            NetworkArgs(self._context, self._settings.network, self._stated.zones, self._stated.vpc_cidr, self._key(KeyPurpose.LOGS)),
            self._child(),
        )

    def _create_security_groups(self) -> SecurityGroups:
        return SecurityGroups(
            self._context.logical("security-groups"), SecurityGroupsArgs(self._context, self.network.vpc_id), self._child()
        )

    def _create_database(self) -> Database:
        settings, primary = self._settings.database, self._args.primary
        return Database(
            self._context.logical("database"),
            DatabaseArgs(
                context=self._context,
                settings=settings,
                instances=settings.primary_instances if self._stated.role is RegionRole.PRIMARY else settings.standby_instances,
                subnet_ids=self._data_subnets(),
                zone_names=self.network.zone_names(),
                database_security_group_id=self.security_groups.group_id(Boundary.DATABASE),
                proxy_security_group_id=self.security_groups.group_id(Boundary.DATABASE_PROXY),
                database_key_arn=self._key(KeyPurpose.DATABASE),
                secrets_key_arn=self._key(KeyPurpose.SECRETS),
                logs_key_arn=self._key(KeyPurpose.LOGS),
                alarm_topic_arn=self.notifications.topic_arns[Topic.CRITICAL],
                global_cluster=self._args.shared.global_cluster,
                master=None if primary else self._args.shared.master,
                source_region=self._settings.primary_region if primary else None,
                after=primary.database.instances[:1] if primary else (),
            ),
            self._child(),
        )

    def _create_cache(self) -> Valkey:
        return self._create_valkey("cache", self._settings.cache, CACHE_PARAMETERS, CACHE_ACCESS, durability=None)

    def _create_sessions(self) -> Valkey:
        settings = self._settings.sessions
        return self._create_valkey("sessions", settings, SESSIONS_PARAMETERS, SESSIONS_ACCESS, durability=settings.durability)

    def _create_valkey(
        self,
        boundary: Literal["cache", "sessions"],
        settings: ValkeySettings,
        parameters: Sequence[ValkeyParameter],
        client_access: str,
        *,
        durability: Literal["sync", "disabled"] | None,
    ) -> Valkey:
        return Valkey(
            self._context.logical(boundary),
            ValkeyArgs(
                context=self._context,
                purpose=boundary,
                settings=settings,
                parameters=parameters,
                client_access=client_access,
                durability=durability,
                subnet_ids=self._data_subnets(),
                security_group_id=self.security_groups.group_id(Boundary(boundary)),
                cache_key_arn=self._key(KeyPurpose.CACHE),
                logs_key_arn=self._key(KeyPurpose.LOGS),
                topic_arns=self.notifications.topic_arns,
                alarms=self._settings.alarms,
            ),
            self._child(),
        )

    def _create_broker(self) -> MessageBroker:
        return MessageBroker(
            self._context.logical("broker"),
            MessageBrokerArgs(
                context=self._context,
                settings=self._settings.broker,
                subnet_ids=self._data_subnets(),
                security_group_id=self.security_groups.group_id(Boundary.BROKER),
                secrets_key_arn=self._key(KeyPurpose.SECRETS),
                recovery_window_days=self._settings.secrets.recovery_window_days,
                readers_policy=readers_policy(self._args.shared.readers, BROKER_READERS),
            ),
            self._child(),
        )

    def _create_certificate(self) -> Certificate:
        primary = self._args.primary
        return Certificate(
            self._context.logical("certificate"),
            CertificateArgs(
                context=self._context,
                domain=self._settings.domain,
                hosted_zone_id=self._settings.hosted_zone_id,
                global_provider=self._args.shared.provider,
                validation_fqdn=primary.certificate.validation_fqdn if primary else None,
            ),
            self._child(),
        )

    def _create_load_balancer(self) -> LoadBalancer:
        return LoadBalancer(
            self._context.logical("load-balancer"),
            LoadBalancerArgs(
                context=self._context,
                settings=self._settings.load_balancer,
                domain=self._settings.domain,
                operator_cidrs=[str(cidr) for cidr in self._settings.operators.cidrs],
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.subnet_ids(Segment.PUBLIC),
                security_group_id=self.security_groups.group_id(Boundary.LOAD_BALANCER),
                certificate_arn=self.certificate.arn,
                logs_key_arn=self._key(KeyPurpose.LOGS),
                internet_gateway=self.network.internet_gateway,
            ),
            self._child(),
        )

    def _create_cluster(self) -> Cluster:
        return Cluster(
            self._context.logical("cluster"),
            ClusterArgs(
                context=self._context,
                settings=self._settings.cluster,
                administrators=self._settings.operators.administrators,
                subnet_ids=self.network.subnet_ids(Segment.APPLICATION),
                security_group_id=self.security_groups.group_id(Boundary.CONTROL_PLANE),
                cluster_key_arn=self._key(KeyPurpose.CLUSTER),
                volumes_key_arn=self._key(KeyPurpose.VOLUMES),
                logs_key_arn=self._key(KeyPurpose.LOGS),
                target_group_arns=list(self.load_balancer.target_group_arns.values()),
                after=[self.network, self.security_groups],
                lost=self._context.region in self._settings.failover.lost_regions,
            ),
            self._child(),
        )

    def _create_vault_snapshots(self) -> SnapshotBucket:
        return SnapshotBucket(
            self._context.logical("vault-snapshots"),
            SnapshotBucketArgs(self._context, self._settings.vault.snapshot_retention_days, self._key(KeyPurpose.VAULT)),
            self._child(),
        )

    def _create_workloads(self) -> Workloads:
        return Workloads(
            self._context.logical("workloads"),
            WorkloadsArgs(
                context=self._context,
                settings=self._settings,
                cluster=self.cluster,
                vpc_cidr=self._stated.vpc_cidr,
                subnet_ids=self.network.subnet_ids(Segment.APPLICATION),
                node_security_group_id=self.security_groups.group_id(Boundary.NODES),
                volumes_key_arn=self._key(KeyPurpose.VOLUMES),
                logs_key_arn=self._key(KeyPurpose.LOGS),
                vault_key_arn=self._key(KeyPurpose.VAULT),
                readers=self._args.shared.readers,
                snapshots=self.vault_snapshots,
                stores=self._stores(),
            ),
            pulumi.ResourceOptions(parent=self, providers=[self.cluster.api]),
        )

    def _create_central_logs(self) -> CentralLogs:
        return CentralLogs(
            self._context.logical("central-logs"),
            CentralLogsArgs(
                context=self._context,
                settings=self._settings.observability,
                groups={
                    LogSource.PODS: {"application": self.workloads.log_collection.log_group},
                    LogSource.CONTROL_PLANE: {"cluster": self.cluster.log_group},
                    LogSource.DATABASE: self.database.log_groups,
                    LogSource.CACHE: self.cache.log_groups,
                    LogSource.SESSIONS: self.sessions.log_groups,
                    LogSource.FIREWALL: {"entry": self.load_balancer.firewall_log_group},
                    LogSource.METRICS: {"prometheus": self.metrics.log_group},
                },
                zones=len(self._stated.zones),
                store_subnet_ids=self._data_subnets(),
                store_security_group_id=self.security_groups.group_id(Boundary.LOG_STORE),
                function_subnet_ids=self.network.subnet_ids(Segment.APPLICATION),
                function_security_group_id=self.security_groups.group_id(Boundary.LOG_FUNCTIONS),
                store_key_arn=self._key(KeyPurpose.LOG_STORE),
                logs_key_arn=self._key(KeyPurpose.LOGS),
            ),
            self._child(),
        )

    def _create_monitoring(self) -> Monitoring:
        return Monitoring(
            self._context.logical("monitoring"),
            MonitoringArgs(
                cluster=self.cluster,
                objects=ClusterContext(self._context, self.cluster.resource),
                settings=self._settings,
                metrics=self.metrics,
                workloads=self.workloads,
                subnet_ids=self.network.subnet_ids(Segment.APPLICATION),
                collector_security_group_id=self.security_groups.group_id(Boundary.METRICS_COLLECTOR),
                logs=self.central_logs,
                target_group_arns=self.load_balancer.target_group_arns,
                load_balancer_cidr=str(segment_cidr(self._stated.vpc_cidr, Segment.PUBLIC)),
            ),
            pulumi.ResourceOptions(parent=self, providers=[self.cluster.api]),
        )

    def _stores(self) -> SharedStores:
        switches = self._args.shared.switches
        return SharedStores(
            endpoints=Endpoints(
                database=self.database.endpoint,
                database_reader=self.database.reader_endpoint,
                database_writer=self.database.writer_endpoint,
                cache=self.cache.endpoint,
                cache_user=self.cache.client_user,
                sessions=self.sessions.endpoint,
                sessions_user=self.sessions.client_user,
                broker=self.broker.endpoint,
                switch_arn=switches.arn(Switch.ORDERS, self._context.region) if switches else None,
                switch_endpoints=switches.endpoints() if switches else None,
            ),
            database=self.database,
            cache=self.cache,
            sessions=self.sessions,
            secrets=self._args.shared.secrets,
            secrets_key_arn=self._key(KeyPurpose.SECRETS),
            broker_credentials_arn=self.broker.credentials_arn,
            target_group_arns=self.load_balancer.target_group_arns,
        )

    def _create_operations_host(self) -> OperationsHost:
        return OperationsHost(
            self._context.logical("operations-host"),
            OperationsHostArgs(
                context=self._context,
                subnet_ids=self.network.subnet_ids(Segment.MANAGEMENT),
                security_group_id=self.security_groups.group_id(Boundary.MANAGEMENT),
                volumes_key_arn=self._key(KeyPurpose.VOLUMES),
            ),
            self._child(),
        )

    def _create_backup_vault(self) -> BackupVault:
        return BackupVault(
            self._context.logical("backup-vault"),
            BackupVaultArgs(
                context=self._context,
                settings=self._settings.backup,
                key_arn=self._key(KeyPurpose.BACKUP),
                topic_arn=self.notifications.topic_arns[Topic.WARNING],
                administrators=self._settings.operators.administrators,
            ),
            self._child(),
        )
