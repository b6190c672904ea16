"""The address ledger: which addresses each region, segment and zone has, for ever.

Every region has one /16. Within it each segment owns a fixed block, and within the block each zone number owns a fixed
subnet. An address depends only on the region's number, the segment and the zone number, never on what else is declared,
so adding or removing a region, a zone or a segment renumbers nothing.

    10.(64 + n).0.0/17     application   8 zones of /20   4,091 usable addresses each
    10.(64 + n).128.0/19   data          8 zones of /22
    10.(64 + n).160.0/20   public        8 zones of /23
    10.(64 + n).176.0/20   management    8 zones of /23
    10.(64 + n).192.0/18   free, for segments to come
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from settings.catalog import REGIONS, Region

_FIRST_SECOND_OCTET = 64  # 10.0 to 10.63 stay free for offices and for what a company already runs
ZONES_PER_REGION = 8  # no AWS region has more than six
VPC_PREFIX = 16
SERVICE_CIDR = IPv4Network("172.20.0.0/16")
"""Virtual addresses of Kubernetes services, the same in every cluster: they never leave it."""
API_ADDRESS, DNS_ADDRESS = SERVICE_CIDR[1], SERVICE_CIDR[10]
"""Of every cluster: EKS gives the API server the first and DNS the tenth (EKS user guide, "Cluster networking")."""


class Segment(StrEnum):
    """Network segments, by who may be in them."""

    PUBLIC = "public"
    APPLICATION = "application"
    DATA = "data"
    MANAGEMENT = "management"


@dataclass(frozen=True)
class SegmentBlock:
    """Where a segment lies within the region's /16, in /24 units."""

    first_24: int
    prefix: int


BLOCKS: dict[Segment, SegmentBlock] = {
    Segment.APPLICATION: SegmentBlock(0, 17),
    Segment.DATA: SegmentBlock(128, 19),
    Segment.PUBLIC: SegmentBlock(160, 20),
    Segment.MANAGEMENT: SegmentBlock(176, 20),
}


def vpc_cidr(region: Region) -> IPv4Network:
    """The region's /16 unless its settings name another."""
    return IPv4Network((f"10.{_FIRST_SECOND_OCTET + REGIONS[region].ledger_number}.0.0", VPC_PREFIX))


def segment_cidr(vpc: IPv4Network, segment: Segment) -> IPv4Network:
    """All addresses of one segment. `vpc` is a /16."""
    block = BLOCKS[segment]
    return IPv4Network((int(vpc.network_address) + block.first_24 * 256, block.prefix))


def subnet_cidr(vpc: IPv4Network, segment: Segment, zone: str) -> IPv4Network:
    """The subnet of one segment in one zone, given by its ID: `use1-az4` is the fourth."""
    block = segment_cidr(vpc, segment)
    number = int(zone.rsplit("az", 1)[1])
    size = block.num_addresses // ZONES_PER_REGION
    return IPv4Network((int(block.network_address) + (number - 1) * size, block.prefixlen + ZONES_PER_REGION.bit_length() - 1))
