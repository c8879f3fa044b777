"""The shards of a release: the queries of one file, with all their rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from llmfusionbench.release.release import Release
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.candidates import renamed

_OWN: Final = ("responses", "judge_scores")


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
    """The queries of one file, with all their rows. It can be sent to another process."""

    source: Path
    split: str
    index: int
    total: int
    bytes: int
    """Size of the file of responses with the same number, which is roughly that of the shard."""
    in_step: frozenset[str] = frozenset()
    """The tables whose file of the same number is known to have all rows of the shard: see `in_step`."""

    @property
    def name(self) -> str:
        return f"{self.split}-{self.index:05d}-of-{self.total:05d}"

    def read(self) -> ShardTables:
        """All of its rows."""
        release = Release(self.source)
        queries = self._queries(release)
        responses, judge_scores = (self._rows(release, table, queries["query_id"]) for table in _OWN)
        return ShardTables(queries, responses, judge_scores, release.rows("llms"))

    def queries(self) -> pa.Table:
        """Its queries, sorted by id."""
        return self._queries(Release(self.source))

    def _queries(self, release: Release) -> pa.Table:
        schema = table_schema("queries")
        file = release.files("queries", self.split)[self.index]
        rows = shard_dataset([file], "queries").to_table()
        return _in_order(check_rows(rows, "queries", self.source), schema.key)

    def responses(self, query_ids: pa.ChunkedArray) -> pa.Table:
        """The responses to some of its queries."""
        return self._rows(Release(self.source), "responses", query_ids)

    def _rows(self, release: Release, table: str, query_ids: pa.ChunkedArray) -> pa.Table:
        numbers = [self.index] if table in self.in_step else None
        return rows_of_queries(release, table, self.split, query_ids, numbers)


def shards_of(release: Release) -> list[Shard]:
    """The shards of a release on this machine, one per file of its queries. Reads the ids of all rows, file by file.

    Raises:
        InputError: the release is elsewhere.
        ReleaseError: a file of the queries, the responses or the judge scores differs from the manifest.
    """
    shards, place = [], release.directory.absolute()
    for split in release.splits:
        files = release.files("queries", split)
        weights = [f.stat().st_size if f.is_file() else 0 for f in release.files("responses", split)]
        known = frozenset(table for table in _OWN if in_step(release, table, split))
        for index in range(len(files)):
            weight = weights[index] if len(weights) == len(files) else 0
            shards.append(Shard(place, split, index, len(files), weight, known))
    return shards


def _names(release: Release, table: str, split: str) -> list[str]:
    """The files of a table in a split; none if it has none."""
    splits = release.manifest["tables"].get(table, {"splits": {}})["splits"]
    return release.names(table, split) if split in splits else []


def _dataset(release: Release, table: str, name: str) -> ds.Dataset:
    """One file, checked."""
    return release.place.dataset(release.good([name]), table)


def _ids(release: Release, table: str, name: str) -> pa.Array:
    """The distinct ids of queries in a file."""
    with release.place.reading(table):
        return pc.unique(_dataset(release, table, name).to_table(columns=["query_id"])["query_id"])


def in_step(release: Release, table: str, split: str) -> bool:
    """Whether each file of a table in a split has rows of the queries in the file of the same number alone.

    This holds for all releases of ours. Reads the ids, those of two files at a time.

    Raises:
        ReleaseError: a file differs from the manifest.
    """
    files = [_names(release, name, split) for name in ("queries", table)]
    if len(files[0]) != len(files[1]):
        return False
    for queries, theirs in zip(*files, strict=True):
        known = pc.is_in(_ids(release, table, theirs), value_set=_ids(release, "queries", queries))
        if not pc.all(known, min_count=0).as_py():
            return False
    return True


def rows_of_queries(
    release: Release, table: str, split: str, ids: pa.ChunkedArray, numbers: Collection[int] | None = None
) -> pa.Table:
    """The rows of a table that belong to these queries of a split, sorted by key.

    Args:
        release: A release.
        table: The table.
        split: The split of the queries.
        ids: Their ids.
        numbers: The files of the split, by their places in order, that are known to have all of these rows. By default the ids
            of all files are looked at first; texts are read from files with a row of these queries only.

    Raises:
        ReleaseError: a file differs from the manifest, or has a value that its schema does not allow.
    """
    schema = table_schema(table)
    files = _names(release, table, split)
    if not files or not len(ids):
        return schema.arrow.empty_table()
    ends, query = pc.min_max(ids), pc.field("query_id")
    # The range skips row groups. Among its rows are those of other shards: of queries that were appended later.
    mine = (query >= ends["min"]) & (query <= ends["max"]) & query.isin(ids.combine_chunks())
    wanted = files if numbers is None else [files[number] for number in sorted(numbers)]
    parts = [schema.arrow.empty_table()]
    for name in wanted:
        with release.place.reading(table):
            dataset = _dataset(release, table, name)
            if numbers is not None or dataset.count_rows(filter=mine):
                parts.append(dataset.to_table(filter=mine))
    rows = renamed(check_rows(pa.concat_tables(parts), table, release.path), table, release.manifest["schema_version"])
    return _in_order(rows, schema.key)


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
