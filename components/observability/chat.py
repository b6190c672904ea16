"""Alarms and alerts in a Slack channel, through Amazon Q Developer in chat applications (AWS Chatbot)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.policy_document import Statement, policy_document, trust
from components.roles import permitted_arn
from settings.names import NameRule, Names

# What anybody in the channel may ask for at most; left out, it would be everything (SDK, "guardrail_policy_arns")
_GUARDRAIL = "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"
_SHOWN = ("cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics")


@dataclass(frozen=True)
class ChatChannelArgs:
    """What the channel is given: `workspace/channel`, and the topics of all regions that speak in it."""

    names: Names
    account_id: str
    slack: str
    topic_arns: Sequence[pulumi.Input[str]]


class ChatChannel(pulumi.ComponentResource):
    """One channel for all regions. The workspace has been authorised once, by hand, in the console."""

    def __init__(self, name: str, args: ChatChannelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:ChatChannel", name, None, opts)
        self._args = args
        workspace, channel = args.slack.split("/")
        aws.chatbot.SlackChannelConfiguration(
            "chat",
            configuration_name=args.names.of(NameRule.CHAT_CONFIGURATION, "alerts"),
            iam_role_arn=self._create_role(),
            slack_team_id=workspace,
            slack_channel_id=channel,
            sns_topic_arns=args.topic_arns,
            guardrail_policy_arns=[_GUARDRAIL],
            user_authorization_required=True,
            logging_level="ERROR",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def _create_role(self) -> pulumi.Output[str]:
        """Draws the graph beside an alarm."""
        role = aws.iam.Role(
            "chat",
            name=self._args.names.of(NameRule.IAM_ROLE, "chat"),
            assume_role_policy=trust("chatbot.amazonaws.com", on_behalf_of=self._args.account_id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        rights = aws.iam.RolePolicy(
            "chat",
            role=role.name,
            policy=policy_document(Statement(sid="ShowAlarms", actions=_SHOWN, resources=["*"])),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return permitted_arn(role, rights)
