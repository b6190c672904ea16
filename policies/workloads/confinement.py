"""Controls of what pods may do to their node: Kubernetes' standard *restricted*.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.workloads.specs import LISTS, PATCHES, WORKLOADS, containers, each_of_list, is_windows, path_of, pod

__all__ = ["CONFINEMENT"]

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
_STATED = (*WORKLOADS, *LISTS, *PATCHES)


def _found(container: Block, path: str) -> str:
    return container.text(path) or "nothing"


def _refuse_windows(resource: Resource) -> None:
    if is_windows(resource):
        raise NotApplicableError("Windows has nothing of the kind")


@each_of_list
def _unprivileged(resource: Resource) -> Findings:
    for path, container in containers(resource):
        if container.flag("securityContext.privileged"):
            yield Finding(f"{path}.securityContext.privileged", "false")


@each_of_list
def _no_escalation(resource: Resource) -> Findings:
    _refuse_windows(resource)
    for path, container in containers(resource):
        # the default is true
        if container.flag("securityContext.allowPrivilegeEscalation", default=True):
            yield Finding(f"{path}.securityContext.allowPrivilegeEscalation", "false")


@each_of_list
def _capabilities(resource: Resource) -> Findings:
    _refuse_windows(resource)
    for path, container in containers(resource):
        if "ALL" not in [each.upper() for each in container.texts("securityContext.capabilities.drop")]:
            yield Finding(f"{path}.securityContext.capabilities.drop", "ALL")
        added = [
            each
            for each in container.texts("securityContext.capabilities.add")
            if each.upper() not in ("NET_BIND_SERVICE", "CAP_NET_BIND_SERVICE")
        ]
        if added:
            yield Finding(f"{path}.securityContext.capabilities.add", "NET_BIND_SERVICE at most")


@each_of_list
def _not_root(resource: Resource) -> Findings:
    of_pod = pod(resource)
    for path, container in containers(resource):
        owner = container if container.has("securityContext.runAsNonRoot") else of_pod
        if not owner.flag("securityContext.runAsNonRoot"):
            yield Finding(
                f"{path}.securityContext.runAsNonRoot", "true, here or for the pod", found=_found(owner, "securityContext.runAsNonRoot")
            )
        user = container if container.has("securityContext.runAsUser") else of_pod
        if user.number("securityContext.runAsUser") == 0:
            yield Finding(f"{path}.securityContext.runAsUser", "a user other than 0", found="0")


_FILTERED = ("RuntimeDefault", "Localhost")


@each_of_list
def _system_calls(resource: Resource) -> Findings:
    _refuse_windows(resource)
    of_pod = pod(resource)
    for path, container in containers(resource):
        owner = container if container.has("securityContext.seccompProfile.type") else of_pod
        if owner.text("securityContext.seccompProfile.type") not in _FILTERED:
            yield Finding(
                f"{path}.securityContext.seccompProfile.type",
                "RuntimeDefault, here or for the pod",
                found=_found(owner, "securityContext.seccompProfile.type"),
            )


@each_of_list
def _own_namespaces(resource: Resource) -> Findings:
    of_pod = pod(resource)
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if of_pod.flag(name):
            yield Finding(f"{path_of(resource)}.{name}", "false")
    for path, owner in ((path_of(resource), of_pod), *containers(resource)):
        if owner.flag("securityContext.windowsOptions.hostProcess"):
            yield Finding(f"{path}.securityContext.windowsOptions.hostProcess", "false")


@each_of_list
def _shared_processes(resource: Resource) -> Findings:
    if pod(resource).flag("shareProcessNamespace"):
        yield Finding(f"{path_of(resource)}.shareProcessNamespace", "false")


@each_of_list
def _host_ports(resource: Resource) -> Findings:
    for path, container in containers(resource):
        for number, port in enumerate(container.blocks("ports")):
            if port.number("hostPort", 0):
                yield Finding(f"{path}.ports.{number}.hostPort", "nothing")


_VOLUMES = ("name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image")


@each_of_list
def _volumes(resource: Resource) -> Findings:
    for number, volume in enumerate(resource.blocks(f"{path_of(resource)}.volumes")):
        for kind in volume.names():
            if kind not in _VOLUMES:
                yield Finding(
                    f"{path_of(resource)}.volumes.{number}.{kind}", "a volume that is not of the node", found=f"a volume of the kind {kind}"
                )


_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")


@each_of_list
def _asked_hosts(resource: Resource) -> Findings:
    for path, container in containers(resource):
        for name in _PROBES:
            for kind in ("httpGet", "tcpSocket"):
                if container.text(f"{name}.{kind}.host"):
                    yield Finding(f"{path}.{name}.{kind}.host", "nothing: the pod itself is asked")


def _rules(resource: Resource) -> Findings:
    for name in ("privileged", "hostNetwork", "hostPID", "hostIPC"):
        if resource.flag(f"spec.{name}"):
            yield Finding(f"spec.{name}", "false")
    if resource.flag("spec.allowPrivilegeEscalation", default=True):
        yield Finding("spec.allowPrivilegeEscalation", "false")
    for name, unwanted in (("volumes", ("*", "hostPath")), ("allowedCapabilities", ("*",))):
        if any(each in unwanted for each in resource.texts(f"spec.{name}")):
            yield Finding(f"spec.{name}", "what is needed")
    if resource.text("spec.runAsUser.rule", "RunAsAny") == "RunAsAny":
        yield Finding("spec.runAsUser.rule", "MustRunAsNonRoot")


def _persistent(resource: Resource) -> Findings:
    if resource.block("spec").has("hostPath"):
        yield Finding("spec.hostPath", "a volume of a driver")


_KERNEL = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


@each_of_list
def _kernel(resource: Resource) -> Findings:
    for number, setting in enumerate(resource.blocks(f"{path_of(resource)}.securityContext.sysctls")):
        if setting.text("name") not in _KERNEL:
            yield Finding(f"{path_of(resource)}.securityContext.sysctls.{number}.name", "a setting that stays in the pod")


_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


@each_of_list
def _profiles(resource: Resource) -> Findings:
    """AppArmor, SELinux and the mount of /proc may be left alone, and not loosened."""
    for path, owner in ((path_of(resource), pod(resource)), *containers(resource)):
        context = f"{path}.securityContext"
        if owner.text("securityContext.appArmorProfile.type", "RuntimeDefault") not in _FILTERED:
            yield Finding(f"{context}.appArmorProfile.type", "RuntimeDefault")
        if owner.text("securityContext.seLinuxOptions.type") not in _SELINUX:
            yield Finding(f"{context}.seLinuxOptions.type", "container_t")
        for name in ("user", "role"):
            if owner.text(f"securityContext.seLinuxOptions.{name}"):
                yield Finding(f"{context}.seLinuxOptions.{name}", "nothing")
        if owner.text("securityContext.procMount", "Default") != "Default":
            yield Finding(f"{context}.procMount", "Default")
    above = path_of(resource).removesuffix("spec")
    for name, value in resource.block(f"{above}metadata").pairs("annotations").items():
        if name.startswith(_APPARMOR) and isinstance(value, str) and value != "runtime/default" and not value.startswith("localhost/"):
            yield Finding(f"{above}metadata.annotations", f"{name}: runtime/default", found=value)


@each_of_list
def _read_only(resource: Resource) -> Findings:
    _refuse_windows(resource)
    for path, container in containers(resource):
        if not container.flag("securityContext.readOnlyRootFilesystem"):
            yield Finding(f"{path}.securityContext.readOnlyRootFilesystem", "true")


_control = Family(
    Severity.HIGH, "A process that is taken over does what its pod may do; a pod that may little, and that is one of several, harms little."
).control


CONFINEMENT = (
    _control(
        "wl-privileged",
        "No container is privileged",
        _STATED,
        _unprivileged,
        _STANDARDS,
        "Set privileged to false.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-escalation",
        "No process gains privileges",
        (*WORKLOADS, *LISTS),
        _no_escalation,
        _STANDARDS,
        "Set allowPrivilegeEscalation to false for each container.",
    ),
    _control(
        "wl-capabilities",
        "Containers drop every capability",
        (*WORKLOADS, *LISTS),
        _capabilities,
        _STANDARDS,
        "Set capabilities.drop to ALL for each container.",
    ),
    _control(
        "wl-root",
        "No container runs as root",
        (*WORKLOADS, *LISTS),
        _not_root,
        _STANDARDS,
        "Set runAsNonRoot for the pod, and a user in the image.",
    ),
    _control(
        "wl-seccomp",
        "System calls are filtered",
        (*WORKLOADS, *LISTS),
        _system_calls,
        _STANDARDS,
        "Set seccompProfile.type to RuntimeDefault for the pod.",
    ),
    _control(
        "wl-host-namespaces",
        "Pods do not share namespaces of their node",
        _STATED,
        _own_namespaces,
        _STANDARDS,
        "Remove hostNetwork, hostPID, hostIPC and hostProcess.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-shared-processes",
        "Containers of a pod do not see each other's processes",
        _STATED,
        _shared_processes,
        "https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/",
        "Remove shareProcessNamespace.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-host-ports",
        "Pods open no port of their node",
        _STATED,
        _host_ports,
        _STANDARDS,
        "Remove hostPort; a service reaches the pod.",
    ),
    _control(
        "wl-volumes",
        "Pods mount nothing of their node",
        _STATED,
        _volumes,
        _STANDARDS,
        "Use a claim, a config map, a secret or an emptyDir.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-persistent-volume",
        "Volumes are not folders of a node",
        ("kubernetes:core:PersistentVolume", "kubernetes:core:PersistentVolumePatch"),
        _persistent,
        "https://kubernetes.io/docs/concepts/storage/volumes/",
        "Use a volume of a CSI driver.",
        severity=Severity.CRITICAL,
    ),
    _control(
        "wl-probe-hosts",
        "The node asks nobody but the pod",
        _STATED,
        _asked_hosts,
        _STANDARDS,
        "Remove host from probes and hooks.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "wl-pod-rules",
        "Rules for pods confine them",
        ("kubernetes:policy:PodSecurityPolicy",),
        _rules,
        _STANDARDS,
        "Label namespaces with pod-security.kubernetes.io/enforce: Kubernetes 1.25 took PodSecurityPolicy away.",
    ),
    _control(
        "wl-kernel-settings",
        "Pods set nothing of their node's kernel",
        _STATED,
        _kernel,
        _STANDARDS,
        "Remove the setting.",
    ),
    _control(
        "wl-profiles",
        "Nothing that confines a container is loosened",
        _STATED,
        _profiles,
        _STANDARDS,
        "Leave AppArmor, SELinux and procMount at what the runtime sets.",
    ),
    _control(
        "wl-read-only",
        "Root file systems are read-only",
        (*WORKLOADS, *LISTS),
        _read_only,
        _STANDARDS,
        "Set readOnlyRootFilesystem, and mount an emptyDir where files are written.",
        severity=Severity.MEDIUM,
    ),
)
