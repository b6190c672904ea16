"""Controls of what users, groups and roles may do."""

import re
from collections.abc import Iterator

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import Condition, Document, Statement, allows_action, document, matches, parse
from policies.engine.resources import Resource
from policies.exposure.permissions_users import ATTACHMENT_TYPES

__all__ = ["IDENTITIES"]

_POLICIES = {
    "aws:iam/policy:Policy": "policy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:iam/groupPolicy:GroupPolicy": "policy",
    "aws:iam/role:Role": "inlinePolicies",
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": "inlinePolicy",
}


def _documents(resource: Resource) -> Iterator[tuple[str, Document]]:
    path = _POLICIES[resource.type]
    if path == "inlinePolicies":
        for number, inline in enumerate(resource.blocks(path)):
            if inline.has("policy"):
                yield f"{path}.{number}.policy", parse(inline.value("policy"), f"{path}[{number}].policy")
    elif (stated := document(resource, path)) is not None:
        yield path, stated


def _refuse_boundaries(resource: Resource) -> None:
    """A boundary says what may be given at most, and gives nothing."""
    if resource.type != "aws:iam/policy:Policy":
        return
    bounded = resource.stack.companions(resource, "aws:iam/role:Role", "aws:iam/user:User", by="permissionsBoundary")
    attached = resource.stack.companions(resource, *ATTACHMENT_TYPES, by="policyArn")
    if bounded and not attached:
        raise NotApplicableError("a boundary gives nothing")


# Conditions that say how, when or whence something is done, and not to what. `iam:PassedToService`, tags of resources and most others say to what.
_OF_THE_CALLER = re.compile(
    r"aws:(securetransport|multifactorauth.*|sourceip|vpcsourceip|sourcevpc.*|useragent|referer|currenttime|epochtime|tokenissuetime|"
    r"principal.*|userid|username|viaawsservice|resourceaccount|resourceorg.*|ec2instance.*|sourceidentity)$|s3:tlsversion$"
)
_OF_THE_PLACE = re.compile(r"aws:requestedregion$|ec2:region$")
_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool", "numericequals")


def _narrows(condition: Condition) -> bool:
    """Whether a condition says to what something may be done."""
    if _OF_THE_CALLER.match(condition.key) or condition.operator not in _POSITIVE:
        return False
    return any(each.strip("*") for each in condition.values) and "*" not in condition.values


def _is_narrowed(statement: Statement, action: str) -> bool:
    """By a condition. A region narrows one service, and not an administrator."""
    return any(_narrows(each) and (action != "*" or not _OF_THE_PLACE.match(each.key)) for each in statement.conditions)


def _covers(resource: str, *, in_one_account: bool) -> bool:
    """Whether a resource stands for all of its kind: `*`, `arn:aws:s3:::*`, `arn:aws:iam::*:role/*`."""
    if not resource.strip("*?"):
        return True
    parts = resource.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004 - parts of an ARN
        return not parts[-1].strip("*")
    service, account, rest = parts[2], parts[4], parts[5]
    if not rest.strip("*/:"):
        return in_one_account or not account.strip("*")
    _, _, name = rest.partition("/") if "/" in rest else rest.partition(":")
    # what stands before the stroke is a kind, `role/*`, but for buckets: `orders/*`
    return bool(name) and not name.strip("*/:") and service != "s3" and (in_one_account or not account.strip("*"))


def _is_everything(statement: Statement, *, in_one_account: bool = False) -> bool:
    return bool(statement.not_resources) or any(_covers(each, in_one_account=in_one_account) for each in statement.resources)


_READING = re.compile(
    r"(describe|list|get|batchget|view|search|lookup|head|check|estimate|preview|read|select|scan|query|simulate|generate)"
)
# What is read there opens something else
_TELLING = ("secretsmanager", "sts", "cognito-identity", "codeartifact", "redshift", "rds-db")
# Services that know no resources, or whose agents use all of it on the instance they run on
_WITHOUT_RESOURCES = ("xray", "ec2messages", "ssmmessages", "cloudwatch", "logs")


def _is_wide(action: str) -> bool:
    service, _, verb = action.rpartition(":")
    if not verb.strip("*?"):
        return service not in ("xray", "ec2messages", "ssmmessages")
    if "*" not in verb or service in _WITHOUT_RESOURCES:
        return False
    return service in _TELLING or not _READING.match(verb)


def _is_unlimited(statement: Statement) -> bool:
    """Whether a statement grants everything on everything: one finding of that is enough."""
    return "*" in statement.actions and _is_everything(statement) and not _is_narrowed(statement, "*")


