"""Waivers: findings that somebody has accepted, for a reason, until a date."""

import datetime
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from policies.engine.control import Control, Finding, Findings, Option, Severity
from policies.engine.resources import Resource
from settings.problems import Problem, shown

__all__ = ["OWN_FILE", "WAIVER_TYPE", "Tally", "Waiver", "WaiverError", "as_resource", "read_waivers", "waiver_control"]

OWN_FILE = Path(__file__).resolve().parents[1] / "waivers.yaml"
WAIVER_TYPE = "policies:index:Waiver"
"""A waiver is judged like a resource, by the control of its pack that is about waivers."""
LONGEST_DAYS = 90
_FEWEST_LETTERS = 3  # that a pattern has to name

PREFIXES = ("enc", "exp", "res", "wl")
"""Of the controls of each pack: what a waiver names has to belong to one of them."""


class WaiverError(Exception):
    """All mistakes of a file of waivers, one line each."""

    def __init__(self, problems: Iterable[Problem], file: Path) -> None:
        super().__init__("\n".join(["Waivers:", *(f"  {each.line(file.name)}" for each in problems)]))


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted finding."""

    control: str
    stack: str
    resource: str
    """`TYPE::NAME`, the end of a URN; `*` in the name stands for anything."""
    owner: str
    reason: str
    ticket: str
    accepted: datetime.date
    expires: datetime.date
    """The last day on which it holds."""
    position: int = 0
    """In its file, from 0."""

    def holds(self, today: datetime.date) -> bool:
        """Whether it is in force."""
        return today <= self.expires

    def covers(self, control: str, resource: Resource) -> bool:
        """Whether it accepts what a control finds about a resource."""
        return control == self.control and fnmatch.fnmatchcase(resource.label, self.resource.replace("[", "[[]"))

    def __str__(self) -> str:
        return f"accepted by {self.owner} until {self.expires} ({self.ticket}): {self.reason}"


@dataclass(slots=True)
class Tally:
    """What became of a waiver in one stack."""

    judged: int = 0
    """Resources that its control judged."""
    matched: int = 0
    """Resources that it names, of those."""
    waived: int = 0
    """Findings that it accepts, or would if it had not expired."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_pattern(value: Any) -> bool:
    """A whole type, and a name of which some letters stand."""
    type_, separator, name = str(value).partition("::")
    return bool(separator) and not re.search(r"[*?\s]", type_) and type_.count(":") >= 2 and len(re.findall(r"\w", name)) >= _FEWEST_LETTERS  # noqa: PLR2004 - package, module, type


_FIELDS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "control": (
        lambda value: isinstance(value, str) and value.split("-")[0] in PREFIXES,
        "a control's ID, as in docs/controls.md",
        "enc-mq-storage",
    ),
    "stack": (_is_text, "the name of one stack", "prod"),
    "resource": (
        _is_pattern,
        f"TYPE::NAME, the end of the resource's URN; * stands for anything in the name, of which {_FEWEST_LETTERS} letters have to stand",
        "aws:mq/broker:Broker::us-east-1-broker",
    ),
    "owner": (_is_text, "who accepts the risk", "ada@mastertrade.example"),
    "reason": (_is_text, "why it is acceptable", "the vendor's images have no digest before the audit in March"),
    "ticket": (_is_text, "where it is discussed", "OPS-123"),
    "accepted": (lambda value: isinstance(value, datetime.date), "a date", "2026-01-15"),
    "expires": (lambda value: isinstance(value, datetime.date), f"a date at most {LONGEST_DAYS} days after `accepted`", "2026-04-14"),
}


def read_waivers(file: Path, *, project: str, stack: str, today: datetime.date) -> tuple[Waiver, ...]:
    """Waivers of one stack; none where the file is another project's. Raises `WaiverError` with every mistake of the file."""
    import yaml  # noqa: PLC0415 - not needed by those who have no waivers

    try:
        stated: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file == OWN_FILE:
            return ()
        raise WaiverError([Problem("", "no such file", "a file of waivers")], file) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WaiverError(
            [Problem("", f"not readable as YAML ({' '.join(str(error).split())[:200]})", "a file of waivers")], file
        ) from None
    problems: list[Problem] = []
    document: Mapping[str, Any] = cast("Mapping[str, Any]", stated) if isinstance(stated, Mapping) else {}
    for name in ("project", "waivers"):
        if name not in document:
            problems.append(Problem(name, "nothing", "`project`, a name, and `waivers`, a list", "project: mastertrade"))
    for name in document:
        if name not in ("project", "waivers"):
            problems.append(Problem(str(name), "a key that is not known", "project, waivers"))
    entries: Any = document.get("waivers") or []
    if not isinstance(entries, list):
        problems.append(Problem("waivers", shown(cast("object", entries)), "a list"))
        entries = []
    waivers = [_waiver(each, number, today, problems) for number, each in enumerate(cast("list[Any]", entries))]
    if problems:
        raise WaiverError(problems, file)
    return tuple(each for each in waivers if each is not None and document["project"] == project and each.stack == stack)


