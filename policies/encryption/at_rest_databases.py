"""Controls of databases and caches at rest."""

from collections.abc import Callable

from policies.encryption.at_rest_forms import CUSTOMER_KEY, At, sealed, stored, told_by
from policies.engine.blocks import UnknownValueError
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["DATABASES"]

_INSTANCE = "aws:rds/instance:Instance"


def _rds_instance(resource: Resource) -> Findings:
    if not resource.has("replicateSourceDb"):
        yield from told_by(At("kmsKeyId", switch="storageEncrypted"))(resource)
    elif resource.has("storageEncrypted") and not resource.flag("storageEncrypted"):
        yield Finding("storageEncrypted", "true")
    elif resource.has("kmsKeyId"):
        # of a replica in another region the provider reads only the key
        yield from customer_key(resource, "kmsKeyId")
    elif _source_region(resource) == resource.region():
        raise NotApplicableError("a replica in the same region is encrypted as its source is")
    else:
        yield Finding("kmsKeyId", f"{CUSTOMER_KEY} of the replica's region")


def _source_region(resource: Resource) -> str:
    """Region that a replica's source stands in; the replica's own where the source is named without one."""
    try:
        source = resource.text("replicateSourceDb")
    except UnknownValueError:
        (instance, *_) = [each for each in resource.stack.depended_on(resource, "replicateSourceDb") if each.type == _INSTANCE] or [None]
        if instance is None:
            raise
        return instance.region()
    return source.split(":")[3] if source.startswith("arn:") and source.count(":") > 3 else resource.region()  # noqa: PLR2004 - ARNs


