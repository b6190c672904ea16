"""Pods that watch others: one container, no rights but its role's, its files as configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_kubernetes import apps, core, meta, policy

from components.policy_document import Statement
from components.workloads.identity import pod_identity
from components.workloads.objects import CONTAINER_SECURITY, POD_SECURITY, ClusterContext, labels, metadata
from components.workloads.pods import HOST_LABEL, ZONE_LABEL
from settings.capacity import PodSize
from settings.node_pools import POOL_LABEL, NodePool
from settings.pod_traffic import MONITORING, NAME_LABEL
from settings.traffic import Party

_FINISH_SECONDS = 30


@dataclass(frozen=True)
class Port:
    """Where the pods answer. `health_path` is 200 while they can."""

    name: str
    number: int
    health_path: str
    scheme: str


@dataclass(frozen=True)
class WatcherArgs:
    """What a watcher is made of.

    `folders`: volumes by the folder that they are read in. `after`: namespace, policies, nodes. `leave_seconds`: how long it goes on
    after it has been told to stop, while a load balancer still sends.
    """

    cluster: ClusterContext
    party: Party
    image: str
    replicas: int
    size: PodSize
    port: Port
    rights: Sequence[Statement]
    folders: Mapping[str, core.v1.VolumeArgsDict]
    after: Sequence[pulumi.Resource]
    arguments: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    scratch: str = "64Mi"
    leave_seconds: int = 0


class Watcher:
    """A Deployment in the namespace of monitoring, as children of the component that it is given."""

    def __init__(self, args: WatcherArgs, parent: pulumi.Resource) -> None:
        self._args = args
        self._cluster = args.cluster
        self._parent = parent

        account = core.v1.ServiceAccount(
            self._logical(), metadata=self._metadata(), automount_service_account_token=False, opts=self._after()
        )
        identity = pod_identity(self._cluster, MONITORING, args.party, args.rights, parent)
        self._keep_available()
        self.workload = self._create_deployment([account, identity])

    def _logical(self, *parts: str) -> str:
        return self._cluster.logical(self._args.party, *parts)

    def _metadata(self) -> meta.v1.ObjectMetaArgsDict:
        return metadata(self._args.party, MONITORING, self._args.party)

    def _after(self, *more: pulumi.Resource) -> pulumi.ResourceOptions:
        return self._cluster.child(self._parent, [*self._args.after, *more])

    def _create_deployment(self, after: Sequence[pulumi.Resource]) -> apps.v1.Deployment:
        stated = self._metadata()
        # nodes and images may take their time, and nothing waits for who watches
        stated["annotations"] = {"pulumi.com/skipAwait": "true"}
        return apps.v1.Deployment(
            self._logical(),
            metadata=stated,
            spec={
                "replicas": self._args.replicas,
                "selector": {"match_labels": {NAME_LABEL: self._args.party}},
                "template": {"metadata": {"labels": labels(self._args.party)}, "spec": self._pod()},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
                "revision_history_limit": 5,
                "progress_deadline_seconds": 600,
            },
            opts=self._after(*after),
        )

    def _pod(self) -> core.v1.PodSpecArgsDict:
        volumes: list[core.v1.VolumeArgsDict] = [
            *self._args.folders.values(),
            {"name": "scratch", "empty_dir": {"size_limit": self._args.scratch}},
        ]
        return {
            "service_account_name": self._args.party,
            "automount_service_account_token": False,
            "enable_service_links": False,
            "security_context": POD_SECURITY,
            "node_selector": {POOL_LABEL: NodePool.GENERAL},
            "topology_spread_constraints": [self._spread(ZONE_LABEL), self._spread(HOST_LABEL)],
            "termination_grace_period_seconds": _FINISH_SECONDS + self._args.leave_seconds,
            "containers": [self._container()],
            "volumes": volumes,
        }

    def _spread(self, over: str) -> core.v1.TopologySpreadConstraintArgsDict:
        return {
            "topology_key": over,
            "max_skew": 1,
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": {NAME_LABEL: self._args.party}},
        }

    def _container(self) -> core.v1.ContainerArgsDict:
        args, port = self._args, self._args.port
        size = {"cpu": f"{args.size.millicores}m", "memory": f"{args.size.memory_mib}Mi", "ephemeral-storage": "1Gi"}
        health: core.v1.HTTPGetActionArgsDict = {"path": port.health_path, "port": port.name, "scheme": port.scheme}
        environment = {"AWS_REGION": self._cluster.region.region, **args.environment}
        mounts: list[core.v1.VolumeMountArgsDict] = [
            {"name": volume["name"], "mount_path": folder, "read_only": True} for folder, volume in args.folders.items()
        ]
        container: core.v1.ContainerArgsDict = {
            "name": args.party,
            "image": args.image,
            "image_pull_policy": "IfNotPresent" if "@sha256:" in args.image else "Always",
            "args": list(args.arguments),
            "env": [{"name": name, "value": value} for name, value in environment.items()],
            "ports": [{"name": port.name, "container_port": port.number, "protocol": "TCP"}],
            "resources": {"requests": size, "limits": size},
            "security_context": CONTAINER_SECURITY,
            "startup_probe": {"http_get": health, "period_seconds": 2, "timeout_seconds": 2, "failure_threshold": 60},
            "readiness_probe": {"http_get": health, "period_seconds": 5, "timeout_seconds": 3, "failure_threshold": 3},
            "liveness_probe": {"http_get": health, "period_seconds": 10, "timeout_seconds": 3, "failure_threshold": 6},
            "volume_mounts": [*mounts, {"name": "scratch", "mount_path": "/tmp"}],  # noqa: S108 - the container's own
            "termination_message_policy": "FallbackToLogsOnError",
        }
        if args.leave_seconds:
            container["lifecycle"] = {"pre_stop": {"sleep": {"seconds": args.leave_seconds}}}
        return container

    def _keep_available(self) -> None:
        policy.v1.PodDisruptionBudget(
            self._logical(),
            metadata=self._metadata(),
            spec={
                "selector": {"match_labels": {NAME_LABEL: self._args.party}},
                "max_unavailable": 1,
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._after(),
        )
