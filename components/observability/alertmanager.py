"""The definition of a region's alert manager in Amazon Managed Prometheus: who hears of what, and when not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from settings.signals import HEARTBEAT, SIGNALS, Severity, System, Team
from settings.windows import MINUTES_PER_DAY, Day, Interval, clock

# Service quotas of Amazon Managed Prometheus
FILE_BYTES, INHIBITION_RULES, ROUTING_NODES = 1_000_000, 100, 100

HEARTBEAT_RECEIVER = "heartbeat"
HEARTBEAT_SECONDS = 60
"""Time between two heartbeats."""
_TEMPLATES = "messages"
_QUIET_HOURS = "quiet-hours"


@dataclass(frozen=True)
class PagerDutyKey:
    """Where a team's integration key is kept: a secret of Secrets Manager, and the key inside of its JSON."""

    secret_arn: str
    key: str


@dataclass(frozen=True)
class Receivers:
    """Where each team hears of its alerts. Topics are of SNS, standard ones, in `region`.

    A team without a way of its own uses the platform team's. Topics for Slack get the JSON that Amazon Q Developer in chat
    applications shows; it drops plain text.
    """

    region: str
    heartbeat_topic: str
    slack_topics: Mapping[Team, str] = field(default_factory=dict)
    email_topics: Mapping[Team, str] = field(default_factory=dict)
    pager_duty: Mapping[Team, PagerDutyKey] = field(default_factory=dict)


@dataclass(frozen=True)
class MuteTimes:
    """When warnings wait: a system's while it is maintained, all in quiet hours. Critical alerts never do. UTC."""

    maintenance: Mapping[System, Sequence[Interval]] = field(default_factory=dict)
    quiet_hours: Sequence[Interval] = ()


def receiver_name(team: Team, severity: Severity) -> str:
    """`trading-critical`."""
    return f"{team}-{severity}"


def definition(receivers: Receivers, mute: MuteTimes | None = None) -> str:
    """The definition, as YAML. Raises ValueError where nobody would hear of a severity."""
    mute = mute or MuteTimes()
    configuration = {
        "templates": [_TEMPLATES],
        "route": _routes(mute),
        "inhibit_rules": _inhibitions(),
        "receivers": list(_receivers(receivers)),
        # `time_intervals`, its newer name, is not known to every version; this one is
        "mute_time_intervals": list(_mute_time_intervals(mute)),
    }
    envelope = {"template_files": {_TEMPLATES: _MESSAGES}, "alertmanager_config": _yaml(configuration)}
    return yaml.dump(envelope, Dumper=_BlockText, sort_keys=False, width=1000, allow_unicode=True)


def _yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)


