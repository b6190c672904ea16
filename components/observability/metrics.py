"""Metrics and alerts of a region: Amazon Managed Service for Prometheus, its rules, and who hears of what they find."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.load_balancer import regional_host
from components.logs import log_group
from components.notifications import Topic
from components.observability.alertmanager import MuteTimes, PagerDutyKey, Receivers, definition
from components.observability.rules import rule_groups
from settings.capacity import BYTES_PER_GIB
from settings.catalog import GIB_PER_ACU, Region
from settings.credentials import PAGER_KEY_FIELD
from settings.model import PlatformSettings
from settings.names import NameRule
from settings.routes import MONITORING_HOST
from settings.rules import writer_connections
from settings.signals import Limits, Place, System, Team, Thresholds


@dataclass(frozen=True)
class MetricsArgs:
    """What metrics are given. `pager_secret_arn`: the key of the pager in this region, None where nobody is called."""

    context: RegionContext
    settings: PlatformSettings
    metrics_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    topic_arns: Mapping[Topic, pulumi.Output[str]]
    pager_secret_arn: pulumi.Output[str] | None


class Metrics(pulumi.ComponentResource):
    """The workspace of a region. Each has its own, with its own rules: losing one region takes no alert of another with it."""

    workspace_arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Where metrics are asked for, with a slash at the end."""
    log_group: aws.cloudwatch.LogGroup
    """Where the service, and the collector, complain."""

    def __init__(self, name: str, args: MetricsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:Metrics", name, None, opts)
        self._args = args
        self._context = args.context
        self._settings = args.settings.observability

        self.log_group = self._create_log_group()
        workspace = self._create_workspace(self.log_group)
        self._keep(workspace)
        self._create_rules(workspace)
        self._route_alerts(workspace)

        self.workspace_arn, self.endpoint = workspace.arn, workspace.prometheus_endpoint
        self.register_outputs({"workspaceArn": self.workspace_arn, "endpoint": self.endpoint})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _create_log_group(self) -> aws.cloudwatch.LogGroup:
        """Under a prefix into which AWS may deliver without a policy of ours (CloudWatch Logs user guide, "Logs from AWS services")."""
        return log_group(
            self._context.logical("metrics"),
            name=f"/aws/vendedlogs/prometheus{self._context.log_group_name()}",
            retention_days=self._settings.log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )

    def _create_workspace(self, logs: aws.cloudwatch.LogGroup) -> aws.amp.Workspace:
        return aws.amp.Workspace(
            self._context.logical("metrics"),
            alias=self._context.name(NameRule.PROMETHEUS_ALIAS),
            kms_key_arn=self._args.metrics_key_arn,
            # failed rules, and alerts that could not be sent
            logging_configuration={"log_group_arn": pulumi.Output.format("{0}:*", logs.arn)},
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect),
        )

    def _keep(self, workspace: aws.amp.Workspace) -> None:
        aws.amp.WorkspaceConfiguration(
            self._context.logical("metrics"),
            workspace_id=workspace.id,
            retention_period_in_days=self._settings.metrics.retention_days,
            opts=self._child(),
        )

    def _create_rules(self, workspace: aws.amp.Workspace) -> None:
        settings = self._args.settings
        for namespace, rules in rule_groups(place(settings, self._context.region), changed_thresholds(settings)).items():
            aws.amp.RuleGroupNamespace(
                self._context.logical("rules", namespace), name=namespace, workspace_id=workspace.id, data=rules, opts=self._child()
            )

    def _route_alerts(self, workspace: aws.amp.Workspace) -> None:
        aws.amp.AlertManagerDefinition(
            self._context.logical("alerts"),
            workspace_id=workspace.id,
            definition=pulumi.Output.all(
                topics={topic: self._args.topic_arns[topic] for topic in (Topic.HEARTBEAT, Topic.MAIL, Topic.CHAT)},
                pager=self._args.pager_secret_arn,
            ).apply(lambda known: self._definition(known["topics"], known["pager"])),
            opts=self._child(),
        )

    def _definition(self, topics: Mapping[Topic, str], pager: str | None) -> str:
        """One way for all teams; who is on duty for which is the pager's to know."""
        platform = Team.PLATFORM
        receivers = Receivers(
            region=str(self._context.region),
            heartbeat_topic=topics[Topic.HEARTBEAT],
            email_topics={platform: topics[Topic.MAIL]},
            slack_topics={platform: topics[Topic.CHAT]} if self._settings.alerts.slack else {},
            pager_duty={platform: PagerDutyKey(pager, PAGER_KEY_FIELD)} if pager else {},
        )
        return definition(receivers, _mute_times(self._args.settings))


def place(settings: PlatformSettings, region: Region) -> Place:
    """What rules and dashboards of a region depend on."""
    database = settings.database
    serverless = database.form == "serverless"
    memory_gib = database.serverless.max_acu * GIB_PER_ACU if serverless else database.instance_class.memory_gib
    return Place(
        # plain text, which YAML can write
        environment=str(settings.environment),
        region=str(region),
        monitoring_host=regional_host(MONITORING_HOST, region, settings.domain),
        executes_orders=region == settings.active_region,
        several_regions=len(settings.regions) > 1,
        database_memory_bytes=int(memory_gib * BYTES_PER_GIB),
        database_connections=writer_connections(settings),
        canary_minutes=settings.observability.canaries.interval_minutes,
        vault_snapshot_minutes=settings.vault.snapshot_interval_minutes,
        log_store_volume_gib=settings.observability.logs.volume_gib,
        database_has_proxy=database.proxy is not None,
    )


def changed_thresholds(settings: PlatformSettings) -> Thresholds:
    """Thresholds in which this environment differs from the table of signals."""
    return {name: Limits(each.warning, each.critical) for name, each in settings.observability.thresholds.items()}


def _mute_times(settings: PlatformSettings) -> MuteTimes:
    quiet = settings.observability.alerts.quiet_hours
    maintained = {
        System.DATABASE: settings.database.maintenance,
        System.CACHE: settings.cache.maintenance,
        System.SESSIONS: settings.sessions.maintenance,
        System.BROKER: settings.broker.maintenance,
    }
    return MuteTimes(
        maintenance={system: window.intervals() for system, window in maintained.items()},
        quiet_hours=quiet.intervals() if quiet else (),
    )
