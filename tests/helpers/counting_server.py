"""An OpenAI-compatible server in a process of its own, which counts and charges every request, and kills its client on demand.

    python -m tests.helpers.counting_server

It prints its port. `POST /control` with `{"pid", "event", "count"}` makes it kill that process at request number `count`
from then on: before it answers (`request`), or right after (`answer`). `GET /counts` gives (prompt -> number of requests).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from typing import Any

from tests.helpers.chat_server import completion
from tests.helpers.importable import importable

TOKENS = 10
"""Tokens of a request and its answer."""
_DELAY_S = 0.002
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Counts:
    """What the server remembers."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.pid, self.event, self.left = 0, "", 0

    def happens(self, event: str) -> None:
        """Kill the client, if this is the event to kill it at."""
        if event == self.event and self.pid:
            self.left -= 1
            if self.left == 0:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)


class _Connection(asyncio.Protocol):
    def __init__(self, counts: Counts) -> None:
        self.counts, self.data = counts, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, rest = self.data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if end and len(rest) >= size:
            self.data = rest[size:]
            self.answer(head.split(b" ", 2)[1], rest[:size])

    def answer(self, path: bytes, body: bytes) -> None:
        counts = self.counts
        if path == b"/counts":
            self.send(json.dumps(counts.requests).encode())
        elif path == b"/control":
            told = json.loads(body)
            counts.pid, counts.event, counts.left = told["pid"], told["event"], told["count"]
            self.send(b"{}")
        else:
            counts.requests[json.loads(body)["messages"][-1]["content"]] += 1
            counts.happens("request")
            asyncio.get_running_loop().call_later(_DELAY_S, self.reply)

    def reply(self) -> None:
        self.send(completion("yes", "m"))
        self.counts.happens("answer")

    def send(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve() -> None:
    """Serve until this process is ended."""
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(counts), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def control(port: int, method: str, path: str, **told: Any) -> dict[str, Any]:
    """Ask the server for counts, or tell it when to kill."""
    connection = HTTPConnection("127.0.0.1", port)
    try:
        connection.request(method, path, json.dumps(told))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@contextmanager
def counting() -> Iterator[int]:
    """The port of such a server, which runs until the block ends."""
    command = [sys.executable, "-m", "tests.helpers.counting_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=importable()) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(serve())
