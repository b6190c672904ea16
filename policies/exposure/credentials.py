"""Controls of credentials: none that last, none in plain."""

import base64
import binascii
import json
import re
from collections.abc import Callable

from mastertrade.values import Secret
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.resources import Resource

__all__ = ["CREDENTIALS"]

_TELLING_NAME = re.compile(r"(password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|credentials?)$", re.IGNORECASE)
_TELLING_VALUE = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[0-9A-Za-z]{36}\b|\bxox[abp]-[0-9A-Za-z-]{10,}|"
    r"(?i:password|passwd|secret|api_?key|access_?key|token)['\"]?\s*[=:]\s*['\"]?(?!\$|\{|<|arn:|None\b|null\b|true\b|false\b)[^\s'\"$]{6,}|"
    r"://[^/\s:@]+:[^/\s:@${]{3,}@"
)
_REFERENCE = re.compile(r"^(arn:|\$|\{\{|/|https?://[^@]*$|ssm:|vault:|secretsmanager:)|^(true|false|\d{1,3})$", re.IGNORECASE)


def _variables(resource: Resource, path: str) -> Findings:
    for name, value in resource.pairs(path).items():
        raw = resource.block(path).raw()[name]
        if isinstance(raw, Secret) or not isinstance(value, str):
            continue
        if _tells(name, value):
            yield Finding(
                f"{path}.{name}", "a reference to a secret, read when it is needed", found="what reads like a credential, in plain"
            )


def _tells(name: str, value: str) -> bool:
    if value.startswith("arn:"):
        return False
    return bool(value) and (
        (_TELLING_NAME.search(name) is not None and not _REFERENCE.search(value)) or _TELLING_VALUE.search(value) is not None
    )


def _function(resource: Resource) -> Findings:
    if resource.has("environment"):
        yield from _variables(resource, "environment.variables")


def _config_map(resource: Resource) -> Findings:
    yield from _variables(resource, "data")


def _task(resource: Resource) -> Findings:
    text = resource.text("containerDefinitions", "[]")
    if resource.is_secret("containerDefinitions"):
        return
    try:
        containers = Block({"all": json.loads(text)}, "containerDefinitions").blocks("all")
    except ValueError:
        raise MisshapenError("containerDefinitions", "JSON") from None
    for number, container in enumerate(containers):
        for variable in container.blocks("environment"):
            if _tells(variable.text("name"), variable.text("value")):
                found = f"container {number} has what reads like a credential in {variable.text('name')}, in plain"
                yield Finding("containerDefinitions", "`secrets` with the ARN of a secret", found=found)


def _build(resource: Resource) -> Findings:
    for number, variable in enumerate(resource.blocks("environment.environmentVariables") if resource.has("environment") else ()):
        if (
            variable.text("type", "PLAINTEXT") == "PLAINTEXT"
            and not variable.is_secret("value")
            and _tells(variable.text("name"), variable.text("value"))
        ):
            yield Finding(
                f"environment.environmentVariables.{number}", "the type SECRETS_MANAGER", found="what reads like a credential, in plain"
            )


def _start_script(resource: Resource) -> Findings:
    for path in ("userData", "userDataBase64"):
        text = resource.text(path)
        if not text or resource.is_secret(path):
            continue
        try:
            decoded = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, ValueError):
            decoded = ""
        if _TELLING_VALUE.search(text) or _TELLING_VALUE.search(decoded):
            yield Finding(path, "a script that reads its secrets with the instance's role", found="what reads like a credential, in plain")


def _marked(path: str) -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if not resource.is_secret(path) and resource.value(path) not in (None, "", [], {}):
            yield Finding(path, "a value that Pulumi keeps secret", found="a password in plain")

    return judge


def _lasting(resource: Resource) -> Findings:
    if resource.text("status", "Active") != "Inactive":
        yield Finding("", "a role, assumed for an hour", found="a credential that lasts")


def _metadata(resource: Resource) -> Findings:
    if resource.text("metadataOptions.httpEndpoint", "enabled") != "disabled" and resource.text("metadataOptions.httpTokens") != "required":
        yield Finding("metadataOptions.httpTokens", "required")


_control = Family(
    Severity.CRITICAL, "A credential that can be read is used by whoever reads it: in a state, a console, a log, a backup."
).control


_VARIABLES = "https://docs.aws.amazon.com/prescriptive-guidance/latest/secure-sensitive-data-secrets-manager-terraform/introduction.html"
CREDENTIALS = (
    _control(
        "exp-lambda-variables",
        "Variables of functions hold no credential",
        ("aws:lambda/function:Function",),
        _function,
        _VARIABLES,
        "Read the secret when the function starts.",
    ),
    _control(
        "exp-ecs-variables",
        "Variables of tasks hold no credential",
        ("aws:ecs/taskDefinition:TaskDefinition",),
        _task,
        _VARIABLES,
        "Name the secret's ARN under `secrets`.",
    ),
    _control(
        "exp-codebuild-variables",
        "Variables of builds hold no credential",
        ("aws:codebuild/project:Project",),
        _build,
        _VARIABLES,
        "Set the variable's type to SECRETS_MANAGER.",
    ),
    _control(
        "exp-ec2-start-script",
        "Start scripts hold no credential",
        ("aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/launchConfiguration:LaunchConfiguration"),
        _start_script,
        _VARIABLES,
        "Read the secret with the instance's role.",
    ),
    _control(
        "exp-k8s-config-map",
        "Config maps hold no credential",
        ("kubernetes:core:ConfigMap",),
        _config_map,
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "Put it into a secret store, mounted by the pods that need it.",
    ),
    _control(
        "exp-rds-password",
        "Passwords of databases are kept secret",
        ("aws:rds/instance:Instance",),
        _marked("password"),
        "https://www.pulumi.com/docs/iac/concepts/secrets/",
        "Let RDS manage the password (manageMasterUserPassword), or mark the value secret.",
    ),
    _control(
        "exp-cluster-password",
        "Passwords of database clusters are kept secret",
        ("aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:redshift/cluster:Cluster"),
        _marked("masterPassword"),
        "https://www.pulumi.com/docs/iac/concepts/secrets/",
        "Let the service manage the password (manageMasterUserPassword), or mark the value secret.",
    ),
    _control(
        "exp-iam-lasting",
        "Nobody has credentials that last",
        ("aws:iam/accessKey:AccessKey", "aws:iam/userLoginProfile:UserLoginProfile"),
        _lasting,
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
        "Use roles and IAM Identity Center.",
    ),
    _control(
        "exp-ec2-metadata",
        "Instances give credentials to sessions only",
        ("aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"),
        _metadata,
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
        "Set metadataOptions.httpTokens to required.",
    ),
)
