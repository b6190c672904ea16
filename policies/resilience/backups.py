"""Controls of backups: on, kept long enough, where a lost region does not take them along."""

from collections.abc import Callable, Mapping
from typing import Any

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Option, Severity
from policies.engine.resources import Resource

__all__ = ["BACKUPS"]

_DAYS = 30
_LONGEST_DAYS = 35  # of automated backups: RDS, ElastiCache, DynamoDB, Redshift


def _is_days(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _LONGEST_DAYS and float(value).is_integer()


_KEPT = {"days": Option(_DAYS, f"a whole number from 1 to {_LONGEST_DAYS}", _is_days, "Days that backups are kept at least")}


def _kept(path: str, default: float, unless: Callable[[Resource], str] | None = None) -> Callable[[Resource, Mapping[str, Any]], Findings]:
    """A number of days; `unless` says why there is nothing to judge."""

    def judge(resource: Resource, options: Mapping[str, Any]) -> Findings:
        reason = unless(resource) if unless else ""
        if reason:
            raise NotApplicableError(reason)
        if (resource.number(path, default) or 0) < options["days"]:
            yield Finding(path, f"at least {int(options['days'])} days")

    return judge


def _is_replica(resource: Resource) -> str:
    if resource.has("replicateSourceDb") and not resource.has("backupRetentionPeriod"):
        return "a replica has no backups of its own unless they are switched on"
    return "its cluster keeps the backups" if resource.text("engine").startswith(("aurora", "neptune", "docdb")) else ""


def _is_scratch(resource: Resource) -> str:
    return "a scratch file system has no backups" if resource.text("deploymentType", "SCRATCH_1").startswith("SCRATCH") else ""


def _snapshots(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.text("engine").lower() == "memcached":
        raise NotApplicableError("memcached has no snapshots")
    yield from _kept("snapshotRetentionLimit", 0)(resource, options)


def _table(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if not resource.flag("pointInTimeRecovery.enabled"):
        yield Finding("pointInTimeRecovery.enabled", "true")
    else:
        yield from _kept("pointInTimeRecovery.recoveryPeriodInDays", _LONGEST_DAYS)(resource, options)


def _backup_rules(resource: Resource, options: Mapping[str, Any]) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        path = f"rules.{number}.lifecycle.deleteAfter"
        days = rule.number("lifecycle.deleteAfter")
        if days is not None and days < options["days"]:
            yield Finding(path, f"at least {int(options['days'])} days")
        for position, copy in enumerate(rule.blocks("copyActions")):
            days = copy.number("lifecycle.deleteAfter")
            if days is not None and days < options["days"]:
                yield Finding(f"rules.{number}.copyActions.{position}.lifecycle.deleteAfter", f"at least {int(options['days'])} days")


def _copies(resource: Resource) -> Findings:
    for number, rule in enumerate(resource.blocks("rules")):
        copies = rule.blocks("copyActions")
        if not copies:
            yield Finding(f"rules.{number}.copyActions", "a copy to a vault in another region")
            continue
        own = resource.region()
        regions = [_region_of(each.text("destinationVaultArn")) for each in copies]
        if own and all(region == own for region in regions):
            yield Finding(f"rules.{number}.copyActions", f"a vault outside of {own}")


_REGION_PART = 3


def _region_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[_REGION_PART] if len(parts) > _REGION_PART else ""


def _lock(resource: Resource) -> Findings:
    locks = resource.stack.companions(resource, "aws:backup/vaultLockConfiguration:VaultLockConfiguration", by="backupVaultName")
    if not locks:
        yield Finding("name", "a VaultLockConfiguration for the vault", found="no lock")


def _lock_days(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if (resource.number("minRetentionDays", 0) or 0) < options["days"]:
        yield Finding("minRetentionDays", f"at least {int(options['days'])} days")


_VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


def _versions(resource: Resource) -> Findings:
    if resource.flag("versioning.enabled"):
        return
    companions = resource.stack.companions(resource, _VERSIONING, by="bucket")
    if not companions:
        yield Finding("versioning", "a BucketVersioning with the status Enabled", found="no versioning")
    for each in companions:
        if each.text("versioningConfiguration.status") != "Enabled":
            yield Finding("versioning", "Enabled", found=each.text("versioningConfiguration.status") or "nothing")


def _file_system(resource: Resource) -> Findings:
    policies = resource.stack.companions(resource, "aws:efs/backupPolicy:BackupPolicy", by="fileSystemId")
    plans = resource.stack.of_type("aws:backup/selection:Selection")
    if any(each.text("backupPolicy.status") == "ENABLED" for each in policies):
        return
    if not any(resource.stack.refers(each, "resources", resource) for each in plans):
        yield Finding("", "a BackupPolicy with the status ENABLED, or a backup selection that names it", found="no backups")


_control = Family(
    Severity.HIGH, "What was deleted or corrupted is noticed after days or weeks; by then a backup from before has to be there."
).control


BACKUPS = (
    _control(
        "res-rds-instance-retention",
        "Database instances keep backups for thirty days",
        ("aws:rds/instance:Instance",),
        _kept("backupRetentionPeriod", 0, _is_replica),
        "AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.BackupRetention.html",
        "Set backupRetentionPeriod, 35 at most.",
        options=_KEPT,
    ),
    _control(
        "res-cluster-retention",
        "Database clusters keep backups for thirty days",
        ("aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:neptune/cluster:Cluster"),
        _kept("backupRetentionPeriod", 1),
        "AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html",
        "Set backupRetentionPeriod, 35 at most.",
        options=_KEPT,
    ),
    _control(
        "res-elasticache-retention",
        "Caches keep snapshots for thirty days",
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/serverlessCache:ServerlessCache",
            "aws:memorydb/cluster:Cluster",
        ),
        _snapshots,
        "AmazonElastiCache/latest/dg/backups-automatic.html",
        "Set snapshotRetentionLimit, 35 at most.",
        options=_KEPT,
    ),
    _control(
        "res-redshift-retention",
        "Data warehouses keep snapshots for thirty days",
        ("aws:redshift/cluster:Cluster",),
        _kept("automatedSnapshotRetentionPeriod", 1),
        "redshift/latest/mgmt/working-with-snapshots.html",
        "Set automatedSnapshotRetentionPeriod, 35 at most.",
        options=_KEPT,
    ),
    _control(
        "res-fsx-retention",
        "File systems of FSx keep backups for thirty days",
        (
            "aws:fsx/windowsFileSystem:WindowsFileSystem",
            "aws:fsx/ontapFileSystem:OntapFileSystem",
            "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
        ),
        _kept("automaticBackupRetentionDays", 0),
        "fsx/latest/WindowsGuide/using-backups.html",
        "Set automaticBackupRetentionDays, 90 at most.",
        options=_KEPT,
    ),
    _control(
        "res-fsx-lustre-retention",
        "Persistent Lustre file systems keep backups for thirty days",
        ("aws:fsx/lustreFileSystem:LustreFileSystem",),
        _kept("automaticBackupRetentionDays", 0, _is_scratch),
        "fsx/latest/LustreGuide/using-backups-fsx.html",
        "Set automaticBackupRetentionDays, 90 at most.",
        options=_KEPT,
    ),
    _control(
        "res-dynamodb-recovery",
        "Tables can be restored to any second of thirty days",
        ("aws:dynamodb/table:Table",),
        _table,
        "amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
        "Set pointInTimeRecovery with enabled; leave recoveryPeriodInDays at 35.",
        options=_KEPT,
    ),
    _control(
        "res-backup-plan-retention",
        "Backup plans keep what they take for thirty days",
        ("aws:backup/plan:Plan",),
        _backup_rules,
        "aws-backup/latest/devguide/creating-a-backup-plan.html",
        "Set lifecycle.deleteAfter of each rule and copy.",
        options=_KEPT,
    ),
    _control(
        "res-backup-plan-copies",
        "Backup plans copy to another region",
        ("aws:backup/plan:Plan",),
        _copies,
        "aws-backup/latest/devguide/cross-region-backup.html",
        "Add copyActions with the ARN of a vault in another region.",
    ),
    _control(
        "res-backup-vault-lock",
        "Backup vaults are locked",
        ("aws:backup/vault:Vault",),
        _lock,
        "aws-backup/latest/devguide/vault-lock.html",
        "Declare a VaultLockConfiguration for the vault.",
    ),
    _control(
        "res-backup-lock-retention",
        "Locks of vaults keep backups for thirty days",
        ("aws:backup/vaultLockConfiguration:VaultLockConfiguration",),
        _lock_days,
        "aws-backup/latest/devguide/vault-lock.html",
        "Set minRetentionDays.",
        options=_KEPT,
    ),
    _control(
        "res-s3-versions",
        "Buckets keep earlier versions",
        ("aws:s3/bucket:Bucket",),
        _versions,
        "AmazonS3/latest/userguide/Versioning.html",
        "Declare a BucketVersioning with the status Enabled.",
    ),
    _control(
        "res-efs-backups",
        "File systems are backed up",
        ("aws:efs/fileSystem:FileSystem",),
        _file_system,
        "efs/latest/ug/awsbackup.html",
        "Declare a BackupPolicy with the status ENABLED, or name the file system in a backup selection.",
    ),
)
