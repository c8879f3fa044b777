"""The official client of an endpoint, and how far an attempt through it has come."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies

from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.errors import InputError, MissingExtraError
from llmfusionbench.redaction import guard_logs, keep_urls_secret, redacted

if TYPE_CHECKING:
    from llmfusionbench.builders.collecting.stream import Stream


@dataclass
class Progress:
    """How far an attempt has come."""

    sent: bool = False
    """Whether there was a connection, so that the request may have reached the server."""
    status: int | None = None
    """HTTP status, once the head of the reply is there."""
    first: float | None = None
    """Monotonic time of the first piece of a streamed text."""
    stream: Stream | None = None

    def note_first(self) -> None:
        """Note the time of the first piece."""
        self.first = time.monotonic()


PROGRESS: Final[ContextVar[Progress]] = ContextVar("PROGRESS")
"""The progress of the attempt that a task makes."""


class StatusFaultError(Exception):
    """The server answered with a status of 300 or more."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes, redirect: str | None) -> None:
        super().__init__(status)
        self.status, self.headers, self.body, self.redirect = status, headers, body, redirect


def plain_headers(headers: Any) -> dict[str, str]:
    """The headers of an `httpx2.Response`, by their names in small letters."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers.raw}


def connected(place: Place) -> Any:
    """An `openai.AsyncOpenAI` for the calls of an endpoint; it makes one attempt, without a limit of time.

    Raises:
        InputError: The URL cannot be used, or the key is not in the environment.
        MissingExtraError: The client is not installed.
    """
    try:
        import httpx2
        import openai
    except ImportError as error:
        raise MissingExtraError("openai", "collect") from error
    from llmfusionbench.builders.collecting.http_client import http_client

    query, keys = place.query, place.key_headers()
    keep_urls_secret(getproxies().values())
    try:
        http = http_client(f"{place.address}/chat/completions", query, keys, place.endpoint.concurrency)
        client = openai.AsyncOpenAI(base_url=place.address, api_key="none", max_retries=0, timeout=None, http_client=http)
    except (ValueError, ImportError, httpx2.InvalidURL) as error:  # an odd host, or a proxy that cannot be used
        reason = redacted(str(error).splitlines()[0])
        raise InputError(f"{place.address}: {reason}. Remedy: check the URL, and the proxies in the environment") from None
    guard_logs()
    return client