def _wildcards(resource: Resource) -> Findings:
    for path, stated in _documents(resource):
        for number, statement in enumerate(stated.allowing()):
            wide = [each for each in statement.actions if _is_wide(each) and not _is_narrowed(statement, each)]
            if statement.not_actions and not _is_narrowed(statement, "*"):
                wide = [f"everything but {', '.join(statement.not_actions)}"]
            if wide and _is_everything(statement):
                _refuse_boundaries(resource)
                yield Finding(
                    path,
                    "the actions that are needed, or the resources they are needed on",
                    found=f"allowing statement {number} grants {', '.join(wide[:3])} on every resource",
                )


# Ways from few permissions to all of them, when they hold for every user, role, function or instance.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html and the published research that names these actions
_ESCALATIONS = (
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:AttachUserPolicy",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:AddUserToGroup",
    "iam:UpdateAssumeRolePolicy",
    "iam:PassRole",
    "sts:AssumeRole",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "glue:UpdateDevEndpoint",
    "ssm:SendCommand",
    "ssm:StartSession",
    "ec2-instance-connect:SendSSHPublicKey",
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "kms:PutKeyPolicy",
    "secretsmanager:PutResourcePolicy",
    "sso:AttachManagedPolicyToPermissionSet",
    "sso:CreateAccountAssignment",
    "sso:PutInlinePolicyToPermissionSet",
)
# Whoever may do that to his own role has what he likes
_TO_ITSELF = (
    "iam:AttachRolePolicy",
    "iam:PutRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    "iam:AttachUserPolicy",
    "iam:PutUserPolicy",
)
# What is done there is done in the name of roles or users: all of one account are too many
_OF_ROLES = ("iam:", "sts:")


def _is_taken_back(stated: Document, action: str) -> bool:
    return any(
        allows_action(each, action) and any(not named.strip("*") for named in each.resources) and not each.conditions
        for each in stated.denying()
    )


def _names_itself(resource: Resource, statement: Statement) -> bool:
    """Whether the statement holds for the role or user that has it."""
    for kind, path in (("role", "role"), ("user", "user"), ("role", "name")):
        if (path == "name") != (resource.type == "aws:iam/role:Role") or not resource.is_known(path):
            continue
        name = resource.text(path).rpartition("/")[2]
        if name and any(
            matches(each.rpartition(f":{kind}/")[2].rpartition("/")[2], name) for each in statement.resources if f":{kind}/" in each
        ):
            return True
    return False


def _escalation(resource: Resource) -> Findings:
    for path, stated in _documents(resource):
        for number, statement in enumerate(stated.allowing()):
            if _is_unlimited(statement):
                continue
            ways = [
                each
                for each in _ESCALATIONS
                if allows_action(statement, each)
                and (
                    _is_everything(statement, in_one_account=each.startswith(_OF_ROLES))
                    or (each in _TO_ITSELF and _names_itself(resource, statement))
                )
                and not _is_narrowed(statement, each)
                and not _is_taken_back(stated, each)
            ]
            if ways:
                _refuse_boundaries(resource)
                yield Finding(
                    path,
                    "the roles, users or resources that are meant, or a condition",
                    found=f"allowing statement {number} grants {', '.join(ways[:3])} on all of them",
                )


# https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html, KMS.1 and KMS.2
_DECRYPTING = ("kms:Decrypt", "kms:ReEncryptFrom")


def _decryption(resource: Resource) -> Findings:
    for path, stated in _documents(resource):
        for number, statement in enumerate(stated.allowing()):
            if _is_unlimited(statement):
                continue
            ways = [each for each in _DECRYPTING if allows_action(statement, each) and not _is_narrowed(statement, each)]
            if ways and not _is_taken_back(stated, ways[0]) and any(_covers(each, in_one_account=True) for each in statement.resources):
                _refuse_boundaries(resource)
                yield Finding(
                    path, "the keys that are meant", found=f"allowing statement {number} grants {', '.join(ways)} under every key"
                )


_control = Family(
    Severity.CRITICAL, "Permissions are the perimeter of a cloud: one that is too wide is used by whoever gets in anywhere."
).control


IDENTITIES = (
    _control(
        "exp-iam-wildcards",
        "Nobody may do everything to everything",
        tuple(_POLICIES),
        _wildcards,
        "IAM/latest/UserGuide/best-practices.html",
        "Name the actions and the resources.",
    ),
    _control(
        "exp-iam-escalation",
        "Nobody can give permissions to himself",
        tuple(_POLICIES),
        _escalation,
        "IAM/latest/UserGuide/best-practices.html",
        "Name the roles or users, or bind the action by a condition such as iam:PassedToService.",
    ),
    _control(
        "exp-iam-decryption",
        "Nobody decrypts under every key",
        tuple(_POLICIES),
        _decryption,
        "securityhub/latest/userguide/kms-controls.html",
        "Name the keys, or bind the action by kms:ViaService or kms:EncryptionContext.",
        severity=Severity.HIGH,
    ),
)
