"""Amounts of money and time as people read them."""

from __future__ import annotations

import math


def usd(amount: float | None) -> str:
    """An amount in USD; `-` if it is not known."""
    if amount is None or math.isnan(amount):
        return "-"
    if 0 < amount < 0.0001:
        return "<$0.0001"
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.4f}"


def duration(seconds: float | None) -> str:
    """A time as `40 s`, `5 min` or `2 h 10 min`, rounded up; `-` if it is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if seconds <= 99:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"
