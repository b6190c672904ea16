"""What `mastertrade audit verify` does: recomputes the sums of a folder of evidence."""

from pathlib import Path

import click

from mastertrade.evidence.manifest import verify
from mastertrade.evidence.problems import EvidenceError
from mastertrade.stacks import tell

__all__ = ["verify_evidence"]

_FINE, _WRONG_FOLDER, _NOT_AS_WRITTEN = 0, 2, 3


def verify_evidence(folder: Path) -> int:
    """Tells of each stack in a folder whether its files are as they were written. Returns the exit code."""
    try:
        verified = verify(folder)
    except EvidenceError as error:
        tell(str(error))
        return _WRONG_FOLDER
    for each in verified:
        if each.differences:
            click.secho(f"{each.folder}: not as it was written", fg="red", bold=True)
            for difference in each.differences:
                click.echo(f"  {difference}")
        else:
            click.echo(f"{each.folder}: {click.style('as it was written', fg='green')}: {each.files} files, manifest SHA-256 {each.digest}")
    return _NOT_AS_WRITTEN if any(each.differences for each in verified) else _FINE
