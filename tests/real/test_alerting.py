"""From a figure to a message: a real Prometheus evaluates the rules, a real Alertmanager sends, somebody receives."""

import json
from collections.abc import Callable, Iterator

import pytest

from components.observability.alertmanager import definition
from components.observability.rules import rule_groups
from tests.observability.places import ACTIVE
from tests.observability.receivers import RECEIVERS
from tests.real.monitoring import Message, Monitoring, monitoring

SECONDS = 10
"""Within which a message arrives, times of holding and waiting shortened to a second at most."""

# A signal for each test: what still resolves is not sent anew
NODE = '{id="/",device="/dev/nvme1n1p1",instance="node-1"}'
CLAIM = '{namespace="vault",persistentvolumeclaim="data \\"0\\""}'
PODS = tuple(f'namespace="trading",pod="strategy-{number}",container="strategy"' for number in (1, 2))
NODE_DISK, VOLUME_DISK = f"container_fs_usage_bytes{NODE}", f"kubelet_volume_stats_used_bytes{CLAIM}"
FIRST_MEMORY, SECOND_MEMORY = (f"container_memory_working_set_bytes{{{pod}}}" for pod in PODS)
CACHE = 'aws_elasticache_database_memory_usage_percentage_maximum{dimension_CacheClusterId="mastertrade-prod-cache-us-east-1-0001-001"}'
FIRST_EXECUTOR, SECOND_EXECUTOR = (f'mastertrade_order_executor_active{{pod="order-executor-{number}"}}' for number in (0, 1))
HEALTHY = {
    NODE_DISK: 50,
    f"container_fs_limit_bytes{NODE}": 100,
    VOLUME_DISK: 50,
    f"kubelet_volume_stats_capacity_bytes{CLAIM}": 100,
    FIRST_MEMORY: 50,
    SECOND_MEMORY: 50,
    **{f'kube_pod_container_resource_limits{{{pod},resource="memory"}}': 100 for pod in PODS},
    CACHE: 50,
    FIRST_EXECUTOR: 1,
    SECOND_EXECUTOR: 0,
}


@pytest.fixture(scope="module")
def servers() -> Iterator[Monitoring]:
    with monitoring(rule_groups(ACTIVE), definition(RECEIVERS), HEALTHY) as running:
        yield running


@pytest.fixture
def watched(servers: Monitoring) -> Iterator[Monitoring]:
    """Servers that see a healthy platform before a test and after it."""
    servers.messages.clear()
    yield servers
    servers.metrics.update(HEALTHY)


def about(alert: str, *, way: str, status: str = "FIRING") -> Callable[[Message], bool]:
    return lambda message: message.way == way and alert in message.subject and message.subject.startswith(f"[{status}")


def test_critical_alert_reaches_slack_mail_and_pager_with_figure_runbook_and_dashboard(watched: Monitoring) -> None:
    watched.metrics[NODE_DISK] = 96
    runbook = "https://monitoring-us-east-1.mastertrade.example/d/runbook-node-resources"
    for way in ("slack", "email", "pagerduty"):
        message = watched.arrived(about("NodeDisk", way=way), SECONDS)
        assert message.subject == "[FIRING CRITICAL] prod us-east-1 NodeDisk"
        assert message.severity == "critical"
        assert runbook in message.text
        assert "https://monitoring-us-east-1.mastertrade.example/d/kubernetes" in message.text
    assert "96.0 %" in watched.arrived(about("NodeDisk", way="email"), SECONDS).text


def test_what_slack_is_sent_is_the_json_that_its_bridge_shows_whatever_labels_hold(watched: Monitoring) -> None:
    """Anything else the bridge drops without a word; the volume's name has quotation marks."""
    watched.metrics[VOLUME_DISK] = 96
    sent = json.loads(watched.arrived(about("VolumeDisk", way="slack"), SECONDS).text)
    assert (sent["version"], sent["source"], sent["content"]["textType"]) == ("1.0", "custom", "client-markdown")
    assert 'persistentvolumeclaim data "0"' in sent["content"]["description"]
    assert sent["metadata"]["threadId"] == "volume-disk-prod-us-east-1"


def test_warning_reaches_slack_and_wakes_nobody(watched: Monitoring) -> None:
    watched.metrics[CACHE] = 90
    message = watched.arrived(about("CacheMemory", way="slack"), SECONDS)
    assert message.severity == "warning"
    assert not [each for each in watched.messages if "CacheMemory" in each.subject and each.way != "slack"]


def test_critical_alert_keeps_back_the_warning_about_the_same_and_no_other(watched: Monitoring) -> None:
    watched.metrics[FIRST_MEMORY] = 96
    watched.arrived(about("PodMemory", way="pagerduty"), SECONDS)
    watched.metrics[SECOND_MEMORY] = 90
    # of the same group and the later one: by now the other would have been sent, or would be in it
    text = watched.arrived(lambda message: "PodMemory" in message.subject and message.severity == "warning", SECONDS).text
    assert "strategy-2" in text
    assert "strategy-1" not in text


def test_two_executors_wake_somebody_and_everybody_hears_when_it_is_over(watched: Monitoring) -> None:
    watched.metrics[SECOND_EXECUTOR] = 1
    watched.arrived(about("OrderExecutorDoubled", way="pagerduty"), SECONDS)
    watched.metrics[SECOND_EXECUTOR] = 0
    for way in ("slack", "email"):
        watched.arrived(about("OrderExecutorDoubled", way=way, status="RESOLVED"), SECONDS)


def test_heartbeat_arrives_again_and_again(watched: Monitoring) -> None:
    for _ in range(3):
        message = watched.arrived(about("Heartbeat", way="heartbeat"), SECONDS)
        assert "runbook-heartbeat-missed" in message.text
        watched.messages.remove(message)
