"""The functions that set up the log store and fill it, against a store that speaks TLS on loopback."""

import base64
import gzip
import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from types import SimpleNamespace
from typing import Any

import pytest

from components.observability.log_documents import prepared_searches, store_documents
from components.observability.logs import shipper, store_setup
from components.observability.logs.contract import LOG_SOURCES, STORE_ENDPOINT, STORE_REGION, Field, LogSource
from components.observability.logs.opensearch import Store, UnreachableError
from components.observability.logs.packaged import SET_UP, SHIPPER, FunctionCode
from tests.observability.log_store import CREDENTIALS, HOST, REGION, LogStore, certificate, serving

pytestmark = pytest.mark.skipif(which("openssl") is None, reason="needs openssl: apt install openssl")

PODS, DATABASE, FIREWALL = "/aws/containerinsights/c/application", "/aws/rds/cluster/d/postgresql", "aws-waf-logs-w"
CONTROL_PLANE, CACHE = "/aws/eks/c/cluster", "/aws/vendedlogs/elasticache/c/slow-log"
SOURCES = {"pods": [PODS], "database": [DATABASE], "firewall": [FIREWALL], "control-plane": [CONTROL_PLANE], "cache": [CACHE]}
NOW = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DAY_MS = 24 * 60 * 60 * 1000
TODAY, YESTERDAY = "logs-2026.03.01", "logs-2026.02.28"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def there(tls: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogStore]:
    """The store, and an environment that leads to it."""
    with serving(tls) as store:
        told = {
            STORE_ENDPOINT: store.endpoint,
            STORE_REGION: REGION,
            LOG_SOURCES: json.dumps(SOURCES),
            "SSL_CERT_FILE": str(tls / "cert.pem"),
        }
        for name, value in {**CREDENTIALS, **told}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(shipper, "time", SimpleNamespace(time=NOW.timestamp))
        yield store


@pytest.fixture
def client(there: LogStore) -> Iterator[Store]:
    store = Store(there.endpoint, REGION)
    yield store
    store.close()


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)


def sent(*lines: str | tuple[str, int], group: str = PODS, kind: str = "DATA_MESSAGE", first: int = 0) -> dict[str, Any]:
    """What CloudWatch Logs sends: lines, each with its time or of now."""
    timed = [line if isinstance(line, tuple) else (line, NOW_MS) for line in lines]
    data = {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": group,
        "logStream": "a stream",
        "subscriptionFilters": ["log-store"],
        "logEvents": [{"id": f"event-{number}", "timestamp": when, "message": line} for number, (line, when) in enumerate(timed, first)],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}


def container_line(log: str, container: str = "strategy", **more: Any) -> str:
    """As Fluent Bit writes it for Container Insights."""
    place = {"pod_name": "strategy-0", "namespace_name": "trading", "host": "ip-10-0-0-1", "container_name": container, "pod_id": "p"}
    return json.dumps({"time": "2026-01-01T00:00:00Z", "stream": "stdout", "_p": "F", "log": log, "kubernetes": place, **more})


def kept(store: LogStore) -> list[dict[str, Any]]:
    return [document for index in store.documents.values() for document in index.values()]


def shipped(store: LogStore, line: str, group: str = PODS) -> dict[str, Any]:
    shipper.handler(sent(line, group=group))
    (document,) = kept(store)
    return document


# What the client does


