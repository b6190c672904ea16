"""Why a change is dangerous, or is not."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from mastertrade.changes.differences import leaves
from mastertrade.changes.model import OPTION, Danger, Difference, Operation, Reason, Replaces
from mastertrade.changes.permissions import documents, gained
from mastertrade.changes.property_dangers import of_leaf, of_option
from mastertrade.changes.tables import BACKUPS, FILES, GRANTS, GUARDS, HARMLESS, PAID_BY_THE_HOUR, SERVING, STATEFUL
from mastertrade.changes.traffic import flows, opened
from mastertrade.offline.evaluation import PROVIDER_PREFIX, Resource
from mastertrade.values import HIDDEN_SECRET, Plain, Properties

__all__ = ["Subject", "reasons"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A resource that changes."""

    operation: Operation
    before: Resource | None
    """None for one that is created."""
    after: Resource | None
    """None for one that is deleted."""
    differences: tuple[Difference, ...] = ()

    @property
    def type(self) -> str:
        """Its type."""
        resource = self.after or self.before
        return resource.type if resource else ""

    @property
    def old(self) -> Properties:
        """Its inputs until now."""
        return self.before.inputs if self.before else {}

    @property
    def new(self) -> Properties:
        """Its inputs from now on."""
        return self.after.inputs if self.after else {}


def reasons(subject: Subject) -> tuple[Reason, ...]:
    """Every reason, the worst first; at least one."""
    found = [*_of_operation(subject), *_of_permissions(subject), *_of_traffic(subject)]
    if subject.operation is not Operation.DELETE:
        found += _of_properties(subject)
    found = found or [_of_the_rest(subject)]
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (each.danger.rank, each.text, each.found)))


# -- what happens to the resource as a whole ----------------------------------------------------------------------


def _of_operation(subject: Subject) -> Iterator[Reason]:
    match subject.operation:
        case Operation.CREATE:
            yield from _of_creation(subject)
        case Operation.REPLACE:
            yield from _of_replacement(subject)
        case Operation.DELETE:
            yield from _of_deletion(subject)
        case Operation.UPDATE:
            pass


def _of_creation(subject: Subject) -> Iterator[Reason]:
    if subject.type in PAID_BY_THE_HOUR:
        yield Reason(Danger.COST, "costs something as long as it exists")
    if subject.type in GRANTS:
        yield Reason(Danger.IDENTITY, "gives permissions", _granted(subject))


def _of_replacement(subject: Subject) -> Iterator[Reason]:
    if subject.before and subject.before.retain_on_delete:
        yield Reason(Danger.OTHER, "the old one stays where it is, and nobody manages it any more")
    elif subject.type in STATEFUL:
        yield Reason(Danger.DATA_LOSS, f"replaces, and so deletes, {STATEFUL[subject.type]}")
    if _is_named_after_content(subject):
        yield Reason(Danger.OTHER, "has other content under another name: made before the old one is deleted")
    elif subject.type in SERVING:
        yield Reason(Danger.OUTAGE, "replaces something that is in use")
    if subject.type.startswith(PROVIDER_PREFIX):
        yield Reason(Danger.OUTAGE, "replaces whatever the provider manages")
    if subject.type in GRANTS and (named := _granted(subject)):
        yield Reason(Danger.IDENTITY, "gives permissions to others than before", named)


_NAME = ("metadata", "name")
_HASHED = re.compile(r"(.+)-[0-9a-f]{8,64}")


def _is_named_after_content(subject: Subject) -> bool:
    """Whether files for pods are replaced because they are others, and the hash in their name with them.

    Pulumi creates what has another name before it deletes the old one, and updates what refers to it in between.
    """
    if subject.type not in FILES or subject.before is None or subject.after is None:
        return False
    if subject.before.delete_before_replace or subject.after.delete_before_replace:
        return False
    forcing = {each.names for each in subject.differences if each.replaces is not Replaces.NO}
    if not all(names == _NAME or names[:1] in FILES[subject.type] for names in forcing):
        return False
    stems = [_HASHED.fullmatch(_object_name(each)) for each in (subject.old, subject.new)]
    return (
        _NAME in forcing
        and None not in stems
        and len({each[1] for each in stems if each}) == 1
        and (len(forcing) > 1 or any(_is_secret(subject.new.get(name)) for (name,) in FILES[subject.type]))
    )


def _object_name(inputs: Properties) -> str:
    stated = inputs.get("metadata")
    return str(cast("Mapping[str, Plain]", stated).get("name", "")) if isinstance(stated, Mapping) else ""


