"""Controls of windows: what is backed up is not under maintenance meanwhile, and one part of a stack at a time is."""

import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["WINDOWS", "Span", "spans"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60
_WEEK = 7 * _DAY
_RANGE = re.compile(r"(?:([a-z]+):)?(\d{1,2}):(\d{2})-(?:([a-z]+):)?(\d{1,2}):(\d{2})")
_START = re.compile(r"(?:([a-z]+|[1-7]):)?(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of a week that starts on Monday at midnight, UTC. It may reach past the week's end."""

    start: int
    length: int

    def overlaps(self, other: "Span") -> bool:
        """Whether both share a minute. One may start when the other ends."""
        return (other.start - self.start) % _WEEK < self.length or (self.start - other.start) % _WEEK < other.length


def spans(stated: str, path: str, minutes: int = 60) -> tuple[Span, ...]:
    """`02:00-03:00`, `sun:02:00-sun:03:00`, or a start alone, `02:00`, `7:02:00`, `SUN:02:00`, which lasts some minutes.

    Without a day it is one for each day. Raises `MisshapenError`.
    """
    text = "".join(stated.lower().split())
    if found := _RANGE.fullmatch(text):
        first, hour, minute, last, last_hour, last_minute = found.groups()
        if (first is None) is not (last is None):
            raise MisshapenError(path, "a window of time")
        start, end = _minute(first, hour, minute, path), _minute(last, last_hour, last_minute, path)
        return _each_day(first, start, (end - start) % (_DAY if first is None else _WEEK))
    if found := _START.fullmatch(text):
        day, hour, minute = found.groups()
        return _each_day(day, _minute(day, hour, minute, path), minutes)
    raise MisshapenError(path, "a window of time")


def _each_day(day: str | None, start: int, length: int) -> tuple[Span, ...]:
    return (Span(start, length),) if day else tuple(Span(start + number * _DAY, length) for number in range(7))


def _minute(day: str | None, hour: str, minute: str, path: str) -> int:
    if int(hour) >= 24 or int(minute) >= 60:  # noqa: PLR2004 - of a clock
        raise MisshapenError(path, "a window of time")
    if day is None or day.isdigit():
        number = int(day) - 1 if day else 0  # FSx counts from Monday, 1
    elif day[:3] in _DAYS:
        number = _DAYS.index(day[:3])
    else:
        raise MisshapenError(path, "a window of time")
    return number * _DAY + int(hour) * 60 + int(minute)


_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})")
_FSX_MINUTES = 30  # https://docs.aws.amazon.com/fsx/latest/WindowsGuide/walkthrough03-update-file-system.html
_MQ_MINUTES = 120  # https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/maintaining-brokers.html

_BACKUP = {
    "aws:rds/instance:Instance": "backupWindow",
    "aws:rds/cluster:Cluster": "preferredBackupWindow",
    "aws:rds/clusterInstance:ClusterInstance": "preferredBackupWindow",
    "aws:docdb/cluster:Cluster": "preferredBackupWindow",
    "aws:docdb/elasticCluster:ElasticCluster": "preferredBackupWindow",
    "aws:neptune/cluster:Cluster": "preferredBackupWindow",
    "aws:neptune/clusterInstance:ClusterInstance": "preferredBackupWindow",
    "aws:lightsail/database:Database": "preferredBackupWindow",
    "aws:elasticache/cluster:Cluster": "snapshotWindow",
    "aws:elasticache/replicationGroup:ReplicationGroup": "snapshotWindow",
    "aws:memorydb/cluster:Cluster": "snapshotWindow",
    "aws:fsx/windowsFileSystem:WindowsFileSystem": "dailyAutomaticBackupStartTime",
    "aws:fsx/lustreFileSystem:LustreFileSystem": "dailyAutomaticBackupStartTime",
    "aws:fsx/ontapFileSystem:OntapFileSystem": "dailyAutomaticBackupStartTime",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": "dailyAutomaticBackupStartTime",
}
_MAINTENANCE = {
    "aws:rds/instance:Instance": "maintenanceWindow",
    "aws:rds/cluster:Cluster": "preferredMaintenanceWindow",
    "aws:rds/clusterInstance:ClusterInstance": "preferredMaintenanceWindow",
    "aws:docdb/cluster:Cluster": "preferredMaintenanceWindow",
    "aws:docdb/clusterInstance:ClusterInstance": "preferredMaintenanceWindow",
    "aws:docdb/elasticCluster:ElasticCluster": "preferredMaintenanceWindow",
    "aws:neptune/cluster:Cluster": "preferredMaintenanceWindow",
    "aws:neptune/clusterInstance:ClusterInstance": "preferredMaintenanceWindow",
    "aws:lightsail/database:Database": "preferredMaintenanceWindow",
    "aws:timestreaminfluxdb/dbInstance:DbInstance": "maintenanceSchedule",
    "aws:timestreaminfluxdb/dbCluster:DbCluster": "maintenanceSchedule",
    "aws:elasticache/cluster:Cluster": "maintenanceWindow",
    "aws:elasticache/replicationGroup:ReplicationGroup": "maintenanceWindow",
    "aws:memorydb/cluster:Cluster": "maintenanceWindow",
    "aws:dax/cluster:Cluster": "maintenanceWindow",
    "aws:mq/broker:Broker": "maintenanceWindowStartTime",
    "aws:redshift/cluster:Cluster": "preferredMaintenanceWindow",
    "aws:fsx/windowsFileSystem:WindowsFileSystem": "weeklyMaintenanceStartTime",
    "aws:fsx/lustreFileSystem:LustreFileSystem": "weeklyMaintenanceStartTime",
    "aws:fsx/ontapFileSystem:OntapFileSystem": "weeklyMaintenanceStartTime",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem": "weeklyMaintenanceStartTime",
}
_KINDS = {
    "rds": "database",
    "docdb": "database",
    "neptune": "database",
    "lightsail": "database",
    "timestreaminfluxdb": "database",
    "elasticache": "cache",
    "memorydb": "cache",
    "dax": "cache",
    "mq": "broker",
    "redshift": "data warehouse",
}
"""Of what stands on the way of requests; file systems and replication are not."""


