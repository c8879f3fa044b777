"""The slope of a value on another at equal values of others, within queries."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.linear import Linear
from llmfusionbench.statistics.sample import Sample


def adjusted_slope(value: npt.ArrayLike, cause: npt.ArrayLike, fixed: npt.ArrayLike, sample: Sample) -> tuple[Linear, Linear]:
    """The change of `value` per unit of `cause` within a query, with `fixed` held equal, and the partial correlation.

    Least squares with an intercept per query (Frisch, Waugh and Lovell); the variance is robust to clusters of queries (Liang &
    Zeger, 1986). Both are NaN if the cause does not vary within queries beyond what `fixed` explains, the correlation also if
    the value does not. Whether the cause varies at all is known from `varies_within`.

    Args:
        value: [R] such as scores.
        cause: [R] such as the logarithms of lengths.
        fixed: [R, K] what is held equal; K may be 0.
        sample: The queries of the R rows.
    """
    y, x = _within(np.asarray(value, np.float64), sample), _within(np.asarray(cause, np.float64), sample)
    others = np.asarray(fixed, np.float64)
    if others.size:
        z = np.stack([_within(column, sample) for column in others.T], axis=1)
        found, *_ = np.linalg.lstsq(z, np.stack([y, x], axis=1), rcond=None)
        y, x = y - z @ found[:, 0], x - z @ found[:, 1]
    square = float(x @ x)
    several = float((np.bincount(sample.place, np.abs(x), sample.queries) > 1e-12).sum())
    if square <= _rounding(cause, sample):
        return _unknown(sample, 0.0), _unknown(sample, 0.0)
    slope = float(x @ y) / square
    moved = np.bincount(sample.place, x * (y - slope * x), sample.queries).astype(np.float64) / square
    if several < 2:
        return Linear(slope, np.zeros(sample.queries), 0.0, several), _unknown(sample, several)
    more = math.sqrt(several / (several - 1))
    known = float(y @ y) > _rounding(value, sample)
    correlation = _correlation(y, x, sample, several) if known else _unknown(sample, several)
    return Linear(slope, moved * more, several - 1, several), correlation


def _correlation(y: Floats, x: Floats, sample: Sample, several: float) -> Linear:
    """The correlation of what is left of both. To first order, fitting what is held equal adds nothing: it is orthogonal."""
    squares = float(y @ y), float(x @ x)
    value = float(x @ y) / math.sqrt(squares[0] * squares[1])
    moved = x * y / math.sqrt(squares[0] * squares[1]) - value / 2 * (x * x / squares[1] + y * y / squares[0])
    influence = np.bincount(sample.place, moved, sample.queries).astype(np.float64) * math.sqrt(several / (several - 1))
    return Linear(value, influence, several - 1, several)


def _unknown(sample: Sample, several: float) -> Linear:
    return Linear(math.nan, np.zeros(sample.queries), 0.0, several)


def varies_within(cause: npt.ArrayLike, sample: Sample) -> bool:
    """Whether `cause` [R] differs between the rows of some query.

    Where it does and `adjusted_slope` is NaN, what was held equal explains all of its differences.
    """
    x = _within(np.asarray(cause, np.float64), sample)
    return float(x @ x) > _rounding(cause, sample)


def _rounding(cause: npt.ArrayLike, sample: Sample) -> float:
    """The sum of squares up to which differences of `cause` within queries are rounding."""
    scale = float(np.abs(np.asarray(cause, np.float64)).max(initial=0.0))
    return 1e-18 * max(1.0, scale**2) * sample.queries


def _within(column: Floats, sample: Sample) -> Floats:
    """The column less the mean of its query."""
    number = np.bincount(sample.place, minlength=sample.queries)
    mean = np.bincount(sample.place, column, sample.queries) / np.maximum(number, 1)
    centred: Floats = column - mean[sample.place]
    return centred
