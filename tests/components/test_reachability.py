"""No path but those of `settings/traffic.py`: over security groups, network ACLs and routes together, in both directions."""

import pytest

from settings.network_plan import Segment
from settings.traffic import BOUNDARY_SEGMENTS, Boundary, boundary_flows
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
