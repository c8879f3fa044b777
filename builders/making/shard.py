"""One shard of a build, the unit of work that any process can write alone, and the pool that writes the shards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.assemble import assemble
from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.path_names import with_names
from llmfusionbench.builders.making.score_warnings import score_facts
from llmfusionbench.builders.making.spill import ShardPlan, read_slices
from llmfusionbench.builders.making.tally import Places
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.records import Rejected
from llmfusionbench.engines import Engine
from llmfusionbench.engines.engine import in_order
from llmfusionbench.release import write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.storage.markers import marker
from llmfusionbench.texts.tokens import count_tokens

SCRATCH: Final = "scratch"
"""The directory below that of the release for what is only needed while it is made."""

Written = tuple[dict[str, dict[str, Any]], list[Rejected], list[Places], pa.Table]
"""Entries of a shard for the manifest, the rejected records, the places of those that were taken, and the `score_facts`."""


@dataclass(frozen=True)
class Shard:
    """All that is needed to write a shard. It can be sent to another process."""

    plan: ShardPlan
    root: Path
    llms: pa.Table
    names: Mapping[str, Mapping[str, str]]
    """`llm` and `judge` -> path -> its name, where that is longer than the records have it."""
    tokenizer: str | None
    compression_level: int
    truths: Readings
    unscored: bool = False
    """Whether the answers have no scores yet, and are given those of our metrics."""

    @property
    def name(self) -> str:
        return f"{self.plan.split}-{self.plan.index:05d}-of-{self.plan.total:05d}"

    def write(self) -> Written:
        """Assemble the shard and write its tables. Each appears in one step, also where an engine begins a shard twice."""
        made = assemble(self._records(), self.llms, self.plan.split, self.truths, unscored=self.unscored)
        entries = {}
        facts = score_facts(made.tables["logs"])
        with TemporaryDirectory(dir=self.root / SCRATCH) as scratch:
            for table in list(made.tables):
                name = shard_name(table, self.plan.split, self.plan.index, self.plan.total)
                rows = made.tables.pop(table)
                entries[name] = write_shard(Path(scratch), name, rows, compression_level=self.compression_level)
                del rows
                (self.root / name).parent.mkdir(exist_ok=True)
                os.replace(Path(scratch) / name, self.root / name)
        pa.default_memory_pool().release_unused()
        return entries, made.rejected, made.taken, facts

    def _records(self) -> pa.Table:
        records = with_names(read_slices(self.plan), self.names)
        return records if self.tokenizer is None else with_tokens(records, self.tokenizer)


def write_shards(shards: Sequence[Shard], engine: Engine) -> Iterator[Written]:
    """Write the shards in parallel; their results in order."""
    if not shards:
        return
    # Arrow releases Python's lock, so threads are enough; a tokenizer and our metrics do not, so they get processes.
    threads = shards[0].tokenizer is None and not shards[0].unscored
    yield from in_order(engine.run(Shard.write, shards, threads=threads, sees=[marker(shards[0].root / SCRATCH)]))


def with_tokens(records: pa.Table, tokenizer: str) -> pa.Table:
    """`records` with token counts where the log states none; a stated count stays, with its tokenizer."""
    uncounted = pc.and_(records["input_tokens"].is_null(), records["output_tokens"].is_null())
    unstated = pc.and_(uncounted, records["llm"].is_valid())
    sent = pc.coalesce(records["prompt_think"], records["prompt"])
    counted = {}
    texts = {"input_tokens": sent, "output_tokens": records["response"], "reasoning_tokens": records["reasoning"]}
    for column, written in texts.items():
        written = pc.if_else(unstated, written, pa.scalar(None, pa.string()))
        counted[column] = pa.chunked_array(count_tokens(pa.chunked_array(written).combine_chunks(), tokenizer))
    thought = pc.coalesce(records["reasoning_tokens"], counted["reasoning_tokens"])
    counted["output_tokens"] = pc.add(counted["output_tokens"], pc.fill_null(thought, 0))
    counted = {column: pc.coalesce(records[column], counts) for column, counts in counted.items()}
    known = pc.and_(unstated, pc.or_(counted["input_tokens"].is_valid(), counted["output_tokens"].is_valid()))
    return with_columns(records, {**counted, "tokenizer": pc.if_else(known, tokenizer, records["tokenizer"])})
