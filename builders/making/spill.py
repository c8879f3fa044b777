"""An external sort of records by query: written to disk in sorted runs, then read back one range of queries at a time.

A source may give the queries in any order (most logs are one file per LLM); a shard needs all answers to its queries together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.limits import REMEDY, whole_bytes
from llmfusionbench.errors import InputError

RUN_BYTES: Final = 32 * 2**20
"""Size of a run, which is held in memory while reading."""

SHARD_BYTES: Final = 32 * 2**20
"""Intended amount of text in a shard. Writing a shard takes about five times as much memory."""

_TEXTS: Final = ("prompt", "response", "reasoning", "ground_truth", "judge_reason")
_ROW_BYTES: Final = 32
"""What a record counts for beside its texts."""

Prefix = npt.NDArray[np.uint64]
"""The first 16 digits of a query_id as a number: sorts as the ids do."""

_GUARDED: Final = {"train": 0, "test": 1, "partial_test": 2}


def prefix_of(query_ids: pa.Array) -> Prefix:
    """[n] uint64 of [n] query ids; each distinct one is parsed once."""
    encoded = query_ids.dictionary_encode()
    numbers = np.array([int(q[:16], 16) for q in encoded.dictionary.to_pylist()], np.uint64)
    result: Prefix = numbers[encoded.indices.to_numpy()]
    return result


@dataclass(frozen=True)
class Settled:
    """Every query of a release, and its split."""

    queries: Prefix
    """Sorted, each once."""
    codes: npt.NDArray[np.int8]
    """The split of each, as in `_GUARDED`."""

    @property
    def present(self) -> list[str]:
        """The splits that have queries."""
        return [name for name, code in _GUARDED.items() if (self.codes == code).any()]

    def split_of(self, query_ids: pa.Array) -> pa.Array:
        """[n] split of each query; null where the release lacks the query."""
        prefix = prefix_of(query_ids)
        place = np.minimum(np.searchsorted(self.queries, prefix), len(self.queries) - 1)
        found = self.queries[place] == prefix
        return pa.array(np.array(list(_GUARDED))[self.codes[place]], pa.string(), mask=~found)


@dataclass(frozen=True)
class ShardPlan:
    """The content of a shard: the rows of each run whose query is in a range, and in one split."""

    split: str
    index: int
    total: int
    slices: tuple[tuple[str, int, int], ...]
    """(run, first row, last row + 1)."""
    queries: Prefix
    """The queries of the split in this range, sorted."""


class Spill:
    """Takes batches in any order; plans shards over all of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rows = 0
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._runs: list[tuple[str, Prefix, npt.NDArray[np.int8], npt.NDArray[np.int64]]] = []  # file, query, split, bytes

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch with the columns query_id and split; the column `sequence`, the reading order, is added."""
        sequence = pa.array(np.arange(self.rows, self.rows + batch.num_rows))
        self._pending.append(batch.append_column("sequence", sequence))
        self._pending_bytes += batch.nbytes
        self.rows += batch.num_rows
        if self._pending_bytes >= RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is pending as a run, sorted by query."""
        if not self._pending:
            return
        batch = pa.Table.from_batches(self._pending).combine_chunks().to_batches()[0]
        self._pending, self._pending_bytes = [], 0
        prefix = prefix_of(batch.column("query_id"))
        order = np.argsort(prefix, kind="stable")
        batch = batch.take(pa.array(order))
        path = str(self.directory / f"run-{len(self._runs):05d}.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        encoded = batch.column("split").dictionary_encode()
        split = np.array([_GUARDED[s] for s in encoded.dictionary.to_pylist()], np.int8)[encoded.indices.to_numpy()]
        self._runs.append((path, prefix[order], split, _text_bytes(batch)))
        del batch, encoded
        pa.default_memory_pool().release_unused()

    def settle(self, test_share: float = 0.0) -> Settled:
        """Every query with its split.

        A query in several splits goes to the most guarded of them, so that none is both trained on and tested. A share of the
        train queries may be set aside for `test`: those with the lowest hashes, whatever the order of the input.
        """
        prefix = np.concatenate([run[1] for run in self._runs])
        split = np.concatenate([run[2] for run in self._runs])
        order = np.lexsort((-split, prefix))
        distinct, first = np.unique(prefix[order], return_index=True)
        settled = split[order][first]
        if test_share:
            # Bits that the sorting does not use, so that the split is not a range of ids.
            mixed = (distinct * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(11)
            settled = np.where((settled == 0) & (mixed < np.uint64(int(test_share * 2**53))), np.int8(1), settled)
        return Settled(distinct, settled)

    def plan(self, settled: Settled) -> Iterator[ShardPlan]:
        """The shards, each with about `SHARD_BYTES` of text. They depend on the records alone."""
        queries = settled.queries
        sizes = np.zeros(len(queries), np.int64)
        for _, prefix, _, text in self._runs:
            np.add.at(sizes, np.searchsorted(queries, prefix), text)
        if sizes.max(initial=0) > whole_bytes() // 2:  # the records of a query are in memory together
            query, size = int(queries[sizes.argmax()]), int(sizes.max())
            raise InputError(
                f"the records of query {query:016x} take {size >> 20:,} MiB, expected up to {whole_bytes() >> 21:,}. {REMEDY}"
            )
        for name, code in _GUARDED.items():
            members = np.flatnonzero(settled.codes == code)
            if not members.size:
                continue
            total = max(1, -(-int(sizes[members].sum()) // SHARD_BYTES))
            before = np.cumsum(sizes[members]) - sizes[members]
            shard = np.minimum(before * total // max(1, int(sizes[members].sum())), total - 1)
            kept = np.unique(shard)
            for index, number in enumerate(kept.tolist()):
                inside = queries[members[shard == number]]
                yield ShardPlan(name, index, len(kept), tuple(self._slices(inside)), inside)

    def _slices(self, inside: Prefix) -> Iterator[tuple[str, int, int]]:
        for path, prefix, _, _ in self._runs:
            first = int(np.searchsorted(prefix, inside[0], "left"))
            last = int(np.searchsorted(prefix, inside[-1], "right"))
            if first < last:
                yield path, first, last


def read_slices(plan: ShardPlan) -> pa.Table:
    """The records of a shard, in no particular order."""
    parts = []
    for path, first, last in plan.slices:
        batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0).slice(first, last - first)
        member = np.isin(prefix_of(batch.column("query_id")), plan.queries)
        parts.append(batch.filter(pa.array(member)))
    return pa.Table.from_batches(parts)


def _text_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    lengths = [pc.fill_null(pc.binary_length(batch.column(c)), 0) for c in _TEXTS]
    if batch.column("messages").null_count < len(batch):  # as long as the prompt, which is their rendering
        lengths.append(pc.if_else(batch.column("messages").is_valid(), lengths[0], 0))
    total: npt.NDArray[np.int64] = np.sum([n.to_numpy(zero_copy_only=False) for n in lengths], axis=0, dtype=np.int64)
    return total + _ROW_BYTES
