"""The part of a release that a routing export holds: its queries in blocks, and the numbers of every cell by key.

All numbers are in memory; of the texts, one block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.failures import ZERO, check_policy
from llmfusionbench.release.references import first_answers
from llmfusionbench.types import ANSWER_KEY, Candidate

Numbers = npt.NDArray[np.float64]

_MEASURES: Final = ("performance", "cost_usd", "judge_score", "input_tokens", "output_tokens")
_BLOCK: Final = 256
"""Queries per block: tens of megabytes with all answers of 40 candidates."""


@dataclass(frozen=True)
class Block:
    """Some queries of a split."""

    first: int
    """Number of the first query among all that are exported."""
    number: int
    """Number of the first query in its split."""
    queries: pa.Table
    """[q] query_id, task, prompt, prompt_think, ground_truth, metric, choices, source_id."""
    measures: dict[str, Numbers]
    """performance, cost_usd, judge_score, input_tokens and output_tokens: [q, C] float64, the means over replicates, NaN where
    missing. Failures are as the selection has it."""

    def __len__(self) -> int:
        return int(self.queries.num_rows)

    def texts(self, column: str) -> list[str]:
        """[q] a column of `queries`."""
        texts: list[str] = self.queries[column].to_pylist()
        return texts

    @property
    def performance(self) -> Numbers:
        """[q, C], from 0 to 1; NaN where missing."""
        return self.measures["performance"]

    @property
    def cost(self) -> Numbers:
        """[q, C], USD; NaN where missing."""
        return self.measures["cost_usd"]


@dataclass(frozen=True)
class Answers:
    """Answers to the queries of a block."""

    rows: pa.Table
    query: npt.NDArray[np.int64]
    """[n] position of the query in its block."""
    candidate: npt.NDArray[np.int64]
    """[n] position of the candidate in the selection."""


@dataclass(frozen=True)
class Selection:
    """The part of a release that is exported."""

    release: Release
    splits: list[str]
    candidates: list[str]
    """[C] in the given order, else by name."""
    threshold: float | None = None
    """Minimum performance of a right answer, in formats of right and wrong."""
    failures: str = ZERO
    """What a failed answer counts as: `zero` or `missing`."""

    @property
    def provenance(self) -> str:
        """One word for all answers: `simulated` if any was, else `imported` if any was, else `collected`."""
        said = self.release.provenance
        return next((word for word in ("simulated", "imported") if word in said), "collected")

    def measures(self, split: str) -> dict[str, Numbers]:
        """[Q, C] of each number of every cell of a split, its queries in the order of the table."""
        return self._measures[split]

    def blocks(self, split: str) -> Iterator[Block]:
        """The queries of a split, in the order of the table."""
        columns = ["query_id", "task", "prompt", "prompt_think", "ground_truth", "metric", "choices", "source_id"]
        done = 0
        before = sum(len(self._query_ids[s]) for s in self.splits[: self.splits.index(split)])
        for batch in self.release.batches("queries", split, columns):
            for start in range(0, batch.num_rows, _BLOCK):
                part = pa.Table.from_batches([batch.slice(start, _BLOCK)])
                rows = slice(done, done + part.num_rows)
                measures = {name: values[rows] for name, values in self.measures(split).items()}
                yield Block(before + done, done, part, measures)
                done += part.num_rows

    def answers(self, split: str, block: Block, columns: Sequence[str]) -> Answers:
        """The rows of `responses` to the queries of a block, the first replicate of each candidate, in any order."""
        ids = block.queries["query_id"].combine_chunks()
        bounds = pc.min_max(ids).as_py()
        found = self.release.rows(
            "responses",
            split,
            columns=list(dict.fromkeys([*ANSWER_KEY, *columns])),
            filter=(pc.field("query_id") >= bounds["min"]) & (pc.field("query_id") <= bounds["max"]),
        )
        row, column = self._cells(found, ids)
        wanted = (row >= 0) & (column >= 0) & first_answers(row, column, found["replicate"].to_numpy())
        return Answers(found.filter(pa.array(wanted)), row[wanted], column[wanted])

    def responses(self, split: str, block: Block) -> list[pa.Array]:
        """[C] arrays [q] of the answers' texts to the queries of a block; null where there is none."""
        answers = self.answers(split, block, ["response"])
        place = np.full((len(block), len(self.candidates)), -1)
        place[answers.query, answers.candidate] = np.arange(len(answers.query))
        texts = answers.rows["response"].combine_chunks()
        return [texts.take(pa.array(place[:, c], mask=place[:, c] < 0)) for c in range(len(self.candidates))]

    def binary(self, split: str, holder: str) -> Numbers:
        """[Q, C] performance as 0 and 1; NaN where missing.

        Raises:
            InputError: there is another performance, and no threshold was given.
        """
        performance = self.measures(split)["performance"]
        if self.threshold is not None:
            return np.where(np.isnan(performance), np.nan, (performance >= self.threshold).astype(np.float64))
        between = ~np.isnan(performance) & (performance != 0) & (performance != 1)
        if between.any():
            q, c = np.argwhere(between)[0].tolist()
            raise InputError(
                f"{holder} holds right and wrong only, and {between.sum():,} of {(~np.isnan(performance)).sum():,} "
                f"performances of split {split} lie between, such as {performance[q, c]:g} of {self.candidates[c]} on query "
                f"{self._query_ids[split][q].as_py()}. Remedy: give a threshold, such as 0.5"
            )
        return performance

    def check_prompts(self, holder: str) -> None:
        """Every query has a text.

        Raises:
            InputError: one has none, and the format tells queries by their texts.
        """
        for split in self.splits:
            texts = self.release.table("queries", split)
            without = texts.to_table(columns=["query_id"], filter=pc.field("prompt").is_null())["query_id"]
            if len(without):
                raise InputError(
                    f"{holder} names queries by their texts, and {len(without):,} of {texts.count_rows():,} of split {split} "
                    f"have none, such as {without[0].as_py()}. Remedy: build the release with its prompts"
                )

    @cached_property
    def _query_ids(self) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        for split in self.splits:
            found[split] = self.release.rows("queries", split, columns=["query_id"])["query_id"].combine_chunks()
        return found

    @cached_property
    def _measures(self) -> dict[str, dict[str, Numbers]]:
        found: dict[str, dict[str, Numbers]] = {}
        for split in self.splits:
            ids = self._query_ids[split]
            logs = self.release.rows("logs", split, columns=[*ANSWER_KEY, *_MEASURES])
            row, column = self._cells(logs, ids)
            wanted = (row >= 0) & (column >= 0)
            cells = _Cells((len(ids), len(self.candidates)), row * len(self.candidates) + column)
            found[split] = {name: cells.means(logs[name].cast(pa.float64()).to_numpy(), wanted) for name in _MEASURES}
            if self.failures == ZERO:
                self._count_failures(split, found[split])
        return found

    def _count_failures(self, split: str, measures: dict[str, Numbers]) -> None:
        """Set the performance and the judge score of cells with failures to those of the routing table, which count them."""
        table = self.release.routing(split, failures=ZERO)
        ids = self._query_ids[split].to_pylist()
        failed = table.cells_of(table.failures, ids, self.candidates) > 0
        for name, matrix in (("performance", table.performance), ("judge_score", table.judge)):
            measures[name] = np.where(failed, table.cells_of(matrix, ids, self.candidates), measures[name])

    def _cells(self, rows: pa.Table, ids: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """([n] place among `ids`, [n] place among the candidates) of answers; -1 where they are not among them."""
        place = {name: i for i, name in enumerate(self.candidates)}
        llm, mode = (rows[name].combine_chunks().dictionary_encode() for name in ("llm", "mode"))
        modes = mode.dictionary.to_pylist()
        columns = np.array(
            [[place.get(Candidate(name, one).name, -1) for one in modes] for name in llm.dictionary.to_pylist()], np.int64
        ).reshape(len(llm.dictionary), len(modes))
        found = pc.fill_null(pc.index_in(rows["query_id"], value_set=ids), -1).to_numpy().astype(np.int64)
        return found, columns[llm.indices.to_numpy(zero_copy_only=False), mode.indices.to_numpy(zero_copy_only=False)]


class _Cells(NamedTuple):
    """The cells of N answers, by which they are summed."""

    shape: tuple[int, int]
    """(Q, C)"""
    place: npt.NDArray[np.int64]
    """[N] number of the answer's cell, row by row."""

    def sums(self, weights: npt.ArrayLike) -> Numbers:
        """[Q, C] sums of weights [N], 0 for answers outside."""
        weights = np.asarray(weights, np.float64)
        inside = weights != 0
        total: Numbers = np.bincount(self.place[inside], weights[inside], self.shape[0] * self.shape[1]).astype(np.float64)
        return total.reshape(self.shape)

    def means(self, values: Numbers, wanted: npt.NDArray[np.bool_]) -> Numbers:
        """[Q, C] means of the values [N] of wanted answers that have one; NaN where none has."""
        known = wanted & ~np.isnan(values)
        count = self.sums(known)
        total = self.sums(np.where(known, values, 0.0))
        means: Numbers = np.divide(total, count, out=np.full(self.shape, np.nan), where=count > 0)
        return means


def select(
    release: Release, *, split: str | None, candidates: Sequence[str] | None, threshold: float | None, failures: str
) -> Selection:
    """The queries of a split, or of all, and some candidates, or all.

    Raises:
        UnknownNameError: The release has no such split or candidate, or there is no such policy for failures.
        InputError: A candidate is named twice, there are no answers, or the threshold is out of range.
    """
    if split is not None and split not in release.splits:
        raise UnknownNameError("split", split, release.splits)
    if threshold is not None and not 0 < threshold <= 1:
        raise InputError(f"threshold is {threshold}, expected a performance above 0 and up to 1")
    splits = release.splits if split is None else [split]
    known = _candidates(release, splits)
    if not known:
        raise InputError(f"{release.path}: no answers to queries of {', '.join(splits) or 'it'}. Remedy: choose another split")
    names = list(candidates) if candidates is not None else known
    for name in names:
        if name not in known:
            raise UnknownNameError("candidate", name, known)
        if names.count(name) > 1:
            raise InputError(f"candidate {name} is named twice, expected each once")
    return Selection(release, splits, names, threshold, check_policy(failures))


def _candidates(release: Release, splits: Sequence[str]) -> list[str]:
    found: set[str] = set()
    for split in splits:
        pairs = release.rows("responses", split, columns=["llm", "mode"]).group_by(["llm", "mode"]).aggregate([])
        found |= {Candidate(row["llm"], row["mode"]).name for row in pairs.to_pylist()}
    return sorted(found)
