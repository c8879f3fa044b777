"""A secret to plant, a command that uses it, and the search for it in all that was written and printed."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pyarrow.parquet as pq

from llmfusionbench.cli.main import run


def canary(salt: str) -> str:
    """A key of its own for every test, so that no test relies on what an earlier one has read; with characters to escape."""
    return f"sk-{hashlib.sha256(salt.encode()).hexdigest()[:12]}/+&\"'\\<%=z"


def basic(user: str, password: str) -> str:
    """The header of a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def evaluate(release: Path, *arguments: str) -> int:
    """Run the command that asks live routers, with calls and report in the current directory; its status."""
    common = ["--baseline", "random", "--resamples", "9", "--retries", "0", "--calls", "calls.jsonl", "--out", "report"]
    return run(["evaluate", str(release), *common, *arguments])


def found(secret: str, *texts: str | bytes) -> list[str]:
    """The forms in which a secret is in these texts, each with what stands around it."""
    data = [text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text for text in texts]
    return [
        f"{name}: {one[max(0, one.find(form) - 60) : one.find(form) + 60]!r}"
        for name, form in _forms(secret)
        for one in data
        if form in one
    ]


def written(place: Path) -> dict[str, bytes]:
    """Path -> content of every file under a directory, hidden ones too; the names of all, and the rows of Parquet."""
    files = {str(path): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for name in [name for name in files if name.endswith(".parquet")]:
        files[f"{name} rows"] = json.dumps(pq.read_table(name).to_pylist(), default=str, ensure_ascii=False).encode()
    return {**files, "names": "\n".join(str(path) for path in place.rglob("*")).encode("utf-8", "surrogateescape")}


def _forms(secret: str) -> Iterator[tuple[str, bytes]]:
    raw = secret.encode()
    core = raw[3:15]  # the part that no escape changes, for every form that was not thought of
    yield from {
        "plain": raw,
        "core": core,
        "reversed": core[::-1],
        "hex": core.hex().encode(),
        "quoted": quote(secret, safe="").encode(),
        "plus": quote_plus(secret).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "repr": repr(raw)[2:-1].encode(),
        "html": html.escape(secret).encode(),
    }.items()
    for before in range(3):
        digits = base64.b64encode(bytes(before) + core)
        yield f"base64 after {before}", digits[4 * (before > 0) : len(digits) - 4]
