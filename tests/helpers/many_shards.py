"""A log that is built in many shards, and builds of it whose written and resumed shards are counted."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.making import spill
from llmfusionbench.builders.making.resuming import RESUMED
from llmfusionbench.release.shard_store import ShardStore
from tests.helpers.importable import importable
from tests.helpers.made_up_release import answer
from tests.helpers.waiting import wait_for

SHARD_BYTES = 6_000
"""Text per shard, so that the log makes some ten."""


def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have builds of this process make many shards."""
    monkeypatch.setattr(spill, "SHARD_BYTES", SHARD_BYTES)


def write_log(path: Path, *, queries: int = 60, changed: int | None = None) -> Path:
    """The log; the answers to the query with the number `changed` are others of the same length."""
    rows = [answer(n, llm, output_tokens=None, cost_usd=None) for n in range(queries) for llm in ("tiny", "big")]
    for row in rows[2 * changed : 2 * changed + 2] if changed is not None else ():
        row["response"] = "x" * len(row["response"])
    names = list(rows[0])
    lines = [",".join("" if row[n] is None else str(row[n]) for n in names) for row in rows]
    path.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    return path


def counted_build(log: Path, out: Path, **options: Any) -> tuple[int, int]:
    """Build the log; (shards that an earlier run has written, all shards)."""
    seen: dict[str, tuple[int, int | None]] = {}

    def tell(stage: str, done: int, total: int | None) -> None:
        seen[stage] = done, total

    build("table", [log], out, progress=tell, **options)
    return seen.get(RESUMED, (0, None))[0], seen["shards written"][0]


def fails_at(number: int, error: BaseException) -> Any:
    """A `ShardStore.finish` that raises in place of receipt `number`, from 0."""
    finish, calls = ShardStore.finish, []

    def finished(store: ShardStore, *arguments: Any) -> None:
        calls.append(None)
        if len(calls) > number:
            raise error
        finish(store, *arguments)

    return finished


RUN = """
import sys, threading
from llmfusionbench.builders import build
from llmfusionbench.builders.making import spill
from llmfusionbench.release.shard_store import ShardStore

log, out, workers, tokenizer, size = sys.argv[1:]
spill.SHARD_BYTES = int(size)
finish = ShardStore.finish

def finish_two(store, *arguments):
    if len(list(store.path.glob("receipt-*"))) >= 2:
        threading.Event().wait()  # in mid-shard: its tables are written, and its receipt is not
    finish(store, *arguments)

ShardStore.finish = finish_two  # in the worker processes too, which import this file
if __name__ == "__main__":
    build("table", [log], out, workers=int(workers), tokenizer=tokenizer or None)
"""
"""A build that stops for good in mid-shard when two of its shards are done, so that it is killed there on any machine."""


def killed_build(log: Path, out: Path, workers: int = 1, tokenizer: str = "") -> None:
    """Begin a build in a process of its own, and kill it when two shards are done."""
    script = log.with_name("run.py")
    script.write_text(RUN)
    words = [log, out, str(workers), tokenizer, str(SHARD_BYTES)]
    run = subprocess.Popen([sys.executable, script, *words], env=importable())
    wait_for(lambda: len(list(out.parent.glob(f".{out.name}.*.work/state/receipt-*"))) >= 2 or run.poll() is not None)
    run.kill()
    assert run.wait() == -signal.SIGKILL
