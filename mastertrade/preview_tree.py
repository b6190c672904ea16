"""An evaluation for people: a tree by region and component, and the stack's outputs."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from mastertrade.offline import Evaluation, Resource, masked
from mastertrade.offline.evaluation import PROVIDER_PREFIX, STACK_TYPE
from mastertrade.values import Plain

if TYPE_CHECKING:
    from mastertrade.offline.analyzer import PackResult

__all__ = ["show", "show_packs"]

_WIDTH_IN_A_PIPE = 160
_NO_LIMIT = 1_000_000
_NO_PLACE = "no region"
_SIZES = ("instanceClass", "nodeType", "hostInstanceType", "instanceType", "cidrBlock")
"""Properties that say how large a resource is, or where a network lies."""
_SIZED_BY_ADDRESS = ("ec2.Vpc",)


def show(evaluation: Evaluation, *, full: bool) -> None:
    """Prints an evaluation on standard output, in colour on a terminal."""
    console = _console(None if sys.stdout.isatty() else _WIDTH_IN_A_PIPE)
    resources = {resource.urn: resource for resource in evaluation.resources}
    shown = [each for each in evaluation.resources if each.custom and not each.type.startswith(PROVIDER_PREFIX)]
    places = _places(shown, resources)
    regions = len({resource.region for resource in evaluation.resources if resource.region})
    tree = Tree(
        f"[bold]{escape(evaluation.project)} {escape(evaluation.stack)}[/]  {_plural(regions, 'region')}, "
        f"{_plural(len(shown), 'resource')}  [dim]{evaluation.mode.value}[/]",
        guide_style="dim",
    )
    for place in sorted(set(places.values())):
        here = [each for each in shown if places[each.urn] == place]
        branch = tree.add(f"[bold]{escape(place)}[/]  {_plural(len(here), 'resource')}")
        _add_components(branch, here, resources, full=full)
    console.print(tree)
    if evaluation.outputs:
        outputs = Tree("[bold]outputs[/]", guide_style="dim")
        _add_value(outputs, masked(evaluation.outputs))
        # an address that is cut off still looks like one: let the terminal break lines, not rich
        _console(_NO_LIMIT).print(outputs)


def _console(width: int | None) -> Console:
    return Console(file=sys.stdout, highlight=False, emoji=False, width=width)


def _add_components(branch: Tree, here: Iterable[Resource], resources: Mapping[str, Resource], *, full: bool) -> None:
    by_component: dict[str, list[Resource]] = {}
    for resource in here:
        by_component.setdefault(_component(resource, resources), []).append(resource)
    labels = {urn: _label(resources.get(urn)) for urn in by_component}
    for urn in sorted(by_component, key=lambda urn: (labels[urn], urn)):
        members = by_component[urn]
        counts = Counter(_sized_type(resource) for resource in members)
        twig = branch.add(f"{escape(labels[urn])}  [cyan]{len(members)}[/]  [dim]{escape(_counted(counts))}[/]")
        if full:
            for resource in members:
                where = f"  [dim]{escape(str(resource.source))}[/]" if resource.source else ""
                twig.add(f"{escape(_short_type(resource))} {escape(resource.name)}{where}")


def _component(resource: Resource, resources: Mapping[str, Resource]) -> str:
    """The nearest component above a resource; resources may stand below resources."""
    above = resources.get(resource.parent)
    while above is not None and above.custom:
        above = resources.get(above.parent)
    return above.urn if above is not None else ""


def _label(component: Resource | None) -> str:
    if component is None or component.type == STACK_TYPE:
        return "outside of components"
    return f"{_short_type(component)} {component.name}"


def show_packs(results: "Iterable[PackResult]") -> None:
    """What policy packs found, below the tree: a line for each pack, and one for each violation."""
    console = _console(_NO_LIMIT)
    for result in results:
        count = _plural(len(result.violations), "violation")
        console.print(f"[bold]{escape(result.name)}[/] {result.version}  {_plural(len(result.policies), 'policy', 'policies')}, {count}")
        for each in result.violations:
            colour = "red" if each.enforcement == "mandatory" else "yellow"
            where = each.urn.rsplit("::", 1)[-1] or "the stack"
            console.print(
                f"  [{colour}]{each.enforcement}[/]  {escape(each.policy)}  {escape(where)}: {escape(' '.join(each.message.split()))}"
            )


def _places(shown: Iterable[Resource], resources: Mapping[str, Resource]) -> dict[str, str]:
    """Where each resource is: its AWS provider's region, named with the provider where several share the region.

    What no AWS provider manages, a random password or a Kubernetes object, is where its neighbours in the nearest component are.
    """
    providers: dict[str, set[str]] = {}
    around: dict[str, set[str]] = {}
    for resource in shown:
        if resource.region and not _is_of_kubernetes(resource):
            providers.setdefault(resource.region, set()).add(resource.provider)
            for urn in _above(resource, resources):
                around.setdefault(urn, set()).add(f"{resource.region}|{resource.provider}")
    places: dict[str, str] = {}
    for resource in shown:
        region, provider = resource.region, resource.provider
        if not region or _is_of_kubernetes(resource):
            single = next((around[urn] for urn in _above(resource, resources) if len(around.get(urn, ())) == 1), None)
            region, provider = next(iter(single)).split("|", 1) if single else ("", "")
        shared = len(providers.get(region, ())) > 1
        name = provider.rsplit("::", 1)[-1]
        places[resource.urn] = (region if not shared or name.endswith(region) else f"{region} ({name})") or _NO_PLACE
    return places


def _is_of_kubernetes(resource: Resource) -> bool:
    return resource.type.startswith(("kubernetes:", f"{PROVIDER_PREFIX}kubernetes"))


def _above(resource: Resource, resources: Mapping[str, Resource]) -> list[str]:
    chain: list[str] = []
    above = resources.get(resource.parent)
    while above is not None and above.type != STACK_TYPE:
        chain.append(above.urn)
        above = resources.get(above.parent)
    return chain


def _short_type(resource: Resource) -> str:
    """`ec2.Subnet` of `aws:ec2/subnet:Subnet`."""
    package, module, name = resource.type.split(":", 2)
    service = module.split("/", 1)[0]
    if not resource.custom:
        return name
    return f"{service}.{name}" if service not in ("index", "") else f"{package}.{name}"


def _sized_type(resource: Resource) -> str:
    """`rds.ClusterInstance db.r8g.xlarge`: the type, and the size where there is one."""
    kind = _short_type(resource)
    for name in _SIZES:
        size = resource.inputs.get(name)
        if isinstance(size, str) and (name != "cidrBlock" or kind in _SIZED_BY_ADDRESS):
            return f"{kind} {size}"
    return kind


def _counted(counts: Counter[str]) -> str:
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in sorted(counts.items()))


def _plural(count: int, word: str, several: str = "") -> str:
    return f"{count} {word if count == 1 else several or f'{word}s'}"


def _add_value(branch: Tree, value: Plain) -> None:
    """A value below its name: mappings and lists as branches."""
    named = cast("Mapping[str, Plain]", value).items() if isinstance(value, Mapping) else enumerate(cast("list[Plain]", value))
    for name, each in named:
        if isinstance(each, Mapping | list) and each:
            _add_value(branch.add(escape(str(name))), cast("Plain", each))
        else:
            text = each if isinstance(each, str) else json.dumps(each)
            branch.add(f"{escape(str(name))}: {escape(text)}" if isinstance(value, Mapping) else escape(text))
