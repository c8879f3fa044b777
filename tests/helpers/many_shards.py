"""A log that is built in many shards, and builds of it whose written and resumed shards are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.making import spill
from llmfusionbench.builders.making.resuming import RESUMED
from tests.helpers.made_up_release import answer

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
