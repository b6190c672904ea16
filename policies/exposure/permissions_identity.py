"""Controls of what users, groups and roles may do."""

import re
from collections.abc import Iterator

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import Condition, Document, Statement, allows_action, document, matches, parse
from policies.engine.resources import Resource

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
    attached = resource.stack.companions(resource, *_ATTACHED_TYPES, by="policyArn")
    if bounded and not attached:
        raise NotApplicableError("a boundary gives nothing")


_ATTACHED_TYPES = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)

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


_ATTACHMENTS = {
    **dict.fromkeys(_ATTACHED_TYPES, "policyArn"),
    "aws:iam/role:Role": "managedPolicyArns",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": "policyArns",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": "policyArns",
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": "managedPolicyArn",
    "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive": "managedPolicyArns",
    "aws:rolesanywhere/profile:Profile": "managedPolicyArns",
}
_OF_AWS = re.compile(r"^arn:aws[\w-]*:iam::aws:policy/(?:[\w-]+/)*([\w-]+)$", re.IGNORECASE)
_ADMINISTRATORS = frozenset({"administratoraccess", "iamfullaccess", "poweruseraccess"})
# The guides of these services give their roles the policy that bears this name
_GUIDED = frozenset({"amazonsagemakerfullaccess", "amazonredshiftallcommandsfullaccess"})


def _attached(resource: Resource) -> Iterator[tuple[str, str]]:
    """AWS's own policies by name, wherever they are attached."""
    path = _ATTACHMENTS[resource.type]
    for arn in resource.texts(path):
        if (named := _OF_AWS.match(arn)) is not None:
            yield path, named.group(1)


def _administrators(resource: Resource) -> Findings:
    for path, name in _attached(resource):
        if name.lower() in _ADMINISTRATORS:
            yield Finding(path, "a policy with the permissions that are needed", found=name)


def _full_access(resource: Resource) -> Findings:
    for path, name in _attached(resource):
        plain = name.lower()
        if plain.endswith("fullaccess") and plain not in _GUIDED and plain not in _ADMINISTRATORS:
            yield Finding(path, "a policy with the permissions that are needed", found=name)


def _directly(resource: Resource) -> Findings:
    if resource.type == "aws:iam/user:User":
        direct = resource.stack.companions(
            resource, "aws:iam/userPolicyAttachment:UserPolicyAttachment", "aws:iam/userPolicy:UserPolicy", by="user"
        )
        if direct:
            yield Finding("", "the membership of a group", found=f"{direct[0]}")
    elif resource.texts("users"):
        yield Finding("users", "groups or roles")


# CIS AWS Foundations Benchmark 1.8 and 1.9; Security Hub IAM.15 and IAM.16
_SHORTEST_PASSWORD = 14
_REMEMBERED_PASSWORDS = 24
_KINDS = ("requireLowercaseCharacters", "requireUppercaseCharacters", "requireNumbers", "requireSymbols")


def _passwords(resource: Resource) -> Findings:
    # without them AWS asks for six characters, and remembers nothing
    if (resource.number("minimumPasswordLength", 6) or 0) < _SHORTEST_PASSWORD:
        yield Finding("minimumPasswordLength", f"{_SHORTEST_PASSWORD} or more")
    if (resource.number("passwordReusePrevention", 0) or 0) < _REMEMBERED_PASSWORDS:
        yield Finding("passwordReusePrevention", f"{_REMEMBERED_PASSWORDS}")
    for name in _KINDS:
        if not resource.flag(name, default=True):
            yield Finding(name, "true")


_LONGEST_SESSION_HOURS = 8
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$", re.IGNORECASE)


def _sessions(resource: Resource) -> Findings:
    stated = _DURATION.match(resource.text("sessionDuration", "PT1H"))
    if stated is None:
        return
    days, hours, minutes, seconds = (int(each or 0) for each in stated.groups())
    if days * 24 + hours + minutes / 60 + seconds / 3600 > _LONGEST_SESSION_HOURS:
        yield Finding("sessionDuration", f"at most PT{_LONGEST_SESSION_HOURS}H")


def _login(resource: Resource) -> Findings:
    if not resource.flag("passwordResetRequired"):
        yield Finding("passwordResetRequired", "true")
    # 20 is the provider's default
    if (resource.number("passwordLength", 20) or 0) < _SHORTEST_PASSWORD:
        yield Finding("passwordLength", f"{_SHORTEST_PASSWORD} or more")
    if not resource.has("pgpKey"):
        yield Finding("pgpKey", "the key of whoever gets the password")


def _lasting(resource: Resource) -> Findings:
    # a credential of one service can end by itself
    if resource.text("status", "Active").lower() != "inactive" and not _ends(resource):
        yield Finding("", "a role, assumed for an hour", found="a credential that lasts")


def _ends(resource: Block) -> bool:
    return bool(resource.number("credentialAgeDays", 0))


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
    _control(
        "exp-iam-administrators",
        "Nobody is administrator by an AWS managed policy",
        tuple(_ATTACHMENTS),
        _administrators,
        "IAM/latest/UserGuide/best-practices.html",
        "Attach a policy with the permissions that are needed.",
    ),
    _control(
        "exp-iam-full-access",
        "Nobody has all of a service by an AWS managed policy",
        tuple(_ATTACHMENTS),
        _full_access,
        "IAM/latest/UserGuide/best-practices.html",
        "Attach a policy with the permissions that are needed.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-iam-users",
        "Users have what their groups have",
        ("aws:iam/policyAttachment:PolicyAttachment", "aws:iam/user:User"),
        _directly,
        "securityhub/latest/userguide/iam-controls.html",
        "Attach the policy to a group or a role.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "exp-iam-password-policy",
        "Passwords of users are long, and new",
        ("aws:iam/accountPasswordPolicy:AccountPasswordPolicy",),
        _passwords,
        "securityhub/latest/userguide/iam-controls.html",
        f"Set minimumPasswordLength to {_SHORTEST_PASSWORD} and passwordReusePrevention to {_REMEMBERED_PASSWORDS}.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "exp-iam-login",
        "Passwords of the console are known to their users only",
        ("aws:iam/userLoginProfile:UserLoginProfile",),
        _login,
        "IAM/latest/UserGuide/id_credentials_passwords_admin-change-user.html",
        "Set passwordResetRequired and pgpKey; better, let people sign in through IAM Identity Center.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-iam-lasting",
        "Nobody has credentials that last",
        (
            "aws:iam/accessKey:AccessKey",
            "aws:iam/serviceSpecificCredential:ServiceSpecificCredential",
            "aws:iam/signingCertificate:SigningCertificate",
        ),
        _lasting,
        "IAM/latest/UserGuide/best-practices.html",
        "Use roles and IAM Identity Center.",
    ),
    _control(
        "exp-sso-session",
        "Sessions of people end with their day",
        ("aws:ssoadmin/permissionSet:PermissionSet",),
        _sessions,
        "singlesignon/latest/userguide/howtosessionduration.html",
        f"Set sessionDuration to PT{_LONGEST_SESSION_HOURS}H or less.",
        severity=Severity.LOW,
    ),
)
