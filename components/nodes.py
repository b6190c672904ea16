"""The nodes of a cluster: what Auto Mode may start, where their disks and traffic are kept, and how volumes are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core, storage

from components.workloads.objects import ClusterContext
from settings.model import ClusterSettings, NodePoolSettings
from settings.node_pools import DEDICATED_TAINT, NEWER_THAN_GENERATION, NODE_POOLS, NodePool, NodePoolSpec
from settings.windows import TradingHours

NODE_CLASS = "mastertrade"
STORAGE_CLASS = "encrypted"
_DISK = "80Gi"
_EXPIRY, _GRACE = "336h", "24h"  # together no more than the 21 days that a node of Auto Mode may live (EKS user guide)


@dataclass(frozen=True)
class NodesArgs:
    """What the nodes are given."""

    cluster: ClusterContext
    settings: ClusterSettings
    trading_hours: TradingHours
    node_role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]


class Nodes(pulumi.ComponentResource):
    """Node pools as `settings/node_pools.py` has them: encrypted disks, no public address, network policies enforced.

    On these nodes a pod that no network policy admits reaches nobody and is reached by nobody.
    """

    pools: list[pulumi.Resource]
    """What pods wait for."""
    storage_class: pulumi.Resource
    """What volumes wait for."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:cluster:Nodes", name, None, opts)
        self._args = args
        self._cluster = args.cluster

        enforced = self._enforce_network_policies()
        node_class = self._create_node_class(enforced)
        self.pools = [self._create_pool(pool, stated, node_class) for pool, stated in self._stated_pools().items()]
        self.storage_class = self._create_storage_class()
        self.register_outputs({})

    def _stated_pools(self) -> Mapping[NodePool, NodePoolSettings]:
        return {pool: self._args.settings.node_pools[pool] for pool in NodePool}

    def _enforce_network_policies(self) -> core.v1.ConfigMap:
        """Auto Mode looks here (EKS user guide, "Use network policies with Auto Mode")."""
        return core.v1.ConfigMap(
            self._cluster.logical("network-policies"),
            metadata={"name": "amazon-vpc-cni", "namespace": "kube-system"},
            data={"enable-network-policy-controller": "true"},
            opts=self._cluster.child(self),
        )

    def _create_node_class(self, enforced: core.v1.ConfigMap) -> pulumi.Resource:
        args = self._args
        return self._cluster.custom(
            "node-class",
            "eks.amazonaws.com/v1",
            "NodeClass",
            {"name": NODE_CLASS},
            {
                "role": args.node_role_name,
                "subnetSelectorTerms": [{"id": subnet} for subnet in args.subnet_ids],
                "securityGroupSelectorTerms": [{"id": args.security_group_id}],
                "networkPolicy": "DefaultDeny",
                "networkPolicyEventLogs": "Enabled",
                "ephemeralStorage": {"size": _DISK, "kmsKeyID": args.volumes_key_arn},
            },
            options=self._cluster.child(self, [enforced]),
        )

    def _create_pool(self, pool: NodePool, stated: NodePoolSettings, node_class: pulumi.Resource) -> pulumi.Resource:
        spec = NODE_POOLS[pool]
        taints = {"taints": [{"key": DEDICATED_TAINT, "value": pool, "effect": "NoSchedule"}]} if spec.dedicated else {}
        return self._cluster.custom(
            f"node-pool-{pool}",
            "karpenter.sh/v1",
            "NodePool",
            {"name": pool},
            {
                "template": {
                    "spec": {
                        "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": NODE_CLASS},
                        "requirements": self._requirements(spec, stated),
                        **taints,
                        "expireAfter": _EXPIRY,
                        "terminationGracePeriod": _GRACE,
                    }
                },
                "limits": {"cpu": str(stated.max_cores), "memory": f"{stated.max_memory_gib}Gi"},
                "disruption": self._disruption(spec),
            },
            options=self._cluster.child(self, [node_class]),
        )

    def _requirements(self, spec: NodePoolSpec, stated: NodePoolSettings) -> list[dict[str, object]]:
        capacity = ["spot", "on-demand"] if stated.capacity == "spot" else ["on-demand"]
        return [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": capacity},
            {"key": "kubernetes.io/arch", "operator": "In", "values": [self._args.settings.architecture]},
            {"key": "eks.amazonaws.com/instance-category", "operator": "In", "values": list(spec.categories)},
            {"key": "eks.amazonaws.com/instance-generation", "operator": "Gt", "values": [NEWER_THAN_GENERATION]},
            {"key": "eks.amazonaws.com/instance-cpu", "operator": "In", "values": list(spec.cores)},
        ]

    def _disruption(self, spec: NodePoolSpec) -> dict[str, object]:
        """Newer images reach undisturbed nodes once markets are closed, long before the nodes expire."""
        if not spec.undisturbed:
            return {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "10m", "budgets": [{"nodes": "10%"}]}
        hours = self._args.trading_hours
        hour, minute = hours.opens.split(":")
        days = ",".join(str((day.number + 1) % 7) for day in hours.days)  # cron counts from Sunday
        closed = {"nodes": "0", "schedule": f"{int(minute)} {int(hour)} * * {days}", "duration": f"{hours.minutes_per_day}m"}
        return {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "1h", "budgets": [closed, {"nodes": "1"}]}

    def _create_storage_class(self) -> storage.v1.StorageClass:
        return storage.v1.StorageClass(
            self._cluster.logical("storage"),
            metadata={"name": STORAGE_CLASS},
            provisioner="ebs.csi.eks.amazonaws.com",
            parameters={"type": "gp3", "encrypted": "true", "kmsKeyId": self._args.volumes_key_arn},
            volume_binding_mode="WaitForFirstConsumer",
            reclaim_policy="Retain",
            allow_volume_expansion=True,
            opts=self._cluster.child(self),
        )
