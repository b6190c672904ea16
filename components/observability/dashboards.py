"""Grafana dashboards, from the table of signals and a table of panels beside it, and the runbooks as pages of Grafana.

Every signal is a panel on the dashboard of its system, with its thresholds as lines, so that a line never disagrees with an alert.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings.signals import Dashboard, Direction, Place, Severity, Signal, Thresholds, Unit, signals_of

DATA_SOURCE = "metrics"
"""Identifier of the region's Prometheus among Grafana's data sources."""
DATA_SOURCE_KIND = "prometheus"
"""The plugin of Grafana that asks it."""

_RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
_SCHEMA_VERSION = 39  # Grafana 11 and later read it as it is, and migrate it themselves
_WIDTH, _COLUMNS, _HEIGHT = 24, 3, 8
_COLOURS = {Severity.WARNING: "orange", Severity.CRITICAL: "red"}
_PREVIOUS_HOURS = "now-3h"

_UNITS: dict[Unit, str] = {
    Unit.MILLISECONDS: "ms",
    Unit.SECONDS: "s",
    Unit.MINUTES: "m",
    Unit.DAYS: "d",
    Unit.PERCENT: "percent",
    Unit.PER_SECOND: "ops",
    Unit.TIMES: "short",
    Unit.COUNT: "short",
}
BYTES, BYTES_PER_SECOND, DOLLARS = "bytes", "Bps", "currencyUSD"

TITLES: dict[Dashboard, str] = {
    Dashboard.PLATFORM: "Platform overview",
    Dashboard.API: "API",
    Dashboard.DATABASE: "Database",
    Dashboard.CACHE: "Cache and sessions",
    Dashboard.BROKER: "Broker",
    Dashboard.ORDER_FLOW: "Order flow",
    Dashboard.KUBERNETES: "Kubernetes",
    Dashboard.LOGS: "Logs",
    Dashboard.RECOVERY: "Recovery objectives",
    Dashboard.COST: "Cost drivers",
}


@dataclass(frozen=True)
class Panel:
    """A graph beside the signals. `unit` is Grafana's; `legend` may name labels, `{{service}}`."""

    dashboard: Dashboard
    title: str
    expression: str
    unit: str
    legend: str = ""


_REQUESTS = "http_server_request_duration_seconds"

