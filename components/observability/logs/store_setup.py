"""Writes into the log store what the program says must be there. Its role is the store's master."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from components.observability.logs.contract import INDEX_PREFIX, STORE_ENDPOINT, STORE_REGION
from components.observability.logs.opensearch import JSON, Answer, Store, StoreError, UnreachableError

# OpenSearch documentation: "ISM API", "Create or update a template", "Access control API", "Saved objects"
_POLICIES = "/_plugins/_ism/policies"
_EXPLAIN = f"/_plugins/_ism/explain/{INDEX_PREFIX}*?size=10000"
_CHANGE_POLICY = "/_plugins/_ism/change_policy"
_INDEX_TEMPLATES = "/_index_template"
_ROLES = "/_plugins/_security/api/roles"
_ROLE_MAPPINGS = "/_plugins/_security/api/rolesmapping"
_AUDIT = "/_plugins/_security/api/audit"
_IMPORT = "/_dashboards/api/saved_objects/_import?overwrite=true"
# Dashboards wants the first of all that change something; the second says whose objects they are
_FOR_EVERYONE = {"osd-xsrf": "true", "securitytenant": "global"}
_OF_THE_MASTER = frozenset({"all_access", "security_manager"})

_PAUSE_SECONDS = 10
_PATIENCE_SECONDS = 420
"""How long a domain may take until it is itself. The function has ten minutes; the rest is for writing, and for saying why not."""
_SETTLING_SECONDS = 120
"""How long a new role may be unknown: IAM tells its services with a delay."""
_LONGEST_REASON = 300
_INDICES_AT_ONCE = 50  # names of an index have 15 characters, the line of a request 4096


class SetUpError(Exception):
    """What could not be written: all of it, each with the store's reason."""


class Clock(Protocol):
    """Time, as the module `time` has it."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Waits."""
        ...


class _Outcome(StrEnum):
    WRITTEN = "written"
    UNCHANGED = "unchanged"


class _RefusedError(StoreError):
    """The store will not have it, now or later."""


class _BusyError(StoreError):
    """The store may have it later."""


class _UnknownError(_BusyError):
    """The store does not know who asks, yet."""


@dataclass(frozen=True)
class _Step:
    label: str
    take: Callable[[Store], _Outcome]


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, list[str]]:
    """Writes the documents that the event has, and yields what was written and what was so already. Raises `SetUpError`."""
    del context
    store = Store(os.environ[STORE_ENDPOINT], os.environ[STORE_REGION])
    try:
        return set_up(store, event)
    finally:
        store.close()


def set_up(store: Store, documents: Mapping[str, Any], clock: Clock = time) -> dict[str, list[str]]:
    """The same, in a store and a time of the caller's."""
    began = clock.monotonic()
    done: dict[str, list[str]] = {outcome.value: [] for outcome in _Outcome}
    failed: list[str] = []
    steps = _steps(documents)
    for number, step in enumerate(steps, 1):
        try:
            done[_patiently(step, store, clock, began)].append(step.label)
        except (UnreachableError, _BusyError) as silent:
            failed.append(f"{step.label}: {silent}")
            failed += [f"{later.label}: not tried after that" for later in steps[number:]]
            break
        except StoreError as refused:
            failed.append(f"{step.label}: {refused}")
    if failed:
        raise SetUpError(f"{len(failed)} of {len(steps)} could not be written to the log store. {'; '.join(failed)}")
    return done


def _steps(documents: Mapping[str, Any]) -> list[_Step]:
    """Policies and templates before rights: nobody who may write makes an index without its mapping and its end."""
    policies: Mapping[str, Any] = documents.get("policies", {})
    steps = [_Step(f"policy {name}", partial(_put_policy, name, policy)) for name, policy in policies.items()]
    for kind, base, key in (
        ("index template", _INDEX_TEMPLATES, "index_templates"),
        ("role", _ROLES, "roles"),
        ("role mapping", _ROLE_MAPPINGS, "role_mappings"),
    ):
        named: Mapping[str, Any] = documents.get(key, {})
        steps += [_Step(f"{kind} {name}", partial(_put, base, name, document)) for name, document in named.items()]
    steps += [_Step(f"role mapping {' or '.join(each['roles'])}", partial(_map_any, each)) for each in documents.get("mappings_of_any", ())]
    if "audit" in documents:
        steps.append(_Step("audit log", partial(_put_audit, documents["audit"])))
    objects: Sequence[Mapping[str, Any]] = documents.get("saved_objects", ())
    if objects:
        steps.append(_Step(f"{len(objects)} saved objects", partial(_import, objects)))
    return [*steps, *(_Step(f"indices of policy {name}", partial(_follow_policy, name)) for name in policies)]


def _patiently(step: _Step, store: Store, clock: Clock, began: float) -> _Outcome:
    while True:
        try:
            return step.take(store)
        except (UnreachableError, _BusyError) as trouble:
            patience = _SETTLING_SECONDS if isinstance(trouble, _UnknownError) else _PATIENCE_SECONDS
            if clock.monotonic() - began + _PAUSE_SECONDS > patience:
                raise
        clock.sleep(_PAUSE_SECONDS)


def _put(base: str, name: str, document: Mapping[str, Any], store: Store) -> _Outcome:
    if base == _ROLE_MAPPINGS and name in _OF_THE_MASTER:
        raise _RefusedError("is the master's, whom the domain itself names; writing it here could shut everyone out")
    _ask(store, "PUT", f"{base}/{_encoded(name)}", document)
    return _Outcome.WRITTEN


