"""What is wrong with evidence or with what it is made of."""

__all__ = ["EvidenceError"]


class EvidenceError(Exception):
    """A folder or file that cannot be written or read as evidence. Its text is for whoever named it."""
