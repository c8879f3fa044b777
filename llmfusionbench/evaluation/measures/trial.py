"""The tested queries of all folds in one table, with the reference choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.routers.decision import (
    Decisions,
    Indices,
    best_cells,
    best_column,
    cheapest_first,
    expected_cost,
)
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.statistics import Floats
from llmfusionbench.types import Candidate


@dataclass(frozen=True)
class Trial:
    """R tested rows, each a query of a fold. A query in several folds has several rows, which are resampled together."""

    table: RoutingTable
    """[R] with the reward as target."""
    fold: Indices
    """[R] index of the fold."""
    outside: npt.NDArray[np.bool_]
    """[R] whether the query is out of distribution and to be declined."""
    unseen: npt.NDArray[np.bool_]
    """[R, C] whether the fold's routers were not fitted on the candidate."""
    train_cost: Floats
    """[R, C] USD; mean cost of the candidate's answers to the task in train, the expected cost."""
    best_single: Indices
    """[R] the candidate with the highest mean target in train."""
    cheapest: Indices
    """[R] the candidate with the lowest mean cost in train; by list price without costs, -1 without both."""
    strongest: Indices
    """[R] the candidate with the highest mean performance in train."""
    oracle: Indices
    """[R] the best candidate of the query; ties go to the cheapest answer."""
    tokens: Floats | None = None
    """[R, C] input plus output tokens; NaN = unknown."""

    @classmethod
    def of(cls, folds: Sequence[Fold], tokens: dict[str, npt.NDArray[np.float32]] | None = None) -> Trial:
        """The trial of folds whose test tables have the same candidates; `tokens` is query_id -> tokens [C] of the answers."""
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
            train_cost=np.concatenate([expected_cost(fold.train, fold.test) for fold in folds]),
            best_single=np.repeat([_place(fold, best_column(fold.train)) for fold in folds], sizes),
            cheapest=np.repeat([_place(fold, _cheapest(fold.train)) for fold in folds], sizes),
            strongest=np.repeat([_place(fold, best_column(replace(fold.train, reward=None))) for fold in folds], sizes),
            oracle=best_cells(table.target, table.cost),
            tokens=None if tokens is None else np.array([tokens.get(q, missing) for q in table.query_ids], np.float64),
        )

    def cells(self, matrix: npt.ArrayLike, choice: Indices) -> Floats:
        """[R] the cells of `matrix` [R, C] of the chosen candidates; NaN without a choice."""
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


def stacked(tables: Sequence[RoutingTable]) -> RoutingTable:
    """The rows of tables with the same candidates, in one table."""
    lists: dict[str, Any] = {
        n: [x for t in tables for x in getattr(t, n)] for n in ("query_ids", "prompts", "tasks", "domains")
    }
    matrices: dict[str, Any] = {
        name: np.concatenate([getattr(t, name) for t in tables])
        for name in ("performance", "cost", "judge", "replicates", "failures", "scored")
    }
    return replace(tables[0], **lists, **matrices, reward=np.concatenate([t.target for t in tables]))


def stacked_decisions(parts: Sequence[Decisions]) -> Decisions:
    """The decisions of all folds in a row; with scores only if every fold has them."""
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
    """The column with the lowest mean cost; by list price without costs, -1 without both."""
    if not np.isnan(train.cost).all():
        return int(cheapest_first(train)[0])
    rows = [train.llm_info.get(Candidate.parse(name).llm, {}) for name in train.candidates]
    prices = [[row.get("input_price"), row.get("output_price")] for row in rows]
    total = np.array(prices, np.float64).reshape(-1, 2).sum(axis=1)
    return -1 if np.isnan(total).all() else int(np.nanargmin(total))
