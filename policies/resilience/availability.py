"""Controls of failover: something else goes on when a zone, a node or an endpoint is lost."""

from typing import Any, cast

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["AVAILABILITY"]

_TWO = 2
_THREE = 3


def _instance(resource: Resource) -> Findings:
    if resource.text("engine").startswith(("aurora", "neptune", "docdb")) or resource.has("replicateSourceDb"):
        raise NotApplicableError("a member of a cluster or a replica: what it belongs to is judged")
    if resource.text("engine") == "sqlserver-ex":
        raise NotApplicableError("SQL Server Express has no standby")
    if not resource.flag("multiAz"):
        yield Finding("multiAz", "true")


def _cache(resource: Resource) -> Findings:
    if resource.type == "aws:elasticache/globalReplicationGroup:GlobalReplicationGroup":
        if not resource.flag("automaticFailoverEnabled", default=True):
            yield Finding("automaticFailoverEnabled", "true")
    elif resource.type == "aws:elasticache/cluster:Cluster":
        yield from _memcached(resource)
    else:
        if not resource.flag("automaticFailoverEnabled") and not resource.has("globalReplicationGroupId"):
            yield Finding("automaticFailoverEnabled", "true")
        if not resource.flag("multiAzEnabled"):
            yield Finding("multiAzEnabled", "true")
        yield from _replicas(resource)


def _replicas(resource: Resource) -> Findings:
    if resource.has("replicasPerNodeGroup"):
        if (resource.number("replicasPerNodeGroup") or 0) < 1:
            yield Finding("replicasPerNodeGroup", "at least 1")
    elif resource.has("numCacheClusters") and (resource.number("numCacheClusters") or 0) < _TWO:
        yield Finding("numCacheClusters", "at least 2")
    for number, group in enumerate(resource.blocks("nodeGroupConfigurations")):
        if group.has("replicaCount") and (group.number("replicaCount") or 0) < 1:
            yield Finding(f"nodeGroupConfigurations.{number}.replicaCount", "at least 1")
    zones = resource.texts("preferredCacheClusterAzs")
    if len(zones) > 1 and len(set(zones)) == 1:
        yield Finding("preferredCacheClusterAzs", "at least two zones")


def _memcached(resource: Resource) -> Findings:
    if resource.text("engine").lower() != "memcached":
        raise NotApplicableError("a single node has no failover: a ReplicationGroup has")
    if (resource.number("numCacheNodes", 1) or 0) < _TWO:
        yield Finding("numCacheNodes", "at least 2")
    if resource.text("azMode", "single-az").lower() != "cross-az":
        yield Finding("azMode", "cross-az")
    zones = resource.texts("preferredAvailabilityZones")
    if zones and len(set(zones)) == 1:
        yield Finding("preferredAvailabilityZones", "at least two zones")


def _accelerator(resource: Resource) -> Findings:
    if (resource.number("replicationFactor", 1) or 0) < _TWO:
        yield Finding("replicationFactor", "at least 2, of production 3")
    zones = resource.texts("availabilityZones")
    if zones and len(set(zones)) == 1:
        yield Finding("availabilityZones", "at least two zones")


def _memory_database(resource: Resource) -> Findings:
    if (resource.number("numReplicasPerShard", 1) or 0) < 1:
        yield Finding("numReplicasPerShard", "at least 1")


def _broker(resource: Resource) -> Findings:
    if resource.text("deploymentMode", "SINGLE_INSTANCE").upper() == "SINGLE_INSTANCE":
        yield Finding("deploymentMode", "CLUSTER_MULTI_AZ for RabbitMQ, ACTIVE_STANDBY_MULTI_AZ for ActiveMQ")


