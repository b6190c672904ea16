"""Controls of deletion: nothing that holds data goes by mistake, or without a last copy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from policies.engine.control import Enforcement, Family, Finding, Findings, NotApplicableError, Option, Severity
from policies.engine.resources import Resource
from policies.resilience.figures import days

__all__ = ["DELETION"]

_SECRET_DAYS = 30
_CLUSTERED = ("aurora", "neptune", "docdb")


def _protected(path: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if resource.type == "aws:rds/instance:Instance" and resource.text("engine").startswith(_CLUSTERED):
            raise NotApplicableError("its cluster is judged")
        if resource.text(path).upper() not in ("TRUE", "1", "ACTIVE"):
            yield Finding(path, "ACTIVE" if path == "deletionProtection" and resource.type.startswith("aws:cognito") else "true")

    return judge


_SWITCHES = {
    "aws:dynamodb/tableReplica:TableReplica": ("deletionProtectionEnabled", False),
    "aws:dsql/cluster:Cluster": ("deletionProtectionEnabled", False),
    "aws:neptunegraph/graph:Graph": ("deletionProtection", True),
    "aws:qldb/ledger:Ledger": ("deletionProtection", True),
    "aws:verifiedpermissions/policyStore:PolicyStore": ("deletionProtection", False),
    "aws:cloudtrail/eventDataStore:EventDataStore": ("terminationProtectionEnabled", True),
    "aws:networkfirewall/firewall:Firewall": ("deleteProtection", False),
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber": ("deletionProtectionEnabled", False),
    "aws:pinpoint/smsvoicev2SenderId:Smsvoicev2SenderId": ("deletionProtectionEnabled", False),
}
"""The switch, and what holds without it."""


def _switched(resource: Resource) -> Findings:
    path, default = _SWITCHES[resource.type]
    if (resource.text(path) or str(default)).upper() not in ("TRUE", "1", "ENABLED"):
        yield Finding(path, "ENABLED" if resource.type.startswith("aws:verifiedpermissions") else "true")


_LAST = {
    "aws:rds/instance:Instance": "finalSnapshotIdentifier",
    "aws:rds/cluster:Cluster": "finalSnapshotIdentifier",
    "aws:docdb/cluster:Cluster": "finalSnapshotIdentifier",
    "aws:neptune/cluster:Cluster": "finalSnapshotIdentifier",
    "aws:redshift/cluster:Cluster": "finalSnapshotIdentifier",
    "aws:lightsail/database:Database": "finalSnapshotName",
}


def _last_snapshot(resource: Resource) -> Findings:
    if resource.type == "aws:rds/instance:Instance":
        if resource.text("engine").startswith(_CLUSTERED):
            raise NotApplicableError("its cluster leaves the snapshot")
        if resource.has("replicateSourceDb"):
            raise NotApplicableError("RDS makes no last snapshot of a replica")
    if resource.flag("skipFinalSnapshot"):
        yield Finding("skipFinalSnapshot", "false")
    elif not resource.has(_LAST[resource.type]):
        yield Finding(_LAST[resource.type], "a name: without one the deletion fails")


_FSX = {
    "aws:fsx/windowsFileSystem:WindowsFileSystem": False,
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": False,
    "aws:fsx/ontapVolume:OntapVolume": False,
    "aws:fsx/lustreFileSystem:LustreFileSystem": True,
}
"""Whether the provider skips the last backup of it where nothing is declared."""


def _last_backup(resource: Resource) -> Findings:
    if resource.type == "aws:fsx/lustreFileSystem:LustreFileSystem" and resource.text("deploymentType", "SCRATCH_1").startswith("SCRATCH"):
        raise NotApplicableError("a scratch file system has no backups")
    if resource.text("ontapVolumeType").upper() == "DP":
        raise NotApplicableError("the destination of a replication")
    if resource.flag("skipFinalBackup", default=_FSX[resource.type]):
        yield Finding("skipFinalBackup", "false")


def _last_cache_snapshot(resource: Resource) -> Findings:
    if resource.type == "aws:elasticache/cluster:Cluster":
        if resource.text("engine").lower() == "memcached":
            raise NotApplicableError("memcached has no snapshots")
        if resource.has("replicationGroupId"):
            raise NotApplicableError("its replication group is judged")
    path = "finalSnapshotName" if resource.type.startswith("aws:memorydb") else "finalSnapshotIdentifier"
    if not resource.has(path):
        yield Finding(path, "a name")


def _not_forced(path: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if resource.flag(path):
            yield Finding(path, "false")

    return judge


_FORCED = {
    "aws:athena/database:Database": "forceDestroy",
    "aws:backup/vault:Vault": "forceDestroy",
    "aws:dsql/cluster:Cluster": "forceDestroy",
    "aws:ecrpublic/repository:Repository": "forceDestroy",
    "aws:lightsail/bucket:Bucket": "forceDelete",
    "aws:route53/zone:Zone": "forceDestroy",
    "aws:s3/directoryBucket:DirectoryBucket": "forceDestroy",
    "aws:s3/vectorsVectorBucket:VectorsVectorBucket": "forceDestroy",
    "aws:s3tables/tableBucket:TableBucket": "forceDestroy",
}


_ZFS = {
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": ("deleteOptions", "DELETE_CHILD_VOLUMES_AND_SNAPSHOTS"),
    "aws:fsx/openZfsVolume:OpenZfsVolume": ("deleteVolumeOptions", "DELETE_CHILD_VOLUMES_AND_SNAPSHOTS"),
}
"""What takes along all that is below; without it the deletion of what is not empty fails."""


def _not_emptied(resource: Resource) -> Findings:
    if resource.type in _ZFS:
        path, forced = _ZFS[resource.type]
        if forced in (each.upper() for each in resource.texts(path)):
            yield Finding(path, f"no {forced}")
        return
    yield from _not_forced(_FORCED[resource.type])(resource)


def _held(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.type not in options["types"]:
        raise NotApplicableError("not among the types that the control's option names")
    if resource.text("engine").lower() == "memcached":
        raise NotApplicableError("memcached keeps nothing")
    if not resource.protect:
        yield Finding("", "the resource option protect", found="none: `pulumi destroy`, or a change that replaces it, deletes it")


def _window(resource: Resource) -> Findings:
    if (resource.number("recoveryWindowInDays", _SECRET_DAYS) or 0) < _SECRET_DAYS:
        yield Finding("recoveryWindowInDays", f"{_SECRET_DAYS}")


_KEY_DAYS = 30  # without a figure; 7 at least


def _key_window(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if (resource.number("deletionWindowInDays", _KEY_DAYS) or 0) < options["days"]:
        yield Finding("deletionWindowInDays", f"at least {int(options['days'])} days")


def _home_directories(resource: Resource) -> Findings:
    if resource.text("retentionPolicy.homeEfsFileSystem", "Retain").lower() == "delete":
        yield Finding("retentionPolicy.homeEfsFileSystem", "Retain")


def _volumes(resource: Resource) -> Findings:
    path = (
        "spec.persistentVolumeReclaimPolicy"
        if resource.type == "kubernetes:core:PersistentVolume"
        else "spec.persistentVolumeClaimRetentionPolicy.whenDeleted"
    )
    if resource.text(path, "Retain") != "Retain":
        yield Finding(path, "Retain")


_control = Family(
    Severity.HIGH, "One wrong command, or one changed property that replaces a resource, deletes what no deployment can make again."
).control


_STATEFUL = (
    "aws:rds/cluster:Cluster",
    "aws:rds/globalCluster:GlobalCluster",
    "aws:rds/instance:Instance",
    "aws:docdb/cluster:Cluster",
    "aws:docdb/elasticCluster:ElasticCluster",
    "aws:docdb/globalCluster:GlobalCluster",
    "aws:dsql/cluster:Cluster",
    "aws:neptune/cluster:Cluster",
    "aws:neptune/globalCluster:GlobalCluster",
    "aws:neptunegraph/graph:Graph",
    "aws:dynamodb/table:Table",
    "aws:keyspaces/table:Table",
    "aws:qldb/ledger:Ledger",
    "aws:timestreamwrite/table:Table",
    "aws:timestreaminfluxdb/dbInstance:DbInstance",
    "aws:timestreaminfluxdb/dbCluster:DbCluster",
    "aws:lightsail/database:Database",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:memorydb/cluster:Cluster",
    "aws:mq/broker:Broker",
    "aws:msk/cluster:Cluster",
    "aws:opensearch/domain:Domain",
    "aws:elasticsearch/domain:Domain",
    "aws:redshift/cluster:Cluster",
    "aws:redshiftserverless/namespace:Namespace",
    "aws:efs/fileSystem:FileSystem",
    "aws:fsx/windowsFileSystem:WindowsFileSystem",
    "aws:fsx/lustreFileSystem:LustreFileSystem",
    "aws:fsx/ontapFileSystem:OntapFileSystem",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
    "aws:s3/bucket:Bucket",
    "aws:s3tables/tableBucket:TableBucket",
    "aws:backup/vault:Vault",
    "aws:backup/logicallyAirGappedVault:LogicallyAirGappedVault",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
)
_ALSO_STATEFUL = (
    "aws:cognito/userPool:UserPool",
    "aws:dynamodb/tableReplica:TableReplica",
    "aws:ebs/volume:Volume",
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/cluster:Cluster",
    "aws:elasticache/serverlessCache:ServerlessCache",
    "aws:fsx/ontapVolume:OntapVolume",
    "aws:fsx/openZfsVolume:OpenZfsVolume",
    "aws:kinesis/stream:Stream",
    "aws:kms/externalKey:ExternalKey",
    "aws:opensearch/serverlessCollection:ServerlessCollection",
    "aws:route53/zone:Zone",
    "aws:s3/directoryBucket:DirectoryBucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sqs/queue:Queue",
)
"""What a configuration may add: some hold nothing that lasts, some AWS itself gives back for a while."""


def _are_types(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(each in (*_STATEFUL, *_ALSO_STATEFUL) for each in cast("Sequence[Any]", value))
    )


DELETION = (
    _control(
        "res-rds-deletion-protection",
        "Databases are protected from deletion",
        (
            "aws:rds/instance:Instance",
            "aws:rds/cluster:Cluster",
            "aws:rds/globalCluster:GlobalCluster",
            "aws:docdb/cluster:Cluster",
            "aws:docdb/globalCluster:GlobalCluster",
            "aws:neptune/cluster:Cluster",
            "aws:neptune/globalCluster:GlobalCluster",
        ),
        _protected("deletionProtection"),
        "AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        "Set deletionProtection.",
    ),
    _control(
        "res-dynamodb-deletion-protection",
        "Tables are protected from deletion",
        ("aws:dynamodb/table:Table",),
        _protected("deletionProtectionEnabled"),
        "amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html",
        "Set deletionProtectionEnabled.",
    ),
    _control(
        "res-lb-deletion-protection",
        "Load balancers are protected from deletion",
        ("aws:lb/loadBalancer:LoadBalancer",),
        _protected("enableDeletionProtection"),
        "elasticloadbalancing/latest/application/application-load-balancers.html",
        "Set enableDeletionProtection.",
    ),
    _control(
        "res-cognito-deletion-protection",
        "User pools are protected from deletion",
        ("aws:cognito/userPool:UserPool",),
        _protected("deletionProtection"),
        "cognito/latest/developerguide/user-pool-settings-deletion-protection.html",
        "Set deletionProtection to ACTIVE.",
    ),
    _control(
        "res-eks-deletion-protection",
        "Clusters are protected from deletion",
        ("aws:eks/cluster:Cluster",),
        _protected("deletionProtection"),
        "eks/latest/userguide/deletion-protection.html",
        "Set deletionProtection.",
    ),
    _control(
        "res-deletion-protection",
        "What AWS can protect from deletion is protected",
        tuple(_SWITCHES),
        _switched,
        "wellarchitected/latest/reliability-pillar/rel_backing_up_data_secured_backups_data.html",
        "Switch the protection on.",
    ),
    _control(
        "res-rds-last-snapshot",
        "Databases leave a last snapshot",
        tuple(_LAST),
        _last_snapshot,
        "AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        "Leave skipFinalSnapshot at false and name the last snapshot.",
    ),
    _control(
        "res-fsx-last-backup",
        "File systems of FSx leave a last backup",
        tuple(_FSX),
        _last_backup,
        "fsx/latest/WindowsGuide/using-backups.html",
        "Set skipFinalBackup to false.",
    ),
    _control(
        "res-cache-last-snapshot",
        "Caches leave a last snapshot",
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/cluster:Cluster",
            "aws:memorydb/cluster:Cluster",
        ),
        _last_cache_snapshot,
        "AmazonElastiCache/latest/dg/backups-final.html",
        "Name the last snapshot.",
        enforcement=Enforcement.ADVISORY,
    ),
    _control(
        "res-s3-force-destroy",
        "Buckets with objects cannot be deleted",
        ("aws:s3/bucket:Bucket",),
        _not_forced("forceDestroy"),
        "AmazonS3/latest/userguide/delete-bucket.html",
        "Leave forceDestroy at false.",
    ),
    _control(
        "res-ecr-force-delete",
        "Repositories with images cannot be deleted",
        ("aws:ecr/repository:Repository",),
        _not_forced("forceDelete"),
        "AmazonECR/latest/userguide/repository-delete.html",
        "Leave forceDelete at false.",
    ),
    _control(
        "res-force-destroy",
        "What is not empty cannot be deleted",
        (*_FORCED, *_ZFS),
        _not_emptied,
        "https://www.pulumi.com/registry/packages/aws/api-docs/backup/vault/",
        "Leave forceDestroy or forceDelete at false, and options of deletion empty.",
    ),
    _control(
        "res-secret-recovery-window",
        "Deleted secrets can be restored for thirty days",
        ("aws:secretsmanager/secret:Secret",),
        _window,
        "secretsmanager/latest/userguide/manage_delete-secret.html",
        "Set recoveryWindowInDays to 30.",
    ),
    _control(
        "res-kms-deletion-window",
        "The deletion of keys can be called off for more than a week",
        (
            "aws:kms/key:Key",
            "aws:kms/replicaKey:ReplicaKey",
            "aws:kms/externalKey:ExternalKey",
            "aws:kms/replicaExternalKey:ReplicaExternalKey",
        ),
        _key_window,
        "kms/latest/developerguide/deleting-keys.html",
        "Set deletionWindowInDays to 30, AWS's default.",
        options=days(8, 30, "Days that keys wait for their deletion at least; AWS allows 7 to 30"),
    ),
    _control(
        "res-sagemaker-home-directories",
        "Home directories outlive their domain",
        ("aws:sagemaker/domain:Domain",),
        _home_directories,
        "sagemaker/latest/dg/gs-studio-delete-domain.html",
        "Leave retentionPolicy.homeEfsFileSystem at Retain.",
    ),
    _control(
        "res-kubernetes-volumes",
        "Volumes outlive their claims",
        ("kubernetes:core:PersistentVolume", "kubernetes:apps:StatefulSet"),
        _volumes,
        "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming",
        "Set the policy to Retain.",
    ),
    _control(
        "res-stateful-protect",
        "Pulumi deletes nothing that holds data",
        (*_STATEFUL, *_ALSO_STATEFUL),
        _held,
        "https://www.pulumi.com/docs/iac/concepts/options/protect/",
        "Set the resource option protect.",
        options={
            "types": Option(
                list(_STATEFUL),
                f"a list of types, of those that hold data by default or of {', '.join(_ALSO_STATEFUL)}",
                _are_types,
                "Types that hold data",
            )
        },
    ),
)
