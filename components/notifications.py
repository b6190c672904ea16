"""Where alarms and alerts of a region go: encrypted topics, by who publishes and what their messages look like."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Condition, Principal, Statement, policy_document
from settings.names import NameRule


class Topic(StrEnum):
    """Topics of a region."""

    WARNING = "alarms-warning"
    """Alarms of CloudWatch, and events of AWS Backup, that can wait for the morning."""
    CRITICAL = "alarms-critical"
    """Alarms that cannot."""
    MAIL = "alerts-mail"
    """Alerts of Prometheus, worded for e-mail."""
    CHAT = "alerts-chat"
    """The same, in the form that chat applications show."""
    HEARTBEAT = "heartbeat"
    """An alert that always fires: its silence is what another region listens for."""


@dataclass(frozen=True)
class TopicSpec:
    """Which services publish to a topic, and whether people get its messages by e-mail and in chat."""

    publishers: tuple[str, ...]
    by_email: bool = False
    in_chat: bool = False


_AWS_ALARMS = ("cloudwatch", "backup")
PROMETHEUS = "aps"
TOPICS: dict[Topic, TopicSpec] = {
    Topic.WARNING: TopicSpec(_AWS_ALARMS, by_email=True, in_chat=True),
    Topic.CRITICAL: TopicSpec(_AWS_ALARMS, by_email=True, in_chat=True),
    Topic.MAIL: TopicSpec((PROMETHEUS,), by_email=True),
    Topic.CHAT: TopicSpec((PROMETHEUS,), in_chat=True),
    Topic.HEARTBEAT: TopicSpec((PROMETHEUS,)),
}


@dataclass(frozen=True)
class NotificationsArgs:
    """What notifications are given. `pager_email` hears of what is critical alone."""

    context: RegionContext
    key_arn: pulumi.Input[str]
    emails: Sequence[str]
    pager_email: str | None


class Notifications(pulumi.ComponentResource):
    """The topics of a region, open to the named services for this account, over TLS."""

    topic_arns: dict[Topic, pulumi.Output[str]]
    """Known once services may publish."""

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:notifications:Notifications", name, None, opts)
        self._args = args
        self._context = args.context
        self.topic_arns = {topic: self._create_topic(topic, spec) for topic, spec in TOPICS.items()}
        self.register_outputs({"topicArns": self.topic_arns})

    def send(self, topic: Topic, queue_arn: pulumi.Input[str]) -> None:
        """Messages of a topic go to a queue, which may be in another region; the subscription is made where the topic is."""
        aws.sns.TopicSubscription(
            self._context.logical(topic, "queue"),
            topic=self.topic_arns[topic],
            protocol="sqs",
            endpoint=queue_arn,
            raw_message_delivery=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_topic(self, purpose: Topic, spec: TopicSpec) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        topic = aws.sns.Topic(
            self._context.logical(purpose),
            name=self._context.name(NameRule.TOPIC, purpose),
            kms_master_key_id=self._args.key_arn,
            opts=child,
        )
        policy = aws.sns.TopicPolicy(self._context.logical(purpose), arn=topic.arn, policy=self._policy(topic.arn, spec), opts=child)
        for email in self._readers(purpose, spec):
            aws.sns.TopicSubscription(self._context.logical(purpose, email), topic=topic.arn, protocol="email", endpoint=email, opts=child)
        return policy.arn

    def _readers(self, purpose: Topic, spec: TopicSpec) -> list[str]:
        args = self._args
        pager = [args.pager_email] if args.pager_email and purpose is Topic.CRITICAL else []
        return list(dict.fromkeys([*(args.emails if spec.by_email else ()), *pager]))

    def _policy(self, topic_arn: pulumi.Output[str], spec: TopicSpec) -> pulumi.Output[str]:
        conditions: Condition = {"StringEquals": {"aws:SourceAccount": self._context.account_id}}
        actions = ["sns:Publish"]
        if PROMETHEUS in spec.publishers:
            # Managed Service for Prometheus user guide, "Giving permission to send messages to your SNS topic"
            actions.append("sns:GetTopicAttributes")
            conditions = {**conditions, "ArnLike": {"aws:SourceArn": self._context.arn("aps", "workspace/*")}}
        return policy_document(
            Statement(
                sid="PublishByServices",
                actions=actions,
                resources=[topic_arn],
                principal=Principal.service(*(f"{publisher}.amazonaws.com" for publisher in spec.publishers)),
                conditions=conditions,
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
