"""Dashboards at monitoring.: Grafana, made anew from files with every pod."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import yaml
from pulumi_kubernetes import core

from components.observability.dashboards import DATA_SOURCE, DATA_SOURCE_KIND, dashboards, runbook_dashboards
from components.observability.served import serve
from components.observability.watcher import Port, Watcher, WatcherArgs
from components.policy_document import Statement
from components.workloads.certificates import certificate_secret
from components.workloads.contract import TLS_FOLDER
from components.workloads.objects import ClusterContext
from components.workloads.scripts import config_map
from settings.capacity import DASHBOARDS_POD
from settings.pod_traffic import MONITORING
from settings.routes import DASHBOARDS
from settings.signals import Dashboard, Place, Thresholds
from settings.traffic import GRAFANA_TLS, Party

_PROVISIONING, _DASHBOARDS, _RUNBOOKS = "/etc/grafana/provisioning", "/var/lib/dashboards", "/var/lib/runbooks"
_SOURCES_FILE, _FOLDERS_FILE = "sources.yaml", "folders.yaml"
_DATA = Path("/tmp/grafana")  # noqa: S108 - the container's own


@dataclass(frozen=True)
class GrafanaArgs:
    """What Grafana is given. `trusted_cidr`: where the load balancer sends from, whose word it takes for who asks."""

    cluster: ClusterContext
    image: str
    replicas: int
    place: Place
    thresholds: Thresholds
    metrics_endpoint: pulumi.Input[str]
    workspace_arn: pulumi.Input[str]
    trusted_cidr: str
    target_group_arn: pulumi.Input[str]
    certificates: pulumi.Resource
    after: Sequence[pulumi.Resource]


class Grafana(pulumi.ComponentResource):
    """Everything that it shows is a file of the repository: what somebody changes by hand is gone with the pod.

    Nobody signs in here. The load balancer has asked who it is, and network policies let nobody else in.
    """

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:Grafana", name, None, opts)
        self._args = args
        self._cluster = args.cluster
        self._run(
            serve(
                args.cluster,
                DASHBOARDS,
                args.target_group_arn,
                certificates=args.certificates,
                after=args.after,
                parent=self,
            )
        )
        self.register_outputs({})

    def _run(self, after: Sequence[pulumi.Resource]) -> None:
        args = self._args
        Watcher(
            WatcherArgs(
                cluster=self._cluster,
                party=Party.MONITORING,
                image=args.image,
                replicas=args.replicas,
                size=DASHBOARDS_POD,
                port=Port("https", GRAFANA_TLS, DASHBOARDS.health_path, "HTTPS"),
                rights=self._rights(),
                environment={**_SETTINGS, **self._told()},
                folders=self._folders(),
                scratch="256Mi",
                after=[*args.after, *after],
            ),
            self,
        )

    def _told(self) -> dict[str, pulumi.Input[str]]:
        return {
            "PROMETHEUS_URL": self._args.metrics_endpoint,
            "GF_SERVER_ROOT_URL": f"https://{self._args.place.monitoring_host}/",
            "GF_AUTH_PROXY_WHITELIST": self._args.trusted_cidr,
        }

    def _rights(self) -> list[Statement]:
        return [
            Statement(
                sid="QueryMetrics",
                actions=["aps:QueryMetrics", "aps:GetLabels", "aps:GetSeries", "aps:GetMetricMetadata"],
                resources=[self._args.workspace_arn],
            ),
            # CloudWatch knows no resources to narrow them by (service authorization reference)
            Statement(
                sid="ReadCloudWatch",
                actions=["cloudwatch:ListMetrics", "cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"],
                resources=["*"],
            ),
        ]

    def _folders(self) -> dict[str, core.v1.VolumeArgsDict]:
        """Volumes by the folder that they are read in."""
        provisioning = {_SOURCES_FILE: _sources(self._cluster.region.region), _FOLDERS_FILE: _folders()}
        stored = self._files("provisioning", provisioning)
        return {
            f"{_PROVISIONING}/datasources": _volume("sources", stored, _SOURCES_FILE),
            f"{_PROVISIONING}/dashboards": _volume("folders", stored, _FOLDERS_FILE),
            _DASHBOARDS: _volume("dashboards", self._files("dashboards", dashboards(self._args.place, self._args.thresholds))),
            _RUNBOOKS: _volume("runbooks", self._files("runbooks", runbook_dashboards())),
            TLS_FOLDER: {"name": "tls", "secret": {"secret_name": certificate_secret(Party.MONITORING), "default_mode": 0o440}},
        }

    def _files(self, name: str, files: dict[str, str]) -> core.v1.ConfigMap:
        return config_map(
            self._cluster,
            f"{Party.MONITORING}-{name}",
            name=name,
            namespace=MONITORING,
            party=Party.MONITORING,
            files=files,
            parent=self,
            after=self._args.after,
        )


def _volume(name: str, files: core.v1.ConfigMap, *only: str) -> core.v1.VolumeArgsDict:
    source: core.v1.ConfigMapVolumeSourceArgsDict = {"name": files.metadata.name}
    if only:
        source["items"] = [{"key": file, "path": file} for file in only]
    return {"name": name, "config_map": source}


def _sources(region: str) -> str:
    """Grafana signs its questions with the role of its pods."""
    return yaml.safe_dump(
        {
            "apiVersion": 1,
            "datasources": [
                {
                    "name": "Prometheus",
                    "uid": DATA_SOURCE,
                    "type": DATA_SOURCE_KIND,
                    "access": "proxy",
                    "url": "$PROMETHEUS_URL",
                    "isDefault": True,
                    "editable": False,
                    "jsonData": {
                        "httpMethod": "POST",
                        "timeInterval": "30s",
                        "sigV4Auth": True,
                        "sigV4AuthType": "default",
                        "sigV4Region": str(region),
                    },
                },
                {
                    "name": "CloudWatch",
                    "uid": "cloudwatch",
                    "type": "cloudwatch",
                    "editable": False,
                    "jsonData": {"authType": "default", "defaultRegion": str(region)},
                },
            ],
        },
        sort_keys=False,
    )


def _folders() -> str:
    return yaml.safe_dump(
        {
            "apiVersion": 1,
            "providers": [
                {"name": name, "folder": name, "type": "file", "allowUiUpdates": False, "options": {"path": path}}
                for name, path in (("Dashboards", _DASHBOARDS), ("Runbooks", _RUNBOOKS))
            ],
        },
        sort_keys=False,
    )


# Grafana documentation, "Configure Grafana"
_SETTINGS: dict[str, str] = {
    "GF_SERVER_PROTOCOL": "https",
    "GF_SERVER_HTTP_PORT": str(GRAFANA_TLS),
    "GF_SERVER_CERT_FILE": f"{TLS_FOLDER}/tls.crt",
    "GF_SERVER_CERT_KEY": f"{TLS_FOLDER}/tls.key",
    "GF_SERVER_MIN_TLS_VERSION": "TLS1.2",
    # whom the load balancer has let in, by the name that it gives them (ELB user guide, "User claims encoding")
    "GF_AUTH_PROXY_ENABLED": "true",
    "GF_AUTH_PROXY_HEADER_NAME": "X-Amzn-Oidc-Identity",
    "GF_AUTH_PROXY_HEADER_PROPERTY": "username",
    "GF_AUTH_PROXY_AUTO_SIGN_UP": "true",
    "GF_AUTH_PROXY_ENABLE_LOGIN_TOKEN": "false",
    "GF_AUTH_BASIC_ENABLED": "false",
    "GF_AUTH_DISABLE_LOGIN_FORM": "true",
    "GF_USERS_ALLOW_SIGN_UP": "false",
    "GF_USERS_AUTO_ASSIGN_ORG_ROLE": "Editor",  # may explore; cannot change sources or users
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    "GF_SECURITY_COOKIE_SECURE": "true",
    "GF_AUTH_SIGV4_AUTH_ENABLED": "true",
    "GF_AWS_ALLOWED_AUTH_PROVIDERS": "default",
    "GF_AWS_ASSUME_ROLE_ENABLED": "false",
    "GF_UNIFIED_ALERTING_ENABLED": "false",  # alerts are Prometheus's
    "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{_DASHBOARDS}/{Dashboard.PLATFORM}.json",
    # nothing is fetched from outside, and nothing told
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
    "GF_LOG_MODE": "console",
    "GF_PATHS_PROVISIONING": _PROVISIONING,
    "GF_PATHS_DATA": str(_DATA),
    "GF_PATHS_LOGS": str(_DATA / "log"),
    "GF_PATHS_PLUGINS": str(_DATA / "plugins"),
}