def _is_secret(value: Plain) -> bool:
    """Whether a value, or one inside of it, is hidden: another one would look the same."""
    inside = cast("Mapping[str, Plain]", value).values() if isinstance(value, Mapping) else (value,)
    return HIDDEN_SECRET in inside


def _of_deletion(subject: Subject) -> Iterator[Reason]:
    if subject.before and subject.before.retain_on_delete:
        yield Reason(Danger.OTHER, "stays where it is, and nobody manages it any more")
        return
    if subject.type in STATEFUL:
        yield Reason(Danger.DATA_LOSS, f"deletes {STATEFUL[subject.type]}")
    if subject.type in BACKUPS:
        yield Reason(Danger.DATA_LOSS, BACKUPS[subject.type])
    if subject.type in GUARDS:
        yield Reason(Danger.EXPOSURE, GUARDS[subject.type])
    if subject.type in SERVING:
        yield Reason(Danger.OUTAGE, "deletes something that is in use")


def _granted(subject: Subject) -> tuple[str, ...]:
    found: list[str] = []
    for name in GRANTS[subject.type]:
        after = subject.new.get(name)
        if after is not None and (subject.before is None or subject.old.get(name) != after):
            found.append(f"{name}: {_short(after)}")
    return tuple(found)


def _of_the_rest(subject: Subject) -> Reason:
    if subject.operation is Operation.CREATE:
        return Reason(Danger.OTHER, "is new")
    if subject.operation is Operation.DELETE:
        return Reason(Danger.OTHER, "is no longer there")
    changed = [each for each in subject.differences if not _is_harmless(subject.type, each)]
    if not changed and subject.differences and subject.operation is Operation.UPDATE:
        return Reason(Danger.HARMLESS, "only what people read: tags, descriptions")
    return Reason(Danger.OTHER, "no rule says more of what changes")


def _is_harmless(type_: str, difference: Difference) -> bool:
    names = difference.names
    if type_.startswith("kubernetes:"):
        return names[:1] == ("metadata",) and names[1:2] in (("labels",), ("annotations",))
    return bool(names) and (names[0] in HARMLESS or names[-1] in HARMLESS)


# -- who may do what, who may reach what --------------------------------------------------------------------------


def _of_permissions(subject: Subject) -> Iterator[Reason]:
    if subject.operation is Operation.DELETE and subject.before and not _is_about_others(subject.before):
        return
    gains = gained(documents(subject.old), documents(subject.new))
    if gains.public:
        yield Reason(Danger.EXPOSURE, "everybody gains actions", gains.public)
    if gains.actions:
        yield Reason(Danger.IDENTITY, "gains actions", gains.actions)
    if gains.denials:
        yield Reason(Danger.EXPOSURE, "denies no longer", gains.denials)
    if subject.operation is not Operation.CREATE and "permissionsBoundary" in subject.old and "permissionsBoundary" not in subject.new:
        yield Reason(Danger.IDENTITY, "has no permissions boundary any more")
    if subject.operation is Operation.UPDATE and subject.type in GRANTS and (named := _granted(subject)):
        yield Reason(Danger.IDENTITY, "gives permissions to others than before", named)


def _is_about_others(resource: Resource) -> bool:
    """Whether a policy outlives what it protects: that of a bucket, a secret, a vault that stays."""
    return resource.type.endswith("Policy") and not resource.type.startswith("aws:iam/")


def _of_traffic(subject: Subject) -> Iterator[Reason]:
    before = flows(subject.type, subject.old) or frozenset()
    after = flows(subject.type, subject.new)
    if after is None or (subject.operation is Operation.DELETE and subject.type in GUARDS):
        return
    if more := opened(before, after):
        yield Reason(Danger.EXPOSURE, "lets more through", tuple(map(str, more)))
    if less := opened(after, before):
        yield Reason(Danger.OUTAGE, "lets less through", tuple(map(str, less)))


# -- single properties --------------------------------------------------------------------------------------------


def _of_properties(subject: Subject) -> Iterator[Reason]:
    for each in subject.differences:
        if each.path.endswith(OPTION):
            yield from of_option(each)
    changed = {each.names for each in subject.differences}
    for each in leaves(subject.old, subject.new):
        if subject.operation is Operation.CREATE or any(each.names[: len(names)] == names for names in changed):
            yield from of_leaf(subject.type, each, new=subject.operation is Operation.CREATE)


def _short(value: Plain) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_short(each)}" for name, each in sorted(cast("Mapping[str, Plain]", value).items()))
    if isinstance(value, list):
        return "; ".join(_short(each) for each in cast("list[Plain]", value))
    return str(value)
