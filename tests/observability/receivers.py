"""Who receives in tests: all teams by Slack, e-mail and PagerDuty, security with a channel of its own."""

from components.observability.alertmanager import PagerDutyKey, Receivers
from settings.signals import Team


def topic(name: str) -> str:
    return f"arn:aws:sns:us-east-1:123456789012:{name}"


KEY = PagerDutyKey("arn:aws:secretsmanager:us-east-1:123456789012:secret:mastertrade/prod/pagerduty-AbCdEf", "trading")
RECEIVERS = Receivers(
    region="us-east-1",
    heartbeat_topic=topic("heartbeat"),
    slack_topics={Team.PLATFORM: topic("slack"), Team.SECURITY: topic("slack-security")},
    email_topics={Team.PLATFORM: topic("email")},
    pager_duty={Team.PLATFORM: KEY},
)