def test_a_request_that_is_not_signed_as_it_should_be_is_refused_by_the_store_of_these_tests(
    there: LogStore, client: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.ask("GET", "/_plugins/_ism/explain/logs-*?size=1&a=b%2Cc").status == 200
    elsewhere = Store(there.endpoint, "us-elsewhere-1")
    assert elsewhere.ask("GET", "/_plugins/_ism/explain/logs-*").status == 403
    elsewhere.close()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert client.ask("GET", "/_plugins/_ism/explain/logs-*").status == 403


def test_one_connection_serves_all_requests(there: LogStore, client: Store) -> None:
    for _ in range(3):
        client.ask("GET", "/_plugins/_ism/explain/logs-*")
    assert there.connections == 1


def test_a_kept_connection_that_has_been_closed_is_opened_again(there: LogStore, client: Store) -> None:
    there.hangs_up = True
    assert [client.ask("GET", "/_plugins/_ism/explain/logs-*").status for _ in range(3)] == [200, 200, 200]
    assert there.connections == 3


def test_a_store_whose_certificate_nobody_knows_gets_nothing(there: LogStore) -> None:
    strict = Store(there.endpoint, REGION, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(UnreachableError, match="POST /_bulk: no answer, SSLCertVerificationError"):
        strict.ask("POST", "/_bulk", b"a secret line")
    assert not there.requests


def test_a_store_that_only_shows_its_own_certificate_is_not_trusted(there: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UnreachableError, match="SSLCertVerificationError"):
        Store(there.endpoint, REGION).ask("GET", "/")


def test_a_store_that_is_not_there_is_told_without_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnreachableError) as told:
        Store(f"{HOST}:1", REGION).ask("POST", "/_bulk?of=a-line", b"a secret line")
    assert str(told.value) == "POST /_bulk: no answer, ConnectionRefusedError"


# What the shipper makes of lines


def test_a_line_of_a_container_says_where_it_is_from(there: LogStore) -> None:
    document = shipped(there, container_line("2026-01-01 ERROR no price\n"))
    assert document == {
        "@timestamp": NOW_MS,
        "message": "2026-01-01 ERROR no price",
        "level": "error",
        "source": "pods",
        "region": REGION,
        "log_group": PODS,
        "log_stream": "a stream",
        "namespace": "trading",
        "pod": "strategy-0",
        "container": "strategy",
        "node": "ip-10-0-0-1",
    }
    assert list(there.documents) == [TODAY]


@pytest.mark.parametrize("merged", [False, True], ids=["as text", "read by the collector"])
def test_json_of_a_container_becomes_fields(there: LogStore, merged: bool) -> None:
    said = {"severity": "WARN", "msg": "filled", "order_id": "o-1", "price": 1.5, "venue": {"name": "binance"}, "nothing": None}
    line = container_line("", log_processed=said) if merged else container_line(json.dumps(said))
    document = shipped(there, line)
    assert document["message"] == "filled"
    assert (document["level"], document["order_id"]) == ("warning", "o-1")
    assert document["fields"] == {"severity": "WARN", "msg": "filled", "order_id": "o-1", "price": 1.5, "venue": {"name": "binance"}}
    assert document["container"] == "strategy"


def test_json_without_a_message_is_its_own_message(there: LogStore) -> None:
    assert json.loads(shipped(there, container_line('{"status": 403, "path": "/_dashboards"}'))["message"]) == {
        "status": 403,
        "path": "/_dashboards",
    }


@pytest.mark.parametrize(
    "line", ["", "plain", "{", '{"log": 1', "[1, 2]", '"text"', "{" * 50_000, '{"a":' * 5_000, '{"n": ' + "9" * 5_000 + "}"]
)
def test_what_is_no_object_is_a_plain_line(there: LogStore, line: str) -> None:
    document = shipped(there, line)
    assert "fields" not in document
    assert document["message"][:30_000] == line[:30_000]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("E1126 08:19:51.123456       1 main.go:1] failed", "error"),
        ("time=x level=warning msg=y", "warning"),
        ("2026-01-01 00:00:00 UTC:10.0.0.1(1):u@d:[1]:FATAL:  no", "critical"),
        ('{"level": 50, "msg": "pino"}', "error"),
        ('{"level": "50", "msg": "pino"}', "error"),
        ('{"level": "Metadata"}', None),
        ("the ERROR-free day", None),
        ("nothing to see", None),
    ],
)
def test_levels_have_one_spelling(there: LogStore, line: str, level: str | None) -> None:
    assert shipped(there, line).get("level") == level


