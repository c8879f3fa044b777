"""What the local Hub keeps: files, commits, branches, and the log of requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

LFS_SUFFIXES = (".parquet", ".csv", ".zst", ".gz")


@dataclass(frozen=True)
class Blob:
    """One stored file and the two names the Hub knows it by."""

    data: bytes
    lfs: bool

    @property
    def oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


@dataclass
class Repo:
    """Commits (sha -> path -> blob) and the branches and tags that point at them."""

    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    pulls: int = 0
    """Number of its pull requests; the branch of each is `refs/pr/N`."""

    def resolve(self, revision: str) -> str | None:
        sha = self.refs.get(revision, revision)
        return sha if sha in self.commits else None

    def commit(self, files: dict[str, Blob], branch: str = "main") -> str:
        parent = self.refs.get(branch, "")
        text = json.dumps([parent, len(self.commits), {path: blob.oid for path, blob in sorted(files.items())}])
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha] = files
        self.refs[branch] = sha
        return sha


@dataclass(frozen=True)
class Request:
    """One line of the request log; `path` is unquoted and without its query."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    sent: int
    """Bytes of the body that were sent."""
