"""Evidence in the small form in which the page holds it: what recurs is written once. `data.js` beside this file unpacks it."""

from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["packed", "packed_states"]

_WAIVER = ("resource", "owner", "reason", "ticket", "accepted", "expires")
_STATES = ("pass", "fail", "unknown", "not applicable", "waived")

_Row = TypeVar("_Row")


def packed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the page shows.

    Lists of numbers name entries of another list. `verdicts` are lists side by side, of `controls`, `resources`, `states` and `strings`.
    A row of `findings` is a verdict and three strings, one of `waivers` six strings, one of `waived` a verdict and a waiver.
    `resources` are those of `_resource`.
    """
    strings: dict[str, int] = {}
    waivers: dict[tuple[int, ...], int] = {}
    states = _packed_verdicts(document, strings)
    findings: list[tuple[int, ...]] = []
    waived: list[tuple[int, int]] = []
    for number, verdict in enumerate(document["verdicts"]):
        for each in verdict["findings"]:
            findings.append((number, *(_number(strings, each[key]) for key in ("property", "found", "wanted"))))
        if verdict["waiver"]:
            waived.append((number, _number(waivers, tuple(_number(strings, verdict["waiver"][key]) for key in _WAIVER))))
    messages = [_number(strings, each["message"]) for each in document["verdicts"]]
    return {
        **{key: document[key] for key in ("project", "stack", "mode", "commit", "compliant", "packs", "controls", "unjudged")},
        "frameworks": document["frameworks"],
        "resources": states["resources"],
        "verdicts": {**states["verdicts"], "message": messages},
        "states": _STATES,
        "findings": findings,
        "waived": waived,
        "waivers": list(waivers),
        "strings": list(strings),
    }


def packed_states(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of earlier evidence what can be compared: the state of each control and resource."""
    strings: dict[str, int] = {}
    states = _packed_verdicts(document, strings)
    controls = [{key: each[key] for key in ("pack", "id", "title", "severity", "enforcement")} for each in document["controls"]]
    return {
        **{key: document[key] for key in ("project", "stack", "commit")},
        "controls": controls,
        **states,
        "states": _STATES,
        "strings": list(strings),
    }


def _packed_verdicts(document: Mapping[str, Any], strings: dict[str, int]) -> dict[str, Any]:
    controls = {each["id"]: number for number, each in enumerate(document["controls"])}
    resources: dict[tuple[int, ...], int] = {}
    columns: dict[str, list[int]] = {"control": [], "resource": [], "state": []}
    for verdict in document["verdicts"]:
        columns["control"].append(controls[verdict["control"]])
        columns["resource"].append(_number(resources, _resource(verdict, strings)))
        columns["state"].append(_STATES.index(verdict["state"]))
    return {"resources": list(resources), "verdicts": columns}


def _resource(verdict: Mapping[str, Any], strings: dict[str, int]) -> tuple[int, ...]:
    """Numbers of stem, type, name, region and source. A URN that is not stem, type, `::`, name is a sixth."""
    type_, name, urn = verdict["type"], verdict["name"], verdict["urn"]
    stem = urn.removesuffix(f"{type_}::{name}")
    numbers = tuple(_number(strings, each) for each in (stem if stem != urn else "", type_, name, verdict["region"], verdict["source"]))
    return numbers if stem != urn else (*numbers, _number(strings, urn))


def _number(table: dict[_Row, int], row: _Row) -> int:
    """Where a row stands in a table, to which it is added if it is new."""
    return table.setdefault(row, len(table))
