"""Files as the Pulumi CLI writes them: its event log (`sdk/go/common/apitype/events.go`) and `preview --json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROVIDER = "pulumi:providers:aws"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def urn(type_: str, name: str, *, project: str = "mastertrade", stack: str = "prod") -> str:
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def state(type_: str, name: str, inputs: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A resource as steps have it, managed by the provider of us-west-2."""
    return {
        "type": type_,
        "urn": urn(type_, name),
        "custom": True,
        "id": "",
        "parent": "",
        "inputs": inputs or {},
        "outputs": inputs or {},
        "provider": "" if type_ == PROVIDER else f"{urn(PROVIDER, 'there')}::{UNKNOWN}",
        **more,
    }


PROVIDER_STATE = state(PROVIDER, "there", {"region": "us-west-2"})


def step(new: dict[str, Any] | None, op: str = "create", **more: Any) -> dict[str, Any]:
    """A `resourcePreEvent`."""
    metadata = {"op": op, "urn": (new or {}).get("urn"), "type": (new or {}).get("type"), "old": None, "new": new, **more}
    return {"resourcePreEvent": {"metadata": metadata, "planning": True}}


def objection(policy: str, message: str, of: str = "", pack: str = "encryption", level: str = "mandatory") -> dict[str, Any]:
    """A `policyEvent`, coloured as the engine colours it."""
    return {
        "policyEvent": {
            "resourceUrn": of,
            "message": f"<{{%fg 13%}}>{message}<{{%reset%}}>\n",
            "color": "raw",
            "policyName": policy,
            "policyPackName": pack,
            "policyPackVersion": "1.0.0",
            "policyPackVersionTag": "1.0.0",
            "enforcementLevel": level,
        }
    }


def passes(of: str, *policies: str, pack: str = "encryption") -> dict[str, Any]:
    """A `policyAnalyzeSummaryEvent`."""
    summary = {"resourceUrn": of, "policyPackName": pack, "policyPackVersion": "1.0.0", "policyPackVersionTag": "1.0.0"}
    return {"policyAnalyzeSummaryEvent": {**summary, "passed": list(policies)}}


def summary(packs: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A `summaryEvent`: packs of an organization by their names, of a folder with it."""
    told = {"encryption|local|policies/encryption": "1.0.0"} if packs is None else packs
    return {"summaryEvent": {"maybeCorrupt": False, "durationSeconds": 3, "resourceChanges": {"create": 2}, "PolicyPacks": told, **more}}


def log(file: Path, *events: dict[str, Any]) -> Path:
    """The file of `--event-log`: prelude first, cancelEvent last."""
    every = ({"preludeEvent": {"config": {}}}, *events, {"cancelEvent": {}})
    lines = [json.dumps({"sequence": number, "timestamp": 1_795_000_000 + number, **each}) for number, each in enumerate(every)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def preview(file: Path, *states: dict[str, Any], **more: Any) -> Path:
    """What `pulumi preview --json` prints."""
    steps = [{"op": "create", "urn": each["urn"], "newState": each} for each in states]
    document = {"config": {"aws:region": "us-west-2"}, "steps": steps, "duration": 3, "changeSummary": {"create": len(steps)}, **more}
    file.write_text(json.dumps(document, indent=4), encoding="utf-8")
    return file
