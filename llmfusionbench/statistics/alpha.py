"""Krippendorff's alpha: the figure by the package `krippendorff`, its draws by the sums that it is a function of.

Alpha is 1 - D_o / D_e, the disagreement that was observed over that of values paired at random (Krippendorff, Computing
Krippendorff's Alpha-Reliability, 2011). With the squared difference as the distance (interval level), both are functions of
sums over units, and so the bootstrap needs no loop over draws and no table of values. The ordinal level is the interval level
of mid-ranks: its distance of two values is the difference of their mid-ranks, squared.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import MissingExtraError
from llmfusionbench.statistics.arrays import Floats, ratio
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
        return float(_from_sums(_unit_sums(matrix, level).sum(axis=0)[None])[0])
    try:
        import krippendorff
    except ImportError as error:
        raise MissingExtraError("krippendorff", "judge") from error
    return float(krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level))


def alpha_draws(scores: npt.ArrayLike, query: npt.NDArray[np.int64], resamples: Resamples, level: Level = "interval") -> Floats:
    """[1 + B] alpha of the units, and of every draw of their queries `query` [N]; ranks are those of all units."""
    matrix = np.asarray(scores, np.float64)
    kept = (~np.isnan(matrix)).sum(axis=1) >= 2
    return _from_sums(resamples.sums(query[kept], _unit_sums(matrix[kept], level)))


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


def _unit_sums(matrix: Floats, level: Level) -> Floats:
    """[N, 4] of each unit: the number of values, their sum, their sum of squares, and the disagreement among them."""
    known = ~np.isnan(matrix)
    if level == "ordinal":
        matrix = _mid_ranks(matrix, known)
    number = known.sum(axis=1).astype(np.float64)
    # Centred, so that the differences of squares keep their digits.
    middle = float(matrix[known].mean()) if known.any() else 0.0
    filled = np.where(known, matrix - middle, 0.0)
    total, squares = filled.sum(axis=1), (filled**2).sum(axis=1)
    within = 2 * (number * squares - total**2) / np.maximum(number - 1, 1)
    return np.stack([number, total, squares, within], axis=1)


def _mid_ranks(matrix: Floats, known: npt.NDArray[np.bool_]) -> Floats:
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
