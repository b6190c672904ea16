"""What is dangerous about single properties that change."""

import re
from collections.abc import Iterator
from typing import cast

from mastertrade.changes.model import ABSENT, Danger, Difference, Reason
from mastertrade.changes.sizes import amount, size
from mastertrade.changes.tables import CAPACITY, FLAGS, KEYS, LEVELS, RETENTION, SIZES, ZONES
from mastertrade.changes.traffic import flows, wider
from mastertrade.values import HIDDEN_SECRET, Plain

__all__ = ["of_leaf", "of_option"]


def of_leaf(type_: str, leaf: Difference, *, new: bool) -> Iterator[Reason]:
    """Why the change of one single value is dangerous. `new`: the resource is created with it."""
    if not leaf.names:
        return
    yield from _of_flag(leaf, new=new)
    yield from _of_level(type_, leaf)
    yield from _of_exposure(type_, leaf, new=new)
    if not new:
        yield from _of_retention(type_, leaf)
        yield from _of_capacity(leaf)
        yield from _of_key(leaf)
        yield from _of_version(leaf)


def of_option(difference: Difference) -> Iterator[Reason]:
    """Why the change of one of Pulumi's options is dangerous."""
    name = difference.names[0]
    if name == "protect" and difference.after is False:
        yield Reason(Danger.DATA_LOSS, "is no longer protected from deletion by Pulumi")
    elif name == "retainOnDelete" and difference.after is False:
        yield Reason(Danger.DATA_LOSS, "no longer outlives its declaration")
    elif name == "deletedWith" and difference.after:
        yield Reason(Danger.OTHER, "is no longer deleted by itself, but with something else")


def _of_flag(leaf: Difference, *, new: bool) -> Iterator[Reason]:
    known = FLAGS.get(leaf.names[-1])
    if known is None:
        return
    dangerous, danger, text = known
    before, after = _flag(leaf.before), _flag(leaf.after)
    # what is created without protection had none to lose; that it stands open is news
    if (after is dangerous and danger is Danger.EXPOSURE) if new else _turns(before, after, dangerous=dangerous):
        yield Reason(danger, text, (leaf.path,))


def _turns(before: bool | None, after: bool | None, *, dangerous: bool) -> bool:
    """Whether a switch goes to its dangerous side; without a value it stands on the other, or on AWS's default, which is off."""
    if after is None:
        return before is True and not dangerous
    return after is dangerous and before is not dangerous and (dangerous or before is not None)


_ON, _OFF = ("true", "1", "active"), ("false", "0", "inactive")


def _flag(value: Plain) -> bool | None:
    if isinstance(value, str) and value.lower() in (*_ON, *_OFF):
        return value.lower() in _ON
    return value if isinstance(value, bool) else None


_TLS = re.compile(r"TLS(?:13)?-(\d)-(\d)")
_OLD_TLS = ("ELBSecurityPolicy-2016-08", "ELBSecurityPolicy-FS-2018-06", "ELBSecurityPolicy-2015-05")


def _level(name: str, value: Plain, values: tuple[str, ...]) -> int | None:
    """How far down a value is: 0 is the best."""
    if name == "sslPolicy" and isinstance(value, str):
        found = _TLS.search(value)
        value = "1.0" if value in _OLD_TLS else ".".join(found.groups()) if found else value
    return next((place for place, each in enumerate(values) if isinstance(value, str) and each.lower() == value.lower()), None)


def _of_level(type_: str, leaf: Difference) -> Iterator[Reason]:
    name = leaf.names[-1]
    if name not in LEVELS or not _has_levels(type_, leaf.names):
        return
    danger, text, values = LEVELS[name]
    before, after = _level(name, leaf.before, values), _level(name, leaf.after, values)
    if (before is not None and after is not None and after > before) or (before == 0 and leaf.after is ABSENT):
        yield Reason(danger, text, (leaf.path,))
    elif name in ("sslPolicy", "minimumProtocolVersion", "securityPolicy") and None in (before, after) and leaf.before is not ABSENT:
        yield Reason(danger, "TLS changes in a way whose strength is not known", (leaf.path,))


def _has_levels(type_: str, names: tuple[str, ...]) -> bool:
    if names[-1] == "status":
        return "Lifecycle" not in type_ and ("versioningConfiguration" in names or "rules" in names)
    return names[-1] != "mode" or "defaultRetention" in names


