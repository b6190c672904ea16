"""Pods, whatever declares them: where their specification stands, which labels they bear, what selects them."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from math import ceil
from typing import Any

from mastertrade.values import UNKNOWN
from policies.engine.blocks import Block, MisshapenError, UnknownValueError
from policies.engine.control import Finding, Findings
from policies.engine.resources import AloneError, Resource, Stack

__all__ = [
    "AUTOSCALER",
    "LISTS",
    "NAMESPACE",
    "PATCHES",
    "POD",
    "REPLICATED",
    "SERVING",
    "WORKLOADS",
    "autoscalers",
    "containers",
    "each_of_list",
    "is_windows",
    "labels",
    "matching",
    "namespace",
    "path_of",
    "pod",
    "replicas",
    "same_namespace",
    "selects",
    "share",
    "stands_in",
]

POD = "kubernetes:core:Pod"
NAMESPACE = "kubernetes:core:Namespace"
AUTOSCALER = "kubernetes:autoscaling:HorizontalPodAutoscaler"
_CRON_JOB = "kubernetes:batch:CronJob"
_TEMPLATE = "kubernetes:core:PodTemplate"
REPLICATED = ("kubernetes:apps:Deployment", "kubernetes:apps:StatefulSet", "kubernetes:argoproj.io:Rollout")
_OTHERS = ("kubernetes:apps:DaemonSet", "kubernetes:apps:ReplicaSet", "kubernetes:core:ReplicationController")
SERVING = (POD, *REPLICATED, *_OTHERS)
WORKLOADS = (*SERVING, "kubernetes:batch:Job", _CRON_JOB, _TEMPLATE)
# A patch states what it changes: what it does not state is no defect of it
PATCHES = tuple(f"{each}Patch" for each in WORKLOADS if "argoproj" not in each)


# Kubernetes has a kind for several at once; each of its items is a whole resource
LISTS = tuple(f"{each}List" for each in WORKLOADS)


def each_of_list(judge: Callable[[Resource], Findings]) -> Callable[[Resource], Findings]:
    """Judges a resource, or each item of a list."""

    @wraps(judge)
    def judge_all(resource: Resource) -> Findings:
        if resource.type not in LISTS:
            yield from judge(resource)
            return
        for number, item in enumerate(resource.blocks("items")):
            for finding in judge(_item(resource, item)):
                yield Finding(f"items.{number}.{finding.property}", finding.wanted, finding.found)

    return judge_all


def _item(resource: Resource, item: Block) -> Resource:
    stack: Stack | None
    try:
        stack = resource.stack
    except AloneError:
        stack = None
    properties: dict[str, Any] = dict(item.raw())
    return Resource(
        urn=resource.urn,
        type_=resource.type.removesuffix("List"),
        name=resource.name,
        properties=properties,
        provider=resource.provider,
        stack=stack,
    )


def path_of(resource: Resource) -> str:
    """Where the pod's specification stands."""
    kind = resource.type.removesuffix("Patch")
    if kind == POD:
        return "spec"
    if kind == _TEMPLATE:
        return "template.spec"
    return "spec.jobTemplate.spec.template.spec" if kind == _CRON_JOB else "spec.template.spec"


def pod(resource: Resource) -> Block:
    """The pod's specification."""
    return resource.block(path_of(resource))


def containers(resource: Resource, *kinds: str) -> Iterator[tuple[str, Block]]:
    """Containers of these kinds, of all where none is named, with their paths."""
    for kind in kinds or ("containers", "initContainers", "ephemeralContainers"):
        for number, container in enumerate(resource.blocks(f"{path_of(resource)}.{kind}")):
            yield f"{path_of(resource)}.{kind}.{number}", container


def is_windows(resource: Resource) -> bool:
    """Whether the pods run on Windows, which has no capabilities and no filter of system calls."""
    return pod(resource).text("os.name").lower() == "windows"


def labels(resource: Resource) -> dict[str, object]:
    """Labels of the pods; a value may be `UNKNOWN`."""
    return _mapping(resource, f"{path_of(resource).removesuffix('spec')}metadata.labels")


def _mapping(block: Block, path: str) -> dict[str, object]:
    above, _, last = path.rpartition(".")
    owner = block.block(above) if above else block
    return dict(owner.pairs(last))


