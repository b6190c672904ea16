"""Who may talk to whom: statements about the table, and a walk of every packet through the network ACLs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from settings.network_plan import Segment
from settings.traffic import (
    BOUNDARY_SEGMENTS,
    FLOWS,
    HTTP,
    HTTPS,
    OUTSIDE,
    PARTY_BOUNDARIES,
    SERVICE_TLS,
    Boundary,
    Direction,
    Flow,
    Party,
    Peer,
    Service,
    acl_rules,
    boundary_flows,
)

RULES_PER_ACL = 20  # in one direction (VPC user guide, "Amazon VPC quotas")
RULES_PER_SECURITY_GROUP = 60  # in one direction, the same page
STORES = {Party.DATABASE, Party.DATABASE_PROXY, Party.CACHE, Party.SESSIONS, Party.BROKER, Party.LOG_STORE}
LOWEST_CLIENT_PORT, HIGHEST_PORT = 1024, 65535

each_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: f"{flow.source} to {flow.target} on {flow.port}")
each_segment = pytest.mark.parametrize("segment", Segment)


def segment_of(party: Peer) -> Segment | None:
    return None if party in OUTSIDE else BOUNDARY_SEGMENTS[PARTY_BOUNDARIES[party]]


@dataclass(frozen=True)
class Crossing:
    """A packet passes the ACL of `guard`; at the other end of its way is `peer`, or the world (None)."""

    guard: Segment
    direction: Direction
    peer: Segment | None
    port: int

    def is_let_through(self) -> bool:
        return any(
            rule.direction is self.direction and rule.peer in (self.peer, None) and rule.first_port <= self.port <= rule.last_port
            for rule in acl_rules(self.guard)
        )


def leg(source: Segment | None, target: Segment | None, port: int) -> Iterator[Crossing]:
    """A packet from one subnet to another: out through the first ACL, in through the second."""
    if source:
        yield Crossing(source, Direction.EGRESS, target, port)
    if target:
        yield Crossing(target, Direction.INGRESS, source, port)


def way(flow: Flow) -> Iterator[Crossing]:
    """Every ACL that a connection meets, there and back, for the first and the last port that answers may come to.

    From a private segment the way to the internet leads through a NAT gateway in the public segment. ACLs see the outside
    address on the private side of the gateway, the private one on its inside.
    """
    source, target = segment_of(flow.source), segment_of(flow.target)
    through_nat = target is None and source is not Segment.PUBLIC
    for answer in (LOWEST_CLIENT_PORT, HIGHEST_PORT):
        if through_nat:
            assert source
            yield Crossing(source, Direction.EGRESS, None, flow.port)
            yield Crossing(Segment.PUBLIC, Direction.INGRESS, source, flow.port)
            yield Crossing(Segment.PUBLIC, Direction.EGRESS, None, flow.port)
            yield Crossing(Segment.PUBLIC, Direction.INGRESS, None, answer)
            yield Crossing(Segment.PUBLIC, Direction.EGRESS, source, answer)
            yield Crossing(source, Direction.INGRESS, None, answer)
        else:
            yield from leg(source, target, flow.port)
            yield from leg(target, source, answer)


@each_flow
def test_a_connection_passes_every_acl_there_and_back(flow: Flow) -> None:
    assert not [crossing for crossing in way(flow) if not crossing.is_let_through()]


@each_segment
def test_an_acl_lets_nothing_through_that_no_flow_needs(segment: Segment) -> None:
    needed = {(each.direction, each.peer, each.port) for flow in FLOWS for each in way(flow) if each.guard is segment}
    for rule in acl_rules(segment):
        ends = {(rule.direction, rule.peer, port) for port in (rule.first_port, rule.last_port)}
        assert ends <= needed, f"{segment}: {rule}"


@each_segment
@pytest.mark.parametrize("direction", Direction)
def test_an_acl_stays_within_the_quota(segment: Segment, direction: Direction) -> None:
    assert sum(rule.direction is direction for rule in acl_rules(segment)) <= RULES_PER_ACL


@each_segment
def test_an_acl_states_no_rule_twice(segment: Segment) -> None:
    assert not [rule for rule, count in Counter(acl_rules(segment)).items() if count > 1]


@pytest.mark.parametrize("boundary", Boundary)
def test_a_security_group_stays_within_the_quota(boundary: Boundary) -> None:
    flows = boundary_flows()
    assert sum(flow.target is boundary for flow in flows) <= RULES_PER_SECURITY_GROUP
    assert sum(flow.source is boundary for flow in flows) <= RULES_PER_SECURITY_GROUP


def test_every_party_is_behind_a_boundary_or_outside() -> None:
    assert {*Service, *Party} == PARTY_BOUNDARIES.keys() | set(OUTSIDE)
    assert not PARTY_BOUNDARIES.keys() & set(OUTSIDE)


def test_every_boundary_lies_in_a_segment_and_guards_a_party() -> None:
    assert BOUNDARY_SEGMENTS.keys() == set(Boundary) == set(PARTY_BOUNDARIES.values())


def test_only_the_load_balancer_accepts_from_the_internet() -> None:
    assert {(flow.target, flow.port) for flow in FLOWS if flow.source is Party.INTERNET} == {
        (Party.LOAD_BALANCER, HTTPS),
        (Party.LOAD_BALANCER, HTTP),
    }


def test_data_segment_opens_no_connection_to_the_internet() -> None:
    assert not [flow for flow in FLOWS if segment_of(flow.source) is Segment.DATA and flow.target is Party.INTERNET]


def test_acl_of_the_data_segment_knows_no_address_outside() -> None:
    assert not [rule for rule in acl_rules(Segment.DATA) if rule.peer is None]


@each_segment
def test_only_the_public_segment_lets_the_internet_in(segment: Segment) -> None:
    """Answers return to high ports; a port below them can only be an opened connection."""
    entrances = [rule for rule in acl_rules(segment) if rule.peer is None and rule.direction is Direction.INGRESS]
    assert segment is Segment.PUBLIC or all(rule.first_port >= LOWEST_CLIENT_PORT for rule in entrances)


def test_management_reaches_no_address_outside() -> None:
    assert not [rule for rule in acl_rules(Segment.MANAGEMENT) if rule.peer is None]


def test_public_and_data_segments_never_meet() -> None:
    for segment, other in ((Segment.PUBLIC, Segment.DATA), (Segment.DATA, Segment.PUBLIC)):
        assert not [rule for rule in acl_rules(segment) if rule.peer is other]


def test_console_of_the_broker_is_reached_from_management_only() -> None:
    assert {flow.source for flow in FLOWS if flow.target is Party.BROKER and flow.port != 5671} == {Party.MANAGEMENT}
    assert {flow.source for flow in boundary_flows() if flow.target is Boundary.BROKER and flow.port == HTTPS} == {Boundary.MANAGEMENT}


@pytest.mark.parametrize("store", sorted(STORES))
def test_a_store_lies_in_the_data_segment(store: Party) -> None:
    assert segment_of(store) is Segment.DATA


def test_the_pool_is_passed_by_only_for_leases_and_repairs() -> None:
    assert {flow.source for flow in FLOWS if flow.target is Party.DATABASE} == {
        Party.DATABASE_PROXY,
        Service.ORDER_EXECUTOR,
        Party.MANAGEMENT,
    }


def test_stores_open_no_connection_but_the_pool() -> None:
    assert {(flow.source, flow.target) for flow in FLOWS if flow.source in STORES} == {(Party.DATABASE_PROXY, Party.DATABASE)}


def test_sessions_are_read_by_the_api_gateway_and_no_other_service() -> None:
    assert {flow.source for flow in FLOWS if flow.target is Party.SESSIONS} & set(Service) == {Service.API_GATEWAY}


def test_only_market_data_and_the_order_executor_reach_exchanges() -> None:
    assert {flow.source for flow in FLOWS if flow.target is Party.INTERNET} & set(Service) == {Service.MARKET_DATA, Service.ORDER_EXECUTOR}


def test_orders_reach_the_executor_from_the_api_gateway_only() -> None:
    assert {flow.source for flow in FLOWS if flow.target is Service.ORDER_EXECUTOR and flow.port == SERVICE_TLS} == {Service.API_GATEWAY}


def test_every_connection_is_stated_once_with_its_reason() -> None:
    assert len({(flow.source, flow.target, flow.port) for flow in FLOWS}) == len(FLOWS)
    assert all(flow.why for flow in FLOWS)


def test_security_groups_join_parties_only_where_a_flow_does() -> None:
    stated = {(flow.source, flow.target, flow.port) for flow in boundary_flows()}
    for source, target in product([*Boundary, None], repeat=2):
        for port in {flow.port for flow in FLOWS}:
            joined = any(
                PARTY_BOUNDARIES.get(flow.source) is source and PARTY_BOUNDARIES.get(flow.target) is target and flow.port == port
                for flow in FLOWS
            )
            assert ((source, target, port) in stated) is joined
