"""What `mastertrade permissions` does: the policies of the role that deploys a stack, printed or written to a folder."""

import json
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mastertrade.deployment.derivation import UnderivableError, statements_of
from mastertrade.deployment.statements import LONGEST_POLICY, characters, policy_documents
from mastertrade.deployment.table import table
from mastertrade.offline.evaluation import Evaluation
from mastertrade.stacks import run_stacks, tell

__all__ = ["Policy", "policies_of", "write_permissions"]

_FORMAT = 1
_PROGRAM_ERROR, _BAD_USAGE = 1, 2
# Managed policies that a role may have, and how many when AWS is asked for more:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_OF_A_ROLE, _OF_A_ROLE_AT_MOST = 10, 20
_OWN_FILE = re.compile(r"[\w.-]+-(deploy|read)-\d+\.json")


@dataclass(frozen=True)
class Policy:
    """One managed policy."""

    name: str
    document: dict[str, Any]

    @property
    def characters(self) -> int:
        """Its length as IAM counts it, without white space."""
        return characters(self.document)


def write_permissions(root: Path, stack: str, *, read_only: bool, out: Path | None) -> int:
    """Derives the policies of a stack; prints them, or writes each into a file of `out`. Returns the exit code."""
    (run,) = run_stacks(root, (stack,), "simulated", ())
    if run.code or run.evaluation is None:
        return run.code
    try:
        policies = policies_of(run.evaluation, read_only=read_only)
    except UnderivableError as error:
        tell(str(error))
        return _PROGRAM_ERROR
    if len(policies) > _OF_A_ROLE_AT_MOST:
        tell(f"{len(policies)} policies are needed, and a role can have {_OF_A_ROLE_AT_MOST} at most: deploy fewer regions in one stack.")
        return _PROGRAM_ERROR
    if out is None:
        sys.stdout.write(_text(_listing(run.evaluation, policies, read_only=read_only)))
    elif foreign := _foreign(out):
        tell(
            f"--out: found {foreign} in {out}; allowed: a folder that is new, empty or written by this command. "
            f"Example: --out policies-{stack}"
        )
        return _BAD_USAGE
    else:
        _write(out, policies)
    _tell_size(policies)
    return 0


def policies_of(evaluation: Evaluation, *, read_only: bool) -> list[Policy]:
    """The policies of a stack, named and numbered. Raises `UnderivableError`."""
    documents = policy_documents(statements_of(evaluation, table(), read_only=read_only))
    what = "read" if read_only else "deploy"
    return [Policy(f"{evaluation.project}-{evaluation.stack}-{what}-{number}", each) for number, each in enumerate(documents, 1)]


def _listing(evaluation: Evaluation, policies: Iterable[Policy], *, read_only: bool) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "project": evaluation.project,
        "stack": evaluation.stack,
        "readOnly": read_only,
        "policies": [{"name": each.name, "characters": each.characters, "document": each.document} for each in policies],
    }


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _tell_size(policies: list[Policy]) -> None:
    several = "policy" if len(policies) == 1 else "policies"
    quota = "" if len(policies) <= _OF_A_ROLE else f"; raise the quota of managed policies per role to {len(policies)} first"
    tell(
        f"{len(policies)} {several}, the longest {max(each.characters for each in policies):,} of {LONGEST_POLICY:,} characters. "
        f"A role takes {_OF_A_ROLE}, on request {_OF_A_ROLE_AT_MOST}{quota}."
    )


def _foreign(folder: Path) -> str:
    """The first thing in a folder that this command would not write: replacing the folder would lose it."""
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return "a file"
    return next((repr(each.name) for each in sorted(folder.iterdir()) if not _OWN_FILE.fullmatch(each.name)), "")


def _write(folder: Path, policies: Iterable[Policy]) -> None:
    """Writes a folder whole: nobody finds some policies of before beside some of now."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh, former = Path(temporary) / "fresh", Path(temporary) / "former"
        fresh.mkdir()
        for policy in policies:
            (fresh / f"{policy.name}.json").write_text(_text(policy.document), encoding="utf-8")
        if folder.exists():
            folder.rename(former)
        try:
            fresh.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
