"""One shard of the next version: the rows of both releases for some queries, merged, with the views over them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.appending.merge import Clashes, Mask, Rules, merge
from llmfusionbench.builders.appending.plan import Numbers, Piece
from llmfusionbench.builders.appending.replicates import beside
from llmfusionbench.builders.making.prices import cost_of
from llmfusionbench.builders.making.views import make_views, with_columns
from llmfusionbench.errors import ReleaseError
from llmfusionbench.release import Release, write_shard
from llmfusionbench.release.references import REMEDY, answer_keys
from llmfusionbench.release.shards import in_step, rows_of_queries
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate
from llmfusionbench.validation.issue import shorten

KEYED: Final = ("queries", "responses", "judge_scores")
"""The tables that are merged shard by shard."""

_CLOSE: Final = 1e-9
"""Relative difference up to which a cost is that of its tokens."""


@dataclass
class Written:
    """What one shard, or all of them, came to."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> entry for the manifest."""
    clashes: Clashes = field(default_factory=Clashes)
    read: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    """Table -> number of rows that were read from the release, and from what is appended."""


@dataclass(frozen=True)
class Work:
    """All that is needed to write a shard."""

    root: Path
    sides: tuple[Release, Release]
    """The release, and what is appended."""
    llms: tuple[pa.Table, pa.Table, pa.Table]
    """The table `llms` of each, and merged."""
    rules: Rules
    in_step: tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]
    """The (table, split) of each release whose files are in step with those of the queries."""

    def write(self, piece: Piece) -> Written:
        """Merge the rows of a shard and write its tables. With a conflict that nothing decides, none is written."""
        done = Written()
        inputs = zip(self.sides, (piece.old, piece.new), piece.files, self.in_step, strict=True)
        old, new = (_read(release, piece, splits, files, known) for release, splits, files, known in inputs)
        for release, side, llms in zip(self.sides, (old, new), self.llms, strict=False):
            _check_references(release.directory, side, llms)
        tables = {}
        for read, side in zip(done.read, (old, new), strict=True):
            read.update({name: side[name].num_rows for name in KEYED})
        if self.rules.replicates:
            new |= beside(old, new)
        for name in KEYED:
            derived = self._derived(old[name], new[name]) if name == "responses" else None
            places = (self.sides[0].directory, self.sides[1].directory)
            tables[name], clashes, torn = merge(name, old[name], new[name], self.rules, places, derived)
            done.clashes.add(clashes)
            if name == "responses" and self.rules.prefer is not None and torn.num_rows:
                loser = old if self.rules.prefer == "new" else new
                loser["judge_scores"] = _without(loser["judge_scores"], torn)
        if done.clashes.counts and self.rules.prefer is None:
            return done
        tables |= make_views(tables["queries"], tables["responses"], self.llms[2], tables["judge_scores"])
        for name, rows in tables.items():
            file = shard_name(name, piece.split, piece.index, piece.total)
            done.files[file] = write_shard(self.root, file, rows)
        return done

    def _derived(self, old: pa.Table, new: pa.Table) -> dict[str, tuple[Mask, Mask]]:
        """Whether each cost is that of the answer's tokens at the price of its own release."""
        return {"cost_usd": (_is_of_tokens(old, self.llms[0]), _is_of_tokens(new, self.llms[1]))}


def write_pieces(work: Work, pieces: Sequence[Piece], workers: int | None) -> Iterator[Written]:
    """Write the shards in parallel; their results in order."""
    count = min(workers or os.cpu_count() or 1, len(pieces))
    if count <= 1:
        yield from map(work.write, pieces)
        return
    with ThreadPoolExecutor(count) as pool:  # Arrow releases Python's lock
        tasks = [pool.submit(work.write, piece) for piece in pieces]
        try:
            for task in tasks:
                yield task.result()
        finally:
            for task in tasks:
                task.cancel()


def tables_in_step(release: Release) -> frozenset[tuple[str, str]]:
    """The (table, split) whose files each have rows of the queries in the file of the same number alone."""
    return frozenset((name, split) for name in KEYED for split in release.splits if in_step(release, name, split))


def _read(
    release: Release, piece: Piece, splits: pa.Array, files: Numbers, known: frozenset[tuple[str, str]]
) -> dict[str, pa.Table]:
    """The rows of a release for the queries of a shard; the queries are in the split of the shard."""
    rows = {name: [table_schema(name).arrow.empty_table()] for name in KEYED}
    for split in pc.unique(splits.drop_null()).to_pylist():
        here = pc.fill_null(pc.equal(splits, split), False)
        mine = pa.chunked_array([piece.query_ids.filter(here)])
        numbers = set(files[here.to_numpy(zero_copy_only=False)].tolist())
        for name in KEYED:
            found = rows_of_queries(release, name, split, mine, numbers if (name, split) in known else None)
            rows[name].append(found)
    tables = {name: pa.concat_tables(parts) for name, parts in rows.items()}
    queries = tables["queries"]
    return tables | {"queries": with_columns(queries, {"split": pa.repeat(piece.split, len(queries))})}


def _without(scores: pa.Table, torn: pa.Table) -> pa.Table:
    """The judge scores that are neither of one of these answers nor from a comparison with one.

    An opponent is named by its candidate alone. So a comparison goes if any replicate of that candidate is among the answers.
    """
    lost = set(zip(*(torn[name].to_pylist() for name in ("query_id", "llm", "mode")), strict=True))
    pairs = zip(scores["query_id"].to_pylist(), scores["opponent"].to_pylist(), strict=True)
    compared = pa.array([name is not None and (query, *Candidate.parse(name)) in lost for query, name in pairs], pa.bool_())
    gone = pc.or_(pc.is_in(answer_keys(scores), value_set=answer_keys(torn)), compared)
    return scores.filter(pc.invert(gone))


def _is_of_tokens(responses: pa.Table, llms: pa.Table) -> Mask:
    """[n] whether the cost of each answer is that of its tokens, at the price of who served it."""
    stated, computed = responses["cost_usd"], cost_of(responses, llms)
    bound = pc.multiply(pc.max_element_wise(stated, computed), _CLOSE)
    same = pc.less_equal(pc.abs(pc.subtract(stated, computed)), bound)
    return np.asarray(pc.fill_null(same, False).to_numpy(), bool)


def _check_references(place: Path, tables: dict[str, pa.Table], llms: pa.Table) -> None:
    """Check that every answer of a release has its LLM and every judgement its answer."""
    answers, scores = tables["responses"], tables["judge_scores"]
    _check_all(place, answers["llm"], llms["llm"].combine_chunks(), "responses", "llms")
    _check_all(place, answer_keys(scores), answer_keys(answers), "judge_scores", "responses")


def _check_all(place: Path, keys: pa.Array, known: pa.Array, table: str, other: str) -> None:
    found = pc.is_in(keys, value_set=known)
    if not pc.all(found, min_count=0).as_py():
        lost = keys.filter(pc.invert(found))[0].as_py().replace("\x00", ", ")
        raise ReleaseError(f"{place}: table {table} refers to {shorten(lost)}, which {other} does not have. {REMEDY}")


def check_counts(release: Release, read: Counter[str]) -> None:
    """Check that no row of a release is lost, as it would be if its query were in no shard of its split."""
    for name in KEYED:
        had = sum(s["rows"] for s in release.manifest["tables"].get(name, {"splits": {}})["splits"].values())
        if had != read[name]:
            raise ReleaseError(
                f"{release.path}: {had - read[name]:,} of {had:,} rows of {name} belong to no query of their split. {REMEDY}"
            )
