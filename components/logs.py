"""Log groups: encrypted with the region's key for logs, kept as long as the settings say."""

import pulumi
import pulumi_aws as aws


def log_group(
    logical_name: str, *, name: pulumi.Input[str], retention_days: int, key_arn: pulumi.Input[str], parent: pulumi.Resource
) -> aws.cloudwatch.LogGroup:
    """A log group under its full CloudWatch name."""
    return aws.cloudwatch.LogGroup(
        logical_name,
        name=name,
        retention_in_days=retention_days,
        kms_key_id=key_arn,
        opts=pulumi.ResourceOptions(parent=parent),
    )
