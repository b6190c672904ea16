"""Evidence of earlier audits, which the page compares with: files that anybody may hand us, so that everything used is checked."""

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from mastertrade.evidence.document import FORMAT
from mastertrade.evidence.folder import EvidenceError
from mastertrade.evidence.model import State
from settings.problems import shown

__all__ = ["read_earlier"]

_WANTED = "allowed: an evidence.json that `mastertrade audit --out` wrote"

_Text = Annotated[str, Field(strict=True)]


class _Commit(BaseModel):
    id: _Text
    date: _Text


class _Control(BaseModel):
    pack: _Text
    id: _Text
    title: _Text
    severity: _Text
    enforcement: _Text


class _Verdict(BaseModel):
    control: _Text
    urn: _Text
    type: _Text
    name: _Text
    region: _Text
    source: _Text
    state: State


class _Evidence(BaseModel):
    format: Literal[1]
    project: _Text
    stack: _Text
    commit: _Commit | None
    controls: list[_Control]
    verdicts: list[_Verdict]


def read_earlier(files: Iterable[Path], *, project: str, stacks: Collection[str]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Documents for each stack, in the order of their files. Raises `EvidenceError` with a line for each file that is none of these."""
    found: dict[str, tuple[Mapping[str, Any], ...]] = dict.fromkeys(stacks, ())
    problems: list[str] = []
    for file in files:
        try:
            document = _read(file)
        except EvidenceError as error:
            problems.append(f"{file}: {error}")
            continue
        if document["project"] != project or document["stack"] not in found:
            problems.append(
                f"{file}: found {_of(document['project'], [document['stack']])}; allowed: {_of(project, stacks)}, which is audited"
            )
            continue
        found[document["stack"]] += (document,)
    if problems:
        raise EvidenceError("\n".join(problems))
    return found


def _of(project: str, stacks: Iterable[str]) -> str:
    return f"evidence of {shown(project)}, stack {' or '.join(shown(each) for each in stacks)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvidenceError(f"cannot be read ({error.strerror}); {_WANTED}") from None
    except (ValueError, RecursionError):
        raise EvidenceError(f"is no whole JSON document; {_WANTED}") from None
    try:
        evidence = _Evidence.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise EvidenceError(f"is no evidence of format {FORMAT} ({where or 'the document'}: {shown(first['msg'])}); {_WANTED}") from None
    known = {each.id for each in evidence.controls}
    for each in evidence.verdicts:
        if each.control not in known:
            raise EvidenceError(f"has a verdict of {shown(each.control)}, which is none of its controls; {_WANTED}")
    return document
