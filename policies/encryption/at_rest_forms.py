"""Forms in which types say how what they store is encrypted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from policies.engine.blocks import Block, shown
from policies.engine.control import Control, Family, Finding, Findings, Judge, NotApplicableError, Severity
from policies.engine.keys import customer_key
from policies.engine.resources import Resource

__all__ = ["CUSTOMER_KEY", "At", "by_type", "found_in", "sealed", "stored", "told_by"]

CUSTOMER_KEY = "the ARN of a customer managed key"

_FAMILY = Family(
    Severity.HIGH,
    "Whoever gets hold of the storage or of a copy reads it, unless a key is needed whose use the customer grants, logs and can end.",
)


def _always(_: Block) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class At:
    """One place where a type says it: whether it encrypts, in which way, and under which key. Paths start at `within`."""

    key: str = ""
    """Names the key. Without a key AWS uses one of its own, unless the place is `named_only`."""
    within: str = ""
    """Blocks, each of which is judged; a step may be a list."""
    needed: bool = True
    """Whether it is wrong that there is no such block."""
    switch: str = ""
    """A boolean that turns encryption on."""
    on: bool = False
    """What it is where it is absent."""
    kind: str = ""
    """Names the way of encryption."""
    kinds: tuple[str, ...] = ()
    """Ways that use a key of KMS."""
    named_only: bool = False
    """Without a key, something else that is judged decides: a bucket's or a source's encryption."""
    when: str = ""
    """Something is stored only where this property of the resource is declared, and not false."""
    where: Callable[[Block], bool] = _always
    """Which of the blocks store something."""

    def wanted(self) -> str:
        """What the block should say."""
        said = ["true" if not self.kind else self.kinds[0]] if self.switch or self.kind else []
        said += [f"{self.key} of a customer managed key"] if self.key else []
        return ", ".join(said)

    def findings(self, resource: Resource, block: Block) -> Findings:
        """What is wrong with one block."""
        if self.kind and block.text(self.kind).upper() not in (each.upper() for each in self.kinds):
            yield found_in(resource, block, self.kind, " or ".join(self.kinds))
        elif self.switch and not block.flag(self.switch, default=self.on):
            yield found_in(resource, block, self.switch, "true")
        elif self.key and (block.has(self.key) or not self.named_only):
            yield from customer_key(resource, self.key, within=block)


def found_in(resource: Resource, block: Block, path: str, wanted: str) -> Finding:
    """A finding at a path of the resource or of a block of it."""
    return Finding(path, wanted) if block is resource else Finding(block.at(path), wanted, found=shown(block, path))


def told_by(*places: At, otherwise: str = "nothing is stored") -> Callable[[Resource], Findings]:
    """Judges what a resource says at each place; not applicable where none of them stores anything."""

    def judge(resource: Resource) -> Findings:
        judged = False
        for place in places:
            if place.when and not _declared(resource, place.when):
                continue
            blocks = tuple(resource.walk(place.within)) if place.within else (resource,)
            if not blocks and place.needed:
                judged = True
                yield Finding(place.within, place.wanted(), found="nothing")
            for block in blocks:
                if place.where(block):
                    judged = True
                    yield from place.findings(resource, block)
        if not judged:
            raise NotApplicableError(otherwise)

    return judge


def _declared(resource: Resource, path: str) -> bool:
    if not resource.is_known(path):
        return True
    value = resource.value(path)
    if isinstance(value, list | Mapping):
        return bool(cast("list[Any]", value))
    return resource.text(path).lower() not in ("", "false", "0", "no", "off")


def by_type(judges: Mapping[str, Callable[[Resource], Findings] | At]) -> Callable[[Resource], Findings]:
    """One judge for several types."""
    told = {type_: told_by(each) if isinstance(each, At) else each for type_, each in judges.items()}
    return lambda resource: told[resource.type](resource)


def stored(id_: str, what: str, judges: Mapping[str, Callable[[Resource], Findings] | At], guide: str, fix: str) -> Control:
    """A control of what is encrypted under a customer's key. `what` has its verb: "Volumes are"."""
    return _control(id_, f"{what} encrypted with a customer managed key", judges, guide, fix)


def sealed(id_: str, what: str, judges: Mapping[str, Callable[[Resource], Findings] | At], guide: str, fix: str) -> Control:
    """A control of what is encrypted where AWS lets nobody choose the key."""
    return _control(id_, f"{what} encrypted", judges, guide, fix)


def _control(id_: str, title: str, judges: Mapping[str, Callable[[Resource], Findings] | At], guide: str, fix: str) -> Control:
    judge: Judge = by_type(judges)
    return _FAMILY.control(id_, title, tuple(judges), judge, guide, fix)
