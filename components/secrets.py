"""The secrets store: Secrets Manager, every secret with its readers named and everyone else refused."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import RegionContext
from components.policy_document import Principal, Statement, policy_document
from settings.catalog import Region
from settings.credentials import Credential, Source
from settings.model import SecretsSettings
from settings.names import NameRule, Names
from settings.traffic import Peer


def service_role_name(names: Names, service: Peer, region: Region) -> str:
    """Name of the IAM role that the pods of a service assume in a region."""
    return names.of(NameRule.IAM_ROLE, "service", service, region)


def service_role_arn(names: Names, account_id: str, service: Peer, region: Region) -> str:
    """Its ARN, which policies and mappings may name before there is the role."""
    return f"arn:aws:iam::{account_id}:role/{service_role_name(names, service, region)}"


@dataclass(frozen=True)
class Readers:
    """Who may read secrets: services through their roles in all regions, and the administrators' roles."""

    names: Names
    account_id: str
    regions: Sequence[Region]
    administrators: Sequence[str]

    def arns(self, services: Sequence[Peer]) -> list[str]:
        """ARNs, or patterns of ARNs, of all that may read a secret of these services."""
        roles = [service_role_arn(self.names, self.account_id, service, region) for service in services for region in self.regions]
        return [*self.administrators, *roles]


def readers_policy(readers: Readers, services: Sequence[Peer], read_by: Sequence[str] = ()) -> pulumi.Output[str]:
    """Refuses the value to everyone but the readers; `read_by` are AWS services, which are let in by name.

    It denies nothing but reading, so an administrator can always repair the policy itself. Replicas carry the same policy,
    hence the readers of all regions and no region in a condition.
    """
    return policy_document(
        *(_let_in(service, readers.account_id) for service in read_by),
        Statement(
            sid="RefuseValueToAllButReaders",
            effect="Deny",
            actions=["secretsmanager:GetSecretValue"],
            resources=["*"],
            principal=Principal.everyone(),
            conditions={
                "ArnNotLike": {"aws:PrincipalArn": readers.arns(services)},
                # AWS services that rotate or use a secret on our behalf have no role of ours
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        ),
    )


def _let_in(service: str, account_id: str) -> Statement:
    return Statement(
        sid=f"ReadBy{service.capitalize()}",
        actions=["secretsmanager:GetSecretValue"],
        resources=["*"],
        principal=Principal.service(f"{service}.amazonaws.com"),
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )


@dataclass(frozen=True)
class ReplicaTarget:
    """Another region that keeps a copy of every shared secret."""

    region: Region
    key_arn: pulumi.Input[str]


@dataclass(frozen=True)
class SecretsStoreArgs:
    """What the secrets store is given. `replicas` are the other regions."""

    context: RegionContext
    settings: SecretsSettings
    credentials: Sequence[Credential]
    key_arn: pulumi.Input[str]
    replicas: Sequence[ReplicaTarget]
    readers: Readers


class SecretsStore(pulumi.ComponentResource):
    """The secrets that all regions share, created in the primary region and replicated to the others."""

    def __init__(self, name: str, args: SecretsStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:secrets:SecretsStore", name, None, opts)
        self._args = args
        self._context = args.context
        self.arns: dict[str, pulumi.Output[str]] = {}
        for credential in args.credentials:
            self._declare(credential)
        self.register_outputs({"arns": self.arns})

    def readable(self, service: Peer) -> list[Credential]:
        """The shared secrets that a service reads."""
        return [each for each in self._args.credentials if service in each.readers]

    def arn_in(self, name: str, region: Region) -> pulumi.Output[str]:
        """ARN of a shared secret's copy in a region: the same but for the region (Secrets Manager user guide, "Replicate secrets")."""
        home = self._context.region
        return self.arns[name].apply(lambda arn: arn.replace(f":{home}:", f":{region}:", 1))

    def add(
        self, name: str, description: str, value: pulumi.Input[str], *, readers: Sequence[Peer], parent: pulumi.Resource
    ) -> pulumi.Output[str]:
        """A shared secret whose value another component generates. Returns its ARN, known once it can be read."""
        secret = self._secret(name, description, parent)
        version = _version(self._context.logical(name), secret, value, parent)
        self._restrict(name, secret, readers, [version], parent)
        return version.secret_arn

    def _declare(self, credential: Credential) -> None:
        if credential.source is Source.GENERATED:
            logical = self._context.logical(credential.name)
            value = random.RandomPassword(logical, length=credential.length, special=False, opts=pulumi.ResourceOptions(parent=self))
            arn = self.add(credential.name, credential.description, value.result, readers=credential.readers, parent=self)
        else:
            secret = self._secret(credential.name, credential.description, self)
            self._restrict(credential.name, secret, credential.readers, [], self, credential.read_by)
            arn = secret.arn
        self.arns[credential.name] = arn

    def _secret(self, name: str, description: str, parent: pulumi.Resource) -> aws.secretsmanager.Secret:
        return aws.secretsmanager.Secret(
            self._context.logical(name),
            name=secret_name(self._context.names, name),
            description=description,
            kms_key_id=self._args.key_arn,
            recovery_window_in_days=self._args.settings.recovery_window_days,
            replicas=[{"region": target.region, "kms_key_id": target.key_arn} for target in self._args.replicas],
            opts=pulumi.ResourceOptions(parent=parent, protect=self._context.protect),
        )

    def _restrict(
        self,
        name: str,
        secret: aws.secretsmanager.Secret,
        readers: Sequence[Peer],
        after: Sequence[pulumi.Resource],
        parent: pulumi.Resource,
        read_by: Sequence[str] = (),
    ) -> None:
        aws.secretsmanager.SecretPolicy(
            self._context.logical(name),
            secret_arn=secret.arn,
            policy=readers_policy(self._args.readers, readers, read_by),
            block_public_policy=True,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=after),
        )


def secret_name(names: Names, *parts: str) -> str:
    """`mastertrade/prod/jwt-signing-key`."""
    return names.path(*parts).lstrip("/")


def _version(
    logical_name: str, secret: aws.secretsmanager.Secret, value: pulumi.Input[str], parent: pulumi.Resource
) -> aws.secretsmanager.SecretVersion:
    return aws.secretsmanager.SecretVersion(
        logical_name,
        secret_id=secret.id,
        secret_string=pulumi.Output.secret(value),
        opts=pulumi.ResourceOptions(parent=parent, additional_secret_outputs=["secret_string"]),
    )


@dataclass(frozen=True)
class RegionalSecretArgs:
    """What a secret of one region alone is given."""

    context: RegionContext
    name: str
    description: str
    value: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    recovery_window_days: int
    policy: pulumi.Input[str]


def regional_secret(args: RegionalSecretArgs, parent: pulumi.Resource) -> pulumi.Output[str]:
    """A secret that no other region needs. Returns its ARN, known once it can be read."""
    logical = args.context.logical(args.name)
    secret = aws.secretsmanager.Secret(
        logical,
        name=secret_name(args.context.names, args.context.region, args.name),
        description=args.description,
        kms_key_id=args.key_arn,
        recovery_window_in_days=args.recovery_window_days,
        opts=pulumi.ResourceOptions(parent=parent, protect=args.context.protect),
    )
    version = _version(logical, secret, args.value, parent)
    aws.secretsmanager.SecretPolicy(
        logical,
        secret_arn=secret.arn,
        policy=args.policy,
        block_public_policy=True,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[version]),
    )
    return version.secret_arn
