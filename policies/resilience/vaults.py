"""Controls of AWS Backup: everything that holds data is in it, kept long enough, locked, and copied out of the region."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.engine.blocks import Block, UnknownValueError
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.resilience.figures import KEPT
from policies.resilience.selections import ARNS, SELECTION, is_backed_up

__all__ = ["VAULTS"]

_COLD_DAYS = 90  # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Lifecycle.html
_DAY_HOURS = 24.0
_MOST_DAYS_OF_WEEK = 5  # backups on workdays are daily backups
_CRON = re.compile(r"cron\((.+)\)", re.IGNORECASE)
_RATE = re.compile(r"rate\(\s*(\d+)\s+(minute|hour|day)s?\s*\)", re.IGNORECASE)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _hours_between(schedule: str) -> float | None:
    """Hours from one backup of a rule to the next, roughly; None where it runs less than daily."""
    if rate := _RATE.fullmatch(schedule):
        hours = int(rate.group(1)) * {"minute": 1 / 60, "hour": 1.0, "day": _DAY_HOURS}[rate.group(2).lower()]
        return hours if hours <= _DAY_HOURS else None
    cron = _CRON.fullmatch(schedule)
    fields = cron.group(1).split() if cron else []
    if len(fields) != 6:  # noqa: PLR2004 - minute, hour, day of month, month, day of week, year
        # without a schedule AWS Backup runs a rule daily, at five
        return _DAY_HOURS
    _, hour, day, month, weekday, _ = fields
    if month not in ("*", "*/1", "1/1", "1-12") or day not in ("*", "?", "*/1", "1/1", "1-31"):
        return None
    if weekday not in ("*", "?") and _days_of_week(weekday) < _MOST_DAYS_OF_WEEK:
        return None
    return _DAY_HOURS / max(_times(hour), 1)


def _times(hour: str) -> int:
    if hour == "*":
        return 24
    step = re.fullmatch(r"(?:\*|\d+)/(\d+)", hour)
    if step:
        return 24 // max(int(step.group(1)), 1)
    return len(hour.split(","))


def _days_of_week(stated: str) -> int:
    days: set[int] = set()
    for part in stated.lower().split(","):
        first, _, last = part.partition("-")
        numbers = [
            _WEEKDAYS.index(each) if each in _WEEKDAYS else int(each) - 1 if each.isdigit() else -1 for each in (first, last or first)
        ]
        days.update((numbers[0] + step) % 7 for step in range((numbers[1] - numbers[0]) % 7 + 1))
    return len(days)


def _main_rules(plan: Resource) -> Iterator[tuple[str, Block]]:
    """Rules that backups are kept by: those that run more often than daily add to one that runs daily or less."""
    rules = [(f"rules.{number}", rule, _hours_between(rule.text("schedule"))) for number, rule in enumerate(plan.blocks("rules"))]
    slow = [(path, rule) for path, rule, hours in rules if hours is None or hours >= _DAY_HOURS]
    yield from slow or [(path, rule) for path, rule, _ in rules]


def _kept(plan: Resource, options: Mapping[str, Any]) -> Findings:
    for path, rule in _main_rules(plan):
        yield from _lifecycle(rule, f"{path}.lifecycle", options["days"])
        for position, copy in enumerate(rule.blocks("copyActions")):
            yield from _lifecycle(copy, f"{path}.copyActions.{position}.lifecycle", options["days"])


def _lifecycle(block: Block, path: str, wanted: float) -> Findings:
    days, cold = block.number("lifecycle.deleteAfter"), block.number("lifecycle.coldStorageAfter")
    # absent or -1: kept until somebody deletes it
    if days is None or days < 0:
        return
    if days < wanted:
        yield Finding(f"{path}.deleteAfter", f"at least {int(wanted)} days")
    if cold is not None and cold >= 0 and days < cold + _COLD_DAYS:
        yield Finding(f"{path}.deleteAfter", f"at least {_COLD_DAYS} days after coldStorageAfter")


def _daily(plan: Resource) -> Findings:
    rules = plan.blocks("rules")
    if any(rule.flag("enableContinuousBackup") or _hours_between(rule.text("schedule")) is not None for rule in rules):
        return
    for number, _ in enumerate(rules):
        yield Finding(f"rules.{number}.schedule", "a rule of the plan that runs daily")


_REGION_PART = 3


def _copies(plan: Resource) -> Findings:
    own = plan.region()
    for path, rule in _main_rules(plan):
        copies = rule.blocks("copyActions")
        if not copies:
            yield Finding(f"{path}.copyActions", "a copy to a vault in another region")
        elif own and all(_region_of(plan, rule, each) == own for each in copies):
            yield Finding(f"{path}.copyActions", f"a vault outside of {own}")


def _region_of(plan: Resource, rule: Block, copy: Block) -> str:
    """Of the vault that a copy goes to: from its ARN, or from the vault's declaration. Empty where neither tells."""
    known = copy.is_known("destinationVaultArn")
    parts = copy.text("destinationVaultArn").split(":") if known else []
    if len(parts) > _REGION_PART:
        return parts[_REGION_PART]
    target = rule.text("targetVaultName") if rule.is_known("targetVaultName") else ""
    vaults = [
        each for each in plan.stack.depended_on(plan, "rules") if each.type == "aws:backup/vault:Vault" and target not in each.identities()
    ]
    if not known and not vaults:
        raise UnknownValueError(copy.at("destinationVaultArn"))
    regions = {each.region() for each in vaults}
    return regions.pop() if len(regions) == 1 else ""


