"""Backups: a vault per region, a daily plan, copies in another region, and restores that prove them."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document, trust
from settings.model import BackupSettings
from settings.names import NameRule
from settings.windows import WeeklyWindow, minutes

_START_MINUTES = 60  # AWS Backup takes no less
_COMPLETION_MINUTES = 480  # a job that takes longer is cancelled
_MANAGED = "arn:aws:iam::aws:policy/service-role"
# Of what AWS Backup still announces, what calls for somebody; failed jobs it only counts (API, PutBackupVaultNotifications)
_WATCHED_EVENTS = ["COPY_JOB_FAILED", "RECOVERY_POINT_MODIFIED"]
_WATCHED_METRICS = {
    "backup": "NumberOfBackupJobsFailed",
    "expired-backup": "NumberOfBackupJobsExpired",
    "restore": "NumberOfRestoreJobsFailed",
}


@dataclass(frozen=True)
class BackupVaultArgs:
    """What a vault is given. `administrators` are patterns of role ARNs that may delete recovery points early."""

    context: RegionContext
    settings: BackupSettings
    key_arn: pulumi.Input[str]
    topic_arn: pulumi.Input[str]
    administrators: tuple[str, ...]


class BackupVault(pulumi.ComponentResource):
    """Where recovery points of a region, and copies from another, are kept: encrypted, locked, watched."""

    arn: pulumi.Output[str]
    vault_name: pulumi.Output[str]

    def __init__(self, name: str, args: BackupVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:backup:BackupVault", name, None, opts)
        context, settings = args.context, args.settings
        logical = context.logical("backup")
        child = pulumi.ResourceOptions(parent=self)
        vault = aws.backup.Vault(
            logical,
            name=context.name(NameRule.BACKUP_VAULT, "backup"),
            kms_key_arn=args.key_arn,
            force_destroy=not context.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        if settings.lock != "none":
            aws.backup.VaultLockConfiguration(
                logical,
                backup_vault_name=vault.name,
                # a shorter or longer retention than the plan's is refused, so the plan cannot be weakened behind the lock
                min_retention_days=settings.retention_days,
                max_retention_days=settings.retention_days,
                changeable_for_days=settings.lock_cooling_off_days if settings.lock == "compliance" else None,
                opts=child,
            )
        aws.backup.VaultPolicy(logical, backup_vault_name=vault.name, policy=_only_administrators_delete(args.administrators), opts=child)
        aws.backup.VaultNotifications(
            logical, backup_vault_name=vault.name, sns_topic_arn=args.topic_arn, backup_vault_events=_WATCHED_EVENTS, opts=child
        )
        for job, metric in _WATCHED_METRICS.items():
            self._alarm(context, job, metric, args.topic_arn)
        self.arn, self.vault_name = vault.arn, vault.name
        self.register_outputs({"arn": self.arn})

    def _alarm(self, context: RegionContext, job: str, metric: str, topic_arn: pulumi.Input[str]) -> None:
        aws.cloudwatch.MetricAlarm(
            context.logical("backup-failed", job),
            name=context.name(NameRule.ALARM, "backup-failed", job),
            alarm_description=f"AWS Backup counted a job under {metric}",
            metric_queries=[
                {
                    "id": "jobs",
                    "label": metric,
                    "expression": f'SELECT SUM({metric}) FROM "AWS/Backup"',  # noqa: S608 - CloudWatch's metrics, not a database
                    "period": 300,
                    "return_data": True,
                }
            ],
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _only_administrators_delete(administrators: tuple[str, ...]) -> pulumi.Output[str]:
    """AWS Backup takes no wildcard in a vault policy's actions; its own expiry is not bound by the policy."""
    return policy_document(
        Statement(
            sid="RefuseDeletionToAllButAdministrators",
            effect="Deny",
            actions=["backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle", "backup:PutBackupVaultAccessPolicy"],
            resources=["*"],
            principal=Principal.everyone(),
            conditions={"ArnNotLike": {"aws:PrincipalArn": list(administrators)}},
        )
    )


