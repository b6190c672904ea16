"""Brings lines from CloudWatch Logs to the log store, without the secrets in them."""

import base64
import gzip
import json
import math
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from components.observability.logs.contract import (
    INDEX_PREFIX,
    LOG_SOURCES,
    STORE_ENDPOINT,
    STORE_REGION,
    WRITTEN_DAYS,
    Field,
    Level,
    LogSource,
)
from components.observability.logs.opensearch import Store
from components.observability.logs.redaction import redact, redact_value

# The smaller instances take requests of 10 MiB (Amazon OpenSearch Service developer guide, "Network quotas")
LARGEST_REQUEST_BYTES = 5 * 1024 * 1024
LONGEST_MESSAGE = 32_000
"""Characters of a message that are kept. CloudWatch Logs takes a megabyte (user guide, "CloudWatch Logs quotas")."""
LARGEST_FIELDS = 32_000
"""Characters of the JSON of `fields`. Of a larger object the message is kept, and what has a field of its own."""
# Lucene refuses terms of more than 32766 bytes; a character has four at most, and the path to a value counts as well
_LONGEST_VALUE = 4_000
_LONGEST_NAME = 200
_DEEPEST = 8

_ANSWER_FILTER = quote("errors,items.*.status,items.*.error.type", safe="")
_BULK = f"/_bulk?filter_path={_ANSWER_FILTER}"
_FOR_GOOD = HTTPStatus.BAD_REQUEST
_NOT_FOR_GOOD = frozenset({"validation_exception"})
"""The store's word when it has too many shards, which passes."""


class NotShippedError(Exception):
    """Lines that are not in the store yet. Lambda calls again with the same lines."""


@dataclass
class Tally:
    """What became of lines."""

    written: int = 0
    there_already: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    """For good, by the store's reason: trying again would not help."""
    failed: Counter[str] = field(default_factory=Counter[str])
    """For now."""


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, int]:
    """Takes what a subscription of CloudWatch Logs sends, or a queue of what Lambda gave up, and yields how many lines were written.

    Raises `NotShippedError`.
    """
    del context
    done: Counter[str] = Counter()
    store = Store(os.environ[STORE_ENDPOINT], os.environ[STORE_REGION])
    try:
        for sent in _sent(event):
            data = json.loads(gzip.decompress(base64.b64decode(sent["awslogs"]["data"])))
            if data["messageType"] == "DATA_MESSAGE":  # or the subscription's own question whether anybody is there
                done.update(ship(store, data, sources(os.environ[LOG_SOURCES]), os.environ[STORE_REGION], time.time()))
    finally:
        store.close()
    return dict(done)


def _sent(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Lambda keeps what it gives up as `requestPayload` (Lambda developer guide, "Retaining records of asynchronous invocations")."""
    return [json.loads(each["body"])["requestPayload"] for each in event["Records"]] if "Records" in event else [event]


def sources(told: str) -> dict[str, LogSource]:
    """Log groups with their source, from JSON that has it the other way round."""
    return {group: LogSource(source) for source, groups in json.loads(told).items() for group in groups}


def ship(store: Store, data: Mapping[str, Any], known: Mapping[str, LogSource], region: str, now: float) -> dict[str, int]:
    """The same in a store, a region and at a time of the caller's."""
    group = data["logGroup"]
    origin = Origin(group, data["logStream"], known.get(group, LogSource.OTHER), region)
    tally = Tally()
    actions = (action(event["id"], index(event["timestamp"], now), document(event, origin)) for event in data["logEvents"])
    for chunk in chunks(actions):
        _write(store, chunk, tally)
    if tally.refused:
        print(json.dumps({"message": "The store refused lines for good", "log_group": group, "refused": dict(tally.refused)}))
    if tally.failed:
        missing = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.failed.items()))
        raise NotShippedError(f"{tally.failed.total()} of {len(data['logEvents'])} lines of {group} are not in the store: {missing}")
    return {"written": tally.written, "there_already": tally.there_already, "refused": tally.refused.total()}


