"""Controls of deletion: nothing that holds data goes by mistake, or without a last copy."""

from collections.abc import Callable

from policies.engine.control import Enforcement, Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["DELETION"]

_SECRET_DAYS = 30


def _protected(path: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if resource.text("engine").startswith("aurora") and resource.type == "aws:rds/instance:Instance":
            raise NotApplicableError("its cluster is judged")
        if resource.text(path).upper() not in ("TRUE", "1", "ACTIVE"):
            yield Finding(path, "ACTIVE" if path == "deletionProtection" and resource.type.startswith("aws:cognito") else "true")

    return judge


def _last_snapshot(resource: Resource) -> Findings:
    if resource.flag("skipFinalSnapshot"):
        yield Finding("skipFinalSnapshot", "false")
    elif not resource.has("finalSnapshotIdentifier"):
        yield Finding("finalSnapshotIdentifier", "a name: without one the deletion fails")


def _last_cache_snapshot(resource: Resource) -> Findings:
    path = "finalSnapshotName" if resource.type.startswith("aws:memorydb") else "finalSnapshotIdentifier"
    if not resource.has(path):
        yield Finding(path, "a name")


def _not_forced(path: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if resource.flag(path):
            yield Finding(path, "false")

    return judge


def _held(resource: Resource) -> Findings:
    if not resource.protect:
        yield Finding("", "the resource option protect", found="none: `pulumi destroy`, or a change that replaces it, deletes it")


def _window(resource: Resource) -> Findings:
    if (resource.number("recoveryWindowInDays", _SECRET_DAYS) or 0) < _SECRET_DAYS:
        yield Finding("recoveryWindowInDays", f"{_SECRET_DAYS}")


_control = Family(
    Severity.HIGH, "One wrong command, or one changed property that replaces a resource, deletes what no deployment can make again."
).control


_STATEFUL = (
    "aws:rds/cluster:Cluster",
    "aws:rds/globalCluster:GlobalCluster",
    "aws:rds/instance:Instance",
    "aws:docdb/cluster:Cluster",
    "aws:neptune/cluster:Cluster",
    "aws:dynamodb/table:Table",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:memorydb/cluster:Cluster",
    "aws:mq/broker:Broker",
    "aws:opensearch/domain:Domain",
    "aws:redshift/cluster:Cluster",
    "aws:efs/fileSystem:FileSystem",
    "aws:s3/bucket:Bucket",
    "aws:backup/vault:Vault",
    "aws:kms/key:Key",
    "aws:kms/replicaKey:ReplicaKey",
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
        "res-rds-last-snapshot",
        "Databases leave a last snapshot",
        ("aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:neptune/cluster:Cluster", "aws:redshift/cluster:Cluster"),
        _last_snapshot,
        "AmazonRDS/latest/UserGuide/USER_DeleteInstance.html",
        "Leave skipFinalSnapshot at false and set finalSnapshotIdentifier.",
    ),
    _control(
        "res-cache-last-snapshot",
        "Caches leave a last snapshot",
        ("aws:elasticache/replicationGroup:ReplicationGroup", "aws:memorydb/cluster:Cluster"),
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
        "res-secret-recovery-window",
        "Deleted secrets can be restored for thirty days",
        ("aws:secretsmanager/secret:Secret",),
        _window,
        "secretsmanager/latest/userguide/manage_delete-secret.html",
        "Set recoveryWindowInDays to 30.",
    ),
    _control(
        "res-stateful-protect",
        "Pulumi deletes nothing that holds data",
        _STATEFUL,
        _held,
        "https://www.pulumi.com/docs/iac/concepts/options/protect/",
        "Set the resource option protect.",
    ),
)
