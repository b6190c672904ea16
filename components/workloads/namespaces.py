"""Namespaces of the workloads, and the network policies of everything in them."""

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi_kubernetes import core, meta, networking

from components.workloads.objects import ClusterContext, labels
from settings.pod_traffic import (
    ADD_ON_NAMESPACES,
    NAME_LABEL,
    NAMESPACES,
    OWN_NAMESPACES,
    Addresses,
    PodRule,
    Pods,
    pod_rules,
)
from settings.traffic import Direction, Party, Peer

POD_SECURITY_LEVEL = "restricted"
KUBE_SYSTEM = "kube-system"  # comes with every cluster
_NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class NamespacesArgs:
    """What the namespaces are given. `apis_inside`: every AWS API that we use has an endpoint in the VPC."""

    cluster: ClusterContext
    kubernetes_version: str
    vpc_cidr: IPv4Network
    apis_inside: bool


class Namespaces(pulumi.ComponentResource):
    """Pods that break Pod Security *restricted* are refused here, and pods reach what `settings/traffic.py` says."""

    add_on_policies: list[pulumi.Resource]
    """What add-ons wait for."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:workloads:Namespaces", name, None, opts)
        self._args = args
        self._cluster = args.cluster

        self._namespaces = {namespace: self._create_namespace(namespace, self._restricted()) for namespace in OWN_NAMESPACES}
        self._namespaces |= {each: self._create_namespace(each, {}) for each in ADD_ON_NAMESPACES if each != KUBE_SYSTEM}
        self._policies = {namespace: [self._deny_everything(namespace)] for namespace in OWN_NAMESPACES}
        for party, namespace in NAMESPACES.items():
            self._policies[namespace].append(self._admit(party, namespace))
        self.add_on_policies = [self._admit(Party.CLUSTER_SERVICES, namespace) for namespace in ADD_ON_NAMESPACES]
        self.register_outputs({})

    def ready(self, namespace: str) -> list[pulumi.Resource]:
        """What pods of a namespace wait for: it exists, and its policies are there."""
        return [self._namespaces[namespace], *self._policies[namespace]]

    def _restricted(self) -> dict[str, str]:
        """Pod Security, at the rules of the cluster's version. Load balancers join in: a pod counts once they send to it."""
        levels = {
            f"pod-security.kubernetes.io/{mode}{suffix}": value
            for mode in ("enforce", "audit", "warn")
            for suffix, value in (("", POD_SECURITY_LEVEL), ("-version", f"v{self._args.kubernetes_version}"))
        }
        return {**levels, "eks.amazonaws.com/pod-readiness-gate-inject": "enabled"}

    def _create_namespace(self, name: str, more: dict[str, str]) -> core.v1.Namespace:
        # an add-on's namespace keeps the labels that the add-on gives it
        stated: meta.v1.ObjectMetaArgsDict = {"name": name, "labels": {**labels(name), **more}} if more else {"name": name}
        return core.v1.Namespace(
            self._cluster.logical(name),
            metadata=stated,
            opts=self._cluster.child(self),
        )

    def _deny_everything(self, namespace: str) -> pulumi.Resource:
        return networking.v1.NetworkPolicy(
            self._cluster.logical(namespace, "deny"),
            metadata={"name": "deny", "namespace": namespace},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=self._cluster.child(self, [self._namespaces[namespace]]),
        )

    def _admit(self, party: Peer, namespace: str) -> pulumi.Resource:
        rules = pod_rules(party, self._args.vpc_cidr, apis_inside=self._args.apis_inside)
        own = party is not Party.CLUSTER_SERVICES
        exists = [self._namespaces[namespace]] if namespace in self._namespaces else []
        return networking.v1.NetworkPolicy(
            self._cluster.logical(namespace, party),
            metadata={"name": party, "namespace": namespace},
            spec={
                # an add-on's namespace holds nothing but its pods, under labels that are its own
                "pod_selector": {"match_labels": {NAME_LABEL: party}} if own else {},
                "policy_types": ["Ingress", "Egress"],
                "ingress": [
                    {"from_": [_peer(peer) for peer in rule.peers], "ports": _ports(rule)}
                    for rule in rules
                    if rule.direction is Direction.INGRESS
                ],
                "egress": [
                    {"to": [_peer(peer) for peer in rule.peers], "ports": _ports(rule)}
                    for rule in rules
                    if rule.direction is Direction.EGRESS
                ],
            },
            opts=self._cluster.child(self, exists),
        )


def _peer(peer: Addresses | Pods) -> networking.v1.NetworkPolicyPeerArgsDict:
    if isinstance(peer, Addresses):
        block: networking.v1.IPBlockArgsDict = {"cidr": str(peer.block)}
        if peer.without:
            block["except_"] = [str(each) for each in peer.without]
        return {"ip_block": block}
    selected: networking.v1.NetworkPolicyPeerArgsDict = {"namespace_selector": {"match_labels": {_NAMESPACE_LABEL: peer.namespace}}}
    if peer.party:
        selected["pod_selector"] = {"match_labels": {NAME_LABEL: peer.party}}
    return selected


def _ports(rule: PodRule) -> list[networking.v1.NetworkPolicyPortArgsDict]:
    return [{"protocol": protocol, "port": rule.port} for protocol in rule.protocols]
