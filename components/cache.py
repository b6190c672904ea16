"""Valkey on ElastiCache: the cache, which may forget, and the session store, which may not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import RegionContext
from components.logs import log_group
from components.notifications import Topic
from settings.model import AlarmSettings, ValkeySettings
from settings.names import NameRule
from settings.parameters import OPERATOR_ACCESS, ValkeyParameter
from settings.traffic import VALKEY

ENGINE = "valkey"
_METRICS_PER_ALARM = 10


@dataclass(frozen=True)
class ValkeyArgs:
    """What a Valkey cluster is given.

    `purpose` names it: `cache` or `sessions`. `durability` is None for a cluster whose content can be computed again.
    `client_access` is the access rule of the services.
    """

    context: RegionContext
    purpose: str
    settings: ValkeySettings
    parameters: Sequence[ValkeyParameter]
    client_access: str
    durability: Literal["sync", "disabled"] | None
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    cache_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    topic_arns: Mapping[Topic, pulumi.Input[str]]
    alarms: AlarmSettings


class Valkey(pulumi.ComponentResource):
    """A sharded Valkey cluster: TLS only, encrypted with a customer key, its users signed in by IAM.

    Nobody holds a password: a service's role opens a connection as the client user, an operator's as the operator user.
    The default user has no rights (ElastiCache user guide, "RBAC with Valkey").
    """

    endpoint: pulumi.Output[str]
    """Configuration endpoint, `host`; port 6379, TLS."""
    sign_in_arns: list[pulumi.Output[str]]
    """What a service's role needs `elasticache:Connect` on: the cluster and the user."""
    client_user: str
    """User as which services sign in, with the `elasticache:Connect` permission."""

    def __init__(self, name: str, args: ValkeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:data:Valkey", name, None, opts)
        self._args = args
        self._context = args.context
        self._identifier = args.context.name(NameRule.CACHE_GROUP, args.purpose)
        self.client_user = self._user_name("client")
        self.log_groups: dict[str, aws.cloudwatch.LogGroup] = {}

        client = self._user("client", args.client_access)
        users = self._create_users(client)
        cluster = self._create_cluster(self._create_parameters(), self._create_subnet_group(), users)
        self._create_alarms()

        self.endpoint = cluster.configuration_endpoint_address
        self.sign_in_arns = [cluster.arn, client.arn]
        self.register_outputs({"endpoint": self.endpoint, "clientUser": self.client_user})

    def _logical(self, *parts: str) -> str:
        return self._context.logical(self._args.purpose, *parts)

    def _user_name(self, role: str) -> str:
        return self._context.name(NameRule.CACHE_GROUP, self._args.purpose, role)

    def _create_users(self, client: aws.elasticache.User) -> aws.elasticache.UserGroup:
        users = [client, self._user("operator", OPERATOR_ACCESS)]
        return aws.elasticache.UserGroup(
            self._logical("users"),
            user_group_id=self._identifier,
            engine=ENGINE,
            user_ids=[user.user_id for user in users],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _user(self, role: str, access: str) -> aws.elasticache.User:
        name = self._user_name(role)
        return aws.elasticache.User(
            self._logical(role),
            user_id=name,
            user_name=name,  # with IAM, the ID and the name have to be the same
            engine=ENGINE,
            access_string=access,
            authentication_mode={"type": "iam"},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_parameters(self) -> aws.elasticache.ParameterGroup:
        family = f"{ENGINE}{self._args.settings.engine_version.split('.')[0]}"
        return aws.elasticache.ParameterGroup(
            self._logical(family),
            name=f"{self._identifier}-{family}",
            family=family,
            description=f"{self._args.purpose}: cluster mode",
            parameters=[{"name": parameter.name, "value": parameter.value} for parameter in self._args.parameters],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_subnet_group(self) -> aws.elasticache.SubnetGroup:
        return aws.elasticache.SubnetGroup(
            self._logical("subnets"),
            name=self._identifier,
            description="Data segment",
            subnet_ids=self._args.subnet_ids,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_log(self, kind: str) -> aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgsDict:
        # under /aws/vendedlogs the delivery needs no room in the account's one resource policy
        group = log_group(
            self._logical(kind),
            name=f"/aws/vendedlogs/elasticache/{self._identifier}/{kind}",
            retention_days=self._args.settings.log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )
        self.log_groups[kind] = group
        return {"destination": group.name, "destination_type": "cloudwatch-logs", "log_format": "json", "log_type": kind}

    def _create_cluster(
        self, parameters: aws.elasticache.ParameterGroup, subnets: aws.elasticache.SubnetGroup, users: aws.elasticache.UserGroup
    ) -> aws.elasticache.ReplicationGroup:
        args, settings = self._args, self._args.settings
        suffix = random.RandomId(self._logical("final"), byte_length=4, opts=pulumi.ResourceOptions(parent=self))
        return aws.elasticache.ReplicationGroup(
            self._context.logical(args.purpose),
            replication_group_id=self._identifier,
            description=f"{args.purpose} of {self._context.names.project} {self._context.names.stack}",
            engine=ENGINE,
            engine_version=settings.engine_version,
            node_type=settings.node_type,
            cluster_mode="enabled",
            num_node_groups=settings.shards,
            replicas_per_node_group=settings.replicas_per_shard,
            automatic_failover_enabled=True,  # cluster mode cannot be without
            multi_az_enabled=settings.replicas_per_shard > 0,
            durability=args.durability,
            port=VALKEY,
            parameter_group_name=parameters.name,
            subnet_group_name=subnets.name,
            security_group_ids=[args.security_group_id],
            user_group_ids=[users.user_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=args.cache_key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            snapshot_retention_limit=settings.snapshot_retention_days,
            snapshot_window=settings.snapshot_window.aws_range,
            final_snapshot_identifier=pulumi.Output.format("{0}-final-{1}", self._identifier, suffix.hex),
            maintenance_window=settings.maintenance.aws_range,
            # AWS would move 9.0 to 9.1, and the way back in the program is a replacement
            auto_minor_version_upgrade=False,
            log_delivery_configurations=[self._create_log("engine-log"), self._create_log("slow-log")],
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._context.protect,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )

    def _create_alarms(self) -> None:
        """Memory at its warning and its critical mark, and for the cache how often it answers."""
        alarms = self._args.alarms
        for severity, percent, topic in (
            ("warning", alarms.memory_warning_percent, Topic.WARNING),
            ("critical", alarms.memory_critical_percent, Topic.CRITICAL),
        ):
            self._alarm(
                f"memory-{severity}",
                metrics=("DatabaseMemoryUsagePercentage",),
                statistic="Average",
                expression="MAX(METRICS())",
                comparison="GreaterThanThreshold",
                threshold=percent,
                description=f"{severity}: a node of {self._args.purpose} uses more than {percent} % of its memory",
                topic=topic,
            )
        if self._args.durability is None:
            self._alarm(
                "hit-rate",
                metrics=("CacheHits", "CacheMisses"),
                statistic="Sum",
                expression='100 * SUM(METRICS("cachehits")) / (SUM(METRICS("cachehits")) + SUM(METRICS("cachemisses")))',
                comparison="LessThanThreshold",
                threshold=alarms.cache_hit_rate_percent,
                description=f"The cache answers less than {alarms.cache_hit_rate_percent} % of the reads",
                topic=Topic.WARNING,
            )

    def _alarm(
        self,
        name: str,
        *,
        metrics: Sequence[str],
        statistic: str,
        expression: str,
        comparison: str,
        threshold: int,
        description: str,
        topic: Topic,
    ) -> None:
        """One alarm over all nodes, or several: an expression takes ten metrics and no more (CloudWatch user guide)."""
        nodes, per_alarm = self._node_names(), _METRICS_PER_ALARM // len(metrics)
        for number, start in enumerate(range(0, len(nodes), per_alarm), start=1):
            key = name if len(nodes) <= per_alarm else f"{name}-{number}"
            chosen = nodes[start : start + per_alarm]
            aws.cloudwatch.MetricAlarm(
                self._logical(key),
                name=self._context.name(NameRule.ALARM, self._args.purpose, key),
                alarm_description=description,
                metric_queries=[
                    *(_node_metric(metric, statistic, node, index) for metric in metrics for index, node in enumerate(chosen)),
                    {"id": "nodes", "label": description, "expression": expression, "return_data": True},
                ],
                comparison_operator=comparison,
                threshold=threshold,
                evaluation_periods=5,
                datapoints_to_alarm=5,
                treat_missing_data="notBreaching",
                alarm_actions=[self._args.topic_arns[topic]],
                ok_actions=[self._args.topic_arns[topic]],
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _node_names(self) -> list[str]:
        """Node names follow from the cluster's: `NAME-0001-002` is the second node of the first shard."""
        settings = self._args.settings
        return [
            f"{self._identifier}-{shard + 1:04d}-{node + 1:03d}"
            for shard in range(settings.shards)
            for node in range(1 + settings.replicas_per_shard)
        ]


def _node_metric(metric: str, statistic: str, node: str, index: int) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
    """A node's metric under an ID that begins with the metric's name, by which expressions find it."""
    return {
        "id": f"{metric.lower()}{index}",
        "return_data": False,
        "metric": {
            "namespace": "AWS/ElastiCache",
            "metric_name": metric,
            "dimensions": {"CacheClusterId": node},
            "period": 60,
            "stat": statistic,
        },
    }
