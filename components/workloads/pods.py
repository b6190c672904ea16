"""Pods of a trading service: one container, no rights, its certificates and secrets as files."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.workloads.certificates import certificate_secret
from components.workloads.contract import (
    HEALTH_PATH,
    LEASE_FOLDER,
    LIVENESS_PATH,
    SECRETS_FOLDER,
    TLS_FOLDER,
    VAULT_FOLDER,
    reaches,
)
from components.workloads.objects import CONTAINER_SECURITY, POD_SECURITY, labels
from settings.model import ServiceSettings
from settings.node_pools import DEDICATED_TAINT, NODE_POOLS, POOL_LABEL
from settings.pod_traffic import NAME_LABEL
from settings.traffic import SERVICE_METRICS, SERVICE_TLS, SINGLE_ACTIVE, Party, Service

METRICS_PORT_NAME = "metrics"
"""By which the collector knows where to ask."""
ZONE_LABEL, HOST_LABEL = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
_FINISH_SECONDS = 30  # after the load balancer has stopped sending: time to finish and to close connections
_LEAVE_SECONDS = 5  # until every other pod has heard that this one is leaving
_GONE_NODE_SECONDS = 15  # after which pods of a node that does not answer are given up
_SCRATCH = "256Mi"


@dataclass(frozen=True)
class PodSpec:
    """What the pods of a service are made of. `drain_seconds` is 0 where no load balancer sends to them."""

    service: Service
    settings: ServiceSettings
    image: str
    environment: Sequence[core.v1.EnvVarArgsDict]
    drain_seconds: int
    lease_config_map: pulumi.Input[str] | None

    def template(self) -> core.v1.PodTemplateSpecArgsDict:
        """The pod template of a Deployment or StatefulSet."""
        return {"metadata": {"labels": labels(self.service)}, "spec": self._spec()}

    def _spec(self) -> core.v1.PodSpecArgsDict:
        pool = self.settings.node_pool
        tolerations: list[core.v1.TolerationArgsDict] = [
            {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "toleration_seconds": _GONE_NODE_SECONDS}
            for state in ("not-ready", "unreachable")
        ]
        if NODE_POOLS[pool].dedicated:
            tolerations.append({"key": DEDICATED_TAINT, "operator": "Equal", "value": pool, "effect": "NoSchedule"})
        return {
            "service_account_name": self.service,
            "automount_service_account_token": False,
            "enable_service_links": False,
            "security_context": POD_SECURITY,
            "node_selector": {POOL_LABEL: pool},
            "tolerations": tolerations,
            "topology_spread_constraints": [self._spread(ZONE_LABEL, "DoNotSchedule"), self._spread(HOST_LABEL, "ScheduleAnyway")],
            "termination_grace_period_seconds": self._leave_seconds + _FINISH_SECONDS,
            "containers": [self._container()],
            "volumes": self._volumes(),
        }

    @property
    def _leave_seconds(self) -> int:
        """A load balancer goes on sending for a while to a pod that has already been told to stop."""
        return max(self.drain_seconds, _LEAVE_SECONDS)

    def _spread(self, over: str, otherwise: str) -> core.v1.TopologySpreadConstraintArgsDict:
        constraint: core.v1.TopologySpreadConstraintArgsDict = {
            "topology_key": over,
            "max_skew": 1,
            "when_unsatisfiable": otherwise,
            "label_selector": {"match_labels": {NAME_LABEL: self.service}},
            "node_taints_policy": "Honor",  # a zone whose nodes do not answer holds nobody back elsewhere
        }
        if self.service not in SINGLE_ACTIVE:
            constraint["match_label_keys"] = ["pod-template-hash"]  # pods of the last roll-out count no more
        return constraint

    def _container(self) -> core.v1.ContainerArgsDict:
        size = {"cpu": f"{self.settings.cpu_millicores}m", "memory": f"{self.settings.memory_mib}Mi", "ephemeral-storage": "1Gi"}
        health, alive = self._asked(HEALTH_PATH), self._asked(LIVENESS_PATH)
        return {
            "name": self.service,
            "image": self.image,
            "image_pull_policy": "IfNotPresent" if "@sha256:" in self.image else "Always",
            "env": self.environment,
            "ports": [
                {"name": "https", "container_port": SERVICE_TLS, "protocol": "TCP"},
                {"name": METRICS_PORT_NAME, "container_port": SERVICE_METRICS, "protocol": "TCP"},
            ],
            "resources": {"requests": size, "limits": size},
            "security_context": CONTAINER_SECURITY,
            "startup_probe": {"http_get": alive, "period_seconds": 2, "timeout_seconds": 2, "failure_threshold": 60},
            "readiness_probe": {"http_get": health, "period_seconds": 5, "timeout_seconds": 2, "failure_threshold": 3},
            "liveness_probe": {
                "http_get": alive,
                "period_seconds": 10,
                "timeout_seconds": 2,
                "failure_threshold": 3,
            },
            "lifecycle": {"pre_stop": {"sleep": {"seconds": self._leave_seconds}}},
            "volume_mounts": self._mounts(),
            "termination_message_policy": "FallbackToLogsOnError",
        }

    def _asked(self, path: str) -> core.v1.HTTPGetActionArgsDict:
        return {"path": path, "port": "https", "scheme": "HTTPS"}

    def _mounts(self) -> list[core.v1.VolumeMountArgsDict]:
        folders = {"tls": TLS_FOLDER, "secrets": SECRETS_FOLDER}
        if reaches(self.service, Party.VAULT):
            folders["vault"] = VAULT_FOLDER
        if self.lease_config_map is not None:
            folders["order-lease"] = LEASE_FOLDER
        mounts: list[core.v1.VolumeMountArgsDict] = [
            {"name": name, "mount_path": folder, "read_only": True} for name, folder in folders.items()
        ]
        return [*mounts, {"name": "scratch", "mount_path": "/tmp"}]  # noqa: S108 - the container's own

    def _volumes(self) -> list[core.v1.VolumeArgsDict]:
        volumes: list[core.v1.VolumeArgsDict] = [
            {"name": "tls", "secret": {"secret_name": certificate_secret(self.service), "default_mode": 0o440}},
            {
                "name": "secrets",
                "csi": {
                    "driver": "secrets-store.csi.k8s.io",
                    "read_only": True,
                    "volume_attributes": {"secretProviderClass": self.service},
                },
            },
            {"name": "scratch", "empty_dir": {"size_limit": _SCRATCH}},
        ]
        if reaches(self.service, Party.VAULT):
            # by this token, made for Vault alone, Vault knows the service
            token: core.v1.VolumeProjectionArgsDict = {
                "service_account_token": {"audience": "vault", "expiration_seconds": 3600, "path": "token"}
            }
            volumes.append({"name": "vault", "projected": {"sources": [token]}})
        if self.lease_config_map is not None:
            volumes.append({"name": "order-lease", "config_map": {"name": self.lease_config_map}})
        return volumes
