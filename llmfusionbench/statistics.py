"""Means with their intervals: nothing is averaged here without saying how sure it is, and of how many values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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
    filled = np.where(given, matrix, 0.0)
    count = given.sum(axis=0)
    rows = len(matrix)
    rng = np.random.default_rng(seed)
    draws = np.zeros((resamples, 0))
    if rows:  # numpy cannot draw from nothing
        draws = rng.multinomial(rows, np.full(rows, 1 / rows), size=resamples).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / count
        resampled = (draws @ filled) / (draws @ given)
    low, high = np.full(matrix.shape[1], np.nan), np.full(matrix.shape[1], np.nan)
    known = count > 0
    if known.any():
        low[known], high[known] = np.nanpercentile(resampled[:, known], [2.5, 97.5], axis=0)
    return Mean(mean, low, high, count)