def index(timestamp: int, now: float) -> str:
    """The index of a line's day, in UTC. What is older than indices are written to, or ahead of its time, is kept with what came today."""
    today = datetime.fromtimestamp(now, UTC)
    day = datetime.fromtimestamp(timestamp / 1000, UTC)
    first = (today - timedelta(days=WRITTEN_DAYS - 1)).date()
    return f"{INDEX_PREFIX}{day if first <= day.date() <= today.date() else today:%Y.%m.%d}"


def action(identity: str, day: str, content: Mapping[str, Any]) -> bytes:
    """A line of a request and the document that it creates. Under its own ID, a line that comes twice is there once."""
    return _json({"create": {"_index": day, "_id": identity}}) + b"\n" + _json(content) + b"\n"


def chunks(actions: Iterable[bytes], largest: int = LARGEST_REQUEST_BYTES) -> Iterator[list[bytes]]:
    """Actions in requests that the store takes."""
    chunk: list[bytes] = []
    size = 0
    for each in actions:
        if chunk and size + len(each) > largest:
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each)
    if chunk:
        yield chunk


def _write(store: Store, chunk: list[bytes], tally: Tally) -> None:
    answer = store.ask("POST", _BULK, b"".join(chunk), "application/x-ndjson")
    content = answer.content()
    items = content.get("items") if answer.fine and isinstance(content, dict) else None
    if not isinstance(items, list) or len(items) != len(chunk):
        tally.failed[f"with {answer.status} {answer.fault()}"] += len(chunk)
        return
    for item in items:
        result = item["create"]
        status, fault = result["status"], result.get("error", {}).get("type", "unknown")
        if status < HTTPStatus.MULTIPLE_CHOICES:
            tally.written += 1
        elif status == HTTPStatus.CONFLICT:
            tally.there_already += 1
        elif status == _FOR_GOOD and fault not in _NOT_FOR_GOOD:
            tally.refused[fault] += 1
        else:
            tally.failed[f"with {status} {fault}"] += 1


@dataclass(frozen=True)
class Origin:
    """Where lines come from."""

    group: str
    stream: str
    source: LogSource
    region: str


