"""Who hears of what. Alertmanager's own tool, amtool, reads the definition and says which receiver an alert reaches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observability import alertmanager
from components.observability.alertmanager import HEARTBEAT_RECEIVER, MuteTimes, Receivers, definition, receiver_name
from settings.signals import HEARTBEAT, SIGNALS, Severity, System, Team
from settings.windows import DailyWindow, WeeklyWindow
from tests.observability.receivers import KEY, RECEIVERS, topic
from tests.real.servers import ask, program

SATURDAY = WeeklyWindow.model_validate({"day": "saturday", "time": "23:00", "duration_minutes": 120})
NIGHTS = DailyWindow.model_validate({"time": "22:00", "duration_minutes": 480})
MUTE = MuteTimes(
    maintenance={System.DATABASE: SATURDAY.intervals(), System.BROKER: SATURDAY.intervals()},
    quiet_hours=NIGHTS.intervals(),
)


def parts(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration and the templates of a definition."""
    envelope = yaml.safe_load(text)
    assert envelope.keys() == {"template_files", "alertmanager_config"}
    return yaml.safe_load(envelope["alertmanager_config"]), envelope["template_files"]


def community(text: str, folder: Path) -> Path:
    """The same as a file of Alertmanager, which takes the key of PagerDuty as a text instead of the place where it lies."""
    configuration, templates = parts(text)
    for receiver in configuration["receivers"]:
        for call in receiver.get("pagerduty_configs", []):
            call["routing_key"] = "0" * 32
    for name, template in templates.items():
        (folder / name).write_text(template)
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(configuration))
    return file


@pytest.fixture(scope="module")
def amtool() -> Path:
    return program("amtool", package="prometheus-alertmanager")


