"""What CloudWatch measures, for Prometheus: Yet Another CloudWatch Exporter."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.observability.exporters import cloudwatch_configuration
from components.observability.watcher import Port, Watcher, WatcherArgs
from components.policy_document import Statement
from components.workloads.objects import ClusterContext
from components.workloads.scripts import config_map
from settings.capacity import CLOUD_METRICS_POD
from settings.pod_traffic import MONITORING
from settings.traffic import CLOUD_METRICS, Party

_FOLDER, _FILE = "/etc/cloud-metrics", "metrics.yaml"
_INTERVAL_SECONDS = 60  # as often as CloudWatch has something new


@dataclass(frozen=True)
class CloudMetricsArgs:
    """What the exporter is given. `after`: namespace, policies, nodes."""

    cluster: ClusterContext
    image: str
    after: Sequence[pulumi.Resource]


class CloudMetrics(pulumi.ComponentResource):
    """One pod: two would ask, and pay, twice. Alarms that must not depend on it are CloudWatch's own."""

    def __init__(self, name: str, args: CloudMetricsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:CloudMetrics", name, None, opts)
        context = args.cluster.region
        configuration = config_map(
            args.cluster,
            Party.CLOUD_METRICS,
            name=Party.CLOUD_METRICS,
            namespace=MONITORING,
            party=Party.CLOUD_METRICS,
            files={_FILE: cloudwatch_configuration(str(context.region), context.names.project, context.names.stack)},
            parent=self,
            after=args.after,
        )
        Watcher(
            WatcherArgs(
                cluster=args.cluster,
                party=Party.CLOUD_METRICS,
                image=args.image,
                replicas=1,
                size=CLOUD_METRICS_POD,
                port=Port("metrics", CLOUD_METRICS, "/healthz", "HTTP"),
                arguments=(
                    f"-config.file={_FOLDER}/{_FILE}",
                    f"-listen-address=:{CLOUD_METRICS}",
                    f"-scraping-interval={_INTERVAL_SECONDS}",
                ),
                rights=[_rights()],
                folders={_FOLDER: {"name": "configuration", "config_map": {"name": configuration.metadata.name}}},
                after=args.after,
            ),
            self,
        )
        self.register_outputs({})


def _rights() -> Statement:
    """Figures, and names of tags. CloudWatch knows no resources to narrow them by (service authorization reference)."""
    return Statement(
        sid="ReadMetrics",
        actions=["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "tag:GetResources"],
        resources=["*"],
    )
