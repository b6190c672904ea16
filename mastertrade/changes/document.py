"""A digest as JSON: everything, nothing shortened."""

import json
from typing import Any

from mastertrade.changes.model import Absent, Change, Difference, Digest, Operation, StackDigest

__all__ = ["as_json"]

_FORMAT = 1


def as_json(digest: Digest) -> str:
    """The document. Characters beyond ASCII are escaped: none of them steers what shows it."""
    document = {
        "format": _FORMAT,
        "before": digest.before,
        "after": digest.after,
        "notes": digest.notes,
        "dangers": digest.dangers(),
        "furtherDangers": digest.further_dangers(),
        "stacks": [_stack(each) for each in digest.stacks],
    }
    return json.dumps(document, indent=2, default=str) + "\n"


def _stack(digest: StackDigest) -> dict[str, Any]:
    return {
        "project": digest.project,
        "stack": digest.stack,
        "error": digest.error or None,
        "notes": digest.notes,
        "counts": {**{operation: digest.counts.get(operation, 0) for operation in Operation}, "unchanged": digest.unchanged},
        "changes": [_change(each) for each in digest.changes],
        "policies": [
            {
                "control": each.control,
                "title": each.title,
                "severity": each.severity,
                "enforcement": each.enforcement,
                "urn": each.urn,
                "type": each.type,
                "name": each.name,
                "region": each.region,
                "before": each.before or None,
                "after": each.after,
                "message": each.message,
            }
            for each in digest.policies
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "danger": change.danger,
        "operation": change.operation,
        "uncertain": change.uncertain,
        "refused": change.refused,
        "cause": change.cause or None,
        "urn": change.urn,
        "oldUrn": change.old_urn or None,
        "type": change.type,
        "name": change.name,
        "region": change.region,
        "source": change.source or None,
        "reasons": [{"danger": each.danger, "text": each.text, "found": each.found} for each in change.reasons],
        "notes": change.notes,
        "differences": [_difference(each) for each in change.differences],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    sides = {"before": difference.before, "after": difference.after}
    return {
        "path": difference.path,
        **{name: value for name, value in sides.items() if not isinstance(value, Absent)},
        "replaces": difference.replaces,
        "follows": difference.follows,
    }
