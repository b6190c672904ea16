"""A real Kubernetes API server accepts every object of every stack, under the namespaces and the Pod Security that are declared."""

import copy
from typing import Any

import pytest

from mastertrade.manifests import manifests_of
from tests.declared import declare
from tests.pod_network_model import TEMPLATES
from tests.real.kube_apiserver.build import pinned_version
from tests.real.kubernetes import KubernetesAPI, pod_of
from tests.real.servers import RefusedError

CLUSTERS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-east-1"), ("staging", "us-west-2"), ("dev", "us-east-1")]
each_cluster = pytest.mark.parametrize(("stack", "region"), CLUSTERS)

WITHOUT_SCHEMA = {
    # Auto Mode's own kinds: AWS publishes no definition of them outside of a cluster
    ("eks.amazonaws.com/v1", "NodeClass"),
    ("eks.amazonaws.com/v1", "TargetGroupBinding"),
}
WORKLOADS = {type_.rsplit(":", 1)[1] for type_ in TEMPLATES}
RESTRICTED = {"trading", "vault", "monitoring"}


@pytest.fixture(scope="module")
def server(kubernetes_api: KubernetesAPI) -> KubernetesAPI:
    """The API server with production's namespaces; those of the other stacks are the same."""
    for each in manifests(*CLUSTERS[0]):
        if each["kind"] == "Namespace":
            kubernetes_api.create(each)
    return kubernetes_api


def manifests(stack: str, region: str) -> list[dict[str, Any]]:
    found = manifests_of(declare(stack).evaluation, region)
    assert found
    return found


def pods(stack: str, region: str) -> list[dict[str, Any]]:
    found = [pod_of(each) for each in manifests(stack, region) if each["kind"] in WORKLOADS]
    assert found
    return found


def name(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata'].get('namespace', '')}/{manifest['metadata']['name']}"


def refusals(server: KubernetesAPI, objects: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in objects:
        try:
            server.dry_run(each)
        except RefusedError as error:
            found[name(each)] = str(error)
    return found


@each_cluster
def test_every_object_is_accepted(server: KubernetesAPI, stack: str, region: str) -> None:
    known = [each for each in manifests(stack, region) if (each["apiVersion"], each["kind"]) not in WITHOUT_SCHEMA]
    assert not refusals(server, known)


@each_cluster
def test_only_the_stated_kinds_go_without_a_schema(server: KubernetesAPI, stack: str, region: str) -> None:
    unknown = {(each["apiVersion"], each["kind"]) for each in manifests(stack, region) if not server.has_schema(each)}
    assert unknown == WITHOUT_SCHEMA


@each_cluster
def test_every_pod_is_accepted_where_only_restricted_pods_are(server: KubernetesAPI, stack: str, region: str) -> None:
    assert {each["metadata"]["namespace"] for each in pods(stack, region)} == RESTRICTED
    assert not refusals(server, pods(stack, region))


@each_cluster
def test_namespaces_of_all_stacks_enforce_the_same(stack: str, region: str) -> None:
    labels = {
        each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in manifests(stack, region) if each["kind"] == "Namespace"
    }
    for namespace in RESTRICTED:
        assert labels[namespace]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_server_is_of_the_version_that_clusters_run() -> None:
    cluster = declare("prod").of("aws:eks/cluster:Cluster")[0].inputs["version"]
    assert pinned_version().startswith(f"v{cluster}.")


UNSAFE: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "as root": (("spec", "securityContext", "runAsUser"), 0, "runAsUser=0"),
    "with a path of the node": (("spec", "volumes"), [{"name": "node", "hostPath": {"path": "/etc"}}], "hostPath"),
    "in the network of the node": (("spec", "hostNetwork"), True, "hostNetwork"),
    "without a seccomp profile": (("spec", "securityContext", "seccompProfile"), None, "seccompProfile"),
}


@pytest.mark.parametrize(("path", "value", "reason"), UNSAFE.values(), ids=UNSAFE.keys())
@pytest.mark.parametrize("namespace", sorted(RESTRICTED))
def test_an_unsafe_pod_is_refused(server: KubernetesAPI, namespace: str, path: tuple[str, ...], value: Any, reason: str) -> None:
    pod = copy.deepcopy(next(each for each in pods("prod", "us-east-1") if each["metadata"]["namespace"] == namespace))
    where = pod
    for key in path[:-1]:
        where = where[key]
    if value is None:
        del where[path[-1]]
    else:
        where[path[-1]] = [*where[path[-1]], *value] if isinstance(value, list) else value
    with pytest.raises(RefusedError, match=reason):
        server.dry_run(pod)


def test_a_container_that_may_gain_rights_is_refused(server: KubernetesAPI) -> None:
    pod = copy.deepcopy(pods("prod", "us-east-1")[0])
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(RefusedError, match="allowPrivilegeEscalation"):
        server.dry_run(pod)


def test_a_misspelt_field_of_ours_would_be_refused(server: KubernetesAPI) -> None:
    deployment = copy.deepcopy(next(each for each in manifests("prod", "us-east-1") if each["kind"] == "Deployment"))
    deployment["spec"]["minReadySecond"] = 10
    with pytest.raises(RefusedError, match="minReadySecond"):
        server.dry_run(deployment)
