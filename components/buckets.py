"""Private buckets: encrypted, versioned, owned by the account, TLS only, emptied by age."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document
from settings.names import NameRule

_OLD_VERSIONS_DAYS = 7
_ABANDONED_UPLOAD_DAYS = 7


class PrivateBucket:
    """The parts that every bucket of ours has. With a key, encrypted by it; without one, by S3's own.

    `expiring` is the folder whose objects are deleted by age; left out, all are.
    """

    def __init__(
        self,
        context: RegionContext,
        purpose: str,
        retention_days: int,
        *,
        parent: pulumi.Resource,
        key_arn: pulumi.Input[str] | None = None,
        expiring: str = "",
    ) -> None:
        self._logical = context.logical(purpose)
        self._parent = parent
        child = pulumi.ResourceOptions(parent=parent)
        self.resource = aws.s3.Bucket(
            self._logical,
            # bucket names are shared by all accounts of the world
            bucket=context.name(NameRule.BUCKET, purpose, context.account_id),
            force_destroy=not context.protect,
            opts=pulumi.ResourceOptions(parent=parent, protect=context.protect),
        )
        self.id, self.arn = self.resource.id, self.resource.arn
        aws.s3.BucketOwnershipControls(self._logical, bucket=self.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child)
        self._block = aws.s3.BucketPublicAccessBlock(
            self._logical,
            bucket=self.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        self._encrypt(key_arn, child)
        self.versioning = aws.s3.BucketVersioning(self._logical, bucket=self.id, versioning_configuration={"status": "Enabled"}, opts=child)
        aws.s3.BucketLifecycleConfiguration(
            self._logical,
            bucket=self.id,
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": expiring},
                    "expiration": {"days": retention_days},
                    "noncurrent_version_expiration": {"noncurrent_days": _OLD_VERSIONS_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": _ABANDONED_UPLOAD_DAYS},
                }
            ],
            opts=pulumi.ResourceOptions(parent=parent, depends_on=[self.versioning]),
        )

    def restrict(self, *more: Statement) -> aws.s3.BucketPolicy:
        """The bucket's policy: no plain text, and what else is said."""
        plain_text = Statement(
            sid="RefusePlainText",
            effect="Deny",
            actions=["s3:*"],
            resources=[self.arn, pulumi.Output.format("{0}/*", self.arn)],
            principal=Principal.everyone(),
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        return aws.s3.BucketPolicy(
            self._logical,
            bucket=self.id,
            policy=policy_document(*more, plain_text),
            opts=pulumi.ResourceOptions(parent=self._parent, depends_on=[self._block]),
        )

    def _encrypt(self, key_arn: pulumi.Input[str] | None, child: pulumi.ResourceOptions) -> None:
        rule: aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict = {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}
        }
        if key_arn is not None:
            rule = {
                "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
                "bucket_key_enabled": True,
            }
        aws.s3.BucketServerSideEncryptionConfiguration(self._logical, bucket=self.id, rules=[rule], opts=child)


@dataclass(frozen=True)
class LogBucketArgs:
    """What a bucket for logs is given. `prefixes` are the folders that load balancers deliver to."""

    context: RegionContext
    purpose: str
    retention_days: int
    prefixes: Sequence[str]


class LogBucket(pulumi.ComponentResource):
    """A bucket to which load balancers deliver their logs.

    Encrypted with S3's own keys: Elastic Load Balancing delivers to no bucket with a customer key (ELB user guide,
    "Access logs").
    """

    bucket: pulumi.Output[str]
    """Name of the bucket, known once deliveries are allowed."""

    def __init__(self, name: str, args: LogBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:storage:LogBucket", name, None, opts)
        private = PrivateBucket(args.context, args.purpose, args.retention_days, parent=self)
        self.bucket = private.restrict(self._deliveries(private.arn, args)).bucket
        self.register_outputs({"bucket": self.bucket})

    def _deliveries(self, arn: pulumi.Output[str], args: LogBucketArgs) -> Statement:
        context = args.context
        return Statement(
            sid="DeliverLogs",
            actions=["s3:PutObject"],
            resources=[pulumi.Output.format("{0}/{1}/AWSLogs/{2}/*", arn, prefix, context.account_id) for prefix in args.prefixes],
            principal=Principal.service("logdelivery.elasticloadbalancing.amazonaws.com"),
            conditions={"ArnLike": {"aws:SourceArn": context.arn("elasticloadbalancing", "loadbalancer/*")}},
        )
