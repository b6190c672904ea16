"""The Kubernetes API that tests ask refuses what a cluster would refuse, and takes what a cluster would take."""

from typing import Any

import pytest

from tests.real.kube_apiserver.build import pinned_version
from tests.real.kubernetes import KubernetesAPI, pod_of
from tests.real.servers import RefusedError

NAMESPACE = "restricted"
RESTRICTED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def api(kubernetes_api: KubernetesAPI) -> KubernetesAPI:
    """The server, with a namespace that takes restricted pods only."""
    kubernetes_api.create(namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"}))
    return kubernetes_api


def namespace(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def workload(kind: str = "Deployment", *, container: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One that a restricted namespace takes, but for what is added to its only container and to its specification."""
    main = {"name": "main", "image": "example/quotes:1", "securityContext": RESTRICTED} | (container or {})
    labels = {"app": "quotes"}
    template = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": "quotes", "containers": [main]}}
    spec = {"selector": {"matchLabels": labels}, "template": template} | more
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "quotes", "namespace": NAMESPACE}, "spec": spec}


def cron_job(**pod: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "example/report:1", "securityContext": RESTRICTED}]
    job = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": containers} | pod}}}
    spec = {"schedule": "0 2 * * *", "jobTemplate": job}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "report", "namespace": NAMESPACE}, "spec": spec}


def node_pool(**disruption: Any) -> dict[str, Any]:
    requirement = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}
    node_class = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"}
    spec = {"template": {"spec": {"nodeClassRef": node_class, "requirements": [requirement]}}, "disruption": disruption}
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "services"}, "spec": spec}


def test_server_is_the_pinned_version(api: KubernetesAPI) -> None:
    version = api.version
    assert version["gitVersion"] == pinned_version()
    assert pinned_version().startswith(f"v{version['emulationMajor']}.{version['emulationMinor']}.")


def test_good_workload_is_accepted(api: KubernetesAPI) -> None:
    api.dry_run(workload(replicas=2))


def test_good_pod_is_accepted_in_a_restricted_namespace(api: KubernetesAPI) -> None:
    api.dry_run(pod_of(workload()))


def test_dry_run_leaves_no_trace(api: KubernetesAPI) -> None:
    api.dry_run(namespace("tried", {}))
    with pytest.raises(RefusedError, match='namespaces "tried" not found'):
        api.dry_run(workload() | {"metadata": {"name": "quotes", "namespace": "tried"}})


def test_what_exists_already_is_no_conflict(api: KubernetesAPI) -> None:
    api.dry_run(namespace(NAMESPACE, {"purpose": "trading"}))


def test_unknown_field_is_refused(api: KubernetesAPI) -> None:
    with pytest.raises(RefusedError, match=r"\.spec\.replica: field not declared in schema"):
        api.dry_run(workload(replica=2))


def test_wrong_quantity_is_refused(api: KubernetesAPI) -> None:
    with pytest.raises(RefusedError, match="quantities must match"):
        api.dry_run(workload(container={"resources": {"requests": {"memory": "64 megabytes"}}}))


def test_value_that_validation_forbids_is_refused(api: KubernetesAPI) -> None:
    with pytest.raises(RefusedError, match=r"spec\.replicas: Invalid value: -1"):
        api.dry_run(workload(replicas=-1))


def test_doubled_variable_is_refused(api: KubernetesAPI) -> None:
    twice = [{"name": "MODE", "value": "live"}, {"name": "MODE", "value": "paper"}]
    with pytest.raises(RefusedError, match="duplicate entries"):
        api.dry_run(workload(container={"env": twice}))


def test_privileged_pod_is_refused_in_a_restricted_namespace(api: KubernetesAPI) -> None:
    privileged = workload(container={"securityContext": {"privileged": True}})
    with pytest.raises(RefusedError, match='violates PodSecurity "restricted:latest": privileged'):
        api.dry_run(pod_of(privileged))


def test_privileged_pod_is_accepted_where_nothing_forbids_it(api: KubernetesAPI) -> None:
    pod = pod_of(workload(container={"securityContext": {"privileged": True}}))
    api.dry_run(pod | {"metadata": {"name": "quotes", "namespace": "default"}})


def test_pod_of_a_scheduled_job_is_judged(api: KubernetesAPI) -> None:
    api.dry_run(pod_of(cron_job()))
    with pytest.raises(RefusedError, match=r"host namespaces \(hostNetwork=true\)"):
        api.dry_run(pod_of(cron_job(hostNetwork=True)))


def test_pod_of_a_stateful_set_has_the_volumes_of_its_claims(api: KubernetesAPI) -> None:
    mounting = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    claiming = workload("StatefulSet", container=mounting, serviceName="quotes", volumeClaimTemplates=[claim])
    api.dry_run(claiming)
    api.dry_run(pod_of(claiming))
    with pytest.raises(RefusedError, match=r'volumeMounts.*Not found: "data"'):
        api.dry_run(pod_of(workload(container=mounting)))


def test_good_node_pool_is_accepted(api: KubernetesAPI) -> None:
    api.dry_run(node_pool(consolidateAfter="1m"))


def test_node_pool_with_a_misspelt_field_is_refused(api: KubernetesAPI) -> None:
    with pytest.raises(RefusedError, match=r"\.spec\.disruption\.consolidateAftr: field not declared in schema"):
        api.dry_run(node_pool(consolidateAfter="1m", consolidateAftr="1m"))


def test_node_pool_that_breaks_a_rule_of_its_schema_is_refused(api: KubernetesAPI) -> None:
    with pytest.raises(RefusedError, match=r"spec\.disruption\.consolidateAfter: Invalid value"):
        api.dry_run(node_pool(consolidateAfter="soon"))


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "Pod"),
        ("karpenter.sh/v1", "NodePool"),
        ("cert-manager.io/v1", "Certificate"),
        ("cert-manager.io/v1", "ClusterIssuer"),
        ("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass"),
    ],
)
def test_schema_of_a_kind_that_the_platform_uses_is_known(api: KubernetesAPI, version: str, kind: str) -> None:
    assert api.has_schema({"apiVersion": version, "kind": kind})


@pytest.mark.parametrize(("version", "kind"), [("eks.amazonaws.com/v1", "NodeClass"), ("karpenter.sh/v1", "NodePol")])
def test_kind_without_a_schema_is_refused(api: KubernetesAPI, version: str, kind: str) -> None:
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "default"}}
    assert not api.has_schema(manifest)
    with pytest.raises(RefusedError, match=f"the server knows no {kind}"):
        api.dry_run(manifest)
