"""Where metrics come from: what the managed collector reads on a cluster, and how it gets there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import yaml

from components.context import RegionContext
from components.workloads.pods import METRICS_PORT_NAME
from settings.add_ons import AddOn
from settings.names import NameRule
from settings.pod_traffic import MONITORING, NAME_LABEL, TRADING, VAULT
from settings.signals import EVALUATION_SECONDS, SCRAPE_SECONDS
from settings.traffic import CERTIFICATE_METRICS, OBJECT_METRICS, VAULT_API, Party

_POD, _NODE = "__meta_kubernetes_pod", "__meta_kubernetes_node"
_NAME = f"{_POD}_label_{NAME_LABEL.replace('.', '_').replace('/', '_')}"
_API_SERVER = "kubernetes.default.svc:443"
# where the collector keeps what EKS gave it (Managed Service for Prometheus user guide, "Scraper configuration")
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path
_CREATE_MINUTES = 60  # half an hour is usual


@dataclass(frozen=True)
class CollectionArgs:
    """What the collection is given. `after`: what is asked for metrics, and may be asked."""

    context: RegionContext
    workspace_arn: pulumi.Input[str]
    log_group_arn: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    after: Sequence[pulumi.Resource]


class Collection(pulumi.ComponentResource):
    """An agentless collector: AWS runs it, gives it its access to the cluster, and puts its addresses into our subnets."""

    def __init__(self, name: str, args: CollectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:Collection", name, None, opts)
        self._args = args
        self._context = args.context
        self._log(self._create_collector())
        self.register_outputs({})

    def _create_collector(self) -> aws.amp.Scraper:
        args = self._args
        return aws.amp.Scraper(
            self._context.logical("metrics-collector"),
            alias=self._context.name(NameRule.PROMETHEUS_ALIAS, "collector"),
            source={
                "eks": {"cluster_arn": args.cluster_arn, "subnet_ids": args.subnet_ids, "security_group_ids": [args.security_group_id]}
            },
            destination={"amp": {"workspace_arn": args.workspace_arn}},
            scrape_configuration=scrape_configuration(self._context.region, self._context.names.stack),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.after,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{_CREATE_MINUTES}m", update=f"{_CREATE_MINUTES}m", delete="30m"),
            ),
        )

    def _log(self, collector: aws.amp.Scraper) -> None:
        """Targets that do not answer, and samples that were refused."""
        aws.amp.ScraperLoggingConfiguration(
            self._context.logical("metrics-collector"),
            scraper_id=collector.id,
            scraper_components=["SERVICE_DISCOVERY", "COLLECTOR", "EXPORTER"],
            logging_destination={"cloudwatch_logs": {"log_group_arn": pulumi.Output.format("{0}:*", self._args.log_group_arn)}},
            opts=pulumi.ResourceOptions(parent=self),
        )


def scrape_configuration(region: str, stack: str) -> str:
    """What is asked, as Prometheus writes it. Jobs have the names that rules know them by (`settings/signals.py`)."""
    return yaml.safe_dump(
        {
            "global": {
                "scrape_interval": f"{SCRAPE_SECONDS}s",
                "scrape_timeout": "10s",
                "evaluation_interval": f"{EVALUATION_SECONDS}s",
                "external_labels": {"region": str(region), "stack": stack},
            },
            "scrape_configs": [
                _trading_services(),
                _vault(),
                _cloud_metrics(),
                _add_on("kube-state-metrics", AddOn.OBJECT_METRICS, OBJECT_METRICS),
                _add_on("cert-manager", AddOn.CERTIFICATES, CERTIFICATE_METRICS),
                _nodes("kubelet", "/metrics"),
                _nodes("cadvisor", "/metrics/cadvisor"),
            ],
        },
        sort_keys=False,
        width=1000,
    )


def _trading_services() -> dict[str, Any]:
    return {
        **_pods("trading-services", TRADING),
        **_TLS,
        "relabel_configs": [
            _keep(f"{_POD}_container_port_name", METRICS_PORT_NAME),
            _copy(_NAME, "service"),
            *_WHERE,
        ],
    }


def _vault() -> dict[str, Any]:
    return {
        **_pods("vault", VAULT),
        **_TLS,
        "metrics_path": "/v1/sys/metrics",
        "params": {"format": ["prometheus"]},
        "relabel_configs": [
            _keep(_NAME, Party.VAULT),
            _keep(f"{_POD}_container_port_number", str(VAULT_API)),
            *_WHERE,
        ],
    }


def _cloud_metrics() -> dict[str, Any]:
    return {
        **_pods("cloudwatch", MONITORING),
        "honor_timestamps": False,  # CloudWatch is minutes behind; a gap would look like silence
        "relabel_configs": [_keep(_NAME, Party.CLOUD_METRICS)],
    }


def _add_on(job: str, add_on: AddOn, port: int) -> dict[str, Any]:
    """An add-on's pods. What they tell of other pods keeps the names of those."""
    return {
        **_pods(job, add_on.namespace),
        "honor_labels": True,
        "relabel_configs": [
            # one target of each pod, whichever ports it names
            {"source_labels": [f"{_POD}_ip"], "target_label": "__address__", "replacement": f"$1:{port}"},
            _keep(f"{_POD}_container_port_number", str(port)),
        ],
    }


def _nodes(job: str, path: str) -> dict[str, Any]:
    """Through the API server, which may ask kubelets: the collector needs no way to nodes."""
    return {
        "job_name": job,
        "scheme": "https",
        "authorization": {"type": "Bearer", "credentials_file": _TOKEN},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            {"target_label": "__address__", "replacement": _API_SERVER},
            {
                "source_labels": [f"{_NODE}_name"],
                "target_label": "__metrics_path__",
                "replacement": f"/api/v1/nodes/$1/proxy{path}",
            },
            # or every node would be called like the API server that is asked, and be one
            _copy(f"{_NODE}_name", "instance"),
        ],
    }


def _pods(job: str, namespace: str) -> dict[str, Any]:
    return {"job_name": job, "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}]}


def _keep(label: str, value: str) -> dict[str, Any]:
    return {"action": "keep", "source_labels": [label], "regex": str(value)}


def _copy(label: str, target: str) -> dict[str, Any]:
    return {"source_labels": [label], "target_label": target}


# The cluster's own authority signs for its services: who is outside of the cluster does not know it
_TLS: dict[str, Any] = {"scheme": "https", "tls_config": {"insecure_skip_verify": True}}
_WHERE = (_copy("__meta_kubernetes_namespace", "namespace"), _copy(f"{_POD}_name", "pod"))