def _waiver(stated: Any, number: int, today: datetime.date, problems: list[Problem]) -> Waiver | None:
    where = f"waivers[{number}]"
    if not isinstance(stated, Mapping):
        problems.append(Problem(where, f"found {shown(stated)}", f"a mapping with {', '.join(_FIELDS)}"))
        return None
    entry = cast("Mapping[str, Any]", stated)
    before = len(problems)
    for name in entry:
        if name not in _FIELDS:
            problems.append(Problem(f"{where}.{name}", "a key that is not known", ", ".join(_FIELDS)))
    for name, (accepts, allowed, example) in _FIELDS.items():
        if not accepts(entry.get(name)):
            found = f"found {shown(entry[name])}" if name in entry else "missing"
            problems.append(Problem(f"{where}.{name}", found, allowed, f"{name}: {example}"))
    if len(problems) > before:
        return None
    waiver = Waiver(**{name: entry[name] for name in _FIELDS}, position=number)
    latest = waiver.accepted + datetime.timedelta(days=LONGEST_DAYS)
    if not waiver.accepted <= waiver.expires <= latest:
        problems.append(
            Problem(
                f"{where}.expires",
                f"found {waiver.expires}",
                f"{waiver.accepted} to {latest}: {LONGEST_DAYS} days at most",
                f"expires: {latest}",
            )
        )
    if waiver.accepted > today:
        problems.append(Problem(f"{where}.accepted", f"found {waiver.accepted}", f"{today}, today, or earlier", f"accepted: {today}"))
    return waiver


def as_resource(waiver: Waiver, tally: Tally, today: datetime.date) -> Resource:
    """A waiver and what became of it, in the form in which controls judge."""
    name = f"waivers[{waiver.position}]"
    return Resource(
        urn=name,
        type_=WAIVER_TYPE,
        name=name,
        properties={
            "control": waiver.control,
            "resource": waiver.resource,
            "owner": waiver.owner,
            "expires": str(waiver.expires),
            "today": str(today),
            "judged": tally.judged,
            "matched": tally.matched,
            "waived": tally.waived,
        },
    )


def _judge(waiver: Resource, options: Mapping[str, Any]) -> Findings:
    del options
    if not (waiver.number("waived") or 0):
        yield Finding(
            "resource",
            f"a resource about which {waiver.text('control')} finds something",
            found=f"{waiver.text('resource')}, about which it finds nothing",
        )
    elif waiver.text("expires") < waiver.text("today"):
        yield Finding("expires", "the finding mended, or accepted anew", found=f"{waiver.text('expires')}, which is over")
    yield from _too_broad(waiver)


def _too_broad(waiver: Resource) -> Iterator[Finding]:
    judged, matched = waiver.number("judged") or 0, waiver.number("matched") or 0
    if "*" in waiver.text("resource") and matched > 1 and matched == judged:
        yield Finding("resource", "resources by their names", found=f"{waiver.text('resource')}, every resource that the control judges")


_FILE = Option(
    str(OWN_FILE.name),
    "the path of a file: from the folder `policies`, or absolute",
    lambda value: isinstance(value, str) and bool(value),
    "File of waivers, in the form of policies/waivers.yaml",
)


def waiver_control(prefix: str) -> Control:
    """The control of a pack under which waivers of its controls stand."""
    return Control(
        id=f"{prefix}-waivers",
        title="Waivers are in force, narrow and needed",
        severity=Severity.MEDIUM,
        rationale="A waiver that has expired, that covers more than was looked at, or that nothing needs any more hides the next finding.",
        remediation="Mend what the waiver accepts, or state it anew with an owner and a ticket.",
        types=(WAIVER_TYPE,),
        judge=_judge,
        references=("https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/sec_securely_operate_control_objectives.html",),
        options={"file": _FILE},
    )
