"""Gwet's AC2: agreement beyond chance that does not break down where nearly all values are the same."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats, ratio
from llmfusionbench.statistics.resamples import Resamples

Weighting = Literal["identity", "linear", "quadratic"]
"""`identity` gives AC1: two values agree or do not. The others give part of the credit to values that are near."""

_ALL_CHANCE: Final = 1e-12
"""Agreement that chance leaves open, below which there is no figure."""


def agreement_weights(values: npt.ArrayLike, weighting: Weighting) -> Floats:
    """[V, V] how far two of the `values` [V] agree, from 0 to 1: 1 - (difference / range) to the power of 1 or 2."""
    points = np.asarray(values, np.float64)
    if weighting == "identity" or len(points) < 2:
        return np.eye(len(points))
    apart = np.abs(points[:, None] - points) / (points.max() - points.min())
    weights: Floats = 1 - (apart if weighting == "linear" else apart**2)
    return weights


def ac2_draws(
    codes: npt.NDArray[np.int64],
    values: npt.ArrayLike,
    query: npt.NDArray[np.int64],
    resamples: Resamples,
    weighting: Weighting = "quadratic",
) -> Floats:
    """[1 + B] Gwet's AC2 of the units, and of every draw of their queries (British J. of Math. and Stat. Psych. 61, 2008).

    NaN where chance explains all agreement, as with a single value. Units with one score count in the shares of the values, as
    Gwet has it (Handbook of Inter-Rater Reliability, 2014, 5.4).

    Args:
        codes: [N, M] number of the value that each of M judges gave, -1 = missing.
        values: [V] the values, in order. All of them count, those that no judge gave too.
        query: [N] query of each unit, from 0.
        resamples: The draws.
        weighting: How the differences of values count.
    """
    weights = agreement_weights(values, weighting)
    rated = (codes >= 0).any(axis=1)
    counts = _counts(codes[rated], len(weights))
    number = counts.sum(axis=1)
    near = (counts * (counts @ weights - 1)).sum(axis=1)
    several = number >= 2
    agreed = np.where(several, near / np.maximum(number * (number - 1), 1), 0.0)
    columns = np.column_stack([agreed, several, np.ones(len(counts)), counts / number[:, None]])
    sums = resamples.sums(query[rated], columns)
    return _from_sums(sums, float(weights.sum()), len(weights))


def _counts(codes: npt.NDArray[np.int64], values: int) -> Floats:
    row, judge = np.nonzero(codes >= 0)
    cell = row * values + codes[row, judge]
    return np.bincount(cell, minlength=len(codes) * values).reshape(len(codes), values).astype(np.float64)


def _from_sums(sums: Floats, weight: float, values: int) -> Floats:
    observed = ratio(sums[:, 0], sums[:, 1])
    if values < 2:
        return np.full(len(sums), np.nan)
    shares = ratio(sums[:, 3:], sums[:, 2:3])
    chance = weight * (shares * (1 - shares)).sum(axis=1) / (values * (values - 1))
    return np.where(1 - chance > _ALL_CHANCE, ratio(observed - chance, 1 - chance), np.nan)
