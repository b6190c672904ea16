"""Controls of availability: the loss of a zone stops nothing."""

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["AVAILABILITY"]

_TWO = 2


def _instance(resource: Resource) -> Findings:
    if resource.text("engine").startswith(("aurora", "neptune", "docdb")) or resource.has("replicateSourceDb"):
        raise NotApplicableError("a member of a cluster or a replica: what it belongs to is judged")
    if not resource.flag("multiAz"):
        yield Finding("multiAz", "true")


def _cache(resource: Resource) -> Findings:
    if not resource.flag("automaticFailoverEnabled") and not resource.has("globalReplicationGroupId"):
        yield Finding("automaticFailoverEnabled", "true")
    if not resource.flag("multiAzEnabled"):
        yield Finding("multiAzEnabled", "true")
    if resource.has("replicasPerNodeGroup"):
        if (resource.number("replicasPerNodeGroup") or 0) < 1:
            yield Finding("replicasPerNodeGroup", "at least 1")
    elif resource.has("numCacheClusters") and (resource.number("numCacheClusters") or 0) < _TWO:
        yield Finding("numCacheClusters", "at least 2")


def _memory_database(resource: Resource) -> Findings:
    if (resource.number("numReplicasPerShard", 1) or 0) < 1:
        yield Finding("numReplicasPerShard", "at least 1")


def _broker(resource: Resource) -> Findings:
    if resource.text("deploymentMode", "SINGLE_INSTANCE").upper() == "SINGLE_INSTANCE":
        yield Finding("deploymentMode", "CLUSTER_MULTI_AZ for RabbitMQ, ACTIVE_STANDBY_MULTI_AZ for ActiveMQ")


def _readers(resource: Resource) -> Findings:
    if resource.text("engineMode") == "serverless":
        raise NotApplicableError("the first version of Aurora Serverless moves to another zone by itself")
    if resource.has("allocatedStorage") and resource.has("dbClusterInstanceClass"):
        raise NotApplicableError("a Multi-AZ cluster of RDS always has readers in two other zones")
    kind = (
        "aws:rds/clusterInstance:ClusterInstance"
        if resource.type.startswith("aws:rds")
        else resource.type.replace("cluster:Cluster", "clusterInstance:ClusterInstance")
    )
    members = resource.stack.companions(resource, kind, by="clusterIdentifier")
    if len(members) < _TWO:
        yield Finding("", "a writer and a reader, in two zones", found=f"{len(members)} instances")
        return
    zones = [each.text("availabilityZone") for each in members]
    if all(zones) and len(set(zones)) == 1:
        yield Finding("", "instances in two zones", found=f"all of them in {zones[0]}")


def _search_domain(resource: Resource) -> Findings:
    if not resource.flag("clusterConfig.zoneAwarenessEnabled") and not resource.flag("clusterConfig.multiAzWithStandbyEnabled"):
        yield Finding("clusterConfig.zoneAwarenessEnabled", "true")
    if (resource.number("clusterConfig.instanceCount", 1) or 0) < _TWO:
        yield Finding("clusterConfig.instanceCount", "at least 2")


def _file_system(resource: Resource) -> Findings:
    if resource.has("availabilityZoneName"):
        yield Finding("availabilityZoneName", "nothing: a file system of several zones")


def _load_balancer(resource: Resource) -> Findings:
    path = "subnets" if resource.has("subnets") else "subnetMappings"
    count = len(resource.texts("subnets")) if path == "subnets" else len(resource.blocks("subnetMappings"))
    if count < _TWO:
        yield Finding(path, "subnets of at least two zones")


def _scaling_group(resource: Resource) -> Findings:
    zones = resource.texts("vpcZoneIdentifiers") or resource.texts("availabilityZones")
    if len(set(zones)) < _TWO:
        yield Finding("vpcZoneIdentifiers", "subnets of at least two zones")


_control = Family(Severity.HIGH, "Zones fail as a whole; what stands in one only is gone until it comes back.").control


AVAILABILITY = (
    _control(
        "res-rds-instance-zones",
        "Database instances have a standby in another zone",
        ("aws:rds/instance:Instance",),
        _instance,
        "AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html",
        "Set multiAz.",
    ),
    _control(
        "res-cluster-readers",
        "Database clusters have a reader in another zone",
        ("aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:neptune/cluster:Cluster"),
        _readers,
        "AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html",
        "Declare a second instance of the cluster, without a zone or in another one.",
    ),
    _control(
        "res-elasticache-zones",
        "Caches fail over to another zone",
        ("aws:elasticache/replicationGroup:ReplicationGroup",),
        _cache,
        "AmazonElastiCache/latest/dg/AutoFailover.html",
        "Set automaticFailoverEnabled and multiAzEnabled, with a replica at least.",
    ),
    _control(
        "res-memorydb-replicas",
        "MemoryDB has replicas",
        ("aws:memorydb/cluster:Cluster",),
        _memory_database,
        "memorydb/latest/devguide/autofailover.html",
        "Set numReplicasPerShard to 1 or more.",
    ),
    _control(
        "res-mq-zones",
        "Brokers stand in several zones",
        ("aws:mq/broker:Broker",),
        _broker,
        "amazon-mq/latest/developer-guide/rabbitmq-broker-architecture.html",
        "Set deploymentMode. Changing it replaces the broker.",
    ),
    _control(
        "res-opensearch-zones",
        "Search domains stand in several zones",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/managedomains-multiaz.html",
        "Set zoneAwarenessEnabled with zoneAwarenessConfig, and two instances or more.",
    ),
    _control(
        "res-efs-zones",
        "File systems stand in several zones",
        ("aws:efs/fileSystem:FileSystem",),
        _file_system,
        "efs/latest/ug/features.html",
        "Remove availabilityZoneName. Changing it replaces the file system.",
    ),
    _control(
        "res-lb-zones",
        "Load balancers stand in several zones",
        ("aws:lb/loadBalancer:LoadBalancer",),
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
)
