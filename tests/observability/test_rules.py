"""Every alert fires when it has to, and not sooner. Prometheus itself, promtool, reads the rules and runs their unit tests."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observability import rules
from components.observability.exporters import cloudwatch_configuration, cloudwatch_metric, jobs, metrics
from components.observability.rules import rule_groups
from settings.signals import JOBS, RECORDINGS, SIGNALS, Place, Recording, signals_of
from tests.observability.places import ACTIVE, PLACES, SMALL, STANDBY
from tests.observability.promql import asked, grouped_by
from tests.observability.series import SERIES
from tests.observability.unit_tests import plain_tests, write_tests
from tests.real.servers import ask, program

HERE = Path(__file__).parent
COMPOUND = {"compound": 30, "compound_hours": 120, "compound_days": 600}
"""Hand-written files, and the seconds between evaluations in each."""

each_place = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


@cache
def groups(place: Place) -> dict[str, Mapping[str, Any]]:
    """Every rule group of a place by name."""
    return {group["name"]: group for text in rule_groups(place).values() for group in yaml.safe_load(text)["groups"]}


def written_by_hand(name: str) -> list[dict[str, Any]]:
    """The tests of a file."""
    return yaml.safe_load((HERE / f"{name}.yaml").read_text())["tests"]


@pytest.fixture(scope="module")
def promtool() -> Path:
    return program("promtool", package="prometheus")


@each_place
def test_prometheus_accepts_every_rule(place: Place, promtool: Path, tmp_path: Path) -> None:
    for namespace, text in rule_groups(place).items():
        (tmp_path / f"{namespace}.yaml").write_text(text)
    answer = ask([promtool, "check", "rules", *tmp_path.glob("*.yaml")])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("SUCCESS") == len(rule_groups(place))


def test_every_alert_fires_beyond_its_threshold_not_before_and_resolves(promtool: Path, tmp_path: Path) -> None:
    """All unit tests, those of the table and those written by hand, in one run."""
    evaluated = {signal.name: (place, signal) for place in (SMALL, STANDBY, ACTIVE) for signal in signals_of(place)}
    files = [
        write_tests(tmp_path, name, plain_tests(signal), [groups(place)[name]])
        for name, (place, signal) in evaluated.items()
        if name in SERIES
    ]
    for name, seconds_apart in COMPOUND.items():
        for number, test in enumerate(written_by_hand(name)):
            needed = ["foundation", *test.pop("groups", ())]
            place = PLACES[test.pop("place", "active")]
            chosen = [groups(place)[group] for group in needed]
            files.append(write_tests(tmp_path, f"{name}-{number}", [test], chosen, seconds_apart))
    answer = ask([promtool, "test", "rules", *files])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("SUCCESS") == len(files)


def test_every_signal_has_a_unit_test() -> None:
    written = {
        group for name in COMPOUND for test in yaml.safe_load((HERE / f"{name}.yaml").read_text())["tests"] for group in test["groups"]
    }
    assert {signal.name for signal in SIGNALS} == {*SERIES, *written}


def expressions() -> dict[str, str]:
    """Expressions of signals and of what they are made of, filled with the figures of a place."""
    made_of: list[Recording] = [*RECORDINGS, *(each for signal in SIGNALS for each in signal.recordings)]
    found = {each.record: each.expression for each in made_of} | {signal.name: signal.expression for signal in SIGNALS}
    return {name: ACTIVE.fill(expression) for name, expression in found.items()}


RECORDED = {each.record for each in RECORDINGS} | {each.record for signal in SIGNALS for each in (signal, *signal.recordings)}


@pytest.mark.parametrize("name", expressions())
def test_every_metric_exists_with_the_labels_it_is_asked_by(name: str) -> None:
    for each in asked(expressions()[name]):
        if each.name not in RECORDED:
            assert each.name in metrics(), f"{each.name}: nobody emits it (components/observability/exporters.yaml)"
            assert each.labels <= metrics()[each.name].labels, f"{each.name} has no label {each.labels - metrics()[each.name].labels}"


@pytest.mark.parametrize("name", expressions())
def test_every_grouping_is_by_labels_that_exist(name: str) -> None:
    expression = expressions()[name]
    exist = {label for each in asked(expression) if each.name in metrics() for label in metrics()[each.name].labels}
    made = {"service"} if "label_replace" in expression else set[str]()
    assert grouped_by(expression) <= exist | made


def test_misspelt_metric_is_found() -> None:
    found = [each.name for each in asked('sum by (le) (rate(http_server_request_duration_second_bucket{le="1"}[5m])) > bool 1')]
    assert found == ["http_server_request_duration_second_bucket"]
    assert found[0] not in metrics()


def test_names_of_cloudwatch_are_those_that_its_exporter_makes() -> None:
    """As in the exporter's own tests and dashboards."""
    assert cloudwatch_metric("AWS/RDS", "CPUUtilization", "Average") == "aws_rds_cpuutilization_average"
    assert cloudwatch_metric("AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "Maximum") == (
        "aws_elasticache_database_memory_usage_percentage_maximum"
    )
    assert cloudwatch_metric("Glue", "glue.driver.aggregate.bytesRead", "Sum") == "aws_glue_driver_aggregate_bytes_read_sum"
    assert cloudwatch_metric("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum") == "aws_applicationelb_httpcode_elb_5_xx_count_sum"


