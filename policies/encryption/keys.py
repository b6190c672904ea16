"""Controls of keys."""

from collections.abc import Iterator

from policies.engine.control import Control, Finding, Judge, NotApplicableError, Severity
from policies.engine.documents import grants_to_everybody
from policies.engine.resources import Resource

__all__ = ["KEYS"]

_LONGEST_ROTATION_DAYS = 365
_SHORTEST_WINDOW_DAYS = 30


def _rotation(resource: Resource) -> Iterator[Finding]:
    spec = resource.text("customerMasterKeySpec", "SYMMETRIC_DEFAULT").upper()
    if (
        spec != "SYMMETRIC_DEFAULT"
        or resource.has("customKeyStoreId")
        or resource.text("keyUsage", "ENCRYPT_DECRYPT").upper() != "ENCRYPT_DECRYPT"
    ):
        raise NotApplicableError("AWS rotates symmetric encryption keys of its own store only")
    if not resource.flag("enableKeyRotation"):
        yield Finding("enableKeyRotation", "true")
    elif (resource.number("rotationPeriodInDays", _LONGEST_ROTATION_DAYS) or 0) > _LONGEST_ROTATION_DAYS:
        yield Finding("rotationPeriodInDays", f"at most {_LONGEST_ROTATION_DAYS}")


def _window(resource: Resource) -> Iterator[Finding]:
    if (resource.number("deletionWindowInDays", _SHORTEST_WINDOW_DAYS) or 0) < _SHORTEST_WINDOW_DAYS:
        yield Finding("deletionWindowInDays", f"{_SHORTEST_WINDOW_DAYS}")


def _policy(resource: Resource) -> Iterator[Finding]:
    # without one, AWS's default: the account that owns it
    for found in grants_to_everybody(resource, "policy"):
        yield Finding("policy", "a principal of this account, or a condition that names the caller", found=found)


def _lock_out(resource: Resource) -> Iterator[Finding]:
    if resource.flag("bypassPolicyLockoutSafetyCheck"):
        yield Finding("bypassPolicyLockoutSafetyCheck", "false")


def _key(id_: str, title: str, severity: Severity, types: tuple[str, ...], judge: Judge, rationale: str, fix: str, guide: str) -> Control:

    return Control(id_, title, severity, rationale, fix, types, judge, (f"https://docs.aws.amazon.com/kms/latest/developerguide/{guide}",))


_OWNED = "aws:kms/key:Key"
_COPY = "aws:kms/replicaKey:ReplicaKey"
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
        "Deleting a key can be taken back for thirty days",
        Severity.HIGH,
        (_OWNED, _COPY),
        _window,
        "What is encrypted under a deleted key is lost, backups included.",
        "Set deletionWindowInDays to 30.",
        "deleting-keys.html",
    ),
    _key(
        "enc-kms-policy",
        "Keys are used by named principals only",
        Severity.CRITICAL,
        (_OWNED, _COPY),
        _policy,
        "A key that everybody may use protects nothing.",
        "Name principals, or add a condition such as kms:CallerAccount.",
        "key-policies.html",
    ),
    _key(
        "enc-kms-lockout",
        "Nobody can lock everybody out of a key",
        Severity.MEDIUM,
        (_OWNED, _COPY),
        _lock_out,
        "A key whose policy nobody may change stays as it is, for ever.",
        "Leave bypassPolicyLockoutSafetyCheck at false.",
        "key-policy-default.html",
    ),
)
