"""Controls of users, of what is attached to them, and of how long they stay in."""

import re
from collections.abc import Iterator

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["ATTACHMENT_TYPES", "USERS"]

ATTACHMENT_TYPES = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
)

_ATTACHMENTS = {
    **dict.fromkeys(ATTACHMENT_TYPES, "policyArn"),
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


# Security Hub Cognito.3. Without the block AWS asks for eight characters of each kind; what the block leaves out is not asked for.
_SHORTEST_OF_CUSTOMERS = 8
_KINDS_OF_CUSTOMERS = ("requireLowercase", "requireUppercase", "requireNumbers", "requireSymbols")


def _customers(resource: Resource) -> Findings:
    stated = resource.block("passwordPolicy")
    if not stated.present:
        raise NotApplicableError("AWS's own policy holds")
    if (stated.number("minimumLength", _SHORTEST_OF_CUSTOMERS) or 0) < _SHORTEST_OF_CUSTOMERS:
        yield Finding("passwordPolicy.minimumLength", f"{_SHORTEST_OF_CUSTOMERS} or more")
    for name in _KINDS_OF_CUSTOMERS:
        if not stated.flag(name):
            yield Finding(f"passwordPolicy.{name}", "true")


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


USERS = (
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
        "exp-cognito-passwords",
        "Passwords of customers are long, and of several kinds of characters",
        ("aws:cognito/userPool:UserPool",),
        _customers,
        "securityhub/latest/userguide/cognito-controls.html",
        f"Set minimumLength to {_SHORTEST_OF_CUSTOMERS} or more, and require each kind of characters.",
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