def namespace(resource: Resource) -> str:
    """The namespace that a resource names."""
    return resource.text("metadata.namespace", "default")


def stands_in(resource: Resource, space: Resource) -> bool:
    """Whether a resource stands in a declared namespace."""
    if not _one_cluster(resource, space):
        return False
    if space.is_known("metadata.name") and resource.is_known("metadata.namespace") and namespace(resource) == space.text("metadata.name"):
        return True
    return resource.stack.refers(resource, "metadata.namespace", space)


def same_namespace(one: Resource, other: Resource) -> bool:
    """Whether two resources stand in one namespace: by its name, or by the declared namespace that both depend on."""
    if not _one_cluster(one, other):
        return False
    if one.is_known("metadata.namespace") and other.is_known("metadata.namespace"):
        return namespace(one) == namespace(other)
    spaces = [{each.urn for each in side.stack.depended_on(side, "metadata") if each.type == NAMESPACE} for side in (one, other)]
    return bool(spaces[0] & spaces[1])


def _one_cluster(one: Resource, other: Resource) -> bool:
    """Whether two resources are managed by providers of one cluster, as far as providers tell."""
    return not one.provider or not other.provider or one.provider == other.provider


def selects(selector: Block, borne: dict[str, object]) -> bool:
    """Whether a label selector selects pods with these labels; an empty one selects all. Raises `UnreadableError`.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
    """
    for name, value in selector.pairs("matchLabels").items():
        if value is UNKNOWN or borne.get(name) is UNKNOWN:
            raise UnknownValueError(selector.at(f"matchLabels.{name}"))
        if name not in borne or _plain(borne[name]) != _plain(value):
            return False
    return all(_meets(each, borne) for each in selector.blocks("matchExpressions"))


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meets(expression: Block, borne: dict[str, object]) -> bool:
    name, operator = expression.text("key"), expression.text("operator")
    has = name in borne
    if has and borne[name] is UNKNOWN:
        raise UnknownValueError(expression.at("key"))
    listed = has and _plain(borne[name]) in expression.texts("values")
    answers = {"In": listed, "NotIn": not listed, "Exists": has, "DoesNotExist": not has}
    if operator not in answers:
        raise MisshapenError(expression.at("operator"), "an operator of label selectors")
    return answers[operator]


def replicas(resource: Resource) -> int:
    """How many pods a workload has at least: what it states, or what its autoscaler keeps; one where neither does."""
    if resource.type in (POD, _TEMPLATE):
        return 1
    scaled = [each.number("spec.minReplicas", 1) for each in autoscalers(resource)] if _may_scale(resource) else []
    if scaled:
        return int(max(each or 1 for each in scaled))
    return int(resource.number("spec.replicas", 1) or 0)


def _may_scale(resource: Resource) -> bool:
    """An autoscaler replaces what is stated. Alone, a stated number is taken for what it is."""
    return resource.type in REPLICATED and (not resource.has("spec.replicas") or bool(resource.stack.of_type(AUTOSCALER)))


def autoscalers(resource: Resource) -> tuple[Resource, ...]:
    """Autoscalers of a workload."""
    kind = resource.type.rpartition(":")[2]
    return tuple(
        each
        for each in resource.stack.of_type(AUTOSCALER)
        if each.text("spec.scaleTargetRef.kind") == kind
        and same_namespace(each, resource)
        and (
            each.text("spec.scaleTargetRef.name") == resource.text("metadata.name", resource.name)
            or resource.urn in each.property_dependencies.get("spec", ())
        )
    )


def share(stated: str, whole: int, *, up: bool) -> int:
    """A number of pods, stated as such or as a percentage of all. `up`: how a fraction is rounded. Raises `ValueError`."""
    if stated.endswith("%"):
        part = float(stated.removesuffix("%")) * whole / 100
        return ceil(part) if up else int(part)
    return int(float(stated))


def matching(resources: Iterable[Resource], selector_path: str, workload: Resource) -> tuple[Resource, ...]:
    """Resources in the workload's namespace whose selector selects its pods."""
    borne = labels(workload)
    return tuple(each for each in resources if same_namespace(each, workload) and selects(each.block(selector_path), borne))