def _of_exposure(type_: str, leaf: Difference, *, new: bool) -> Iterator[Reason]:
    name = leaf.names[-1]
    if leaf.before == HIDDEN_SECRET and leaf.after not in (HIDDEN_SECRET, ABSENT):
        yield Reason(Danger.EXPOSURE, "is no longer kept secret", (leaf.path,))
    if (
        flows(type_, {}) is None
        and ("cidr" in name.lower() or "sourceRanges" in name or name == "addresses")
        and not name.startswith("cidrBlock")
    ):
        more = wider(_values(leaf.after), _values(leaf.before))
        if more and (not new or any(each.endswith("/0") for each in more)):
            yield Reason(Danger.EXPOSURE, "can be reached from more addresses", tuple(more))
    if name == "acl" and isinstance(leaf.after, str) and leaf.after.startswith(("public-", "authenticated-")):
        yield Reason(Danger.EXPOSURE, "strangers can read it", (leaf.path,))
    if type_ == "kubernetes:core/v1:Service" and name == "type" and leaf.after in ("LoadBalancer", "NodePort"):
        yield Reason(Danger.EXPOSURE, "can be reached from outside of the cluster", (leaf.path,))
    if name in ("authType", "authorizationType") and leaf.after == "NONE":
        yield Reason(Danger.EXPOSURE, "callers are not authenticated", (leaf.path,))
    if type_ == "aws:wafv2/webAcl:WebAcl" and not new and "rules" in leaf.names and leaf.before is not ABSENT and leaf.after is ABSENT:
        yield Reason(Danger.EXPOSURE, "a rule of the firewall is weaker or gone", (leaf.path,))
    if type_.startswith("aws:lb/listener") and name == "type" and str(leaf.before).startswith("authenticate-"):
        yield Reason(Danger.EXPOSURE, "callers are not authenticated", (leaf.path,))


def _of_retention(type_: str, leaf: Difference) -> Iterator[Reason]:
    name = leaf.names[-1]
    if name == "finalSnapshotIdentifier" and leaf.after is ABSENT:
        yield Reason(Danger.DATA_LOSS, "no final snapshot is taken", (leaf.path,))
    if (
        type_ == "aws:backup/selection:Selection"
        and name == "resources"
        and set(map(str, _values(leaf.before))) - set(map(str, _values(leaf.after)))
    ):
        yield Reason(Danger.DATA_LOSS, "selects less for backup", (leaf.path,))
    if type_ == "aws:backup/plan:Plan" and name in ("ruleName", "destinationVaultArn") and leaf.after is ABSENT:
        yield Reason(Danger.DATA_LOSS, "backups or copies of them are no longer made", (leaf.path,))
    if name not in RETENTION or (name == "days" and "expiration" not in "".join(leaf.names).lower()):
        return
    endless = bool(RETENTION[name]) or name == "days"
    before, after = _kept(leaf.before, endless=endless), _kept(leaf.after, endless=endless)
    if before is not None and after is not None and after < before:
        yield Reason(Danger.DATA_LOSS, "is kept for less time", (leaf.path,))
    elif before is not None and after is not None and after > before:
        yield Reason(Danger.COST, "is kept for more time", (leaf.path,))


def _kept(value: Plain, *, endless: bool) -> float | None:
    if value is ABSENT or value in (None, 0):
        return float("inf") if endless else 0
    found = amount(value)
    return None if found is None else float(found)


def _of_capacity(leaf: Difference) -> Iterator[Reason]:
    name = leaf.names[-1]
    if name in SIZES:
        before, after = size(leaf.before), size(leaf.after)
        if before is None or after is None or before == after:
            yield Reason(Danger.COST, "another kind of machine", (leaf.path,))
        elif after > before:
            yield Reason(Danger.COST, "larger machines", (leaf.path,))
        else:
            yield Reason(Danger.OUTAGE, "smaller machines", (leaf.path,))
    elif name in CAPACITY:
        before_, after_ = amount(leaf.before), amount(leaf.after)
        if before_ is not None and after_ is not None and before_ != after_:
            less = after_ < before_
            yield Reason(Danger.OUTAGE if less else Danger.COST, "less capacity" if less else "more capacity", (leaf.path,))
    elif name in ZONES and isinstance(leaf.before, list) and isinstance(leaf.after, list):
        had, has = cast("list[Plain]", leaf.before), cast("list[Plain]", leaf.after)
        if len(has) < len(had):
            yield Reason(Danger.OUTAGE, "lives in a single zone" if len(has) == 1 else "lives in fewer zones", (leaf.path,))


def _of_key(leaf: Difference) -> Iterator[Reason]:
    if leaf.names[-1] in KEYS:
        gone = leaf.after is ABSENT
        yield Reason(Danger.EXPOSURE, "no key of the customer's any more" if gone else "is encrypted under another key", (leaf.path,))


def _of_version(leaf: Difference) -> Iterator[Reason]:
    if leaf.names[-1] not in ("engineVersion", "version", "kubernetesVersion") or not isinstance(leaf.before, str):
        return
    before, after = str(leaf.before).split("."), str(leaf.after).split(".")
    if len(before) > 1 and len(after) > 1 and before[0] != after[0]:
        yield Reason(Danger.OUTAGE, "another major version: an upgrade that takes its time and does not go back", (leaf.path,))


def _values(value: Plain) -> list[Plain]:
    if value is ABSENT or value is None:
        return []
    return cast("list[Plain]", value) if isinstance(value, list) else [value]
