"""Means with their intervals and the number of values behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_DRAWS: Final = 100


class Mean(NamedTuple):
    """Means of columns, each with a 95% bootstrap interval over rows."""

    mean: Floats
    """[C] NaN if no row has a value."""
    low: Floats
    """[C] the 2.5th percentile of the resampled means."""
    high: Floats
    """[C] the 97.5th percentile of the resampled means."""
    valid: npt.NDArray[np.int64]
    """[C] number of rows with a value."""


def bootstrap_mean(values: npt.ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Mean:
    """Means of the columns of `values` [Q, C], with 95% intervals; NaN = missing.

    Whole rows are drawn with replacement (Efron's percentile bootstrap), so columns stay paired. The interval of a column
    ignores resamples without a value.
    """
    matrix = np.asarray(values, np.float64)
    given = ~np.isnan(matrix)
    return bootstrap_pooled(np.where(given, matrix, 0.0), given, resamples=resamples, seed=seed)


def bootstrap_pooled(sums: npt.ArrayLike, counts: npt.ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Mean:
    """Means of grouped values, with 95% intervals over the groups.

    Args:
        sums: [Q, C] sum of the values in each group, such as the answers to one query.
        counts: [Q, C] number of values in each group.
        resamples: Number of bootstrap resamples; whole groups are drawn.
        seed: Random seed.
    """
    total, count = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    rows, columns = total.shape
    rng = np.random.default_rng(seed)
    chances = np.full(rows, 1 / max(rows, 1))
    resampled = np.full((resamples, columns), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, resamples if rows else 0, _DRAWS):  # in parts, since all draws would be [resamples, Q]
            part = slice(start, min(start + _DRAWS, resamples))
            draws = rng.multinomial(rows, chances, size=part.stop - part.start).astype(np.float64)
            resampled[part] = (draws @ total) / (draws @ count)
        mean = total.sum(axis=0) / count.sum(axis=0)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    known = count.sum(axis=0) > 0
    if known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return Mean(mean, low, high, count.sum(axis=0).astype(np.int64))


class Estimate(NamedTuple):
    """A figure, its 95% interval and the number of values behind it; NaN = none."""

    value: float
    low: float
    high: float
    n: int


class Resamples:
    """Bootstrap weights over queries, which make weighted sums a matrix product.

    Row 0 of `weights` is all ones, for the data itself; the others count how often each row was drawn. Rows with the same key
    are drawn together, so that a query in several folds counts as one.

    Args:
        keys: [R] ids of the queries.
        resamples: Number of resamples.
        seed: Random seed.
    """

    def __init__(self, keys: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> None:
        unique, place = np.unique(np.asarray(keys, str), return_inverse=True)
        drawn = np.ones((resamples + 1, len(unique)))
        if len(unique):
            rng = np.random.default_rng(seed)
            drawn[1:] = rng.multinomial(len(unique), np.full(len(unique), 1 / len(unique)), size=resamples)
        self.weights: Floats = drawn[:, place.reshape(-1)]
        """[1 + resamples, R]"""

    def sums(self, values: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> tuple[Floats, Floats]:
        """Weighted sums and counts [1 + resamples, K] of the columns of `values` [R, K], NaN = missing; `rows` is a mask."""
        matrix = np.asarray(values, np.float64)
        weights = self.weights
        if rows is not None:
            mask = np.asarray(rows, bool)
            matrix, weights = matrix[mask], weights[:, mask]
        known = ~np.isnan(matrix)
        total: Floats = weights @ np.where(known, matrix, 0.0)
        if known.all():  # then all columns have the same counts
            return total, np.repeat(weights.sum(axis=1, keepdims=True), matrix.shape[1], axis=1)
        count: Floats = weights @ known.astype(np.float64)
        return total, count

    def mean(self, values: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> Floats:
        """[1 + resamples] weighted means of `values` [R]; NaN if no value was drawn."""
        total, count = self.sums(np.asarray(values, np.float64)[:, None], rows)
        return ratio(total[:, 0], count[:, 0])


def ratio(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """a / b; NaN if b is 0 or either is NaN."""
    numerator, denominator = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient: Floats = np.where(denominator != 0, numerator / denominator, np.nan)
    return quotient


def estimate(draws: npt.ArrayLike, n: int) -> Estimate:
    """The value in row 0 of `draws` [1 + resamples], and the 2.5th and 97.5th percentiles of the other rows."""
    values = np.asarray(draws, np.float64)
    value, rest = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or not len(rest):
        return Estimate(value, np.nan, np.nan, n)
    low, high = np.percentile(rest, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n)


def two_sided_p(draws: npt.ArrayLike) -> float:
    """Two-sided p-value of a difference of 0, from bootstrap differences [1 + resamples] with the data in row 0.

    It is twice the smaller share of resamples on either side of 0, with one added to each so that it is never 0 (Davison &
    Hinkley 1997, 4.2). NaN without a difference.
    """
    values = np.asarray(draws, np.float64)
    rest = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not len(rest):
        return float("nan")
    smaller = min(int((rest <= 0).sum()), int((rest >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(rest) + 1))


@dataclass(frozen=True)
class Figure:
    """A mean with its 95% bootstrap interval over queries; None = missing."""

    mean: float | None
    low: float | None
    high: float | None


def figures_of(matrix: npt.NDArray[np.float64], *, resamples: int, seed: int) -> list[Figure]:
    """One per column of `matrix` [Q, C], over the rows that have a value; NaN is missing."""
    found = bootstrap_mean(matrix, resamples=resamples, seed=seed)
    return [
        Figure(*(None if np.isnan(x) else float(x) for x in row)) for row in zip(found.mean, found.low, found.high, strict=True)
    ]
