"""Controls of who reaches pods, and whom they reach."""

from collections.abc import Iterable

from mastertrade.values import UNKNOWN
from policies.engine.addresses import covers_world, networks
from policies.engine.blocks import Block, UnknownValueError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.workloads.specs import NAMESPACE, WORKLOADS, matching, stands_in

__all__ = ["NETWORKS", "directions"]

_POLICY = "kubernetes:networking.k8s.io:NetworkPolicy"
_DIRECTIONS = ("Ingress", "Egress")


def directions(policy: Resource) -> tuple[str, ...]:
    """Directions that a policy decides about: without policyTypes ingress, and egress where it has rules for that."""
    return policy.texts("spec.policyTypes") or (_DIRECTIONS if policy.has("spec.egress") else ("Ingress",))


# Policies of network plugins and of administrators, which select pods in languages of their own
_OTHER_POLICIES = (
    "kubernetes:cilium.io:CiliumNetworkPolicy",
    "kubernetes:cilium.io:CiliumClusterwideNetworkPolicy",
    "kubernetes:crd.projectcalico.org:NetworkPolicy",
    "kubernetes:crd.projectcalico.org:GlobalNetworkPolicy",
    "kubernetes:projectcalico.org:NetworkPolicy",
    "kubernetes:projectcalico.org:GlobalNetworkPolicy",
    "kubernetes:policy.networking.k8s.io:AdminNetworkPolicy",
    "kubernetes:policy.networking.k8s.io:BaselineAdminNetworkPolicy",
)


def _refuse_other_policies(resource: Resource) -> None:
    if resource.stack.of_type(*_OTHER_POLICIES):
        raise NotApplicableError("policies of another kind are declared")


def _covered(resource: Resource) -> Findings:
    stack = resource.stack
    policies = stack.of_type(_POLICY)
    spaces = [each for each in stack.of_type(NAMESPACE) if stands_in(resource, each)]
    if not policies and not spaces:
        raise NotApplicableError("neither its namespace nor a policy is declared here")
    chosen = matching(policies, "spec.podSelector", resource)
    missing = [each for each in _DIRECTIONS if not any(each in directions(policy) for policy in chosen)]
    if missing:
        _refuse_other_policies(resource)
        yield Finding("", "a NetworkPolicy that selects its pods", found=f"none for {' and '.join(missing).lower()}")


def _open(resource: Resource) -> Findings:
    decided = directions(resource)
    for number, rule in enumerate(resource.blocks("spec.ingress") if "Ingress" in decided else ()):
        if _from_everywhere(rule.blocks("from")):
            yield Finding(f"spec.ingress.{number}", "pods, namespaces or addresses that are meant", found="everybody")
    for number, rule in enumerate(resource.blocks("spec.egress") if "Egress" in decided else ()):
        peers = rule.blocks("to")
        # on ports that are named, to whatever address or but for some, as exchanges and AWS ask for
        if _from_everywhere(peers) and not (rule.blocks("ports") and (not peers or any(each.has("ipBlock.except") for each in peers))):
            yield Finding(f"spec.egress.{number}", "pods, addresses or ports that are meant", found="everything")


def _from_everywhere(peers: Iterable[Block]) -> bool:
    """Whether peers are absent, or together cover all: every address, or every pod of every namespace."""
    listed = list(peers)
    if not listed:
        return True
    ranges = [each.text("ipBlock.cidr") for each in listed if each.has("ipBlock")]
    if covers_world(networks([each for each in ranges if each], "ipBlock.cidr")):
        return True
    return any(
        each.block("namespaceSelector").present
        and not each.block("namespaceSelector").names()
        and not each.block("podSelector").names()
        and not each.has("ipBlock")
        for each in listed
    )


def _refuse_add_ons(space: Resource) -> None:
    """An add-on brings the pods of its namespace, and knows what they need. It waits for the namespace, or for what stands in it."""
    stack = space.stack
    for add_on in stack.of_type("aws:eks/addon:Addon"):
        inside = [each for urn in add_on.dependencies if (each := stack.by_urn(urn)) is not None]
        if space.urn in add_on.dependencies or any(space.urn in each.dependencies for each in inside):
            raise NotApplicableError("its pods are those of an add-on of EKS")


def _admits_nobody(policy: Resource) -> bool:
    """Whether a policy is for every pod, and admits no more than it names."""
    return (
        not policy.pairs("spec.podSelector")
        and "Ingress" in directions(policy)
        and not any(_from_everywhere(rule.blocks("from")) for rule in policy.blocks("spec.ingress"))
    )


def _isolated(resource: Resource) -> Findings:
    resource.text("metadata.name")
    stack = resource.stack
    policies = stack.of_type(_POLICY)
    inside = [each for each in policies if stands_in(each, resource)]
    if any(_admits_nobody(each) for each in inside):
        return
    pods = [each for each in stack.of_type(*WORKLOADS) if stands_in(each, resource)]
    if pods and all(matching(inside, "spec.podSelector", each) for each in pods):
        return
    if not pods and not policies:
        raise NotApplicableError("neither its pods nor a policy is declared here")
    _refuse_add_ons(resource)
    _refuse_other_policies(resource)
    yield Finding("", "a NetworkPolicy in it that selects every pod and admits nothing", found="none")


def _standard(resource: Resource) -> Findings:
    label = "pod-security.kubernetes.io/enforce"
    level = resource.block("metadata").pairs("labels").get(label)
    if level != "restricted":
        if level is UNKNOWN:
            raise UnknownValueError(f"metadata.labels.{label}")
        _refuse_add_ons(resource)
        yield Finding(
            "metadata.labels", f"{label}: restricted", found=f"{label}: {level}" if isinstance(level, str) else f"no label {label}"
        )


_control = Family(
    Severity.HIGH, "What reaches a pod can attack it, and what a pod reaches it can attack.", "https://kubernetes.io/docs/concepts"
).control


NETWORKS = (
    _control(
        "wl-pod-network",
        "Network policies cover every pod",
        WORKLOADS,
        _covered,
        "services-networking/network-policies/",
        "Declare a policy with an empty podSelector for ingress and egress, and what is meant beside it.",
    ),
    _control(
        "wl-network-policy",
        "Network policies admit somebody in particular",
        (_POLICY,),
        _open,
        "services-networking/network-policies/",
        "Name pods, namespaces, addresses or ports.",
    ),
    _control(
        "wl-namespace-standard",
        "Namespaces enforce the restricted standard",
        (NAMESPACE,),
        _standard,
        "security/pod-security-admission/",
        "Label the namespace.",
    ),
    _control(
        "wl-namespace-isolated",
        "Namespaces admit nothing by default",
        (NAMESPACE,),
        _isolated,
        "services-networking/network-policies/",
        "Declare a policy with an empty podSelector and no ingress rule.",
    ),
)
