"""Which query of the next version goes into which shard.

A query of the release stays in its shard, and new ones go into the last shard while it has room, then into one of their own:
so all other files stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.builders.making.spill import SHARD_BYTES
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release
from llmfusionbench.release.references import REMEDY
from llmfusionbench.release.row_check import check_rows
from llmfusionbench.release.shard_files import shard_dataset
from llmfusionbench.types import ANSWER_KEY, SPLITS
from llmfusionbench.validation.issue import shorten

Numbers = npt.NDArray[np.int64]

_NOWHERE: Final = -1
_ROOM: Final = 2
"""A shard is divided once it has this many times the intended amount of text."""


@dataclass(frozen=True)
class Piece:
    """A shard to be written: some queries, sorted by id, and where each release has them."""

    split: str
    index: int
    total: int
    query_ids: pa.Array
    old: pa.Array
    """[n] the split of each query in the release; null where it is new."""
    new: pa.Array
    """[n] its split in what is appended; null where that lacks it."""
    files: tuple[Numbers, Numbers]
    """[n] the number of its file within its split, in the release and in what is appended."""


@dataclass(frozen=True)
class Side:
    """The queries of one of the two releases, [Q] each, in the order of the ids of both together."""

    split: Numbers
    """Place in `SPLITS`, which is the rank of its protection; -1 where it lacks the query."""
    shard: Numbers
    """Number of its file within the split."""


@dataclass(frozen=True)
class Plan:
    """Every query of the next version, in the order of the ids, and its shards."""

    query_ids: pa.Array
    old: Side
    new: Side
    split: Numbers
    """[Q] place in `SPLITS` in the next version: the more protected one."""
    pieces: tuple[Piece, ...]

    def split_of(self, query_ids: pa.ChunkedArray) -> pa.Array:
        """[n] split of each query in the next version."""
        return pa.array(_names(self.split)[pc.index_in(query_ids, value_set=self.query_ids).to_numpy()], pa.string())

    def check(self, query_ids: pa.ChunkedArray, side: Side, table: str, place: Path) -> None:
        """Raise ReleaseError if a row of a `table` of one of the two releases names a query that this release lacks."""
        rows = pc.fill_null(pc.index_in(query_ids, value_set=self.query_ids), -1).to_numpy()
        lost = np.append(side.split, _NOWHERE)[rows] < 0
        if lost.any():
            name = shorten(query_ids[int(np.argmax(lost))].as_py())
            raise ReleaseError(f"{place}: table {table} refers to query {name}, which queries does not have. {REMEDY}")


def plan(old: Release, new: Release) -> Plan:
    """The shards of the next version. They depend on the rows of the two releases alone.

    Ids and numbers are held in memory, texts are not read.

    Raises:
        ReleaseError: a release has a query twice, or a split of an unknown name.
    """
    listed = [_queries(release) for release in (old, new)]
    ids = pc.unique(pa.concat_arrays([ids for ids, _, _ in listed]))
    ids = ids.take(pc.sort_indices(ids))
    a, b = (_side(ids, *one) for one in listed)
    split = np.maximum(a.split, b.split)
    weights = _weights(ids, (old, a), (new, b))
    shards = [(s, members) for s in range(len(SPLITS)) for members in _members(s, split, a, weights)]
    totals = np.bincount([s for s, _ in shards], minlength=len(SPLITS))
    seen = [0] * len(SPLITS)
    pieces = []
    names = [_names(side.split) for side in (a, b)]
    for s, members in shards:
        taken = pa.array(members)
        here, there = (side.take(taken) for side in map(pa.array, names))
        files = a.shard[members], b.shard[members]
        pieces.append(Piece(SPLITS[s], seen[s], int(totals[s]), ids.take(taken), here, there, files))
        seen[s] += 1
    return Plan(ids, a, b, split, tuple(pieces))


def _names(splits: Numbers) -> npt.NDArray[np.object_]:
    """[n] names of splits; None for -1."""
    return np.array([*SPLITS, None], object)[splits]


def _queries(release: Release) -> tuple[pa.Array, Numbers, Numbers]:
    """Id, split and number of file of every query."""
    ids, splits, shards = [pa.array([], pa.string())], [], []
    for name in release.splits:
        if name not in SPLITS:
            raise ReleaseError(f"{release.path}: split is {shorten(name)}, expected one of {', '.join(SPLITS)}. {REMEDY}")
        for number, file in enumerate(release.files("queries", name)):
            rows = check_rows(shard_dataset([file], "queries").to_table(columns=["query_id"]), "queries", release.path)
            ids += rows["query_id"].chunks
            splits.append(np.full(len(rows), SPLITS.index(name)))
            shards.append(np.full(len(rows), number))
    every = pa.concat_arrays(ids)
    if len(again := pc.value_counts(every).filter(pc.greater(pc.value_counts(every).field("counts"), 1))):
        twice = shorten(again.field("values")[0].as_py())
        raise ReleaseError(f"{release.path}: table queries, row {twice} is there twice, expected once. {REMEDY}")
    return every, *(np.concatenate([np.zeros(0, np.int64), *parts]) for parts in (splits, shards))


def _side(ids: pa.Array, mine: pa.Array, splits: Numbers, shards: Numbers) -> Side:
    place = pc.index_in(mine, value_set=ids).to_numpy()
    side = Side(np.full(len(ids), _NOWHERE), np.full(len(ids), _NOWHERE))
    side.split[place], side.shard[place] = splits, shards
    return side


def _weights(ids: pa.Array, old: tuple[Release, Side], new: tuple[Release, Side]) -> npt.NDArray[np.float64]:
    """[Q] about how many bytes of text each query will have, by the footers of the files and the keys of the answers."""
    candidates: dict[tuple[str, str], int] = {}
    answers = [_answers(release, ids, candidates) for release, _ in (old, new)]
    added = [answers[0], np.setdiff1d(answers[1], answers[0])]
    fresh = [old[1].split >= 0, (new[1].split >= 0) & (old[1].split < 0)]
    weights = np.zeros(len(ids))
    for (release, side), every, more, here in zip((old, new), answers, added, fresh, strict=True):
        rows = int((side.split >= 0).sum()) + len(every)
        size = sum(_text_bytes(file) for table in ("queries", "responses") if table in release.tables
                   for file in release.files(table))  # fmt: skip
        weights += size / max(1, rows) * (np.bincount(more >> 40, minlength=len(ids)) + here)
    return weights


def _answers(release: Release, ids: pa.Array, candidates: dict[tuple[str, str], int]) -> Numbers:
    """A number for each answer, whose part from bit 40 on is the place of its query. It is good enough to count by.

    `candidates` numbers the pairs of LLM and mode; new ones are added.
    """
    numbers = [np.zeros(0, np.int64)]
    for batch in release.batches("responses", columns=list(ANSWER_KEY)) if "responses" in release.tables else ():
        query = pc.fill_null(pc.index_in(batch.column("query_id"), value_set=ids), 0).to_numpy().astype(np.int64)
        llm, mode = (batch.column(name).dictionary_encode() for name in ("llm", "mode"))
        pairs = llm.indices.to_numpy().astype(np.int64) * max(1, len(mode.dictionary)) + mode.indices.to_numpy()
        distinct, inverse = np.unique(pairs, return_inverse=True)
        names = [
            (llm.dictionary[pair // len(mode.dictionary)].as_py(), mode.dictionary[pair % len(mode.dictionary)].as_py())
            for pair in distinct.tolist()
        ]
        known = np.array([candidates.setdefault(name, len(candidates)) for name in names], np.int64)
        numbers.append(
            query << 40 | (known[inverse.reshape(-1)] & 0xFFFFF) << 20 | batch.column("replicate").to_numpy() & 0xFFFFF
        )
    return np.concatenate(numbers)


def _text_bytes(file: Path) -> int:
    """The size of a file before compression."""
    footer = pq.read_metadata(file)
    return sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))


def _members(code: int, split: Numbers, old: Side, weights: npt.NDArray[np.float64]) -> Iterator[Numbers]:
    """The queries of each shard of a split, by their places, sorted."""
    inside = np.flatnonzero(split == code)
    stays = old.split[inside] == code
    numbers = old.shard[inside]
    shards = [inside[stays & (numbers == number)] for number in np.unique(numbers[stays])]
    fresh = inside[~stays]
    if len(fresh):
        last = shards.pop() if shards and weights[[*shards[-1], *fresh]].sum() <= SHARD_BYTES else fresh[:0]
        shards.append(np.sort(np.concatenate([last, fresh])))
    for members in shards:
        yield from _divided(members, weights)


def _divided(members: Numbers, weights: npt.NDArray[np.float64]) -> Sequence[Numbers]:
    """Some queries as one shard, or as several if they have too much text for one."""
    mine = weights[members]
    size = float(mine.sum())
    parts = max(1, -int(-size // SHARD_BYTES)) if size > _ROOM * SHARD_BYTES else 1
    if parts == 1:
        return [members] if len(members) else []
    part = np.minimum((np.cumsum(mine) - mine) * parts // size, parts - 1)
    return [members[part == number] for number in np.unique(part)]
