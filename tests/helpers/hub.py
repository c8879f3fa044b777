"""A local stand-in for the Hugging Face Hub: repositories in memory, served over HTTP by the standard library.

It answers what `huggingface_hub` and `datasets` ask for when they list, download, stream, upload and tag a dataset.
Every request is logged, and files can be made to fail: cut short, vanished, answered with an error, or the server down.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.helpers import warm
from tests.helpers.hub_faults import Faults
from tests.helpers.hub_store import LFS_SUFFIXES, Blob, Repo, Request
from tests.helpers.hub_writing import Writing

ROOT = Path(__file__).resolve().parents[2]


class LocalHub(Faults):
    """The server; use it as a context manager. Repositories and faults may be changed while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.repos: dict[str, Repo] = {}
        self.lfs: dict[str, bytes] = {}
        self.requests: list[Request] = []
        self.page_size = 1000
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    # -- running --------------------------------------------------------------------------------------------------
    def __enter__(self) -> LocalHub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a stop(), on the same port as before."""
        server = ThreadingHTTPServer(("127.0.0.1", self._port), _Handler)
        server.daemon_threads = True
        server.hub = self  # type: ignore[attr-defined]
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """The server is down: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Down for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def env(self, home: Path, **more: str) -> dict[str, str]:
        """The environment of a client process whose Hub is this one and whose caches lie under `home`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "LLMFUSIONBENCH_"))}
        return kept | {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home / "hf"),
            "HF_TOKEN": "hf_local",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "NO_PROXY": "127.0.0.1,localhost",
            "LLMFUSIONBENCH_CACHE": str(home / "llmfusionbench"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            **more,
        }

    # -- content and faults ---------------------------------------------------------------------------------------
    def put(self, repo_id: str, files: Mapping[str, bytes], *, branch: str = "main", tag: str | None = None) -> str:
        """Commit exactly these files and return the commit's sha."""
        blobs = {path: Blob(data, path.endswith(LFS_SUFFIXES)) for path, data in files.items()}
        with self.lock:
            repo = self.repos.setdefault(repo_id, Repo())
            sha = repo.commit(blobs, branch)
            if tag is not None:
                repo.refs[tag] = sha
        return sha

    def log(self, method: str | None = None, fragment: str = "") -> list[Request]:
        """The requests so far, of one method, with `fragment` in their path."""
        with self.lock:
            return [r for r in self.requests if method in (None, r.method) and fragment in r.path]

    def clear_log(self) -> None:
        with self.lock:
            self.requests.clear()


