"""Draws of queries with replacement, shared by all figures of a report (the bootstrap over clusters)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.intervals import Estimate, without_interval
from llmfusionbench.statistics.student import student_quantile

BLOCKS: Final = 20_000
"""More queries than this are put at random into this number of blocks, each of which is drawn as a whole."""
_TOGETHER: Final = 128
"""Draws that are multiplied at a time."""


class Resamples:
    """B draws of the queries of a report. Row 0 of every result is that of the queries themselves, without a draw.

    Args:
        queries: Number Q of queries.
        draws: B.
        seed: Random seed.
    """

    def __init__(self, queries: int, *, draws: int = 1000, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.draws, self.blocks = draws, min(queries, BLOCKS)
        self.block: npt.NDArray[np.int64] = rng.permutation(queries) % max(1, self.blocks)
        """[Q] the block of each query."""
        # No draw of at most 255 blocks, and hardly any of more, takes one of them more than 255 times.
        self._times = np.zeros((draws, self.blocks), np.uint8)
        for row in self._times:
            row[:] = np.minimum(np.bincount(rng.integers(0, self.blocks, self.blocks), minlength=self.blocks), 255)

    def sums(self, query: npt.NDArray[np.int64], values: npt.ArrayLike) -> Floats:
        """[1 + B, K] sums of `values` [R, K], whose rows belong to the queries `query` [R]."""
        columns = np.asarray(values, np.float64)
        block = self.block[query]
        totals = np.stack([np.bincount(block, column, self.blocks) for column in columns.T], axis=1)
        return np.concatenate([totals.sum(axis=0)[None], *(times @ totals for times in self._some_at_a_time())])

    def counts(
        self, query: npt.NDArray[np.int64], cell: npt.NDArray[np.int64], cells: int, weights: Floats | None = None
    ) -> Floats:
        """[1 + B, `cells`] number of the rows [R] in each cell, or the sum of their weights [R]; made for few filled cells."""
        from scipy import sparse

        shape, filled = (self.blocks, cells), np.ones(len(cell)) if weights is None else weights
        table: Any = sparse.csr_matrix((filled, (self.block[query], cell)), shape=shape).T.tocsr()
        once = np.asarray(table.sum(axis=1)).reshape(1, -1)
        return np.concatenate([once, *((table @ times.T).T for times in self._some_at_a_time())])

    def _some_at_a_time(self) -> Iterator[Floats]:
        for start in range(0, self.draws, _TOGETHER):
            yield self._times[start : start + _TOGETHER].astype(np.float64)


def expanded_percentiles(draws: npt.ArrayLike, n: int, queries: int) -> Estimate:
    """The value in row 0 of `draws` [1 + B], and the ends of its 95% interval: percentiles of the other rows.

    The 2.5th and 97.5th percentiles of Q queries are too near to each other, by sqrt((Q - 1) / Q) and by the quantile of the
    normal distribution instead of Student's. The expanded ones make up for both (Hesterberg, The American Statistician 69,
    2015, 4.1).

    Args:
        draws: [1 + B] a figure and its draws; NaN = not defined for a draw.
        n: Number of values behind the figure, which is returned with it.
        queries: Q.
    """
    from scipy.special import ndtr

    values = np.asarray(draws, np.float64)
    value, rest = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or not len(rest) or queries < 2:
        return without_interval(value, n)
    outside = 100 * float(ndtr(-math.sqrt(queries / (queries - 1)) * student_quantile(queries - 1)))
    low, high = np.percentile(rest, [outside, 100 - outside])
    return Estimate(value, float(low), float(high), n)
