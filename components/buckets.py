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
        context = args.context
        logical = context.logical(args.purpose)
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(
            logical,
            # bucket names are shared by all accounts of the world
            bucket=context.name(NameRule.BUCKET, args.purpose, context.account_id),
            force_destroy=not context.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        aws.s3.BucketOwnershipControls(logical, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=child)
        block = aws.s3.BucketPublicAccessBlock(
            logical,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            logical,
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(logical, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=child)
        aws.s3.BucketLifecycleConfiguration(
            logical,
            bucket=bucket.id,
            rules=[
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "expiration": {"days": args.retention_days},
                    "noncurrent_version_expiration": {"noncurrent_days": _OLD_VERSIONS_DAYS},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": _ABANDONED_UPLOAD_DAYS},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        policy = aws.s3.BucketPolicy(
            logical,
            bucket=bucket.id,
            policy=self._policy(bucket.arn, args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})

    def _policy(self, arn: pulumi.Output[str], args: LogBucketArgs) -> pulumi.Output[str]:
        context = args.context
        return policy_document(
            Statement(
                sid="DeliverLogs",
                actions=["s3:PutObject"],
                resources=[pulumi.Output.format("{0}/{1}/AWSLogs/{2}/*", arn, prefix, context.account_id) for prefix in args.prefixes],
                principal=Principal.service("logdelivery.elasticloadbalancing.amazonaws.com"),
                conditions={"ArnLike": {"aws:SourceArn": context.arn("elasticloadbalancing", "loadbalancer/*")}},
            ),
            Statement(
                sid="RefusePlainText",
                effect="Deny",
                actions=["s3:*"],
                resources=[arn, pulumi.Output.format("{0}/*", arn)],
                principal=Principal.everyone(),
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
        )
