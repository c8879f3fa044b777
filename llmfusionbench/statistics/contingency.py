"""Figures of two columns of values by the table of how often they meet: rank correlation, and the area under the ROC curve."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats, ratio
from llmfusionbench.statistics.resamples import Resamples

MOST_VALUES: Final = 101
"""Number of different values up to which they are kept; of more, such as means of probabilities, hundredths are taken."""


def coded(scores: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], Floats]:
    """Numbers of the values in `scores` of any shape, -1 = missing, and the values [V] in order.

    More than `MOST_VALUES` different values are rounded to hundredths; the scores lie between 0 and 1.
    """
    given = np.asarray(scores, np.float64)
    known = ~np.isnan(given)
    values = np.unique(given[known])
    if len(values) > MOST_VALUES:
        given = np.round(given, 2)
        values = np.unique(given[known])
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


def auc_draws(
    codes: npt.NDArray[np.int64], right: npt.NDArray[np.bool_], query: npt.NDArray[np.int64], resamples: Resamples
) -> Floats:
    """[1 + B] probability that a right answer has a higher code than a wrong one, ties at a half (Mann & Whitney, 1947).

    Args:
        codes: [N] numbers of the scores in order.
        right: [N] whether the answer is right.
        query: [N] its query.
        resamples: The draws.
    """
    values = int(codes.max(initial=0)) + 1
    tables = resamples.counts(query, codes * 2 + right, values * 2).reshape(-1, values, 2)
    wrong, good = tables[:, :, 0], tables[:, :, 1]
    below = np.cumsum(wrong, axis=1) - wrong / 2
    return ratio((good * below).sum(axis=1), good.sum(axis=1) * wrong.sum(axis=1))


def _mid_ranks(counts: Floats) -> Floats:
    """[B, V] mid-rank of each value by how often it occurs [B, V]."""
    ranks: Floats = np.cumsum(counts, axis=1) - (counts - 1) / 2
    return ranks
