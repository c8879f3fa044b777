"""Figures and numbers as plain data for report.json."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from llmfusionbench.statistics import Estimate

_DIGITS: Final = 9
"""Significant digits of a figure: enough, and the same on every machine."""


def figure(e: Estimate) -> dict[str, Any]:
    """An estimate as value, low, high and n."""
    return {"value": number(e.value), "low": number(e.low), "high": number(e.high), "n": e.n}


def number(value: float) -> float | None:
    """A number for JSON; None for a missing one."""
    if not np.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")
