"""Controls of what may be done in a cluster."""

from mastertrade.values import UNKNOWN
from policies.engine.blocks import UnknownValueError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["RIGHTS"]

_ROLES = ("kubernetes:rbac.authorization.k8s.io:Role", "kubernetes:rbac.authorization.k8s.io:ClusterRole")
_BINDINGS = ("kubernetes:rbac.authorization.k8s.io:RoleBinding", "kubernetes:rbac.authorization.k8s.io:ClusterRoleBinding")


def _wildcards(resource: Resource) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        for name in ("verbs", "resources", "apiGroups", "nonResourceURLs"):
            if "*" in rule.texts(name):
                yield Finding(f"rules.{number}.{name}", "names")


def _escalation(resource: Resource) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        verbs = [each for each in rule.texts("verbs") if each in ("escalate", "bind", "impersonate")]
        if verbs:
            yield Finding(f"rules.{number}.verbs", "verbs that give nobody the rights of others", found=", ".join(verbs))
        if {"pods/exec", "pods/attach"} & set(rule.texts("resources")) and "create" in rule.texts("verbs"):
            yield Finding(f"rules.{number}.resources", "no way into running pods")


def _administrators(resource: Resource) -> Findings:
    if resource.text("roleRef.name") in ("cluster-admin", "admin", "system:masters"):
        yield Finding("roleRef.name", "a role with the rights that are needed")


def _strangers(resource: Resource) -> Findings:
    for number, subject in enumerate(resource.blocks("subjects")):
        if subject.text("name") in (
            "system:anonymous",
            "system:unauthenticated",
            "system:authenticated",
            "system:serviceaccounts",
            "system:masters",
        ):
            yield Finding(f"subjects.{number}.name", "a named service account or group")
        elif subject.text("kind") == "ServiceAccount" and subject.text("name") == "default":
            yield Finding(f"subjects.{number}.name", "a service account of its own")


def _refuse_add_ons(namespace: Resource) -> None:
    """An add-on brings the pods of its namespace, and knows what they need. It waits for the namespace, or for what stands in it."""
    stack = namespace.stack
    for add_on in stack.of_type("aws:eks/addon:Addon"):
        inside = [each for urn in add_on.dependencies if (each := stack.by_urn(urn)) is not None]
        if namespace.urn in add_on.dependencies or any(namespace.urn in each.dependencies for each in inside):
            raise NotApplicableError("its pods are those of an add-on of EKS")


def _standard(resource: Resource) -> Findings:
    label = "pod-security.kubernetes.io/enforce"
    level = resource.pairs("metadata.labels").get(label)
    if level != "restricted":
        if level is UNKNOWN:
            raise UnknownValueError(f"metadata.labels.{label}")
        _refuse_add_ons(resource)
        yield Finding(
            "metadata.labels", f"{label}: restricted", found=f"{label}: {level}" if isinstance(level, str) else f"no label {label}"
        )


def _isolated(resource: Resource) -> Findings:
    name = resource.text("metadata.name")
    for policy in resource.stack.of_type("kubernetes:networking.k8s.io:NetworkPolicy"):
        if policy.text("metadata.namespace", "default") != name and not resource.stack.refers(policy, "metadata.namespace", resource):
            continue
        types = policy.texts("spec.policyTypes") or (("Ingress", "Egress") if policy.has("spec.egress") else ("Ingress",))
        if not policy.pairs("spec.podSelector") and "Ingress" in types and not policy.blocks("spec.ingress"):
            return
    _refuse_add_ons(resource)
    yield Finding("", "a NetworkPolicy in it that selects every pod and admits nothing", found="none")


_control = Family(
    Severity.HIGH,
    "Rights in a cluster reach every secret and every pod of it, unless they are narrow.",
    "https://kubernetes.io/docs/concepts",
).control


RIGHTS = (
    _control(
        "wl-rbac-wildcards",
        "Roles name what they allow",
        _ROLES,
        _wildcards,
        "security/rbac-good-practices/",
        "Name verbs, resources and groups.",
    ),
    _control(
        "wl-rbac-escalation",
        "Nobody takes the rights of others",
        _ROLES,
        _escalation,
        "security/rbac-good-practices/",
        "Remove escalate, bind, impersonate and the way into pods.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-rbac-administrators",
        "Nobody is administrator of a cluster by a binding",
        _BINDINGS,
        _administrators,
        "security/rbac-good-practices/",
        "Bind a role with the rights that are needed; operators come through access entries.",
    ),
    _control(
        "wl-rbac-strangers",
        "Rights are given to somebody in particular",
        _BINDINGS,
        _strangers,
        "security/rbac-good-practices/",
        "Name a service account or a group.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-namespace-standard",
        "Namespaces enforce the restricted standard",
        ("kubernetes:core:Namespace",),
        _standard,
        "security/pod-security-admission/",
        "Label the namespace.",
    ),
    _control(
        "wl-namespace-isolated",
        "Namespaces admit nothing by default",
        ("kubernetes:core:Namespace",),
        _isolated,
        "services-networking/network-policies/",
        "Declare a policy with an empty podSelector and no ingress rule.",
    ),
)
