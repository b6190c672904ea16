"""IAM roles whose ARN is known no sooner than what they permit."""

import pulumi
import pulumi_aws as aws


def permitted_arn(role: aws.iam.Role, permissions: pulumi.CustomResource) -> pulumi.Output[str]:
    """The role's ARN, once its permissions are there: services test a role when they are given it."""
    return pulumi.Output.all(role.arn, permissions.id).apply(lambda known: known[0])