def _lock(vault: Resource) -> Findings:
    locks = vault.stack.companions(vault, "aws:backup/vaultLockConfiguration:VaultLockConfiguration", by="backupVaultName")
    if not locks:
        yield Finding("name", "a VaultLockConfiguration for the vault", found="no lock")


def _lock_days(lock: Resource, options: Mapping[str, Any]) -> Findings:
    if (lock.number("minRetentionDays", 0) or 0) < options["days"]:
        yield Finding("minRetentionDays", f"at least {int(options['days'])} days")
    if lock.has("maxRetentionDays") and (lock.number("maxRetentionDays") or 0) < options["days"]:
        yield Finding("maxRetentionDays", f"at least {int(options['days'])} days")


_NOT_TAKEN = {
    "aws:elasticache/replicationGroup:ReplicationGroup": "ElastiCache",
    "aws:elasticache/serverlessCache:ServerlessCache": "ElastiCache",
    "aws:memorydb/cluster:Cluster": "MemoryDB",
    "aws:mq/broker:Broker": "Amazon MQ",
    "aws:msk/cluster:Cluster": "MSK",
    "aws:opensearch/domain:Domain": "OpenSearch",
    "aws:docdb/elasticCluster:ElasticCluster": "elastic clusters of DocumentDB",
    "aws:keyspaces/table:Table": "Keyspaces",
    "aws:neptunegraph/graph:Graph": "Neptune Analytics",
    "aws:qldb/ledger:Ledger": "QLDB",
    "aws:fsx/ontapFileSystem:OntapFileSystem": "whole file systems of ONTAP, only their volumes",
}


def _taken(resource: Resource) -> Findings:
    reason = f"AWS Backup does not take {_NOT_TAKEN[resource.type]}" if resource.type in _NOT_TAKEN else _elsewhere(resource)
    if reason:
        raise NotApplicableError(reason)
    if not resource.stack.of_type(SELECTION):
        raise NotApplicableError("the stack has no selection of AWS Backup")
    if not is_backed_up(resource):
        yield Finding("", "a selection of AWS Backup that takes it", found="selections that leave it out")


_FILES = "aws:efs/fileSystem:FileSystem"


def _elsewhere(resource: Resource) -> str:
    if resource.type == _FILES:
        policies = resource.stack.companions(resource, "aws:efs/backupPolicy:BackupPolicy", by="fileSystemId")
        if not any(each.text("backupPolicy.status").upper() == "ENABLED" for each in policies):
            return "res-efs-backups judges whether it is backed up at all"
    if resource.type == "aws:rds/instance:Instance":
        if resource.text("engine").startswith(("aurora", "neptune", "docdb")):
            return "its cluster is judged"
        if resource.has("replicateSourceDb"):
            return "a replica: what it is a copy of is judged"
    if resource.type == "aws:fsx/lustreFileSystem:LustreFileSystem" and resource.text("deploymentType", "SCRATCH_1").startswith("SCRATCH"):
        return "a scratch file system has no backups"
    return ""


_COVERED = (
    "Aurora",
    "DocumentDB",
    "DSQL",
    "DynamoDB",
    "EBS",
    "EC2",
    "EFS",
    "FSx",
    "Neptune",
    "RDS",
    "Redshift",
    "Redshift Serverless",
    "S3",
)
"""Of the services that a region opts in to, those that hold data of their own; virtual machines and SAP HANA need not be there."""


def _opted_in(resource: Resource) -> Findings:
    stated = resource.block("resourceTypeOptInPreference")
    for service in _COVERED:
        if service in stated.names() and not stated.flag(service):
            yield Finding(f"resourceTypeOptInPreference.{service}", "true: selections by tag take none of it otherwise")


_control = Family(
    Severity.HIGH, "What was deleted or corrupted is noticed after days or weeks; by then a backup from before has to be there."
).control


VAULTS = (
    _control(
        "res-backup-plan-retention",
        "Backup plans keep what they take for thirty days",
        ("aws:backup/plan:Plan",),
        _kept,
        "aws-backup/latest/devguide/creating-a-backup-plan.html",
        "Set lifecycle.deleteAfter of each rule and copy; ninety days more than coldStorageAfter.",
        options=KEPT,
    ),
    _control(
        "res-backup-plan-schedule",
        "Backup plans run daily",
        ("aws:backup/plan:Plan",),
        _daily,
        "aws-backup/latest/devguide/creating-a-backup-plan.html",
        "Give one rule a schedule such as cron(0 2 * * ? *), or leave it out.",
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
        ("aws:backup/vaultLockConfiguration:VaultLockConfiguration", "aws:backup/logicallyAirGappedVault:LogicallyAirGappedVault"),
        _lock_days,
        "aws-backup/latest/devguide/vault-lock.html",
        "Set minRetentionDays.",
        options=KEPT,
    ),
    _control(
        "res-backup-region",
        "AWS Backup takes every service that holds data",
        ("aws:backup/regionSettings:RegionSettings",),
        _opted_in,
        "aws-backup/latest/devguide/service-opt-in.html",
        "Set the service to true. An opt-in alone backs up nothing and costs nothing.",
    ),
    _control(
        "res-backup-selection",
        "Where a stack uses AWS Backup, it takes everything that holds data",
        # buckets are judged by res-s3-replication: S3 copies them as well
        (*(each for each in ARNS if not each.startswith("aws:s3/")), *_NOT_TAKEN),
        _taken,
        "aws-backup/latest/devguide/assigning-resources.html",
        "Name the resource, its type with a wildcard, or one of its tags in a Selection.",
    ),
)
