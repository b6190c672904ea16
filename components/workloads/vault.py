"""HashiCorp Vault of a region: its members, its roles, where its recovery keys lie, and what is done to it without a person.

Secrets Manager keeps what the platform itself needs to start: keys of vendors, tokens' signing key, the broker's and the
database's passwords. Vault keeps what traders entrust to the platform, and encrypts for services that never see the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.policy_document import Statement
from components.secrets import Readers, readers_policy, secret_name
from components.snapshots import SnapshotBucket
from components.workloads.identity import pod_identity
from components.workloads.objects import ClusterContext, image
from components.workloads.vault_operations import VaultOperations, VaultOperationsArgs
from components.workloads.vault_server import VaultServer, VaultServerArgs
from settings.model import ImagesSettings, VaultSettings
from settings.pod_traffic import VAULT
from settings.traffic import Party

_RECOVERY_KEYS = "vault-recovery-keys"


@dataclass(frozen=True)
class VaultArgs:
    """What Vault is given. `after`: its namespace with the policies, and the nodes."""

    cluster: ClusterContext
    settings: VaultSettings
    images: ImagesSettings
    key_arn: pulumi.Input[str]
    secrets_key_arn: pulumi.Input[str]
    recovery_window_days: int
    readers: Readers
    snapshots: SnapshotBucket
    certificates: pulumi.Resource
    after: Sequence[pulumi.Resource]


class Vault(pulumi.ComponentResource):
    """Highly available, unsealed by KMS, initialised by a Job whose recovery keys administrators alone can read."""

    recovery_secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: VaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:workloads:Vault", name, None, opts)
        self._args = args
        self._context = args.cluster.region

        self.recovery_secret_arn = self._create_recovery_secret()
        member = self._create_identity(Party.VAULT, self._rights_of_members())
        operator = self._create_identity(Party.VAULT_OPERATIONS, self._rights_of_operations())
        server = VaultServer(
            VaultServerArgs(
                cluster=args.cluster,
                settings=args.settings,
                image=self._image(args.images.vault),
                key_arn=args.key_arn,
                certificates=args.certificates,
                after=[*args.after, member],
            ),
            self,
        )
        VaultOperations(
            VaultOperationsArgs(
                cluster=args.cluster,
                settings=args.settings,
                vault_image=self._image(args.images.vault),
                aws_cli_image=self._image(args.images.aws_cli),
                recovery_secret=self.recovery_secret_arn,
                snapshot_bucket=args.snapshots.bucket,
                after=[*args.after, operator, server.workload],
            ),
            self,
        )
        self.register_outputs({"recoverySecretArn": self.recovery_secret_arn})

    def _image(self, reference: str) -> str:
        return image(self._args.images.registry, reference, self._context)

    def _create_recovery_secret(self) -> pulumi.Output[str]:
        """Without a value: the initialisation puts it, and cannot read it back."""
        logical = self._context.logical(_RECOVERY_KEYS)
        secret = aws.secretsmanager.Secret(
            logical,
            name=secret_name(self._context.names, self._context.region, _RECOVERY_KEYS),
            description="Make a new root token of Vault, three of five together",
            kms_key_id=self._args.secrets_key_arn,
            recovery_window_in_days=self._args.recovery_window_days,
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect),
        )
        aws.secretsmanager.SecretPolicy(
            logical,
            secret_arn=secret.arn,
            policy=readers_policy(self._args.readers, ()),
            block_public_policy=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return secret.arn

    def _create_identity(self, party: Party, rights: Sequence[Statement]) -> pulumi.Resource:
        return pod_identity(self._args.cluster, VAULT, party, rights, self)

    def _rights_of_members(self) -> list[Statement]:
        return [Statement(sid="Unseal", actions=["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], resources=[self._args.key_arn])]

    def _rights_of_operations(self) -> list[Statement]:
        region = self._context.region
        return [
            Statement(
                sid="KeepRecoveryKeys",
                # to describe is to see which versions there are, and nothing of what they hold
                actions=["secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret"],
                resources=[self.recovery_secret_arn],
            ),
            Statement(
                sid="EncryptRecoveryKeys",
                actions=["kms:GenerateDataKey", "kms:Decrypt"],
                resources=[self._args.secrets_key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}},
            ),
            Statement(
                sid="KeepSnapshots",
                actions=["s3:PutObject", "s3:AbortMultipartUpload"],
                resources=[pulumi.Output.format("{0}/{1}/*", self._args.snapshots.arn, region)],
            ),
            Statement(
                sid="EncryptSnapshots",
                actions=["kms:GenerateDataKey", "kms:Decrypt"],  # parts of a large object are decrypted to be joined
                resources=[self._args.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
            ),
        ]
