"""What `mastertrade audit --from-pulumi` does: makes evidence of a run of the Pulumi CLI."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mastertrade.audit import can_write, concluded, show_audit
from mastertrade.evidence.context import commit_of, frameworks_of, reasons_of
from mastertrade.evidence.earlier import read_earlier
from mastertrade.evidence.model import Audit, AuditedControl, WaiverOfVerdict, audit_of
from mastertrade.evidence.problems import EvidenceError
from mastertrade.evidence.pulumi import EventLog, OwnPack, Plan, WaiverFor, audit_of_events, read_run
from mastertrade.stacks import own_packs, tell
from policies.engine.frameworks import Framework

__all__ = ["audit_from_pulumi"]

_PROJECT = Path(__file__).resolve().parents[1]
_FAILED, _BAD_USAGE = 1, 2
_COMMIT = "Which commit was run is not told: stated is the one that is checked out where this evidence was made."
_PLAN_LIMITS = (
    "What policy packs said in the run is not told: the packs were asked about what the file declares.",
    "Secret values are not told: what depends on them is judged without them.",
)


def audit_from_pulumi(
    root: Path,
    file: Path,
    stack: str,
    *,
    as_json: bool,
    packs: tuple[Path, ...],
    out: Path | None,
    since: tuple[Path, ...] = (),
) -> int:
    """Audits the run that a file of the CLI tells of; `stack` is the one that it has to be, or empty. Returns the exit code.

    Writes evidence to the folder `out`; its page compares with the evidence files `since`.
    """
    from mastertrade.offline.pack_process import PackError
    from policies.engine.waivers import WaiverError

    if out is not None and not can_write(out):
        return _BAD_USAGE
    try:
        run = read_run(file)
        ran = run.evaluation if isinstance(run, Plan) else run
        if stack and ran.stack != stack:
            raise EvidenceError(f"{file}: is about stack '{ran.stack}', not '{stack}'")
        earlier = read_earlier(since, project=ran.project, stacks=(ran.stack,))[ran.stack]
        audit = _audit_of_plan(root, run, packs) if isinstance(run, Plan) else _audit_of_log(root, run, packs, file)
    except (EvidenceError, PackError, WaiverError) as error:
        tell(str(error))
        return _BAD_USAGE
    audit = replace(audit, commit=commit_of(root), limits=(_COMMIT, *audit.limits), earlier=earlier)
    if isinstance(run, EventLog) and run.errors and not audit.failures():
        # nothing that was reached fails; of the rest nobody knows
        tell(f"{file}: the run failed, and no evidence is made of it: {run.errors[0]}")
        return _FAILED
    if not as_json:
        show_audit(audit)
    return concluded([audit], 0, as_json=as_json, out=out)


def _audit_of_plan(root: Path, plan: Plan, packs: tuple[Path, ...]) -> Audit:
    from mastertrade.offline.analyzer import analyze

    results = analyze(plan.evaluation, packs or own_packs(root), plan.configuration, with_accounts=True)
    audit = replace(audit_of(plan.evaluation, results), mode="pulumi preview", limits=_PLAN_LIMITS)
    if packs:
        return audit
    return replace(audit, frameworks=_frameworks(root, audit), reasons=reasons_of(root, audit.unjudged))


def _audit_of_log(root: Path, log: EventLog, packs: tuple[Path, ...], file: Path) -> Audit:
    if packs:
        raise EvidenceError(f"{file}: an event log tells what packs said in its run; --policy-pack is for `pulumi preview --json`")
    # what is known of controls is known of this project's
    own: Mapping[str, OwnPack] = _own_packs() if root == _PROJECT else {}
    audit = audit_of_events(log, own, _waivers(log))
    return replace(audit, frameworks=_frameworks(root, audit), reasons=reasons_of(root, audit.unjudged))


def _own_packs() -> Mapping[str, OwnPack]:
    from policies.catalogue import PACKS

    return {
        pack.name: OwnPack(
            pack.version,
            pack.description,
            tuple(
                AuditedControl(
                    pack=pack.name,
                    id=each.id,
                    title=each.title,
                    severity=each.severity,
                    enforcement=each.enforcement,
                    rationale=each.rationale,
                    remediation=each.remediation,
                    references=each.references,
                    types=each.types,
                )
                for each in pack.controls
            ),
        )
        for pack in PACKS
    }


def _waivers(log: EventLog) -> WaiverFor:
    """Raises `WaiverError`."""
    from mastertrade.evidence.pulumi.states import named
    from policies.engine.resources import Resource
    from policies.engine.waivers import OWN_FILE, read_waivers

    today = datetime.datetime.now(datetime.UTC).date()
    waivers = read_waivers(OWN_FILE, project=log.project, stack=log.stack, today=today)

    def waiver_for(control: str, urn: str) -> WaiverOfVerdict | None:
        type_, name = named(urn)
        resource = Resource(urn=urn, type_=type_, name=name, properties={})
        for each in waivers:
            if each.covers(control, resource) and each.holds(today):
                return WaiverOfVerdict(each.resource, each.owner, each.reason, each.ticket, str(each.accepted), str(each.expires))
        return None

    return waiver_for


def _frameworks(root: Path, audit: Audit) -> tuple[Framework, ...]:
    """Those of the project, with the controls that were asked."""
    from policies.catalogue import PACKS

    asked = {control.id for control in audit.controls}
    frameworks = frameworks_of(root, [control.id for pack in PACKS for control in pack.controls]) if root == _PROJECT else ()
    return tuple(
        replace(
            framework,
            requirements=tuple(
                replace(
                    each,
                    controls=tuple(control for control in each.controls if control in asked),
                    not_covered=each.not_covered or ("" if asked.intersection(each.controls) else "no pack with a control of it was asked"),
                )
                for each in framework.requirements
            ),
        )
        for framework in frameworks
    )