def _readers(resource: Resource) -> Findings:
    if resource.type == "aws:docdb/elasticCluster:ElasticCluster":
        # https://docs.aws.amazon.com/documentdb/latest/developerguide/elastic-how-it-works.html
        if (resource.number("shardInstanceCount", _TWO) or 0) < _TWO:
            yield Finding("shardInstanceCount", "at least 2: a writer and a reader in each shard")
        return
    if resource.text("engineMode") == "serverless":
        raise NotApplicableError("the first version of Aurora Serverless moves to another zone by itself")
    if resource.has("dbClusterInstanceClass"):
        raise NotApplicableError("a Multi-AZ cluster of RDS always has readers in two other zones")
    kind = resource.type.replace("cluster:Cluster", "clusterInstance:ClusterInstance")
    members = resource.stack.companions(resource, kind, by="clusterIdentifier")
    if not members:
        raise NotApplicableError("the stack declares no instance of it: nothing runs")
    if len(members) < _TWO:
        yield Finding("", "a writer and a reader, in two zones", found="1 instance")
        return
    zones = [each.text("availabilityZone") for each in members]
    if all(zones) and len(set(zones)) == 1:
        yield Finding("", "instances in two zones", found=f"all of them in {zones[0]}")


def _search_domain(resource: Resource) -> Findings:
    stated = resource.block("clusterConfig")
    if not stated.flag("zoneAwarenessEnabled") and not stated.flag("multiAzWithStandbyEnabled"):
        yield Finding("clusterConfig.zoneAwarenessEnabled", "true")
    if (stated.number("instanceCount", 1) or 0) < _TWO:
        yield Finding("clusterConfig.instanceCount", "at least 2")
    # two cannot agree on who is elected
    masters = stated.number("dedicatedMasterCount") if stated.flag("dedicatedMasterEnabled") else None
    if masters is not None and masters < _THREE:
        yield Finding("clusterConfig.dedicatedMasterCount", "at least 3")
    # a few nodes may elect among themselves; whoever says of which kind masters are wants them
    wanted = (stated.number("instanceCount", 1) or 0) >= _MANY or stated.has("dedicatedMasterType") or stated.has("dedicatedMasterCount")
    if wanted and not stated.flag("dedicatedMasterEnabled"):
        yield Finding("clusterConfig.dedicatedMasterEnabled", "true, with three of them")


_MANY = 10  # data nodes: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-dedicatedmasternodes.html


def _warehouse(resource: Resource) -> Findings:
    # https://docs.aws.amazon.com/redshift/latest/mgmt/managing-cluster-multi-az.html
    if not resource.text("nodeType").lower().startswith("ra3"):
        raise NotApplicableError("only clusters of RA3 nodes can stand in two zones")
    if resource.text("clusterType").lower() == "single-node" or (resource.number("numberOfNodes", 1) or 0) < _TWO:
        raise NotApplicableError("a single node stands in one zone")
    # relocation moves a cluster that stands in one zone to another one
    if not resource.flag("multiAz") and not resource.flag("availabilityZoneRelocationEnabled"):
        yield Finding("multiAz", "true, or availabilityZoneRelocationEnabled")


def _file_system(resource: Resource) -> Findings:
    if resource.has("availabilityZoneName"):
        yield Finding("availabilityZoneName", "nothing: a file system of several zones")


_FSX = {
    "aws:fsx/windowsFileSystem:WindowsFileSystem": "SINGLE_AZ_1",
    "aws:fsx/ontapFileSystem:OntapFileSystem": "",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": "",
    "aws:fsx/lustreFileSystem:LustreFileSystem": "",
}


def _fsx(resource: Resource) -> Findings:
    if resource.type == "aws:fsx/lustreFileSystem:LustreFileSystem":
        raise NotApplicableError("Lustre stands in one zone")
    if not resource.text("deploymentType", _FSX[resource.type]).upper().startswith("MULTI_AZ"):
        yield Finding("deploymentType", "MULTI_AZ_1, or MULTI_AZ_2 of ONTAP. Changing it replaces the file system")


