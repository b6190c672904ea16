"""Where data lives: RDS, ElastiCache, Amazon MQ, S3."""

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties

__all__ = ["SIMULATIONS"]

_POSTGRESQL_PORT = 5432
_MYSQL_PORT = 3306
_LOWEST_PORT_OF_AMQPS = 5671


def _global_cluster(declaration: Declaration) -> tuple[str, Properties]:
    identifier = declaration.physical_name("globalClusterIdentifier")
    return identifier, {
        "globalClusterIdentifier": identifier,
        "arn": declaration.arn(f"global-cluster:{identifier}", is_global=True),
        "globalClusterResourceId": f"cluster-{declaration.hexadecimal(16)}",
        "endpoint": f"{identifier}.global-{_account_part(declaration, 'global')}.global.rds.amazonaws.com",
        "engineVersionActual": declaration.text("engineVersion"),
        "engineLifecycleSupport": declaration.text("engineLifecycleSupport", "open-source-rds-extended-support"),
        "globalClusterMembers": [],
    }


def _cluster(declaration: Declaration) -> tuple[str, Properties]:
    identifier = declaration.physical_name("clusterIdentifier", "clusterIdentifierPrefix")
    postgresql = "postgres" in declaration.text("engine")
    secrets: list[Properties] = []
    if declaration.stated("manageMasterUserPassword"):
        name = f"rds!cluster-{declaration.uuid('secret')}"
        secrets.append(
            {
                "secretArn": declaration.arn(f"secret:{name}-{declaration.hexadecimal(6, 'secret')}", "secretsmanager"),
                "kmsKeyId": declaration.text("masterUserSecretKmsKeyId") or declaration.arn(f"key/{declaration.uuid('key')}", "kms"),
                "secretStatus": "active",
            }
        )
    return identifier, {
        "clusterIdentifier": identifier,
        "arn": declaration.arn(f"cluster:{identifier}"),
        "clusterResourceId": f"cluster-{declaration.letters(26, upper=True)}",
        "endpoint": f"{identifier}.cluster-{_account_part(declaration)}.{declaration.region}.rds.amazonaws.com",
        "readerEndpoint": f"{identifier}.cluster-ro-{_account_part(declaration)}.{declaration.region}.rds.amazonaws.com",
        "hostedZoneId": _zone_of(declaration, "rds"),
        "port": declaration.stated("port", _POSTGRESQL_PORT if postgresql else _MYSQL_PORT),
        "engineVersionActual": declaration.text("engineVersion"),
        "masterUserSecrets": secrets,
        "caCertificateValidTill": "2061-05-25T22:34:57Z",
        "upgradeRolloutOrder": "second",
        "networkType": declaration.text("networkType", "IPV4"),
    }


def _cluster_instance(declaration: Declaration) -> tuple[str, Properties]:
    identifier = declaration.physical_name("identifier", "identifierPrefix")
    return identifier, {
        "identifier": identifier,
        "arn": declaration.arn(f"db:{identifier}"),
        "dbiResourceId": f"db-{declaration.letters(26, upper=True)}",
        "endpoint": f"{identifier}.{_account_part(declaration)}.{declaration.region}.rds.amazonaws.com",
        "port": _POSTGRESQL_PORT if "postgres" in declaration.text("engine") else _MYSQL_PORT,
        "engineVersionActual": declaration.text("engineVersion"),
        "networkType": "IPV4",
        # What the cluster has; an instance cannot tell, and a key that nobody declared must not appear.
        "kmsKeyId": "",
        "storageEncrypted": True,
        "writer": False,
    }


