"""Controls of what pods are made of, and what they may take."""

import re

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.workloads.specs import LISTS, PATCHES, POD, SERVING, WORKLOADS, containers, each_of_list, path_of, pod, same_namespace

__all__ = ["PODS"]

_DIGEST = re.compile(r".+@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")


@each_of_list
def _digests(resource: Resource) -> Findings:
    for path, container in containers(resource):
        if resource.type in PATCHES and not container.has("image"):
            continue
        if not _DIGEST.match(container.text("image")):
            yield Finding(f"{path}.image", "an image by its digest, NAME@sha256:…")


# What a container needs and may take, and what a LimitRange gives where it is not stated
_AMOUNTS = {
    "limits.memory": ("default.memory",),
    "requests.cpu": ("defaultRequest.cpu", "default.cpu"),
    "requests.memory": ("defaultRequest.memory", "default.memory"),
}


@each_of_list
def _limits(resource: Resource) -> Findings:
    for path, container in containers(resource, "containers", "initContainers"):
        for name, defaults in _AMOUNTS.items():
            stated = container.text(f"resources.{name}") or pod(resource).text(f"resources.{name}")
            # a limit alone is also the request
            if name.startswith("requests") and not stated:
                limit = name.replace("requests", "limits")
                stated = container.text(f"resources.{limit}") or pod(resource).text(f"resources.{limit}")
            if _is_nothing(stated) and not (not stated and _is_given(resource, defaults)):
                yield Finding(f"{path}.resources.{name}", "an amount", found=stated or "nothing")


def _is_nothing(amount: str) -> bool:
    """Whether a quantity is absent or nought, in whichever unit."""
    figure = re.match(r"[+-]?[\d.]*", amount)
    return figure is None or not figure.group().strip("+-0.")


def _is_given(resource: Resource, paths: tuple[str, ...]) -> bool:
    """Whether a LimitRange of the namespace states a default."""
    return any(
        not _is_nothing(limit.text(path))
        for each in resource.stack.of_type("kubernetes:core:LimitRange")
        if same_namespace(each, resource)
        for limit in each.blocks("spec.limits")
        if limit.text("type") == "Container"
        for path in paths
    )


_PROBES = ("livenessProbe", "readinessProbe")
_ASKING = ("exec", "httpGet", "tcpSocket", "grpc")


@each_of_list
def _probes(resource: Resource) -> Findings:
    if resource.type == POD and pod(resource).text("restartPolicy", "Always") != "Always":
        raise NotApplicableError("the pod does its work and ends")
    for path, container in containers(resource, "containers"):
        for name in _PROBES:
            probe = container.block(name)
            if not any(probe.block(each).present for each in _ASKING):
                yield Finding(f"{path}.{name}", "a probe", found="none" if not probe.names() else "a probe that asks nothing")
    for path, container in containers(resource, "initContainers"):
        # one that always restarts is a sidecar, and runs as long as the others
        if container.text("restartPolicy") == "Always" and not any(container.has(each) for each in (*_PROBES, "startupProbe")):
            yield Finding(f"{path}.{_PROBES[0]}", "a probe", found="none")


@each_of_list
def _service_account(resource: Resource) -> Findings:
    if pod(resource).text("serviceAccountName", pod(resource).text("serviceAccount", "default")) == "default":
        yield Finding(f"{path_of(resource)}.serviceAccountName", "a service account of its own")


_BINDINGS = ("kubernetes:rbac.authorization.k8s.io:RoleBinding", "kubernetes:rbac.authorization.k8s.io:ClusterRoleBinding")


@each_of_list
def _token(resource: Resource) -> Findings:
    if not pod(resource).flag("automountServiceAccountToken"):
        return
    account = pod(resource).text("serviceAccountName", pod(resource).text("serviceAccount", "default"))
    if not _is_bound(resource, account):
        yield Finding(f"{path_of(resource)}.automountServiceAccountToken", "false, for a service account that may do nothing")


def _is_bound(resource: Resource, account: str) -> bool:
    """Whether a service account has rights, and so a use for its token."""
    return any(
        subject.text("kind") == "ServiceAccount" and subject.text("name") == account
        for binding in resource.stack.of_type(*_BINDINGS)
        for subject in binding.blocks("subjects")
    )


