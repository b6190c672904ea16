"""Mistakes in the settings, worded for the person who made them."""

from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One mistake: where, what was found, what is allowed, and an example that works."""

    key: str
    found: str
    allowed: str
    example: str = ""
    instead: "Problem | None" = None
    """The same mistake at another key, for a file that states that key and not this one."""

    def line(self, file: str) -> str:
        """`Pulumi.prod.yaml: database.retention_days: found 45; allowed: 1 to 35. Example: retention_days: 30`."""
        example = f" Example: {self.example}" if self.example else ""
        where = f"{file}: {self.key}" if self.key else file
        return f"{where}: {self.found}; allowed: {self.allowed.rstrip('.')}.{example}"


class SettingsError(Exception):
    """All mistakes of one stack, one line each."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"{count} mistake{'s' if count > 1 else ''} in the settings:"
        super().__init__("\n".join([heading, *(f"  {problem.line(file)}" for problem in self.problems)]))


def shown(value: object) -> str:
    """A value as it stands in a message: on one line, shortened, without control characters."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(character if character.isprintable() else "?" for character in text)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}…"
    return f"'{text}'" if isinstance(value, str) else text
