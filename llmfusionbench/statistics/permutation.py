"""The sign-flip test of a mean difference of 0."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.arrays import Floats
from llmfusionbench.statistics.intervals import mean_p
from llmfusionbench.statistics.linear import Linear

EXACT: Final = 12
"""Differences other than 0 up to which all changes of their signs are counted."""

_CELLS: Final = 1 << 22
"""Signs that are unpacked at a time."""


class SignFlips:
    """Random signs for the differences of Q queries, the same for every test.

    Args:
        queries: Q.
        draws: Number of random changes of all signs.
        seed: Random seed.
    """

    def __init__(self, queries: int, *, draws: int = 1000, seed: int = 0) -> None:
        self.queries, self.draws, self.seed = queries, draws, seed

    @cached_property
    def _bits(self) -> npt.NDArray[np.uint8]:
        """[draws, Q / 8] one bit per sign."""
        return np.random.default_rng(self.seed).integers(0, 256, (self.draws, -(-self.queries // 8)), np.uint8)

    def p(self, differences: npt.ArrayLike) -> float:
        """Two-sided p-value of a mean difference of 0, if each difference [Q] is as likely as its negative; never 0.

        The share of the changes of signs whose sum is at least as far from 0 as the sum of the differences (Fisher, The Design
        of Experiments, 1935, 21). All changes are counted for up to `EXACT` differences other than 0; else random ones are
        drawn, and the data are counted among them (Phipson & Smyth, 2010). NaN without differences.
        """
        values = np.asarray(differences, np.float64)
        if not len(values):
            return float("nan")
        moved = np.flatnonzero(values)
        least = abs(values.sum()) - 1e-9 * np.abs(values).sum()
        if len(moved) <= EXACT:
            signs = 1 - 2.0 * ((np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1)
            return float((np.abs(signs @ values[moved]) >= least).mean())
        # A sum with changed signs is the whole less twice the part whose signs change.
        far = 0
        step = max(1, _CELLS // max(1, self.queries))
        for start in range(0, self.draws, step):
            changed = np.unpackbits(self._bits[start : start + step], axis=1, count=self.queries)[:, moved]
            far += int((np.abs(values.sum() - 2 * (changed @ values[moved])) >= least).sum())
        return (far + 1) / (self.draws + 1)


def paired_p(gain: Linear, sums: Floats, flips: SignFlips) -> float:
    """Two-sided p-value of a mean gain of 0: the larger one of two, so that a significant gain is so by both.

    The sign-flip test is exact if a difference is as likely as its negative; Hall's correction of t allows for differences
    that are skewed around a mean of 0.

    Args:
        gain: The mean gain.
        sums: [Q] sum of the differences of each query; 0 for one without.
        flips: The random signs.
    """
    if np.isnan(gain.value):
        return float("nan")
    by_skewness = mean_p(gain)
    by_signs = flips.p(sums)
    return by_signs if np.isnan(by_skewness) else max(by_signs, by_skewness)