_SWITCHES = {
    "aws:cloudsearch/domain:Domain": ("multiAz", "true", ""),
    "aws:dms/replicationInstance:ReplicationInstance": ("multiAz", "true", ""),
    "aws:dms/replicationConfig:ReplicationConfig": ("computeConfig.multiAz", "true", ""),
    "aws:opensearch/serverlessCollection:ServerlessCollection": ("standbyReplicas", "ENABLED", "ENABLED"),
    "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": ("standbyReplicas", "ENABLED", "ENABLED"),
    "aws:timestreaminfluxdb/dbInstance:DbInstance": ("deploymentType", "WITH_MULTIAZ_STANDBY", "SINGLE_AZ"),
    "aws:timestreaminfluxdb/dbCluster:DbCluster": ("failoverMode", "AUTOMATIC", "AUTOMATIC"),
}
"""The property, what it has to be, and what it is where nothing is declared."""


def _switched(resource: Resource) -> Findings:
    path, wanted, default = _SWITCHES[resource.type]
    if wanted == "true":
        if not resource.flag(path):
            yield Finding(path, wanted)
    elif resource.text(path, default).upper() != wanted:
        yield Finding(path, wanted)


def _graph(resource: Resource) -> Findings:
    if (resource.number("replicaCount", 1) or 0) < 1:
        yield Finding("replicaCount", "at least 1")


def _modules(resource: Resource) -> Findings:
    members = resource.stack.companions(resource, "aws:cloudhsmv2/hsm:Hsm", by="clusterId")
    if not members:
        raise NotApplicableError("the stack declares none of its modules")
    if len(members) < _TWO:
        yield Finding("", "a second Hsm, in another zone", found="one Hsm")
        return
    for path in ("availabilityZone", "subnetId"):
        places = [each.text(path) for each in members]
        if all(places) and len(set(places)) == 1:
            yield Finding("", "an Hsm in another zone", found=f"all of them in {places[0]}")
            return


def _replication(resource: Resource) -> Findings:
    if resource.type == "aws:msk/topic:Topic":
        if resource.has("replicationFactor") and (resource.number("replicationFactor") or 0) < _TWO:
            yield Finding("replicationFactor", "at least 2, of three zones 3")
        return
    stated = _server_properties(resource)
    factor = _figure(stated, "default.replication.factor")
    if factor is not None and factor < (wanted := _zones(resource)):
        yield Finding("serverProperties", f"default.replication.factor of at least {wanted}", found=f"{factor}")
    fewest = _figure(stated, "min.insync.replicas")
    if fewest is not None and factor is not None and factor >= _THREE and fewest < _TWO:
        yield Finding("serverProperties", "min.insync.replicas of 2", found=f"{fewest}")
    if fewest is not None and factor is not None and 1 < factor <= fewest:
        yield Finding("serverProperties", f"min.insync.replicas below {factor}: the loss of one broker stops writing", found=f"{fewest}")
    if stated.get("unclean.leader.election.enable", "").lower() == "true":
        yield Finding("serverProperties", "unclean.leader.election.enable=false: acknowledged records are lost", found="true")


def _zones(configuration: Resource) -> int:
    """Of the clusters that are configured; two at least, as MSK takes no fewer."""
    clusters = configuration.stack.companions(configuration, "aws:msk/cluster:Cluster", by="configurationInfo.arn")
    path = "brokerNodeGroupInfo.clientSubnets"
    counts = [len(cast("list[Any]", subnets)) for each in clusters if each.is_known(path) and isinstance(subnets := each.value(path), list)]
    return min(_THREE, max((_TWO, *counts)))


def _server_properties(resource: Resource) -> dict[str, str]:
    """Lines of a Java properties file."""
    lines = (line.strip() for line in resource.text("serverProperties").splitlines())
    pairs = (
        line.replace(":", "=", 1).partition("=") if "=" not in line else line.partition("=")
        for line in lines
        if line[:1] not in ("", "#", "!")
    )
    return {name.strip(): value.strip() for name, _, value in pairs}


def _figure(stated: dict[str, str], name: str) -> int | None:
    value = stated.get(name, "")
    return int(value) if value.isdigit() else None


def _failover(resource: Resource) -> Findings:
    policy = resource.block("failoverRoutingPolicies")
    if policy.text("type").upper() != "PRIMARY":
        raise NotApplicableError("no primary record of a failover")
    if not resource.has("healthCheckId") and not any(each.flag("evaluateTargetHealth") for each in resource.blocks("aliases")):
        yield Finding("healthCheckId", "a health check, or evaluateTargetHealth of the alias: without one Route 53 never fails over")


