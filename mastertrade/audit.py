"""What `mastertrade audit` does: asks every pack about stacks and tells what each control says of each resource."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from mastertrade.evidence.context import commit_of, frameworks_of, reasons_of
from mastertrade.evidence.document import FORMAT, document, to_json
from mastertrade.evidence.earlier import read_earlier
from mastertrade.evidence.folder import EvidenceError, check_folder, write_evidence
from mastertrade.evidence.inert import inert
from mastertrade.evidence.model import Audit, State, Verdict, audit_of
from mastertrade.offline.configuration import read_project, stacks_of
from mastertrade.stacks import StackRun, own_packs, run_stacks, tell
from policies.engine.frameworks import FrameworkError
from settings.problems import SettingsError

__all__ = ["audit_stacks", "audited", "can_write", "concluded", "show_audit", "written"]

_BAD_USAGE, _NOT_COMPLIANT = 2, 3
_COLOURS = {State.PASS: "green", State.FAIL: "red", State.UNKNOWN: "yellow", State.NOT_APPLICABLE: "bright_black", State.WAIVED: "magenta"}
_WIDTH = max(len(state) for state in State)


def audit_stacks(
    root: Path,
    stacks: tuple[str, ...] | None,
    mode: str,
    *,
    as_json: bool = False,
    packs: tuple[Path, ...] = (),
    out: Path | None = None,
    since: tuple[Path, ...] = (),
) -> int:
    """Audits stacks, all of them if none is named, with the project's own packs if none is named. Returns the exit code.

    Writes evidence to the folder `out`, if every stack could be audited; its page compares with the evidence files `since`.
    """
    if out is not None and not can_write(out):
        return _BAD_USAGE
    try:
        earlier = read_earlier(since, project=read_project(root).name, stacks=stacks or stacks_of(root)) if since else {}
    except (EvidenceError, SettingsError) as error:
        tell(str(error))
        return _BAD_USAGE
    code = 0
    audits: list[Audit] = []
    for run in run_stacks(root, stacks, mode, packs or own_packs(root), with_accounts=True):
        code = max(code, run.code)
        if run.code or not run.evaluation:
            continue
        try:
            audit = replace(audited(root, run, with_frameworks=not packs), earlier=earlier.get(run.stack, ()))
        except FrameworkError as error:
            tell(str(error))
            return _BAD_USAGE
        audits.append(audit)
        if not as_json:
            sys.stdout.write("\n" if len(audits) > 1 else "")
            show_audit(audit)
    return concluded(audits, code, as_json=as_json, out=out)


def concluded(audits: Sequence[Audit], code: int, *, as_json: bool, out: Path | None) -> int:
    """Prints the document, writes evidence where everything could be audited, and returns the exit code."""
    complete = code == 0
    if any(audit.failures() for audit in audits):
        code = max(code, _NOT_COMPLIANT)
    if as_json:
        sys.stdout.write(to_json({"format": FORMAT, "audits": [document(each) for each in audits]}, open_levels=4))
    if out is not None and complete and not written(audits, out, quiet=as_json):
        return _BAD_USAGE
    return code


def can_write(out: Path) -> bool:
    """Whether evidence may be written to a folder; why not is told."""
    try:
        check_folder(out)
    except EvidenceError as error:
        tell(str(error))
        return False
    return True


def written(audits: Sequence[Audit], out: Path, *, quiet: bool = False) -> bool:
    """Writes evidence and, unless `quiet`, names its folders; what goes wrong is told. Whether it is written."""
    try:
        write_evidence(audits, out)
    except EvidenceError as error:
        tell(str(error))
        return False
    if not quiet:
        shown = Path(os.path.relpath(out)) if out.is_relative_to(Path.cwd()) else out
        click.echo("\n" + "\n".join(f"Evidence: {shown / each.stack}" for each in audits))
    return True


def audited(root: Path, run: StackRun, *, with_frameworks: bool) -> Audit:
    """The audit of a stack that packs were asked about. Frameworks know the project's own controls only. Raises `FrameworkError`."""
    if run.evaluation is None:
        raise ValueError(f"stack '{run.stack}' was not evaluated")
    audit = audit_of(run.evaluation, run.results, commit=commit_of(root))
    if not with_frameworks:
        return audit
    return replace(
        audit,
        frameworks=frameworks_of(root, [control.id for control in audit.controls]),
        reasons=reasons_of(root, audit.unjudged),
    )


def show_audit(audit: Audit) -> None:
    """Prints every control that had something to judge, and under each state the resources that have it."""
    idle: list[str] = []
    pack = ""
    for control, verdicts in audit.by_control():
        if not verdicts:
            idle.append(control.id)
            continue
        if control.pack != pack:
            pack = control.pack
            click.secho(f"\n{pack}", bold=True)
        marks = ", ".join(each for each in (control.severity, control.enforcement) if each)
        click.echo(f"\n{click.style(inert(control.id), bold=True)}  {inert(control.title)} ({marks})")
        for state in State:
            having = [each for each in verdicts if each.state is state]
            if having:
                _show_state(state, having, control.types)
    _show_summary(audit, idle)


def _show_state(state: State, verdicts: list[Verdict], types: tuple[str, ...]) -> None:
    several = len(types) != 1
    label = click.style(f"  {state:<{_WIDTH}}", fg=_COLOURS[state])
    if state is State.PASS:
        click.echo(f"{label}  {', '.join(_name(each, with_type=several) for each in verdicts)}")
        return
    for message in dict.fromkeys(each.message for each in verdicts):
        names = ", ".join(_name(each, with_type=several) for each in verdicts if each.message == message)
        click.echo(f"{label}  {names}: {inert(message)}")


def _name(verdict: Verdict, *, with_type: bool) -> str:
    name = inert(verdict.name) or "the stack"
    return f"{inert(verdict.type).rpartition(':')[2]} {name}" if with_type and verdict.urn else name


def _show_summary(audit: Audit, idle: list[str]) -> None:
    click.secho(f"\n{audit.project} {audit.stack}", bold=True)
    width = max((len(each.name) for each in audit.packs), default=0)
    of_pack = {control.id: control.pack for control in audit.controls}
    click.echo(f"  {'':<{width}}  {'  '.join(f'{state:>{_WIDTH}}' for state in State)}")
    for pack in audit.packs:
        counts = audit.counts(each for each in audit.verdicts if of_pack[each.control] == pack.name)
        figures = "  ".join(click.style(f"{count:>{_WIDTH}}", fg=_COLOURS[state] if count else None) for state, count in counts.items())
        click.echo(f"  {pack.name:<{width}}  {figures}")
    if idle:
        click.echo(f"  {len(idle)} controls are disabled or have no resource to judge here")
    if audit.unjudged:
        resources = sum(audit.unjudged.values())
        click.echo(f"  {resources} resources of {len(audit.unjudged)} types have nothing that a control judges: docs/controls.md says why")
    for limit in audit.limits:
        click.echo(f"  {inert(limit)}")
    failures = len(audit.failures())
    click.secho(f"  {'not compliant' if failures else 'compliant'}", fg="red" if failures else "green", bold=True, nl=False)
    click.echo(f": {failures} failed or unknown under mandatory controls" if failures else "")
