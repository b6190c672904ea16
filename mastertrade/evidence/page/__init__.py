"""The auditor's page: one HTML file that holds evidence and everything needed to read it, and asks the network for nothing."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mastertrade.evidence.page.packing import packed, packed_states

__all__ = ["render"]

_FOLDER = Path(__file__).parent
_SCRIPTS = (
    "data.js",
    "selection.js",
    "comparison.js",
    "elements.js",
    "tables.js",
    "filters.js",
    "answers.js",
    "overview.js",
    "verdicts.js",
    "frameworks.js",
    "controls.js",
    "gaps.js",
    "changes.js",
    "router.js",
)
"""One script of the page, in this order."""

# A script element ends at `</script`
_HARMLESS = {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}


def render(document: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]] = ()) -> str:
    """The page of a document as `mastertrade.evidence.document.document` gives it; `earlier` are documents to compare it with."""
    style = _read("page.css")
    script = "".join(_read(each) for each in _SCRIPTS)
    parts = {
        "policy": "; ".join(
            (
                "default-src 'none'",
                f"style-src {_hash(style)}",
                f"script-src {_hash(script)}",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
        "title": html.escape(f"Evidence: {document['project']} {document['stack']}"),
        "style": style,
        "evidence": _json(packed(document)),
        "earlier": _json([packed_states(each) for each in earlier]),
        "script": script,
    }
    # in one pass: what is filled in is not looked at again
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("page.html"))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """By which the page's security policy admits one inline element: this content, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    # in plain ASCII: nothing in the file turns around what stands beside it, and half a character is one as well
    return json.dumps(value, separators=(",", ":")).translate(_HARMLESS)
