"""Controls of the data segment: no way from the internet to what holds data, over routes, network ACLs and security groups together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policies.engine.addresses import Ports
from policies.engine.blocks import Block, UnreadableError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.exposure.rules import Rule, first_allowing, open_to_world
from policies.exposure.wiring import GROUPS, SUBNETS, InternetRoute, NotDeclaredError, named, wiring

__all__ = ["REACHABILITY"]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a resource of data stands in its network, as paths of its properties."""

    subnets: str
    groups: str
    subnet_group: str = ""
    """Type of what `subnets` names where it names a group of subnets."""
    port: str = ""


def _fsx(kind: str) -> str:
    return f"aws:fsx/{kind[0].lower()}{kind[1:]}:{kind}"


_RDS_GROUP = "aws:rds/subnetGroup:SubnetGroup"
_CACHE_GROUP = "aws:elasticache/subnetGroup:SubnetGroup"
_OWN_SUBNETS = _Place("subnetIds", "securityGroupIds")
_DATA: dict[str, _Place] = {
    "aws:rds/instance:Instance": _Place("dbSubnetGroupName", "vpcSecurityGroupIds", _RDS_GROUP, "port"),
    "aws:rds/cluster:Cluster": _Place("dbSubnetGroupName", "vpcSecurityGroupIds", _RDS_GROUP, "port"),
    "aws:rds/proxy:Proxy": _Place("vpcSubnetIds", "vpcSecurityGroupIds"),
    "aws:rds/proxyEndpoint:ProxyEndpoint": _Place("vpcSubnetIds", "vpcSecurityGroupIds"),
    "aws:docdb/cluster:Cluster": _Place("dbSubnetGroupName", "vpcSecurityGroupIds", "aws:docdb/subnetGroup:SubnetGroup", "port"),
    "aws:docdb/elasticCluster:ElasticCluster": _Place("subnetIds", "vpcSecurityGroupIds"),
    "aws:neptune/cluster:Cluster": _Place("neptuneSubnetGroupName", "vpcSecurityGroupIds", "aws:neptune/subnetGroup:SubnetGroup", "port"),
    "aws:neptunegraph/privateGraphEndpoint:PrivateGraphEndpoint": _Place("subnetIds", "vpcSecurityGroupIds"),
    "aws:redshift/cluster:Cluster": _Place("clusterSubnetGroupName", "vpcSecurityGroupIds", "aws:redshift/subnetGroup:SubnetGroup", "port"),
    "aws:redshift/endpointAccess:EndpointAccess": _Place("subnetGroupName", "vpcSecurityGroupIds", "aws:redshift/subnetGroup:SubnetGroup"),
    "aws:redshiftserverless/workgroup:Workgroup": _Place("subnetIds", "securityGroupIds", port="port"),
    "aws:redshiftserverless/endpointAccess:EndpointAccess": _Place("subnetIds", "vpcSecurityGroupIds"),
    "aws:elasticache/cluster:Cluster": _Place("subnetGroupName", "securityGroupIds", _CACHE_GROUP, "port"),
    "aws:elasticache/replicationGroup:ReplicationGroup": _Place("subnetGroupName", "securityGroupIds", _CACHE_GROUP, "port"),
    "aws:elasticache/serverlessCache:ServerlessCache": _OWN_SUBNETS,
    "aws:memorydb/cluster:Cluster": _Place("subnetGroupName", "securityGroupIds", "aws:memorydb/subnetGroup:SubnetGroup", "port"),
    "aws:dax/cluster:Cluster": _Place("subnetGroupName", "securityGroupIds", "aws:dax/subnetGroup:SubnetGroup"),
    "aws:mq/broker:Broker": _Place("subnetIds", "securityGroups"),
    "aws:msk/cluster:Cluster": _Place("brokerNodeGroupInfo.clientSubnets", "brokerNodeGroupInfo.securityGroups"),
    "aws:msk/serverlessCluster:ServerlessCluster": _Place("vpcConfigs.subnetIds", "vpcConfigs.securityGroupIds"),
    "aws:opensearch/domain:Domain": _Place("vpcOptions.subnetIds", "vpcOptions.securityGroupIds"),
    "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint": _OWN_SUBNETS,
    "aws:elasticsearch/domain:Domain": _Place("vpcOptions.subnetIds", "vpcOptions.securityGroupIds"),
    "aws:dms/replicationInstance:ReplicationInstance": _Place(
        "replicationSubnetGroupId", "vpcSecurityGroupIds", "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup"
    ),
    "aws:timestreaminfluxdb/dbInstance:DbInstance": _Place("vpcSubnetIds", "vpcSecurityGroupIds", port="port"),
    "aws:timestreaminfluxdb/dbCluster:DbCluster": _Place("vpcSubnetIds", "vpcSecurityGroupIds", port="port"),
    "aws:efs/mountTarget:MountTarget": _Place("subnetId", "securityGroups"),
    **{_fsx(kind): _OWN_SUBNETS for kind in ("LustreFileSystem", "OntapFileSystem", "OpenZfsFileSystem", "WindowsFileSystem", "FileCache")},
}