def test_a_slow_statement_has_a_duration(there: LogStore) -> None:
    line = "2026-01-01 00:00:00 UTC:10.0.0.1(1):u@d:[1]:LOG:  duration: 1234.567 ms  execute <unnamed>: SELECT 1"
    assert shipped(there, line, DATABASE)["duration_ms"] == 1234.567


def test_a_slow_command_has_a_duration(there: LogStore) -> None:
    assert shipped(there, '{"CacheNodeId": "0001", "Id": 1, "Duration (us)": 12500, "Command": "GET x"}', CACHE)["duration_ms"] == 12.5


def test_an_audit_event_says_who_did_what_to_what(there: LogStore) -> None:
    event = {
        "kind": "Event",
        "verb": "delete",
        "user": {"username": "arn:aws:sts::1:assumed-role/admin/ada"},
        "sourceIPs": ["192.0.2.1"],
        "objectRef": {"resource": "pods", "namespace": "trading", "name": "order-executor-0"},
        "responseStatus": {"code": 200},
    }
    document = shipped(there, json.dumps(event), CONTROL_PLANE)
    told = {name: document[name] for name in ("user", "verb", "resource", "namespace", "object", "status", "client_ip")}
    assert list(told.values()) == [
        "arn:aws:sts::1:assumed-role/admin/ada",
        "delete",
        "pods",
        "trading",
        "order-executor-0",
        200,
        "192.0.2.1",
    ]


def test_a_request_at_the_firewall_says_who_was_refused_by_which_rule(there: LogStore) -> None:
    request = {"clientIp": "192.0.2.9", "country": "NL", "httpMethod": "GET", "uri": "/.env", "requestId": "r"}
    document = shipped(there, json.dumps({"action": "BLOCK", "terminatingRuleId": "common", "httpRequest": request}), FIREWALL)
    told = ("action", "rule", "client_ip", "country", "method", "path")
    assert [document[name] for name in told] == ["BLOCK", "common", "192.0.2.9", "NL", "GET", "/.env"]


def test_a_group_that_nobody_named_is_another_source(there: LogStore) -> None:
    assert shipped(there, "x", "/aws/lambda/unknown")["source"] == LogSource.OTHER


def test_every_field_has_a_mapping(there: LogStore) -> None:
    lines = [container_line("x"), '{"action":"BLOCK"}', "x" * 100_000, json.dumps({"level": "info", "msg": "m", "path": "/", "error": "e"})]
    shipper.handler(sent(*lines))
    assert {name for document in kept(there) for name in document} <= {field.value for field in Field}


def test_secrets_are_gone_from_every_part_of_a_document(there: LogStore) -> None:
    secret = "kZ8dQ2mVx7Lr4TnB"
    inner = json.dumps(
        {"msg": f"sent password={secret}", "headers": [{"name": "X-Api-Key", "value": secret}], "api_key": [secret], "o": {"token": secret}}
    )
    headers = json.dumps({"headers": [{"value": secret, "name": "X-Api-Key"}]})
    nested = json.dumps({"request": inner, "url": f"postgres://u:{secret}@db/x", "error": f"Bearer {secret}", "user": f"secret={secret}"})
    shipper.handler(
        sent(
            container_line(inner),
            container_line(nested),
            nested,
            container_line(json.dumps({"msg": "m", **json.loads(headers)})),
            f"Authorization: Basic {secret}==",
        )
    )
    assert len(kept(there)) == 5
    assert secret not in json.dumps(kept(there))
    assert "[redacted]" in json.dumps(kept(there))


def test_a_number_that_looks_like_a_card_spoils_no_fields(there: LogStore) -> None:
    document = shipped(there, '{"level":"error","message":"fill","qty":4111111111111111,"order_id":"a"}')
    assert (document["level"], document["order_id"], document["fields"]["qty"]) == ("error", "a", "[redacted]")
    assert "4111111111111111" not in json.dumps(document)


