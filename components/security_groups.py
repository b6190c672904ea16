"""Security groups: one per boundary of `settings/traffic.py`, with the rules that its rows say and no other."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.network import ANYWHERE
from settings.traffic import Boundary, BoundaryFlow, boundary_flows


@dataclass(frozen=True)
class SecurityGroupsArgs:
    """What the security groups are given."""

    context: RegionContext
    vpc_id: pulumi.Input[str]


class SecurityGroups(pulumi.ComponentResource):
    """The security groups of a region. Rules are resources of their own, since a broker's group can never be replaced."""

    def __init__(self, name: str, args: SecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:network:SecurityGroups", name, None, opts)
        self._context = args.context
        self._groups = {boundary: self._group(boundary, args.vpc_id) for boundary in Boundary}
        for flow in boundary_flows():
            self._rules(flow)
        self.register_outputs({f"{boundary}Id": group.id for boundary, group in self._groups.items()})

    def group_id(self, boundary: Boundary) -> pulumi.Output[str]:
        """ID of the group around a boundary."""
        return self._groups[boundary].id

    def _group(self, boundary: Boundary, vpc_id: pulumi.Input[str]) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            self._context.logical(boundary),
            name=f"{self._context.names.project}-{self._context.names.stack}-{boundary}",
            description=f"{boundary} of {self._context.names.project} {self._context.names.stack}",
            vpc_id=vpc_id,
            revoke_rules_on_delete=True,  # groups name one another: without this they could not be deleted
            tags={"Name": self._context.logical(boundary)},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _rules(self, flow: BoundaryFlow) -> None:
        source = flow.source or "internet"
        target = flow.target or "internet"
        logical = self._context.logical(source, target, str(flow.port))
        description = f"{source} to {target}"
        child = pulumi.ResourceOptions(parent=self)
        if flow.source:
            aws.vpc.SecurityGroupEgressRule(
                logical,
                security_group_id=self._groups[flow.source].id,
                referenced_security_group_id=self._groups[flow.target].id if flow.target else None,
                cidr_ipv4=None if flow.target else ANYWHERE,
                ip_protocol="tcp",
                from_port=flow.port,
                to_port=flow.port,
                description=description,
                opts=child,
            )
        if flow.target:
            aws.vpc.SecurityGroupIngressRule(
                logical,
                security_group_id=self._groups[flow.target].id,
                referenced_security_group_id=self._groups[flow.source].id if flow.source else None,
                cidr_ipv4=None if flow.source else ANYWHERE,
                ip_protocol="tcp",
                from_port=flow.port,
                to_port=flow.port,
                description=description,
                opts=child,
            )
