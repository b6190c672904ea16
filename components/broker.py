"""The message broker: Amazon MQ for RabbitMQ."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import RegionContext
from components.secrets import RegionalSecretArgs, regional_secret
from settings.model import BrokerSettings
from settings.names import NameRule

ADMINISTRATOR = "platform"


@dataclass(frozen=True)
class MessageBrokerArgs:
    """What the broker is given. Subnets: one per zone; a single node takes the first."""

    context: RegionContext
    settings: BrokerSettings
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    secrets_key_arn: pulumi.Input[str]
    recovery_window_days: int
    readers_policy: pulumi.Input[str]


class MessageBroker(pulumi.ComponentResource):
    """RabbitMQ for one region: TLS only, never public, credentials generated and kept in Secrets Manager.

    A broker's users and security groups cannot change without replacing it (Amazon MQ developer guide), so both are fixed
    here, and access is ruled by the security group's own rules. Messages are encrypted at rest with a key that AWS owns:
    Amazon MQ takes no customer key for RabbitMQ.
    """

    endpoint: pulumi.Output[str]
    """AMQPS address, `amqps://host:5671`; a cluster's nodes share it."""
    credentials_arn: pulumi.Output[str]
    """Secret with `username` and `password`."""

    def __init__(self, name: str, args: MessageBrokerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:messaging:MessageBroker", name, None, opts)
        self._args = args
        self._context = args.context

        password = self._create_password()
        self.credentials_arn = self._create_credentials(password)
        broker = self._create_broker(password, self._create_configuration())

        self.endpoint = broker.instances[0].endpoints[0]
        self.register_outputs({"endpoint": self.endpoint, "credentialsArn": self.credentials_arn})

    def _create_password(self) -> random.RandomPassword:
        # Amazon MQ refuses commas, colons and equals signs (API reference, User); 12 to 250 characters
        return random.RandomPassword(
            self._context.logical("broker"), length=40, override_special="!#%&*()-_<>?", opts=pulumi.ResourceOptions(parent=self)
        )

    def _create_credentials(self, password: random.RandomPassword) -> pulumi.Output[str]:
        return regional_secret(
            RegionalSecretArgs(
                context=self._context,
                name="broker-credentials",
                description="RabbitMQ user of the trading services",
                value=pulumi.Output.json_dumps({"username": ADMINISTRATOR, "password": password.result}),
                key_arn=self._args.secrets_key_arn,
                recovery_window_days=self._args.recovery_window_days,
                policy=self._args.readers_policy,
            ),
            parent=self,
        )

    def _create_configuration(self) -> aws.mq.Configuration:
        settings = self._args.settings
        return aws.mq.Configuration(
            self._context.logical("broker"),
            name=self._context.name(NameRule.BROKER, "broker"),
            engine_type="RabbitMQ",
            engine_version=settings.engine_version,
            data=f"consumer_timeout = {settings.consumer_timeout_seconds * 1000}\n",
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_broker(self, password: random.RandomPassword, configuration: aws.mq.Configuration) -> aws.mq.Broker:
        args, settings = self._args, self._args.settings
        cluster = settings.nodes > 1
        return aws.mq.Broker(
            self._context.logical("broker"),
            broker_name=self._context.name(NameRule.BROKER, "broker"),
            engine_type="RabbitMQ",
            engine_version=settings.engine_version,
            host_instance_type=settings.instance,
            deployment_mode="CLUSTER_MULTI_AZ" if cluster else "SINGLE_INSTANCE",
            storage_type="ebs",
            publicly_accessible=False,
            auto_minor_version_upgrade=True,  # the service requires it from 3.13 on
            subnet_ids=args.subnet_ids[: settings.nodes],
            security_groups=[args.security_group_id],
            configuration={"id": configuration.id, "revision": configuration.latest_revision},
            logs={"general": True},  # into groups that the service itself creates and names after the broker's ID
            maintenance_window_start_time={
                "day_of_week": settings.maintenance.day.upper(),
                "time_of_day": settings.maintenance.time,
                "time_zone": "UTC",
            },
            users=[{"username": ADMINISTRATOR, "password": pulumi.Output.secret(password.result)}],
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._context.protect,
                ignore_changes=["users"],  # a change of users replaces the broker
                additional_secret_outputs=["users"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
