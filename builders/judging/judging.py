"""The revision of a release that adds judge scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from llmfusionbench.builders.judging.costs import STEP
from llmfusionbench.builders.revising.derive import Conclusion, Revised
from llmfusionbench.release import Release
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.shards import Shard, ShardTables
from llmfusionbench.schema import table_schema
from llmfusionbench.storage.files import whole_file
from llmfusionbench.types import Progress

ROWS: Final = "judge_scores.parquet"
"""In the run: the new rows."""
_ADDED: Final = "added"
_PART: Final = 10_000


@dataclass(frozen=True)
class Added:
    """The report of the revision."""

    rows: int
    release: Release | None = None
    resumed: int = 0


@dataclass(frozen=True)
class Judging:
    """Adds rows to `judge_scores`. Rows that are there stay, unless they have no score and `replaces` is set."""

    rows: Path
    """A file of new rows, none of which has the key of a row that stays."""
    facts: dict[str, Any]
    """For the manifest: what was judged, by whom and how. It identifies the rows."""
    figures: dict[str, Any]
    """For the manifest: what came of it."""
    replaces: bool = False
    """Whether a new row takes the place of one without a score."""

    @property
    def name(self) -> str:
        return STEP

    @property
    def table(self) -> Literal["judge_scores"]:
        return "judge_scores"

    def options(self) -> dict[str, Any]:
        return self.facts

    def prepare(self, shards: Sequence[Shard], store: ShardStore, workers: int, tell: Progress) -> None:
        """Nothing to prepare."""

    def revise(self, shard: Shard, tables: ShardTables, store: ShardStore, workers: int) -> Revised:
        """The rows of a shard with the new ones."""
        schema = table_schema("judge_scores")
        mine = pc.field("query_id").isin(tables.queries["query_id"].combine_chunks())
        new = ds.dataset(self.rows).to_table(filter=mine).select(schema.arrow.names).cast(schema.arrow)
        old = tables.judge_scores.select(schema.arrow.names).cast(schema.arrow)
        kept = _without(old, new, schema.key) if self.replaces and new.num_rows else old
        rows = pa.concat_tables([kept, new])
        rows = rows.sort_by([(name, "ascending") for name in schema.key]) if new.num_rows else rows
        return Revised(rows, {_ADDED: pa.table({"rows": [rows.num_rows - old.num_rows]})})

    def conclude(self, shards: Sequence[Shard], store: ShardStore, root: Path) -> Conclusion:
        """Add up the new rows."""
        notes = [note for shard in shards if (note := store.read(_ADDED, shard)) is not None]
        added = sum(note["rows"][0].as_py() for note in notes)
        return Conclusion({}, self.figures, Added(added), added=added)


def _without(old: pa.Table, new: pa.Table, key: Sequence[str]) -> pa.Table:
    """The old rows but for those without a score whose key a new row has."""
    names = list(key)
    taken = {tuple(row.values()) for row in new.select(names).to_pylist()}
    unscored = pc.indices_nonzero(pc.is_null(old["score"]))
    found = zip(unscored.to_pylist(), old.select(names).take(unscored).to_pylist(), strict=True)
    gone = [place for place, row in found if tuple(row.values()) in taken]
    stays = pc.invert(pc.is_in(pa.array(range(old.num_rows), pa.int64()), pa.array(gone, pa.int64())))
    return old.filter(stays)


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> int:
    """Write rows of `judge_scores` to a file, atomically; their number."""
    schema = table_schema("judge_scores").arrow
    count, part = 0, []
    with whole_file(path) as place, pq.ParquetWriter(place, schema, compression="zstd") as writer:
        for row in rows:
            part.append(row)
            count += 1
            if len(part) == _PART:
                writer.write_table(pa.Table.from_pylist(part, schema=schema))
                part = []
        writer.write_table(pa.Table.from_pylist(part, schema=schema))
    return count
