"""Controls of placement: what runs in networks stands in several zones."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["ZONES"]

_TWO = 2
_SUBNETS = ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet")


def _entries(resource: Block, path: str) -> int:
    """How many different ones a list has. Those that are not known yet count as different."""
    stated: Any = resource.value(path)
    if stated in (None, ""):
        return 0
    items = cast("list[Any]", stated) if isinstance(stated, list) else [stated]
    known = {str(each) for each in items if _is_known(each) and each not in (None, "")}
    return len(known) + sum(not _is_known(each) for each in items)


def _is_known(item: Any) -> bool:
    if isinstance(item, Secret):
        return _is_known(item.value)
    if isinstance(item, Mapping):
        return all(_is_known(each) for each in cast("Mapping[str, Any]", item).values())
    return item is not UNKNOWN


def _in_one_zone(resource: Resource, path: str) -> str:
    """The zone, where all subnets of a property are declared and stand in one."""
    stack = resource.stack
    subnets = [each for each in stack.of_type(*_SUBNETS) if stack.refers(resource, path, each)]
    if len(subnets) < _entries(resource, path):
        return ""
    zones = {_zone(each) for each in subnets}
    return zones.pop() if len(zones) == 1 else ""


def _zone(subnet: Resource) -> str:
    for path in ("availabilityZone", "availabilityZoneId"):
        if subnet.is_known(path) and subnet.has(path):
            return subnet.text(path)
    return ""


def _spread(resource: Resource, path: str) -> Findings:
    if _entries(resource, path) < _TWO:
        yield Finding(path, "subnets of at least two zones")
    elif zone := _in_one_zone(resource, path):
        yield Finding(path, "subnets of at least two zones", found=f"subnets in {zone} only")


def _load_balancer(resource: Resource) -> Findings:
    if resource.type == "aws:elb/loadBalancer:LoadBalancer":
        if not resource.flag("crossZoneLoadBalancing", default=True):
            yield Finding("crossZoneLoadBalancing", "true")
        if resource.has("availabilityZones"):
            if _entries(resource, "availabilityZones") < _TWO:
                yield Finding("availabilityZones", "at least two zones")
            return
    yield from _spread(resource, "subnets" if resource.has("subnets") or not resource.has("subnetMappings") else "subnetMappings")


def _scaling_group(resource: Resource) -> Findings:
    if resource.has("vpcZoneIdentifiers") or not resource.has("availabilityZones"):
        yield from _spread(resource, "vpcZoneIdentifiers")
    elif _entries(resource, "availabilityZones") < _TWO:
        yield Finding("availabilityZones", "at least two zones")


_PLACED = {
    "aws:apigatewayv2/vpcLink:VpcLink": "subnetIds",
    "aws:apprunner/vpcConnector:VpcConnector": "subnets",
    "aws:appstream/fleet:Fleet": "vpcConfig.subnetIds",
    "aws:docdb/elasticCluster:ElasticCluster": "subnetIds",
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment": "subnetIds",
    "aws:ecs/service:Service": "networkConfiguration.subnets",
    "aws:eks/cluster:Cluster": "vpcConfig.subnetIds",
    "aws:eks/fargateProfile:FargateProfile": "subnetIds",
    "aws:elasticache/serverlessCache:ServerlessCache": "subnetIds",
    "aws:lambda/function:Function": "vpcConfig.subnetIds",
    "aws:msk/cluster:Cluster": "brokerNodeGroupInfo.clientSubnets",
    "aws:msk/serverlessCluster:ServerlessCluster": "vpcConfigs.subnetIds",
    "aws:mskconnect/connector:Connector": "kafkaCluster.apacheKafkaCluster.vpc.subnets",
    "aws:networkfirewall/firewall:Firewall": "subnetMappings",
    "aws:opensearchingest/pipeline:Pipeline": "vpcOptions.subnetIds",
    "aws:rds/proxy:Proxy": "vpcSubnetIds",
    "aws:redshiftserverless/workgroup:Workgroup": "subnetIds",
    "aws:transfer/server:Server": "endpointDetails.subnetIds",
    "aws:vpclattice/resourceGateway:ResourceGateway": "subnetIds",
}


def _placed(resource: Resource) -> Findings:
    path = _PLACED[resource.type]
    if resource.has("availabilityZoneMappings"):
        path = "availabilityZoneMappings"  # a firewall that a transit gateway stands before
    if not resource.has(path):
        raise NotApplicableError("it names no subnets of its own: AWS places it")
    yield from _spread(resource, path)


_GROUPS = (
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:docdb/subnetGroup:SubnetGroup",
    "aws:neptune/subnetGroup:SubnetGroup",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:memorydb/subnetGroup:SubnetGroup",
    "aws:dax/subnetGroup:SubnetGroup",
    "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup",
    "aws:redshift/subnetGroup:SubnetGroup",
)


def _group(resource: Resource) -> Findings:
    yield from _spread(resource, "subnetIds")


_NODES = "aws:eks/nodeGroup:NodeGroup"


def _nodes(resource: Resource) -> Findings:
    found = tuple(_spread(resource, "subnetIds"))
    # a group for each zone is as good: volumes of pods stand in one zone
    if found and not any(_are_others(each, resource) for each in _siblings(resource)):
        yield from found


def _are_others(group: Resource, resource: Resource) -> bool:
    """Whether a group has other subnets. Those that are not known yet are."""
    known = [each.is_known("subnetIds.0") for each in (group, resource)]
    return not all(known) or set(group.texts("subnetIds")) != set(resource.texts("subnetIds"))


def _siblings(resource: Resource) -> Iterator[Resource]:
    """Other node groups of the same cluster."""
    clusters = set(resource.property_dependencies.get("clusterName", ()))
    name = resource.text("clusterName") if resource.is_known("clusterName") else ""
    for each in resource.stack.of_type(_NODES):
        by_name = name != "" and each.is_known("clusterName") and each.text("clusterName") == name
        if each is not resource and (by_name or clusters & set(each.property_dependencies.get("clusterName", ()))):
            yield each


_control = Family(Severity.HIGH, "Zones fail as a whole; what stands in one only is gone until it comes back.").control


ZONES = (
    _control(
        "res-lb-zones",
        "Load balancers stand in several zones",
        ("aws:lb/loadBalancer:LoadBalancer", "aws:elb/loadBalancer:LoadBalancer"),
        _load_balancer,
        "elasticloadbalancing/latest/application/application-load-balancers.html",
        "Name subnets of two zones or more.",
    ),
    _control(
        "res-autoscaling-zones",
        "Scaling groups span several zones",
        ("aws:autoscaling/group:Group",),
        _scaling_group,
        "autoscaling/ec2/userguide/auto-scaling-benefits.html",
        "Name subnets of two zones or more.",
    ),
    _control(
        "res-subnets-zones",
        "Services in networks stand in several zones",
        tuple(_PLACED),
        _placed,
        "wellarchitected/latest/reliability-pillar/rel_fault_isolation_multiaz_region_system.html",
        "Name subnets of two zones or more.",
    ),
    _control(
        "res-subnet-group-zones",
        "Groups of subnets span several zones",
        _GROUPS,
        _group,
        "AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "Name subnets of two zones or more.",
    ),
    _control(
        "res-eks-node-zones",
        "Nodes of a cluster stand in several zones",
        (_NODES,),
        _nodes,
        "eks/latest/best-practices/reliability.html",
        "Name subnets of two zones or more, or declare a group for each zone.",
    ),
)
