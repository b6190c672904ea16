"""A model of declared network policies: whether a pod can open a connection to another pod or to an address.

It reads nothing but declared objects: pods from the templates of workloads, rules from NetworkPolicies. As on our nodes, a
pod that no policy admits is shut off (`networkPolicy: DefaultDeny` of the NodeClass).
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from tests.declared import Declared

TEMPLATES = {
    "kubernetes:apps/v1:Deployment": ("spec", "template"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template"),
    "kubernetes:batch/v1:Job": ("spec", "template"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template"),
}


@dataclass(frozen=True)
class Pod:
    """Pods of one template: where they are, what they are labelled, and some address that one of them has."""

    namespace: str
    labels: frozenset[tuple[str, str]]
    address: IPv4Address

    @property
    def name(self) -> str:
        """The value of the recommended name label."""
        return dict(self.labels).get("app.kubernetes.io/name", "")


def pod_templates(declared: Declared, region: str) -> list[tuple[str, dict[str, Any]]]:
    """Namespace and pod template of every declared workload."""
    found: list[tuple[str, dict[str, Any]]] = []
    for resource in declared.resources:
        if resource.region == region and resource.type in TEMPLATES:
            template: Any = resource.inputs
            for key in TEMPLATES[resource.type]:
                template = template[key]
            found.append((resource.inputs["metadata"]["namespace"], template))
    return found


class PodNetworkModel:
    """The network policies of one region's cluster."""

    def __init__(self, declared: Declared, region: str) -> None:
        self._policies = [each.inputs for each in declared.of("NetworkPolicy", region)]
        self._namespaces = {
            each.inputs["metadata"]["name"]: {
                "kubernetes.io/metadata.name": each.inputs["metadata"]["name"],
                **each.inputs["metadata"].get("labels", {}),
            }
            for each in declared.of("Namespace", region)
        }
        self._namespaces.setdefault("kube-system", {"kubernetes.io/metadata.name": "kube-system"})

    def reaches(self, source: Pod | IPv4Address, target: Pod | IPv4Address, port: int, protocol: str = "TCP") -> bool:
        """Whether the source's policies let it out, and the target's let it in. An address has no policies."""
        out = not isinstance(source, Pod) or self._admits(source, target, port, protocol, "egress")
        into = not isinstance(target, Pod) or self._admits(target, source, port, protocol, "ingress")
        return out and into

    def _admits(self, pod: Pod, peer: Pod | IPv4Address, port: int, protocol: str, direction: str) -> bool:
        for policy in self._policies:
            spec = policy["spec"]
            chosen = policy["metadata"]["namespace"] == pod.namespace and _selects(spec["podSelector"], dict(pod.labels))
            if not chosen or direction.capitalize() not in spec["policyTypes"]:
                continue
            for rule in spec.get(direction, ()):
                ports = rule.get("ports")
                opens = ports is None or any(each["port"] == port and each["protocol"] == protocol for each in ports)
                peers = rule.get("to" if direction == "egress" else "from")
                if opens and (peers is None or any(self._is_meant(each, peer, pod.namespace) for each in peers)):
                    return True
        return False

    def _is_meant(self, stated: dict[str, Any], peer: Pod | IPv4Address, namespace: str) -> bool:
        if "ipBlock" in stated:
            address = peer.address if isinstance(peer, Pod) else peer
            block = stated["ipBlock"]
            return address in IPv4Network(block["cidr"]) and not any(address in IPv4Network(each) for each in block.get("except", ()))
        if not isinstance(peer, Pod):
            return False
        if "namespaceSelector" in stated:
            in_namespace = _selects(stated["namespaceSelector"], self._namespaces[peer.namespace])
        else:
            in_namespace = peer.namespace == namespace
        return in_namespace and _selects(stated.get("podSelector", {}), dict(peer.labels))


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert not selector.keys() - {"matchLabels"}, f"the model knows matchLabels only: {selector}"
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
