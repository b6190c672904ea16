"""Encryption keys: one KMS key per purpose and region, multi-Region where what it encrypts is replicated."""

from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Condition, Principal, Statement, policy_document
from settings.names import NameRule


class KeyPurpose(StrEnum):
    """What a key encrypts."""

    DATABASE = "database"
    CACHE = "cache"
    CLUSTER = "cluster"
    """Secrets of Kubernetes."""
    VOLUMES = "volumes"
    """Disks of nodes and of the operations host, volumes of pods."""
    VAULT = "vault"
    """Unseals Vault, and encrypts its snapshots."""
    SECRETS = "secrets"
    LOGS = "logs"
    NOTIFICATIONS = "notifications"
    METRICS = "metrics"
    CANARIES = "canaries"
    """What canaries leave behind: reports and logs of their runs."""
    LOG_STORE = "log-store"
    """Logs as they are searched, and what the functions around the log store are told."""
    BACKUP = "backup"


@dataclass(frozen=True)
class KeyUse:
    """Who may use the key of a purpose.

    `via` are the services through which identities of the account use it, `services` those that use it for themselves, `role`
    the part of the name of our role that uses it directly. `lent`: through the services every identity of the account uses it,
    whatever its own policies say, as with the key that AWS keeps for the service.
    """

    via: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    grants: bool = False
    lent: bool = False
    for_resources_only: bool = True
    """Whether grants are bound to AWS's resources by condition. EKS supports that not when it creates a cluster (EKS user guide)."""
    services: tuple[str, ...] = ()
    replicated: bool = False


USES: dict[KeyPurpose, KeyUse] = {
    KeyPurpose.DATABASE: KeyUse(via=("rds",), grants=True, replicated=True),
    KeyPurpose.CACHE: KeyUse(via=("elasticache",), grants=True),
    # RDS makes the secret of a managed master password, with a grant (Aurora user guide, "Password management")
    # and Prometheus reads the key of the pager for itself
    KeyPurpose.SECRETS: KeyUse(via=("secretsmanager", "rds"), grants=True, services=("aps",), replicated=True),
    # whoever creates the cluster leaves EKS a grant; Auto Mode starts instances with encrypted disks as the cluster's role
    KeyPurpose.CLUSTER: KeyUse(via=("eks",), grants=True, for_resources_only=False, role=("cluster",)),
    # and spot instances, and those of scaling groups, as roles of AWS's own, to which nobody can give permissions
    KeyPurpose.VOLUMES: KeyUse(via=("ec2",), grants=True, lent=True, role=("cluster",)),
    # replicated, so that a snapshot restored in another region can be unsealed there
    KeyPurpose.VAULT: KeyUse(via=("s3",), role=("service", "vault"), replicated=True),
    KeyPurpose.LOGS: KeyUse(services=("logs",)),
    # sns: topics of another region put their messages into an encrypted queue of this one
    KeyPurpose.NOTIFICATIONS: KeyUse(via=("sns", "sqs"), services=("cloudwatch", "backup", "aps", "sns")),
    # whoever writes and reads metrics uses the key, the collector as a role of AWS's own (Managed Service for Prometheus user guide,
    # "Encryption at rest", whose policy names no condition about grants)
    KeyPurpose.METRICS: KeyUse(via=("aps",), grants=True, for_resources_only=False, lent=True),
    KeyPurpose.CANARIES: KeyUse(via=("s3", "lambda"), grants=True),
    KeyPurpose.LOG_STORE: KeyUse(via=("es", "lambda", "sqs"), grants=True),
    KeyPurpose.BACKUP: KeyUse(via=("backup", "rds"), grants=True, replicated=True),
}

# kms:Create* would take in CreateGrant, which is use, not administration
_ADMINISTRATION = (
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:EnableKey",
    "kms:DisableKey",
    "kms:EnableKeyRotation",
    "kms:DisableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
    "kms:UpdatePrimaryRegion",
)
_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
_DELETION_WINDOW_DAYS = 30  # the longest that KMS offers (7 to 30): time to notice that data needs the key
_ROTATION_PERIOD_DAYS = 365  # KMS takes 90 to 2560


@dataclass(frozen=True)
class EncryptionKeysArgs:
    """What the keys of a region are given. `primary`: the keys of the primary region, None in the primary region itself."""

    context: RegionContext
    primary: "EncryptionKeys | None"


