"""Controls of credentials in what a cluster is told."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN
from policies.engine.blocks import UnknownValueError
from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.resources import Resource
from policies.exposure.credentials_in_text import FOUND, REFERRED, at, found_in
from policies.exposure.telling import is_telling, leaves, opened, tells

__all__ = ["CLUSTERS"]


def _config_map(resource: Resource) -> Findings:
    yield from found_in(resource, "data")
    for leaf in leaves(at(resource, "binaryData"), "binaryData"):
        try:
            plain = base64.b64decode(leaf.text, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        if tells(leaf.name, plain):
            yield Finding(leaf.path, REFERRED, found=FOUND)


_PODS = tuple(
    f"kubernetes:{each}"
    for each in (
        "apps:DaemonSet",
        "apps:DaemonSetPatch",
        "apps:Deployment",
        "apps:DeploymentPatch",
        "apps:ReplicaSet",
        "apps:ReplicaSetPatch",
        "apps:StatefulSet",
        "apps:StatefulSetPatch",
        "batch:CronJob",
        "batch:CronJobPatch",
        "batch:Job",
        "batch:JobPatch",
        "core:Pod",
        "core:PodPatch",
        "core:PodTemplate",
        "core:PodTemplatePatch",
        "core:ReplicationController",
        "core:ReplicationControllerPatch",
    )
)


def _pods(resource: Resource) -> Findings:
    for path in ("spec", "template"):
        for kind, container in _containers(at(resource, path), path):
            for name in ("env", "args", "command"):
                for leaf in leaves(container.get(name), f"{kind}.{name}"):
                    if tells(leaf.name, leaf.text):
                        yield Finding(leaf.path, "`valueFrom` with the name of a secret, or a mounted secret", found=FOUND)


def _containers(value: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Containers at any depth: a cron job has its pods four blocks down."""
    if not isinstance(value, Mapping):
        return
    for name, each in cast("Mapping[str, Any]", value).items():
        if name in ("containers", "initContainers", "ephemeralContainers"):
            if each is UNKNOWN:
                raise UnknownValueError(f"{path}.{name}")
            several = cast("list[Any]", each) if isinstance(each, list) else [each]
            for number, container in enumerate(several):
                if isinstance(container, Mapping):
                    yield f"{path}.{name}[{number}]", cast("Mapping[str, Any]", container)
        elif name in ("spec", "template", "jobTemplate"):
            if each is UNKNOWN:
                raise UnknownValueError(f"{path}.{name}")
            yield from _containers(each, f"{path}.{name}")


def _k8s_secret(resource: Resource) -> Findings:
    for path in ("stringData", "data"):
        for leaf in leaves(at(resource, path), path):
            text = leaf.text if path == "stringData" else next(reversed([*opened(leaf.text)]))
            # what a registry is logged in to with bears this name
            named = leaf.name == "auth" or tells(leaf.name, text) or (is_telling(leaf.name) and bool(text))
            if named and not text.lstrip().startswith(("${", "{{")):
                yield Finding(leaf.path, "a value that Pulumi keeps secret", found=FOUND)


_HELM = {
    "kubernetes:helm.sh:Release": ("values",),
    "kubernetes:helm.sh:Chart": ("values",),
}


def _helm(resource: Resource) -> Findings:
    yield from found_in(resource, *_HELM[resource.type])


_control = Family(
    Severity.CRITICAL,
    "A credential that can be read is used by whoever reads it: in a state, a console, a log, a backup.",
    "https://docs.aws.amazon.com",
).control


CLUSTERS = (
    _control(
        "exp-k8s-config-map",
        "Config maps hold no credential",
        ("kubernetes:core:ConfigMap", "kubernetes:core:ConfigMapPatch"),
        _config_map,
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "Put it into a secret store, mounted by the pods that need it.",
    ),
    _control(
        "exp-k8s-variables",
        "Variables and arguments of pods hold no credential",
        _PODS,
        _pods,
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "Name a secret under `valueFrom`, or mount it.",
    ),
    _control(
        "exp-k8s-secret",
        "Secrets of clusters are kept secret where they are declared",
        ("kubernetes:core:Secret", "kubernetes:core:SecretPatch"),
        _k8s_secret,
        "https://www.pulumi.com/docs/iac/concepts/secrets/",
        "Mark the value secret; better, let a store such as Vault or Secrets Manager hand it to the pod.",
    ),
    _control(
        "exp-k8s-helm",
        "Values of charts hold no credential",
        tuple(_HELM),
        _helm,
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "Name a secret that exists, or mark the value secret.",
    ),
)
