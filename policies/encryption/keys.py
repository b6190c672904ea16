"""Controls of keys."""

import re
from collections.abc import Iterator

from policies.engine.control import Control, Finding, Findings, Judge, NotApplicableError, Severity
from policies.engine.documents import Document, document, grants_to_everybody, is_restricting, matches
from policies.engine.resources import Resource

__all__ = ["KEYS"]

_LONGEST_ROTATION_DAYS = 365
_LONGEST_WINDOW_DAYS = 30  # and what holds without a figure
_SHORTEST_WINDOW_DAYS = 7  # that AWS allows, and over before anybody is back from a holiday


def _rotation(resource: Resource) -> Findings:
    spec = resource.text("customerMasterKeySpec", "SYMMETRIC_DEFAULT").upper()
    if (
        spec != "SYMMETRIC_DEFAULT"
        or resource.has("customKeyStoreId")
        or resource.has("xksKeyId")
        or resource.text("keyUsage", "ENCRYPT_DECRYPT").upper() != "ENCRYPT_DECRYPT"
    ):
        raise NotApplicableError("AWS rotates symmetric encryption keys of its own store only")
    if not resource.flag("enableKeyRotation"):
        yield Finding("enableKeyRotation", "true")
    elif (resource.number("rotationPeriodInDays", _LONGEST_ROTATION_DAYS) or 0) > _LONGEST_ROTATION_DAYS:
        yield Finding("rotationPeriodInDays", f"at most {_LONGEST_ROTATION_DAYS}")


def _window(resource: Resource) -> Findings:
    if (resource.number("deletionWindowInDays", _LONGEST_WINDOW_DAYS) or 0) <= _SHORTEST_WINDOW_DAYS:
        yield Finding("deletionWindowInDays", f"more than {_SHORTEST_WINDOW_DAYS}, better {_LONGEST_WINDOW_DAYS}")


def _policy(resource: Resource) -> Findings:
    # without one, AWS's default: the account that owns it
    for found in grants_to_everybody(resource, "policy"):
        yield Finding("policy", "a principal of this account, or a condition that names the caller", found=found)
    administrators = sorted(set(_administering_accounts(document(resource, "policy"))))
    if len(administrators) > 1:
        yield Finding(
            "policy", "kms:* for the account that owns the key alone", found=f"kms:* for the accounts {', '.join(administrators)}"
        )


_ACCOUNT = re.compile(r"(?:arn:aws[\w-]*:iam::)?(\d{12})(?::.*)?")


def _administering_accounts(found: Document | None) -> Iterator[str]:
    """Accounts whose principals may do everything with a key, its deletion included."""
    for statement in found.allowing() if found else ():
        if any(matches(each, "kms:schedulekeydeletion") and each.endswith("*") for each in statement.actions) and not any(
            is_restricting(each) for each in statement.conditions
        ):
            for principal in statement.principals.get("aws", ()):
                if account := _ACCOUNT.fullmatch(principal):
                    yield account.group(1)


def _lock_out(resource: Resource) -> Findings:
    if resource.flag("bypassPolicyLockoutSafetyCheck"):
        yield Finding("bypassPolicyLockoutSafetyCheck", "false")


def _enabled(resource: Resource) -> Findings:
    path = "isEnabled" if resource.type == _OWNED else "enabled"
    if resource.type in (_IMPORTED, _IMPORTED_COPY) and not resource.has("keyMaterialBase64"):
        raise NotApplicableError("its material is imported later: until then it cannot be enabled")
    if not resource.flag(path, default=True):
        yield Finding(path, "true")


def _alias(resource: Resource) -> Findings:
    for path in ("name", "namePrefix"):
        if resource.text(path).lower().startswith("alias/aws/"):
            yield Finding(path, "a name that does not begin with alias/aws/, which is for AWS's own keys")


def _grant(resource: Resource) -> Findings:
    for path in ("granteePrincipal", "retiringPrincipal"):
        if "*" in resource.text(path):
            yield Finding(path, "the ARN of one role or user")


def _key(id_: str, title: str, severity: Severity, types: tuple[str, ...], judge: Judge, rationale: str, fix: str, guide: str) -> Control:

    return Control(id_, title, severity, rationale, fix, types, judge, (f"https://docs.aws.amazon.com/kms/latest/developerguide/{guide}",))


_OWNED = "aws:kms/key:Key"
_COPY = "aws:kms/replicaKey:ReplicaKey"
_IMPORTED = "aws:kms/externalKey:ExternalKey"
_IMPORTED_COPY = "aws:kms/replicaExternalKey:ReplicaExternalKey"
_ALL = (_OWNED, _COPY, _IMPORTED, _IMPORTED_COPY)
_POLICY = "aws:kms/keyPolicy:KeyPolicy"
KEYS = (
    _key(
        "enc-kms-rotation",
        "Keys are rotated every year",
        Severity.MEDIUM,
        (_OWNED,),
        _rotation,
        "The longer a key is used, the more a leak of it opens.",
        "Set enableKeyRotation.",
        "rotate-keys.html",
    ),
    _key(
        "enc-kms-deletion-window",
        "Deleting a key can be taken back for more than a week",
        Severity.HIGH,
        _ALL,
        _window,
        "What is encrypted under a deleted key is lost, backups included.",
        "Set deletionWindowInDays to 30.",
        "deleting-keys.html",
    ),
    _key(
        "enc-kms-enabled",
        "Keys are enabled",
        Severity.MEDIUM,
        _ALL,
        _enabled,
        "Nothing that is encrypted under a disabled key can be read, and it is not rotated.",
        "Leave the key enabled, or schedule its deletion.",
        "enabling-keys.html",
    ),
    _key(
        "enc-kms-policy",
        "Keys are used by named principals only",
        Severity.CRITICAL,
        (*_ALL, _POLICY),
        _policy,
        "A key that everybody may use protects nothing.",
        "Name principals, or add a condition such as kms:CallerAccount.",
        "key-policies.html",
    ),
    _key(
        "enc-kms-lockout",
        "Nobody can lock everybody out of a key",
        Severity.MEDIUM,
        (*_ALL, _POLICY),
        _lock_out,
        "A key whose policy nobody may change stays as it is, for ever.",
        "Leave bypassPolicyLockoutSafetyCheck at false.",
        "key-policy-default.html",
    ),
    _key(
        "enc-kms-alias",
        "Aliases of keys are the customer's",
        Severity.LOW,
        ("aws:kms/alias:Alias",),
        _alias,
        "KMS refuses names that are AWS's own, and who reads one takes the key for AWS's.",
        "Begin the name with alias/ and something else than aws/.",
        "alias-about.html",
    ),
    _key(
        "enc-kms-grant",
        "Grants name one principal",
        Severity.HIGH,
        ("aws:kms/grant:Grant",),
        _grant,
        "A grant holds beside the key's policy, where nobody looks for it.",
        "Name the role or user that needs the key.",
        "grants.html",
    ),
)
