"""Controls of pods, whatever declares them."""

import re
from collections.abc import Iterator

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["PODS"]

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"

_TEMPLATED = (
    "kubernetes:apps:Deployment",
    "kubernetes:apps:StatefulSet",
    "kubernetes:apps:DaemonSet",
    "kubernetes:apps:ReplicaSet",
    "kubernetes:core:ReplicationController",
    "kubernetes:batch:Job",
)
_TYPES = ("kubernetes:core:Pod", *_TEMPLATED, "kubernetes:batch:CronJob")
_SERVING = tuple(each for each in _TYPES if not each.startswith("kubernetes:batch:"))
_REPLICATED = ("kubernetes:apps:Deployment", "kubernetes:apps:StatefulSet")


def _path(resource: Resource) -> str:
    """Where the pod's specification stands."""
    if resource.type == "kubernetes:core:Pod":
        return "spec"
    return "spec.jobTemplate.spec.template.spec" if resource.type == "kubernetes:batch:CronJob" else "spec.template.spec"


def _pod(resource: Resource) -> Block:
    return resource.block(_path(resource))


def _containers(resource: Resource, *kinds: str) -> Iterator[tuple[str, Block]]:
    for kind in kinds or ("containers", "initContainers", "ephemeralContainers"):
        for number, container in enumerate(resource.blocks(f"{_path(resource)}.{kind}")):
            yield f"{_path(resource)}.{kind}.{number}", container


def _found(container: Block, path: str) -> str:
    return container.text(path) or "nothing"