class _Handler(Writing, BaseHTTPRequestHandler):
    """One request. The path decides the method below that answers it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    ROUTES = (
        ("GET", r"/api/whoami-v2", "whoami"),
        ("POST", r"/api/validate-yaml", "validate_yaml"),
        ("POST", r"/api/repos/create", "create"),
        ("GET", r"/api/datasets/([^/]+/[^/]+)/refs", "list_refs"),
        ("GET", r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?", "tree"),
        ("GET", r"/api/datasets/([^/]+/[^/]+)(?:/revision/([^/]+))?", "info"),
        ("POST", r"/api/datasets/([^/]+/[^/]+)/paths-info/([^/]+)", "paths_info"),
        ("POST", r"/api/datasets/([^/]+/[^/]+)/preupload/([^/]+)", "preupload"),
        ("POST", r"/api/datasets/([^/]+/[^/]+)/commit/([^/]+)", "commit"),
        ("POST", r"/api/datasets/([^/]+/[^/]+)/(?:tag|branch)/([^/]+)", "point"),
        ("POST", r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", "lfs_batch"),
        ("PUT", r"/store/([0-9a-f]{64})", "lfs_put"),
        ("POST", r"/store/([0-9a-f]{64})", "lfs_verify"),
        ("GET", r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", "resolve"),
    )

    @property
    def hub(self) -> LocalHub:
        return self.server.hub  # type: ignore[attr-defined, no-any-return]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name is the base class's)
        pass

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query, keep_blank_values=True)
        self.place = unquote(parts.path)
        if (after := self.hub.next_drop(self.place)) is not None:
            self.rfile.read(after)
            self.close_connection = True  # in the middle of the body
            return None
        self.body = self.read_body()
        self.hub.act(self.place)
        if (status := self.hub.next_error(self.place)) is not None:
            return self.answer({"error": f"injected {status}"}, status)
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, name in self.ROUTES:
            if method == wanted and (match := re.fullmatch(pattern, parts.path)):
                getattr(self, name)(*(unquote(g) if g is not None else None for g in match.groups()))
                return None
        return self.answer({"error": "no such endpoint"}, 404)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815  (the names are the base class's)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    # -- answers --------------------------------------------------------------------------------------------------
    def answer(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        more = {"Content-Type": "application/json", **(headers or {})}
        self.send(json.dumps(value).encode(), status, more)

    def missing(self, code: str, what: str, headers: Mapping[str, str] | None = None) -> None:
        self.answer({"error": f"{what} not found"}, 404, {"X-Error-Code": code, **(headers or {})})

    def send(self, data: bytes, status: int, headers: Mapping[str, str], keep: int | None = None) -> None:
        """Send `data`, of which no more than `keep` bytes although the whole length is announced."""
        body = b"" if self.command == "HEAD" else data[:keep]
        with self.hub.lock:
            entry = Request(self.command, self.place, status, dict(self.headers.items()), len(body))
            self.hub.requests.append(entry)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if len(body) < len(data) and self.command != "HEAD":
            self.close_connection = True  # else the client would wait for the rest

    def snapshot(self, repo_id: str, revision: str | None) -> tuple[str, dict[str, Blob]] | None:
        """The commit and its files, or None after the 404 has been sent."""
        repo = self.hub.repos.get(repo_id)
        if repo is None or (repo.private and not self.has_account()):
            self.missing("RepoNotFound", "Repository")
            return None
        sha = repo.resolve(revision or "main")
        if sha is None:
            self.missing("RevisionNotFound", "Revision")
            return None
        return sha, repo.commits[sha]

    # -- reading --------------------------------------------------------------------------------------------------
    def info(self, repo_id: str, revision: str | None) -> None:
        if (found := self.snapshot(repo_id, revision)) is None:
            return
        sha, files = found
        siblings = []
        for path, blob in sorted(files.items()):
            row: dict[str, Any] = {"rfilename": path}
            if "blobs" in self.query and not self.hub.is_mirror:
                row |= {"size": len(blob.data), "blobId": blob.oid}
                if blob.lfs:
                    row["lfs"] = {"sha256": blob.sha256, "size": len(blob.data), "pointerSize": 134}
            siblings.append(row)
        answer = {"id": repo_id, "sha": sha, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
        answer["private"] = self.hub.repos[repo_id].private
        self.answer(answer)

    def list_refs(self, repo_id: str) -> None:
        if (repo := self.hub.repos.get(repo_id)) is None:
            return self.missing("RepoNotFound", "Repository")
        rows = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": sha} for name, sha in repo.refs.items()]
        return self.answer({"branches": rows, "converts": [], "tags": []})

    def row(self, path: str, files: Mapping[str, Blob]) -> dict[str, Any] | None:
        if (blob := files.get(path)) is not None:
            row: dict[str, Any] = {"type": "file", "path": path, "oid": blob.oid, "size": len(blob.data)}
            if blob.lfs:
                row["lfs"] = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": 134}
            return row
        if any(other.startswith(f"{path}/") for other in files):
            return {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}
        return None

    def tree(self, repo_id: str, revision: str, under: str | None) -> None:
        if (found := self.snapshot(repo_id, revision)) is None:
            return None
        sha, files = found
        prefix = f"{under.strip('/')}/" if under else ""
        paths = set()
        for path in files:
            if path.startswith(prefix):
                steps = path[len(prefix) :].split("/")
                deep = len(steps) if self.query.get("recursive", ["false"])[0].lower() in ("true", "1") else 1
                paths |= {prefix + "/".join(steps[:n]) for n in range(1, deep + 1)}
        if prefix and not paths:
            return self.missing("EntryNotFound", "Path", {"X-Repo-Commit": sha})
        rows = [self.row(path, files) for path in sorted(paths)]
        start = int(self.query.get("cursor", ["0"])[0])
        end = start + self.hub.page_size
        headers = {}
        if end < len(rows):
            more = urlencode({key: values[0] for key, values in self.query.items()} | {"cursor": str(end)})
            headers["Link"] = f'<{self.hub.url}{urlsplit(self.path).path}?{more}>; rel="next"'
        return self.answer(rows[start:end], headers=headers)

    def paths_info(self, repo_id: str, revision: str) -> None:
        if (found := self.snapshot(repo_id, revision)) is None:
            return
        is_json = "json" in self.headers.get("Content-Type", "")
        form = json.loads(self.body) if is_json else parse_qs(self.body.decode())
        paths = form.get("paths", [])
        rows = (self.row(path.strip("/"), found[1]) for path in ([paths] if isinstance(paths, str) else paths))
        self.answer([row for row in rows if row is not None])

    def resolve(self, repo_id: str, revision: str, path: str) -> None:
        if (found := self.snapshot(repo_id, revision)) is None:
            return None
        sha, files = found
        blob = files.get(path)
        if blob is None or path in self.hub._gone:
            return self.missing("EntryNotFound", "Entry", {"X-Repo-Commit": sha})
        headers = {"X-Repo-Commit": sha, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        data = whole = blob.data[: self.hub._short.get(path)]
        size, start, status = len(whole), 0, 200
        if (asked := re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))) is not None:
            first, last = asked.groups()
            start = int(first) if first else max(size - int(last), 0)
            end = min(int(last), size - 1) if first and last else size - 1
            if start >= size:
                return self.send(b"", 416, {**headers, "Content-Range": f"bytes */{size}"})
            data, status = whole[start : end + 1], 206
            headers["Content-Range"] = f"bytes {start}-{end}/{size}"
        keep = self.hub._cut.get(path)
        return self.send(data, status, headers, None if keep is None else max(keep - start, 0))


def run_client(code: str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own: the clients read their settings when they are imported."""
    return warm.run("-c", code, env=env, cwd=cwd)
