"""Where alarms of a region go: one encrypted topic."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document
from settings.names import NameRule


@dataclass(frozen=True)
class NotificationsArgs:
    """What notifications are given."""

    context: RegionContext
    key_arn: pulumi.Input[str]
    emails: Sequence[str]


class Notifications(pulumi.ComponentResource):
    """The topic of a region, open to CloudWatch alarms and AWS Backup of this account, over TLS."""

    topic_arn: pulumi.Output[str]
    """Known once services may publish."""

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:notifications:Notifications", name, None, opts)
        context = args.context
        topic = aws.sns.Topic(
            context.logical("alarms"),
            name=context.name(NameRule.TOPIC, "alarms"),
            kms_master_key_id=args.key_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.sns.TopicPolicy(
            context.logical("alarms"),
            arn=topic.arn,
            policy=_policy(topic.arn, context.account_id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for email in args.emails:
            aws.sns.TopicSubscription(
                context.logical("alarms", email),
                topic=topic.arn,
                protocol="email",
                endpoint=email,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.topic_arn = policy.arn
        self.register_outputs({"topicArn": self.topic_arn})


def _policy(topic_arn: pulumi.Output[str], account_id: str) -> pulumi.Output[str]:
    return policy_document(
        Statement(
            sid="PublishByServices",
            actions=["sns:Publish"],
            resources=[topic_arn],
            principal=Principal.service("cloudwatch.amazonaws.com", "backup.amazonaws.com"),
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        ),
        Statement(
            sid="RefusePlainText",
            effect="Deny",
            actions=["sns:Publish"],
            resources=[topic_arn],
            principal=Principal.everyone(),
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        ),
    )