class EncryptionKeys(pulumi.ComponentResource):
    """The keys of one region.

    A key policy is not replicated with its key, so each region writes its own: administration is left to the account's
    IAM, use is bound to named services of this region.
    """

    def __init__(self, name: str, args: EncryptionKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:keys:EncryptionKeys", name, None, opts)
        self._context = args.context
        self._arns = {purpose: self._key(purpose, use, args.primary) for purpose, use in USES.items()}
        self.register_outputs({f"{purpose}KeyArn": arn for purpose, arn in self._arns.items()})

    def arn(self, purpose: KeyPurpose) -> pulumi.Output[str]:
        """ARN of the key for a purpose, in this region."""
        return self._arns[purpose]

    def _key(self, purpose: KeyPurpose, use: KeyUse, primary: "EncryptionKeys | None") -> pulumi.Output[str]:
        logical = self._context.logical("key", purpose)
        options = pulumi.ResourceOptions(parent=self, protect=self._context.protect)
        description = f"{self._context.names.project} {self._context.names.stack}: {purpose}"
        policy = self._policy(purpose, use)
        if use.replicated and primary:
            key = aws.kms.ReplicaKey(
                logical,
                primary_key_arn=primary.arn(purpose),
                description=description,
                deletion_window_in_days=_DELETION_WINDOW_DAYS,
                policy=policy,
                opts=options,
            )
        else:
            key = aws.kms.Key(
                logical,
                description=description,
                multi_region=use.replicated,
                enable_key_rotation=True,
                rotation_period_in_days=_ROTATION_PERIOD_DAYS,
                deletion_window_in_days=_DELETION_WINDOW_DAYS,
                policy=policy,
                opts=options,
            )
        aws.kms.Alias(
            logical,
            name=f"alias{self._context.names.path(purpose)}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key.arn

    def _policy(self, purpose: KeyPurpose, use: KeyUse) -> pulumi.Output[str]:
        account = self._context.account_id
        statements = [
            Statement(sid="Administration", actions=_ADMINISTRATION, resources=["*"], principal=Principal.account(account)),
        ]
        if use.via:
            through: Condition = {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": [f"{service}.{self._context.region}.amazonaws.com" for service in use.via],
                }
            }
            # bound to the account by `through`
            users = Principal.everyone() if use.lent else Principal.account(account)
            statements.append(Statement(sid="UseThroughServices", actions=_USE, resources=["*"], principal=users, conditions=through))
            if use.grants:
                statements.append(
                    Statement(
                        sid="GrantsThroughServices",
                        actions=["kms:CreateGrant"],
                        resources=["*"],
                        principal=users,
                        conditions=_conditions_of_grants(use, through, account),
                    )
                )
        if use.role:
            statements += self._role_statements(use, account)
        statements += [self._service_statement(service, account) for service in use.services]
        return policy_document(*statements)

    def _role_statements(self, use: KeyUse, account: str) -> list[Statement]:
        """Direct use by one role, named in a condition: a policy that names a role as principal needs the role to exist."""
        role = f"arn:aws:iam::{account}:role/{self._context.name(NameRule.IAM_ROLE, *use.role)}"
        by_role = {"ArnEquals": {"aws:PrincipalArn": role}}
        statements = [
            Statement(sid="UseByRole", actions=_USE, resources=["*"], principal=Principal.account(account), conditions=by_role),
        ]
        if use.grants:
            statements.append(
                Statement(
                    sid="GrantsByRole",
                    actions=["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
                    resources=["*"],
                    principal=Principal.account(account),
                    conditions={**by_role, "Bool": {"kms:GrantIsForAWSResource": "true"}},
                )
            )
        return statements

    def _service_statement(self, service: str, account: str) -> Statement:
        if service == "logs":
            return Statement(
                sid="UseByLogs",
                actions=_USE,
                resources=["*"],
                principal=Principal.service(f"logs.{self._context.region}.amazonaws.com"),
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": self._context.arn("logs", "log-group:*")}},
            )
        return Statement(
            sid=f"UseBy{service.capitalize()}",
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            principal=Principal.service(f"{service}.amazonaws.com"),
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        )


def _conditions_of_grants(use: KeyUse, through: Condition, account: str) -> Condition:
    if use.for_resources_only:
        return {**through, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return through if use.lent else {"StringEquals": {"kms:CallerAccount": account}}
