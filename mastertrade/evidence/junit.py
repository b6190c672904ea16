"""`results.junit.xml`: a test suite for each pack and a test case for each control and resource, for the test pages of CI."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from mastertrade.evidence.inert import inert
from mastertrade.evidence.model import Audit, AuditedControl, AuditedPack, State, Verdict

__all__ = ["to_junit"]

_LONGEST = 1_000
"""Characters of a name or message. evidence.json has the whole."""
_QUOTE = {'"': "&quot;"}


def to_junit(audit: Audit) -> str:
    """Failed is a failure, unknown an error, not applicable and waived are skipped, with the reason."""
    controls = {each.id: each for each in audit.controls}
    said: dict[str, list[Verdict]] = {pack.name: [] for pack in audit.packs}
    for verdict in audit.verdicts:
        said[controls[verdict.control].pack].append(verdict)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites{_name(f'{audit.project} {audit.stack}')}{_sums(audit, audit.verdicts)}>",
    ]
    for pack in audit.packs:
        lines += _suite(audit, pack, said[pack.name], controls)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite(audit: Audit, pack: AuditedPack, verdicts: list[Verdict], controls: dict[str, AuditedControl]) -> Iterator[str]:
    # seconds without an offset: what the schemas of test reports allow
    timestamp = f' timestamp="{_attribute(audit.commit.date[:19])}"' if audit.commit else ""
    yield f' <testsuite{_name(pack.name)}{_sums(audit, verdicts)} time="0"{timestamp}>'
    yield "  <properties>"
    told = {"version": pack.version, "mode": audit.mode, "commit": audit.commit.id if audit.commit else ""}
    for name, value in told.items():
        yield f'   <property name="{name}" value="{_attribute(value)}"/>'
    for limit in audit.limits:
        yield f'   <property name="limit" value="{_attribute(limit)}"/>'
    yield "  </properties>"
    for verdict in verdicts:
        control = controls[verdict.control]
        outcome = _outcome(verdict, control)
        case = f'  <testcase{_name(_subject(verdict))}{_class(audit, control)}{_place(verdict)} time="0"'
        yield f"{case}>{outcome}</testcase>" if outcome else f"{case}/>"
    yield " </testsuite>"


def _outcome(verdict: Verdict, control: AuditedControl) -> str:
    """Empty for a pass."""
    message = _attribute(verdict.message)
    if verdict.state in (State.NOT_APPLICABLE, State.WAIVED):
        return f'<skipped message="{message}"/>'
    if verdict.state is State.PASS:
        return ""
    element = "failure" if verdict.state is State.FAIL else "error"
    text = _text(f"{control.title}. {control.remediation}")
    return f'<{element} message="{message}" type="{_attribute(control.enforcement)}">{text}</{element}>'


def _sums(audit: Audit, verdicts: Sequence[Verdict]) -> str:
    counts = audit.counts(verdicts)
    skipped = counts[State.NOT_APPLICABLE] + counts[State.WAIVED]
    return f' tests="{len(verdicts)}" failures="{counts[State.FAIL]}" errors="{counts[State.UNKNOWN]}" skipped="{skipped}"'


def _subject(verdict: Verdict) -> str:
    return f"{verdict.type}::{verdict.name}" if verdict.urn else "the stack"


def _class(audit: Audit, control: AuditedControl) -> str:
    return f' classname="{_attribute(f"{audit.stack}.{control.pack}.{control.id}")}"'


def _place(verdict: Verdict) -> str:
    file, _, line = verdict.source.rpartition(":")
    return f' file="{_attribute(file)}" line="{_attribute(line)}"' if file else ""


def _name(text: str) -> str:
    return f' name="{_attribute(text)}"'


def _attribute(text: str) -> str:
    return escape(inert(text, longest=_LONGEST), _QUOTE)


def _text(text: str) -> str:
    return escape(inert(text, longest=_LONGEST))
