"""promtool's unit tests of plain alerts, generated from the table: one just under its threshold, one that fires, one that resolves."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from settings.signals import EVALUATION_SECONDS, Direction, Level, Severity, Signal, Unit
from tests.observability.series import SERIES, Moment, Rate

_STEP = EVALUATION_SECONDS
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SMALL_COUNT = 10


def seconds(duration: str) -> int:
    """Of a duration as Prometheus writes it: `90s`, `5m`."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def limits(signal: Signal, level: Level) -> tuple[float, float]:
    """The last value that is good, and the first that is bad: a hundredth of the threshold apart from it, or one in small numbers."""
    counted = signal.unit is Unit.COUNT and level.threshold <= _SMALL_COUNT
    step = 1 if counted else level.threshold / 100
    margin = 0 if counted else step  # of a small number the threshold itself is still good
    good, bad = {
        Direction.ABOVE: (level.threshold - margin, level.threshold + step),
        Direction.AT_LEAST: (level.threshold - step, level.threshold),
        Direction.BELOW: (level.threshold + margin, level.threshold - step),
    }[signal.direction]
    return good, bad


Test = dict[str, Any]


def plain_tests(signal: Signal) -> list[Test]:
    """The tests of a plain signal: every level of it."""
    return [_test(signal, severity, level) for severity, level in signal.levels]


def write_tests(folder: Path, name: str, tests: Sequence[Test], groups: Sequence[Mapping[str, Any]], seconds_apart: int = _STEP) -> Path:
    """A file for promtool beside the rule groups that it needs, evaluated in their order. Fewer groups are tested sooner."""
    (folder / f"{name}.rules.yaml").write_text(yaml.safe_dump({"groups": list(groups)}, sort_keys=False))
    file = folder / f"{name}.test.yaml"
    document = {
        "rule_files": [f"{name}.rules.yaml"],
        "evaluation_interval": f"{seconds_apart}s",
        # those that are not named here would come in any order
        "group_eval_order": [group["name"] for group in groups],
        "tests": list(tests),
    }
    file.write_text(yaml.safe_dump(document, width=100_000, sort_keys=False))
    return file


def _test(signal: Signal, severity: Severity, level: Level) -> Test:
    """Good, then bad, then good again, each as long as the expression looks back and the alert holds."""
    good, bad = limits(signal, level)
    ranges = [seconds(each) for each in re.findall(r"\[(\d+[smhd])(?::\d+[smhd])?\]", signal.expression)]
    phase = _whole(max([*ranges, _STEP]) + seconds(level.hold) + 2 * _STEP)
    values = [(good, phase), (bad, phase), (good, phase + _STEP)]
    ends = [phase - _STEP, 2 * phase - _STEP, 3 * phase]
    firing = f'ALERTS{{alertname="{signal.alert}",severity="{severity}",alertstate="firing"}}'
    expected = [(ends[0], 0), (ends[1], 1), (ends[2], 0)]
    if hold := seconds(level.hold):
        # not before it has been bad for long enough
        expected.insert(1, (phase + _whole(hold) - _STEP, 0))
    return {
        "name": f"{signal.name} {severity}: {good:g} is good, {bad:g} is not",
        "interval": f"{_STEP}s",
        "input_series": [{"series": name, "values": " ".join(text)} for name, text in _samples(signal, values).items()],
        "promql_expr_test": [
            {"expr": f"count({firing}) or vector(0)", "eval_time": f"{at}s", "exp_samples": [{"labels": "{}", "value": number}]}
            for at, number in expected
        ],
    }


def _whole(duration: int) -> int:
    return -(-duration // _STEP) * _STEP


def _samples(signal: Signal, values: Sequence[tuple[float, int]]) -> dict[str, list[str]]:
    """What each series shows at every step, while the signal takes these values for so many seconds each."""
    starts = [0]
    for _, duration in values:
        starts.append(starts[-1] + duration)
    samples: dict[str, list[str]] = {}
    totals: dict[str, float] = {}
    for (value, _), (start, end) in zip(values, pairwise(starts), strict=True):
        for now in range(start, end, _STEP):
            for name, shown in SERIES[signal.name](value).items():
                samples.setdefault(name, []).append(_sample(name, shown, now, totals))
    return samples


def _sample(name: str, shown: float | Rate | Moment, now: int, totals: dict[str, float]) -> str:
    if isinstance(shown, Rate):
        totals[name] = totals.get(name, 0) + shown.per_second * _STEP
        return f"{totals[name]:.6f}"
    return f"{now + shown.seconds:.0f}" if isinstance(shown, Moment) else f"{shown:.6f}"
