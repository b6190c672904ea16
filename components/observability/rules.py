"""Rule files for Amazon Managed Prometheus, from the table of signals."""

from collections.abc import Sequence
from typing import Any

import yaml

from settings.signals import (
    EVALUATION_SECONDS,
    HEARTBEAT,
    RECORDINGS,
    Place,
    Severity,
    Signal,
    System,
    Thresholds,
    Unit,
    signals_of,
)

# Service quotas of Amazon Managed Prometheus, each workspace's own
RULES_PER_GROUP, GROUPS_PER_WORKSPACE, NAMESPACES_PER_WORKSPACE, FILE_BYTES = 20, 100, 10, 1_000_000

_INTERVAL = f"{EVALUATION_SECONDS}s"
_FOUNDATION = "foundation"

NAMESPACES: dict[str, tuple[System, ...]] = {
    "entry": (System.API, System.REGION),
    "stores": (System.DATABASE, System.CACHE, System.SESSIONS, System.BROKER, System.LOGS),
    "trading": (System.MARKET_DATA, System.ORDERS),
    "cluster": (System.CLUSTER, System.MONITORING),
    "safety": (System.VAULT, System.SECRETS, System.BACKUP),
}
"""Rule files, beside the one of what they share, and the systems in each."""

_HUMAN = {
    Unit.PERCENT: '{{ $value | printf "%.1f" }} %',
    Unit.MILLISECONDS: '{{ $value | printf "%.0f" }} ms',
    Unit.SECONDS: '{{ $value | printf "%.0f" }} s',
    Unit.MINUTES: '{{ $value | printf "%.0f" }} minutes',
    Unit.DAYS: '{{ $value | printf "%.1f" }} days',
    Unit.PER_SECOND: '{{ $value | printf "%.1f" }} a second',
    Unit.TIMES: '{{ $value | printf "%.1f" }} times the budget',
    Unit.COUNT: '{{ $value | printf "%.0f" }}',
}


def rule_groups(place: Place, changes: Thresholds | None = None) -> dict[str, str]:
    """Rule files of a region by namespace, as YAML. `changes` are the thresholds in which an environment differs."""
    signals = signals_of(place, changes)
    files = {_FOUNDATION: [_foundation(place)]}
    for namespace, systems in NAMESPACES.items():
        files[namespace] = [_group(signal, place) for signal in signals if signal.system in systems]
    return {namespace: _text(groups) for namespace, groups in files.items() if groups}


def runbook_url(page: str, place: Place) -> str:
    """A runbook page, as the region's Grafana shows it."""
    return f"https://{place.monitoring_host}/d/runbook-{page}"


def dashboard_url(signal: Signal, place: Place) -> str:
    """The dashboard on which a signal is drawn."""
    return f"https://{place.monitoring_host}/d/{signal.system.dashboard}"


def _foundation(place: Place) -> dict[str, Any]:
    heartbeat = {
        "alert": HEARTBEAT,
        "expr": "vector(1)",
        "labels": {"severity": "none", "environment": place.environment, "region": place.region},
        "annotations": {
            "summary": f"Alerts of {place.environment} in {place.region} are alive",
            "description": "Always fires. When it stops arriving, alerts have stopped.",
            "runbook_url": runbook_url("heartbeat-missed", place),
        },
    }
    recordings = [_recording(each.record, place.fill(each.expression)) for each in RECORDINGS]
    return {"name": _FOUNDATION, "interval": _INTERVAL, "rules": [*recordings, heartbeat]}


def _group(signal: Signal, place: Place) -> dict[str, Any]:
    """The recorded value, and an alert for each level of it."""
    recorded = [_recording(each.record, place.fill(each.expression)) for each in signal.recordings]
    value = _recording(signal.record, signal.expression)
    alerts = [_alert(signal, severity, place) for severity, _ in signal.levels]
    return {"name": signal.name, "interval": _INTERVAL, "rules": [*recorded, value, *alerts]}


def _recording(record: str, expression: str) -> dict[str, str]:
    return {"record": record, "expr": expression}


def _alert(signal: Signal, severity: Severity, place: Place) -> dict[str, Any]:
    level = signal.level(severity)
    if level is None:
        raise ValueError(f"{signal.name} has no {severity}")
    threshold = f"{level.threshold:g} {signal.unit}".strip()
    found = "".join(f", {label.removeprefix('dimension_')} {{{{ $labels.{label} }}}}" for label in signal.by)
    return {
        "alert": signal.alert,
        "expr": f"{signal.record} {signal.direction} {level.threshold:g}",
        "for": level.hold,
        "labels": {
            "severity": str(severity),
            "signal": signal.name,
            "system": str(signal.system),
            "team": str(signal.team),
            "environment": place.environment,
            "region": place.region,
        },
        "annotations": {
            "summary": f"{signal.summary}{found}",
            "description": f"{signal.title}: {_HUMAN[signal.unit]}; {severity} {signal.direction} {threshold}",
            "runbook_url": runbook_url(signal.page, place),
            "dashboard_url": dashboard_url(signal, place),
        },
    }


def _text(groups: Sequence[dict[str, Any]]) -> str:
    return yaml.safe_dump({"groups": list(groups)}, sort_keys=False, width=1000, allow_unicode=True)
