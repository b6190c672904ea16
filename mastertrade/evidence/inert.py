"""Names and messages made harmless for whoever shows them: they come from programs and files that anybody may have written."""

__all__ = ["cell", "inert"]

_LONGEST_CELL = 32_000
"""Characters. Excel cuts a cell after 32,767, and the formula guard is part of it."""
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a spreadsheet calculate, in both widths."""


def inert(text: str, *, longest: int = 0) -> str:
    """Text in one line. Characters that hide, command or turn others around are written out: backslash, `u`, `202e`.

    What is longer than `longest` characters, if that is given, ends in `…`.
    """
    if longest and len(text) > longest:
        text = f"{text[: longest - 1]}…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else " " if each.isspace() else f"\\u{ord(each):04x}" for each in text)


def cell(text: str) -> str:
    """Text that a spreadsheet shows and never calculates."""
    shown = inert(text, longest=_LONGEST_CELL)
    return f"'{shown}" if shown.lstrip(" '\"").startswith(_FORMULA) else shown