def _map_any(wanted: Mapping[str, Any], store: Store) -> _Outcome:
    """To the first of some roles that the store has: its own have other names in other versions."""
    answers: list[str] = []
    for role in wanted["roles"]:
        answer = _ask(store, "PUT", f"{_ROLE_MAPPINGS}/{_encoded(role)}", wanted["mapping"], allowed=HTTPStatus.NOT_FOUND)
        if answer.fine:
            return _Outcome.WRITTEN
        answers.append(f"{role}: {_reason(answer)}")
    raise _RefusedError("; ".join(answers))


def _put_audit(wanted: Mapping[str, Any], store: Store) -> _Outcome:
    """What is not stated stays as the domain has it: some of it cannot be changed there."""
    found = _ask(store, "GET", _AUDIT).content()
    config: Mapping[str, Any] = found.get("config", {}) if isinstance(found, dict) else {}
    if _says(config, wanted):
        return _Outcome.UNCHANGED
    _ask(store, "PUT", f"{_AUDIT}/config", _changed(config, wanted))
    return _Outcome.WRITTEN


def _changed(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    inner = {key: _changed(found[key], value) for key, value in wanted.items() if isinstance(value, Mapping) and key in found}
    return {**found, **wanted, **inner}


def _put_policy(name: str, policy: Mapping[str, Any], store: Store) -> _Outcome:
    """A policy is changed by whoever says which version it was seen in."""
    path = f"{_POLICIES}/{_encoded(name)}"
    found = _current_policy(name, store)
    if found is None:
        _ask(store, "PUT", path, policy)
    elif _says(found["policy"], policy["policy"]):
        return _Outcome.UNCHANGED
    else:
        _ask(store, "PUT", f"{path}?if_primary_term={found['_primary_term']}&if_seq_no={found['_seq_no']}", policy)
    return _Outcome.WRITTEN


def _follow_policy(name: str, store: Store) -> _Outcome:
    """An index keeps the policy that it began with until it is told of the new one, even of the same name."""
    found = _current_policy(name, store)
    managed = _ask(store, "GET", _EXPLAIN, allowed=HTTPStatus.NOT_FOUND).content()
    if found is None or not isinstance(managed, dict):
        return _Outcome.UNCHANGED
    behind = sorted(
        index
        for index, state in managed.items()
        if isinstance(state, dict) and state.get("policy_id") == name and state.get("policy_seq_no") not in {None, found["_seq_no"]}
    )
    for start in range(0, len(behind), _INDICES_AT_ONCE):
        indices = ",".join(behind[start : start + _INDICES_AT_ONCE])
        answer = _ask(store, "POST", f"{_CHANGE_POLICY}/{_encoded(indices)}", {"policy_id": name}).content()
        kept = answer.get("failed_indices") if isinstance(answer, dict) else None
        if kept:
            # one that is just changing its state
            raise _BusyError(f"{len(kept)} still have the former one: {str(kept[0].get('reason'))[:_LONGEST_REASON]}")
    return _Outcome.WRITTEN if behind else _Outcome.UNCHANGED


def _current_policy(name: str, store: Store) -> dict[str, Any] | None:
    answer = _ask(store, "GET", f"{_POLICIES}/{_encoded(name)}", allowed=HTTPStatus.NOT_FOUND)
    return answer.content() if answer.fine else None


def _says(found: Any, wanted: Any) -> bool:
    """Whether what the store has says all that is wanted; it adds times and defaults of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(key in found and _says(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_says, found, wanted))
    return found == wanted


def _import(objects: Sequence[Mapping[str, Any]], store: Store) -> _Outcome:
    lines = "".join(f"{json.dumps(each, sort_keys=True)}\n" for each in objects).encode()
    boundary = hashlib.sha256(lines).hexdigest()
    disposition = 'form-data; name="file"; filename="objects.ndjson"'
    opening = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/ndjson\r\n\r\n"
    body = opening.encode() + lines + f"\r\n--{boundary}--\r\n".encode()
    asked = store.ask("POST", _IMPORT, body, f"multipart/form-data; boundary={boundary}", _FOR_EVERYONE)
    content = _checked(asked, "POST", _IMPORT).content()
    if not isinstance(content, dict) or content.get("success") is not True:
        errors = content.get("errors", []) if isinstance(content, dict) else []
        each = [f"{error.get('type')} {error.get('id')} ({(error.get('error') or {}).get('type')})" for error in errors]
        raise _RefusedError(", ".join(each)[:_LONGEST_REASON] or "OpenSearch Dashboards does not say that it has them")
    return _Outcome.WRITTEN


def _ask(store: Store, method: str, path: str, document: Mapping[str, Any] | None = None, *, allowed: HTTPStatus | None = None) -> Answer:
    body = b"" if document is None else json.dumps(document).encode()
    return _checked(store.ask(method, path, body, JSON), method, path, allowed)


def _checked(answer: Answer, method: str, path: str, allowed: HTTPStatus | None = None) -> Answer:
    if answer.fine or answer.status == allowed:
        return answer
    what = f"{method} {path.partition('?')[0]} answers {answer.status}, {_reason(answer)}"
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise _UnknownError(what)
    # 409: somebody changed it since it was read, which is done again
    if answer.worth_another_try or answer.status == HTTPStatus.CONFLICT:
        raise _BusyError(what)
    raise _RefusedError(what)


def _reason(answer: Answer) -> str:
    """In the store's words, which may repeat what it was told; nothing of that is secret."""
    content = answer.content()
    if not isinstance(content, dict):
        return answer.fault()
    error = content.get("error")
    places = (error if isinstance(error, dict) else {}, content)
    said = next((place[key] for place in places for key in ("reason", "message", "Message") if isinstance(place.get(key), str)), None)
    return said[:_LONGEST_REASON] if said else answer.fault()


def _encoded(name: str) -> str:
    return quote(name, safe=",")
