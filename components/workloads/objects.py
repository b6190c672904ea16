"""What all Kubernetes objects of a region have in common: their cluster, their labels, their namespace."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes import apiextensions, core, meta

from components.context import RegionContext
from settings.pod_traffic import NAME_LABEL
from settings.traffic import Peer


@dataclass(frozen=True)
class ClusterContext:
    """One cluster: where its objects are made, and what they vanish with."""

    region: RegionContext
    cluster: aws.eks.Cluster

    def child(self, parent: pulumi.Resource, after: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options of an object: when the cluster goes, the object is gone, and nobody asks a server that is no more."""
        return pulumi.ResourceOptions(parent=parent, deleted_with=self.cluster, depends_on=after)

    def logical(self, *parts: str) -> str:
        """The Pulumi name of an object."""
        return self.region.logical(*parts)

    def custom(
        self,
        name: str,
        api_version: str,
        kind: str,
        metadata: meta.v1.ObjectMetaArgsDict,
        spec: dict[str, object],
        *,
        options: pulumi.ResourceOptions,
    ) -> apiextensions.CustomResource:
        """An object of a kind that the Kubernetes SDK has no type for."""
        return apiextensions.CustomResource(
            self.logical(name), api_version=api_version, kind=kind, metadata=metadata, spec=spec, opts=options
        )


def metadata(name: str, namespace: str | None = None, party: Peer | None = None) -> meta.v1.ObjectMetaArgsDict:
    """Name, namespace and labels of an object; `party` is whose it is."""
    stated: meta.v1.ObjectMetaArgsDict = {"name": name, "labels": labels(party or name)}
    if namespace:
        stated["namespace"] = namespace
    return stated


def labels(party: str) -> dict[str, str]:
    """Labels of a party's objects (Kubernetes documentation, "Recommended Labels")."""
    return {NAME_LABEL: party, "app.kubernetes.io/part-of": "mastertrade", "app.kubernetes.io/managed-by": "pulumi"}


POD_SECURITY: core.v1.PodSecurityContextArgsDict = {
    "run_as_non_root": True,
    "run_as_user": 10001,
    "run_as_group": 10001,
    "fs_group": 10001,
    "fs_group_change_policy": "OnRootMismatch",
    "seccomp_profile": {"type": "RuntimeDefault"},
}
"""Of all our pods: what Pod Security *restricted* asks for, and no user who is anybody on the node."""

CONTAINER_SECURITY: core.v1.SecurityContextArgsDict = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "run_as_non_root": True,
    "capabilities": {"drop": ["ALL"]},
}
"""Of all our containers."""


def image(registry: str, reference: str, context: RegionContext) -> str:
    """An image in this region's registry."""
    return f"{registry.format(account=context.account_id, region=context.region)}/{reference}"
