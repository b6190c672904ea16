"""What `mastertrade digest` does: tells what changes, in every stack, and how dangerous that is."""

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mastertrade.changes.base import evaluating
from mastertrade.changes.comparing import compare
from mastertrade.changes.document import as_json
from mastertrade.changes.markdown import as_markdown
from mastertrade.changes.model import Danger, Digest, DigestError, StackDigest
from mastertrade.changes.pulumi_preview import read_preview
from mastertrade.changes.sides import Side, side_of_evaluation
from mastertrade.changes.stack_export import comparable, read_stack_export
from mastertrade.changes.terminal import as_text
from mastertrade.changes.worktree import checkout
from mastertrade.evidence.model import audit_of
from mastertrade.offline.configuration import stacks_of
from mastertrade.stacks import StackRun, own_packs, run_stacks, tell

__all__ = ["digest_base", "digest_preview", "digest_stack_export", "run_digest"]

_PRESENT = "the working tree"
_REQUIREMENTS = "requirements.txt"
_FAILED, _WRONG, _DANGEROUS = 1, 2, 3


def run_digest(
    root: Path,
    *,
    base: str | None,
    export: Path | None,
    preview: Path | None,
    stacks: Sequence[str],
    form: str,
    out: Path | None,
    fail_on: Sequence[str],
) -> int:
    """Compares whichever is named, writes the digest, returns the exit code."""
    try:
        if preview is not None:
            digest = digest_preview(preview)
        elif export is not None:
            digest = digest_stack_export(root, export)
        else:
            digest = digest_base(root, base or "", stacks)
        return _finish(digest, form, out, [Danger(each) for each in fail_on])
    except DigestError as error:
        tell(str(error))
        return _WRONG


def digest_base(root: Path, ref: str, stacks: Sequence[str]) -> Digest:
    """What changes between a commit and the working tree, in these stacks or in all. Raises `DigestError`."""
    with checkout(root, ref) as base:
        chosen = _chosen(stacks, {*stacks_of(root), *stacks_of(base.folder)}, root)
        present = [each for each in chosen if each in stacks_of(root)]
        with evaluating(base.folder, chosen) as earlier:
            # this process evaluates while the others do
            now = _evaluated(root, present, with_packs=True)
            before = earlier.result()
        notes = _notes(base.folder, root)
        found = tuple(_compared(stack, before.get(stack), now.get(stack)) for stack in chosen)
    return Digest(f"{ref} ({base.commit[:12]})", _PRESENT, found, notes)


def digest_stack_export(root: Path, file: Path) -> Digest:
    """What the next `pulumi up` would change in what is deployed. Raises `DigestError`."""
    deployed = read_stack_export(file)
    if deployed.stack not in stacks_of(root):
        raise DigestError(
            f"{file}: found the stack {deployed.stack!r}; allowed: {', '.join(stacks_of(root)) or 'none'}: those with a Pulumi.NAME.yaml"
        )
    now = _evaluated(root, [deployed.stack], with_packs=False)[deployed.stack]
    if now.project and now.project != deployed.project:
        raise DigestError(f"{file}: found a stack of the project {deployed.project!r}; allowed: {now.project!r}")
    found = compare(Side(deployed.stack, deployed.project, ()) if now.error else comparable(deployed, now), now)
    return Digest(f"{deployed.stack} as deployed", _PRESENT, (found,))


def digest_preview(file: Path) -> Digest:
    """What Pulumi's own preview says. Raises `DigestError`."""
    found = read_preview(file)
    return Digest(f"{found.stack or 'the stack'} as deployed", "Pulumi's preview", (found,))


def _finish(digest: Digest, form: str, out: Path | None, fail_on: Sequence[Danger]) -> int:
    """Writes the digest in a form, `terminal`, `markdown` or `json`, and returns the exit code."""
    if form == "json":
        text = as_json(digest)
    elif form == "markdown":
        text = as_markdown(digest)
    else:
        text = as_text(digest, colour=out is None and sys.stdout.isatty())
    if out is None:
        sys.stdout.write(text)
    else:
        _write(out, text)
    if any(stack.error for stack in digest.stacks):
        return _FAILED
    worst, further = digest.dangers(), digest.further_dangers()
    return _DANGEROUS if any(worst[each] or further[each] for each in fail_on) else 0


def _chosen(stacks: Sequence[str], known: set[str], root: Path) -> list[str]:
    if not known:
        raise DigestError(f"no Pulumi.NAME.yaml in {root}")
    unknown = [each for each in stacks if each not in known]
    if unknown:
        raise DigestError("\n".join(f"--stack: found {each!r}; allowed: {', '.join(sorted(known))}" for each in unknown))
    return sorted(set(stacks) or known)


def _evaluated(root: Path, stacks: Sequence[str], *, with_packs: bool) -> Mapping[str, Side]:
    """Sides by stack. Raises `DigestError` where settings or packs are wrong, which the run has told by then."""
    packs = own_packs(root) if with_packs else ()
    return {
        run.stack: _side(run, with_packs=bool(packs)) for run in run_stacks(root, tuple(stacks), "simulated", packs, with_accounts=True)
    }


def _side(run: StackRun, *, with_packs: bool) -> Side:
    if run.evaluation is None or (run.code == _WRONG and with_packs):
        raise DigestError(f"Stack '{run.stack}' of the working tree cannot be evaluated: see above.")
    audit = audit_of(run.evaluation, run.results) if with_packs and run.code == 0 else None
    return side_of_evaluation(run.evaluation, audit)


def _compared(stack: str, before: Side | None, now: Side | None) -> StackDigest:
    if now is None:
        note = "the stack file is gone: what is deployed stays, until `pulumi destroy` with the version that still has it"
        return StackDigest(stack, before.project if before else "", notes=(note,))
    if before is None:
        empty = Side(stack, now.project, (), now.states and type(now.states)(now.states.controls, {}), notes=("the stack is new",))
        return compare(empty, now)
    return compare(before, now)


def _notes(base: Path, root: Path) -> tuple[str, ...]:
    old, new = (_content(folder / _REQUIREMENTS) for folder in (base, root))
    if old == new:
        return ()
    return ("other versions of libraries are required than before: both sides were evaluated with those that are installed",)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _write(file: Path, text: str) -> None:
    """The whole file, or none of it."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DigestError(f"--out: {file}: {error.strerror or error}") from None