@pytest.mark.parametrize("name", ["order_id", "orderId", "trace_id"])
@pytest.mark.parametrize("value", ["5555555555554444", "Zk8dQ2mVx7Lr4TnBw9Yc1Fh6Jp3Sg5Ea0UiOqXbN"])
def test_an_id_is_found_again_whatever_it_looks_like(there: LogStore, name: str, value: str) -> None:
    document = shipped(there, json.dumps({"message": "placed", name: value}))
    assert value in (document.get("order_id"), document.get("trace_id"))


def test_an_id_that_is_a_secret_is_none(there: LogStore) -> None:
    document = shipped(there, json.dumps({"message": "m", "session_id": "Zk8dQ2mVx7Lr4TnBw9Yc1F", "key_id": f"AKIA{'A' * 16}"}))
    assert (document["fields"]["session_id"], document["fields"]["key_id"]) == ("[redacted]", "[redacted]")


def test_a_long_message_is_cut_and_says_so(there: LogStore) -> None:
    document = shipped(there, "x" * 100_000)
    assert document["message"] == "x" * shipper.LONGEST_MESSAGE + "… [cut: 100000 characters]"
    assert (document["length"], document["truncated"]) == (100_000, True)


def test_an_object_that_is_too_large_keeps_its_message_and_its_own_fields(there: LogStore) -> None:
    document = shipped(
        there, json.dumps({"message": "m", "order_id": "o-1", "many": {f"field {number}": "x" * 100 for number in range(1000)}})
    )
    assert "fields" not in document
    assert (document["message"], document["order_id"], document["truncated"]) == ("m", "o-1", True)


def test_no_value_is_longer_than_the_index_bears(there: LogStore) -> None:
    deep: Any = "🂡" * 6_000
    for _ in range(30):
        deep = {"🂡" * 500: deep}
    document = shipped(there, json.dumps({"text": "🂡" * 9_000, "deep": deep, "": 1, " . ": 2}, ensure_ascii=False))
    assert longest_term(document["fields"]) > 16_000
    assert longest_term(document["fields"]) < 32_766
    assert set(document["fields"]) == {"text", "deep"}


def longest_term(value: Any, path: str = "") -> int:
    if isinstance(value, dict):
        return max(longest_term(each, f"{path}.{key}") for key, each in value.items())
    return len(f"{path}={value}".encode())


@pytest.mark.parametrize("line", ['{"a": NaN, "b": -Infinity, "c": 1e999}', '{"a": "\\ud800"}', "\ud800 half a character"])
def test_what_json_cannot_carry_does_not_spoil_a_request(there: LogStore, line: str) -> None:
    assert shipper.handler(sent(line, "good"))["written"] == 2


# What the shipper does with the store


def test_the_subscriptions_own_question_is_not_written(there: LogStore) -> None:
    assert shipper.handler(sent("are you there?", kind="CONTROL_MESSAGE")) == {}
    assert not there.requests


def test_lines_that_come_twice_are_there_once(there: LogStore) -> None:
    shipper.handler(sent("one", "two"))
    assert shipper.handler(sent("one", "two", "three")) == {"written": 1, "there_already": 2, "refused": 0}
    assert sorted(document["message"] for document in kept(there)) == ["one", "three", "two"]


