"""Prometheus and Alertmanager with the platform's own rules and definition, a source of metrics, and somebody who receives.

Times are shortened, and messages led to loopback, where SNS and PagerDuty are played by one small server; nothing else is changed.
"""

import json
import os
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import yaml

from tests.real.servers import LOOPBACK, Account, free_ports, program, running

_INTERVAL = "200ms"
_PAUSE_SECONDS = 0.05
_PUBLISHED = b"""<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>"""


@dataclass(frozen=True)
class Message:
    """What arrived: the topic, or PagerDuty."""

    way: str
    subject: str
    text: str
    severity: str


@dataclass
class Monitoring:
    """A running pair of servers. `metrics`: what is scraped now, by series."""

    metrics: dict[str, float]
    messages: list[Message] = field(default_factory=list[Message])

    def arrived(self, wanted: Callable[[Message], bool], seconds: float) -> Message:
        """The first message of a kind, within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := next((each for each in list(self.messages) if wanted(each)), None):
                return found
            time.sleep(_PAUSE_SECONDS)
        pytest.fail(f"nothing of the kind within {seconds} s, but {[(each.way, each.subject) for each in self.messages]}")


@contextmanager
def monitoring(rules: Mapping[str, str], definition: str, metrics: Mapping[str, float]) -> Iterator[Monitoring]:
    """Both servers, which have seen these metrics from the beginning."""
    prometheus = program("prometheus", package="prometheus")
    alertmanager = program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    state = Monitoring(dict(metrics))
    account = Account.unprivileged("nobody")
    with _outside(state) as outside, account.folder() as folder:
        asked, told = free_ports(2)
        _write_definition(folder / "alerts", definition, outside)
        _write_rules(folder / "metrics", rules, scraped=outside, told=told)
        alerts_command = [
            alertmanager,
            "--config.file=alertmanager.yaml",
            "--storage.path=kept",
            f"--web.listen-address={LOOPBACK}:{told}",
            "--cluster.listen-address=",
        ]
        metrics_command = [
            prometheus,
            "--config.file=prometheus.yaml",
            "--storage.tsdb.path=kept",
            f"--web.listen-address={LOOPBACK}:{asked}",
            "--rules.alert.resend-delay=1s",
        ]
        for each in (folder / "alerts", folder / "metrics"):
            _hand_over(account, each)
        with (
            running(account, alerts_command, folder / "alerts", lambda: _is_ready(told)),
            running(account, metrics_command, folder / "metrics", lambda: _is_ready(asked)),
        ):
            yield state


def _hand_over(account: Account, folder: Path) -> None:
    for each in (folder, *folder.iterdir()):
        if account.user is not None and account.group is not None:
            os.chown(each, account.user, account.group)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def _outside(state: Monitoring) -> Iterator[int]:
    """Serves the metrics, and takes what is meant for SNS and for PagerDuty. Yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("".join(f"{series} {value:g}\n" for series, value in dict(state.metrics).items()).encode(), "text/plain")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/pagerduty":
                event = json.loads(body)
                summary = event["payload"]["summary"] if "payload" in event else ""
                details = event.get("payload", {}).get("custom_details", {})
                state.messages.append(Message("pagerduty", summary, json.dumps(details), event.get("payload", {}).get("severity", "")))
                self._answer(b"{}", "application/json", 202)
            else:
                stated = {name: values[0] for name, values in parse_qs(body.decode()).items()}
                severity = next(
                    (stated[name.replace("Name", "Value.StringValue")] for name, value in stated.items() if value == "severity"), ""
                )
                state.messages.append(Message(stated["TopicArn"].rsplit(":", 1)[1], stated["Subject"], stated["Message"], severity))
                self._answer(_PUBLISHED, "text/xml")

        def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Says nothing of what went well."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _write_definition(folder: Path, definition: str, outside: int) -> None:
    """The definition as files of Alertmanager, its messages led to the loopback address."""
    folder.mkdir()
    envelope = yaml.safe_load(definition)
    configuration = yaml.safe_load(_sooner(envelope["alertmanager_config"]))
    for receiver in configuration["receivers"]:
        for message in receiver.get("sns_configs", []):
            message |= {
                "api_url": f"http://{LOOPBACK}:{outside}/sns",
                "sigv4": {**message["sigv4"], "access_key": "nobody", "secret_key": "nothing"},
            }
        for call in receiver.get("pagerduty_configs", []):
            call |= {"url": f"http://{LOOPBACK}:{outside}/pagerduty", "routing_key": "0" * 32}
    for name, template in envelope["template_files"].items():
        (folder / name).write_text(template)
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(configuration))


def _sooner(text: str) -> str:
    """Critical alerts after a fifth of a second, warnings after one, heartbeats each second."""
    for slow, quick in (
        ("group_wait: 10s", "group_wait: 200ms"),
        ("group_wait: 30s", "group_wait: 1s"),
        ("group_interval: 1m", "group_interval: 1s"),
        ("group_interval: 60s", "group_interval: 1s"),
        ("group_interval: 5m", "group_interval: 1s"),
        ("repeat_interval: 50s", "repeat_interval: 900ms"),
    ):
        text = text.replace(slow, quick)
    return text


def _write_rules(folder: Path, rules: Mapping[str, str], *, scraped: int, told: int) -> None:
    """The rules as files of Prometheus, evaluated five times a second, and alerts that hold for a fifth of one."""
    folder.mkdir()
    for namespace, text in rules.items():
        quick = re.sub(r"(?m)^( +)interval: \S+$", rf"\1interval: {_INTERVAL}", text)
        quick = re.sub(r"(?m)^( +)for: (?!0s)\S+$", rf"\1for: {_INTERVAL}", quick)
        (folder / f"{namespace}.rules.yaml").write_text(quick)
    configuration = {
        "global": {"scrape_interval": _INTERVAL, "scrape_timeout": _INTERVAL, "evaluation_interval": _INTERVAL},
        "rule_files": ["*.rules.yaml"],
        "scrape_configs": [
            {"job_name": "synthetic", "honor_labels": True, "static_configs": [{"targets": [f"{LOOPBACK}:{scraped}"]}]},
        ],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"{LOOPBACK}:{told}"]}]}]},
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