_SUBNET_GROUPS = tuple(dict.fromkeys(place.subnet_group for place in _DATA.values() if place.subnet_group))


def _subnets(resource: Resource) -> tuple[Resource, ...]:
    """Subnets of the stack in which a resource stands. Raises `NotDeclaredError` where they are all declared elsewhere."""
    place = _place(resource)
    found: list[Resource] = []
    if place.subnet_group:
        for each in named(resource, resource, place.subnets, place.subnet_group).resources:
            found += named(each, each, "subnetIds", *SUBNETS).resources
    else:
        for block, path in _readable(resource, place.subnets):
            found += named(resource, block, path, *SUBNETS).resources
    if not found:
        raise NotDeclaredError("its subnets are not declared in this stack")
    return tuple(dict.fromkeys(found))


def _place(resource: Resource) -> _Place:
    return _Place("subnetIds", "") if resource.type in _SUBNET_GROUPS else _DATA[resource.type]


def _is_used(group: Resource) -> bool:
    """Whether something of the stack stands in a group of subnets."""
    return any(
        group.stack.refers(each, place.subnets, group)
        for type_, place in _DATA.items()
        if place.subnet_group == group.type
        for each in group.stack.of_type(type_)
    )


def _groups(resource: Resource) -> tuple[Resource, ...]:
    found: list[Resource] = []
    for block, path in _readable(resource, _DATA[resource.type].groups):
        found += named(resource, block, path, *GROUPS).resources
    if not found:
        raise NotDeclaredError("its security groups are not declared in this stack")
    return tuple(dict.fromkeys(found))


def _readable(resource: Resource, path: str) -> Iterator[tuple[Block, str]]:
    """The blocks that a path leads to: one, or several where the property is a list of blocks."""
    above, _, last = path.rpartition(".")
    if not above:
        yield resource, path
        return
    for each in resource.blocks(above):
        yield each, last


def _group_is_narrow(resource: Resource) -> Findings:
    known = wiring(resource)
    try:
        groups = _groups(resource)
    except NotDeclaredError as error:
        raise NotApplicableError(str(error)) from None
    for group in groups:
        for ports in open_to_world(known.group_rules(group)):
            yield Finding(
                _DATA[resource.type].groups, "groups that name who may connect", found=f"{group}, which opens {ports} to the world"
            )


def _no_route(resource: Resource) -> Findings:
    if resource.type in _SUBNET_GROUPS and _is_used(resource):
        raise NotApplicableError("what stands in it is judged")
    for subnet, route in _routes(resource):
        yield Finding(
            _place(resource).subnets,
            "subnets without a route to an internet gateway",
            found=f"{subnet}, to which {route.where} leads from the internet",
        )