def _unprivileged(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        if container.flag("securityContext.privileged"):
            yield Finding(f"{path}.securityContext.privileged", "false")


def _no_escalation(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        # the default is true
        if container.flag("securityContext.allowPrivilegeEscalation", default=True):
            yield Finding(f"{path}.securityContext.allowPrivilegeEscalation", "false")


def _capabilities(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        if "ALL" not in [each.upper() for each in container.texts("securityContext.capabilities.drop")]:
            yield Finding(f"{path}.securityContext.capabilities.drop", "ALL")
        added = [
            each
            for each in container.texts("securityContext.capabilities.add")
            if each.upper() not in ("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE")
        ]
        if added:
            yield Finding(f"{path}.securityContext.capabilities.add", "NET_BIND_SERVICE at most")


def _not_root(resource: Resource) -> Findings:
    pod = _pod(resource)
    for path, container in _containers(resource):
        owner = container if container.has("securityContext.runAsNonRoot") else pod
        if not owner.flag("securityContext.runAsNonRoot"):
            yield Finding(
                f"{path}.securityContext.runAsNonRoot", "true, here or for the pod", found=_found(owner, "securityContext.runAsNonRoot")
            )
        user = container if container.has("securityContext.runAsUser") else pod
        if user.number("securityContext.runAsUser") == 0:
            yield Finding(f"{path}.securityContext.runAsUser", "a user other than 0", found="0")


def _system_calls(resource: Resource) -> Findings:
    pod = _pod(resource)
    for path, container in _containers(resource):
        owner = container if container.has("securityContext.seccompProfile.type") else pod
        if owner.text("securityContext.seccompProfile.type") not in ("RuntimeDefault", "Localhost"):
            yield Finding(
                f"{path}.securityContext.seccompProfile.type",
                "RuntimeDefault, here or for the pod",
                found=_found(owner, "securityContext.seccompProfile.type"),
            )


def _own_namespaces(resource: Resource) -> Findings:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if _pod(resource).flag(name):
            yield Finding(f"{_path(resource)}.{name}", "false")


def _host_ports(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        for number, port in enumerate(container.blocks("ports")):
            if port.number("hostPort", 0):
                yield Finding(f"{path}.ports.{number}.hostPort", "nothing")


_VOLUMES = ("name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image")


def _volumes(resource: Resource) -> Findings:
    for number, volume in enumerate(resource.blocks(f"{_path(resource)}.volumes")):
        for kind in volume.names():
            if kind not in _VOLUMES:
                yield Finding(
                    f"{_path(resource)}.volumes.{number}.{kind}", "a volume that is not of the node", found=f"a volume of the kind {kind}"
                )


def _read_only(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        if not container.flag("securityContext.readOnlyRootFilesystem"):
            yield Finding(f"{path}.securityContext.readOnlyRootFilesystem", "true")


_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}$")


def _digests(resource: Resource) -> Findings:
    for path, container in _containers(resource):
        if not _DIGEST.match(container.text("image")):
            yield Finding(f"{path}.image", "an image by its digest, NAME@sha256:…")


def _limits(resource: Resource) -> Findings:
    for path, container in _containers(resource, "containers", "initContainers"):
        for name in ("limits.memory", "requests.cpu", "requests.memory"):
            stated = container.text(f"resources.{name}")
            # a limit alone is also the request
            if name.startswith("requests") and not stated:
                stated = container.text(f"resources.{name.replace('requests', 'limits')}")
            if not stated or not stated.strip("0mKMGiTE."):
                yield Finding(f"{path}.resources.{name}", "an amount", found=stated or "nothing")


def _probes(resource: Resource) -> Findings:
    for path, container in _containers(resource, "containers"):
        for name in ("livenessProbe", "readinessProbe"):
            if not container.block(name).names():
                yield Finding(f"{path}.{name}", "a probe", found="none")


def _service_account(resource: Resource) -> Findings:
    if _pod(resource).text("serviceAccountName", _pod(resource).text("serviceAccount", "default")) == "default":
        yield Finding(f"{_path(resource)}.serviceAccountName", "a service account of its own")


def _spread(resource: Resource) -> Findings:
    if (resource.number("spec.replicas", 1) or 0) <= 1:
        raise NotApplicableError("one pod cannot be spread")
    pod = _pod(resource)
    spread = any(each.text("topologyKey") == "topology.kubernetes.io/zone" for each in pod.blocks("topologySpreadConstraints"))
    apart = pod.block("affinity.podAntiAffinity")
    kept = [each.text("topologyKey") for each in apart.blocks("requiredDuringSchedulingIgnoredDuringExecution")]
    kept += [each.text("podAffinityTerm.topologyKey") for each in apart.blocks("preferredDuringSchedulingIgnoredDuringExecution")]
    if not spread and "topology.kubernetes.io/zone" not in kept:
        yield Finding(f"{_path(resource)}.topologySpreadConstraints", "a constraint over topology.kubernetes.io/zone")


_control = Family(
    Severity.HIGH, "A process that is taken over does what its pod may do; a pod that may little, and that is one of several, harms little."
).control


PODS = (
    _control(
        "wl-privileged",
        "No container is privileged",
        _TYPES,
        _unprivileged,
        _STANDARDS,
        "Set privileged to false.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-escalation",
        "No process gains privileges",
        _TYPES,
        _no_escalation,
        _STANDARDS,
        "Set allowPrivilegeEscalation to false for each container.",
    ),
    _control(
        "wl-capabilities",
        "Containers drop every capability",
        _TYPES,
        _capabilities,
        _STANDARDS,
        "Set capabilities.drop to ALL for each container.",
    ),
    _control(
        "wl-root",
        "No container runs as root",
        _TYPES,
        _not_root,
        _STANDARDS,
        "Set runAsNonRoot for the pod, and a user in the image.",
    ),
    _control(
        "wl-seccomp",
        "System calls are filtered",
        _TYPES,
        _system_calls,
        _STANDARDS,
        "Set seccompProfile.type to RuntimeDefault for the pod.",
    ),
    _control(
        "wl-host-namespaces",
        "Pods do not share namespaces of their node",
        _TYPES,
        _own_namespaces,
        _STANDARDS,
        "Remove hostNetwork, hostPID and hostIPC.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-host-ports",
        "Pods open no port of their node",
        _TYPES,
        _host_ports,
        _STANDARDS,
        "Remove hostPort; a service reaches the pod.",
    ),
    _control(
        "wl-volumes",
        "Pods mount nothing of their node",
        _TYPES,
        _volumes,
        _STANDARDS,
        "Use a claim, a config map, a secret or an emptyDir.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-read-only",
        "Root file systems are read-only",
        _TYPES,
        _read_only,
        _STANDARDS,
        "Set readOnlyRootFilesystem, and mount an emptyDir where files are written.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-digest",
        "Images are named by digest",
        _TYPES,
        _digests,
        "https://kubernetes.io/docs/concepts/containers/images/",
        "Name the image by its digest.",
    ),
    _control(
        "wl-resources",
        "Containers state what they need and may take",
        _TYPES,
        _limits,
        "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
        "Set requests for cpu and memory, and a limit for memory.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-probes",
        "Containers that serve are probed",
        _SERVING,
        _probes,
        "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        "Set livenessProbe and readinessProbe.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-service-account",
        "Pods have a service account of their own",
        _TYPES,
        _service_account,
        "https://kubernetes.io/docs/concepts/security/service-accounts/",
        "Declare a service account and name it.",
    ),
    _control(
        "wl-spread",
        "Replicas are spread over zones",
        _REPLICATED,
        _spread,
        "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",
        "Set topologySpreadConstraints over topology.kubernetes.io/zone.",
        severity=Severity.MEDIUM,
    ),
)
