"""A plain web server of the files of a directory, with range requests or without, a log and faults."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class RangeServer:
    """The server; use it as a context manager. Files and faults may be changed while it runs."""

    files: dict[str, bytes]
    ranges: bool = True
    faults: dict[str, list[str]] = field(default_factory=dict)
    """Part of a path -> what goes wrong with its next requests, each once: a status, `cut`, `drop`, `shift`, `redirect`
    (to itself), `redirect http://host:port/folder?query` or nothing (`ok`)."""
    log: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(path, range, status, bytes sent) of each request."""
    authorizations: list[str | None] = field(default_factory=list)
    """The header Authorization of each request."""
    password: str | None = None
    """If given, what basic authentication must be."""

    @classmethod
    def of(cls, folder: Path, ranges: bool = True) -> RangeServer:
        found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return cls({f"/data/{name}": data for name, data in found.items()}, ranges)

    def __enter__(self) -> RangeServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.plan = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/data"

    def sent(self) -> int:
        """Bytes of all answers since the log was cleared."""
        return sum(entry[3] for entry in self.log)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
        pass

    def do_GET(self) -> None:
        plan: RangeServer = self.server.plan  # type: ignore[attr-defined]
        path = unquote(urlsplit(self.path).path)
        plan.authorizations.append(self.headers.get("Authorization"))
        fault = next((faults.pop(0) for part, faults in plan.faults.items() if part in path and faults), None)
        if plan.password is not None and self.headers.get("Authorization") != plan.password:
            return self.send(path, b"", 401, {"WWW-Authenticate": "Basic"})
        if fault is not None and fault.isdecimal():
            return self.send(path, b"no", int(fault), {})
        if fault is not None and fault.startswith("redirect"):
            base, mark, query = fault.partition(" ")[2].partition("?")
            return self.send(path, b"", 302, {"Location": base + self.path + mark + query})
        if path not in plan.files:
            return self.send(path, b"", 404, {})
        data, status = plan.files[path], 200
        headers = {"ETag": f'"{zlib.crc32(data):08x}"'}
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is not None and plan.ranges:
            start, end = int(asked[1]), min(int(asked[2]), len(data) - 1)
            if start >= len(data):
                return self.send(path, b"", 416, {"Content-Range": f"bytes */{len(data)}"})
            shift = int(fault == "shift")
            headers |= {"Content-Range": f"bytes {start + shift}-{end}/{len(data)}"}
            data, status = data[start + shift : end + 1], 206
        return self.send(path, data, status, headers, fault)

    def send(self, path: str, data: bytes, status: int, headers: Mapping[str, str], fault: str | None = None) -> None:
        plan: RangeServer = self.server.plan  # type: ignore[attr-defined]
        body = data[: len(data) // 2] if fault == "cut" else b"" if fault == "drop" else data
        plan.log.append((path, self.headers.get("Range", ""), status, len(body)))
        if fault == "drop":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = len(body) < len(data)
