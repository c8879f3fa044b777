"""Means as reports hold them: with their intervals, and null where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...statistics import bootstrap_mean


@dataclass(frozen=True)
class Figure:
    """A mean with its 95% bootstrap interval over queries; null where there is none."""

    mean: float | None
    low: float | None
    high: float | None


def figures_of(matrix: npt.NDArray[np.float64], *, resamples: int, seed: int) -> list[Figure]:
    """One a column of `matrix` [Q, C], over the rows that have a value; NaN is missing."""
    found = bootstrap_mean(matrix, resamples=resamples, seed=seed)
    return [
        Figure(*(None if np.isnan(x) else float(x) for x in row)) for row in zip(found.mean, found.low, found.high, strict=True)
    ]
