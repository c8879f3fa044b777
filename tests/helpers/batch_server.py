"""A server of OpenAI's Batch API on this machine: it checks, answers and charges, and stumbles where a test tells it to.

States pass with requests instead of time: each question for a batch brings it one state further.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.helpers.chat_server import completion, running

Body = dict[str, Any]

OMIT = object()
"""Returned in place of an answer: the results lack this request, though it was made and charged."""
EXPIRE = object()
"""Returned in place of an answer: the time ran out before this request was made."""
LOST = object()
"""A fault: the request is carried out, but the connection breaks before the reply."""
DROP = object()
"""A fault: the connection breaks before the request is carried out."""

_STATES = ("validating", "in_progress", "finalizing")
_ENDS = {"completed": "completed_at", "expired": "expired_at", "failed": "failed_at", "cancelled": "cancelled_at"}


class BatchServer(ThreadingHTTPServer):
    """Batches, files, and chat completions.

    Args:
        answer: Called with a request's body and the number of earlier answers to the same body. Returns the text of the
            answer, (status, body of an error), bytes for the line of results as it is, `OMIT` or `EXPIRE`.
        key: The API key that requests must carry; None takes any.
        most_enqueued: Number of requests in batches under way beyond which a new batch is refused.
        root: The path that `/files` and `/batches` follow.
        address: The path of the API that batches and their lines name.
    """

    daemon_threads = True

    def __init__(
        self,
        answer: Callable[[Body, int], Any],
        *,
        key: str | None = None,
        most_enqueued: int = 10**9,
        root: str = "/v1",
        address: str = "/v1/chat/completions",
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.key = key
        self.root, self.address = root, address
        self.most_enqueued = most_enqueued
        self.closing = threading.Event()
        self.lock = threading.RLock()
        self.files: dict[str, tuple[str, bytes]] = {}
        """Id -> (name, content)."""
        self.batches: dict[str, Body] = {}
        """In the order of their creation."""
        self.made: Counter[str] = Counter()
        """Body as text -> how often it was answered, and charged."""
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        """(method, path, headers in lower case) of every request."""
        self.faults: dict[str, list[Any]] = defaultdict(list)
        """Step (upload, create, list, retrieve, content, chat) -> faults of the next requests, in their order: None, LOST,
        DROP, a (status, body, headers), or a function that is called after the request was carried out, and may return LOST."""
        self.shuffle = False
        """Whether results come in the opposite order."""
        self.held: set[str] = set()
        """States in which batches stay."""
        self.foreign: list[bytes] = []
        """Further lines of every file of results."""
        self.rename: str | None = None
        """Name of the model that answers, in place of the one that was requested."""
        self.unknown: set[str] = set()
        """Models for which it refuses a file as a whole."""
        self.cut = 0
        """Bytes that are cut from the end of every file of results, as by a broken disk of the provider."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def charged(self) -> int:
        """Number of answers that were charged."""
        return sum(self.made.values())

    def count(self, method: str, ending: str) -> int:
        """Number of requests so far whose path matches the pattern."""
        with self.lock:
            return sum(1 for how, path, _ in self.seen if how == method and re.fullmatch(ending, path.partition("?")[0]))

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up waiting is no news."""

    def create(self, asked: Body) -> tuple[int, Body]:
        """Create a batch, which is checked when it is first asked about."""
        for name, right in (("completion_window", ("24h",)), ("endpoint", (self.address,))):
            if asked.get(name) not in right:
                return 400, _error(f"{name}: expected one of {right}", "invalid_request_error")
        if asked.get("input_file_id") not in self.files:
            return 400, _error("no such file", "invalid_request_error")
        meta = asked.get("metadata") or {}
        if len(meta) > 16 or any(len(k) > 64 or not isinstance(v, str) or len(v) > 512 for k, v in meta.items()):
            return 400, _error("metadata", "invalid_request_error")
        number = len(self.batches) + 1
        batch = {"id": f"batch_{number}", "object": "batch", "created_at": 1_700_000_000 + number, "status": "validating"}
        batch |= {name: asked[name] for name in ("endpoint", "input_file_id", "completion_window")}
        batch |= {"metadata": meta, "errors": None, "output_file_id": None, "error_file_id": None}
        self.batches[batch["id"]] = batch
        return 200, batch

    def advance(self, batch: Body) -> None:
        """Bring a batch one state further."""
        state = batch["status"]
        if state not in _STATES or state in self.held:
            return
        if state == "validating":
            problems = self._problems(batch)
            if problems:
                batch |= {"status": "failed", "failed_at": 1, "errors": {"object": "list", "data": problems}}
                return
        if state == "in_progress":
            self._work(batch)
        if state == "finalizing":
            batch["status"] = batch.pop("end")
            batch[_ENDS[batch["status"]]] = 1
        else:
            batch["status"] = _STATES[_STATES.index(state) + 1]

    def cancel(self, batch: Body) -> None:
        """Cancel a batch: what was not answered yet never is."""
        if batch["status"] == "in_progress":
            self._work(batch, cancelled=True)
        batch.pop("end", None)
        batch |= {"status": "cancelled", "cancelled_at": 1}

    def _problems(self, batch: Body) -> list[Body]:
        lines = self.files[batch["input_file_id"]][1].splitlines()
        found, ids, models = [], set(), set()
        for number, line in enumerate(lines, 1):
            try:
                request = json.loads(line)
                right = request["method"] == "POST" and request["url"] == batch["endpoint"]
                right = right and 0 < len(request["custom_id"]) <= 64 and request["custom_id"] not in ids
                right = right and not request["body"].get("stream") and isinstance(request["body"]["messages"], list)
                ids.add(request["custom_id"])
                models.add(request["body"]["model"])
                if any("INVALID" in str(message["content"]) for message in request["body"]["messages"]):
                    right = False
            except (ValueError, KeyError, TypeError):
                right = False
            if not right:
                found.append({"code": "invalid_request", "line": number, "message": "the line is not valid", "param": None})
        if not lines or len(lines) > 50_000 or len(models) > 1 or models & self.unknown:
            found.append({"code": "invalid_file", "line": None, "message": "the file is not valid", "param": None})
        under_way = [b for b in self.batches.values() if b is not batch and b["status"] in ("in_progress", "finalizing")]
        enqueued = sum(len(self.files[b["input_file_id"]][1].splitlines()) for b in under_way)
        if not found and enqueued + len(lines) > self.most_enqueued:
            said = "Enqueued token limit reached"
            found.append({"code": "token_limit_exceeded", "line": None, "message": said, "param": None})
        return found

    def _work(self, batch: Body, cancelled: bool = False) -> None:
        """Answer the requests of a batch, and write its files of results."""
        good, bad, end = [], [], "completed"
        for line in self.files[batch["input_file_id"]][1].splitlines():
            request = json.loads(line)
            asked = json.dumps(request["body"], sort_keys=True)
            answer = EXPIRE if cancelled else self.answer(request["body"], self.made[asked])
            result = {"id": f"batch_req_{len(good) + len(bad)}", "custom_id": request["custom_id"]}
            result |= {"response": None, "error": None}
            if answer is EXPIRE:
                end = end if cancelled else "expired"
                code = "batch_cancelled" if cancelled else "batch_expired"
                bad.append(result | {"error": {"code": code, "message": "This request could not be executed in time."}})
                continue
            if isinstance(answer, tuple):
                response = {"status_code": answer[0], "request_id": "r", "body": answer[1]}
                bad.append(result | {"response": response})
                continue
            self.made[asked] += 1
            if isinstance(answer, bytes):
                good.append(answer)
            elif answer is not OMIT:
                body = json.loads(completion(answer, self.rename or request["body"]["model"]))
                good.append(result | {"response": {"status_code": 200, "request_id": "r", "body": body}})
        order = -1 if self.shuffle else 1
        counts = {"total": len(good) + len(bad), "completed": len(good), "failed": len(bad)}
        batch |= {"end": end, "request_counts": counts}
        for name, results in (("output_file_id", good[::order]), ("error_file_id", bad[::order])):
            if results:
                lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in [*results, *self.foreign]]
                data = b"".join(line + b"\n" for line in lines)
                batch[name] = f"file-{name}-{batch['id']}"
                self.files[batch[name]] = (f"{name}.jsonl", data[: len(data) - self.cut])


def _error(message: str, code: str) -> Body:
    return {"error": {"message": message, "type": "invalid_request_error", "code": code, "param": None}}


class _Handler(BaseHTTPRequestHandler):
    server: BatchServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        data = self._body()
        path, _, query = self.path.partition("?")
        path = path.replace(self.server.root, "/v1", 1)
        step = self._step(path)
        server = self.server
        with server.lock:
            server.seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
            fault = server.faults[step].pop(0) if server.faults[step] else None
            if isinstance(fault, tuple):
                status, body, headers = fault
            elif fault is DROP:
                self.close_connection = True
                return
            else:
                headers = {}
                if server.key is not None and self.headers["Authorization"] != f"Bearer {server.key}":
                    status, body = 401, _error("Incorrect API key provided", "invalid_api_key")
                else:
                    status, body = self._carry_out(step, path, query, data)
        if callable(fault):
            fault = fault()
        if fault is LOST:
            self.close_connection = True
            return
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(sent)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _step(self, path: str) -> str:
        if self.command == "POST":
            return {"/v1/files": "upload", "/v1/batches": "create", "/v1/chat/completions": "chat"}.get(path, "other")
        if path == "/v1/batches":
            return "list"
        return "content" if path.endswith("/content") else "retrieve" if path.startswith("/v1/batches/") else "other"

    def _carry_out(self, step: str, path: str, query: str, data: bytes) -> tuple[int, Any]:
        server = self.server
        name = path.split("/")[3] if path.count("/") > 2 else ""
        if step == "upload":
            return self._upload(data)
        if step == "create":
            return server.create(json.loads(data))
        if step == "list":
            return 200, self._page(query)
        if step == "retrieve" and name in server.batches:
            server.advance(server.batches[name])
            return 200, {field: value for field, value in server.batches[name].items() if field != "end"}
        if step == "content" and name in server.files:
            return 200, server.files[name][1]
        if step == "chat":
            asked = json.loads(data)
            text = json.dumps(asked, sort_keys=True)
            answer = server.answer(asked, server.made[text])
            if isinstance(answer, str):
                server.made[text] += 1
                return 200, completion(answer, asked["model"])
            return answer if isinstance(answer, tuple) else (500, _error("no answer", "server_error"))
        return 404, _error("not found", "not_found")

    def _page(self, query: str) -> Body:
        """A page of two batches, the newest first."""
        after = re.search(r"after=([^&]+)", query)
        newest = list(self.server.batches.values())[::-1]
        listed = [{field: value for field, value in batch.items() if field != "end"} for batch in newest]
        if after:
            ids = [batch["id"] for batch in listed]
            listed = listed[ids.index(after[1]) + 1 :]
        page = {"object": "list", "data": listed[:2], "has_more": len(listed) > 2}
        return page | {"first_id": listed[0]["id"] if listed else None, "last_id": listed[:2][-1]["id"] if listed else None}

    def _upload(self, data: bytes) -> tuple[int, Body]:
        boundary = re.search(r"boundary=([^;]+)", self.headers["Content-Type"] or "")
        if boundary is None:
            return 400, _error("not a form", "invalid_request_error")
        parts: dict[str, tuple[str, bytes]] = {}
        for part in data.split(b"--" + boundary[1].strip('"').encode()):
            head, _, content = part.partition(b"\r\n\r\n")
            name = re.search(rb'[; ]name="([^"]+)"', head)
            file = re.search(rb'filename="([^"]+)"', head)
            if name:
                parts[name[1].decode()] = (file[1].decode() if file else "", content.removesuffix(b"\r\n"))
        if parts.get("purpose", ("", b""))[1] != b"batch" or not parts.get("file", ("", b""))[0].endswith(".jsonl"):
            return 400, _error("purpose or file", "invalid_request_error")
        made = f"file-{len(self.server.files) + 1}"
        self.server.files[made] = parts["file"]
        described = {"id": made, "object": "file", "bytes": len(parts["file"][1]), "created_at": 1, "purpose": "batch"}
        return 200, described | {"filename": parts["file"][0], "status": "processed"}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on the terminal."""


@contextmanager
def serving_batches(answer: Callable[[Body, int], Any], **settings: Any) -> Iterator[BatchServer]:
    """Such a server, until the block ends."""
    with running(BatchServer(answer, **settings)) as server:
        yield server
