"""Scores with replicates: queries x candidates x replicates, unbalanced and with missing cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.statistics import Floats


@dataclass(frozen=True)
class Cells:
    """The scores of each cell, a query and a candidate. Queries are nested in tasks, replicates in cells."""

    values: Floats
    """[Q, C, R] scores in the order given; a cell with fewer than R is filled up with NaN."""
    task: Indices
    """[Q] index of the query's task, from 0."""

    @classmethod
    def of(
        cls, query: npt.ArrayLike, candidate: npt.ArrayLike, value: npt.ArrayLike, *, task: npt.ArrayLike, candidates: int
    ) -> Cells:
        """Cells of N scores.

        Args:
            query: [N] index of the query.
            candidate: [N] index of the candidate.
            value: [N] score; NaN = missing.
            task: [Q] any label of each query's task.
            candidates: Number of candidates.
        """
        scores = np.asarray(value, np.float64)
        known = ~np.isnan(scores)
        of_query = np.unique(np.asarray(task), return_inverse=True)[1].reshape(-1)
        cell = (np.asarray(query, np.int64) * candidates + np.asarray(candidate, np.int64))[known]
        order = np.argsort(cell, kind="stable")
        cell, scores = cell[order], scores[known][order]
        count = np.bincount(cell, minlength=len(of_query) * candidates)
        place = np.arange(len(cell)) - np.repeat(np.cumsum(count) - count, count)
        dense = np.full((len(count), max(1, int(count.max(initial=0)))), np.nan)
        dense[cell, place] = scores
        return cls(dense.reshape(len(of_query), candidates, -1), of_query)

    @cached_property
    def count(self) -> Indices:
        """[Q, C] number of scores."""
        counts: Indices = (~np.isnan(self.values)).sum(axis=2)
        return counts

    @cached_property
    def mean(self) -> Floats:
        """[Q, C] mean score; NaN for a cell without scores."""
        with np.errstate(invalid="ignore"):
            means: Floats = np.where(np.isnan(self.values), 0.0, self.values).sum(axis=2) / self.count
        return means

    @cached_property
    def within(self) -> Floats:
        """[Q, C] sum of squared differences from the mean of the cell."""
        squares = (self.values - self.mean[:, :, None]) ** 2
        total: Floats = np.where(np.isnan(squares), 0.0, squares).sum(axis=2)
        return total

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return int(self.task.max(initial=-1)) + 1

    def rows(self, which: npt.ArrayLike) -> Cells:
        """Some queries, by a mask [Q]; the tasks are numbered again."""
        mask = np.asarray(which, bool)
        return Cells(self.values[mask], np.unique(self.task[mask], return_inverse=True)[1].reshape(-1))

    def with_replicates(self) -> npt.NDArray[np.bool_]:
        """[Q] whether any cell of the query's task has two scores or more."""
        tasks = np.bincount(self.task, (self.count > 1).any(axis=1), minlength=self.tasks)
        found: npt.NDArray[np.bool_] = tasks[self.task] > 0
        return found