PANELS: tuple[Panel, ...] = (
    Panel(
        Dashboard.PLATFORM,
        "Alerts that fire",
        'sum by (severity) (ALERTS{alertstate="firing",severity=~"warning|critical"}) or vector(0)',
        "short",
        "{{severity}}",
    ),
    Panel(Dashboard.PLATFORM, "Services that answer", "service:answers", "short", "{{service}}"),
    Panel(Dashboard.PLATFORM, "Requests", f"sum by (service) (rate({_REQUESTS}_count[2m]))", "reqps", "{{service}}"),
    Panel(
        Dashboard.PLATFORM,
        "Failed requests",
        f'sum by (service) (rate({_REQUESTS}_count{{http_response_status_code=~"5.."}}[2m]))',
        "reqps",
        "{{service}}",
    ),
    Panel(Dashboard.PLATFORM, "Orders", "sum by (state) (rate(mastertrade_orders_total[2m]))", "ops", "{{state}}"),
    Panel(Dashboard.PLATFORM, "Open streams", "sum(mastertrade_streams_open)", "short", "streams"),
    Panel(Dashboard.PLATFORM, "Vault members that lead", "sum(vault_core_active)", "short", "leaders"),
    Panel(Dashboard.PLATFORM, "Requests to Vault", "sum(rate(vault_core_handle_request_count[5m]))", "reqps", "requests"),
    Panel(
        Dashboard.API,
        "Requests by answer",
        f'sum by (http_response_status_code) (rate({_REQUESTS}_count{{service="api-gateway"}}[2m]))',
        "reqps",
        "{{http_response_status_code}}",
    ),
    Panel(
        Dashboard.API,
        "Slowest routes, 95th percentile",
        f'topk(10, histogram_quantile(0.95, sum by (le, http_route) (rate({_REQUESTS}_bucket{{service="api-gateway"}}[5m]))))',
        "s",
        "{{http_route}}",
    ),
    Panel(Dashboard.API, "Requests at the load balancer", "sum(aws_applicationelb_request_count_sum) / 60", "reqps", "requests"),
    Panel(
        Dashboard.API,
        "Healthy targets",
        'min by (dimension_TargetGroup) (aws_applicationelb_healthy_host_count_minimum{dimension_TargetGroup!=""})',
        "short",
        "{{dimension_TargetGroup}}",
    ),
    Panel(Dashboard.API, "Requests in progress", "sum by (service) (http_server_active_requests)", "short", "{{service}}"),
    Panel(
        Dashboard.API,
        "Checks from outside",
        "avg by (dimension_CanaryName) (aws_cloudwatchsynthetics_success_percent_average)",
        "percent",
        "{{dimension_CanaryName}}",
    ),
    Panel(
        Dashboard.API,
        "Time of checks from outside",
        "avg by (dimension_CanaryName) (aws_cloudwatchsynthetics_duration_average)",
        "ms",
        "{{dimension_CanaryName}}",
    ),
    Panel(
        Dashboard.DATABASE,
        "Processor",
        'avg by (dimension_DBInstanceIdentifier) (aws_rds_cpuutilization_average{dimension_DBInstanceIdentifier!=""})',
        "percent",
        "{{dimension_DBInstanceIdentifier}}",
    ),
    Panel(
        Dashboard.DATABASE,
        "Connections",
        'max by (dimension_DBInstanceIdentifier) (aws_rds_database_connections_maximum{dimension_DBInstanceIdentifier!=""})',
        "short",
        "{{dimension_DBInstanceIdentifier}}",
    ),
    Panel(
        Dashboard.DATABASE,
        "Queries",
        "sum by (service) (rate(db_client_operation_duration_seconds_count[2m]))",
        "ops",
        "{{service}}",
    ),
    Panel(
        Dashboard.DATABASE,
        "Query time, 95th percentile",
        "histogram_quantile(0.95, sum by (le, service) (rate(db_client_operation_duration_seconds_bucket[5m])))",
        "s",
        "{{service}}",
    ),
    Panel(
        Dashboard.CACHE,
        "Processor of the engine",
        "max by (dimension_CacheClusterId) (aws_elasticache_engine_cpuutilization_average)",
        "percent",
        "{{dimension_CacheClusterId}}",
    ),
    Panel(
        Dashboard.CACHE,
        "Connections",
        "max by (dimension_CacheClusterId) (aws_elasticache_curr_connections_maximum)",
        "short",
        "{{dimension_CacheClusterId}}",
    ),
    Panel(
        Dashboard.CACHE,
        "Replication lag inside the region",
        "max by (dimension_CacheClusterId) (aws_elasticache_replication_lag_maximum)",
        "s",
        "{{dimension_CacheClusterId}}",
    ),
    Panel(Dashboard.BROKER, "Published", "sum by (dimension_Broker) (aws_amazonmq_publish_rate_average)", "ops", "{{dimension_Broker}}"),
    Panel(Dashboard.BROKER, "Acknowledged", "sum by (dimension_Broker) (aws_amazonmq_ack_rate_average)", "ops", "{{dimension_Broker}}"),
    Panel(
        Dashboard.BROKER,
        "Longest queues",
        'topk(10, max by (dimension_Queue) (aws_amazonmq_message_ready_count_maximum{dimension_Queue!=""}))',
        "short",
        "{{dimension_Queue}}",
    ),
    Panel(
        Dashboard.BROKER,
        "Consumers",
        'min by (dimension_Broker) (aws_amazonmq_consumer_count_minimum{dimension_Queue=""})',
        "short",
        "{{dimension_Broker}}",
    ),
    Panel(
        Dashboard.BROKER,
        "Connections",
        "max by (dimension_Broker) (aws_amazonmq_connection_count_maximum)",
        "short",
        "{{dimension_Broker}}",
    ),
    Panel(Dashboard.ORDER_FLOW, "Orders by state", "sum by (state) (rate(mastertrade_orders_total[2m]))", "ops", "{{state}}"),
    Panel(Dashboard.ORDER_FLOW, "Orders today", "sum by (state) (increase(mastertrade_orders_total[1d]))", "short", "{{state}}"),
    Panel(
        Dashboard.ORDER_FLOW,
        "Time from order to exchange, 95th percentile",
        "histogram_quantile(0.95, sum by (le, venue) (rate(mastertrade_order_duration_seconds_bucket[5m])))",
        "s",
        "{{venue}}",
    ),
    Panel(Dashboard.ORDER_FLOW, "Risk checks", "sum by (result) (rate(mastertrade_risk_checks_total[2m]))", "ops", "{{result}}"),
    Panel(Dashboard.ORDER_FLOW, "Executor, by pod", "mastertrade_order_executor_active", "short", "{{pod}}"),
    Panel(Dashboard.ORDER_FLOW, "Number of the lease", "max(mastertrade_order_lease_token)", "short", "token"),
    Panel(
        Dashboard.ORDER_FLOW,
        "Market data collected",
        "sum by (vendor) (rate(mastertrade_market_data_bytes_total[5m]))",
        BYTES_PER_SECOND,
        "{{vendor}}",
    ),
    Panel(
        Dashboard.KUBERNETES,
        "Pods that are not running",
        'sum by (namespace, phase) (kube_pod_status_phase{phase=~"Pending|Failed|Unknown"})',
        "short",
        "{{namespace}} {{phase}}",
    ),
    Panel(
        Dashboard.KUBERNETES,
        "Restarts within an hour",
        "sum by (namespace, container) (increase(kube_pod_container_status_restarts_total[1h]))",
        "short",
        "{{namespace}} {{container}}",
    ),
    Panel(
        Dashboard.KUBERNETES,
        "Processor by service",
        'sum by (container) (rate(container_cpu_usage_seconds_total{namespace="trading",container!=""}[5m]))',
        "short",
        "{{container}}",
    ),
    Panel(
        Dashboard.KUBERNETES,
        "Replicas that answer",
        'max by (deployment) (kube_deployment_status_replicas_available{namespace="trading"})',
        "short",
        "{{deployment}}",
    ),
    Panel(
        Dashboard.KUBERNETES,
        "Nodes",
        'sum by (condition) (kube_node_status_condition{status="true",condition=~"Ready|MemoryPressure|DiskPressure"})',
        "short",
        "{{condition}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Lines brought to the store",
        "topk(10, sum by (dimension_LogGroupName) (aws_logs_forwarded_log_events_sum)) / 300",
        "ops",
        "{{dimension_LogGroupName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Lines that could not be delivered",
        "topk(10, sum by (dimension_LogGroupName) (aws_logs_delivery_errors_sum)) / 300",
        "ops",
        "{{dimension_LogGroupName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Runs of the shipper and of the set-up",
        'sum by (dimension_FunctionName) (aws_lambda_invocations_sum{dimension_FunctionName=~".+-log-.+"}) / 300',
        "ops",
        "{{dimension_FunctionName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Longest run",
        'max by (dimension_FunctionName) (aws_lambda_duration_maximum{dimension_FunctionName=~".+-log-.+"})',
        "ms",
        "{{dimension_FunctionName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Age of the oldest batch that waits",
        'max by (dimension_FunctionName) (aws_lambda_async_event_age_maximum{dimension_FunctionName=~".+-log-.+"})',
        "ms",
        "{{dimension_FunctionName}}",
    ),
    Panel(Dashboard.LOGS, "Documents written, each copy", "sum(aws_es_indexing_rate_sum) / 60", "ops", "documents"),
    Panel(
        Dashboard.LOGS,
        "Time of a search",
        "max by (dimension_DomainName) (aws_es_search_latency_average)",
        "ms",
        "{{dimension_DomainName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Processor of the busiest node",
        "max by (dimension_DomainName) (aws_es_cpuutilization_maximum)",
        "percent",
        "{{dimension_DomainName}}",
    ),
    Panel(
        Dashboard.LOGS,
        "Free space of the fullest node",
        "1024 ^ 2 * min by (dimension_DomainName) (aws_es_free_storage_space_minimum)",
        BYTES,
        "{{dimension_DomainName}}",
    ),
    Panel(Dashboard.LOGS, "Nodes", "min by (dimension_DomainName) (aws_es_nodes_minimum)", "short", "{{dimension_DomainName}}"),
    Panel(
        Dashboard.RECOVERY,
        "Health of regions, as Route 53 sees it",
        'min by (tag_Name) (aws_route53_health_check_status_minimum{tag_Name=~"entry-.+"})',
        "short",
        "{{tag_Name}}",
    ),
    Panel(
        Dashboard.RECOVERY,
        "Availability within 30 days",
        "100 * (1 - avg_over_time(api:error_ratio:5m[30d:5m]))",
        "percent",
        "available",
    ),
    Panel(
        Dashboard.RECOVERY,
        "Backups completed",
        "sum(aws_backup_number_of_backup_jobs_completed_sum)",
        "short",
        "completed",
    ),
    Panel(
        Dashboard.COST,
        "Charges of the month, of the account",
        "sum by (dimension_ServiceName) (aws_billing_estimated_charges_maximum)",
        DOLLARS,
        "{{dimension_ServiceName}}",
    ),
    Panel(
        Dashboard.COST,
        "Cores of nodes, and what pods ask for",
        'sum(kube_node_status_capacity{resource="cpu"})',
        "short",
        "nodes",
    ),
    Panel(
        Dashboard.COST,
        "Cores that pods ask for",
        'sum by (namespace) (kube_pod_container_resource_requests{resource="cpu"})',
        "short",
        "{{namespace}}",
    ),
    Panel(Dashboard.COST, "Traffic through NAT gateways", "sum(aws_natgateway_bytes_out_to_destination_sum) / 60", BYTES_PER_SECOND, "out"),
    Panel(Dashboard.COST, "Capacity units of the load balancer", "sum(aws_applicationelb_consumed_lcus_sum)", "short", "units"),
    Panel(
        Dashboard.COST,
        "Database volume",
        "max by (dimension_DBClusterIdentifier) (aws_rds_volume_bytes_used_average)",
        BYTES,
        "{{dimension_DBClusterIdentifier}}",
    ),
    Panel(
        Dashboard.COST,
        "Database reads and writes of storage",
        "sum(aws_rds_volume_read_iops_sum) + sum(aws_rds_volume_write_iops_sum)",
        "short",
        "operations in five minutes",
    ),
    Panel(
        Dashboard.COST,
        "Writes replicated to other regions",
        "sum(aws_rds_aurora_global_dbreplicated_write_io_sum)",
        "short",
        "operations",
    ),
    Panel(
        Dashboard.COST,
        "Logs taken in",
        "topk(10, sum by (dimension_LogGroupName) (aws_logs_incoming_bytes_sum)) / 300",
        BYTES_PER_SECOND,
        "{{dimension_LogGroupName}}",
    ),
    Panel(
        Dashboard.COST,
        "Figures asked of CloudWatch",
        "sum(rate(yace_cloudwatch_getmetricdata_metrics_requested_total[15m])) * 3600",
        "short",
        "an hour",
    ),
)
"""Graphs that no alert belongs to."""


