"""What the routers are measured on: the tested queries of all folds under one another, and the references beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.routers.decision import Decisions, Indices, best_cells, best_column, cheapest_first
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.statistics import Floats, Resamples, ratio
from llmfusionbench.types import Candidate


@dataclass(frozen=True)
class Trial:
    """R tested rows: a query of a fold. A query that several folds test has several rows, drawn together."""

    table: RoutingTable
    """[R] with the reward as target."""
    fold: Indices
    """[R]"""
    outside: npt.NDArray[np.bool_]
    """[R] whether the query is out of distribution and to be declined."""
    unseen: npt.NDArray[np.bool_]
    """[R, C] whether the fold's routers were not fitted on the candidate."""
    train_cost: Floats
    """[R, C] USD; mean cost of the candidate's answers to the task in train, what a router may know of it beforehand."""
    best_single: Indices
    """[R] the candidate of the highest mean target in train."""
    cheapest: Indices
    """[R] the candidate of the least mean cost in train; by list price where no cost is known, -1 where neither is."""
    strongest: Indices
    """[R] the candidate of the highest mean performance in train."""
    oracle: Indices
    """[R] the best candidate of the query, ties to the cheapest answer."""
    tokens: Floats | None = None
    """[R, C] input plus output tokens; NaN where unknown."""

    @classmethod
    def of(cls, folds: Sequence[Fold], tokens: dict[str, npt.NDArray[np.float32]] | None = None) -> Trial:
        """The trial of these folds.

        Args:
            folds: With the same candidates in every test table.
            tokens: query_id -> tokens [C] of every candidate's answer.
        """
        table = stacked([fold.test for fold in folds])
        sizes = [len(fold.test) for fold in folds]
        missing = np.full(len(table.candidates), np.nan, np.float32)
        return cls(
            table=table,
            fold=np.repeat(np.arange(len(folds)), sizes),
            outside=np.array([t in fold.out_of_distribution for fold in folds for t in fold.test.tasks], bool),
            unseen=np.concatenate(
                [np.tile([c not in fold.train.candidates for c in table.candidates], (len(fold.test), 1)) for fold in folds]
            ),
            train_cost=np.concatenate([_expected_cost(fold, table.candidates) for fold in folds]),
            best_single=np.repeat([_place(fold, best_column(fold.train)) for fold in folds], sizes),
            cheapest=np.repeat([_place(fold, _cheapest(fold.train)) for fold in folds], sizes),
            strongest=np.repeat([_place(fold, best_column(replace(fold.train, reward=None))) for fold in folds], sizes),
            oracle=best_cells(table.target, table.cost),
            tokens=None if tokens is None else np.array([tokens.get(q, missing) for q in table.query_ids], np.float64),
        )

    def cells(self, matrix: npt.ArrayLike, choice: Indices) -> Floats:
        """[R] what `matrix` [R, C] holds for the chosen candidates; NaN where none is chosen."""
        values = np.asarray(matrix, np.float64)
        if not values.shape[1]:
            return np.full(len(values), np.nan)
        found: Floats = np.where(choice >= 0, values[np.arange(len(values)), np.maximum(choice, 0)], np.nan)
        return found

    def outcome(self, choice: Indices) -> Floats:
        """[R, 5] performance, cost, judge score, target and tokens of the chosen answers."""
        tokens = np.full(self.table.cost.shape, np.nan) if self.tokens is None else self.tokens
        matrices = (self.table.performance, self.table.cost, self.table.judge, self.table.target, tokens)
        return np.stack([self.cells(matrix, choice) for matrix in matrices], axis=1)


