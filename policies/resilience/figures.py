"""Figures of controls that a pack's configuration may change."""

from collections.abc import Callable, Mapping
from typing import Any

from policies.engine.control import Option

__all__ = ["KEPT", "days", "least"]

_LONGEST_DAYS = 35  # of automated backups: RDS, DocumentDB, Neptune, ElastiCache, MemoryDB, DynamoDB, Redshift


def _whole(most: int) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= most and float(value).is_integer()

    return accepts


def least(name: str, default: int, most: int, meaning: str) -> Mapping[str, Option]:
    """One whole number from 1 to `most`."""
    return {name: Option(default, f"a whole number from 1 to {most}", _whole(most), meaning)}


def days(default: int, most: int, meaning: str) -> Mapping[str, Option]:
    """A number of days."""
    return least("days", default, most, meaning)


KEPT = days(30, _LONGEST_DAYS, "Days that backups are kept at least")