def dashboards(place: Place, changes: Thresholds | None = None) -> dict[str, str]:
    """The dashboards of a region: file name to JSON. Every signal of the region is on one of them."""
    signals = signals_of(place, changes)
    return {f"{each}.json": _json(_dashboard(each, signals, place)) for each in Dashboard}


def runbook_dashboards() -> dict[str, str]:
    """The runbooks as pages of Grafana: file name to JSON. An alert's link leads there, wherever the repository is kept."""
    return {f"runbook-{page.stem}.json": _json(_runbook(page)) for page in sorted(_RUNBOOKS.glob("*.md")) if page.stem != "README"}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _dashboard(dashboard: Dashboard, signals: Sequence[Signal], place: Place) -> dict[str, Any]:
    shown = [signal for signal in signals if signal.system.dashboard is dashboard]
    panels = [
        *(_signal_panel(signal) for signal in shown),
        *(_panel(each.title, place.fill(each.expression), each.unit, each.legend) for each in PANELS if each.dashboard is dashboard),
    ]
    return _page(
        uid=dashboard,
        title=TITLES[dashboard],
        tags=["mastertrade"],
        links=[_links_to("mastertrade", "Dashboards"), _links_to("runbook", "Runbooks")],
        panels=list(_laid_out(panels)),
    )


