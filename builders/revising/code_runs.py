"""Runs the programs among the answers of a release, once each in one pool of sandboxes, and keeps their scores by shard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.score_warnings import CODE
from llmfusionbench.release.references import lookup
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.shards import Shard
from llmfusionbench.sandbox import CodeTask, Sandbox, Verdict
from llmfusionbench.schema import table_schema
from llmfusionbench.scoring import Score, score
from llmfusionbench.types import ANSWER_KEY, Progress

VERDICTS: Final = "verdicts"
"""The note that holds the scores of a shard's programs."""

_SCHEMA: Final = pa.schema(
    [
        *(table_schema("responses").arrow.field(name) for name in ANSWER_KEY),
        ("value", pa.float64()),
        ("extracted", pa.string()),
        ("reason", pa.string()),
    ]
)
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{6,}")


def run_code(shards: Sequence[Shard], store: ShardStore, sandbox: str, *, official: bool, workers: int, tell: Progress) -> None:
    """Run the programs of the shards whose verdicts are not in the store yet, `workers` at a time."""
    done = 0
    with Sandbox(sandbox=sandbox, workers=workers) as pool, ThreadPoolExecutor(workers) as threads:
        for shard in shards:
            if store.read(VERDICTS, shard) is not None:
                continue
            rows = _programs(shard)
            scores = []
            for result in _scores(rows, _Run(pool, official), threads):
                scores.append(result)
                done += 1
                tell("programs run", done, None)
            store.write(VERDICTS, shard, _table(rows, scores))


def _programs(shard: Shard) -> list[dict[str, Any]]:
    """The answers to the queries of a shard that ask for a program."""
    queries = shard.queries()
    queries = queries.filter(pc.equal(queries["metric"], CODE))
    rows = shard.responses(queries["query_id"]).select([*ANSWER_KEY, "response", "status"])
    facts = lookup(queries, "query_id", rows["query_id"], ("prompt", "ground_truth"))
    for name, values in facts.items():
        rows = rows.append_column(name, values)
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed


@dataclass(frozen=True)
class _Run:
    """Scores one answer; its program runs in the pool."""

    pool: Sandbox
    official: bool

    def __call__(self, row: dict[str, Any]) -> Score:
        return score(
            CODE, row["response"], row["ground_truth"],
            official=self.official, status=row["status"], prompt=row["prompt"], runner=self._runner,
        )  # fmt: skip

    def _runner(self, code: str, tests: tuple[str, ...], *, entry_point: str | None, setup: str) -> Verdict:
        return self.pool.run_one(CodeTask(code=code, tests=tests, entry_point=entry_point, setup=setup))


def _scores(rows: Sequence[dict[str, Any]], run: _Run, threads: ThreadPoolExecutor) -> Iterator[Score]:
    """The score of each row; equal answers to the same query run once."""
    first: dict[tuple[str, str | None, str], int] = {}
    places = [first.setdefault((r["query_id"], r["response"], r["status"]), i) for i, r in enumerate(rows)]
    known: dict[int, Score] = {}
    results = threads.map(run, [rows[i] for i in first.values()])
    for i in places:
        if i not in known:
            known[i] = next(results)
        yield known[i]


def _table(rows: Sequence[dict[str, Any]], scores: Sequence[Score]) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in ANSWER_KEY}
    columns["value"] = [s.value for s in scores]
    columns["extracted"] = [s.extracted for s in scores]
    # The address of an object differs from run to run.
    columns["reason"] = [_ADDRESS.sub("0x...", s.reason) for s in scores]
    return pa.table(columns, schema=_SCHEMA)
