"""What AWS offers, as tables: the regions that we know, their zones, and the classes and versions that fit our features.

A region enters this table once somebody has checked that every service of the platform exists there with the listed classes.
Sources are named beside each table.
"""

from dataclasses import dataclass
from enum import StrEnum


class Region(StrEnum):
    """AWS regions that the platform may run in."""

    US_EAST_1 = "us-east-1"
    US_EAST_2 = "us-east-2"
    US_WEST_1 = "us-west-1"
    US_WEST_2 = "us-west-2"
    EU_WEST_1 = "eu-west-1"
    EU_WEST_2 = "eu-west-2"
    EU_CENTRAL_1 = "eu-central-1"
    AP_NORTHEAST_1 = "ap-northeast-1"
    AP_SOUTHEAST_1 = "ap-southeast-1"
    AP_SOUTHEAST_2 = "ap-southeast-2"
    AP_SOUTH_1 = "ap-south-1"
    CA_CENTRAL_1 = "ca-central-1"


@dataclass(frozen=True)
class RegionFacts:
    """One region: its permanent number in the address ledger, and the zones in which every service that we use is offered.

    The number decides the region's addresses for ever: never reuse or change one, only append.
    """

    ledger_number: int
    zones: tuple[str, ...]


# Zones by ID: a zone's name (us-east-1a) means another place in every account, its ID does not. Left out are use1-az3,
# usw1-az2 and cac1-az3, which EKS refuses for control planes (EKS user guide, "VPC and subnet requirements") and the first
# two RDS Proxy as well; use1-az5 and usw2-az4, where current instance generations are missing; and apne1-az3, closed to
# new accounts. us-west-1 has two usable zones: too few for a broker cluster.
REGIONS: dict[Region, RegionFacts] = {
    Region.US_EAST_1: RegionFacts(0, ("use1-az1", "use1-az2", "use1-az4", "use1-az6")),
    Region.US_WEST_2: RegionFacts(1, ("usw2-az1", "usw2-az2", "usw2-az3")),
    Region.US_EAST_2: RegionFacts(2, ("use2-az1", "use2-az2", "use2-az3")),
    Region.US_WEST_1: RegionFacts(3, ("usw1-az1", "usw1-az3")),
    Region.EU_WEST_1: RegionFacts(4, ("euw1-az1", "euw1-az2", "euw1-az3")),
    Region.EU_CENTRAL_1: RegionFacts(5, ("euc1-az1", "euc1-az2", "euc1-az3")),
    Region.EU_WEST_2: RegionFacts(6, ("euw2-az1", "euw2-az2", "euw2-az3")),
    Region.AP_NORTHEAST_1: RegionFacts(7, ("apne1-az1", "apne1-az2", "apne1-az4")),
    Region.AP_SOUTHEAST_1: RegionFacts(8, ("apse1-az1", "apse1-az2", "apse1-az3")),
    Region.AP_SOUTHEAST_2: RegionFacts(9, ("apse2-az1", "apse2-az2", "apse2-az3")),
    Region.AP_SOUTH_1: RegionFacts(10, ("aps1-az1", "aps1-az2", "aps1-az3")),
    Region.CA_CENTRAL_1: RegionFacts(11, ("cac1-az1", "cac1-az2", "cac1-az4")),
}


class DatabaseInstance(StrEnum):
    """Instance classes of Aurora PostgreSQL (Aurora user guide, "Supported DB engines for DB instance classes")."""

    T4G_MEDIUM = "db.t4g.medium"
    T4G_LARGE = "db.t4g.large"
    R6G_LARGE = "db.r6g.large"
    R6G_XLARGE = "db.r6g.xlarge"
    R6G_2XLARGE = "db.r6g.2xlarge"
    R6G_4XLARGE = "db.r6g.4xlarge"
    R7G_LARGE = "db.r7g.large"
    R7G_XLARGE = "db.r7g.xlarge"
    R7G_2XLARGE = "db.r7g.2xlarge"
    R7G_4XLARGE = "db.r7g.4xlarge"
    R8G_LARGE = "db.r8g.large"
    R8G_XLARGE = "db.r8g.xlarge"
    R8G_2XLARGE = "db.r8g.2xlarge"
    R8G_4XLARGE = "db.r8g.4xlarge"

    @property
    def memory_gib(self) -> int:
        """Memory in GiB."""
        return _DATABASE_MEMORY_GIB[self]

    @property
    def cores(self) -> int:
        """Virtual cores."""
        return _CORES_OF_SIZE[self.rsplit(".", 1)[1]]

    @property
    def burstable(self) -> bool:
        """Whether the class lives on CPU credits; a Global Database refuses those."""
        return self.value.startswith("db.t")


