"""A server on this machine that answers any bytes to a request, such as no HTTP at all."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.helpers.chat_server import running

RESET = b"reset"
"""Returned in place of an answer: the connection is reset."""
HANG = b"hang"
"""Returned in place of an answer: the connection stays open, without a byte, until the server closes."""


class RawServer(socketserver.ThreadingTCPServer):
    """Answers by a function of the request's bytes, then closes the connection; remembers what it was sent."""

    daemon_threads = True

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.closing = threading.Event()
        self.requests: list[bytes] = []

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up waiting is no news."""


class _Handler(socketserver.BaseRequestHandler):
    server: RawServer

    def handle(self) -> None:
        connection: socket.socket = self.request
        data = connection.recv(2**16)
        while data.startswith((b"POST", b"GET")) and not _is_whole(data):
            data += connection.recv(2**16)
        self.server.requests.append(data)
        answer = self.server.answer(data)
        if answer is HANG:
            self.server.closing.wait()
        elif answer is RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.sendall(answer)


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    sizes = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end) and len(body) >= sum(map(int, sizes))


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[RawServer]:
    """Such a server, until the block ends."""
    with running(RawServer(answer)) as server:
        yield server


def http(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """An answer in HTTP, with more headers (each with its line end) and any stated length."""
    size = len(body) if length is None else length
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n"
    )
    return head.encode() + body
