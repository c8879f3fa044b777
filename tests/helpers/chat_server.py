"""An OpenAI-compatible server on this machine, which answers, stumbles, refuses and hangs as a test tells it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]

HANG = object()
"""Returned in place of an answer: the connection stays open, without a byte, until the server closes."""
DROP = object()
"""Returned in place of an answer: the connection is closed without a byte."""


def completion(text: str | None, model: str = "test-model", **usage: int) -> bytes:
    """An answer as the protocol has it."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    counts = {"prompt_tokens": 7, "completion_tokens": 3, **usage}
    return json.dumps({"id": "1", "object": "chat.completion", "model": model, "choices": [choice], "usage": counts}).encode()


class ChatServer(ThreadingHTTPServer):
    """Answers by a function of the request's body and of how often these messages were sent; remembers what it was sent.

    The function returns the answer's text, (status, body), (status, body, headers), `HANG` or `DROP`. With `together` above 1
    the first so many requests wait for each other, so that they are under way at the same time.
    """

    daemon_threads = True

    def __init__(self, answer: Callable[[Body, int], Any], together: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.together = together
        self.barrier = threading.Barrier(together, timeout=300)
        self.closing = threading.Event()
        self.requests: list[tuple[str, Body, dict[str, str]]] = []
        """Path, body, and headers by their names in lower case."""
        self.tries: Counter[str] = Counter()
        self.under_way = self.most = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up waiting is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = body["messages"][-1]["content"]
        with self.server.lock:
            self.server.requests.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
            self.server.tries[said] += 1
            tries = self.server.tries[said]
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
            early = len(self.server.requests) <= self.server.together
        try:
            if early:
                self.server.barrier.wait()
            answer = self.server.answer(body, tries)
        finally:
            with self.server.lock:
                self.server.under_way -= 1
        if answer is HANG:
            self.server.closing.wait()
        if answer in (HANG, DROP):
            self.close_connection = True
            return
        if isinstance(answer, str):
            answer = (200, completion(answer, body["model"]))
        status, data, *headers = answer
        self.send_response(status)
        for name, value in (headers[0] if headers else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        if headers and "Content-Length" in headers[0]:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on the terminal."""


@contextmanager
def running(server: Any) -> Iterator[Any]:
    """A server that has an event `closing`, until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(answer: Callable[[Body, int], Any], together: int = 1) -> Iterator[ChatServer]:
    """Such a server, until the block ends."""
    server = ChatServer(answer, together)
    try:
        with running(server):
            yield server
    finally:
        # A thread that still waits for its client must not be the last to hold a model: it could be freed as Python ends.
        server.answer = lambda *_: DROP