def test_what_lambda_gave_up_comes_again_from_the_queue(there: LogStore) -> None:
    kept_by_lambda = {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": sent("one", "two")}
    shipper.handler(sent("one"))
    done = shipper.handler({"Records": [{"eventSource": "aws:sqs", "body": json.dumps(kept_by_lambda)}]})
    assert done == {"written": 1, "there_already": 1, "refused": 0}
    assert sorted(document["message"] for document in kept(there)) == ["one", "two"]


def test_a_line_ahead_of_its_time_opens_no_index_that_would_close_early(there: LogStore) -> None:
    shipper.handler(sent(("tomorrow", NOW_MS + DAY_MS)))
    assert list(there.documents) == [TODAY]


def test_lines_go_to_the_index_of_their_day_unless_that_is_closed(there: LogStore) -> None:
    shipper.handler(sent(("now", NOW_MS), ("a day late", NOW_MS - DAY_MS), ("very late", NOW_MS - 9 * DAY_MS)))
    assert {name: [each["message"] for each in index.values()] for name, index in there.documents.items()} == {
        TODAY: ["now", "very late"],
        YESTERDAY: ["a day late"],
    }


def test_requests_stay_below_what_the_store_takes(there: LogStore) -> None:
    lines = [f"{number} {'é' * 31_000}" for number in range(200)]
    assert shipper.handler(sent(*lines))["written"] == 200
    assert len(there.requests) == 3
    assert max(len(request.body) for request in there.requests) <= shipper.LARGEST_REQUEST_BYTES


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "rejected_execution_exception"),
        (503, "unavailable_shards_exception"),
        (403, "cluster_block_exception"),
        (400, "validation_exception"),
    ],
)
def test_lines_that_the_store_has_no_room_for_now_are_told_after_all_others_are_written(there: LogStore, status: int, kind: str) -> None:
    there.refusing = {"event-1": (status, kind)}
    with pytest.raises(shipper.NotShippedError, match=rf"^1 of 3 lines of {PODS} are not in the store: 1 with {status} {kind}$"):
        shipper.handler(sent("one", "a private line", "three"))
    there.refusing = {}
    assert shipper.handler(sent("one", "a private line", "three")) == {"written": 1, "there_already": 2, "refused": 0}


def test_lines_that_are_refused_for_good_are_counted_and_not_told(there: LogStore, capsys: pytest.CaptureFixture[str]) -> None:
    there.refusing = {"event-0": (400, "mapper_parsing_exception")}
    assert shipper.handler(sent("a private line", "two")) == {"written": 1, "there_already": 0, "refused": 1}
    told = capsys.readouterr().out
    assert json.loads(told) == {
        "message": "The store refused lines for good",
        "log_group": PODS,
        "refused": {"mapper_parsing_exception": 1},
    }


@pytest.mark.parametrize("status", [403, 413, 429, 503])
def test_a_request_that_is_refused_as_a_whole_is_sent_again_by_lambda(there: LogStore, status: int) -> None:
    there.next_answers = [("/_bulk", status, {"Message": "a private line"})]
    with pytest.raises(shipper.NotShippedError) as told:
        shipper.handler(sent("a private line", "two"))
    assert str(told.value) == f"2 of 2 lines of {PODS} are not in the store: 2 with {status} {http.client.responses[status]}"
    assert shipper.handler(sent("a private line", "two"))["written"] == 2


def test_an_answer_that_leaves_lines_out_is_no_answer(there: LogStore) -> None:
    there.next_answers = [("/_bulk", 200, {"errors": False, "items": [{"create": {"status": 201}}]})]
    with pytest.raises(shipper.NotShippedError, match="2 of 2 lines"):
        shipper.handler(sent("one", "two"))


# What the set-up writes


def documents(**changed: Any) -> dict[str, Any]:
    stated = {"copies": 1, "shards": 1, "hot_days": 7, "warm": False, "retention_days": 30}
    return {**store_documents(shipper_role_arn="arn:s", reader_role_arn="arn:r", **{**stated, **changed}), **prepared_searches()}


def test_a_new_store_gets_all_that_it_is_told(there: LogStore) -> None:
    told = documents()
    done = store_setup.handler(told)
    assert there.put["/_index_template/logs"] == told["index_templates"]["logs"]
    assert there.put["/_plugins/_security/api/roles/log-shipper"] == told["roles"]["log-shipper"]
    assert there.put["/_plugins/_security/api/rolesmapping/kibana_user"]["backend_roles"] == ["arn:r"]
    assert there.policies["logs"][1] == told["policies"]["logs"]["policy"]
    assert set(there.saved) == {each["id"] for each in told["saved_objects"]}
    assert done["written"][:3] == ["policy logs", "index template logs", "role log-shipper"]


