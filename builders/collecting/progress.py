"""How far an attempt has come, as the layers below its caller note it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

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


REPLY: Final = "reply"
"""Name in the extensions of a request: a reply to it that is there already."""
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
