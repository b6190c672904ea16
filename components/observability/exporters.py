"""The metrics that exist: who emits them, under which names and labels (`exporters.yaml`), and what the exporter of CloudWatch is told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_TABLE = Path(__file__).with_name("exporters.yaml")
_PERIOD_SECONDS = 60  # what CloudWatch resolves to, for most of AWS
_LOOK_BACK_SECONDS = 600  # some of AWS reports every five minutes, and late
_SERIES = {"gauge": ("",), "counter": ("",), "histogram": ("_bucket", "_sum", "_count")}
_OF_EVERY_TARGET = ("job", "instance")


@dataclass(frozen=True)
class Metric:
    """A series by name, with the labels that it may carry."""

    name: str
    job: str
    labels: frozenset[str]


def cloudwatch_metric(namespace: str, metric: str, statistic: str) -> str:
    """What the exporter calls a CloudWatch metric: `aws_rds_aurora_global_dbrpolag_maximum`."""
    prefix = _snake(namespace.lower()).removeprefix("_")
    name = _snake(metric)
    for part in prefix.split("_"):
        name = name.removeprefix(part)
    return f"{'' if prefix.startswith('aws') else 'aws_'}{prefix}_{name.removeprefix('_')}_{_snake(statistic)}"


def _snake(text: str) -> str:
    """An underscore before a capital that follows a small letter or a digit, and instead of what no metric name may hold."""
    previous, written = "", list[str]()
    for character in text:
        if not character.isalnum():
            written.append("_")
        else:
            follows_word = character.isupper() and (previous.islower() or previous.isdigit())
            written.append(f"{'_' if follows_word else ''}{character.lower()}")
        previous = character
    return "".join(written)


@cache
def metrics() -> Mapping[str, Metric]:
    """Every series that may be queried, by name."""
    return {metric.name: metric for metric in _metrics()}


def jobs() -> tuple[str, ...]:
    """What the scrape calls its groups of targets."""
    return tuple(exporter["job"] for exporter in _table().values())


@cache
def _table() -> dict[str, Any]:
    return yaml.safe_load(_TABLE.read_text())


def _metrics() -> Iterator[Metric]:
    for exporter in _table().values():
        shared = {*_OF_EVERY_TARGET, *exporter["labels"]}
        for name, metric in exporter["metrics"].items():
            labels = {*shared, *metric.get("labels", ())}
            for suffix in _SERIES[metric["type"]]:
                yield Metric(f"{name}{suffix}", exporter["job"], frozenset({*labels, "le"} if suffix == "_bucket" else labels))
        for namespace, described in exporter.get("namespaces", {}).items():
            dimensions = {f"dimension_{each}" for each in described["dimensions"]}
            tags = {f"tag_{each}" for each in described.get("exported_tags", ())}
            for name, statistics in described["metrics"].items():
                for statistic in statistics:
                    yield Metric(cloudwatch_metric(namespace, name, statistic), exporter["job"], frozenset({*shared, *dimensions, *tags}))


def cloudwatch_configuration(region: str, project: str, stack: str) -> str:
    """The configuration of the CloudWatch exporter of a region, as YAML.

    Whole namespaces are asked for: an environment has an account of its own, and no new resource is forgotten. Where a tag tells
    more than an identifier, resources are found by the tags that every resource of a stack carries; the exporter knows
    only some types that way, and stops at one that it does not know.
    """
    namespaces: Mapping[str, Any] = _table()["cloudwatch"]["namespaces"]
    ours = [{"key": "Project", "value": f"^{project}$"}, {"key": "Stack", "value": f"^{stack}$"}]
    tagged = [
        {"type": name, **_cloudwatch_job(each, region), "searchTags": ours} for name, each in namespaces.items() if "exported_tags" in each
    ]
    untagged = [
        {
            "name": name.lower().replace("/", "-"),
            "namespace": name,
            # those of one kind alone: each series costs as much as any other
            **({"dimensionNameRequirements": each["dimensions"]} if each.get("exactly") else {}),
            **_cloudwatch_job(each, region),
        }
        for name, each in namespaces.items()
        if "exported_tags" not in each
    ]
    tags = {name: each["exported_tags"] for name, each in namespaces.items() if "exported_tags" in each}
    document = {"apiVersion": "v1alpha1", "discovery": {"exportedTagsOnMetrics": tags, "jobs": tagged}, "customNamespace": untagged}
    return yaml.safe_dump(document, sort_keys=False, width=1000)


def _cloudwatch_job(described: Mapping[str, Any], region: str) -> dict[str, Any]:
    period = described.get("period_seconds", _PERIOD_SECONDS)
    return {
        "regions": described.get("regions", [region]),
        "period": period,
        "length": max(2 * period, _LOOK_BACK_SECONDS),
        "metrics": [_cloudwatch_query(name, statistic) for name, statistics in described["metrics"].items() for statistic in statistics],
    }


def _cloudwatch_query(name: str, statistic: str) -> dict[str, Any]:
    """What was not counted is 0; left out it would be no number, and no number would be larger or smaller than it."""
    return {"name": name, "statistics": [statistic], **({"nilToZero": True} if statistic == "Sum" else {})}