@dataclass(frozen=True)
class BackupPlanArgs:
    """What a plan is given. `copy_to_vault_arn` is None where there is no other region.

    A test restore lands in `subnet_group_name`, behind `isolated_security_group_id`, which lets nobody in.
    """

    context: RegionContext
    settings: BackupSettings
    vault: BackupVault
    copy_to_vault_arn: pulumi.Input[str] | None
    database_cluster_arn: pulumi.Input[str]
    subnet_group_name: pulumi.Input[str]
    isolated_security_group_id: pulumi.Input[str]


class BackupPlan(pulumi.ComponentResource):
    """Takes the database of a region every day, copies it away, and restores it once a week to prove that it can be.

    Every region has one, so that backups go on after a failover. The caches keep their own snapshots, and the broker's
    messages are transient: AWS Backup takes neither.
    """

    plan_id: pulumi.Output[str]

    def __init__(self, name: str, args: BackupPlanArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:backup:BackupPlan", name, None, opts)
        self._args = args
        self._context = args.context
        self._logical = args.context.logical("backup")

        plan = self._create_plan()
        self._select_database(plan)
        if args.settings.restore_test:
            self._create_restore_test(args.settings.restore_test)

        self.plan_id = plan.id
        self.register_outputs({"planId": self.plan_id})

    def _create_plan(self) -> aws.backup.Plan:
        settings = self._args.settings
        hour, minute = divmod(minutes(settings.time), 60)
        rule: aws.backup.PlanRuleArgsDict = {
            "rule_name": "daily",
            "target_vault_name": self._args.vault.vault_name,
            "schedule": f"cron({minute} {hour} * * ? *)",
            "schedule_expression_timezone": "Etc/UTC",
            "start_window": _START_MINUTES,
            "completion_window": _COMPLETION_MINUTES,
            "lifecycle": {"delete_after": settings.retention_days},
        }
        if self._args.copy_to_vault_arn is not None:
            rule["copy_actions"] = [
                {"destination_vault_arn": self._args.copy_to_vault_arn, "lifecycle": {"delete_after": settings.retention_days}}
            ]
        return aws.backup.Plan(
            self._logical,
            name=self._context.name(NameRule.BACKUP_PLAN, "daily"),
            rules=[rule],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, purpose: str, managed_policy: str) -> tuple[aws.iam.Role, aws.iam.RolePolicyAttachment]:
        role = aws.iam.Role(
            self._context.logical(purpose),
            name=self._context.name(NameRule.IAM_ROLE, purpose),
            assume_role_policy=trust("backup.amazonaws.com"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        attachment = aws.iam.RolePolicyAttachment(
            self._context.logical(purpose),
            role=role.name,
            policy_arn=f"{_MANAGED}/{managed_policy}",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, attachment

    def _select_database(self, plan: aws.backup.Plan) -> None:
        role, permissions = self._role("backup", "AWSBackupServiceRolePolicyForBackup")
        aws.backup.Selection(
            self._logical,
            plan_id=plan.id,
            name="database",
            iam_role_arn=role.arn,
            resources=[self._args.database_cluster_arn],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )

    def _create_restore_test(self, window: WeeklyWindow) -> None:
        args = self._args
        role, permissions = self._role("restore", "AWSBackupServiceRolePolicyForRestores")
        hour, minute = divmod(minutes(window.time), 60)
        plan = aws.backup.RestoreTestingPlan(
            self._logical,
            name=self._context.name(NameRule.RESTORE_TESTING, "restore"),
            schedule_expression=f"cron({minute} {hour} ? * {window.day.short.upper()} *)",
            schedule_expression_timezone="Etc/UTC",
            start_window_hours=max(1, window.duration_minutes // 60),
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [args.vault.arn],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": 7,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.backup.RestoreTestingSelection(
            self._logical,
            name="database",
            restore_testing_plan_name=plan.name,
            protected_resource_type="Aurora",
            protected_resource_arns=[args.database_cluster_arn],
            iam_role_arn=role.arn,
            validation_window_hours=4,
            restore_metadata_overrides={
                "dbSubnetGroupName": args.subnet_group_name,
                "vpcSecurityGroupIds": pulumi.Output.from_input(args.isolated_security_group_id).apply(lambda group: json.dumps([group])),
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )
