"""What watches the platform: metrics, alerts and who hears of them, dashboards, canaries."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.base import EmailAddress, LogRetentionDays, Model
from settings.catalog import SearchInstance
from settings.signals import BY_NAME
from settings.windows import Day, Interval, TimeOfDay, intervals_between

if TYPE_CHECKING:
    SignalName = str
else:
    SignalName = StrEnum("SignalName", [(name.upper().replace("-", "_"), name) for name in BY_NAME])
    """Signals by the names of their table: a misspelt one is answered with the nearest."""


SlackChannel = Annotated[
    str,
    Field(
        pattern=r"^T[A-Z0-9]{8,12}/[CG][A-Z0-9]{8,12}$",
    ),
]


class QuietHoursSettings(Model):
    """When warnings wait: nobody is asked to look at them. What is critical never waits."""

    days: tuple[Day, ...] = Field(
        default=tuple(Day), min_length=1, max_length=7, description="Days on which the quiet begins, in UTC.", examples=[["saturday"]]
    )
    begins: TimeOfDay = Field(default="22:00", description="Begin of the quiet, in UTC.")
    ends: TimeOfDay = Field(default="06:00", description="End of the quiet, in UTC; not after `begins` means on the next day.")

    def intervals(self) -> tuple[Interval, ...]:
        """The minutes of the week that are quiet."""
        return intervals_between(self.days, self.begins, self.ends)


class AlertSettings(Model):
    """Who hears of alerts, beside the addresses in `operators.alert_emails`."""

    slack: SlackChannel | None = Field(
        description="Workspace and channel of Slack by their IDs, as the channel's address in a browser ends; null for none.",
        examples=["T0123ABCDEF/C0123ABCDEF"],
    )
    pagerduty: bool = Field(
        description="Whether critical alerts call whoever is on duty. The key of the PagerDuty service is the secret "
        "`pagerduty-integration-key`, whose value an operator puts.",
        examples=[True],
    )
    pager_email: EmailAddress | None = Field(
        description="Where critical alarms of AWS itself call, among them the silence of a region: the e-mail address of the "
        "PagerDuty service; null for nowhere.",
        examples=["mastertrade@example.pagerduty.com"],
    )
    quiet_hours: QuietHoursSettings | None = Field(description="When warnings wait; null for never.")


class MetricsSettings(Model):
    """Amazon Managed Service for Prometheus."""

    retention_days: Annotated[int, Field(ge=1, le=1095)] = Field(
        description="Days that metrics are kept. The service keeps 1095 at most.", examples=[150]
    )


class CanarySettings(Model):
    """Canaries: what a client of the API would see, asked from another region."""

    interval_minutes: Annotated[int, Field(ge=1, le=60)] = Field(
        description="Time between two visits. Synthetics takes 1 minute at least; three failures in a row raise the alarm.", examples=[1]
    )
    runtime: Annotated[str, Field(pattern=r"^syn-python-selenium-\d+\.\d+$")] = Field(
        description="Runtime of CloudWatch Synthetics; old ones are withdrawn with notice.", examples=["syn-python-selenium-14.0"]
    )
    retention_days: Annotated[int, Field(ge=1, le=455)] = Field(
        description="Days that reports of visits are kept. Synthetics keeps 455 at most.", examples=[31]
    )


class DashboardSettings(Model):
    """Grafana."""

    replicas: Annotated[int, Field(ge=1, le=5)] = Field(description="Pods in each region; each has all that is shown.", examples=[2])


_ZONES_WITH_STANDBY = 3
WarmInstance = Literal["ultrawarm1.medium.search", "ultrawarm1.large.search"]


class WarmSettings(Model):
    """UltraWarm: nodes whose data lies in S3, for indices that are searched rarely and never written again."""

    instance: WarmInstance = Field(
        description="Type of each node: 1.5 TiB on a medium, 20 TiB on a large.", examples=["ultrawarm1.medium.search"]
    )
    nodes_per_zone: Annotated[int, Field(ge=1, le=50)] = Field(description="Nodes in each zone.", examples=[1])


class LogsSettings(Model):
    """Amazon OpenSearch Service: one domain in each region, searched at logs. of the domain."""

    engine_version: Literal["2.17", "2.19"] = Field(description="OpenSearch version, major and minor.", examples=["2.19"])
    instance: SearchInstance = Field(description="Type of each data node.", examples=["r6g.large.search"])
    zones: Literal[1, 2, 3] = Field(
        description="Zones that nodes are spread over, with a copy of every line in each; all of a region's where it has fewer.",
        examples=[3],
    )
    nodes_per_zone: Annotated[int, Field(ge=1, le=26)] = Field(description="Data nodes in each zone.", examples=[1])
    volume_gib: Annotated[int, Field(ge=10, le=1024)] = Field(description="Volume of each data node, in GiB.", examples=[200])
    masters: SearchInstance | None = Field(
        description="Type of three dedicated master nodes, null for none. With them the third zone is a standby.",
        examples=["m6g.large.search"],
    )
    warm: WarmSettings | None = Field(description="Nodes for old indices, null for none: those stay on the data nodes.")
    hot_days: Annotated[int, Field(ge=2, le=365)] = Field(
        description="Days after which an index is warm, which is read only. Two at least: yesterday's is still written to.", examples=[7]
    )
    retention_days: Annotated[int, Field(ge=3, le=3653)] = Field(description="Days after which an index is deleted.", examples=[30])
    collected_days: LogRetentionDays = Field(
        description="Days that what pods write is kept in CloudWatch Logs, from where it can be brought to the store again.", examples=[14]
    )
    search_replicas: Annotated[int, Field(ge=1, le=5)] = Field(description="Pods in each region that let operators in.", examples=[2])

    def spread(self, offered: int) -> int:
        """Zones that nodes are spread over, of those that a region has."""
        return min(self.zones, offered)

    def standby(self, offered: int) -> bool:
        """Whether one of three zones is a standby, whose nodes take over within a minute (developer guide, "Multi-AZ with Standby")."""
        types = (self.instance, self.masters)
        return self.spread(offered) == _ZONES_WITH_STANDBY and not any(each is None or each.burstable for each in types)


class ThresholdSettings(Model):
    """Where a signal's thresholds lie in this environment; what is null stays as in the table of signals."""

    warning: float | None = Field(default=None, description="In the signal's unit.", examples=[85])
    critical: float | None = Field(default=None, description="In the signal's unit.", examples=[95])


class ObservabilitySettings(Model):
    """What watches the platform, and who hears of it."""

    metrics: MetricsSettings
    alerts: AlertSettings
    dashboards: DashboardSettings
    thresholds: dict[SignalName, ThresholdSettings] = Field(
        description="Changed thresholds by signal.", examples=[{"node-memory": {"warning": 80}}]
    )
    canaries: CanarySettings
    logs: LogsSettings
    log_retention_days: LogRetentionDays = Field(description="Days that the watchers' own logs are kept.", examples=[90])
