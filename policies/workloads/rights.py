"""Controls of what may be done in a cluster."""

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.resources import Resource

__all__ = ["RIGHTS"]

_RBAC = "kubernetes:rbac.authorization.k8s.io:"
_CLUSTER_ROLE = f"{_RBAC}ClusterRole"
_ROLES = (f"{_RBAC}Role", _CLUSTER_ROLE, f"{_RBAC}RolePatch", f"{_RBAC}ClusterRolePatch")
_BINDINGS = (
    f"{_RBAC}RoleBinding",
    f"{_RBAC}ClusterRoleBinding",
    f"{_RBAC}RoleBindingPatch",
    f"{_RBAC}ClusterRoleBindingPatch",
)


def _wildcards(resource: Resource) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        for name in ("verbs", "resources", "apiGroups"):
            if any("*" in each for each in rule.texts(name)):
                yield Finding(f"rules.{number}.{name}", "names")
        if any(not each.strip("*/") for each in rule.texts("nonResourceURLs")):
            yield Finding(f"rules.{number}.nonResourceURLs", "names")
    for number, selector in enumerate(resource.block("aggregationRule").blocks("clusterRoleSelectors")):
        if not selector.names():
            yield Finding(f"aggregationRule.clusterRoleSelectors.{number}", "labels of the roles that are meant", found="every role")


_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection", "*"})
_GIVING = frozenset({"escalate", "bind", "impersonate"})
# Ways into running pods, to tokens of others, past the API, and to what every request passes through
# https://kubernetes.io/docs/concepts/security/rbac-good-practices/#kubernetes-rbac-privilege-escalation-risks
_WAYS = {
    "pods/exec": frozenset({"create", "get", "*"}),
    "pods/attach": frozenset({"create", "get", "*"}),
    "pods/portforward": frozenset({"create", "get", "*"}),
    "pods/ephemeralcontainers": _WRITING,
    "serviceaccounts/token": frozenset({"create", "*"}),
    "nodes/proxy": frozenset({"get", "create", *_WRITING}),
    "validatingwebhookconfigurations": _WRITING,
    "mutatingwebhookconfigurations": _WRITING,
    "validatingadmissionpolicies": _WRITING,
    "validatingadmissionpolicybindings": _WRITING,
    "certificatesigningrequests/approval": frozenset({"update", "patch", "*"}),
    # a volume may be a path of the node (CIS 5.1.9)
    "persistentvolumes": frozenset({"create", "*"}),
    "clusterroles": _WRITING - {"delete", "deletecollection"},
    "clusterrolebindings": _WRITING - {"delete", "deletecollection"},
}


def _escalation(resource: Resource) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        verbs = [each for each in rule.texts("verbs") if each in _GIVING]
        # to bind or to act as somebody in particular is no way to all
        if verbs and not rule.texts("resourceNames"):
            yield Finding(f"rules.{number}.verbs", "verbs that give nobody the rights of others", found=", ".join(verbs))
        ways = [each for each in rule.texts("resources") if _WAYS.get(each, frozenset()) & set(rule.texts("verbs"))]
        # whoever makes pods in any namespace has every account in it (CIS 5.1.4)
        if "ClusterRole" in resource.type and "pods" in rule.texts("resources") and {"create", "*"} & set(rule.texts("verbs")):
            ways.append("pods")
        if ways and not rule.texts("resourceNames"):
            yield Finding(f"rules.{number}.resources", "no way into pods, or to the rights of others", found=", ".join(ways))


def _secrets(resource: Resource) -> Findings:
    """A list shows what it lists; in a whole cluster, so does reading what one can guess."""
    telling = {"list", "watch"} if "ClusterRole" not in resource.type else {"get", "list", "watch"}
    for number, rule in enumerate(resource.blocks("rules")):
        if "secrets" in rule.texts("resources") and telling & set(rule.texts("verbs")) and not rule.texts("resourceNames"):
            yield Finding(f"rules.{number}.resources", "secrets by resourceNames", found="every secret")


def _administrators(resource: Resource) -> Findings:
    if resource.text("roleRef.name") in ("cluster-admin", "admin", "system:masters"):
        yield Finding("roleRef.name", "a role with the rights that are needed")


_EVERYBODY = frozenset(
    {"system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts", "system:masters", "*"}
)


def _strangers(resource: Resource) -> Findings:
    for number, subject in enumerate(resource.blocks("subjects")):
        name, kind = subject.text("name"), subject.text("kind")
        if name in _EVERYBODY or name.startswith("system:serviceaccounts:"):
            yield Finding(f"subjects.{number}.name", "a named service account or group")
        elif _is_default(name, kind):
            yield Finding(f"subjects.{number}.name", "a service account of its own")


def _is_default(name: str, kind: str) -> bool:
    return (kind == "ServiceAccount" and name == "default") or (
        kind == "User" and name.startswith("system:serviceaccount:") and name.endswith(":default")
    )


_HOOKS = "kubernetes:admissionregistration.k8s.io:"


def _admission(resource: Resource) -> Findings:
    if resource.type.endswith("PolicyBinding"):
        if "Deny" not in resource.texts("spec.validationActions"):
            yield Finding("spec.validationActions", "Deny")
        return
    owners: list[tuple[str, Block]] = [(f"webhooks.{number}.", each) for number, each in enumerate(resource.blocks("webhooks"))]
    for path, owner in owners or [("spec.", resource.block("spec"))]:
        if owner.text("failurePolicy", "Fail") != "Fail":
            yield Finding(f"{path}failurePolicy", "Fail")


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
        "Remove escalate, bind, impersonate, the way into pods and what changes admission.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-rbac-secrets",
        "Nobody reads every secret",
        _ROLES,
        _secrets,
        "security/rbac-good-practices/",
        "Name the secrets in resourceNames, with the verb get.",
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
        "wl-admission",
        "Admission refuses what it cannot judge",
        (
            f"{_HOOKS}ValidatingWebhookConfiguration",
            f"{_HOOKS}MutatingWebhookConfiguration",
            f"{_HOOKS}ValidatingAdmissionPolicy",
            f"{_HOOKS}ValidatingAdmissionPolicyBinding",
        ),
        _admission,
        "security/admission-webhooks-good-practices/",
        "Set failurePolicy to Fail, and validationActions to Deny.",
        severity=Severity.MEDIUM,
    ),
)