def _routes(resource: Resource) -> Iterator[tuple[Resource, InternetRoute]]:
    known = wiring(resource)
    undeclared = ""
    unreadable: UnreadableError | None = None
    try:
        for subnet in _subnets(resource):
            try:
                route = known.internet_route(subnet)
            except NotDeclaredError as error:
                undeclared = str(error)
                continue
            except UnreadableError as error:
                unreadable = error
                continue
            if route is not None:
                yield subnet, route
    except NotDeclaredError as error:
        undeclared = str(error)
    if unreadable is not None:
        raise unreadable
    if undeclared:
        raise NotApplicableError(undeclared)


def _not_reachable(resource: Resource) -> Findings:
    """A leg that is known to be closed closes the way, whatever the others are."""
    known = wiring(resource)
    if known.blocks_the_internet:
        return
    rules, no_rules = _known_or_why(lambda: [each for group in _groups(resource) for each in known.group_rules(group)])
    opened: list[Ports] = list(open_to_world(rules)) if rules is not None else []
    if rules is not None and not opened:
        return
    path = _DATA[resource.type].port
    port = resource.number(path) if path and resource.is_known(path) else None
    if port is not None and rules is not None:
        opened = [Ports(each.protocol, port, port) for each in opened if each.protocol == "all" or each.admits(int(port))]
        if not opened:
            return
    yield from _open_ways(resource, rules or [], opened)
    # no way was found; one that goes through what is not declared or not known may be there
    if no_rules is not None and any(True for _ in _routes(resource)):
        raise no_rules


def _open_ways(resource: Resource, rules: list[Rule], opened: list[Ports]) -> Findings:
    known = wiring(resource)
    for subnet, route in _routes(resource):
        for ports in opened:
            try:
                acl = known.acl(subnet)
            except NotDeclaredError as error:
                raise NotApplicableError(str(error)) from None
            entry = first_allowing(known.acl_rules(acl), ports) if acl else None
            if acl and entry is None:
                continue
            through = entry.where if entry else "the network ACL that AWS gives"
            by = next(
                (each.where for each in rules if list(open_to_world([each])) and _overlap(each.ports, ports)),
                "its security groups together",
            )
            yield Finding(
                _DATA[resource.type].subnets,
                "no way from the internet to it",
                found=f"{ports} open from the internet: {route.where}, {through}, {by}, {resource}",
            )
            return


def _overlap(one: Ports, other: Ports) -> bool:
    same = one.protocol == other.protocol or "all" in (one.protocol, other.protocol)
    return same and one.first <= other.last and other.first <= one.last


def _known_or_why(read: Callable[[], list[Rule]]) -> tuple[list[Rule] | None, Exception | None]:
    try:
        return read(), None
    except NotDeclaredError as error:
        return None, NotApplicableError(str(error))
    except UnreadableError as error:
        return None, error


_control = Family(
    Severity.CRITICAL,
    "What holds data is reached by the applications alone: one wrong group, list or route must not be enough to change that.",
).control

_TYPES = tuple(_DATA)
REACHABILITY = (
    _control(
        "exp-data-groups",
        "Security groups of databases, caches, brokers and file systems admit nobody from the internet",
        _TYPES,
        _group_is_narrow,
        "AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html",
        "Give it a group of its own, which names the groups of those who connect. 80 and 443 are for load balancers.",
    ),
    _control(
        "exp-data-routes",
        "Databases, caches, brokers and file systems stand in subnets without a route to the internet",
        (*_TYPES, *_SUBNET_GROUPS),
        _no_route,
        "vpc/latest/userguide/VPC_Internet_Gateway.html",
        "Use subnets whose route table has no internet gateway.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-data-reachable",
        "No path leads from the internet to databases, caches, brokers and file systems",
        _TYPES,
        _not_reachable,
        "vpc/latest/reachability/what-is-reachability-analyzer.html",
        "Close the route, the network ACL and the security group that are named.",
    ),
)