def _cluster(key: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        restored = resource.has("snapshotIdentifier") or resource.has("restoreToPointInTime")
        # Aurora's first serverless mode is always encrypted, and a restore that names a key encrypts under it
        default = resource.text("engineMode").lower() == "serverless" or (restored and resource.has(key))
        if resource.flag("storageEncrypted", default=default):
            yield from customer_key(resource, key)
        else:
            yield Finding("storageEncrypted", "true")

    return judge


def _global(resource: Resource) -> Findings:
    if resource.has("sourceDbClusterIdentifier"):
        raise NotApplicableError("it is encrypted as the cluster that it is made from")
    if not resource.flag("storageEncrypted"):
        yield Finding("storageEncrypted", "true")


def _snapshot_copy(snapshot: str, source: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if not resource.has("kmsKeyId") and not resource.has("destinationRegion"):
            made_here = resource.stack.of_type(snapshot)
            if any(resource.stack.refers(resource, source, each) for each in made_here):
                raise NotApplicableError("a copy in the same region is encrypted as its source is")
        yield from customer_key(resource, "kmsKeyId")

    return judge


def _custom_engine(resource: Resource) -> Findings:
    if "sqlserver" in resource.text("engine").lower() and not resource.has("kmsKeyId"):
        raise NotApplicableError("versions of SQL Server are made from an image, which is encrypted itself")
    yield from customer_key(resource, "kmsKeyId")


def _cache(resource: Resource) -> Findings:
    # the provider's default differs by engine, and its default engine is redis; members of a global datastore are as its first one
    default = resource.text("engine").lower() == "valkey" or resource.has("globalReplicationGroupId")
    if resource.flag("atRestEncryptionEnabled", default=default):
        yield from customer_key(resource, "kmsKeyId")
    else:
        yield Finding("atRestEncryptionEnabled", "true")


def _no_choice(reason: str) -> Callable[[Resource], Findings]:
    def judge(_: Resource) -> Findings:
        raise NotApplicableError(reason)

    return judge


_INSIGHTS = At("performanceInsightsKmsKeyId", when="performanceInsightsEnabled")
_PASSWORD = At("masterUserSecretKmsKeyId", when="manageMasterUserPassword")
_BY_SERVICE = "the password is not managed in Secrets Manager"

DATABASES = (
    stored(
        "enc-rds-instance-storage",
        "Storage of database instances is",
        {_INSTANCE: _rds_instance},
        "AmazonRDS/latest/UserGuide/Overview.Encryption.html",
        "Set storageEncrypted and kmsKeyId. Changing either replaces the instance: restore an encrypted copy of a snapshot.",
    ),
    stored(
        "enc-rds-cluster-storage",
        "Storage of database clusters is",
        {"aws:rds/cluster:Cluster": _cluster("kmsKeyId")},
        "AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.html",
        "Set storageEncrypted and kmsKeyId. Changing either replaces the cluster.",
    ),
    sealed(
        "enc-database-global",
        "Global clusters are",
        {
            "aws:rds/globalCluster:GlobalCluster": _global,
            "aws:docdb/globalCluster:GlobalCluster": _global,
            "aws:neptune/globalCluster:GlobalCluster": _global,
        },
        "AmazonRDS/latest/AuroraUserGuide/aurora-global-database.html",
        "Set storageEncrypted; each regional cluster names its own key.",
    ),
    stored(
        "enc-rds-performance-insights",
        "Performance Insights is",
        {
            _INSTANCE: told_by(_INSIGHTS, otherwise="Performance Insights is off"),
            "aws:rds/cluster:Cluster": told_by(_INSIGHTS, otherwise="Performance Insights is off"),
            "aws:rds/clusterInstance:ClusterInstance": told_by(_INSIGHTS, otherwise="Performance Insights is off"),
            "aws:docdb/clusterInstance:ClusterInstance": told_by(
                At("performanceInsightsKmsKeyId", when="enablePerformanceInsights"), otherwise="Performance Insights is off"
            ),
        },
        "AmazonRDS/latest/UserGuide/USER_PerfInsights.access-control.cmk-policy.html",
        "Set performanceInsightsKmsKeyId. It holds query texts; the key cannot be changed later.",
    ),
    stored(
        "enc-rds-managed-password",
        "The managed master password is",
        {
            _INSTANCE: told_by(_PASSWORD, otherwise=_BY_SERVICE),
            "aws:rds/cluster:Cluster": told_by(_PASSWORD, otherwise=_BY_SERVICE),
            "aws:docdb/cluster:Cluster": _no_choice("the provider lets nobody choose the key of DocumentDB's managed password"),
            "aws:redshift/cluster:Cluster": told_by(At("masterPasswordSecretKmsKeyId", when="manageMasterPassword"), otherwise=_BY_SERVICE),
            "aws:redshiftserverless/namespace:Namespace": told_by(
                At("adminPasswordSecretKmsKeyId", when="manageAdminPassword"), otherwise=_BY_SERVICE
            ),
        },
        "AmazonRDS/latest/UserGuide/rds-secrets-manager.html",
        "Name the key of the secret: masterUserSecretKmsKeyId, or masterPasswordSecretKmsKeyId or adminPasswordSecretKmsKeyId of Redshift.",
    ),
    stored(
        "enc-database-copies",
        "Copies and exports of databases are",
        {
            "aws:rds/snapshotCopy:SnapshotCopy": _snapshot_copy("aws:rds/snapshot:Snapshot", "sourceDbSnapshotIdentifier"),
            "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy": _snapshot_copy(
                "aws:rds/clusterSnapshot:ClusterSnapshot", "sourceDbClusterSnapshotIdentifier"
            ),
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": At("kmsKeyId"),
            "aws:rds/exportTask:ExportTask": At("kmsKeyId"),
            "aws:memorydb/snapshot:Snapshot": At("kmsKeyArn"),
            "aws:dynamodb/tableExport:TableExport": At("s3SseKmsKeyId", kind="s3SseAlgorithm", kinds=("KMS",)),
        },
        "AmazonRDS/latest/UserGuide/USER_CopySnapshot.html",
        "Set kmsKeyId (kmsKeyArn of MemoryDB, s3SseAlgorithm and s3SseKmsKeyId of DynamoDB) to a key of the copy's region.",
    ),
    stored(
        "enc-rds-activity-stream",
        "Streams of database activity are",
        {"aws:rds/clusterActivityStream:ClusterActivityStream": At("kmsKeyId")},
        "AmazonRDS/latest/AuroraUserGuide/DBActivityStreams.html",
        "Set kmsKeyId. Changing it replaces the stream.",
    ),
    stored(
        "enc-rds-custom-engine",
        "Installation files of custom engine versions are",
        {"aws:rds/customDbEngineVersion:CustomDbEngineVersion": _custom_engine},
        "AmazonRDS/latest/UserGuide/custom-cev.create.html",
        "Set kmsKeyId. Changing it replaces the engine version.",
    ),
    stored(
        "enc-rds-integration",
        "Zero-ETL integrations are",
        {"aws:rds/integration:Integration": At("kmsKeyId"), "aws:redshift/integration:Integration": At("kmsKeyId")},
        "AmazonRDS/latest/AuroraUserGuide/zero-etl.creating.html",
        "Set kmsKeyId. Changing it replaces the integration.",
    ),
    stored(
        "enc-documentdb-storage",
        "Storage of DocumentDB is",
        {"aws:docdb/cluster:Cluster": _cluster("kmsKeyId"), "aws:docdb/elasticCluster:ElasticCluster": At("kmsKeyId")},
        "documentdb/latest/developerguide/encryption-at-rest.html",
        "Set storageEncrypted and kmsKeyId (of elastic clusters kmsKeyId). Changing either replaces the cluster.",
    ),
    stored(
        "enc-neptune-storage",
        "Storage of Neptune is",
        {"aws:neptune/cluster:Cluster": _cluster("kmsKeyArn"), "aws:neptunegraph/graph:Graph": At("kmsKeyIdentifier")},
        "neptune/latest/userguide/encrypt.html",
        "Set storageEncrypted and kmsKeyArn (of graphs of Neptune Analytics kmsKeyIdentifier). Changing either replaces the cluster.",
    ),
    stored(
        "enc-dsql-cluster",
        "Aurora DSQL is",
        {"aws:dsql/cluster:Cluster": At("kmsEncryptionKey")},
        "aurora-dsql/latest/userguide/data-encryption.html",
        "Set kmsEncryptionKey.",
    ),
    stored(
        "enc-elasticache-storage",
        "What caches write to disk is",
        {"aws:elasticache/replicationGroup:ReplicationGroup": _cache},
        "AmazonElastiCache/latest/dg/at-rest-encryption.html",
        "Set atRestEncryptionEnabled and kmsKeyId. Changing either replaces the cache.",
    ),
    stored(
        "enc-elasticache-serverless",
        "Serverless caches are",
        {"aws:elasticache/serverlessCache:ServerlessCache": At("kmsKeyId")},
        "AmazonElastiCache/latest/dg/at-rest-encryption.html",
        "Set kmsKeyId. Changing it replaces the cache.",
    ),
    stored(
        "enc-memorydb-storage",
        "MemoryDB is",
        {"aws:memorydb/cluster:Cluster": At("kmsKeyArn")},
        "memorydb/latest/devguide/at-rest-encryption.html",
        "Set kmsKeyArn. Changing it replaces the cluster.",
    ),
    sealed(
        "enc-dax-storage",
        "What DAX writes to disk is",
        {"aws:dax/cluster:Cluster": At(switch="serverSideEncryption.enabled")},
        "amazondynamodb/latest/developerguide/DAXEncryptionAtRest.html",
        "Set serverSideEncryption.enabled. Changing it replaces the cluster.",
    ),
    sealed(
        "enc-api-cache",
        "Cached answers of interfaces are",
        {
            "aws:appsync/apiCache:ApiCache": At(switch="atRestEncryptionEnabled"),
            "aws:apigateway/methodSettings:MethodSettings": told_by(
                At(switch="settings.cacheDataEncrypted", when="settings.cachingEnabled"), otherwise="nothing is cached"
            ),
        },
        "apigateway/latest/developerguide/data-protection-encryption.html",
        "Set atRestEncryptionEnabled of AppSync's cache, settings.cacheDataEncrypted of API Gateway's.",
    ),
    stored(
        "enc-dynamodb-table",
        "Tables are",
        {
            "aws:dynamodb/table:Table": told_by(
                At("serverSideEncryption.kmsKeyArn", switch="serverSideEncryption.enabled"),
                At("kmsKeyArn", within="replicas", needed=False),
            ),
            "aws:dynamodb/tableReplica:TableReplica": At("kmsKeyArn"),
        },
        "amazondynamodb/latest/developerguide/EncryptionAtRest.html",
        "Set serverSideEncryption with enabled and kmsKeyArn; each replica needs the kmsKeyArn of its region.",
    ),
    stored(
        "enc-keyspaces-table",
        "Tables of Keyspaces are",
        {
            "aws:keyspaces/table:Table": At(
                "kmsKeyIdentifier", within="encryptionSpecification", kind="type", kinds=("CUSTOMER_MANAGED_KMS_KEY",)
            )
        },
        "keyspaces/latest/devguide/EncryptionAtRest.html",
        "Set encryptionSpecification with CUSTOMER_MANAGED_KMS_KEY and kmsKeyIdentifier.",
    ),
    stored(
        "enc-timestream-storage",
        "Time series are",
        {
            "aws:timestreamwrite/database:Database": At("kmsKeyId"),
            "aws:timestreamwrite/table:Table": told_by(
                At(
                    "kmsKeyId",
                    within="magneticStoreWriteProperties.magneticStoreRejectedDataLocation.s3Configuration",
                    needed=False,
                    kind="encryptionOption",
                    kinds=("SSE_KMS",),
                ),
                otherwise="it is encrypted as its database is",
            ),
            "aws:timestreamquery/scheduledQuery:ScheduledQuery": At("kmsKeyId"),
        },
        "timestream/latest/developerguide/EncryptionAtRest.html",
        "Set kmsKeyId; where rejected records are kept, SSE_KMS and kmsKeyId.",
    ),
    stored(
        "enc-odb-database",
        "Autonomous databases are",
        {"aws:odb/autonomousDatabase:AutonomousDatabase": At("kmsKeyId", kind="encryptionKeyProvider", kinds=("AWS_KMS",))},
        "odb/latest/APIReference/API_EncryptionSummary.html",
        "Set encryptionKeyProvider to AWS_KMS and kmsKeyId.",
    ),
    stored(
        "enc-qldb-ledger",
        "Ledgers are",
        {"aws:qldb/ledger:Ledger": At("kmsKey")},
        "qldb/latest/developerguide/encryption-at-rest.html",
        "Set kmsKey.",
    ),
    stored(
        "enc-redshift-storage",
        "Data warehouses are",
        {
            # encrypted unless it is switched off, says the provider; Redshift does so since January 2025
            "aws:redshift/cluster:Cluster": At("kmsKeyId", switch="encrypted", on=True),
            "aws:redshiftserverless/namespace:Namespace": At("kmsKeyId"),
        },
        "redshift/latest/mgmt/working-with-db-encryption.html",
        "Set kmsKeyId, and encrypted of clusters.",
    ),
    stored(
        "enc-redshift-copies",
        "Copies of data warehouses in other regions are",
        {"aws:redshift/snapshotCopyGrant:SnapshotCopyGrant": At("kmsKeyId")},
        "redshift/latest/mgmt/working-with-db-encryption.html",
        "Set kmsKeyId. Changing it replaces the grant.",
    ),
)