def _health_check(resource: Resource) -> Findings:
    if resource.flag("disabled"):
        yield Finding("disabled", "false: Route 53 takes a check that is disabled for healthy")


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
        (
            "aws:rds/cluster:Cluster",
            "aws:docdb/cluster:Cluster",
            "aws:docdb/elasticCluster:ElasticCluster",
            "aws:neptune/cluster:Cluster",
        ),
        _readers,
        "AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html",
        "Declare a second instance of the cluster, without a zone or in another one; of elastic clusters raise shardInstanceCount.",
    ),
    _control(
        "res-elasticache-zones",
        "Caches fail over to another zone",
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/globalReplicationGroup:GlobalReplicationGroup",
            "aws:elasticache/cluster:Cluster",
        ),
        _cache,
        "AmazonElastiCache/latest/dg/AutoFailover.html",
        "Set automaticFailoverEnabled and multiAzEnabled, with a replica at least; of memcached azMode, with two nodes.",
    ),
    _control(
        "res-dax-zones",
        "DAX has nodes in several zones",
        ("aws:dax/cluster:Cluster",),
        _accelerator,
        "amazondynamodb/latest/developerguide/DAX.concepts.cluster.html",
        "Set replicationFactor to 3.",
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
        "res-neptune-graph-replicas",
        "Graphs of Neptune Analytics have replicas",
        ("aws:neptunegraph/graph:Graph",),
        _graph,
        "neptune-analytics/latest/userguide/creating-graph.html",
        "Leave replicaCount at 1 or more.",
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
        "res-msk-replication",
        "Records of Kafka are replicated, and none is lost that was acknowledged",
        ("aws:msk/configuration:Configuration", "aws:msk/topic:Topic"),
        _replication,
        "msk/latest/developerguide/bestpractices.html",
        "Set default.replication.factor to 3, min.insync.replicas to 2 and unclean.leader.election.enable to false.",
    ),
    _control(
        "res-opensearch-zones",
        "Search domains stand in several zones",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/managedomains-multiaz.html",
        "Set zoneAwarenessEnabled with zoneAwarenessConfig, and two instances or more; three dedicated masters where there are many.",
    ),
    _control(
        "res-redshift-zones",
        "Data warehouses go on in another zone",
        ("aws:redshift/cluster:Cluster",),
        _warehouse,
        "redshift/latest/mgmt/managing-cluster-multi-az.html",
        "Set multiAz, which doubles the price of nodes, or availabilityZoneRelocationEnabled.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "res-managed-zones",
        "What AWS can place in several zones is placed in them",
        tuple(_SWITCHES),
        _switched,
        "wellarchitected/latest/reliability-pillar/rel_fault_isolation_multiaz_region_system.html",
        "Set the property. It adds the price of a second node.",
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
        "res-fsx-zones",
        "File systems of FSx stand in two zones",
        tuple(_FSX),
        _fsx,
        "fsx/latest/WindowsGuide/high-availability-multiAZ.html",
        "Set deploymentType, with subnets of two zones.",
    ),
    _control(
        "res-cloudhsm-zones",
        "Hardware security modules stand in several zones",
        ("aws:cloudhsmv2/cluster:Cluster",),
        _modules,
        "cloudhsm/latest/userguide/bp-cluster-management.html",
        "Declare an Hsm in a second zone.",
    ),
    _control(
        "res-route53-failover",
        "Records that fail over know when",
        ("aws:route53/record:Record",),
        _failover,
        "Route53/latest/DeveloperGuide/dns-failover-configuring.html",
        "Set healthCheckId, or evaluateTargetHealth of the alias.",
    ),
    _control(
        "res-route53-health-check",
        "Health checks are on",
        ("aws:route53/healthCheck:HealthCheck",),
        _health_check,
        "Route53/latest/DeveloperGuide/health-checks-creating-values.html",
        "Leave disabled at false.",
    ),
)
