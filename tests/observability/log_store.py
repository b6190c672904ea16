"""A log store on loopback: the few APIs of OpenSearch that the functions use, as its documentation says that they behave."""

import hashlib
import hmac
import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HOST = "localhost"
REGION = "eu-test-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIDOFTHETEST",
    "AWS_SECRET_ACCESS_KEY": "a secret of the test",
    "AWS_SESSION_TOKEN": "a session of the test",
}
LARGEST_REQUEST = 10 * 1024 * 1024
SOME_TIME = 1_790_000_000_000

Document = dict[str, Any]


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class LogStore:
    """What is in the store, what was asked of it, and how it is told to misbehave."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    documents: dict[str, dict[str, Document]] = field(default_factory=dict)
    put: dict[str, Document] = field(default_factory=dict)
    policies: dict[str, tuple[int, Document]] = field(default_factory=dict)
    managed: dict[str, int] = field(default_factory=dict)
    """Version of its policy, by index."""
    saved: dict[str, Document] = field(default_factory=dict)
    refusing: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and kind of error, by a document's ID."""
    own_roles: set[str] = field(default_factory=lambda: {"kibana_user"})
    """Roles that it brings along, which can be mapped like those that it is told."""
    audit: Document = field(default_factory=lambda: {"enabled": False, "audit": {"enable_rest": True, "ignore_users": ["kibanaserver"]}})
    next_answers: list[tuple[str, int, Document]] = field(default_factory=list)
    """Given once each, to the first request whose path begins so."""
    hangs_up: bool = False
    """Closes each connection after an answer, without saying so."""
    versions: int = 0

    @property
    def endpoint(self) -> str:
        return f"{HOST}:{self.port}"

    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    def answer(self, request: Request) -> tuple[int, Document]:
        self.requests.append(request)
        if fault := signature_fault(request):
            return 403, {"Message": fault}
        for number, (path, status, content) in enumerate(self.next_answers):
            if request.path.startswith(path):
                del self.next_answers[number]
                return status, content
        return self._obey(request)

    def _obey(self, request: Request) -> tuple[int, Document]:
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "POST", ["_bulk"]:
                answer = self._bulk(request)
            case "PUT", ["_plugins", "_security", "api", "rolesmapping", role] if not self._has_role(role):
                answer = 404, {"status": "NOT_FOUND", "message": f"Role '{role}' is not available for role-mapping."}
            case "GET", ["_plugins", "_security", "api", "audit"]:
                answer = 200, {"_readonly": [], "config": self.audit}
            case "PUT", ["_plugins", "_security", "api", "audit", "config"]:
                self.audit = json.loads(request.body)
                answer = 200, {"status": "OK"}
            case "PUT", ["_index_template", _] | ["_plugins", "_security", "api", "roles" | "rolesmapping", _]:
                answer = (200 if request.path in self.put else 201), {"status": "OK"}
                self.put[request.path] = json.loads(request.body)
            case "GET" | "PUT", ["_plugins", "_ism", "policies", name]:
                answer = self._policy(request, name)
            case "GET", ["_plugins", "_ism", "explain", _]:
                answer = 200, self._explained()
            case "POST", ["_plugins", "_ism", "change_policy", indices]:
                answer = self._changed(unquote(indices).split(","), json.loads(request.body)["policy_id"])
            case "POST", ["_dashboards", "api", "saved_objects", "_import"]:
                answer = self._import(request)
            case _:
                answer = 404, {"error": {"type": "no_such_api"}}
        return answer

    def _has_role(self, role: str) -> bool:
        return role in self.own_roles or f"/_plugins/_security/api/roles/{role}" in self.put

    def _bulk(self, request: Request) -> tuple[int, Document]:
        if len(request.body) > LARGEST_REQUEST:
            return 413, {}
        assert request.headers["content-type"] == "application/x-ndjson"
        assert request.body.endswith(b"\n")
        assert request.query["filter_path"] == "errors,items.*.status,items.*.error.type"
        lines = [json.loads(line, parse_constant=_not_json) for line in request.body.decode().splitlines()]
        items = [self._create(action["create"], document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        return 200, {"errors": any("error" in item["create"] for item in items), "items": items}

    def _create(self, where: dict[str, str], document: Document) -> Document:
        index = self.documents.setdefault(where["_index"], {})
        refusal = self.refusing.get(where["_id"])
        if where["_id"] in index:
            refusal = 409, "version_conflict_engine_exception"
        if refusal:
            return {"create": {"status": refusal[0], "error": {"type": refusal[1]}}}
        index[where["_id"]] = document
        return {"create": {"status": 201}}

    def _policy(self, request: Request, name: str) -> tuple[int, Document]:
        known = self.policies.get(name)
        if request.method == "GET":
            return (200, self._shown(name)) if known else (404, {"error": {"type": "status_exception", "reason": "Policy not found"}})
        if known and request.query != {"if_seq_no": str(known[0]), "if_primary_term": "1"}:
            return 409, {"error": {"type": "version_conflict_engine_exception", "reason": "version conflict"}}
        self.versions += 1
        self.policies[name] = self.versions, json.loads(request.body)["policy"]
        return 200 if known else 201, self._shown(name)

    def _shown(self, name: str) -> Document:
        """With what the store adds of its own."""
        version, policy = self.policies[name]
        templates = [{**template, "last_updated_time": SOME_TIME} for template in policy["ism_template"]]
        added = {"policy_id": name, "last_updated_time": SOME_TIME, "schema_version": 21, "error_notification": None}
        return {"_id": name, "_seq_no": version, "_primary_term": 1, "policy": {**policy, **added, "ism_template": templates}}

    def _explained(self) -> Document:
        each = {index: {"index": index, "policy_id": "logs", "policy_seq_no": version} for index, version in self.managed.items()}
        return {**each, "total_managed_indices": len(each)}

    def _changed(self, indices: list[str], policy: str) -> tuple[int, Document]:
        for index in indices:
            self.managed[index] = self.policies[policy][0]
        return 200, {"updated_indices": len(indices), "failures": False, "failed_indices": []}

    def _import(self, request: Request) -> tuple[int, Document]:
        if request.headers.get("osd-xsrf") != "true" or request.headers.get("securitytenant") != "global":
            return 400, {"message": "Request must contain a osd-xsrf header."}
        boundary = request.headers["content-type"].removeprefix("multipart/form-data; boundary=").encode()
        before, part, after = request.body.split(b"--" + boundary)
        assert (before, after) == (b"", b"--\r\n")
        headers, _, content = part.partition(b"\r\n\r\n")
        assert b'name="file"; filename="objects.ndjson"' in headers
        objects = [json.loads(line) for line in content.decode().splitlines() if line]
        if request.query.get("overwrite") != "true" and any(each["id"] in self.saved for each in objects):
            return 200, {"success": False, "errors": [{"type": "search", "id": "x", "error": {"type": "conflict"}}]}
        self.saved |= {each["id"]: each for each in objects}
        return 200, {"success": True, "successCount": len(objects)}


def signature_fault(request: Request) -> str | None:
    """What is wrong with a signature, computed as the IAM user guide says ("Create a signed AWS API request"); None if nothing is."""
    algorithm, _, rest = request.headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",")) if rest else {}
    moment = request.headers.get("x-amz-date", "")
    scope = f"{moment[:8]}/{REGION}/es/aws4_request"
    signed = parts.get("SignedHeaders", "").split(";")
    if algorithm != "AWS4-HMAC-SHA256" or parts.get("Credential") != f"{CREDENTIALS['AWS_ACCESS_KEY_ID']}/{scope}":
        return "not signed by whom it should be, or for another service"
    if request.headers.get("x-amz-security-token") != CREDENTIALS["AWS_SESSION_TOKEN"]:
        return "the session is missing"
    if not {"host", "x-amz-date", "x-amz-security-token"} <= set(signed):
        return "something is not signed that must be"
    if abs((datetime.now(UTC) - datetime.strptime(moment, "%Y%m%dT%H%M%S%z")).total_seconds()) > 300:
        return "too old"
    query = "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in request.query.items()))
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed)
    asked = (request.method, quote(request.path, safe="/-_.~"), query, headers, ";".join(signed), hashlib.sha256(request.body).hexdigest())
    to_sign = "\n".join((algorithm, moment, scope, hashlib.sha256("\n".join(asked).encode()).hexdigest()))
    key = f"AWS4{CREDENTIALS['AWS_SECRET_ACCESS_KEY']}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    return None if hmac.new(key, to_sign.encode(), "sha256").hexdigest() == parts.get("Signature") else "the signature is another's"


def certificate(folder: Path) -> Path:
    """Of a host on loopback, signed by itself: `cert.pem` and `key.pem` in the folder."""
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", *subject]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


@contextmanager
def serving(folder: Path) -> Iterator[LogStore]:
    """A store that answers over TLS with the certificate of the folder."""
    store = LogStore()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is sent in one piece

        def setup(self) -> None:
            super().setup()
            store.connections += 1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            status, content = store.answer(Request(self.command, parts.path, query, headers, body))
            said = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            self.close_connection = self.close_connection or store.hangs_up

        do_POST = do_PUT = do_GET  # noqa: N815 - their names there

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    store.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _not_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