def _proxy(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {
        "name": name,
        "arn": declaration.arn(f"db-proxy:prx-{declaration.hexadecimal(17)}"),
        "endpoint": f"{name}.proxy-{_account_part(declaration)}.{declaration.region}.rds.amazonaws.com",
    }


def _proxy_endpoint(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.text("dbProxyEndpointName")
    proxy = declaration.text("dbProxyName")
    return f"{proxy}/{name}", {
        "arn": declaration.arn(f"db-proxy-endpoint:prx-endpoint-{declaration.hexadecimal(17)}"),
        "endpoint": f"{name}.endpoint.proxy-{_account_part(declaration)}.{declaration.region}.rds.amazonaws.com",
        "isDefault": False,
        "vpcId": _vpc_of(declaration, "vpcSubnetIds"),
    }


def _proxy_target_group(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("dbProxyName"), {
        "name": "default",
        "arn": declaration.arn(f"target-group:prx-tg-{declaration.hexadecimal(17)}"),
    }


def _proxy_target(declaration: Declaration) -> tuple[str, Properties]:
    proxy, group = declaration.text("dbProxyName"), declaration.text("targetGroupName", "default")
    cluster = declaration.text("dbClusterIdentifier")
    kind = "TRACKED_CLUSTER" if cluster else "RDS_INSTANCE"
    target = cluster or declaration.text("dbInstanceIdentifier")
    return f"{proxy}/{group}/{kind}/{target}", {
        "type": kind,
        "rdsResourceId": target,
        "trackedClusterId": cluster,
        "targetArn": "",
        "endpoint": "",
        "port": _POSTGRESQL_PORT,
    }


def _rds_group(kind: str) -> Simulation:
    def simulation(declaration: Declaration) -> tuple[str, Properties]:
        name = declaration.physical_name().lower()
        outputs: Properties = {"name": name, "arn": declaration.arn(f"{kind}:{name}")}
        if kind == "subgrp":
            outputs |= {"vpcId": _vpc_of(declaration, "subnetIds"), "supportedNetworkTypes": ["IPV4"]}
        return name, {**outputs, "description": declaration.text("description", "Managed by Pulumi")}

    return simulation


def _replication_group(declaration: Declaration) -> tuple[str, Properties]:
    identifier = declaration.physical_name("replicationGroupId").lower()
    shards = int(declaration.stated("numNodeGroups", 1))
    replicas = int(declaration.stated("replicasPerNodeGroup", 0))
    clustered = shards > 1 or declaration.text("clusterMode") == "enabled" or "cluster.on" in declaration.text("parameterGroupName")
    tls = "clustercfg." if clustered else "master."
    host = f"{identifier}.{made_of(declaration.account, declaration.region)[:6]}"
    zone = f"{declaration.short_region}.cache.amazonaws.com"
    members = (
        [f"{identifier}-{shard:04}-{node:03}" for shard in range(1, shards + 1) for node in range(1, replicas + 2)]
        if clustered
        else [f"{identifier}-{node:03}" for node in range(1, int(declaration.stated("numCacheClusters", replicas + 1)) + 1)]
    )
    return identifier, {
        "replicationGroupId": identifier,
        "arn": declaration.arn(f"replicationgroup:{identifier}"),
        "clusterEnabled": clustered,
        "configurationEndpointAddress": f"{tls}{host}.{zone}" if clustered else "",
        "primaryEndpointAddress": "" if clustered else f"{tls}{host}.{zone}",
        "readerEndpointAddress": "" if clustered else f"replica.{host}.{zone}",
        "memberClusters": members,
        "engineVersionActual": declaration.text("engineVersion"),
        "globalReplicationGroupId": declaration.text("globalReplicationGroupId"),
        "numCacheClusters": len(members),
    }


def _elasticache(kind: str, name: str) -> Simulation:
    def simulation(declaration: Declaration) -> tuple[str, Properties]:
        identifier = declaration.physical_name(name).lower()
        outputs: Properties = {name: identifier, "arn": declaration.arn(f"{kind}:{identifier}")}
        if kind == "subnetgroup":
            outputs["vpcId"] = _vpc_of(declaration, "subnetIds")
        return identifier, outputs

    return simulation


def _broker(declaration: Declaration) -> tuple[str, Properties]:
    id_, name = f"b-{declaration.uuid()}", declaration.physical_name("brokerName")
    host = f"{id_}.mq.{declaration.region}.on.aws"
    rabbitmq = declaration.text("engineType").lower() == "rabbitmq"
    instances = [
        {
            # A RabbitMQ cluster has one address, however many nodes stand behind it.
            "consoleUrl": f"https://{host}" if rabbitmq else f"https://{host}:8162",
            "endpoints": [f"amqps://{host}:{_LOWEST_PORT_OF_AMQPS}"] if rabbitmq else [f"ssl://{host}:61617", f"amqp+ssl://{host}:5671"],
            "ipAddress": "",
        }
    ]
    return id_, {
        "brokerName": name,
        "arn": declaration.arn(f"broker:{name}:{id_}"),
        "instances": instances,
        "storageType": declaration.text("storageType", "ebs" if rabbitmq else "efs"),
        "authenticationStrategy": declaration.text("authenticationStrategy", "simple"),
        "pendingDataReplicationMode": "",
        "sharedResources": [],
    }


def _broker_configuration(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"c-{declaration.uuid()}"
    return id_, {"name": declaration.physical_name(), "arn": declaration.arn(f"configuration:{id_}"), "latestRevision": 1}


def _bucket(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name("bucket", "bucketPrefix").lower()
    return name, {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{declaration.region}.amazonaws.com",
        "bucketRegion": declaration.region,
        "hostedZoneId": _zone_of(declaration, "s3"),
        "bucketNamespace": "global",
        "websiteDomain": "",
        "websiteEndpoint": "",
    }


def _of_bucket(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("bucket"), {}


def _bucket_object(declaration: Declaration) -> tuple[str, Properties]:
    path = f"{declaration.text('bucket')}/{declaration.text('key')}"
    return path, {"arn": f"arn:aws:s3:::{path}"}


def _account_part(declaration: Declaration, region: str = "") -> str:
    """The part of RDS host names that is the same for all of an account's databases in a region."""
    return f"c{made_of(declaration.account, region or declaration.region)[:11]}"


def _zone_of(declaration: Declaration, service: str) -> str:
    """The service's own hosted zone in a region, the same for everyone."""
    return f"Z{made_of(declaration.region, service)[:13].upper()}"


def _vpc_of(declaration: Declaration, subnets: str) -> str:
    return f"vpc-{made_of(''.join(sorted(declaration.texts(subnets))), 'vpc')[:17]}"


def _search_domain(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name("domainName")
    arn, id_ = declaration.arn(f"domain/{name}", "es"), declaration.letters(26)
    host = f"vpc-{name}-{id_}.{declaration.region}.es.amazonaws.com"
    return arn, {
        "domainName": name,
        "arn": arn,
        "domainId": f"{declaration.account}/{name}",
        "endpoint": host,
        "dashboardEndpoint": f"{host}/_dashboards",
        "domainEndpointV2HostedZoneId": f"Z{declaration.letters(13, upper=True)}",
    }


SIMULATIONS: dict[str, Simulation] = {
    "aws:rds/globalCluster:GlobalCluster": _global_cluster,
    "aws:opensearch/domain:Domain": _search_domain,
    "aws:rds/cluster:Cluster": _cluster,
    "aws:rds/clusterInstance:ClusterInstance": _cluster_instance,
    "aws:rds/proxy:Proxy": _proxy,
    "aws:rds/proxyEndpoint:ProxyEndpoint": _proxy_endpoint,
    "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": _proxy_target_group,
    "aws:rds/proxyTarget:ProxyTarget": _proxy_target,
    "aws:rds/subnetGroup:SubnetGroup": _rds_group("subgrp"),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _rds_group("cluster-pg"),
    "aws:rds/parameterGroup:ParameterGroup": _rds_group("pg"),
    "aws:elasticache/replicationGroup:ReplicationGroup": _replication_group,
    "aws:elasticache/user:User": _elasticache("user", "userId"),
    "aws:elasticache/userGroup:UserGroup": _elasticache("usergroup", "userGroupId"),
    "aws:elasticache/parameterGroup:ParameterGroup": _elasticache("parametergroup", "name"),
    "aws:elasticache/subnetGroup:SubnetGroup": _elasticache("subnetgroup", "name"),
    "aws:mq/broker:Broker": _broker,
    "aws:mq/configuration:Configuration": _broker_configuration,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketObject:BucketObject": _bucket_object,
    "aws:s3/bucketPolicy:BucketPolicy": _of_bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _of_bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _of_bucket,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _of_bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _of_bucket,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _of_bucket,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _of_bucket,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _of_bucket,
    "aws:s3/bucketLogging:BucketLogging": _of_bucket,
}