def test_nobody_may_write_before_an_index_would_be_made_as_it_should(there: LogStore) -> None:
    store_setup.handler(documents())
    writes = [line for line in there.asked() if line.startswith("PUT")]
    first_right = next(number for number, line in enumerate(writes) if "_security" in line)
    assert {"PUT /_plugins/_ism/policies/logs", "PUT /_index_template/logs"} == set(writes[:first_right])


def test_a_second_run_changes_nothing(there: LogStore) -> None:
    store_setup.handler(documents())
    before = json.dumps([there.put, there.policies, there.saved])
    done = store_setup.handler(documents())
    assert json.dumps([there.put, there.policies, there.saved]) == before
    assert done["unchanged"] == ["policy logs", "audit log", "indices of policy logs"]


@pytest.mark.parametrize("name", ["opensearch_dashboards_user", "kibana_user"])
def test_readers_may_use_dashboards_whatever_the_store_calls_that(there: LogStore, name: str) -> None:
    there.own_roles = {name}
    store_setup.handler(documents())
    mapped = {path.rpartition("/")[2]: each["backend_roles"] for path, each in there.put.items() if "rolesmapping" in path}
    assert mapped == {"log-shipper": ["arn:s"], "log-reader": ["arn:r"], name: ["arn:r"]}


def test_a_store_without_a_role_for_dashboards_is_told(there: LogStore, client: Store) -> None:
    there.own_roles = set()
    with pytest.raises(store_setup.SetUpError, match=r"opensearch_dashboards_user: Role 'opensearch_dashboards_user' is not available"):
        store_setup.set_up(client, documents(), Clock())


def test_audit_logs_are_on_without_what_is_asked_and_the_rest_is_left(there: LogStore) -> None:
    store_setup.handler(documents())
    assert there.audit["enabled"] is True
    assert (there.audit["audit"]["log_request_body"], there.audit["audit"]["ignore_users"]) == (False, ["kibanaserver"])


def test_logs_wait_for_nothing_that_only_helps_to_search_them(there: LogStore) -> None:
    told = documents()
    store_setup.handler({key: value for key, value in told.items() if key != "saved_objects"})
    assert not [line for line in there.asked() if "/_dashboards/" in line]
    store_setup.handler(prepared_searches())
    assert set(there.saved) == {each["id"] for each in told["saved_objects"]}


def test_another_retention_reaches_indices_that_are_there_already(there: LogStore) -> None:
    store_setup.handler(documents(retention_days=30))
    former = there.policies["logs"][0]
    there.managed = dict.fromkeys(
        [f"logs-2026.01.{day:02}" for day in range(1, 32)] + [f"logs-2026.03.{day:02}" for day in range(1, 32)], former
    )
    store_setup.handler(documents(retention_days=60))
    version, policy = there.policies["logs"]
    assert policy["states"][1]["transitions"][0]["conditions"] == {"min_index_age": "60d"}
    assert version != former
    assert set(there.managed.values()) == {version}


def test_indices_are_brought_to_the_policy_even_if_a_run_ended_in_between(there: LogStore) -> None:
    store_setup.handler(documents())
    there.managed = {"logs-2026.01.01": there.policies["logs"][0] - 1}
    store_setup.handler(documents())
    assert there.managed == {"logs-2026.01.01": there.policies["logs"][0]}


def test_a_policy_that_changes_meanwhile_is_read_again(there: LogStore, client: Store) -> None:
    clock = Clock()
    store_setup.set_up(client, documents(), clock)
    version, policy = there.policies["logs"]
    there.policies["logs"] = version + 7, policy
    there.next_answers = [("/_plugins/_ism/policies/logs", 200, {"_seq_no": version, "_primary_term": 1, "policy": {}})]
    store_setup.set_up(client, documents(retention_days=60), clock)
    assert there.policies["logs"][1]["states"][1]["transitions"][0]["conditions"] == {"min_index_age": "60d"}
    assert clock.slept == [10]


