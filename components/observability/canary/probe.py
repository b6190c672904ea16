"""A visit to the API from outside, as a client makes it: the name, TLS, /health, and the way to a stream on /ws.

Runs in CloudWatch Synthetics, which counts an exception as a failed visit. Needs nothing but Python.
"""

import base64
import http.client
import os
import socket
import ssl
import time

_TIMEOUT_SECONDS = 10
_PORT = 443
# some web application firewalls let nobody in who does not say what he is
_AGENT = "masterTrade-canary/1"
# a stream, or the question who asks: both come from the service itself
_STREAM_ANSWERS = (101, 401)
_DAY_SECONDS = 86_400


def handler(event: object = None, context: object = None) -> None:
    """Visits the host. Raises what it finds wrong."""
    del event, context
    host, port = os.environ["HOST"], int(os.environ.get("PORT", _PORT))
    visit(host, port, trust(), int(os.environ["CERTIFICATE_DAYS"]))


def trust() -> ssl.SSLContext:
    """What a careful client accepts: a certificate that is known and fits the name, and TLS 1.2 at least."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def visit(host: str, port: int, context: ssl.SSLContext, certificate_days: int) -> None:
    """All checks, each over a connection of its own."""
    check_certificate(host, port, context, certificate_days)
    check_health(host, port, context)
    check_stream(host, port, context)


def check_certificate(host: str, port: int, context: ssl.SSLContext, certificate_days: int) -> None:
    """It holds for some days more, so that whoever renews it can still be late."""
    with socket.create_connection((host, port), _TIMEOUT_SECONDS) as plain, context.wrap_socket(plain, server_hostname=host) as secured:
        certificate = secured.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (ends - time.time()) / _DAY_SECONDS
    if days < certificate_days:
        raise AssertionError(f"the certificate of {host} ends in {days:.1f} days; {certificate_days} are wanted")


def check_health(host: str, port: int, context: ssl.SSLContext) -> None:
    """The API answers for itself."""
    status = _asked(host, port, context, "/health", {})
    if status != http.client.OK:
        raise AssertionError(f"https://{host}/health answers {status}; 200 is wanted")


def check_stream(host: str, port: int, context: ssl.SSLContext) -> None:
    """The load balancer leads an upgrade to the service of streams (RFC 6455, 4.1)."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    status = _asked(host, port, context, "/ws", upgrade)
    if status not in _STREAM_ANSWERS:
        raise AssertionError(f"https://{host}/ws answers {status}; 101 or 401 is wanted")


def _asked(host: str, port: int, context: ssl.SSLContext, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=context)
    try:
        connection.request("GET", path, headers={"User-Agent": _AGENT, **headers})
        return connection.getresponse().status
    finally:
        connection.close()
