"""What is secret in a line, and what only looks like it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.observability.logs.redaction import REDACTED, RULES, is_secret_name, redact, redact_value

# Put together here, so that nobody who looks for secrets in source code finds one
VALUE = "kZ8dQ2m-Vx7Lr4"
RANDOM_40 = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYzEXAMPLEK9Y"[:19]
RANDOM_60 = "pQia91Ma19a5S61cV6a81vA65sDf19v8" + "A65xYzA1B5s61Kv6a81nW65qTb3u"
RANDOM_64 = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv" + "sw0MuIgwCIPy6utIco14y7Ju91duEh8A"
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0" + ".c2lnbmF0dXJl_-x"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----"
VISA, AMEX = "4111 1111 " + "1111 1111", "3782822" + "46310005"

SECRETS = {
    "access key": (f"signed by {ACCESS_KEY} at", ACCESS_KEY),
    "secret key by name": (f"aws_secret_access_key = {VALUE}", VALUE),
    "secret key by its looks": (f"found {RANDOM_40} there", RANDOM_40),
    "session token": ("x " + "IQoJb3JpZ2lu" + "X2VjEOT//////////wEaCXVzLWVhc3QtMSJHMEUCIQ", "X2VjEOT"),
    "JSON Web Token": (f"got {JWT}, fine", JWT),
    "behind an escaped end of line": (f'{{"log":"headers:\\n{JWT}"}}', JWT),
    "Bearer": (f"Authorization: Bearer {VALUE} method=GET", VALUE),
    "Bearer without a name": (f"sent Bearer {VALUE}", VALUE),
    "Basic": ('curl -H "Authorization: Basic ' + "dXNlcjpwYXNz" + '" https://x', "dXNlcjpwYXNz"),
    "signature of AWS": (f"Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/1/es/aws4_request, Signature=0123abcd9", "0123abcd9"),
    "Vault, service": ("token hvs." + "CAESIJ0123456789abcdefghijkl", "CAESIJ0123"),
    "Vault, batch": ("hvb." + "AAAAAQJ0123456789abcdefghijkl", "AAAAAQJ"),
    "Vault, of old": ("unwrapped s." + "iyNUhq8Ov4hIAx6snw5mB2nL", "iyNUhq8O"),
    "private key": (f"{PEM}\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    "private key, escaped": (f'{{"key":"{PEM}\\nMIIEow\\n-----END RSA PRIVATE KEY-----\\n"}}', "MIIEow"),
    "private key, cut": (f"{PEM}\nMIIEow\nIBAAKC", "IBAAKC"),
    "a line of a private key": (RANDOM_64, RANDOM_64),
    "database": (f"postgres://ada:{VALUE}@db:5432/x?sslmode=require", VALUE),
    "database, odd password": ("postgres://ada:p@ss:w0rd@db:5432/x", "ss:w0rd"),
    "broker": (f"amqps://guest:{VALUE}@mq:5671/", VALUE),
    "cache": (f"rediss://:{VALUE}@cache:6379", VALUE),
    "assignment": (f"DB_PASSWORD={VALUE}, user=ada", VALUE),
    "assignment in camel case": (f"dbPassword: {VALUE}", VALUE),
    "word for a password": ("password: correcthorse", "correcthorse"),
    "Python": ("{'password': 'it is', 'user': 'ada'}", "it is"),
    "JSON": (f'{{"client_secret": "{VALUE}", "user": "ada"}}', VALUE),
    "JSON with a quote in it": ('{"passphrase":"a\\"bc\\\\","user":"ada"}', "bc"),
    "JSON with a number": ('{"password": 90210777, "user": "ada"}', "90210777"),
    "JSON with a list": (f'{{"api_keys": 2, "api_key": ["{VALUE}", "{VALUE}x"], "user": "ada"}}', VALUE),
    "JSON that was cut": (f'{{"user": "ada", "secret": "{VALUE}', VALUE),
    "list without quotes": (f"passwords=[{VALUE}]", VALUE),
    "header as name and value": (f'{{"name":"X-Api-Key","value":"{VALUE}"}}', VALUE),
    "Binance": (f"GET /api/v3/order?symbol=BTCUSDT&timestamp=1&signature={'0a1b' * 16} HTTP/1.1", "0a1b"),
    "Binance, key": (f"X-MBX-APIKEY: {RANDOM_64}", RANDOM_64),
    "Binance, listen key": (f'{{"listenKey":"{VALUE}"}}', VALUE),
    "Binance, stream": (f"wss://stream.binance.com:9443/ws/{RANDOM_60}", RANDOM_60),
    "Alpaca": (f"APCA-API-KEY-ID: {VALUE}, APCA-API-SECRET-KEY: {VALUE}", VALUE),
    "Polygon": (f"GET https://api.polygon.io/v2/aggs?apiKey={VALUE}&limit=5", VALUE),
    "query escaped by Go": (f'{{"uri":"/x?a=1\\u0026token={VALUE}\\u0026b=2"}}', VALUE),
    "query within a query": (f"/login?next=%2Fx%3Ftoken%3D{VALUE}", VALUE),
    "cookie": (f"Cookie: theme=dark; sid={VALUE}", VALUE),
    "cookie that is set": (f"Set-Cookie: sid={VALUE}; Path=/; HttpOnly", VALUE),
    "cookies in JSON": (f'{{"set-cookie":["sid={VALUE}","b=c"],"user":"ada"}}', VALUE),
    "session": (f"session_id={VALUE}", VALUE),
    "card": (f"paid with {VISA}.", VISA),
    "card without gaps": (f"paid with {AMEX}", AMEX),
    "Slack": ("xox" + "b-123456789012-" + "abcdefABCDEF", "abcdefABCDEF"),
    "Slack, webhook": ("POST https://hooks.slack.com/" + f"services/T0/B0/{VALUE}", VALUE),
    "PagerDuty, routing key": ('{"routing_key":"' + "0123456789abcdef" * 2 + '"}', "0123456789abcdef"),
    "PagerDuty, API": ("Authorization: Token token=" + "u+AbCdEfGhIjKlMnOpQr", "AbCdEf"),
    "PagerDuty, webhook": (f"https://events.pagerduty.com/integration/{VALUE}/enqueue", VALUE),
    "GitHub": ("gh" + "p_" + "Ab1" * 12, "Ab1Ab1"),
    "SQL": ("ALTER USER ada PASSWORD 'it''s-me';", "s-me"),
    "command": (f"psql --password {VALUE} -h db", VALUE),
    "one-time password": ("otp=123456", "123456"),
}

HARMLESS = [
    "order 8f14e45f-ceea-467f-a1f1-1b2c3d4e5f60 filled at 61234.50 for 0.00120000 BTC",
    '{"orderId":4111111111111111,"clientOrderId":"x-R4BD3S82e9f0a1b2c3d4e5f6","price":"4111111111111111.5"}',
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
    "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678",
    "image mastertrade@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 54e5624d9c0b8e6f0a1b2c3d4e5f60718293a4b5",
    "arn:aws:iam::123456789012:role/mastertrade-prod-order-executor-us-east-1",
    '{"secret":"arn:aws:secretsmanager:us-east-1:123456789012:secret:mastertrade/prod/x-AbCdEf"}',
    "executor-0 took the lease, token=42",
    '{"lease_token": 1234567, "holder": "order-executor-0"}',
    "order lease 41 is over: order-executor-1 holds the right to execute",
    "routing_key=orders.proposed exchange=orders",
    'FATAL: password authentication failed for user "ada"',
    "token: expired",
    "Basic authentication is off, bearer of bad news",
    "next_token=AbCdEf0123456789",
    '{"password": null, "token": "", "secret": {"name": "x"}}',
    "timestamp=1700000000000000 seq=4111111111111111",
    "GET https://api.example.com:443/v1/orders?email=a@example.com HTTP/1.1",
    "/aws/containerinsights/MastertradeProdUsEast1/application",
    "s.mastertrade.internal, b.example.com",
    "components.observability.logs.redaction.handler",
    "cookie: expired",
    "1234567890123456789 4111111111111112",
    '{"tokenType":"Bearer","expiresIn":3600}',
    "MastertradeProdUsEast1OrderExecutorRole1",
    "AWSReservedSSO/AdministratorAccess/prod1",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_told(name: str) -> None:
    line, secret = SECRETS[name]
    assert secret in line
    assert secret not in redact(line)
    assert REDACTED in redact(line)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"DB_PASSWORD={VALUE}, user=ada", "DB_PASSWORD=[redacted], user=ada"),
        (f"Login(password={VALUE}, user=ada)", "Login(password=[redacted], user=ada)"),
        (f"GET /v2?apiKey={VALUE}&limit=5", "GET /v2?apiKey=[redacted]&limit=5"),
        (f"postgres://ada:{VALUE}@db:5432/x", "postgres://ada:[redacted]@db:5432/x"),
        (f"Authorization: Bearer {VALUE} method=GET", "Authorization: Bearer [redacted] method=GET"),
        (f"{PEM}\nMII\n-----END RSA PRIVATE KEY-----\nnext", f"{PEM}[redacted]-----END RSA PRIVATE KEY-----\nnext"),
        (f"?a=1\\u0026token={VALUE}\\u0026b=2", "?a=1\\u0026token=[redacted]\\u0026b=2"),
        ('{"password": 90210777, "user": "ada"}', '{"password": "[redacted]", "user": "ada"}'),
        ("password=a,b=c", "password=[redacted],b=c"),
        ("password=[redacted]more", "password=[redacted]"),
    ],
)
def test_only_the_value_goes(line: str, expected: str) -> None:
    assert redact(line) == expected


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_secret_in_json_in_json_is_not_told_and_the_json_stays_one(name: str, depth: int) -> None:
    line, secret = SECRETS[name]
    nested: Any = line
    for _ in range(depth):
        nested = json.dumps({"log": nested, "after": "it"}, ensure_ascii=False)
    told = redact(nested)
    assert all(part not in told for part in json.dumps(secret)[1:-1].split("\\") if len(part) > 3)
    for _ in range(depth):
        read = json.loads(told)
        assert read["after"] == "it"
        told = read["log"]


@pytest.mark.parametrize("value", ["a\"b'c", "a\\", 'a\\"', "\\\\", '"\'\\"', "{[(,;:=&", "a\nb"])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_quotes_and_backslashes_in_a_secret_end_it_nowhere_else(value: str, depth: int) -> None:
    text = json.dumps({"password": f"{value}{VALUE}{value}", "user": "ada"})
    for _ in range(depth):
        text = json.dumps({"log": text, "after": "it"})
    told = redact(text)
    assert VALUE not in told
    for _ in range(depth):
        read = json.loads(told)
        assert read["after"] == "it"
        told = read["log"]
    assert json.loads(told) == {"password": REDACTED, "user": "ada"}


def test_a_field_is_secret_by_its_name_whatever_its_value() -> None:
    told = redact_value(
        {
            "password": 12,
            "apiKey": [VALUE, {"deeper": "stays"}],
            "headers": [{"name": "X-Vault-Token", "value": VALUE}, {"name": "Host", "value": "x"}],
            "message": f"password={VALUE}",
            "token": 42,
            "secret": None,
            "amount": 4111,
        }
    )
    assert told == {
        "password": REDACTED,
        "apiKey": [REDACTED, {"deeper": "stays"}],
        "headers": [{"name": "X-Vault-Token", "value": REDACTED}, {"name": "Host", "value": "x"}],
        "message": "password=[redacted]",
        "token": 42,
        "secret": None,
        "amount": 4111,
    }


@pytest.mark.parametrize(
    ("name", "secret"), [("X-Amz-Security-Token", True), ("APCA-API-KEY-ID", True), ("lease_token", False), ("token_type", False)]
)
def test_names(name: str, *, secret: bool) -> None:
    assert is_secret_name(name) is secret


PIECES = [
    *(line for line, _ in SECRETS.values()),
    *HARMLESS,
    *(rule.hints[0] for rule in RULES if rule.hints),
    *(
        '"',
        "'",
        "\\",
        '\\"',
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "=",
        " ",
        "\n",
        "-----",
        "password",
        "token",
        "cookie",
        "Bearer ",
        REDACTED,
        "%3D",
        "@",
        "://",
    ),
]


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=12))
def test_what_is_redacted_once_stays(pieces: list[str]) -> None:
    once = redact("".join(pieces))
    assert redact(once) == once


# Each makes another pattern begin, or go on, as often as it can
@pytest.mark.parametrize(
    "piece",
    ["a", "A1b2", "-", "\\", '\\"', "eyJ", "password=", '"password":"', "password '", 'token=["a",', "password=a,b", "://a:", "4111 ", PEM],
)
def test_time_grows_with_the_length_of_a_line_and_no_faster(piece: str) -> None:
    """A megabyte is what CloudWatch Logs takes at most; sixteen times as long, a quadratic pattern would take 256 times."""
    short, long = (piece * (size // len(piece)) for size in (62_500, 1_000_000))
    redact(short)
    assert cost(long) < max(64 * cost(short), 1.0)


def cost(text: str) -> float:
    began = time.process_time()
    redact(text)
    return time.process_time() - began