def document(event: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """A line as the store keeps it: nothing in it is as it was before redaction."""
    line = event["message"]
    entry = _object(line)
    told: dict[Field, Any] = {}
    if origin.source is LogSource.PODS and entry is not None and isinstance(entry.get("kubernetes"), dict):
        told |= _place(redact_value(entry["kubernetes"]))
        logged, line = entry.get("log_processed"), str(entry.get("log", "")).rstrip("\r\n")
        entry = logged if isinstance(logged, dict) else _object(line)
    text = redact(line)
    if entry is not None:
        # by its names, and before what looks like a secret is gone, or it might be no JSON any more
        entry = redact_value(entry)
        told |= _fields(entry) | _promoted(entry, origin.source)
        text = _message(entry) or text or json.dumps(entry, ensure_ascii=False)
    told |= {key: value for key, value in _said(text, origin.source).items() if key not in told}
    told |= _cut(text, truncated=bool(told.get(Field.TRUNCATED)))
    told |= {
        Field.TIMESTAMP: event["timestamp"],
        Field.LOG_GROUP: origin.group,
        Field.LOG_STREAM: origin.stream,
        Field.SOURCE: origin.source,
        Field.REGION: origin.region,
    }
    return {key.value: value for key, value in told.items()}


def _object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, if it is one."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        # what JSON does not know is written as text: the store would refuse a whole request for it
        found = json.loads(text, parse_constant=str, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _finite(number: str) -> float | str:
    return value if math.isfinite(value := float(number)) else number


def _place(kubernetes: Mapping[str, Any]) -> dict[Field, Any]:
    """As Fluent Bit's filter names it (Fluent Bit manual, "Kubernetes"), which the collector of Container Insights uses."""
    named = {Field.NAMESPACE: "namespace_name", Field.POD: "pod_name", Field.CONTAINER: "container_name", Field.NODE: "host"}
    return {name: kubernetes[key] for name, key in named.items() if isinstance(kubernetes.get(key), str)}


_MESSAGES = ("message", "msg", "event")
_LEVELS = ("level", "severity", "levelname", "log_level", "lvl")


def _message(entry: Mapping[str, Any]) -> str | None:
    return next((entry[key] for key in _MESSAGES if isinstance(entry.get(key), str) and entry[key].strip()), None)


_NUMBER = frozenset({Field.STATUS, Field.DURATION_MS})
_PROMOTED: Mapping[LogSource, Mapping[Field, tuple[str, ...]]] = {
    LogSource.PODS: {
        Field.ORDER_ID: ("order_id", "orderId", "client_order_id", "clientOrderId"),
        Field.TRACE_ID: ("trace_id", "traceId", "trace", "trace.id"),
        # log search's own words, then those of Vault's audit log
        Field.USER: ("user", "who", "auth.display_name"),
        Field.CLIENT_IP: ("client_ip", "from", "request.remote_address"),
        Field.METHOD: ("method", "http.request.method"),
        Field.PATH: ("path", "request.path", "url.path"),
        Field.STATUS: ("status", "http.response.status_code"),
        Field.DURATION_MS: ("duration_ms",),
        Field.VERB: ("request.operation",),
        Field.ERROR: ("error", "error.message", "exception"),
    },
    # Kubernetes, audit.k8s.io/v1, Event
    LogSource.CONTROL_PLANE: {
        Field.USER: ("user.username",),
        Field.VERB: ("verb",),
        Field.RESOURCE: ("objectRef.resource",),
        Field.NAMESPACE: ("objectRef.namespace",),
        Field.OBJECT: ("objectRef.name",),
        Field.STATUS: ("responseStatus.code",),
        Field.CLIENT_IP: ("sourceIPs.0",),
        Field.PATH: ("requestURI",),
    },
    # AWS WAF developer guide, "Log fields for web ACL traffic"
    LogSource.FIREWALL: {
        Field.ACTION: ("action",),
        Field.RULE: ("terminatingRuleId",),
        Field.CLIENT_IP: ("httpRequest.clientIp",),
        Field.COUNTRY: ("httpRequest.country",),
        Field.METHOD: ("httpRequest.httpMethod",),
        Field.PATH: ("httpRequest.uri",),
        Field.TRACE_ID: ("httpRequest.requestId",),
    },
}
"""What of an object gets a field of its own, to be listed and counted by: the first that is there, with dots between levels."""


def _promoted(entry: Mapping[str, Any], source: LogSource) -> dict[Field, Any]:
    found: dict[Field, Any] = {}
    for name, places in _PROMOTED.get(source, {}).items():
        value = next((value for place in places if (value := _at(entry, place)) is not None), None)
        if name in _NUMBER:
            value = _number(value)
        if value is not None:
            found[name] = value if name in _NUMBER else str(value)[:_LONGEST_VALUE]
    # ElastiCache user guide, "Contents of a slow log entry": in microseconds
    if (lasted := _number(entry.get("Duration (us)"))) is not None:
        found[Field.DURATION_MS] = lasted / 1000
    if level := next((level for key in _LEVELS if (level := _level(entry.get(key)))), None):
        found[Field.LEVEL] = level
    return found


def _at(entry: Any, place: str) -> str | int | float | None:
    """The value at a place; none where that has parts of its own."""
    if isinstance(entry, Mapping) and place in entry:
        found = entry[place]
    else:
        found = entry
        for step in place.split("."):
            if isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
    return found if isinstance(found, (str, int, float)) and not isinstance(found, bool) and found != "" else None


def _number(value: Any) -> float | int | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return float(value) if isinstance(value, str) and re.fullmatch(r"\d{1,12}(?:\.\d{1,9})?", value) else None


_LEVEL_WORDS: Mapping[str, Level] = {
    **{level.value: level for level in Level},
    "notice": Level.INFO,
    "information": Level.INFO,
    "log": Level.INFO,
    "warn": Level.WARNING,
    "err": Level.ERROR,
    "fatal": Level.CRITICAL,
    "panic": Level.CRITICAL,
    "emergency": Level.CRITICAL,
    "alert": Level.CRITICAL,
    # Kubernetes' own programs begin a line with a letter
    "i": Level.INFO,
    "w": Level.WARNING,
    "e": Level.ERROR,
    "f": Level.CRITICAL,
}
_LEVEL_NUMBERS = ((10, Level.TRACE), (20, Level.DEBUG), (30, Level.INFO), (40, Level.WARNING), (50, Level.ERROR), (60, Level.CRITICAL))
"""As bunyan and pino count."""
_DIGITS_OF_LEVEL = 4
_BEGIN_OF_LINE = 160
_KLOG = re.compile(r"(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d")
_LEVEL_SAID = re.compile(
    r"(?<![\w-])(?:level=[\"']?(?P<named>(?i:trace|debug|info|warn(?:ing)?|err(?:or)?|fatal|critical|panic))"
    r"|(?P<level>TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC))(?![\w-])"
)
# PostgreSQL manual, "Error Reporting and Logging", log_min_duration_statement
_LASTED = re.compile(r"duration: (\d+\.\d+) ms")


def _level(value: Any) -> Level | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < _DIGITS_OF_LEVEL:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return next((level for number, level in reversed(_LEVEL_NUMBERS) if number <= value), None)
    return _LEVEL_WORDS.get(value.lower()) if isinstance(value, str) else None


def _said(text: str, source: LogSource) -> dict[Field, Any]:
    """What a line says in words: how grave it is, and of the database how long a statement took."""
    found: dict[Field, Any] = {}
    begin = text[:_BEGIN_OF_LINE]
    if said := _KLOG.match(begin) or _LEVEL_SAID.search(begin):
        found[Field.LEVEL] = _level(said.groupdict().get("named") or said["level"])
    if source is LogSource.DATABASE and (lasted := _LASTED.search(text[:LONGEST_MESSAGE])):
        found[Field.DURATION_MS] = float(lasted[1])
    return found


def _fields(entry: Mapping[str, Any]) -> dict[Field, Any]:
    """The object as one field. Of one that is too large the message tells what fits."""
    kept = _trimmed(entry, 0)
    if len(json.dumps(kept, ensure_ascii=False)) > LARGEST_FIELDS:
        return {Field.TRUNCATED: True}
    return {Field.FIELDS: kept} if kept else {}


def _trimmed(value: Any, depth: int) -> Any:
    """What the store's index bears: no empty names, nothing where there is nothing, no endless values."""
    if isinstance(value, Mapping):
        if depth >= _DEEPEST:
            return json.dumps(value, ensure_ascii=False)[:_LONGEST_VALUE]
        named = ((key[:_LONGEST_NAME].strip(". "), _trimmed(each, depth + 1)) for key, each in value.items())
        return {key: each for key, each in named if key and each not in (None, "", [], {})}
    if isinstance(value, list):
        if depth >= _DEEPEST:
            return json.dumps(value, ensure_ascii=False)[:_LONGEST_VALUE]
        return [each for each in (_trimmed(each, depth + 1) for each in value) if each not in (None, "", [], {})]
    return value[:_LONGEST_VALUE] if isinstance(value, str) else value


def _cut(text: str, *, truncated: bool) -> dict[Field, Any]:
    if len(text) <= LONGEST_MESSAGE:
        return {Field.MESSAGE: text} | ({Field.TRUNCATED: True} if truncated else {})
    return {
        Field.MESSAGE: f"{text[:LONGEST_MESSAGE]}… [cut: {len(text)} characters]",
        Field.LENGTH: len(text),
        Field.TRUNCATED: True,
    }


def _json(value: Mapping[str, Any]) -> bytes:
    """In UTF-8, without the halves of characters that JSON may carry and UTF-8 may not."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
