"""What watches a region from its cluster: the collector, the exporter of CloudWatch's figures, dashboards, log search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cluster import Cluster
from components.observability.central_logs import CentralLogs
from components.observability.cloud_metrics import CloudMetrics, CloudMetricsArgs
from components.observability.collection import Collection, CollectionArgs
from components.observability.grafana import Grafana, GrafanaArgs
from components.observability.log_search import LogSearch, LogSearchArgs
from components.observability.metrics import Metrics, changed_thresholds, place
from components.observability.secret_ages import SecretAges, SecretAgesArgs
from components.workloads.objects import ClusterContext, image
from components.workloads.workloads import Workloads
from settings.model import PlatformSettings
from settings.pod_traffic import MONITORING
from settings.routes import DASHBOARDS, LOG_SEARCH


@dataclass(frozen=True)
class MonitoringArgs:
    """What monitoring is given."""

    cluster: Cluster
    objects: ClusterContext
    settings: PlatformSettings
    metrics: Metrics
    workloads: Workloads
    subnet_ids: Sequence[pulumi.Input[str]]
    collector_security_group_id: pulumi.Input[str]
    logs: CentralLogs
    target_group_arns: Mapping[str, pulumi.Input[str]]
    load_balancer_cidr: str


class Monitoring(pulumi.ComponentResource):
    """Whatever of monitoring runs on, or looks at, the cluster."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:Monitoring", name, None, opts)
        self._args = args
        self._context = args.objects.region
        self._collect()
        self._export_cloud_metrics()
        self._tell_ages_of_secrets()
        self._show()
        self._search_logs()
        self.register_outputs({})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _image(self, reference: str) -> str:
        return image(self._args.settings.images.registry, reference, self._context)

    def _collect(self) -> None:
        args = self._args
        Collection(
            self._context.logical("collection"),
            CollectionArgs(
                context=self._context,
                workspace_arn=args.metrics.workspace_arn,
                log_group_arn=args.metrics.log_group.arn,
                cluster_arn=args.cluster.cluster_arn,
                subnet_ids=args.subnet_ids,
                security_group_id=args.collector_security_group_id,
                after=[args.workloads.add_ons],
            ),
            self._child(),
        )

    def _export_cloud_metrics(self) -> None:
        args = self._args
        CloudMetrics(
            self._context.logical("cloud-metrics"),
            CloudMetricsArgs(
                cluster=args.objects,
                image=self._image(args.settings.images.cloud_metrics),
                after=args.workloads.ready(MONITORING),
            ),
            self._child(),
        )

    def _tell_ages_of_secrets(self) -> None:
        args = self._args
        SecretAges(
            self._context.logical("secret-ages"),
            SecretAgesArgs(args.objects, self._image(args.settings.images.aws_cli), args.workloads.ready(MONITORING)),
            self._child(),
        )

    def _show(self) -> None:
        args, settings = self._args, self._args.settings
        Grafana(
            self._context.logical("dashboards"),
            GrafanaArgs(
                cluster=args.objects,
                image=self._image(settings.images.grafana),
                replicas=settings.observability.dashboards.replicas,
                place=place(settings, self._context.region),
                thresholds=changed_thresholds(settings),
                metrics_endpoint=args.metrics.endpoint,
                workspace_arn=args.metrics.workspace_arn,
                trusted_cidr=args.load_balancer_cidr,
                target_group_arn=args.target_group_arns[DASHBOARDS.name],
                certificates=args.workloads.add_ons.certificates,
                after=args.workloads.ready(MONITORING),
            ),
            self._child(),
        )

    def _search_logs(self) -> None:
        args, settings = self._args, self._args.settings
        LogSearch(
            self._context.logical("log-search"),
            LogSearchArgs(
                cluster=args.objects,
                image=self._image(settings.images.log_search),
                replicas=settings.observability.logs.search_replicas,
                endpoint=args.logs.endpoint,
                domain_arn=args.logs.store_arn,
                target_group_arn=args.target_group_arns[LOG_SEARCH.name],
                certificates=args.workloads.add_ons.certificates,
                after=args.workloads.ready(MONITORING),
            ),
            self._child(),
        )
