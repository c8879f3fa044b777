"""Means of the columns of a matrix, each with its interval over rows and the number of values behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.intervals import Estimate, mean, share
from llmfusionbench.statistics.permutation import SignFlips, paired_p
from llmfusionbench.statistics.sample import pooled


class Mean(NamedTuple):
    """Means of columns, each with a 95% interval over rows."""

    mean: Floats
    """[C] NaN if no row has a value."""
    low: Floats
    """[C] lower end of the interval; NaN if there is none."""
    high: Floats
    """[C] upper end of the interval; NaN if there is none."""
    valid: npt.NDArray[np.int64]
    """[C] number of rows with a value."""


@dataclass(frozen=True)
class Figure:
    """A mean with its 95% interval over queries; None = missing."""

    mean: float | None
    low: float | None
    high: float | None


def share_columns(values: npt.ArrayLike) -> Mean:
    """Means of the columns of `values` [Q, C], which lie between 0 and 1, with the intervals of `share`; NaN = missing."""
    matrix = np.asarray(values, np.float64)
    given = ~np.isnan(matrix)
    return pooled_shares(np.where(given, matrix, 0.0), given)


def mean_columns(values: npt.ArrayLike) -> Mean:
    """Means of the columns of `values` [Q, C], such as costs or differences, with the intervals of `mean`; NaN = missing."""
    matrix = np.asarray(values, np.float64)
    given = ~np.isnan(matrix)
    filled, counts = np.where(given, matrix, 0.0), given.astype(np.float64)
    return _stacked([mean(pooled(filled[:, i], counts[:, i]), int(counts[:, i].sum())) for i in range(matrix.shape[1])])


def paired_columns(differences: npt.ArrayLike, *, resamples: int = 1000, seed: int = 0) -> tuple[Mean, Floats]:
    """Mean differences of the columns of `differences` [Q, C] with their intervals, and their two-sided p-values [C].

    `resamples` is the number of random changes of signs, the same for all columns; see `paired_p`. NaN = missing.
    """
    matrix = np.asarray(differences, np.float64)
    given = ~np.isnan(matrix)
    filled, counts = np.where(given, matrix, 0.0), given.astype(np.float64)
    flips = SignFlips(len(matrix), draws=resamples, seed=seed)
    p = [paired_p(pooled(filled[:, i], counts[:, i]), filled[:, i], flips) for i in range(matrix.shape[1])]
    return mean_columns(matrix), np.array(p, np.float64)


def pooled_shares(sums: npt.ArrayLike, counts: npt.ArrayLike) -> Mean:
    """Means of grouped values between 0 and 1, with the intervals of `share` over the groups.

    Args:
        sums: [Q, C] sum of the values in each group, such as the answers to one query.
        counts: [Q, C] number of values in each group.
    """
    total, count = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    binary = (((total == 0) | (total == 1)) & (count <= 1)).all(axis=0)
    return _stacked(
        [share(pooled(total[:, i], count[:, i]), int(count[:, i].sum()), binary=bool(binary[i])) for i in range(total.shape[1])]
    )


def figures_of(found: Mean) -> list[Figure]:
    """One per column."""
    return [
        Figure(*(None if np.isnan(x) else float(x) for x in row)) for row in zip(found.mean, found.low, found.high, strict=True)
    ]


def _stacked(found: list[Estimate]) -> Mean:
    value, low, high, n = zip(*found, strict=True) if found else ((), (), (), ())
    return Mean(np.array(value, float), np.array(low, float), np.array(high, float), np.array(n, np.int64))
