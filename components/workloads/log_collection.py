"""What pods write: collected on each node by an EKS add-on, and kept in CloudWatch Logs, which masks what looks like a secret."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cluster import cluster_arn, cluster_name
from components.logs import log_group
from components.policy_document import Statement, pod_trust, policy_document
from components.roles import permitted_arn
from components.workloads.objects import ClusterContext
from settings.add_ons import AddOn
from settings.names import NameRule

_SERVICE_ACCOUNT = "cloudwatch-agent"  # the add-on's own, its collector runs as it too
# CloudWatch Logs user guide, "Credentials" and "Custom data identifiers"
_MASKED = ("AwsSecretKey", "OpenSshPrivateKey", "PgpPrivateKey", "PkcsPrivateKey", "PuttyPrivateKey")
_MASKED_BY_FORM = {
    "JsonWebToken": r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    "VaultToken": r"hv[bs]\.[A-Za-z0-9_-]+",
}


@dataclass(frozen=True)
class LogCollectionArgs:
    """What the collection is given."""

    cluster: ClusterContext
    retention_days: int
    key_arn: pulumi.Input[str]


class LogCollection(pulumi.ComponentResource):
    """The group that logs of pods go to, and what the add-on that collects them may do and is told."""

    log_group: aws.cloudwatch.LogGroup
    identities: list[aws.eks.AddonPodIdentityAssociationArgsDict]
    configuration: str
    """JSON, as the add-on takes it."""

    def __init__(self, name: str, args: LogCollectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:workloads:LogCollection", name, None, opts)
        self._args = args
        self._cluster = args.cluster
        self._context = args.cluster.region

        self.log_group = self._create_log_group()
        masked = self._mask_secrets()
        self.identities = [{"role_arn": self._create_role(masked), "service_account": _SERVICE_ACCOUNT}]
        self.configuration = _configuration()
        self.register_outputs({})

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _logical(self) -> str:
        return self._cluster.logical("pods")

    def _create_log_group(self) -> aws.cloudwatch.LogGroup:
        """Under the name that the collector writes to. Made here: the collector's own would have no key, and last for ever."""
        return log_group(
            self._logical(),
            name=f"/aws/containerinsights/{cluster_name(self._context)}/application",
            retention_days=self._args.retention_days,
            key_arn=self._args.key_arn,
            parent=self,
        )

    def _mask_secrets(self) -> aws.cloudwatch.LogDataProtectionPolicy:
        """Nobody reads them here, nor gets them from here (same guide, "Help protect sensitive log data with masking")."""
        identifiers = [*(f"arn:aws:dataprotection::aws:data-identifier/{name}" for name in _MASKED), *_MASKED_BY_FORM]
        return aws.cloudwatch.LogDataProtectionPolicy(
            self._logical(),
            log_group_name=self.log_group.name,
            policy_document=json.dumps(
                {
                    "Name": "secrets",
                    "Version": "2021-06-01",
                    "Configuration": {"CustomDataIdentifier": [{"Name": name, "Regex": form} for name, form in _MASKED_BY_FORM.items()]},
                    "Statement": [
                        {"Sid": "count", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
                        {"Sid": "mask", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
                    ],
                }
            ),
            opts=self._child(),
        )

    def _create_role(self, masked: aws.cloudwatch.LogDataProtectionPolicy) -> pulumi.Output[str]:
        role = aws.iam.Role(
            self._logical(),
            name=self._context.name(NameRule.IAM_ROLE, "log-collection"),
            assume_role_policy=pod_trust(cluster_arn(self._context), AddOn.LOG_COLLECTION.namespace, _SERVICE_ACCOUNT),
            opts=self._child(),
        )
        rights = aws.iam.RolePolicy(
            self._logical(),
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="WriteLogsOfPods",
                    # the collector asks for the group to be made, and is content that it exists
                    actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    resources=[self.log_group.arn, pulumi.Output.format("{0}:*", self.log_group.arn)],
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[masked]),  # nothing is written before it is masked
        )
        return permitted_arn(role, rights)


def _configuration() -> str:
    """Logs of containers, nothing else of what the add-on can do: metrics are Prometheus's, nodes keep their own logs.

    Its agent stays, since the collector mounts the agent's certificates; told of Application Signals alone, it waits for what
    nobody sends (CloudWatch user guide, "Install the CloudWatch agent with the Amazon CloudWatch Observability EKS add-on").
    """
    signals = {"metrics_collected": {"application_signals": {}}}
    return json.dumps(
        {
            "agent": {"config": {"logs": signals}},
            "containerLogs": {"enabled": True, "fluentBit": {"config": {"extraFiles": {"dataplane-log.conf": "", "host-log.conf": ""}}}},
            "manager": {"applicationSignals": {"autoMonitor": {"monitorAllServices": False}}},
        },
        sort_keys=True,
    )
