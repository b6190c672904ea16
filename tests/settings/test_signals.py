"""The table of signals holds together, and wrong thresholds are named all at once."""

from dataclasses import replace

import pytest

from settings.signals import BY_NAME, SIGNALS, Limits, Severity, Unit, signals_of, threshold_problems
from tests.observability.places import ACTIVE

PROMISES = {
    ("api-response-time", Severity.WARNING): 200,
    ("api-response-time", Severity.CRITICAL): 1000,
    ("api-response-time-p95", Severity.WARNING): 100,
    ("database-connections", Severity.WARNING): 80,
    ("database-connections", Severity.CRITICAL): 95,
    ("database-query-time", Severity.WARNING): 50,
    ("market-data-latency", Severity.WARNING): 100,
    ("replication-lag", Severity.CRITICAL): 60,
    ("service-failures", Severity.CRITICAL): 3,
    ("canary-failures", Severity.CRITICAL): 3,
}
"""Figures of the requirements."""


def threshold(name: str, severity: Severity) -> float | None:
    level = BY_NAME[name].level(severity)
    return level.threshold if level else None


def test_promised_thresholds_are_the_defaults() -> None:
    assert {key: threshold(*key) for key in PROMISES} == PROMISES


def test_memory_and_disk_warn_at_85_and_are_critical_at_95_percent() -> None:
    full = [signal for signal in SIGNALS if signal.name.endswith(("-memory", "-disk", "-volume"))]
    assert len(full) == 12
    for signal in full:
        assert signal.unit is Unit.PERCENT
        assert [level.threshold for _, level in signal.levels] == [85, 95], signal.name


def test_names_alerts_and_records_are_each_used_once() -> None:
    for names in ([s.name for s in SIGNALS], [s.alert for s in SIGNALS], [s.record for s in SIGNALS]):
        assert len(set(names)) == len(names)


def test_every_signal_can_raise_an_alert_and_warns_before_it_is_critical() -> None:
    for signal in SIGNALS:
        assert list(signal.levels), signal.name
        if signal.warning and signal.critical:
            assert signal.direction.orders(signal.warning.threshold, signal.critical.threshold), signal.name


def test_environment_changes_a_threshold_and_nothing_else() -> None:
    changed = {signal.name: signal for signal in signals_of(ACTIVE, {"node-disk": Limits(warning=70)})}
    usual = {signal.name: signal for signal in signals_of(ACTIVE)}
    node_disk = changed.pop("node-disk")
    before = usual.pop("node-disk")
    assert changed == usual
    assert [level.threshold for _, level in node_disk.levels] == [70, 95]
    assert [level.hold for _, level in node_disk.levels] == [level.hold for _, level in before.levels]


def test_wrong_thresholds_are_named_all_at_once() -> None:
    found = dict(
        threshold_problems(
            {
                "node-disc": Limits(warning=80),
                "node-memory": Limits(warning=101),
                "pod-memory": Limits(warning=96),
                "cache-hit-rate": Limits(critical=50),
                "public-certificate-expiry": Limits(warning=7),
                "replication-lag": Limits(warning=-1),
                "api-response-time": Limits(warning=150),
            }
        )
    )
    assert found.pop("node-disc").startswith("is no signal; there are api-response-time")
    assert found == {
        "node-memory.warning": "101 is not below the critical 95",
        "pod-memory.warning": "96 is not below the critical 95",
        "cache-hit-rate.critical": "this signal has no critical",
        "public-certificate-expiry.warning": "7 is not above the critical 14",
        "replication-lag.warning": "-1 is below 0",
    }


def test_percentage_above_100_is_refused() -> None:
    assert dict(threshold_problems({"cache-hit-rate": Limits(warning=101)})) == {"cache-hit-rate.warning": "101 is more than 100 %"}


@pytest.mark.parametrize(("volume_gib", "usable_gib"), [(20, 16), (100, 80), (101, 81), (400, 380)])
def test_disk_of_the_log_store_is_judged_by_what_the_service_leaves_of_it(volume_gib: int, usable_gib: int) -> None:
    place = replace(ACTIVE, log_store_volume_gib=volume_gib)
    assert place.fill("$log_store_mebibytes") == str(1024 * usable_gib)