class Groups:
    """Means over all rows, over tasks and over domains, out of the same sums."""

    def __init__(self, trial: Trial, resamples: Resamples, rows: npt.NDArray[np.bool_]) -> None:
        every = list(zip(trial.table.domains, trial.table.tasks, strict=True))
        pairs = sorted({pair for pair, takes_part in zip(every, rows, strict=True) if takes_part})
        place = {pair: i for i, pair in enumerate(pairs)}
        of = np.array([place.get(pair, -1) for pair in every], np.int64)
        self.domains = sorted({d for d, _ in pairs})
        self.tasks = sorted({t for _, t in pairs})
        self.resamples = resamples
        self.rows = rows
        self._pairs = pairs
        self._members = [np.flatnonzero(rows & (of == i)) for i in range(len(pairs))]

    def sums(self, values: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Sums and counts [1 + resamples, G, K] of `values` [R, K] in every pair of domain and task."""
        matrix = np.asarray(values, np.float64)
        totals, counts = [], []
        for members in self._members:
            known = ~np.isnan(matrix[members])
            weights = self.resamples.weights[:, members]
            totals.append(weights @ np.where(known, matrix[members], 0.0))
            counts.append(weights @ known.astype(np.float64))
        shape = (len(self.resamples.weights), 0, matrix.shape[1])
        empty = np.zeros(shape)
        return (np.stack(totals, axis=1), np.stack(counts, axis=1)) if totals else (empty, empty)

    def micro(self, sums: tuple[Floats, Floats]) -> Floats:
        """[1 + resamples, K] means over the rows."""
        return ratio(sums[0].sum(axis=1), sums[1].sum(axis=1))

    def macro(self, sums: tuple[Floats, Floats]) -> Floats:
        """[1 + resamples, K] means over tasks of their means; a task without a value takes no part."""
        means = self.by("task", sums)
        known = ~np.isnan(means)
        return ratio(np.where(known, means, 0.0).sum(axis=1), known.sum(axis=1))

    def by(self, level: str, sums: tuple[Floats, Floats]) -> Floats:
        """[1 + resamples, tasks or domains, K] means within every one."""
        names = self.tasks if level == "task" else self.domains
        side = 1 if level == "task" else 0
        onto = np.array([[float(pair[side] == name) for pair in self._pairs] for name in names]).reshape(len(names), -1)
        return ratio(np.einsum("ng,bgk->bnk", onto, sums[0]), np.einsum("ng,bgk->bnk", onto, sums[1]))

    def count(self, level: str, values: Floats) -> dict[str, int]:
        """Task or domain -> rows with a value, of `values` [R]."""
        side = 1 if level == "task" else 0
        counts: dict[str, int] = {}
        for pair, members in zip(self._pairs, self._members, strict=True):
            counts[pair[side]] = counts.get(pair[side], 0) + int((~np.isnan(values[members])).sum())
        return counts


def stacked(tables: Sequence[RoutingTable]) -> RoutingTable:
    """Tables of the same candidates under one another."""
    first = tables[0]
    return replace(
        first,
        query_ids=[q for t in tables for q in t.query_ids],
        prompts=[p for t in tables for p in t.prompts],
        tasks=[x for t in tables for x in t.tasks],
        domains=[d for t in tables for d in t.domains],
        performance=np.concatenate([t.performance for t in tables]),
        cost=np.concatenate([t.cost for t in tables]),
        judge=np.concatenate([t.judge for t in tables]),
        reward=np.concatenate([t.target for t in tables]),
    )


def stacked_decisions(parts: Sequence[Decisions]) -> Decisions:
    """The decisions of all folds under one another; scores only where every fold gave them."""
    scores = [part.scores for part in parts if part.scores is not None]
    return Decisions(
        np.concatenate([part.choice for part in parts]),
        np.concatenate([part.declined for part in parts]),
        np.concatenate(scores) if len(scores) == len(parts) else None,
        tuple(fault for part in parts for fault in part.faults),
    )


def _place(fold: Fold, column: int) -> int:
    """The column in the test table of a column of the train table."""
    return fold.test.candidates.index(fold.train.candidates[column]) if column >= 0 else -1


def _cheapest(train: RoutingTable) -> int:
    """The column of the least mean cost; of the least list price where no cost is known; -1 where neither is."""
    if not np.isnan(train.cost).all():
        return int(cheapest_first(train)[0])
    rows = [train.llm_info.get(Candidate.parse(name).llm, {}) for name in train.candidates]
    prices = [[row.get("input_price"), row.get("output_price")] for row in rows]
    total = np.array(prices, np.float64).reshape(-1, 2).sum(axis=1)
    return -1 if np.isnan(total).all() else int(np.nanargmin(total))


def _expected_cost(fold: Fold, candidates: Sequence[str]) -> Floats:
    """[Q, C] mean train cost of candidate and task; over all tasks where the task has none; NaN for an unseen candidate."""
    known = {name: i for i, name in enumerate(fold.train.candidates)}
    tasks = np.array(fold.train.tasks, object)
    overall = column_means(fold.train.cost)
    by_task = {}
    for task in set(fold.test.tasks):
        rows = tasks == task
        means = column_means(fold.train.cost[rows]) if rows.any() else np.full(len(overall), np.nan)
        means = np.where(np.isnan(means), overall, means)
        by_task[task] = np.array([means[known[c]] if c in known else np.nan for c in candidates])
    return np.array([by_task[task] for task in fold.test.tasks]).reshape(len(fold.test), len(candidates))
