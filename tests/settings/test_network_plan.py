"""The address ledger keeps its promises: nothing overlaps, and nothing that exists is ever renumbered."""

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import catalog, network_plan
from settings.catalog import REGIONS, Region
from settings.network_plan import Segment, segment_cidr, subnet_cidr, vpc_cidr
from tests.settings.stacks import SMALL_PROMISE, load, stated

# Ever so many zones as a region may get: their IDs end in a number from 1 on
ZONES = tuple(f"use1-az{number}" for number in range(1, 9))

vpcs = st.integers(0, 255).map(lambda octet: IPv4Network(f"10.{octet}.0.0/16"))


def subnets(vpc: IPv4Network) -> dict[tuple[Segment, str], IPv4Network]:
    return {(segment, zone): subnet_cidr(vpc, segment, zone) for segment in Segment for zone in ZONES}


def plan(zones: dict[Region, list[str]]) -> dict[tuple[Region, Segment, str], IPv4Network]:
    """Every subnet of production in these regions and zones, by way of its settings."""
    roles: dict[str, Any] = {region: {"role": "standby", "zones": each} for region, each in zones.items()}
    primary = next(iter(roles))
    roles[primary]["role"] = "primary"
    settings = load(
        stated() | {"regions": roles, "activeRegion": primary, "broker": {"nodes": 1}, "vault": {"replicas": 1}} | SMALL_PROMISE
    )
    return {
        (region, segment, zone): subnet_cidr(each.vpc_cidr, segment, zone)
        for region, each in settings.regions.items()
        for segment in Segment
        for zone in each.zones
    }


@st.composite
def zones_by_region(draw: st.DrawFn) -> dict[Region, list[str]]:
    chosen = draw(st.lists(st.sampled_from(Region), min_size=1, max_size=5, unique=True))
    return {region: draw(st.lists(st.sampled_from(REGIONS[region].zones), min_size=2, unique=True)) for region in chosen}


@given(vpcs)
def test_subnets_of_a_region_never_overlap(vpc: IPv4Network) -> None:
    assert not [pair for pair in combinations(subnets(vpc).values(), 2) if pair[0].overlaps(pair[1])]


@given(vpcs)
def test_segments_of_a_region_never_overlap(vpc: IPv4Network) -> None:
    assert not [pair for pair in combinations([segment_cidr(vpc, each) for each in Segment], 2) if pair[0].overlaps(pair[1])]


@given(vpcs)
def test_subnets_lie_in_the_block_of_their_segment_and_in_the_vpc(vpc: IPv4Network) -> None:
    for (segment, _), subnet in subnets(vpc).items():
        assert subnet.subnet_of(segment_cidr(vpc, segment))
        assert subnet.subnet_of(vpc)


@given(vpcs, st.sampled_from(Segment))
def test_eight_zones_fill_the_block_of_a_segment_exactly(vpc: IPv4Network, segment: Segment) -> None:
    block = segment_cidr(vpc, segment)
    assert sum(subnet.num_addresses for (of, _), subnet in subnets(vpc).items() if of is segment) == block.num_addresses


@given(st.sampled_from(Segment))
def test_subnets_are_of_a_size_that_aws_takes(segment: Segment) -> None:
    assert 16 <= subnet_cidr(vpc_cidr(Region.US_EAST_1), segment, ZONES[0]).prefixlen <= 28


@given(zones_by_region(), zones_by_region())
def test_adding_or_removing_zones_or_regions_changes_no_other_address(
    before: dict[Region, list[str]], after: dict[Region, list[str]]
) -> None:
    old, new = plan(before), plan(after)
    assert {key: old[key] for key in old.keys() & new} == {key: new[key] for key in old.keys() & new}


@given(st.permutations(list(network_plan.BLOCKS)), st.data())
def test_adding_or_removing_segments_changes_no_other_address(order: list[Segment], data: st.DataObject) -> None:
    kept = order[: data.draw(st.integers(1, len(order)))]
    vpc = vpc_cidr(Region.US_EAST_1)
    everything = subnets(vpc)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_plan, "BLOCKS", {segment: network_plan.BLOCKS[segment] for segment in kept})
        assert all(subnet_cidr(vpc, segment, zone) == everything[segment, zone] for segment in kept for zone in ZONES)


@given(st.permutations(list(REGIONS)), st.data())
def test_a_ledger_with_other_regions_gives_each_region_the_same_addresses(order: list[Region], data: st.DataObject) -> None:
    kept = order[: data.draw(st.integers(1, len(order)))]
    everything = {region: vpc_cidr(region) for region in Region}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network_plan, "REGIONS", {region: catalog.REGIONS[region] for region in kept})
        assert all(vpc_cidr(region) == everything[region] for region in kept)


def test_default_vpcs_of_regions_never_overlap() -> None:
    assert not [pair for pair in combinations([vpc_cidr(region) for region in Region], 2) if pair[0].overlaps(pair[1])]


def test_default_vpcs_are_private_and_leave_the_lower_quarter_of_ten_to_the_company() -> None:
    for region in Region:
        assert vpc_cidr(region).subnet_of(IPv4Network("10.0.0.0/8"))
        assert not vpc_cidr(region).overlaps(IPv4Network("10.0.0.0/10"))


def test_every_region_has_a_ledger_number_of_its_own() -> None:
    assert REGIONS.keys() == set(Region)
    numbers = [facts.ledger_number for facts in REGIONS.values()]
    assert len(set(numbers)) == len(numbers)


def test_every_zone_belongs_to_one_region_and_has_a_place_in_the_ledger() -> None:
    zones = [zone for facts in REGIONS.values() for zone in facts.zones]
    assert len(set(zones)) == len(zones)
    assert all(1 <= int(zone.rsplit("az", 1)[1]) <= 8 for zone in zones)


def test_addresses_that_production_was_built_with_stay() -> None:
    """Samples of what is deployed: a ledger that moves them would replace the networks of every environment."""
    assert str(subnet_cidr(vpc_cidr(Region.US_EAST_1), Segment.APPLICATION, "use1-az1")) == "10.64.0.0/20"
    assert str(subnet_cidr(vpc_cidr(Region.US_EAST_1), Segment.DATA, "use1-az4")) == "10.64.140.0/22"
    assert str(subnet_cidr(vpc_cidr(Region.US_WEST_2), Segment.PUBLIC, "usw2-az2")) == "10.65.162.0/23"
    assert str(subnet_cidr(vpc_cidr(Region.CA_CENTRAL_1), Segment.MANAGEMENT, "cac1-az4")) == "10.75.182.0/23"
