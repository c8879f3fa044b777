"""Means with their intervals: nothing is averaged here without saying how sure it is, and of how many values."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_DRAWS: Final = 100


class Mean(NamedTuple):
    """Means of columns, each with a 95% bootstrap interval over rows."""

    mean: Floats
    """[C] NaN where no row has a value."""
    low: Floats
    """[C] the 2.5th percentile of the resampled means."""
    high: Floats
    """[C] the 97.5th percentile of the resampled means."""
    valid: npt.NDArray[np.int64]
    """[C] rows with a value."""


def bootstrap_mean(values: npt.ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Mean:
    """Means of the columns of `values` [Q, C] over the rows that have a value (NaN is missing), with 95% intervals.

    Whole rows are drawn with replacement (Efron's percentile bootstrap), so that columns stay paired. A resample that drew
    no value of a column is left out of its interval.
    """
    matrix = np.asarray(values, np.float64)
    given = ~np.isnan(matrix)
    return bootstrap_pooled(np.where(given, matrix, 0.0), given, resamples=resamples, seed=seed)


def bootstrap_pooled(sums: npt.ArrayLike, counts: npt.ArrayLike, *, resamples: int = 1000, seed: int = 0) -> Mean:
    """Means of values that come in groups, with 95% intervals over the groups: sum of `sums` over sum of `counts`, by column.

    Args:
        sums: [Q, C] the sum of the values in each group: of a query, say, over all of its answers.
        counts: [Q, C] how many values that is.
        resamples: Draws of whole groups with replacement.
        seed: Of the draws.
    """
    total, count = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    rows, columns = total.shape
    rng = np.random.default_rng(seed)
    chances = np.full(rows, 1 / max(rows, 1))
    resampled = np.full((resamples, columns), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, resamples if rows else 0, _DRAWS):  # some at a time: all of them would be [resamples, Q]
            part = slice(start, min(start + _DRAWS, resamples))
            draws = rng.multinomial(rows, chances, size=part.stop - part.start).astype(np.float64)
            resampled[part] = (draws @ total) / (draws @ count)
        mean = total.sum(axis=0) / count.sum(axis=0)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    known = count.sum(axis=0) > 0
    if known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return Mean(mean, low, high, count.sum(axis=0).astype(np.int64))
