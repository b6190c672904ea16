"""The canary's script, against a server that speaks TLS on loopback."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from components.observability.canary import probe

HOST = "localhost"

pytestmark = pytest.mark.skipif(which("openssl") is None, reason="needs openssl: apt install openssl")


class Api(http.server.BaseHTTPRequestHandler):
    """Answers as the API does, or as a test wants it to."""

    answers: dict[str, int] = {}  # noqa: RUF012 - exchanged by each test

    def do_GET(self) -> None:
        upgrade = self.headers.get("Upgrade") == "websocket"
        known = bool(self.headers.get("User-Agent")) and (upgrade or self.path != "/ws")
        self.send_response(self.answers[self.path] if known else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        del format, args


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", *subject]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder


def serving(certificate: Path, newest: ssl.TLSVersion) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    context.maximum_version = newest
    server = http.server.ThreadingHTTPServer((HOST, 0), Api)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    Api.answers = {"/health": 200, "/ws": 101}
    yield from serving(certificate, ssl.TLSVersion.TLSv1_3)


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    context = probe.trust()
    context.load_verify_locations(certificate / "cert.pem")
    return context


def test_a_platform_that_answers_passes(port: int, trusting: ssl.SSLContext) -> None:
    probe.visit(HOST, port, trusting, 14)


def test_a_stream_that_asks_who_is_there_passes(port: int, trusting: ssl.SSLContext) -> None:
    Api.answers["/ws"] = 401
    probe.visit(HOST, port, trusting, 14)


@pytest.mark.parametrize(("path", "status"), [("/health", 503), ("/health", 301), ("/ws", 404), ("/ws", 502), ("/ws", 200)])
def test_any_other_answer_fails_and_says_which(port: int, trusting: ssl.SSLContext, path: str, status: int) -> None:
    Api.answers[path] = status
    with pytest.raises(AssertionError, match=f"{path} answers {status}"):
        probe.visit(HOST, port, trusting, 14)


def test_a_certificate_that_ends_soon_fails(port: int, trusting: ssl.SSLContext) -> None:
    with pytest.raises(AssertionError, match=r"ends in \d+\.\d days; 31 are wanted"):
        probe.visit(HOST, port, trusting, 31)


def test_a_certificate_that_nobody_knows_fails(port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        probe.visit(HOST, port, probe.trust(), 14)


def test_a_platform_that_does_not_answer_fails(trusting: ssl.SSLContext) -> None:
    with pytest.raises(OSError, match="refused"):
        probe.visit(HOST, 1, trusting, 14)


def test_the_handler_reads_its_host_from_the_environment(port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOST": HOST, "PORT": str(port), "CERTIFICATE_DAYS": "14", "SSL_CERT_FILE": str(certificate / "cert.pem")}.items():
        monkeypatch.setenv(name, value)
    probe.handler({}, None)
