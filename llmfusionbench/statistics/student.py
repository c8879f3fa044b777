"""Student's t distribution: its 97.5th percentile, and two-sided tail probabilities."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

NORMAL_QUANTILE: Final = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""


@lru_cache(maxsize=4096)
def student_quantile(freedom: float) -> float:
    """The 97.5th percentile; `freedom` is above 0 and need not be whole."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975)) if math.isfinite(freedom) else NORMAL_QUANTILE


def two_sided(t: float, freedom: float) -> float:
    """The probability of a value at least as far from 0 as `t`."""
    from scipy.special import ndtr, stdtr

    return 2 * float(stdtr(freedom, -abs(t)) if math.isfinite(freedom) else ndtr(-abs(t)))
