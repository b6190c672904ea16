"""The dead man's switch: a region listens for the heartbeat of another's alerts, and raises the alarm when it stops."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.observability.alertmanager import HEARTBEAT_SECONDS
from components.policy_document import Principal, Statement, policy_document
from settings.catalog import Region
from settings.names import NameRule

_KEPT_SECONDS = 300  # nobody reads the messages, they are counted on arrival; SQS keeps a minute at least
_SILENT_MINUTES = 5


@dataclass(frozen=True)
class HeartbeatListenerArgs:
    """What the listener is given. `context` is the region that listens, `heard` the one that is listened to."""

    context: RegionContext
    heard: Region
    heartbeat_topic_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]


class HeartbeatListener(pulumi.ComponentResource):
    """A queue for an alert that always fires, and an alarm on its silence.

        Prometheus -> alert manager -> topic, in the region that is heard   ->   queue, alarm, topic, in the region that listens

    Whatever breaks on that way, the whole region included, is heard as silence. In a stack of one region it listens to itself,
    and hears of everything but the loss of the region.
    """

    queue_arn: pulumi.Output[str]
    """Known once the topic may send."""

    def __init__(self, name: str, args: HeartbeatListenerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:HeartbeatListener", name, None, opts)
        self._args = args
        self._context = args.context
        queue = self._create_queue()
        admitted = self._let_in(queue)
        self._alarm(queue)
        self.queue_arn = pulumi.Output.all(queue.arn, admitted.id).apply(lambda known: known[0])
        self.register_outputs({"queueArn": self.queue_arn})

    def _logical(self) -> str:
        return self._context.logical("heartbeat", self._heard)

    @property
    def _heard(self) -> Region:
        return self._args.heard

    def _create_queue(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            self._logical(),
            name=self._context.name(NameRule.QUEUE, "heartbeat", self._heard),
            message_retention_seconds=_KEPT_SECONDS,
            kms_master_key_id=self._args.key_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _let_in(self, queue: aws.sqs.Queue) -> aws.sqs.QueuePolicy:
        return aws.sqs.QueuePolicy(
            self._logical(),
            queue_url=queue.url,
            policy=policy_document(
                Statement(
                    sid="HearTheTopic",
                    actions=["sqs:SendMessage"],
                    resources=[queue.arn],
                    principal=Principal.service("sns.amazonaws.com"),
                    conditions={
                        "ArnEquals": {"aws:SourceArn": self._args.heartbeat_topic_arn},
                        "StringEquals": {"aws:SourceAccount": self._context.account_id},
                    },
                ),
                Statement(
                    sid="RefusePlainText",
                    effect="Deny",
                    actions=["sqs:*"],
                    resources=[queue.arn],
                    principal=Principal.everyone(),
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _alarm(self, queue: aws.sqs.Queue) -> None:
        aws.cloudwatch.MetricAlarm(
            self._logical(),
            name=self._context.name(NameRule.ALARM, "heartbeat", self._heard),
            alarm_description=f"critical: alerts of {self._heard} do not arrive. Runbook: docs/runbooks/heartbeat-missed.md",
            namespace="AWS/SQS",
            metric_name="NumberOfMessagesSent",
            dimensions={"QueueName": queue.name},
            statistic="Sum",
            period=HEARTBEAT_SECONDS,
            evaluation_periods=_SILENT_MINUTES,
            datapoints_to_alarm=_SILENT_MINUTES,
            comparison_operator="LessThanThreshold",
            threshold=1,
            treat_missing_data="breaching",
            alarm_actions=[self._args.alarm_topic_arn],
            ok_actions=[self._args.alarm_topic_arn],
            opts=pulumi.ResourceOptions(parent=self),
        )
