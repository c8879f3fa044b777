"""One shard of a build, the unit of work that any process can write alone, and the pool that writes the shards."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.assemble import assemble, ordered
from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.input_digest import table_digest
from llmfusionbench.builders.making.path_names import with_names
from llmfusionbench.builders.making.score_warnings import score_facts
from llmfusionbench.builders.making.spill import ShardPlan, read_slices
from llmfusionbench.builders.making.tally import Places, places_of, table_of
from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.builders.records import Rejected
from llmfusionbench.engines import Engine, Local
from llmfusionbench.engines.engine import in_order
from llmfusionbench.release import write_shard
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.targets import Target
from llmfusionbench.release.writer import shard_name
from llmfusionbench.texts.tokens import count_tokens

_REJECTED, _TAKEN, _SCORES = "rejected", "taken", "scores"
"""The notes of a shard that is done."""

_REFUSED: Final = pa.schema({"file": pa.string(), "row": pa.int64(), "reason": pa.string(), "record": pa.string()})
"""The columns of rejected records; `record` is JSON."""


@dataclass(frozen=True)
class Settings:
    """What all shards of a build have in common. It can be sent to another process."""

    target: Target
    """Where the files go."""
    store: ShardStore
    """Knows the shards that are done, by these settings."""
    llms: pa.Table
    names: Mapping[str, Mapping[str, str]]
    """`llm` and `judge` -> path -> its name, where that is longer than the records have it."""
    tokenizer: str | None
    compression_level: int
    truths: Readings
    unscored: bool = False
    """Whether the answers have no scores yet, and are given those of our metrics."""


@dataclass(frozen=True)
class Written:
    """A shard that is done."""

    entries: dict[str, dict[str, Any]]
    """For the manifest, of each of its files."""
    resumed: bool = False
    """Whether an earlier run has written it."""


@dataclass(frozen=True)
class Noted:
    """What the build as a whole must know of a shard."""

    rejected: list[Rejected]
    taken: Places
    scores: pa.Table
    """The `score_facts`."""


@dataclass(frozen=True)
class Shard:
    """All that is needed to write a shard. It can be sent to another process."""

    plan: ShardPlan
    settings: Settings
    records: pa.Table | None = None
    """Its records, if the worker cannot read the files of the plan."""

    @property
    def name(self) -> str:
        return f"{self.plan.split}-{self.plan.index:05d}-of-{self.plan.total:05d}"

    def write(self) -> Written:
        """Assemble the shard and write its tables, unless an earlier run has made them of the same records.

        Each table appears in one step, also where an engine begins a shard twice. The receipt comes last.
        """
        given = self.settings
        records = ordered(with_names(read_slices(self.plan) if self.records is None else self.records, given.names))
        digest = table_digest(records, but=["sequence"])  # earlier shards may have more records or fewer by now
        if (done := given.store.done(self, digest, given.target)) is not None:
            return Written(done, resumed=True)
        records = records if given.tokenizer is None else with_tokens(records, given.tokenizer)
        made = assemble(records, given.llms, self.plan.split, given.truths, unscored=given.unscored)
        del records  # the tables need the memory
        facts = score_facts(made.tables["logs"])
        entries = {}
        with given.store.scratch() as scratch:
            for table in list(made.tables):
                name = shard_name(table, self.plan.split, self.plan.index, self.plan.total)
                rows = made.tables.pop(table)
                entries[name] = write_shard(scratch, name, rows, compression_level=given.compression_level)
                del rows
                given.target.take(scratch / name, name, entries[name])
        notes = {_REJECTED: _refused(made.rejected), _TAKEN: table_of(made.taken), _SCORES: facts}
        for note, noted in notes.items():
            given.store.write(note, self, noted)
        given.store.finish(self, digest, entries, list(notes))
        pa.default_memory_pool().release_unused()
        return Written(entries)

    def with_records(self) -> Shard:
        """The same shard for a worker that does not see the files of the plan."""
        return replace(self, records=read_slices(self.plan))

    def noted(self) -> Noted:
        """What was noted of the shard, which is done."""
        refused, taken, scores = (self.settings.store.known(note, self) for note in (_REJECTED, _TAKEN, _SCORES))
        rejected = [Rejected(**row | {"record": json.loads(row["record"])}) for row in refused.to_pylist()]
        return Noted(rejected, places_of(taken), scores)


def _refused(rejected: Sequence[Rejected]) -> pa.Table:
    return pa.Table.from_pylist([asdict(r) | {"record": json.dumps(r.record)} for r in rejected], schema=_REFUSED)


def write_shards(shards: Sequence[Shard], engine: Engine) -> Generator[tuple[Shard, Written]]:
    """Write the shards in parallel; each with what it has, in order."""
    if not shards:
        return
    given = shards[0].settings
    # Arrow releases Python's lock, so threads are enough; a tokenizer and our metrics do not, so they get processes.
    threads = given.tokenizer is None and not given.unscored
    units: Iterable[Shard] = shards
    if given.target.is_far and not isinstance(engine, Local):  # then the workers need not see any file
        units = (shard.with_records() for shard in shards)
    results = engine.run(Shard.write, units, threads=threads, sees=given.store.sees())
    yield from zip(shards, in_order(results), strict=True)


def with_tokens(records: pa.Table, tokenizer: str) -> pa.Table:
    """`records` with token counts where the log states none; a stated count stays, with its tokenizer."""
    uncounted = pc.and_(records["input_tokens"].is_null(), records["output_tokens"].is_null())
    unstated = pc.and_(uncounted, records["llm"].is_valid())
    sent = pc.coalesce(_texts(records["prompt_think"]), _texts(records["prompt"]))
    counted = {}
    texts = {"input_tokens": sent, "output_tokens": records["response"], "reasoning_tokens": records["reasoning"]}
    for column, written in texts.items():
        written = pc.if_else(unstated, _texts(written), pa.scalar(None, pa.string()))
        counted[column] = pa.chunked_array(count_tokens(pa.chunked_array(written).combine_chunks(), tokenizer))
    thought = pc.coalesce(records["reasoning_tokens"], counted["reasoning_tokens"])
    counted["output_tokens"] = pc.add(counted["output_tokens"], pc.fill_null(thought, 0))
    counted = {column: pc.coalesce(records[column], counts) for column, counts in counted.items()}
    known = pc.and_(unstated, pc.or_(counted["input_tokens"].is_valid(), counted["output_tokens"].is_valid()))
    return with_columns(records, {**counted, "tokenizer": pc.if_else(known, tokenizer, records["tokenizer"])})


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that may be codes of distinct ones."""
    return values.cast(pa.string())
