"""Controls of how pods come, stay and go: spread, disruptions, releases, and the one that executes orders."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Option, Severity
from policies.engine.resources import Resource
from policies.workloads.specs import (
    NAMESPACE,
    REPLICATED,
    SERVING,
    autoscalers,
    labels,
    matching,
    path_of,
    pod,
    replicas,
    same_namespace,
    selects,
    share,
    stands_in,
)

__all__ = ["AVAILABILITY"]

_BUDGET = "kubernetes:policy:PodDisruptionBudget"
_ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def _spread(resource: Resource) -> Findings:
    number = replicas(resource)
    if number <= 1:
        raise NotApplicableError("one pod cannot be spread")
    of_pod, borne = pod(resource), labels(resource)
    if _is_pinned(of_pod):
        yield Finding(f"{path_of(resource)}.nodeSelector", "nodes of several zones", found="nodes of one zone")
    constraints = [each for each in of_pod.blocks("topologySpreadConstraints") if each.text("topologyKey") in _ZONES]
    for each in constraints:
        if not _counts(each, borne):
            yield Finding(
                f"{path_of(resource)}.topologySpreadConstraints", "a labelSelector that selects these pods", found="one that selects others"
            )
            return
        if (each.number("maxSkew", 1) or 1) >= number:
            yield Finding(f"{path_of(resource)}.topologySpreadConstraints", "a maxSkew below the number of pods")
            return
    if not constraints and not any(each.text("topologyKey") in _ZONES and _counts(each, borne) for each in _apart(of_pod)):
        yield Finding(f"{path_of(resource)}.topologySpreadConstraints", "a constraint over topology.kubernetes.io/zone")


def _is_pinned(of_pod: Block) -> bool:
    """Whether pods run on nodes of one zone only."""
    if any(name in _ZONES for name in of_pod.pairs("nodeSelector")):
        return True
    terms = of_pod.block("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution").blocks("nodeSelectorTerms")
    pinned = [
        {zone for each in term.blocks("matchExpressions") if each.text("key") in _ZONES for zone in each.texts("values")} for term in terms
    ]
    # one of several terms is enough for a node
    return bool(pinned) and all(pinned) and len(set[str]().union(*pinned)) == 1


def _counts(term: Block, borne: Mapping[str, object]) -> bool:
    """Whether a term counts pods with these labels. Without a selector it counts none."""
    return term.block("labelSelector").present and selects(term.block("labelSelector"), dict(borne))


def _apart(of_pod: Block) -> Iterator[Block]:
    apart = of_pod.block("affinity.podAntiAffinity")
    yield from apart.blocks("requiredDuringSchedulingIgnoredDuringExecution")
    for each in apart.blocks("preferredDuringSchedulingIgnoredDuringExecution"):
        yield each.block("podAffinityTerm")


def _budgeted(resource: Resource) -> Findings:
    if replicas(resource) <= 1:
        raise NotApplicableError("one pod cannot be kept up while its node is emptied")
    stack = resource.stack
    budgets = stack.of_type(_BUDGET)
    if not budgets and not any(stands_in(resource, each) for each in stack.of_type(NAMESPACE)):
        raise NotApplicableError("neither its namespace nor a budget is declared here")
    if not matching(budgets, "spec.selector", resource):
        yield Finding("", "a PodDisruptionBudget that selects its pods", found="none")


def _budget(resource: Resource) -> Findings:
    if not resource.has("spec.minAvailable") and not resource.has("spec.maxUnavailable"):
        yield Finding("spec.maxUnavailable", "1, or minAvailable")
        return
    if not resource.block("spec.selector").present:
        yield Finding("spec.selector", "the labels of the pods")
        return
    yield from _extreme(resource)
    workloads = [each for each in resource.stack.of_type(*SERVING) if same_namespace(each, resource)]
    kept = [each for each in workloads if selects(resource.block("spec.selector"), labels(each))]
    if workloads and not kept:
        yield Finding("spec.selector", "the labels of pods of its namespace", found="a selector that selects none of them")
    for each in kept:
        if each.type in REPLICATED:
            yield from _against(resource, each)


def _extreme(resource: Resource) -> Findings:
    for name, whole, none in (("spec.minAvailable", "100%", "0"), ("spec.maxUnavailable", "0", "100%")):
        stated = resource.text(name)
        if stated in (whole, f"{whole}%"):
            yield Finding(name, "a budget that lets nodes be emptied")
        elif stated in (none, f"{none}%"):
            yield Finding(name, "a budget that keeps pods up")


def _against(resource: Resource, workload: Resource) -> Findings:
    number = replicas(workload)
    if number == 0:
        return
    for name in ("spec.minAvailable", "spec.maxUnavailable"):
        stated = resource.text(name)
        if not stated or stated in ("0", "0%", "100%"):
            continue
        try:
            pods = share(stated, number, up=True)
        except ValueError:
            raise MisshapenError(name, "a number or a percentage") from None
        if pods >= number and (name.endswith("minAvailable") or number > 1):
            wanted = "less than the pods there are" if name.endswith("minAvailable") else "fewer than all pods"
            yield Finding(name, wanted, found=f"{stated} for {number} of {workload.name}")


def _released(resource: Resource) -> Findings:
    number = replicas(resource)
    if number <= 1:
        raise NotApplicableError("one pod is replaced by being taken away")
    if resource.text("spec.strategy.type", "RollingUpdate") == "Recreate":
        yield Finding("spec.strategy.type", "RollingUpdate")
        return
    stated = resource.text("spec.strategy.rollingUpdate.maxUnavailable", "25%")
    try:
        gone = share(stated, number, up=False)
    except ValueError:
        raise MisshapenError("spec.strategy.rollingUpdate.maxUnavailable", "a number or a percentage") from None
    if gone >= number:
        yield Finding("spec.strategy.rollingUpdate.maxUnavailable", "fewer than all pods")


_NAMING_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/component", "app", "k8s-app", "component", "name")
_SCALED = "kubernetes:keda.sh:ScaledObject"
_SINGLE = "single-active"
_EXECUTING = (*SERVING, "kubernetes:batch:Job", "kubernetes:batch:CronJob")


def _is_single(resource: Resource, names: tuple[str, ...]) -> bool:
    """Whether a workload is marked as one of which one may be active: by a label or annotation, or by a configured name."""
    marks = [resource.block("metadata").pairs("labels"), resource.block("metadata").pairs("annotations"), labels(resource)]
    for each in marks:
        for name, value in each.items():
            if name.rpartition("/")[2] == _SINGLE and str(value).lower() == "true":
                return True
    called = [each.get(name) for each in marks for name in _NAMING_LABELS]
    if resource.is_known("metadata.name"):
        called.append(resource.text("metadata.name"))
    return any(isinstance(each, str) and each in names for each in called)


def _single(resource: Resource, options: Mapping[str, Any]) -> Findings:
    names = tuple(cast("list[str]", options["workloads"]))
    if not _is_single(resource, names):
        raise NotApplicableError("several of it may be active")
    if _most(resource) == 0:
        return
    yield from _alone(resource)
    for each in autoscalers(resource):
        if (each.number("spec.maxReplicas", 1) or 1) > 1:
            yield Finding("", "no autoscaler", found=f"{each}, which may start {each.text('spec.maxReplicas')}")
    for each in resource.stack.of_type(_SCALED):
        # the default of KEDA is a hundred
        if each.text("spec.scaleTargetRef.name") == resource.text("metadata.name", resource.name) and (
            (each.number("spec.maxReplicaCount", 100) or 0) > 1
        ):
            yield Finding("", "no autoscaler", found=str(each))
    active = [each for each in resource.stack.of_type(*_EXECUTING) if _is_single(each, names) and _most(each) > 0]
    if len(active) > 1 and active[0] is resource:
        others = ", ".join(str(each) for each in active[1:])
        yield Finding("spec.replicas", "one active workload in the whole stack, the others at 0", found=f"active as well: {others}")


def _most(resource: Resource) -> int:
    """How many pods are asked for; one where nothing is stated."""
    if resource.type == "kubernetes:batch:CronJob" and resource.flag("spec.suspend"):
        return 0
    return int(resource.number("spec.parallelism" if resource.type == "kubernetes:batch:Job" else "spec.replicas", 1) or 0)


def _alone(resource: Resource) -> Findings:
    kind = resource.type.rpartition(":")[2]
    if kind == "DaemonSet":
        yield Finding("", "a StatefulSet of one pod", found="a pod on every node")
    if _most(resource) > 1:
        yield Finding("spec.parallelism" if kind == "Job" else "spec.replicas", "1")
    if kind == "CronJob" and resource.text("spec.concurrencyPolicy", "Allow") == "Allow":
        yield Finding("spec.concurrencyPolicy", "Forbid")
    if kind == "Deployment" and resource.text("spec.strategy.type", "RollingUpdate") == "RollingUpdate":
        # Kubernetes rounds a surge up: 25 % of one pod, the default, is one more
        surge = resource.text("spec.strategy.rollingUpdate.maxSurge", "25%")
        if surge.removesuffix("%").strip("0."):
            yield Finding("spec.strategy.type", "Recreate", found="a release that starts the next pod before the last has gone")
    if kind == "Rollout":
        yield Finding("", "a StatefulSet, or a Deployment that recreates", found="a release that runs two versions at once")


_control = Family(
    Severity.MEDIUM,
    "Nodes are emptied, zones fail and releases go wrong: what has one pod too few then answers nobody.",
    "https://kubernetes.io/docs",
).control


AVAILABILITY = (
    _control(
        "wl-spread",
        "Replicas are spread over zones",
        REPLICATED,
        _spread,
        "concepts/scheduling-eviction/topology-spread-constraints/",
        "Set topologySpreadConstraints over topology.kubernetes.io/zone.",
    ),
    _control(
        "wl-disruption-budget",
        "Replicated workloads keep pods while nodes are emptied",
        REPLICATED,
        _budgeted,
        "tasks/run-application/configure-pdb/",
        "Declare a PodDisruptionBudget with the labels of the pods.",
    ),
    _control(
        "wl-budget",
        "Disruption budgets keep pods up, and let nodes be emptied",
        (_BUDGET,),
        _budget,
        "tasks/run-application/configure-pdb/",
        "Set maxUnavailable to 1, and the selector of the workload.",
    ),
    _control(
        "wl-release",
        "Releases leave pods running",
        ("kubernetes:apps:Deployment",),
        _released,
        "concepts/workloads/controllers/deployment/#strategy",
        "Set the strategy to RollingUpdate with a maxUnavailable below the number of pods.",
    ),
    _control(
        "wl-single-active",
        "One executor of orders is active at most",
        _EXECUTING,
        _single,
        "tasks/run-application/run-single-instance-stateful-application/",
        "Run it as a StatefulSet of one pod, or a Deployment with the strategy Recreate, without an autoscaler; elsewhere with 0 pods.",
        severity=Severity.CRITICAL,
        options={
            "workloads": Option(
                ["order-executor"],
                "names of workloads",
                lambda value: isinstance(value, list) and all(isinstance(each, str) and each for each in cast("list[Any]", value)),
                f"Names (or values of the usual labels) of what may be active once; a label `{_SINGLE}: true` says the same.",
            )
        },
    ),
)