def _page(*, uid: str, title: str, tags: list[str], links: list[dict[str, Any]], panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": tags,
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # one cross-hair over all panels
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": _PREVIOUS_HOURS, "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": []},
        "links": links,
        "panels": panels,
    }


_LINK: dict[str, Any] = {
    "icon": "",
    "tooltip": "",
    "tags": [],
    "asDropdown": False,
    "targetBlank": False,
    "includeVars": False,
    "keepTime": False,
}
"""What Grafana's schema asks of every link."""


def _links_to(tag: str, title: str) -> dict[str, Any]:
    return {**_LINK, "type": "dashboards", "title": title, "tags": [tag], "asDropdown": True, "keepTime": True}


def _signal_panel(signal: Signal) -> dict[str, Any]:
    legend = " ".join(f"{{{{{label}}}}}" for label in signal.by) or signal.title
    panel = _panel(signal.title, signal.record, _UNITS[signal.unit], legend)
    panel["description"] = signal.summary
    panel["links"] = [{**_LINK, "type": "link", "title": "Runbook", "url": f"/d/runbook-{signal.page}", "targetBlank": True}]
    panel["fieldConfig"]["defaults"] |= {
        "thresholds": {"mode": "absolute", "steps": _steps(signal)},
        "custom": {**_LINES, "thresholdsStyle": {"mode": "line+area" if signal.direction is not Direction.BELOW else "line"}},
    }
    return panel