def _kind(type_: str) -> str:
    return _KINDS.get(type_.split(":")[1].split("/", maxsplit=1)[0], "")


def _maintenance(resource: Resource) -> tuple[Span, ...]:
    """None where AWS chooses the window: it chooses one beside the backup's."""
    path = _MAINTENANCE[resource.type]
    if not resource.has(path):
        return ()
    if resource.type == "aws:mq/broker:Broker":
        stated = resource.block(path)
        started = spans(f"{stated.text('dayOfWeek')}:{stated.text('timeOfDay')}", path, _MQ_MINUTES)
        return tuple(_in_utc(started, stated.text("timeZone")))
    if resource.type.startswith("aws:timestreaminfluxdb"):
        stated = resource.block(path)
        return tuple(_in_utc(_stated(stated, "preferredMaintenanceWindow"), stated.text("timezone")))
    return _stated(resource, path)


def _stated(block: Block, path: str) -> tuple[Span, ...]:
    return spans(block.text(path), block.at(path), _FSX_MINUTES)


def _place(zone: str) -> tzinfo:
    """`Europe/Berlin` or `+02:00`. Raises what `zoneinfo` raises."""
    if found := _OFFSET.fullmatch(zone):
        sign, hours, minutes = found.groups()
        return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
    return zoneinfo.ZoneInfo(zone or "UTC")


def _in_utc(stated: tuple[Span, ...], zone: str) -> Iterator[Span]:
    """Of a zone with summer time both: half a year each."""
    try:
        place = _place(zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return
    year = 2026  # any: rules of summer time seldom change
    offsets = {datetime(year, month, 1, tzinfo=UTC).astimezone(place).utcoffset() or timedelta() for month in (1, 7)}
    for offset in offsets:
        minutes = int(offset.total_seconds()) // 60
        yield from (Span((each.start - minutes) % _WEEK, each.length) for each in stated)


def _backup(resource: Resource) -> tuple[Block, str] | None:
    """Where the window of backups stands: on the resource, or on the cluster that it belongs to."""
    path = _BACKUP.get(resource.type, "")
    if path and resource.has(path):
        return resource, path
    if "clusterInstance:" not in resource.type:
        return None
    cluster = resource.type.replace("clusterInstance:ClusterInstance", "cluster:Cluster")
    for each in resource.stack.of_type(cluster):
        if resource.stack.refers(resource, "clusterIdentifier", each) and each.has(_BACKUP[cluster]):
            return each, _BACKUP[cluster]
    return None


def _own(resource: Resource) -> Findings:
    if not resource.has(_MAINTENANCE[resource.type]):
        raise NotApplicableError("AWS chooses a window that does not overlap")
    found = _backup(resource)
    if found is None:
        raise NotApplicableError("AWS chooses a window that does not overlap")
    backup, path = found
    if any(one.overlaps(other) for one in _maintenance(resource) for other in _stated(backup, path)):
        yield Finding(_MAINTENANCE[resource.type], f"a window beside the one of backups, {backup.text(path)}")


def _others(resource: Resource) -> Findings:
    own = _maintenance(resource)
    if not own:
        raise NotApplicableError("AWS chooses the window")
    kind = _kind(resource.type)
    stack = resource.stack
    # of two that overlap the one that is declared first has the finding
    later = {each.urn for each in stack.resources[stack.resources.index(resource) + 1 :]}
    for other in stack.of_type(*(type_ for type_ in _MAINTENANCE if _kind(type_) not in ("", kind))):
        if other.urn not in later or other.region() != resource.region():
            continue
        if any(one.overlaps(each) for one in own for each in _maintenance(other)):
            yield Finding(_MAINTENANCE[resource.type], f"a window beside the one of the {_kind(other.type)} '{other.name}'")


_control = Family(
    Severity.MEDIUM, "Backups fail or are put off under maintenance, and two parts that restart at once stop more than one."
).control


WINDOWS = (
    _control(
        "res-backup-window",
        "Backups and maintenance do not overlap",
        tuple(each for each in _MAINTENANCE if each in _BACKUP or "clusterInstance:" in each),
        _own,
        "AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html",
        "Move one of the windows. They are in UTC.",
    ),
    _control(
        "res-maintenance-windows",
        "Databases, caches and brokers of a region are not maintained at the same time",
        tuple(each for each in _MAINTENANCE if _kind(each)),
        _others,
        "wellarchitected/latest/reliability-pillar/rel_withstand_component_failures_monitoring_health.html",
        "Move one of the windows.",
    ),
)
