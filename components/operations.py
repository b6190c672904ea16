"""Where operators stand: one host in the management segment, started when somebody needs it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document
from settings.names import NameRule

# Amazon Linux 2023 carries the agent of Session Manager; EC2 looks the image up when it starts the host
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
_INSTANCE_TYPE = "t4g.micro"
_DISK_GIB = 8


@dataclass(frozen=True)
class OperationsHostArgs:
    """What the host is given: subnets and security group of the management segment, the key of its disk."""

    context: RegionContext
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]


class OperationsHost(pulumi.ComponentResource):
    """Reached through Session Manager only: no public address, no inbound rule, no key pair.

    From here, and from nowhere else, operators forward a port to the broker's console or to the database. The group is
    empty until an operator sets its capacity to one.
    """

    group_name: pulumi.Output[str]

    def __init__(self, name: str, args: OperationsHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:operations:OperationsHost", name, None, opts)
        self._args = args
        self._context = args.context
        self._logical = args.context.logical("operations")

        template = self._create_template(self._create_profile())
        group = self._create_group(template)

        self.group_name = group.name
        self.register_outputs({"groupName": self.group_name})

    def _create_profile(self) -> aws.iam.InstanceProfile:
        role = aws.iam.Role(
            self._logical,
            name=self._context.name(NameRule.IAM_ROLE, "operations"),
            assume_role_policy=policy_document(Statement(actions=["sts:AssumeRole"], principal=Principal.service("ec2.amazonaws.com"))),
            opts=pulumi.ResourceOptions(parent=self),
        )
        session_manager = aws.iam.RolePolicyAttachment(
            self._logical,
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return aws.iam.InstanceProfile(
            self._logical,
            name=self._context.name(NameRule.IAM_ROLE, "operations"),
            role=role.name,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[session_manager]),
        )

    def _create_template(self, profile: aws.iam.InstanceProfile) -> aws.ec2.LaunchTemplate:
        return aws.ec2.LaunchTemplate(
            self._logical,
            name=self._context.name(NameRule.LAUNCH_TEMPLATE, "operations"),
            image_id=_IMAGE,
            instance_type=_INSTANCE_TYPE,
            update_default_version=True,
            iam_instance_profile={"arn": profile.arn},
            vpc_security_group_ids=[self._args.security_group_id],
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "encrypted": "true",
                        "kms_key_id": self._args.volumes_key_arn,
                        "volume_type": "gp3",
                        "volume_size": _DISK_GIB,
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[{"resource_type": "instance", "tags": {"Name": self._logical}}],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_group(self, template: aws.ec2.LaunchTemplate) -> aws.autoscaling.Group:
        return aws.autoscaling.Group(
            self._logical,
            name=self._context.name(NameRule.LAUNCH_TEMPLATE, "operations"),
            min_size=0,
            max_size=1,
            desired_capacity=0,
            vpc_zone_identifiers=self._args.subnet_ids,
            launch_template={"id": template.id, "version": "$Latest"},
            max_instance_lifetime=7 * 24 * 3600,  # whoever forgot it gets a patched one after a week
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["desired_capacity"]),  # operators turn it on and off
        )
