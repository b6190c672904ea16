"""The database: Aurora PostgreSQL, one cluster per region, joined to a Global Database where there are several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import RegionContext
from components.logs import log_group
from components.policy_document import Statement, policy_document, trust
from components.roles import permitted_arn
from settings.catalog import Region
from settings.model import DatabaseSettings
from settings.names import NameRule
from settings.parameters import database_parameters
from settings.traffic import Peer, Service

ENGINE = aws.rds.EngineType.AURORA_POSTGRESQL.value
DATABASE_NAME = "mastertrade"
MASTER_USER = "platform_owner"
_LOG_RETENTION_DAYS = 90
_MONITORING_SECONDS = 15
_INSIGHTS_DAYS = {"standard": 7, "advanced": 465}  # `advanced` asks for 465 at least (RDS user guide, "Database Insights")

# Failing over swaps who is writer, who is replica, and whom the API reports as source. None of it is the program's to
# change: without this, the next update would promote, detach or replace a cluster.
_CHANGED_BY_FAILOVER = [
    "replication_source_identifier",
    "global_cluster_identifier",
    "engine_version",
    "master_username",
    "master_password",
    "database_name",
    "availability_zones",
    "source_region",
]


@dataclass(frozen=True)
class MasterCredentials:
    """The owner of the schema, for the cluster in which the database is created."""

    password: pulumi.Input[str]


@dataclass(frozen=True)
class DatabaseArgs:
    """What the database of a region is given.

    `zone_names` maps zone IDs to what this account calls them. `global_cluster` is None in a stack of one region.
    `master` is None in a standby region, and where AWS manages the password itself. `source_region` is where a standby
    region's cluster is first copied from, and `after` the instances that must exist before it can be: the writer's.
    """

    context: RegionContext
    settings: DatabaseSettings
    instances: int
    subnet_ids: Sequence[pulumi.Input[str]]
    zone_names: Mapping[str, pulumi.Output[str]]
    database_security_group_id: pulumi.Input[str]
    proxy_security_group_id: pulumi.Input[str]
    database_key_arn: pulumi.Input[str]
    secrets_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    global_cluster: aws.rds.GlobalCluster | None
    master: MasterCredentials | None
    source_region: Region | None
    after: Sequence[pulumi.Resource] = ()


class Database(pulumi.ComponentResource):
    """One region's cluster, with its proxy.

    All regions are declared alike, save for who was given the master password at creation: after a failover the program
    finds nothing to change.
    """

    cluster_arn: pulumi.Output[str]
    cluster_identifier: pulumi.Output[str]
    subnet_group_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Where services write: the proxy's, or the cluster's where there is no proxy. Port 5432, TLS."""
    reader_endpoint: pulumi.Output[str]
    """Where services read, balanced over the readers."""
    instances: list[aws.rds.ClusterInstance]
    log_groups: dict[str, aws.cloudwatch.LogGroup]
    """By the name that Aurora gives the log."""
    writer_endpoint: pulumi.Output[str]
    """The cluster's own, past the proxy: for sessions that hold a lock. Where another region writes, nobody listens there."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:data:Database", name, None, opts)
        self._args = args
        self._context = args.context
        self._identifier = args.context.name(NameRule.DATABASE, "database")

        subnet_group = self._create_subnet_group()
        monitoring_role = self._create_monitoring_role()
        self.log_groups = self._create_log_groups()
        self._cluster = self._create_cluster(subnet_group, self._create_parameters(), monitoring_role)
        self.instances = self._create_instances(subnet_group, monitoring_role)
        self._create_replication_alarm()
        self._proxy_arn: pulumi.Output[str] | None = None
        self.endpoint, self.reader_endpoint = self._create_proxy() or (self._cluster.endpoint, self._cluster.reader_endpoint)

        self.writer_endpoint = self._cluster.endpoint
        self.cluster_arn = self._cluster.arn
        self.cluster_identifier = self._cluster.cluster_identifier
        self.subnet_group_name = subnet_group.name
        self.register_outputs({"clusterArn": self.cluster_arn, "endpoint": self.endpoint, "readerEndpoint": self.reader_endpoint})

    def sign_in_arns(self, user: Peer, *, past_the_proxy: bool = False) -> list[pulumi.Output[str]]:
        """What a service's role needs `rds-db:connect` on: its user at the proxy, and at the cluster where it goes past that."""
        resource = self._cluster.cluster_resource_id
        through = self._proxy_arn.apply(lambda arn: arn.rsplit(":", 1)[1]) if self._proxy_arn else resource
        places = [through, resource] if past_the_proxy and self._proxy_arn else [through]
        return [self._user_arn(place, user) for place in places]

    def _user_arn(self, place: pulumi.Input[str], user: Peer) -> pulumi.Output[str]:
        """`place`: `cluster-…` or `prx-…`."""
        return pulumi.Output.format("{0}/{1}", pulumi.Output.format(self._context.arn("rds-db", "dbuser:{0}"), place), database_user(user))

    @property
    def _serverless(self) -> bool:
        return self._args.settings.form == "serverless"

    @property
    def _monitoring_seconds(self) -> int:
        """A paused database has nothing to monitor, and enhanced monitoring costs while it sleeps."""
        return 0 if self._serverless and self._args.settings.serverless.min_acu == 0 else _MONITORING_SECONDS

    def _create_subnet_group(self) -> aws.rds.SubnetGroup:
        return aws.rds.SubnetGroup(
            self._context.logical("database"),
            name=self._identifier,
            description="Data segment",
            subnet_ids=self._args.subnet_ids,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_parameters(self) -> aws.rds.ClusterParameterGroup:
        settings = self._args.settings
        family = f"{ENGINE}{settings.engine_version.split('.')[0]}"
        return aws.rds.ClusterParameterGroup(
            self._context.logical("database", family),
            name=f"{self._identifier}-{family}",
            family=family,
            description="TLS only, audited, slow statements logged",
            parameters=[
                {"name": parameter.name, "value": parameter.value, "apply_method": parameter.apply}
                for parameter in database_parameters(settings)
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_monitoring_role(self) -> pulumi.Output[str] | None:
        """ARN of the role of enhanced monitoring, known once it has its permissions."""
        if not self._monitoring_seconds:
            return None
        role = aws.iam.Role(
            self._context.logical("database-monitoring"),
            name=self._context.name(NameRule.IAM_ROLE, "database-monitoring"),
            assume_role_policy=trust("monitoring.rds.amazonaws.com", on_behalf_of=self._context.account_id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        permissions = aws.iam.RolePolicyAttachment(
            self._context.logical("database-monitoring"),
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return permitted_arn(role, permissions)

    @property
    def _log_exports(self) -> list[str]:
        # Aurora PostgreSQL exports these three and no other; `instance` tells why a serverless database did not pause
        return ["postgresql", "iam-db-auth-error", *(["instance"] if self._serverless else [])]

    def _create_log_groups(self) -> dict[str, aws.cloudwatch.LogGroup]:
        """Declared before the cluster writes to them, else RDS creates them unencrypted and for ever."""
        return {
            export: log_group(
                self._context.logical("database-log", export),
                name=f"/aws/rds/cluster/{self._identifier}/{export}",
                retention_days=_LOG_RETENTION_DAYS,
                key_arn=self._args.logs_key_arn,
                parent=self,
            )
            for export in self._log_exports
        }

    def _create_cluster(
        self,
        subnet_group: aws.rds.SubnetGroup,
        parameters: aws.rds.ClusterParameterGroup,
        monitoring_role: pulumi.Output[str] | None,
    ) -> aws.rds.Cluster:
        args, settings = self._args, self._args.settings
        managed_by_aws = args.global_cluster is None  # AWS rotates the password of no member of a global database
        creates = managed_by_aws or args.master is not None
        # an identifier of its own, so that a second cluster of this name can be destroyed too
        suffix = random.RandomId(self._context.logical("database-final"), byte_length=4, opts=pulumi.ResourceOptions(parent=self))
        return aws.rds.Cluster(
            self._context.logical("database"),
            cluster_identifier=self._identifier,
            engine=ENGINE,
            engine_mode="provisioned",
            engine_version=settings.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            global_cluster_identifier=args.global_cluster.id if args.global_cluster else None,
            database_name=DATABASE_NAME if creates else None,
            master_username=MASTER_USER if creates else None,
            master_password=args.master.password if args.master else None,
            manage_master_user_password=True if managed_by_aws else None,
            master_user_secret_kms_key_id=args.secrets_key_arn if managed_by_aws else None,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=args.database_key_arn,
            source_region=args.source_region,
            db_subnet_group_name=subnet_group.name,
            # where there is no proxy the database answers in its place
            vpc_security_group_ids=[args.database_security_group_id, *([] if settings.proxy else [args.proxy_security_group_id])],
            db_cluster_parameter_group_name=parameters.name,
            serverlessv2_scaling_configuration=self._scaling(),
            backup_retention_period=settings.retention_days,
            preferred_backup_window=settings.backup_window.aws_range,
            preferred_maintenance_window=settings.maintenance.aws_range,
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=self._context.protect,
            skip_final_snapshot=False,
            final_snapshot_identifier=pulumi.Output.format("{0}-final-{1}", self._identifier, suffix.hex),
            enabled_cloudwatch_logs_exports=self._log_exports,
            database_insights_mode=settings.insights,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=args.database_key_arn,
            performance_insights_retention_period=_INSIGHTS_DAYS[settings.insights],
            monitoring_interval=self._monitoring_seconds,
            monitoring_role_arn=monitoring_role,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._context.protect,
                depends_on=[*self.log_groups.values(), *args.after],
                ignore_changes=_CHANGED_BY_FAILOVER if args.global_cluster else None,
                custom_timeouts=pulumi.CustomTimeouts(create="120m", update="120m", delete="120m"),
            ),
        )

    def _scaling(self) -> aws.rds.ClusterServerlessv2ScalingConfigurationArgsDict | None:
        if not self._serverless:
            return None
        capacity = self._args.settings.serverless
        scaling: aws.rds.ClusterServerlessv2ScalingConfigurationArgsDict = {
            "min_capacity": capacity.min_acu,
            "max_capacity": capacity.max_acu,
        }
        if capacity.min_acu == 0:
            scaling["seconds_until_auto_pause"] = capacity.pause_after_seconds
        return scaling

    def _create_instances(
        self, subnet_group: aws.rds.SubnetGroup, monitoring_role: pulumi.Output[str] | None
    ) -> list[aws.rds.ClusterInstance]:
        """Instances over the zones in turn; the first is the writer until a failover chooses another.

        Each is named after its zone, so that a zone more or less moves no other instance.
        """
        args, settings = self._args, self._args.settings
        zones = list(args.zone_names.items())
        instances: list[aws.rds.ClusterInstance] = []
        for position in range(args.instances):
            zone, zone_name = zones[position % len(zones)]
            key = f"{zone}-{position // len(zones) + 1}"
            instances.append(
                aws.rds.ClusterInstance(
                    self._context.logical("database", key),
                    identifier=self._context.names.of(NameRule.DATABASE, "database", key),
                    cluster_identifier=self._cluster.id,
                    engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                    instance_class="db.serverless" if self._serverless else settings.instance_class,
                    availability_zone=zone_name,
                    db_subnet_group_name=subnet_group.name,
                    publicly_accessible=False,
                    promotion_tier=min(position, 1),  # readers in tiers 0 and 1 scale with the writer, ready to take over
                    auto_minor_version_upgrade=False,  # members of a global database must be patched in order, by the global cluster
                    ca_cert_identifier="rds-ca-rsa2048-g1",
                    copy_tags_to_snapshot=True,
                    monitoring_interval=self._monitoring_seconds,
                    monitoring_role_arn=monitoring_role,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=instances[:1]),
                )
            )
        return instances

    def _create_replication_alarm(self) -> None:
        """The promised minute of data loss: lag is reported where the replica is, so every region watches itself."""
        if not self._args.global_cluster:
            return
        seconds = self._args.settings.data_loss.alarm_seconds
        aws.cloudwatch.MetricAlarm(
            self._context.logical("database-replication-lag"),
            name=self._context.name(NameRule.ALARM, "database-replication-lag"),
            alarm_description=f"This region's copy of the database is more than {seconds} s behind the writer; the promise is one minute",
            comparison_operator="GreaterThanThreshold",
            threshold=seconds * 1000,
            evaluation_periods=2,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",  # the writer's region reports no lag
            metric_queries=[
                {
                    "id": "lag",
                    "label": "Replication lag (ms)",
                    "expression": 'SELECT MAX(AuroraGlobalDBRPOLag) FROM "AWS/RDS"',
                    "period": 60,
                    "return_data": True,
                }
            ],
            alarm_actions=[self._args.alarm_topic_arn],
            ok_actions=[self._args.alarm_topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_proxy(self) -> tuple[pulumi.Output[str], pulumi.Output[str]] | None:
        """The proxy's endpoints for writing and for reading, or None where the settings want no proxy.

        Endpoints of our own, since the default endpoint of a proxy lives in two zones only (Aurora user guide, "RDS Proxy").
        Services sign in with IAM on both sides of the proxy: no password to rotate.
        """
        settings = self._args.settings.proxy
        if settings is None:
            return None
        name = self._context.name(NameRule.DATABASE_PROXY, "database")
        proxy = aws.rds.Proxy(
            self._context.logical("database-proxy"),
            name=name,
            engine_family="POSTGRESQL",
            default_auth_scheme="IAM_AUTH",
            role_arn=self._create_proxy_role(),
            require_tls=True,
            idle_client_timeout=settings.idle_timeout_seconds,
            debug_logging=False,  # it logs the text of statements
            vpc_subnet_ids=self._args.subnet_ids,
            vpc_security_group_ids=[self._args.proxy_security_group_id],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._proxy_arn = proxy.arn
        pool = aws.rds.ProxyDefaultTargetGroup(
            self._context.logical("database-proxy"),
            db_proxy_name=proxy.name,
            connection_pool_config={
                "max_connections_percent": settings.max_connections_percent,
                "max_idle_connections_percent": settings.max_connections_percent // 2,
                "connection_borrow_timeout": settings.borrow_timeout_seconds,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        target = aws.rds.ProxyTarget(
            self._context.logical("database-proxy"),
            db_proxy_name=proxy.name,
            target_group_name=pool.name,
            db_cluster_identifier=self._cluster.cluster_identifier,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.instances),
        )
        return self._proxy_endpoint(proxy, target, "READ_WRITE"), self._proxy_endpoint(proxy, target, "READ_ONLY")

    def _proxy_endpoint(self, proxy: aws.rds.Proxy, target: aws.rds.ProxyTarget, role: str) -> pulumi.Output[str]:
        kind = role.lower().replace("_", "-")
        endpoint = aws.rds.ProxyEndpoint(
            self._context.logical("database-proxy", kind),
            db_proxy_name=proxy.name,
            db_proxy_endpoint_name=self._context.name(NameRule.DATABASE_PROXY, "database", kind),
            target_role=role,
            vpc_subnet_ids=self._args.subnet_ids,
            vpc_security_group_ids=[self._args.proxy_security_group_id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[target]),
        )
        return endpoint.endpoint

    def _create_proxy_role(self) -> pulumi.Output[str]:
        """Lets the proxy sign in as the services' database users, and as no other."""
        role = aws.iam.Role(
            self._context.logical("database-proxy"),
            name=self._context.name(NameRule.IAM_ROLE, "database-proxy"),
            assume_role_policy=trust("rds.amazonaws.com"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        users = [self._user_arn(self._cluster.cluster_resource_id, service) for service in Service]
        policy = aws.iam.RolePolicy(
            self._context.logical("database-proxy"),
            role=role.name,
            policy=policy_document(Statement(actions=["rds-db:connect"], resources=users)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return permitted_arn(role, policy)


def database_user(service: Peer) -> str:
    """The PostgreSQL user of a service: `market_data`."""
    return service.replace("-", "_")
