"""Krippendorff's alpha: the figure by the package `krippendorff`, its draws by the sums that it is a function of.

Alpha is 1 - D_o / D_e, the disagreement that was observed over that of values paired at random (Krippendorff, Computing
Krippendorff's Alpha-Reliability, 2011). With the squared difference as the distance (interval level), both are functions of
sums over units, and so the bootstrap needs no loop over draws and no table of values. The ordinal level is the interval level
of mid-ranks: its distance of two values is the difference of their mid-ranks, squared. Its draws are those of the table of how
often two values meet in a unit, since every draw has ranks of its own.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import MissingExtraError
from llmfusionbench.statistics.arrays import Floats, ratio
from llmfusionbench.statistics.contingency import coded
from llmfusionbench.statistics.resamples import Resamples

Level = Literal["ordinal", "interval"]

CELLS: Final = 10_000_000
"""Units x values x values up to which the package computes alpha: it holds several arrays of this size."""


def alpha(scores: npt.ArrayLike, level: Level = "interval") -> float:
    """Krippendorff's alpha of `scores` [N, M] of N units by M judges, NaN = missing. NaN if all values are the same.

    The package `krippendorff` computes it from the counts of values where these fit (`CELLS`), and the same formula over
    sums elsewhere. Units with fewer than two scores do not count.

    Raises:
        MissingExtraError: `krippendorff` is not installed.
    """
    matrix = _paired(np.asarray(scores, np.float64))
    values, counts = _value_counts(matrix)
    if len(values) < 2:
        return float("nan")
    if counts is None:
        return float(_from_sums(_unit_sums(_mid_ranks(matrix) if level == "ordinal" else matrix).sum(axis=0)[None])[0])
    try:
        import krippendorff
    except ImportError as error:
        raise MissingExtraError("krippendorff", "judge") from error
    return float(krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level))


def alpha_draws(scores: npt.ArrayLike, query: npt.NDArray[np.int64], resamples: Resamples, level: Level = "interval") -> Floats:
    """[1 + B] alpha of the units, and of every draw of their queries `query` [N].

    At the ordinal level, more than 101 different values are rounded (see `coded`).
    """
    matrix = np.asarray(scores, np.float64)
    kept = (~np.isnan(matrix)).sum(axis=1) >= 2
    matrix, query = matrix[kept], query[kept]
    if level == "interval":
        return _from_sums(resamples.sums(query, _unit_sums(matrix)))
    return _of_ranks(_meetings(matrix, query, resamples))


def _meetings(matrix: Floats, query: npt.NDArray[np.int64], resamples: Resamples) -> Floats:
    """[1 + B, V, V] how often two values meet in a unit of m scores, each meeting with the weight 1 / (m - 1)."""
    codes, values = coded(matrix)
    size, number = max(len(values), 1), (codes >= 0).sum(axis=1)
    cells, of, weights = [], [], []
    for a, b in combinations(range(codes.shape[1]), 2):
        both = (codes[:, a] >= 0) & (codes[:, b] >= 0)
        cells.append(codes[both, a] * size + codes[both, b])
        of.append(query[both])
        weights.append(1 / (number[both] - 1))
    drawn = resamples.counts(np.concatenate(of), np.concatenate(cells), size**2, np.concatenate(weights))
    tables = drawn.reshape(-1, size, size)
    return tables + tables.swapaxes(1, 2)


def _of_ranks(meetings: Floats) -> Floats:
    """[B] alpha at the ordinal level, from the tables [B, V, V]."""
    margin = meetings.sum(axis=2)
    number, ranks = margin.sum(axis=1), np.cumsum(margin, axis=1) - margin / 2
    ranks -= number[:, None] / 2
    squares, total = (margin * ranks**2).sum(axis=1), (margin * ranks).sum(axis=1)
    within = 2 * (squares - np.einsum("bij,bi,bj->b", meetings, ranks, ranks, optimize=True))
    return _from_sums(np.stack([number, total, squares, within], axis=1))


def _paired(matrix: Floats) -> Floats:
    kept: Floats = matrix[(~np.isnan(matrix)).sum(axis=1) >= 2]
    return kept


def _value_counts(matrix: Floats) -> tuple[Floats, npt.NDArray[np.int64] | None]:
    """The values in order [V], and [N, V] how often a unit has each; None if these are too many."""
    known = ~np.isnan(matrix)
    values, code = np.unique(matrix[known], return_inverse=True)
    if len(matrix) * len(values) ** 2 > CELLS:
        return values, None
    cell = np.nonzero(known)[0] * len(values) + code.reshape(-1)
    return values, np.bincount(cell, minlength=len(matrix) * len(values)).reshape(len(matrix), len(values))


def _unit_sums(matrix: Floats) -> Floats:
    """[N, 4] of each unit: the number of values, their sum, their sum of squares, and the disagreement among them."""
    known = ~np.isnan(matrix)
    number = known.sum(axis=1).astype(np.float64)
    # Centred, so that the differences of squares keep their digits.
    middle = float(matrix[known].mean()) if known.any() else 0.0
    filled = np.where(known, matrix - middle, 0.0)
    total, squares = filled.sum(axis=1), (filled**2).sum(axis=1)
    within = 2 * (number * squares - total**2) / np.maximum(number - 1, 1)
    return np.stack([number, total, squares, within], axis=1)


def _mid_ranks(matrix: Floats) -> Floats:
    known = ~np.isnan(matrix)
    _, code, counts = np.unique(matrix[known], return_inverse=True, return_counts=True)
    ranks = np.full(matrix.shape, np.nan)
    ranks[known] = (np.cumsum(counts) - (counts - 1) / 2)[code.reshape(-1)]
    return ranks


def _from_sums(sums: Floats) -> Floats:
    """[B] from sums over units [B, 4]."""
    number, total, squares, within = sums.T
    observed = ratio(within, number)
    expected = ratio(2 * (number * squares - total**2), number * (number - 1))
    # Of values that are all the same, rounding leaves a little.
    expected = np.where(expected > 1e-12 * ratio(squares, number), expected, np.nan)
    return 1 - ratio(observed, expected)
