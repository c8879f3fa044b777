"""A proxy in front of an object store, over real HTTP, which fails when a test wants it to."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

_BUSY: Final = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_DENIED: Final = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"

Fault = int | str | None
"""A status to answer with, `cut` to end the connection in the middle of the body, or None to pass the request on."""


class StoreProxy:
    """Passes requests on to `host:port`, except those that `fault(method, path)` has a fault for."""

    def __init__(self, host: str, port: int) -> None:
        self.fault: Callable[[str, str], Fault] = lambda method, path: None
        self.log: list[tuple[str, str, int | str]] = []
        """Method, path and status of each request, in order."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                fault = proxy.fault(self.command, self.path)
                if fault == "cut":
                    self.rfile.read(length // 2)
                    proxy.log.append((self.command, self.path, "cut"))
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                body = self.rfile.read(length)
                if isinstance(fault, int):
                    self._answer(fault, {}, _DENIED if fault == 403 else _BUSY)
                    return
                store = http.client.HTTPConnection(host, port)
                store.request(self.command, self.path, body, dict(self.headers))
                answer = store.getresponse()
                data = answer.read()
                self._answer(answer.status, dict(answer.getheaders()), data)
                store.close()

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                proxy.log.append((self.command, self.path, status))
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                stated = next((v for k, v in headers.items() if k.lower() == "content-length"), None)
                self.send_header("Content-Length", stated if self.command == "HEAD" and stated else str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def written(self) -> list[str]:
        """The paths that were written to, in order."""
        return [path.partition("?")[0] for method, path, status in self.log if method == "PUT" and status == 200]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
