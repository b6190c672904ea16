"""The web application firewall in front of a region's load balancer."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.logs import log_group
from components.policy_document import Principal, Statement, policy_document
from settings.names import NameRule


@dataclass(frozen=True)
class ManagedGroup:
    """One of AWS's rule groups. Rules in `counted` are watched, not enforced."""

    name: str
    counted: Sequence[str] = ()


# 25 + 50 + 200 + 700 + 200 + 200 + 2 = 1,377 of the 1,500 capacity units that the base price covers (WAF developer guide)
MANAGED_GROUPS: tuple[ManagedGroup, ...] = (
    ManagedGroup("AWSManagedRulesAmazonIpReputationList"),
    # traders' own programs run at hosting providers
    ManagedGroup("AWSManagedRulesAnonymousIpList", counted=("HostingProviderIPList",)),
    ManagedGroup("AWSManagedRulesKnownBadInputsRuleSet"),
    # an order book upload is larger than the 8 KiB that the rule allows
    ManagedGroup("AWSManagedRulesCommonRuleSet", counted=("SizeRestrictions_BODY",)),
    ManagedGroup("AWSManagedRulesSQLiRuleSet"),
    ManagedGroup("AWSManagedRulesLinuxRuleSet"),
)

_TOO_MANY_REQUESTS = "too-many-requests"
_WINDOW_SECONDS = 60  # the promise is per minute; left out, WAF would count over five
_HIDDEN_HEADERS = ("authorization", "cookie")


@dataclass(frozen=True)
class FirewallArgs:
    """What the firewall is given."""

    context: RegionContext
    requests_per_minute: int
    log_retention_days: int
    logs_key_arn: pulumi.Input[str]
    load_balancer_arn: pulumi.Input[str]


class Firewall(pulumi.ComponentResource):
    """AWS's managed rules and a rate rule per address, logged without credentials.

    WAF counts approximately and notices within seconds to minutes; the API gateway enforces the exact rate per trader.
    """

    log_group: aws.cloudwatch.LogGroup

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:entry:Firewall", name, None, opts)
        self._args = args
        self._context = args.context

        acl = self._create_acl()
        aws.wafv2.WebAclAssociation(
            self._context.logical("firewall"),
            resource_arn=args.load_balancer_arn,
            web_acl_arn=acl.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._create_logging(acl)

        self.register_outputs({"aclArn": acl.arn})

    def _create_acl(self) -> aws.wafv2.WebAcl:
        name = self._context.name(NameRule.WEB_ACL, "entry")
        return aws.wafv2.WebAcl(
            self._context.logical("firewall"),
            name=name,
            scope="REGIONAL",
            default_action={"allow": {}},
            custom_response_bodies=[
                {"key": _TOO_MANY_REQUESTS, "content_type": "APPLICATION_JSON", "content": '{"error":"too many requests"}'}
            ],
            rules=[
                _managed_rule(MANAGED_GROUPS[0], 10),
                self._rate_rule(20),
                *(_managed_rule(group, 30 + 10 * position) for position, group in enumerate(MANAGED_GROUPS[1:])),
            ],
            # redaction in logs does not reach sampled requests; this does
            data_protection_config={
                "data_protections": [
                    {"action": "SUBSTITUTION", "field": {"field_type": "SINGLE_HEADER", "field_keys": list(_HIDDEN_HEADERS)}},
                ]
            },
            visibility_config=_visibility(name),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _rate_rule(self, priority: int) -> aws.wafv2.WebAclRuleArgsDict:
        return {
            "name": "requests-per-minute",
            "priority": priority,
            "action": {
                "block": {
                    "custom_response": {
                        "response_code": 429,
                        "custom_response_body_key": _TOO_MANY_REQUESTS,
                        "response_headers": [{"name": "Retry-After", "value": str(_WINDOW_SECONDS)}],
                    }
                }
            },
            "statement": {
                "rate_based_statement": {
                    "limit": self._args.requests_per_minute,
                    "evaluation_window_sec": _WINDOW_SECONDS,
                    "aggregate_key_type": "IP",
                }
            },
            "visibility_config": _visibility("requests-per-minute"),
        }

    def _create_logging(self, acl: aws.wafv2.WebAcl) -> None:
        context = self._context
        group = self.log_group = log_group(
            context.logical("firewall"),
            name=f"aws-waf-logs-{context.name(NameRule.WEB_ACL, 'entry')}",  # WAF logs to no group of another prefix
            retention_days=self._args.log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )
        permission = aws.cloudwatch.LogResourcePolicy(
            context.logical("firewall"),
            policy_name=context.name(NameRule.WEB_ACL, "firewall-logs"),
            policy_document=policy_document(
                Statement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[pulumi.Output.format("{0}:*", group.arn)],
                    principal=Principal.service("delivery.logs.amazonaws.com"),
                    conditions={
                        "StringEquals": {"aws:SourceAccount": context.account_id},
                        "ArnLike": {"aws:SourceArn": context.arn("logs", "*")},
                    },
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            context.logical("firewall"),
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in _HIDDEN_HEADERS],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )


def _visibility(metric_name: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "sampled_requests_enabled": True, "metric_name": metric_name}


def _managed_rule(group: ManagedGroup, priority: int) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": group.name,
        "priority": priority,
        "override_action": {"none": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": group.name,
                "rule_action_overrides": [{"name": rule, "action_to_use": {"count": {}}} for rule in group.counted],
            }
        },
        "visibility_config": _visibility(group.name),
    }
