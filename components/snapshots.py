"""Where Vault's snapshots are kept: an encrypted, versioned bucket in each region, copied to one in another."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.buckets import PrivateBucket
from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document, trust
from components.roles import permitted_arn
from settings.names import NameRule

PURPOSE = "vault-snapshots"


@dataclass(frozen=True)
class SnapshotBucketArgs:
    """What the bucket is given. The key is Vault's own, multi-Region."""

    context: RegionContext
    retention_days: int
    key_arn: pulumi.Input[str]


class SnapshotBucket(pulumi.ComponentResource):
    """Takes objects that are encrypted with Vault's key, and no others."""

    bucket: pulumi.Output[str]
    """Name of the bucket, known once it is closed to everyone else."""
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: SnapshotBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:storage:SnapshotBucket", name, None, opts)
        self._args = args
        self._context = args.context
        self._private = PrivateBucket(args.context, PURPOSE, args.retention_days, parent=self, key_arn=args.key_arn)
        self.arn = self._private.arn
        self.bucket = self._private.restrict(self._refuse_other_keys(), self._refuse_other_encryption()).bucket
        self.register_outputs({"bucket": self.bucket})

    def _refuse_other_keys(self) -> Statement:
        return Statement(
            sid="RefuseOtherKeys",
            effect="Deny",
            actions=["s3:PutObject"],
            resources=[pulumi.Output.format("{0}/*", self.arn)],
            principal=Principal.everyone(),
            # who names no key gets the bucket's
            conditions={"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": self._args.key_arn}},
        )

    def _refuse_other_encryption(self) -> Statement:
        """S3's own keys have no name that the other statement could refuse."""
        return Statement(
            sid="RefuseOtherEncryption",
            effect="Deny",
            actions=["s3:PutObject"],
            resources=[pulumi.Output.format("{0}/*", self.arn)],
            principal=Principal.everyone(),
            conditions={"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}},
        )

    def copy_to(self, other: "SnapshotBucket") -> None:
        """Copies every snapshot to another region's bucket, encrypted with the key there. Called once all buckets exist."""
        logical = self._context.logical(PURPOSE)
        aws.s3.BucketReplicationConfig(
            logical,
            bucket=self.bucket,
            role=self._create_role(other),
            rules=[
                {
                    "id": "copy",
                    "status": "Enabled",
                    "priority": 1,
                    "filter": {"prefix": ""},
                    "delete_marker_replication": {"status": "Disabled"},
                    "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": other.arn,
                        "encryption_configuration": {"replica_kms_key_id": other._args.key_arn},
                    },
                }
            ],
            # S3 replicates between versioned buckets only
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._private.versioning, other._private.versioning]),
        )

    def _create_role(self, other: "SnapshotBucket") -> pulumi.Output[str]:
        logical = self._context.logical(PURPOSE, "copy")
        role = aws.iam.Role(
            logical,
            name=self._context.name(NameRule.IAM_ROLE, PURPOSE, "copy"),
            assume_role_policy=trust("s3.amazonaws.com"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        here, there = (pulumi.Output.format("{0}/*", each) for each in (self.arn, other.arn))
        rights = aws.iam.RolePolicy(
            logical,
            role=role.name,
            policy=policy_document(
                Statement(actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=[self.arn]),
                Statement(
                    actions=["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"], resources=[here]
                ),
                Statement(actions=["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], resources=[there]),
                self._key_use("kms:Decrypt", self),
                self._key_use("kms:Encrypt", other),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return permitted_arn(role, rights)

    def _key_use(self, action: str, bucket: "SnapshotBucket") -> Statement:
        region = bucket._context.region
        return Statement(
            actions=[action, "kms:GenerateDataKey"] if action == "kms:Encrypt" else [action],
            resources=[bucket._args.key_arn],
            conditions={"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        )
