"""The order of AWS's sizes and of amounts in Kubernetes' notation."""

import re
from decimal import Decimal, InvalidOperation

from mastertrade.values import Plain

__all__ = ["amount", "size"]

_SMALL = {"nano": 0.125, "micro": 0.25, "small": 0.5, "medium": 1.0, "large": 2.0, "xlarge": 4.0, "metal": 1e6}
_SIZE = re.compile(r"(?:[a-z]+\.)?[a-z][\w-]*\.(?:(\d+)xlarge|([a-z]+)(?:-\d+xl)?)")
_AMOUNT = re.compile(r"([+-]?[0-9.]+)([numkKMGTPE]?i?)")
_UNITS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}


def size(name: Plain) -> float | None:
    """How large an instance of AWS is within its family, in quarters of an `xlarge`; None for what is no size."""
    found = _SIZE.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        return None
    return 4.0 * int(found[1]) if found[1] else _SMALL.get(found[2])


def amount(value: Plain) -> Decimal | None:
    """A number, or a quantity of Kubernetes (`500m`, `2Gi`); None for what is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _AMOUNT.fullmatch(str(value))
    try:
        return Decimal(found[1]) * _UNITS[found[2]] if found else None
    except (InvalidOperation, KeyError):
        return None
