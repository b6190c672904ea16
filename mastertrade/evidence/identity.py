"""What one control says of one resource, under one name in every run and every file."""

import hashlib

from mastertrade.evidence.model import Audit, Verdict

__all__ = ["fingerprint"]

_DIGITS = 32


def fingerprint(audit: Audit, verdict: Verdict) -> str:
    """The same as long as project, stack, control and URN are: not changed by messages, and not by lines that move."""
    named = "\0".join((audit.project, audit.stack, verdict.control, verdict.urn))
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