_CORES_OF_SIZE = {"medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
_MEMORY_OF_SIZE = {"medium": 4, "large": 16, "xlarge": 32, "2xlarge": 64, "4xlarge": 128}
_DATABASE_MEMORY_GIB: dict[DatabaseInstance, int] = {
    instance: 8 if instance is DatabaseInstance.T4G_LARGE else _MEMORY_OF_SIZE[instance.rsplit(".", 1)[1]] for instance in DatabaseInstance
}

# LEAST({DBInstanceClassMemory/9531392}, 5000) (Aurora user guide, "Maximum connections to an Aurora PostgreSQL DB instance").
# What counts as memory there is less than the class's name promises: the guide's own example, 16 GiB, ends at 1,600.
_BYTES_PER_CONNECTION = 9_531_392
_USABLE_MEMORY = 1600 * _BYTES_PER_CONNECTION / (16 * 1024**3)
_MOST_CONNECTIONS = 5000
SERVERLESS_PAUSABLE_CONNECTIONS = 2000  # with a minimum of 0 or 0.5 ACU (Aurora user guide, "Maximum connections for Aurora Serverless v2")
GIB_PER_ACU = 2


def max_connections(memory_gib: float) -> int:
    """Default `max_connections` of an Aurora PostgreSQL instance."""
    return min(int(memory_gib * 1024**3 * _USABLE_MEMORY) // _BYTES_PER_CONNECTION, _MOST_CONNECTIONS)


class CacheNode(StrEnum):
    """Node types of ElastiCache for Valkey that all our regions offer."""

    T4G_MICRO = "cache.t4g.micro"
    T4G_SMALL = "cache.t4g.small"
    T4G_MEDIUM = "cache.t4g.medium"
    M7G_LARGE = "cache.m7g.large"
    M7G_XLARGE = "cache.m7g.xlarge"
    R7G_LARGE = "cache.r7g.large"
    R7G_XLARGE = "cache.r7g.xlarge"
    R7G_2XLARGE = "cache.r7g.2xlarge"

    @property
    def durable(self) -> bool:
        """Whether the type can acknowledge writes from a log over several zones (ElastiCache user guide, "Durability")."""
        return not self.value.startswith("cache.t")

    @property
    def most_clients(self) -> int:
        """`maxclients`, fixed by node type (ElastiCache user guide, "Valkey and Redis OSS parameters")."""
        return 20_000 if self is CacheNode.T4G_MICRO else 65_000


CACHE_NODES_PER_CLUSTER = 90  # ElastiCache user guide, "Quotas"


class BrokerInstance(StrEnum):
    """Host classes that RabbitMQ 4 runs on (Amazon MQ developer guide, "RabbitMQ 4")."""

    MEDIUM = "mq.m7g.medium"
    LARGE = "mq.m7g.large"
    XLARGE = "mq.m7g.xlarge"

    @property
    def cores(self) -> int:
        """Virtual cores of one node; of M7g, the medium size has one."""
        return {BrokerInstance.MEDIUM: 1, BrokerInstance.LARGE: 2, BrokerInstance.XLARGE: 4}[self]


class SearchInstance(StrEnum):
    """Instance types of Amazon OpenSearch Service domains (developer guide, "Supported instance types")."""

    T3_SMALL = "t3.small.search"
    T3_MEDIUM = "t3.medium.search"
    M6G_LARGE = "m6g.large.search"
    R6G_LARGE = "r6g.large.search"
    R6G_XLARGE = "r6g.xlarge.search"
    R6G_2XLARGE = "r6g.2xlarge.search"

    @property
    def burstable(self) -> bool:
        """Whether it is of the T3 family: no warm nodes, no standby zone, no auto-tune, small volumes (same guide, "T3 instances")."""
        return self.startswith("t3.")

    @property
    def max_volume_gib(self) -> int:
        """Largest volume of one node, in GiB (same guide, "Quotas"; below what gp3 allows for the larger types)."""
        return {SearchInstance.T3_SMALL: 100, SearchInstance.T3_MEDIUM: 200, SearchInstance.M6G_LARGE: 512}.get(self, 1024)
