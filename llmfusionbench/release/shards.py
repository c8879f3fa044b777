"""The shards of a release: ranges of queries with all their rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.release.release import Release
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.schema import table_schema


@dataclass(frozen=True)
class ShardTables:
    """The rows of a shard, each table sorted by key."""

    queries: pa.Table
    responses: pa.Table
    judge_scores: pa.Table
    llms: pa.Table
    """The whole table."""


@dataclass(frozen=True)
class Shard:
    """A range of the release: the queries of one file. It can be sent to another process."""

    source: Path
    split: str
    index: int
    total: int
    bytes: int
    """Size of the file of responses with the same number, which is roughly that of the shard."""

    @property
    def name(self) -> str:
        return f"{self.split}-{self.index:05d}-of-{self.total:05d}"

    def read(self) -> ShardTables:
        """All of its rows."""
        release = Release(self.source)
        queries = self.queries()
        ids = queries["query_id"]
        return ShardTables(
            queries,
            rows_of_queries(release, "responses", self.split, ids),
            rows_of_queries(release, "judge_scores", self.split, ids),
            release.rows("llms"),
        )

    def queries(self) -> pa.Table:
        """Its queries, sorted by id."""
        schema = table_schema("queries")
        file = Release(self.source).files("queries", self.split)[self.index]
        rows = shard_dataset([file], "queries").to_table()
        return _in_order(check_rows(rows, "queries", self.source), schema.key)

    def responses(self, query_ids: pa.ChunkedArray) -> pa.Table:
        """The responses to some of its queries."""
        return rows_of_queries(Release(self.source), "responses", self.split, query_ids)


def shards_of(release: Release) -> list[Shard]:
    """The shards of a release on this machine, one per file of its queries. Raises InputError for one elsewhere."""
    shards, place = [], release.directory.absolute()
    for split in release.splits:
        files = release.files("queries", split)
        weights = [f.stat().st_size if f.is_file() else 0 for f in release.files("responses", split)]
        for index in range(len(files)):
            weight = weights[index] if len(weights) == len(files) else 0
            shards.append(Shard(place, split, index, len(files), weight))
    return shards


def rows_of_queries(release: Release, table: str, split: str, ids: pa.ChunkedArray) -> pa.Table:
    """The rows of a table that belong to these queries of a split, sorted by key; files with none of them are skipped."""
    schema = table_schema(table)
    present = release.manifest["tables"].get(table, {"splits": {}})["splits"]
    if split not in present or not len(ids):
        return schema.arrow.empty_table()
    ends, query = pc.min_max(ids), pc.field("query_id")
    # The range skips row groups. Among its rows are those of other shards: of queries that were appended later.
    mine = (query >= ends["min"]) & (query <= ends["max"]) & query.isin(ids.combine_chunks())
    return _in_order(release.rows(table, split, filter=mine), schema.key)


def _in_order(rows: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """The rows sorted by key. Those of a release usually are and stay as they are."""
    joined = pc.binary_join_element_wise(*(_sortable(rows[c]) for c in key), "\x00")
    if pc.all(pc.less_equal(joined[:-1], joined[1:])).as_py() is not False:
        return rows
    return rows.sort_by([(c, "ascending") for c in key])


def _sortable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts that sort as `values` do: numbers with leading zeros, null last."""
    texts = pc.utf8_lpad(values.cast(pa.string()), 16, "0") if pa.types.is_integer(values.type) else values
    return pc.fill_null(texts, "\U0010ffff")