def test_a_store_that_is_getting_ready_is_waited_for(there: LogStore, client: Store) -> None:
    clock = Clock()
    there.next_answers = [("/", 503, {"error": "OpenSearch Security not initialized."})] * 5
    assert store_setup.set_up(client, documents(), clock)["written"]
    assert clock.slept == [10] * 5


def test_a_store_that_never_gets_ready_is_given_up(there: LogStore, client: Store) -> None:
    clock = Clock()
    there.next_answers = [("/", 503, {})] * 1000
    with pytest.raises(
        store_setup.SetUpError, match=r"policy logs: GET /_plugins/_ism/policies/logs answers 503, Service Unavailable; .*not tried"
    ):
        store_setup.set_up(client, documents(), clock)
    assert sum(clock.slept) <= 420
    assert len(there.requests) == len(clock.slept) + 1


def test_a_role_that_the_store_does_not_know_yet_is_waited_for_less(there: LogStore, client: Store) -> None:
    clock = Clock()
    there.next_answers = [("/", 403, {"Message": "User: x is not authorized"})] * 1000
    with pytest.raises(store_setup.SetUpError, match="answers 403, User: x is not authorized"):
        store_setup.set_up(client, documents(), clock)
    assert sum(clock.slept) == 120


def test_all_that_is_refused_is_told_at_once_and_the_rest_is_written(there: LogStore, client: Store) -> None:
    there.next_answers = [
        ("/_index_template", 400, {"error": {"type": "illegal_argument_exception", "reason": "unknown setting [x]"}}),
        ("/_plugins/_security/api/roles/log-reader", 400, {"status": "BAD_REQUEST", "message": "Invalid configuration"}),
    ]
    with pytest.raises(store_setup.SetUpError) as told:
        store_setup.set_up(client, documents(), Clock())
    assert "index template logs: PUT /_index_template/logs answers 400, unknown setting [x]" in str(told.value)
    assert "role log-reader: PUT /_plugins/_security/api/roles/log-reader answers 400, Invalid configuration" in str(told.value)
    assert "role mapping log-reader: PUT /_plugins/_security/api/rolesmapping/log-reader answers 404" in str(told.value)
    assert "/_plugins/_security/api/rolesmapping/log-shipper" in there.put
    assert there.saved


def test_saved_objects_that_dashboards_does_not_take_are_named(there: LogStore, client: Store) -> None:
    error = {"type": "search", "id": "order-way", "error": {"type": "missing_references"}}
    there.next_answers = [("/_dashboards", 200, {"success": False, "errors": [error]})]
    with pytest.raises(store_setup.SetUpError, match=r"saved objects: search order-way \(missing_references\)"):
        store_setup.set_up(client, documents(), Clock())


@pytest.mark.parametrize("name", ["all_access", "security_manager"])
def test_the_masters_mapping_is_never_replaced(there: LogStore, client: Store, name: str) -> None:
    with pytest.raises(store_setup.SetUpError, match=f"role mapping {name}: is the master's"):
        store_setup.set_up(client, {"role_mappings": {name: {"backend_roles": ["arn:r"]}}}, Clock())
    assert not there.requests


# How they are packaged


@pytest.mark.parametrize("code", [SHIPPER, SET_UP], ids=["shipper", "set-up"])
def test_a_function_runs_from_its_own_files_alone(code: FunctionCode, tmp_path: Path) -> None:
    for name, text in code.files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    module, _, function = code.handler.rpartition(".")
    script = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
assert callable(getattr(importlib.import_module({module!r}), {function!r}))
ours = [m.__file__ for n, m in sys.modules.items() if n.startswith("components") and getattr(m, "__file__", None)]
assert ours and all(f.startswith({str(tmp_path)!r}) for f in ours), ours
assert "pulumi" not in sys.modules
"""
    subprocess.run([sys.executable, "-I", "-c", script], check=True, cwd=tmp_path, timeout=60)