_LINES: dict[str, Any] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": 120_000}


def _steps(signal: Signal) -> list[dict[str, Any]]:
    """From low to high, each colour from its value on. Where low is bad, the colour below the lowest threshold comes first."""
    levels = [(level.threshold, _COLOURS[severity]) for severity, level in signal.levels]
    if signal.direction is not Direction.BELOW:
        return [{"value": None, "color": "green"}, *({"value": value, "color": colour} for value, colour in levels)]
    ascending = levels[::-1]
    colours = [colour for _, colour in ascending]
    above = [*colours[1:], "green"]
    return [
        {"value": None, "color": colours[0]},
        *({"value": value, "color": colour} for (value, _), colour in zip(ascending, above, strict=True)),
    ]


def _panel(title: str, expression: str, unit: str, legend: str) -> dict[str, Any]:
    source = {"type": DATA_SOURCE_KIND, "uid": DATA_SOURCE}
    return {
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "targets": [{"refId": "A", "datasource": source, "expr": expression, "legendFormat": legend or "__auto"}],
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": dict(_LINES)}, "overrides": []},
        "options": {
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _laid_out(panels: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Three in a row. An identifier follows from the title, so that a new panel renumbers no other."""
    width = _WIDTH // _COLUMNS
    for number, panel in enumerate(panels):
        row, column = divmod(number, _COLUMNS)
        place = {"x": column * width, "y": row * _HEIGHT, "w": width, "h": _HEIGHT}
        yield {"id": _identifier(panel["title"]), **panel, "gridPos": place}


def _identifier(title: str) -> int:
    return int.from_bytes(hashlib.sha256(title.encode()).digest()[:3], "big") + 1


def _runbook(page: Path) -> dict[str, Any]:
    """A page of text. Links between runbooks lead to each other inside of Grafana too."""
    title, _, text = page.read_text().partition("\n")
    content = re.sub(r"\]\(([a-z0-9-]+)\.md(#[\w-]+)?\)", r"](/d/runbook-\1)", text.strip())
    panel = {
        "type": "text",
        "title": "",
        "options": {"mode": "markdown", "content": content},
        "gridPos": {"x": 0, "y": 0, "w": _WIDTH, "h": 3 * _HEIGHT},
        "id": 1,
    }
    heading = title.removeprefix("# ")
    return _page(
        uid=f"runbook-{page.stem}",
        title=f"Runbook: {heading}",
        tags=["runbook"],
        links=[_links_to("mastertrade", "Dashboards")],
        panels=[panel],
    )
