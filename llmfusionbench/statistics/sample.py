"""Queries that were drawn from a population, and means over them, with the influence of every query."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.linear import Linear


class Sample:
    """R rows of Q queries. Rows with the same key, such as those of several folds, are of one query and not independent.

    Args:
        keys: [R] ids of the queries.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        unique, place = np.unique(np.asarray(keys, str), return_inverse=True)
        self.queries = len(unique)
        """Q"""
        self.place: npt.NDArray[np.int64] = place.reshape(-1)
        """[R] index of the query of each row."""

    @classmethod
    def of_numbers(cls, numbers: npt.ArrayLike) -> Self:
        """The same of queries that are named by numbers [R]."""
        made = cls.__new__(cls)
        unique, place = np.unique(np.asarray(numbers, np.int64), return_inverse=True)
        made.queries, made.place = len(unique), place.reshape(-1)
        return made

    def totals(self, values: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> tuple[Floats, Floats]:
        """[Q] sum and number of the values [R] of each query; NaN = missing, `rows` is a mask."""
        column = np.asarray(values, np.float64)
        known = ~np.isnan(column)
        if rows is not None:
            known &= np.asarray(rows, bool)
        place = self.place[known]
        return (
            np.bincount(place, column[known], self.queries).astype(np.float64),
            np.bincount(place, minlength=self.queries).astype(np.float64),
        )

    def mean(self, values: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> Linear:
        """The mean of `values` [R]; every row counts once."""
        return pooled(*self.totals(values, rows))

    def macro(self, values: npt.ArrayLike, groups: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> Linear:
        """The mean over groups of their means; a group without a value does not count.

        The variance is the sum of those of the groups (stratified sampling), with the degrees of freedom of Satterthwaite
        (1946). A group of one query has no variance of its own, and counts with the mean variance of a query in the others.

        Args:
            values: [R], NaN = missing.
            groups: [R] number of each row's group, from 0.
            rows: Mask of the rows that count.
        """
        column, codes = np.asarray(values, np.float64), np.asarray(groups)
        mask = np.ones(len(column), bool) if rows is None else np.asarray(rows, bool)
        found = [self.mean(column, mask & (codes == g)) for g in np.unique(codes[mask & ~np.isnan(column)])]
        if not found:
            return pooled(np.zeros(self.queries), np.zeros(self.queries))
        sizes = np.array([part.size for part in found])
        value = float(np.mean([part.value for part in found]))
        size = len(found) ** 2 / float((1 / sizes).sum())
        told = np.array([part.freedom > 0 for part in found])
        if not told.any():
            return Linear(value, np.zeros(self.queries), 0.0, size)
        scale = math.sqrt((1 / sizes).sum() / (1 / sizes[told]).sum()) / len(found)
        influence = scale * np.sum([part.influence for part in found], axis=0)
        variances = np.array([part.variance for part in found])[told]
        if not variances.any():
            return Linear(value, influence, float(sizes[told].sum() - told.sum()), size)
        freedom = variances.sum() ** 2 / (variances**2 / (sizes[told] - 1)).sum()
        return Linear(value, influence, float(freedom), size)


def pooled(sums: Floats, counts: Floats) -> Linear:
    """The mean of all values of Q queries that have `counts` [Q] values of the sum `sums` [Q] each."""
    size, total = float((counts > 0).sum()), float(counts.sum())
    if not total:
        return Linear(math.nan, np.zeros_like(sums), 0.0, 0.0)
    value = float(sums.sum()) / total
    if size < 2:
        return Linear(value, np.zeros_like(sums), 0.0, size)
    return Linear(value, (sums - value * counts) * (math.sqrt(size / (size - 1)) / total), size - 1, size)
