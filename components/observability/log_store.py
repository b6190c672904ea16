"""The store that logs are searched in: a domain of Amazon OpenSearch Service, in the data segment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.logs import log_group
from components.policy_document import Principal, Statement, policy_document
from settings.names import NameRule
from settings.observability import LogsSettings

# Amazon OpenSearch Service developer guide, "Monitoring OpenSearch logs"
_LOGS = {
    "application": "ES_APPLICATION_LOGS",
    "audit": "AUDIT_LOGS",
    "slow-search": "SEARCH_SLOW_LOGS",
    "slow-index": "INDEX_SLOW_LOGS",
}
_MASTERS = 3  # the number that keeps a majority when a zone is lost (same guide, "Dedicated master nodes")
# a window of ten hours (same guide, "Off-peak windows"), over when the exchanges open
_OFF_PEAK_HOUR = 22
_CREATE_MINUTES, _CHANGE_MINUTES = 90, 180  # a changed domain is built anew beside the old one, and the data is copied


@dataclass(frozen=True)
class LogStoreArgs:
    """What the store is given. `zones`: how many the region has; `master_arn`: the role that may do everything in it."""

    context: RegionContext
    settings: LogsSettings
    zones: int
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    log_retention_days: int
    master_arn: pulumi.Input[str]


def log_store_arn(context: RegionContext) -> str:
    """ARN of a region's store, which policies may name before there is the store."""
    return context.arn("es", f"domain/{_name(context)}")


def _name(context: RegionContext) -> str:
    return context.names.of(NameRule.SEARCH_DOMAIN, "logs")


class LogStore(pulumi.ComponentResource):
    """Encrypted with our key, TLS on every way in and between its nodes, and no user but roles: no password opens it."""

    endpoint: pulumi.Output[str]
    """Host name, port 443."""
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: LogStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:LogStore", name, None, opts)
        self._args = args
        self._context = args.context
        self._settings = args.settings
        self._name = _name(args.context)

        groups = self._create_log_groups()
        domain = self._create_domain(groups, self._let_in(groups.values()))
        self.endpoint, self.arn = domain.endpoint, domain.arn
        self.register_outputs({"endpoint": self.endpoint, "arn": self.arn})

    def _logical(self, *parts: str) -> str:
        return self._context.logical("log-store", *parts)

    def _create_log_groups(self) -> dict[str, aws.cloudwatch.LogGroup]:
        """The store's own logs. They are not brought into it: each would write the next."""
        return {
            kind: log_group(
                self._logical(kind),
                name=f"/aws/opensearch/{self._name}/{kind}",
                retention_days=self._args.log_retention_days,
                key_arn=self._args.logs_key_arn,
                parent=self,
            )
            for kind in _LOGS
        }

    def _let_in(self, groups: Iterable[aws.cloudwatch.LogGroup]) -> aws.cloudwatch.LogResourcePolicy:
        return aws.cloudwatch.LogResourcePolicy(
            self._logical(),
            policy_name=f"{self._name}-store",
            policy_document=policy_document(
                Statement(
                    sid="StoreWritesItsLogs",
                    actions=["logs:PutLogEvents", "logs:PutLogEventsBatch", "logs:CreateLogStream"],
                    resources=[pulumi.Output.format("{0}:*", group.arn) for group in groups],
                    principal=Principal.service("es.amazonaws.com"),
                    conditions={
                        "StringEquals": {"aws:SourceAccount": self._context.account_id},
                        "ArnLike": {"aws:SourceArn": log_store_arn(self._context)},
                    },
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_domain(
        self, groups: Mapping[str, aws.cloudwatch.LogGroup], admitted: aws.cloudwatch.LogResourcePolicy
    ) -> aws.opensearch.Domain:
        args, settings = self._args, self._settings
        return aws.opensearch.Domain(
            self._logical(),
            domain_name=self._name,
            engine_version=f"OpenSearch_{settings.engine_version}",
            cluster_config=self._nodes(),
            ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": settings.volume_gib},
            encrypt_at_rest={"enabled": True, "kms_key_id": args.key_arn},
            node_to_node_encryption={"enabled": True},
            domain_endpoint_options={"enforce_https": True, "tls_security_policy": "Policy-Min-TLS-1-2-PFS-2023-10"},
            advanced_security_options={
                "enabled": True,
                "anonymous_auth_enabled": False,
                "internal_user_database_enabled": False,
                "master_user_options": {"master_user_arn": args.master_arn},
            },
            access_policies=self._access(),
            vpc_options={
                "subnet_ids": list(args.subnet_ids)[: settings.spread(args.zones)],
                "security_group_ids": [args.security_group_id],
            },
            log_publishing_options=[
                {"log_type": kind, "cloudwatch_log_group_arn": groups[name].arn, "enabled": True} for name, kind in _LOGS.items()
            ],
            # what has a window of its own, and no instance of the T3 family (same guide, "Auto-Tune")
            auto_tune_options=None if settings.instance.burstable else {"desired_state": "ENABLED", "use_off_peak_window": True},
            off_peak_window_options={
                "enabled": True,
                "off_peak_window": {"window_start_time": {"hours": _OFF_PEAK_HOUR, "minutes": 0}},
            },
            software_update_options={"auto_software_update_enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._context.protect,
                depends_on=[admitted],
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{_CREATE_MINUTES}m", update=f"{_CHANGE_MINUTES}m", delete=f"{_CREATE_MINUTES}m"
                ),
            ),
        )

    def _nodes(self) -> aws.opensearch.DomainClusterConfigArgsDict:
        settings, zones = self._settings, self._settings.spread(self._args.zones)
        nodes: aws.opensearch.DomainClusterConfigArgsDict = {
            "instance_type": settings.instance,
            "instance_count": zones * settings.nodes_per_zone,
            "zone_awareness_enabled": zones > 1,
            "multi_az_with_standby_enabled": settings.standby(self._args.zones),
            "dedicated_master_enabled": settings.masters is not None,
            "warm_enabled": settings.warm is not None,
        }
        if zones > 1:
            nodes["zone_awareness_config"] = {"availability_zone_count": zones}
        if settings.masters:
            nodes |= {"dedicated_master_type": settings.masters, "dedicated_master_count": _MASTERS}
        if settings.warm:
            nodes |= {"warm_type": settings.warm.instance, "warm_count": zones * settings.warm.nodes_per_zone}
        return nodes

    def _access(self) -> pulumi.Output[str]:
        """Identities of the account, as far as their own policies and the store's roles allow, both of them."""
        return policy_document(
            Statement(
                sid="IdentitiesOfTheAccount",
                actions=["es:ESHttp*"],
                resources=[f"{log_store_arn(self._context)}/*"],
                principal=Principal.account(self._context.account_id),
            )
        )
