"""Controls of the backups that services make themselves: on, and kept long enough."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.resilience.figures import KEPT, days
from policies.resilience.selections import SELECTION, is_backed_up

__all__ = ["BACKUPS"]

_LONGEST_DAYS = 35  # of the points that a table can be restored to

_Judge = Callable[[Resource, Mapping[str, Any]], Findings]


def _kept(path: str, default: float, unless: Callable[[Resource], str] | None = None) -> _Judge:
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


_CLUSTERS = {
    "aws:rds/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:docdb/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:docdb/elasticCluster:ElasticCluster": ("backupRetentionPeriod", 1),
    "aws:neptune/cluster:Cluster": ("backupRetentionPeriod", 1),
    "aws:odb/autonomousDatabase:AutonomousDatabase": ("backupRetentionPeriodInDays", 60),
}
"""The property, and the days without a figure."""


def _cluster(resource: Resource, options: Mapping[str, Any]) -> Findings:
    path, default = _CLUSTERS[resource.type]
    yield from _kept(path, default)(resource, options)


_REDSHIFT = {
    "aws:redshift/cluster:Cluster": "manualSnapshotRetentionPeriod",
    "aws:redshift/clusterSnapshot:ClusterSnapshot": "manualSnapshotRetentionPeriod",
    "aws:redshiftserverless/snapshot:Snapshot": "retentionPeriod",
}
"""Of snapshots that somebody asks for: absent or -1 is for ever."""


def _warehouse(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.type == "aws:redshift/cluster:Cluster":
        yield from _kept("automatedSnapshotRetentionPeriod", 1)(resource, options)
    path = _REDSHIFT[resource.type]
    if 0 <= (resource.number(path, -1) or 0) < options["days"]:
        yield Finding(path, f"at least {int(options['days'])} days, or -1")


def _snapshots(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.text("engine").lower() == "memcached":
        raise NotApplicableError("memcached has no snapshots")
    if resource.type == "aws:elasticache/cluster:Cluster" and resource.has("replicationGroupId"):
        raise NotApplicableError("its replication group is judged")
    yield from _kept("snapshotRetentionLimit", 0)(resource, options)


_FSX_DAYS = {"aws:fsx/windowsFileSystem:WindowsFileSystem": 7.0}
"""Where the provider has another default than no backups."""


def _fsx(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.type == "aws:fsx/lustreFileSystem:LustreFileSystem" and resource.text("deploymentType", "SCRATCH_1").startswith("SCRATCH"):
        raise NotApplicableError("a scratch file system has no backups")
    found = tuple(_kept("automaticBackupRetentionDays", _FSX_DAYS.get(resource.type, 0))(resource, options))
    # AWS Backup may keep them instead: of ONTAP it takes volumes, not the file system
    if found and not (resource.stack.of_type(SELECTION) and all(_are_backed_up(resource))):
        yield from found


_ONTAP = "aws:fsx/ontapFileSystem:OntapFileSystem"


def _are_backed_up(resource: Resource) -> Iterator[bool]:
    if resource.type != _ONTAP:
        yield is_backed_up(resource)
        return
    stack = resource.stack
    machines = stack.companions(resource, "aws:fsx/ontapStorageVirtualMachine:OntapStorageVirtualMachine", by="fileSystemId")
    volumes = [
        volume
        for machine in machines
        for volume in stack.companions(machine, "aws:fsx/ontapVolume:OntapVolume", by="storageVirtualMachineId")
    ]
    yield bool(volumes)
    yield from (is_backed_up(each) for each in volumes)


def _table(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.type == "aws:dynamodb/tableReplica:TableReplica":
        if not resource.flag("pointInTimeRecovery"):
            yield Finding("pointInTimeRecovery", "true")
        return
    if not resource.flag("pointInTimeRecovery.enabled"):
        yield Finding("pointInTimeRecovery.enabled", "true")
    else:
        yield from _kept("pointInTimeRecovery.recoveryPeriodInDays", _LONGEST_DAYS)(resource, options)
    for number, replica in enumerate(resource.blocks("replicas")):
        if not replica.flag("pointInTimeRecovery"):
            yield Finding(f"replicas.{number}.pointInTimeRecovery", "true: replicas do not take it from the table")


def _keyspace_table(resource: Resource) -> Findings:
    if resource.text("pointInTimeRecovery.status").upper() != "ENABLED":
        yield Finding("pointInTimeRecovery.status", "ENABLED")


def _lightsail(resource: Resource) -> Findings:
    if not resource.flag("backupRetentionEnabled", default=True):
        yield Finding("backupRetentionEnabled", "true: the last seven days are kept")


_COPIES = {
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": 7,
    "aws:redshift/snapshotCopy:SnapshotCopy": 7,
}
"""Copies of backups in another region, and the days that they are kept without a figure."""


def _copied(resource: Resource, options: Mapping[str, Any]) -> Findings:
    yield from _kept("retentionPeriod", _COPIES[resource.type])(resource, options)


_POLICY = "aws:efs/backupPolicy:BackupPolicy"


def _file_system(resource: Resource) -> Findings:
    stack = resource.stack
    if resource.type == _POLICY:
        systems = stack.of_type("aws:efs/fileSystem:FileSystem")
        if any(stack.refers(resource, "fileSystemId", each) for each in systems):
            raise NotApplicableError("its file system is judged")
        if resource.text("backupPolicy.status").upper() != "ENABLED":
            yield Finding("backupPolicy.status", "ENABLED")
        return
    policies = stack.companions(resource, _POLICY, by="fileSystemId")
    if any(each.text("backupPolicy.status").upper() == "ENABLED" for each in policies) or is_backed_up(resource):
        return
    copied = stack.of_type("aws:efs/replicationConfiguration:ReplicationConfiguration")
    if any(stack.refers(each, "destination", resource) for each in copied):
        raise NotApplicableError("a copy of another file system")
    yield Finding("", "a BackupPolicy with the status ENABLED, or a backup selection that takes it", found="no backups")


def _copy_of_files(resource: Resource) -> Findings:
    own = resource.region()
    for each in resource.walk("destination"):
        if own and each.text("region") == own:
            yield Finding(each.at("region"), f"a region other than {own}", found=own)


def _tapes(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.text("retentionLockType", "NONE").upper() == "NONE":
        yield Finding("retentionLockType", "COMPLIANCE or GOVERNANCE: without a lock archived tapes can be deleted at once")
    elif (resource.number("retentionLockTimeInDays", 0) or 0) < options["days"]:
        yield Finding("retentionLockTimeInDays", f"at least {int(options['days'])} days")


_UNITS = {"DAYS": 1.0, "WEEKS": 7.0, "MONTHS": 30.0, "YEARS": 365.0}
_DAY_HOURS = 24
_DEFAULT_POLICY_DAYS = (7, 14)  # without a figure, and at most


def _lifecycle(resource: Resource, options: Mapping[str, Any]) -> Findings:
    if resource.text("state", "ENABLED").upper() != "ENABLED":
        yield Finding("state", "ENABLED")
    if resource.has("defaultPolicy"):
        default, most = _DEFAULT_POLICY_DAYS
        wanted = min(options["days"], most)
        if (resource.number("policyDetails.retainInterval", default) or 0) < wanted:
            yield Finding("policyDetails.retainInterval", f"at least {int(wanted)} days")
        return
    schedules = [
        (number, each, each.number("createRule.interval")) for number, each in enumerate(resource.blocks("policyDetails.schedules"))
    ]
    # snapshots that are made more often than daily add to those of another schedule
    slow = [each for each in schedules if each[2] is None or each[2] >= _DAY_HOURS]
    for number, schedule, hours in slow or schedules:
        rule = schedule.block("retainRule")
        if rule.has("count"):
            if hours is None:
                continue  # how far apart the snapshots are, only a cron expression says
            kept, what = (rule.number("count") or 0) * hours / _DAY_HOURS, "count"
        else:
            kept, what = (rule.number("interval") or 0) * _UNITS.get(rule.text("intervalUnit", "DAYS").upper(), 1), "interval"
        if kept < options["days"]:
            yield Finding(f"policyDetails.schedules.{number}.retainRule.{what}", f"at least {int(options['days'])} days")


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
        options=KEPT,
    ),
    _control(
        "res-cluster-retention",
        "Database clusters keep backups for thirty days",
        tuple(_CLUSTERS),
        _cluster,
        "AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html",
        "Set backupRetentionPeriod, 35 at most.",
        options=KEPT,
    ),
    _control(
        "res-lightsail-backups",
        "Databases of Lightsail are backed up",
        ("aws:lightsail/database:Database",),
        _lightsail,
        "lightsail/latest/userguide/amazon-lightsail-databases.html",
        "Leave backupRetentionEnabled at true.",
    ),
    _control(
        "res-elasticache-retention",
        "Caches keep snapshots for thirty days",
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/cluster:Cluster",
            "aws:elasticache/serverlessCache:ServerlessCache",
            "aws:memorydb/cluster:Cluster",
        ),
        _snapshots,
        "AmazonElastiCache/latest/dg/backups-automatic.html",
        "Set snapshotRetentionLimit, 35 at most.",
        options=KEPT,
    ),
    _control(
        "res-redshift-retention",
        "Data warehouses keep snapshots for thirty days",
        tuple(_REDSHIFT),
        _warehouse,
        "redshift/latest/mgmt/working-with-snapshots.html",
        "Set automatedSnapshotRetentionPeriod, 35 at most.",
        options=KEPT,
    ),
    _control(
        "res-fsx-retention",
        "File systems of FSx keep backups for thirty days",
        (
            "aws:fsx/windowsFileSystem:WindowsFileSystem",
            _ONTAP,
            "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
        ),
        _fsx,
        "fsx/latest/WindowsGuide/using-backups.html",
        "Set automaticBackupRetentionDays, 90 at most.",
        options=KEPT,
    ),
    _control(
        "res-fsx-lustre-retention",
        "Persistent Lustre file systems keep backups for thirty days",
        ("aws:fsx/lustreFileSystem:LustreFileSystem",),
        _fsx,
        "fsx/latest/LustreGuide/using-backups-fsx.html",
        "Set automaticBackupRetentionDays, 90 at most.",
        options=KEPT,
    ),
    _control(
        "res-dynamodb-recovery",
        "Tables can be restored to any second of thirty days",
        ("aws:dynamodb/table:Table", "aws:dynamodb/tableReplica:TableReplica"),
        _table,
        "amazondynamodb/latest/developerguide/Point-in-time-recovery.html",
        "Set pointInTimeRecovery with enabled, of replicas as well; leave recoveryPeriodInDays at 35.",
        options=KEPT,
    ),
    _control(
        "res-keyspaces-recovery",
        "Tables of Keyspaces can be restored to any second",
        ("aws:keyspaces/table:Table",),
        _keyspace_table,
        "keyspaces/latest/devguide/PointInTimeRecovery.html",
        "Set pointInTimeRecovery.status to ENABLED. It reaches back 35 days.",
    ),
    _control(
        "res-backup-copies-retention",
        "Copies of backups in another region are kept for thirty days",
        tuple(_COPIES),
        _copied,
        "AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html",
        "Set retentionPeriod, 35 at most.",
        options=KEPT,
    ),
    _control(
        "res-ebs-snapshot-retention",
        "Policies of snapshots are on and keep them for thirty days",
        ("aws:dlm/lifecyclePolicy:LifecyclePolicy",),
        _lifecycle,
        "ebs/latest/userguide/snapshot-lifecycle.html",
        "Set retainRule of each schedule.",
        options=days(30, 3650, "Days that snapshots are kept at least"),
    ),
    _control(
        "res-efs-backups",
        "File systems are backed up",
        ("aws:efs/fileSystem:FileSystem", _POLICY),
        _file_system,
        "efs/latest/ug/awsbackup.html",
        "Declare a BackupPolicy with the status ENABLED, or name the file system in a backup selection.",
    ),
    _control(
        "res-efs-copies",
        "File systems are copied to another region",
        ("aws:efs/replicationConfiguration:ReplicationConfiguration",),
        _copy_of_files,
        "efs/latest/ug/efs-replication.html",
        "Set destination.region to another region.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "res-tape-lock",
        "Archived tapes are locked for thirty days",
        ("aws:storagegateway/tapePool:TapePool",),
        _tapes,
        "storagegateway/latest/tgw/CreatingCustomTapePool.html",
        "Set retentionLockType and retentionLockTimeInDays. The lock of a pool cannot be changed later.",
        severity=Severity.MEDIUM,
        options=days(30, 36500, "Days that archived tapes are locked at least"),
    ),
)
