"""The type of arrays of numbers, and division that knows missing values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ratio(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """a / b; NaN if b is 0 or either is NaN."""
    numerator, denominator = np.asarray(a, np.float64), np.asarray(b, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient: Floats = np.where(denominator != 0, numerator / denominator, np.nan)
    return quotient
