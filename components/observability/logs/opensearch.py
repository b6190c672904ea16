"""Asks the log store over HTTPS, each request signed with the credentials that the environment has (AWS Signature Version 4).

Shared by both functions. Needs botocore, which Lambda's runtime for Python brings.
"""

import http.client
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SERVICE = "es"
_TIMEOUT_SECONDS = 30
JSON = "application/json"


class StoreError(Exception):
    """The store did not do as asked: what was asked, and what came of it. Never what was sent or received."""


class UnreachableError(StoreError):
    """There was no answer."""


@dataclass(frozen=True)
class Answer:
    """What the store says."""

    status: int
    body: bytes

    @property
    def fine(self) -> bool:
        """It did as asked."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def worth_another_try(self) -> bool:
        """It is busy, or not itself; soon it may be."""
        return (
            self.status in {http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS} or self.status >= http.client.INTERNAL_SERVER_ERROR
        )

    def content(self) -> Any:
        """The JSON in it; None where it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def fault(self) -> str:
        """The kind of error by the store's name for it, which says nothing of what was sent."""
        content = self.content()
        error = content.get("error") if isinstance(content, dict) else None
        kind = error.get("type") if isinstance(error, dict) else None
        return kind if isinstance(kind, str) else http.client.responses.get(self.status, "unknown")


class Store:
    """One connection to the store, opened when needed and kept."""

    def __init__(self, endpoint: str, region: str, trust: ssl.SSLContext | None = None) -> None:
        self._endpoint = endpoint
        self._region = region
        self._trust = trust or _trust()
        self._connection: http.client.HTTPSConnection | None = None

    def ask(self, method: str, path: str, body: bytes = b"", content_type: str = JSON, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, whatever its status. `path`, with its query, is percent-encoded already. Raises `UnreachableError`."""
        signed = self._signed(method, path, body, {"Content-Type": content_type, **(headers or {})})
        kept = self._connection is not None
        try:
            return self._exchange(method, path, body, signed)
        except (http.client.BadStatusLine, ConnectionError) as lost:
            self.close()
            if not kept:
                raise _unreachable(method, path, lost) from None
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            raise _unreachable(method, path, broken) from None
        # a kept connection may have been closed meanwhile: that is noticed only when it is used
        try:
            return self._exchange(method, path, body, signed)
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            raise _unreachable(method, path, broken) from None

    def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(self._endpoint, timeout=_TIMEOUT_SECONDS, context=self._trust)
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return Answer(response.status, response.read())

    def _signed(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        request = AWSRequest(method, f"https://{self._endpoint}{path}", headers=dict(headers), data=body)
        SigV4Auth(_credentials(), _SERVICE, self._region).add_auth(request)
        return {**request.headers, "Host": self._endpoint}


def _trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _credentials() -> Credentials:
    """Those of the function's role: Lambda puts them into the environment, and starts another environment before they end."""
    return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ.get("AWS_SESSION_TOKEN"))


def _unreachable(method: str, path: str, reason: Exception) -> UnreachableError:
    return UnreachableError(f"{method} {path.partition('?')[0]}: no answer, {type(reason).__name__}")
