"""Figures of two columns of values by the table of how often they meet: rank correlation, and the area under the ROC curve."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats, ratio
from llmfusionbench.statistics.linear import Linear
from llmfusionbench.statistics.resamples import Resamples
from llmfusionbench.statistics.sample import Sample

MOST_VALUES: Final = 101
"""Number of different values up to which they are kept; more of them, such as means of probabilities, are rounded."""
_DIGITS: Final = 12
"""Decimals in which values that are the same up to rounding, such as means of the same scores in another order, are equal."""


def ranked(scores: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], Floats]:
    """[R] numbers of the different values of `scores` [R], none of them NaN, and all these values [V] in order."""
    given = np.asarray(np.round(np.asarray(scores, np.float64), _DIGITS), np.float64)
    values = np.unique(given)
    return np.searchsorted(values, given).astype(np.int64), values


def coded(scores: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], Floats]:
    """Numbers of the values in `scores` of any shape, -1 = missing, and the values [V] in order.

    More than `MOST_VALUES` different values are rounded: to hundredths, or to as many more decimals as leave at most
    `MOST_VALUES` of them, as where all scores lie within one hundredth. The scores lie between 0 and 1.
    """
    exact = given = np.asarray(scores, np.float64)
    known = ~np.isnan(given)
    values = np.unique(given[known])
    if len(values) > MOST_VALUES:
        given = np.round(exact, 2)
        values = np.unique(given[known])
        for digits in range(3, _DIGITS + 1):
            finer = np.round(exact, digits)
            more = np.unique(finer[known])
            if len(more) > MOST_VALUES:
                break
            given, values = finer, more
    codes = np.full(given.shape, -1, np.int64)
    codes[known] = np.searchsorted(values, given[known])
    return codes, values


def spearman_draws(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], query: npt.NDArray[np.int64], resamples: Resamples
) -> Floats:
    """[1 + B] Spearman's rank correlation of two columns of codes [N], ties at mid-ranks, and of every draw of queries [N].

    Every draw is ranked again. NaN if a column has one value.
    """
    rows, columns = int(first.max(initial=0)) + 1, int(second.max(initial=0)) + 1
    tables = resamples.counts(query, first * columns + second, rows * columns).reshape(-1, rows, columns)
    a, b = _mid_ranks(tables.sum(axis=2)), _mid_ranks(tables.sum(axis=1))
    number = tables.sum(axis=(1, 2))
    a, b = a - (number / 2 + 0.5)[:, None], b - (number / 2 + 0.5)[:, None]
    both = np.einsum("bij,bi,bj->b", tables, a, b, optimize=True)
    spread = (tables.sum(axis=2) * a**2).sum(axis=1) * (tables.sum(axis=1) * b**2).sum(axis=1)
    return ratio(both, np.sqrt(np.where(spread > 0, spread, np.nan)))


def auc(codes: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], sample: Sample) -> Linear:
    """Probability that a right answer has a higher code than a wrong one, ties at a half (Mann & Whitney, 1947).

    The influence of a query is that of its right and of its wrong answers (Obuchowski, Biometrics 53, 1997).

    Args:
        codes: [R] numbers of the scores in order.
        right: [R] whether the answer is right.
        sample: The queries of the rows.
    """
    size, place = int(codes.max(initial=0)) + 1, sample.place
    good, wrong = (np.bincount(codes[rows], minlength=size).astype(np.float64) for rows in (right, ~right))
    if not right.any() or right.all():
        return Linear(math.nan, np.zeros(sample.queries), 0.0, 0.0)
    below = (np.cumsum(wrong) - wrong / 2) / wrong.sum()
    above = 1 - (np.cumsum(good) - good / 2) / good.sum()
    value = float(good @ below) / float(good.sum())
    moved = np.where(right, (below[codes] - value) / good.sum(), (above[codes] - value) / wrong.sum())
    size_of = min(len(np.unique(place[rows])) for rows in (right, ~right))
    if size_of < 2:
        return Linear(value, np.zeros(sample.queries), 0.0, size_of)
    influence = np.bincount(place, moved, sample.queries).astype(np.float64) * math.sqrt(size_of / (size_of - 1))
    return Linear(value, influence, size_of - 1, size_of)


def _mid_ranks(counts: Floats) -> Floats:
    """[B, V] mid-rank of each value by how often it occurs [B, V]."""
    ranks: Floats = np.cumsum(counts, axis=1) - (counts - 1) / 2
    return ranks
