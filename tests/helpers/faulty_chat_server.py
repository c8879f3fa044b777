"""An OpenAI-compatible server on this machine with every fault of a network and a provider; it counts, and it charges.

It runs on an event loop in a thread of its own, so that the client under test can be in this process or in another one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Received:
    """A request."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    """By their names in small letters."""
    body: dict[str, Any]
    count: int
    """How often the same body was received, this time included."""
    place: int
    """Its place among all requests, from 0."""

    @property
    def text(self) -> str:
        """The text of the last message."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Step:
    """What happens to a request."""

    pieces: Sequence[bytes] = ()
    """Bytes, each sent by itself."""
    end: Literal["keep", "close", "reset", "hang"] = "keep"
    """What happens to the connection then."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.002
    """Seconds between pieces."""
    charged: bool = False
    """Whether the server charges for the request."""
    wait_for: threading.Event | None = None
    """Set by the test before the first byte is sent."""


Script = Callable[[Received], Step]

HANG = Step(end="hang")
"""The connection stays open without a byte."""
RESET = Step(end="reset")
"""The connection is reset without a byte."""
DROP = Step(end="close")
"""The connection is closed without a byte."""


def http(
    body: bytes, status: str = "200 OK", headers: Headers | None = None, *, kind: str = "application/json", **step: Any
) -> Step:
    """A reply in HTTP, with a length unless `headers` state one."""
    given = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return Step((f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body,), **step)


def status(number: int, message: str | None = None, headers: Headers | None = None, **error: Any) -> Step:
    """A reply with an error, as OpenAI words it."""
    return http(
        json.dumps({"error": {"message": message, "type": None, "code": None, **error}}).encode(), f"{number} X", headers
    )


def completion(text: str | None = "fine", *, model: str = "served", reason: str = "stop", **more: Any) -> dict[str, Any]:
    """The body of an answer; `message`, `choice` and `usage` in `more` add to these parts, all else to the whole."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "finish_reason": reason, "message": message, **more.pop("choice", {})}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, **more.pop("usage", {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [choice],
        "usage": usage,
    } | more


def answer(text: str | None = "fine", headers: Headers | None = None, **more: Any) -> Step:
    """A whole answer, which is charged."""
    return replace(http(json.dumps(completion(text, **more)).encode(), headers=headers), charged=True)


def delta(text: str = "", *, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of a stream; `delta` in `more` adds to that part, all else to the whole."""
    piece = ({"content": text} if text else {}) | more.pop("delta", {})
    choice = {"index": 0, "delta": piece, "finish_reason": reason, **more.pop("choice", {})}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "served", "choices": [choice]} | more


USAGE: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "served",
    "choices": [],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}
"""The last event of a stream."""


def events(*events: dict[str, Any] | str, done: bool = True) -> bytes:
    """Events as bytes; a text is sent as it is."""
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def streamed(data: bytes | Sequence[bytes], end: Literal["keep", "close", "reset", "hang"] = "keep", **step: Any) -> Step:
    """A stream in chunks of HTTP, one for each item of `data`; it has its last, empty chunk only if the connection is kept."""
    parts = [data] if isinstance(data, bytes) else list(data)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part]
    return Step((head, *chunks, *([b"0\r\n\r\n"] if end == "keep" else [])), end, charged=True, **step)


class FaultyServer:
    """Answers by a script, and remembers what it was sent and what it charged for."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Received] = []
        self.received: Counter[str] = Counter()
        """Body as JSON, with its keys in order -> how often it came."""
        self.charged: Counter[str] = Counter()
        """The same -> how often it was charged for."""
        self.under_way = self.most = 0
        """Requests under way now, and the most at a time."""
        self.connections = 0
        """Connections that were opened."""
        self.port = 0
        self._changed = threading.Condition()
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until(self, condition: Callable[[FaultyServer], bool], timeout: float = 300.0) -> None:
        """Wait for a condition, which is looked at after each request and each reply."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout)

    async def serve(self, ready: threading.Event, stopping: asyncio.Event) -> None:
        """Take connections until it is stopped."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stopping.wait()
        self._closing.set()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self._exchange(reader, writer):
                pass
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether a further one may come on this connection."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
        data = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        body = json.loads(data) if data else {}
        key = json.dumps(body, sort_keys=True)
        with self._changed:
            self.received[key] += 1
            received = Received(method, path, headers, body, self.received[key], len(self.requests))
            self.requests.append(received)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self._changed.notify_all()
        step = self.script(received)
        try:
            await self._answer(step, writer)
        finally:
            with self._changed:
                self.under_way -= 1
                self.charged[key] += step.charged
                self._changed.notify_all()
        return step.end == "keep"

    async def _answer(self, step: Step, writer: asyncio.StreamWriter) -> None:
        if step.wait_for is not None:
            await asyncio.to_thread(step.wait_for.wait)
        await asyncio.sleep(step.delay)
        for place, piece in enumerate(step.pieces):
            if place:
                await asyncio.sleep(step.pause)
            writer.write(piece)
            await writer.drain()
        if step.end == "hang":
            await self._closing.wait()
        if step.end == "reset":
            await asyncio.sleep(step.pause)  # the bytes before are on their way
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def faulty(script: Script) -> Iterator[FaultyServer]:
    """Such a server, until the block ends."""
    server, ready = FaultyServer(script), threading.Event()
    loop, stopping = asyncio.new_event_loop(), asyncio.Event()

    def run() -> None:
        loop.run_until_complete(server.serve(ready, stopping))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
