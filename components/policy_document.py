"""IAM policy documents, built from typed statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi

Text = pulumi.Input[str]
Condition = Mapping[str, Mapping[str, Text | Sequence[Text]]]
"""Operator -> key -> value or values: `{"StringEquals": {"aws:SourceAccount": "123456789012"}}`."""


@dataclass(frozen=True)
class Principal:
    """Who a statement is about: services, AWS accounts and roles by ARN, or everyone."""

    kind: Literal["Service", "AWS", "*"]
    names: Sequence[Text] = ()

    @staticmethod
    def service(*names: str) -> "Principal":
        """AWS services, `backup.amazonaws.com`."""
        return Principal("Service", names)

    @staticmethod
    def account(account_id: str) -> "Principal":
        """All identities of an account, as far as their own policies allow."""
        return Principal("AWS", [f"arn:aws:iam::{account_id}:root"])

    @staticmethod
    def everyone() -> "Principal":
        """Anyone: for statements that deny, or that a condition narrows."""
        return Principal("*")

    def rendered(self) -> object:
        """As IAM writes it."""
        if self.kind == "*":
            return "*"
        return {self.kind: self.names[0] if len(self.names) == 1 else list(self.names)}


@dataclass(frozen=True)
class Statement:
    """One statement. `principal` is for policies of resources and trust policies, `resources` for all but trust policies."""

    actions: Sequence[str]
    resources: Sequence[Text] = ()
    effect: Literal["Allow", "Deny"] = "Allow"
    sid: str = ""
    principal: Principal | None = None
    conditions: Condition = field(default_factory=dict[str, Mapping[str, Text | Sequence[Text]]])

    def rendered(self) -> dict[str, object]:
        """As IAM writes it: absent parts are left out."""
        parts: dict[str, object] = {"Sid": self.sid} if self.sid else {}
        parts["Effect"] = self.effect
        if self.principal:
            parts["Principal"] = self.principal.rendered()
        parts["Action"] = list(self.actions)
        if self.resources:
            parts["Resource"] = list(self.resources)
        if self.conditions:
            parts["Condition"] = {operator: dict(keys) for operator, keys in self.conditions.items()}
        return parts


def policy_document(*statements: Statement) -> pulumi.Output[str]:
    """The JSON text of a policy."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement.rendered() for statement in statements]})


def pod_trust(cluster_arn: str, namespace: str, service_account: str) -> pulumi.Output[str]:
    """Lets EKS Pod Identity assume a role for one service account of one cluster, whatever else is associated with it.

    Sessions are tagged with what they are for (EKS user guide, "EKS Pod Identity role").
    """
    tags = {"eks-cluster-arn": cluster_arn, "kubernetes-namespace": namespace, "kubernetes-service-account": service_account}
    return policy_document(
        Statement(
            actions=["sts:AssumeRole", "sts:TagSession"],
            principal=Principal.service("pods.eks.amazonaws.com"),
            conditions={"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in tags.items()}},
        ),
    )


def trust(service: str, *, on_behalf_of: str | None = None) -> pulumi.Output[str]:
    """Lets one AWS service assume a role.

    `on_behalf_of` names the account for which it may (the confused-deputy condition), for services that are documented to
    send it. RDS Proxy is documented not to, and would find itself refused; of AWS Backup, Region switch and S3 replication nothing is
    said.
    """
    conditions = {"StringEquals": {"aws:SourceAccount": on_behalf_of}} if on_behalf_of else {}
    return policy_document(Statement(actions=["sts:AssumeRole"], principal=Principal.service(service), conditions=conditions))