@pytest.fixture(scope="module")
def reached(amtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The receiver that an alert with these labels reaches."""
    file = community(definition(RECEIVERS, MUTE), tmp_path_factory.mktemp("alertmanager"))

    def receiver(**labels: str) -> str:
        answer = ask([amtool, "config", "routes", "test", f"--config.file={file}", *(f"{name}={value}" for name, value in labels.items())])
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return receiver


def test_alertmanager_accepts_the_definition(amtool: Path, tmp_path: Path) -> None:
    answer = ask([amtool, "check-config", community(definition(RECEIVERS, MUTE), tmp_path)])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 templates" in answer.stdout


@pytest.mark.parametrize(
    ("alert", "severity", "system", "team"),
    [(signal.alert, severity, signal.system, signal.team) for signal in SIGNALS for severity, _ in signal.levels],
    ids=[f"{signal.name}-{severity}" for signal in SIGNALS for severity, _ in signal.levels],
)
def test_every_alert_reaches_its_team(reached: Callable[..., str], alert: str, severity: Severity, system: System, team: Team) -> None:
    assert reached(alertname=alert, severity=severity, system=system, team=team) == receiver_name(team, severity)


def test_heartbeat_reaches_whoever_listens_for_it(reached: Callable[..., str]) -> None:
    assert reached(alertname=HEARTBEAT, severity="none") == HEARTBEAT_RECEIVER


def test_alert_that_nobody_expected_wakes_the_platform_team(reached: Callable[..., str]) -> None:
    assert reached(alertname="Surprise", severity="fatal") == receiver_name(Team.PLATFORM, Severity.CRITICAL)
    assert reached(alertname="Surprise", severity="warning", team="unknown") == receiver_name(Team.PLATFORM, Severity.WARNING)


def ways(name: str, receivers: Receivers = RECEIVERS) -> tuple[list[str], int]:
    """Topics of a receiver, and how many calls it makes."""
    configuration, _ = parts(definition(receivers))
    (receiver,) = [each for each in configuration["receivers"] if each["name"] == name]
    return [each["topic_arn"] for each in receiver.get("sns_configs", [])], len(receiver.get("pagerduty_configs", []))


def test_critical_alerts_go_every_way_and_warnings_to_slack() -> None:
    assert ways("platform-critical") == ([topic("slack"), topic("email")], 1)
    assert ways("platform-warning") == ([topic("slack")], 0)


def test_team_with_a_channel_uses_it_and_others_use_the_platforms() -> None:
    assert ways("security-warning") == ([topic("slack-security")], 0)
    assert ways("data-critical") == ways("platform-critical")


def test_without_slack_warnings_go_by_mail() -> None:
    assert ways("trading-warning", Receivers("us-east-1", topic("heartbeat"), email_topics={Team.PLATFORM: topic("email")})) == (
        [topic("email")],
        0,
    )


def test_alerts_that_nobody_would_hear_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody hears of warning alerts of team platform"):
        definition(Receivers("us-east-1", topic("heartbeat"), pager_duty={Team.PLATFORM: KEY}))


def muted(configuration: dict[str, Any], severity: Severity, system: System) -> set[str]:
    """Mute times of the routes by which alerts of a system and severity leave."""
    for route in configuration["route"]["routes"]:
        matchers = set(route["matchers"])
        if f'severity="{severity}"' in matchers and not any(each.startswith("system") and system not in each for each in matchers):
            return {name for leaf in (route, *route.get("routes", [])) for name in leaf.get("mute_time_intervals", [])}
    raise AssertionError(f"no route for {severity} of {system}")


def test_maintenance_mutes_the_warnings_of_its_system_and_no_others() -> None:
    configuration, _ = parts(definition(RECEIVERS, MUTE))
    assert muted(configuration, Severity.WARNING, System.DATABASE) == {"maintenance-database", "quiet-hours"}
    assert muted(configuration, Severity.WARNING, System.CACHE) == {"quiet-hours"}


def test_no_critical_alert_and_no_heartbeat_is_ever_muted() -> None:
    configuration, _ = parts(definition(RECEIVERS, MUTE))
    for route in configuration["route"]["routes"]:
        if f'severity="{Severity.WARNING}"' not in route["matchers"]:
            assert "mute_time_intervals" not in route
            assert "routes" not in route


def test_windows_past_midnight_are_two_intervals() -> None:
    configuration, _ = parts(definition(RECEIVERS, MUTE))
    named = {each["name"]: each["time_intervals"] for each in configuration["mute_time_intervals"]}
    assert named["maintenance-database"] == [
        {"weekdays": ["saturday"], "times": [{"start_time": "23:00", "end_time": "24:00"}]},
        {"weekdays": ["sunday"], "times": [{"start_time": "00:00", "end_time": "01:00"}]},
    ]
    assert sum(_minutes(each) for each in named["quiet-hours"]) == 7 * 480


def _minutes(interval: dict[str, Any]) -> int:
    (times,) = interval["times"]
    start, end = ([int(part) for part in times[edge].split(":")] for edge in ("start_time", "end_time"))
    return 60 * (end[0] - start[0]) + end[1] - start[1]


def test_definition_holds_what_managed_prometheus_takes() -> None:
    """Topics with a region, no address and no HTTP settings of their own; PagerDuty's key by its place, never by its value."""
    configuration, _ = parts(definition(RECEIVERS, MUTE))
    for receiver in configuration["receivers"]:
        assert receiver.keys() <= {"name", "sns_configs", "pagerduty_configs"}
        for message in receiver.get("sns_configs", []):
            assert message["sigv4"] == {"region": "us-east-1"}
            assert not {"api_url", "http_config"} & message.keys()
        for call in receiver.get("pagerduty_configs", []):
            assert call["routing_key"]["aws_secrets_manager"]["secret_arn"] == KEY.secret_arn


def test_definition_stays_within_the_quotas_of_managed_prometheus() -> None:
    everything = MuteTimes(dict.fromkeys(System, SATURDAY.intervals()), NIGHTS.intervals())
    text = definition(RECEIVERS, everything)
    configuration, _ = parts(text)
    assert len(text.encode()) < alertmanager.FILE_BYTES
    assert len(configuration["inhibit_rules"]) <= alertmanager.INHIBITION_RULES
    assert _nodes(configuration["route"]) <= alertmanager.ROUTING_NODES


def _nodes(route: dict[str, Any]) -> int:
    return 1 + sum(_nodes(each) for each in route.get("routes", []))
