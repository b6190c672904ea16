"""No path but those of `settings/traffic.py`: over security groups, network ACLs and routes together, in both directions."""

from ipaddress import IPv4Network
from typing import Any

import pytest

from settings.network_plan import Segment
from settings.traffic import BOUNDARY_SEGMENTS, AclRule, Boundary, Direction, acl_rules, boundary_flows
from tests.declared import declare
from tests.network_model import NetworkModel

PROBES = {21, 22, 23, 25, 53, 389, 1433, 2375, 3306, 3389, 5901, 8080, 9092, 9200, 11211, 15671, 15672, 27017}
STACKS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-west-2"), ("dev", "us-east-1")]

EVERYONE: list[Boundary | None] = [None, *Boundary]


@pytest.mark.parametrize(("stack", "region"), STACKS)
def test_exactly_the_rows_of_the_traffic_table_get_through(stack: str, region: str) -> None:
    network = NetworkModel(declare(stack), region)
    stated = {(flow.source, flow.target, flow.port) for flow in boundary_flows()}
    ports = network.ports() | PROBES | {port for _, _, port in stated}
    possible = {
        (source, target, port) for source in EVERYONE for target in EVERYONE for port in ports if network.reaches(source, target, port)
    }
    # who may reach the internet may reach what the internet may reach: our own entry, by its public name
    through_the_internet = {
        (source, target, port)
        for source, target_of_source, port in stated
        for source_of_target, target, port_of_target in stated
        if target_of_source is None and source_of_target is None and port == port_of_target
    }
    assert possible == stated | through_the_internet


@pytest.mark.parametrize(("stack", "region"), STACKS)
def test_data_and_management_segments_have_no_route_out(stack: str, region: str) -> None:
    network = NetworkModel(declare(stack), region)
    closed = [boundary for boundary, segment in BOUNDARY_SEGMENTS.items() if segment in (Segment.DATA, Segment.MANAGEMENT)]
    assert closed
    for boundary in closed:
        for subnet in network.places[boundary].subnets:
            assert network._gateway(subnet) is None


def test_every_boundary_stands_in_the_segment_that_the_table_names() -> None:
    declared = declare("prod")
    network = NetworkModel(declared, "us-east-1")
    for boundary, place in network.places.items():
        segments = {declared.with_id(subnet).inputs["tags"]["mastertrade:segment"] for subnet in place.subnets}
        assert segments == {BOUNDARY_SEGMENTS[boundary]}


def test_default_group_acl_and_route_table_are_empty() -> None:
    declared = declare("prod")
    for region in ("us-east-1", "us-west-2"):
        group = declared.one("DefaultSecurityGroup", region)
        assert not group.inputs.get("ingress")
        assert not group.inputs.get("egress")
        acl = declared.one("DefaultNetworkAcl", region)
        assert not acl.inputs.get("ingress")
        assert not acl.inputs.get("egress")
        assert not declared.one("DefaultRouteTable", region).inputs["routes"]


@pytest.mark.parametrize(("stack", "region"), STACKS)
def test_security_groups_alone_hold_to_the_table(stack: str, region: str) -> None:
    """Whatever the network ACLs would still stop: a wide group behind a narrow ACL goes unseen in what gets through."""
    declared = declare(stack)
    boundaries = {place.group: boundary for boundary, place in NetworkModel(declared, region).places.items()}
    rules: set[tuple[Any, ...]] = set()
    for kind, way in (("SecurityGroupIngressRule", "in"), ("SecurityGroupEgressRule", "out")):
        for rule in (each.inputs for each in declared.of(kind, region)):
            peer = boundaries[rule["referencedSecurityGroupId"]] if "referencedSecurityGroupId" in rule else None
            rules.add((boundaries[rule["securityGroupId"]], peer, rule.get("cidrIpv4"), rule["fromPort"], rule["toPort"], way))
    stated = {
        (of, peer, None if peer else "0.0.0.0/0", flow.port, flow.port, way)
        for flow in boundary_flows()
        for of, peer, way in ((flow.target, flow.source, "in"), (flow.source, flow.target, "out"))
        if of
    }
    assert rules == stated


@pytest.mark.parametrize(("stack", "region"), STACKS)
def test_network_acls_alone_hold_to_the_table(stack: str, region: str) -> None:
    """Whatever the security groups would still stop: each entry is for one segment and no wider than its rule."""
    declared = declare(stack)
    segments = {IPv4Network(each.inputs["cidrBlock"]): each.inputs["tags"]["mastertrade:segment"] for each in declared.of("Subnet", region)}
    for segment in Segment:
        acl = declared.one("aws:ec2/networkAcl:NetworkAcl", region, name=f"{region}-{segment}").inputs
        entries: set[AclRule] = set()
        for direction in Direction:
            for entry in acl[direction]:
                block = IPv4Network(entry["cidrBlock"])
                met = {other for subnet, other in segments.items() if block.overlaps(subnet)}
                assert block.prefixlen == 0 or len(met) == 1, f"{segment}: {entry}"
                peer = Segment(met.pop()) if block.prefixlen else None
                entries.add(AclRule(direction, peer, entry["fromPort"], entry["toPort"]))
        assert entries == set(acl_rules(segment))


def test_a_zone_that_fails_takes_no_other_zones_way_out_with_it() -> None:
    prod = declare("prod")
    for region in ("us-east-1", "us-west-2"):
        zones = {subnet.id: subnet.inputs["availabilityZoneId"] for subnet in prod.of("Subnet", region)}
        gateways = {gateway.id: zones[gateway.inputs["subnetId"]] for gateway in prod.of("NatGateway", region)}
        tables = {table.id: table.inputs["routes"] for table in prod.of("RouteTable", region)}
        for association in prod.of("RouteTableAssociation", region):
            for route in tables[association.inputs["routeTableId"]]:
                if "natGatewayId" in route:
                    assert gateways[route["natGatewayId"]] == zones[association.inputs["subnetId"]]


def test_names_of_aws_services_lead_to_the_endpoints_in_the_vpc() -> None:
    prod = declare("prod")
    for region in ("us-east-1", "us-west-2"):
        assert prod.one("Vpc", region).inputs["enableDnsHostnames"] is True, "private names need it"
        interfaces = [each.inputs for each in prod.of("VpcEndpoint", region) if each.inputs["vpcEndpointType"] == "Interface"]
        assert all(each["privateDnsEnabled"] is True for each in interfaces)


def test_images_reach_every_zone_of_the_application_segment_without_a_nat_gateway() -> None:
    prod = declare("prod")
    for region in ("us-east-1", "us-west-2"):
        (gateway,) = [each.inputs for each in prod.of("VpcEndpoint", region) if each.inputs["vpcEndpointType"] == "Gateway"]
        application = {
            each.inputs["routeTableId"]
            for each in prod.of("RouteTableAssociation", region)
            if prod.with_id(each.inputs["subnetId"]).inputs["tags"]["mastertrade:segment"] == Segment.APPLICATION
        }
        assert set(gateway["routeTableIds"]) == application