class _BlockText(yaml.SafeDumper):
    """Writes long texts as blocks, so that the definition can be read."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockText.add_representer(str, _block)


def _routes(mute: MuteTimes) -> dict[str, Any]:
    """Heartbeat first; then by severity; warnings by system, since its maintenance mutes them; then by team."""
    heartbeat = {
        "receiver": HEARTBEAT_RECEIVER,
        "matchers": [f'alertname="{HEARTBEAT}"'],
        "group_wait": "0s",
        "group_interval": f"{HEARTBEAT_SECONDS}s",
        "repeat_interval": f"{HEARTBEAT_SECONDS - 10}s",  # looked at every group_interval, so it has to be over by then
    }
    quiet = [_QUIET_HOURS] if mute.quiet_hours else []
    maintained = [
        {
            "receiver": receiver_name(Team.PLATFORM, Severity.WARNING),
            "matchers": [f'severity="{Severity.WARNING}"', f'system="{system}"'],
            **_pace(Severity.WARNING),
            "mute_time_intervals": [_maintenance(system), *quiet],
            "routes": _teams(Severity.WARNING, [_maintenance(system), *quiet]),
        }
        for system in mute.maintenance
    ]
    warnings = {
        "receiver": receiver_name(Team.PLATFORM, Severity.WARNING),
        "matchers": [f'severity="{Severity.WARNING}"'],
        **_pace(Severity.WARNING),
        "mute_time_intervals": quiet,
        "routes": _teams(Severity.WARNING, quiet),
    }
    return {
        # what nobody expected wakes the platform team
        "receiver": receiver_name(Team.PLATFORM, Severity.CRITICAL),
        "group_by": ["signal", "environment", "region"],
        **_pace(Severity.CRITICAL),
        "routes": [heartbeat, *maintained, warnings, *_teams(Severity.CRITICAL, [])],
    }


def _pace(severity: Severity) -> dict[str, str]:
    if severity is Severity.CRITICAL:
        return {"group_wait": "10s", "group_interval": "1m", "repeat_interval": "1h"}
    return {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "12h"}


def _teams(severity: Severity, muted: Sequence[str]) -> list[dict[str, Any]]:
    """A route for each team. Mute times are not inherited, so each states them."""
    return [
        {
            "receiver": receiver_name(team, severity),
            "matchers": [f'severity="{severity}"', f'team="{team}"'],
            **({"mute_time_intervals": list(muted)} if muted else {}),
        }
        for team in Team
    ]


def _inhibitions() -> list[dict[str, Any]]:
    """Nobody needs the warning beside the critical alert about the same thing, or the slow burn beside the fast one."""
    same_thing = sorted({label for signal in SIGNALS for label in signal.by})
    return [
        {
            "source_matchers": [f'severity="{Severity.CRITICAL}"'],
            "target_matchers": [f'severity="{Severity.WARNING}"'],
            "equal": ["signal", "environment", "region", *same_thing],
        },
        {
            "source_matchers": ['signal="api-error-budget-fast"'],
            "target_matchers": ['signal="api-error-budget-slow"'],
            "equal": ["environment", "region"],
        },
    ]


def _receivers(receivers: Receivers) -> Iterator[dict[str, Any]]:
    yield {
        "name": HEARTBEAT_RECEIVER,
        "sns_configs": [_sns(receivers, receivers.heartbeat_topic, message='{{ template "email.message" . }}')],
    }
    for severity in Severity:
        for team in Team:
            yield _receiver(receivers, team, severity)


def _receiver(receivers: Receivers, team: Team, severity: Severity) -> dict[str, Any]:
    """Warnings go to Slack, or else by e-mail; critical alerts go every way there is."""
    slack = receivers.slack_topics.get(team) or receivers.slack_topics.get(Team.PLATFORM)
    email = receivers.email_topics.get(team) or receivers.email_topics.get(Team.PLATFORM)
    pager = receivers.pager_duty.get(team) or receivers.pager_duty.get(Team.PLATFORM)
    critical = severity is Severity.CRITICAL
    messages: list[dict[str, Any]] = []
    if slack:
        messages.append(_sns(receivers, slack, message='{{ template "slack.message" . }}'))
    if email and (critical or not slack):
        messages.append(_sns(receivers, email, message='{{ template "email.message" . }}'))
    calls = [_pager_duty(pager)] if pager and critical else []
    if not messages and not calls:
        raise ValueError(f"nobody hears of {severity} alerts of team {team}: name a topic for Slack or e-mail, or a key of PagerDuty")
    return {
        "name": receiver_name(team, severity),
        **({"sns_configs": messages} if messages else {}),
        **({"pagerduty_configs": calls} if calls else {}),
    }


def _sns(receivers: Receivers, topic: str, *, message: str) -> dict[str, Any]:
    return {
        "topic_arn": topic,
        "sigv4": {"region": receivers.region},
        "send_resolved": True,
        "subject": '{{ template "subject" . }}',
        "message": message,
        "attributes": {"severity": '{{ or .CommonLabels.severity "none" }}', "status": "{{ .Status }}"},
    }


def _pager_duty(key: PagerDutyKey) -> dict[str, Any]:
    return {
        "routing_key": {"aws_secrets_manager": {"secret_arn": key.secret_arn, "secret_key": key.key, "refresh_interval": "5m"}},
        "send_resolved": True,
        "client": "masterTrade",
        "severity": '{{ or .CommonLabels.severity "critical" }}',
        "description": '{{ template "subject" . }}',
        "details": {
            "summary": '{{ template "summaries" . }}',
            "runbook": "{{ .CommonAnnotations.runbook_url }}",
            "dashboard": "{{ .CommonAnnotations.dashboard_url }}",
            "firing": "{{ .Alerts.Firing | len }}",
        },
    }


def _maintenance(system: System) -> str:
    return f"maintenance-{system}"


def _mute_time_intervals(mute: MuteTimes) -> Iterator[dict[str, Any]]:
    for system, intervals in mute.maintenance.items():
        yield {"name": _maintenance(system), "time_intervals": list(_time_intervals(intervals))}
    if mute.quiet_hours:
        yield {"name": _QUIET_HOURS, "time_intervals": list(_time_intervals(mute.quiet_hours))}


def _time_intervals(intervals: Sequence[Interval]) -> Iterator[dict[str, Any]]:
    """Minutes of the week as days and hours: no interval of Alertmanager goes past midnight."""
    days = list(Day)
    for start, end in intervals:
        for number in range(start // MINUTES_PER_DAY, (end - 1) // MINUTES_PER_DAY + 1):
            midnight = number * MINUTES_PER_DAY
            first, last = max(start, midnight) - midnight, min(end, midnight + MINUTES_PER_DAY) - midnight
            until = "24:00" if last == MINUTES_PER_DAY else clock(last)
            yield {"weekdays": [days[number].value], "times": [{"start_time": clock(first), "end_time": until}]}


# `printf "%q"` quotes as JSON does, for printable text; the marks around it are taken off again
_MESSAGES = r"""{{ define "subject" }}[{{ .Status | toUpper }}{{ with .CommonLabels.severity }} {{ . | toUpper }}{{ end }}]
{{- with .CommonLabels.environment }} {{ . }}{{ end }}{{ with .CommonLabels.region }} {{ . }}{{ end }}
{{- with .CommonLabels.alertname }} {{ . }}{{ end }}{{ if gt (len .Alerts) 1 }} x{{ len .Alerts }}{{ end }}{{ end }}
{{ define "summaries" }}{{ range $number, $alert := .Alerts }}{{ if lt $number 10 }}{{ if $number }}; {{ end }}
{{- .Annotations.summary }}{{ end }}{{ end }}{{ end }}
{{ define "json" }}{{ reReplaceAll "^\"|\"$" "" (printf "%q" .) }}{{ end }}
{{ define "slack.message" }}{"version":"1.0","source":"custom","content":{"textType":"client-markdown","title":"
{{- if eq .Status "firing" }}{{ if eq .CommonLabels.severity "critical" }}:rotating_light: {{ else }}:warning: {{ end }}
{{- else }}:white_check_mark: {{ end }}{{ template "subject" . }}","description":"
{{- range $number, $alert := .Alerts }}{{ if lt $number 10 }}{{ if $number }}\n\n{{ end -}}
*{{ template "json" .Annotations.summary }}*\n{{ template "json" .Annotations.description }}
{{- with .Annotations.runbook_url }}\n<{{ . }}|Runbook>{{ end }}{{ with .Annotations.dashboard_url }} | <{{ . }}|Dashboard>{{ end }}
{{- end }}{{ end }}"},"metadata":{"threadId":"{{ .GroupLabels.signal }}-{{ .GroupLabels.environment }}-{{ .GroupLabels.region }}"}}
{{- end }}
{{ define "email.message" }}{{ range .Alerts }}{{ .Status | toUpper }}: {{ .Annotations.summary }}
{{ .Annotations.description }}
Since: {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC
Team: {{ .Labels.team }}
Runbook: {{ .Annotations.runbook_url }}
Dashboard: {{ .Annotations.dashboard_url }}

{{ end }}{{ end }}
"""
