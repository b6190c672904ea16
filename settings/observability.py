"""What watches the platform: metrics, alerts and who hears of them, dashboards, canaries."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from settings.base import EmailAddress, LogRetentionDays, Model
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
    log_retention_days: LogRetentionDays = Field(description="Days that the watchers' own logs are kept.", examples=[90])