def test_every_metric_of_cloudwatch_is_asked_for() -> None:
    asks = yaml.safe_load(cloudwatch_configuration("us-west-2", "mastertrade", "prod"))
    made = {
        cloudwatch_metric(job.get("type") or job["namespace"], query["name"], statistic)
        for job in (*asks["discovery"]["jobs"], *asks["customNamespace"])
        for query in job["metrics"]
        for statistic in query["statistics"]
    }
    assert made == {name for name in metrics() if name.startswith("aws_")}


def test_what_is_told_of_nodes_and_versions_once_more_is_not_paid_for() -> None:
    asks = yaml.safe_load(cloudwatch_configuration("us-west-2", "mastertrade", "prod"))
    narrowed = {job["namespace"]: job.get("dimensionNameRequirements") for job in asks["customNamespace"]}
    assert narrowed["AWS/ES"] == ["DomainName", "ClientId"]
    assert narrowed["AWS/Lambda"] == ["FunctionName"]
    assert narrowed["AWS/RDS"] is None


def test_silence_of_every_source_is_noticed() -> None:
    assert set(JOBS) == set(jobs())


@each_place
def test_rule_files_stay_within_the_quotas_of_managed_prometheus(place: Place) -> None:
    files = rule_groups(place)
    assert len(files) <= rules.NAMESPACES_PER_WORKSPACE
    assert max(len(text.encode()) for text in files.values()) < rules.FILE_BYTES
    assert len(groups(place)) <= rules.GROUPS_PER_WORKSPACE
    assert max(len(group["rules"]) for group in groups(place).values()) <= rules.RULES_PER_GROUP


@each_place
def test_no_signal_is_forgotten(place: Place) -> None:
    assert {signal.name for signal in signals_of(place)} == groups(place).keys() - {"foundation"}


def test_every_alert_names_severity_team_region_runbook_and_dashboard() -> None:
    alerts = [rule for name, group in groups(STANDBY).items() if name != "foundation" for rule in group["rules"] if "alert" in rule]
    assert len(alerts) > 50
    for alert in alerts:
        assert {"severity", "team", "signal", "system", "environment", "region"} <= alert["labels"].keys()
        assert alert["labels"]["region"] == "us-west-2"
        assert {"summary", "description", "runbook_url", "dashboard_url"} == alert["annotations"].keys()
        assert alert["annotations"]["runbook_url"].startswith("https://monitoring-us-west-2.mastertrade.example/d/runbook-")


def test_executor_is_missed_where_orders_are_executed_and_unwelcome_elsewhere() -> None:
    assert {"order-executor-absent", "order-executor-doubled"} <= groups(ACTIVE).keys()
    assert "order-executor-elsewhere" in groups(STANDBY)
    assert not {"order-executor-absent", "order-executor-doubled"} & groups(STANDBY).keys()


def test_every_region_watches_its_log_store() -> None:
    watched = {name for name in groups(ACTIVE) if name.startswith("log-")}
    assert watched >= {"log-store-disk", "log-store-health", "log-shipping"}
    assert watched <= groups(STANDBY).keys() & groups(SMALL).keys()


def test_each_region_watches_the_others_and_a_single_one_watches_none() -> None:
    (value, _) = groups(STANDBY)["region-unhealthy"]["rules"]
    assert 'tag_Name!="entry-us-west-2"' in value["expr"]
    assert not {"region-unhealthy", "replication-lag"} & groups(SMALL).keys()