def _account(resource: Resource) -> Findings:
    is_default = resource.text("metadata.name") == "default"
    # without it, tokens are mounted, unless each pod says otherwise; an account with rights has a use for its token
    if resource.flag("automountServiceAccountToken", default=True) and not (not is_default and _is_overruled(resource)):
        yield Finding("automountServiceAccountToken", "false: pods that need a token ask for it")
    if is_default and "eks.amazonaws.com/role-arn" in resource.block("metadata").pairs("annotations"):
        yield Finding("metadata.annotations", "no role for every pod of the namespace", found="eks.amazonaws.com/role-arn")


def _is_overruled(account: Resource) -> bool:
    if _is_bound(account, account.text("metadata.name", account.name)):
        return True
    if account.has("automountServiceAccountToken"):
        return False
    users = [
        each
        for each in account.stack.of_type(*WORKLOADS)
        if same_namespace(each, account)
        and (
            pod(each).text("serviceAccountName") == account.text("metadata.name", account.name)
            or account.urn in each.property_dependencies.get("spec", ())
        )
    ]
    return bool(users) and all(pod(each).has("automountServiceAccountToken") for each in users)


def _lasting_token(resource: Resource) -> Findings:
    if resource.text("type") == "kubernetes.io/service-account-token":
        yield Finding("type", "a token that ends, by the TokenRequest API or a projected volume")


_BESIDE = (
    "kubernetes:core:ServiceAccount",
    "kubernetes:core:Service",
    "kubernetes:core:ConfigMap",
    "kubernetes:networking.k8s.io:NetworkPolicy",
    "kubernetes:policy:PodDisruptionBudget",
)


@each_of_list
def _own_namespace(resource: Resource) -> Findings:
    if resource.text("metadata.namespace") == "default":
        yield Finding("metadata.namespace", "a namespace of its own")
    elif not resource.has("metadata.namespace") and not resource.has("metadata.generateName"):
        # the provider may have one; where all that belongs to the pods names none either, it is the default
        beside = resource.stack.of_type(*_BESIDE)
        if beside and not resource.provider and not any(each.has("metadata.namespace") for each in beside):
            yield Finding("metadata.namespace", "a namespace of its own", found="none, which is the default one")


_control = Family(
    Severity.HIGH, "A process that is taken over does what its pod may do; a pod that may little, and that is one of several, harms little."
).control


PODS = (
    _control(
        "wl-digest",
        "Images are named by digest",
        (*WORKLOADS, *LISTS, *PATCHES),
        _digests,
        "https://kubernetes.io/docs/concepts/containers/images/",
        "Name the image by its digest.",
    ),
    _control(
        "wl-resources",
        "Containers state what they need and may take",
        (*WORKLOADS, *LISTS),
        _limits,
        "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
        "Set requests for cpu and memory, and a limit for memory.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-probes",
        "Containers that serve are probed",
        (*SERVING, *(f"{each}List" for each in SERVING)),
        _probes,
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        "Set livenessProbe and readinessProbe.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-service-account",
        "Pods have a service account of their own",
        (*WORKLOADS, *LISTS),
        _service_account,
        "https://kubernetes.io/docs/concepts/security/service-accounts/",
        "Declare a service account and name it.",
    ),
    _control(
        "wl-token",
        "Pods have a token only where they use it",
        (*WORKLOADS, *LISTS),
        _token,
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "Set automountServiceAccountToken to false.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-account-token",
        "Service accounts hand out no token by themselves",
        ("kubernetes:core:ServiceAccount",),
        _account,
        "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        "Set automountServiceAccountToken to false.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-lasting-token",
        "Tokens of service accounts end",
        ("kubernetes:core:Secret",),
        _lasting_token,
        "https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets",
        "Remove the secret; pods get a token that is renewed.",
        severity=Severity.HIGH,
    ),
    _control(
        "wl-default-namespace",
        "Nothing runs in the default namespace",
        (*WORKLOADS, *LISTS),
        _own_namespace,
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
        "Declare a namespace and name it.",
        severity=Severity.MEDIUM,
    ),
)
