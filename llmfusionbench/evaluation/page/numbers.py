"""How metrics are called and written: labels, units, which way is better, numbers with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NONE = "\N{EN DASH}"
"""What stands for a missing value."""


@dataclass(frozen=True)
class Metric:
    """What the page knows of one metric."""

    key: str
    """Its name in the report."""

    label: str
    """Its name on the page, with the unit."""

    kind: str
    """How its values are written: `number`, or `cost` (USD of a query, written for 1,000 queries)."""

    better: int
    """1 where more is better, -1 where less is, 0 where neither."""

    primary: bool
    """Shown without asking for all metrics."""


_KNOWN = {
    "reward": ("Reward", 1),
    "performance": ("Performance", 1),
    "performance_macro": ("Performance, mean of tasks", 1),
    "macro_performance": ("Performance, mean of tasks", 1),
    "cost_usd": ("USD per 1,000 queries", -1),
    "judge": ("Judge score", 1),
    "gap_closed": ("Gap closed", 1),
    "aiq": ("AIQ", 1),
    "mrr": ("MRR", 1),
    "apgr": ("APGR", 1),
    "entropy": ("Entropy of choices", 0),
}
_PRIMARY = ("reward", "performance", "cost_usd", "judge", "gap_closed")
_LESS_IS_BETTER = ("cost", "cpt", "latency", "tokens", "pareto", "gap_at_oracle", "gap_to_oracle", "regret")


def metric(key: str) -> Metric:
    """What the page knows of a metric, by its name; one it has never heard of keeps its name."""
    label, better = _KNOWN.get(key, (key.replace("_", " "), None))
    if better is None:
        better = -1 if key.startswith(_LESS_IS_BETTER) else 1
    return Metric(key, label, "cost" if key == "cost_usd" else "number", better, key in _PRIMARY)


def number(value: Any) -> float | None:
    """A finite float, or None for whatever is missing, not a number or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def rounded(value: Any, digits: int = 6) -> float | None:
    """A number for the page's data: to `digits` significant digits, a whole one without its point."""
    found = number(value)
    if found is None:
        return None
    short = float(f"{found:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def quad(estimate: Mapping[str, Any] | None) -> list[float | None]:
    """[value, low, high, n] of one estimate of the report."""
    return [rounded((estimate or {}).get(part)) for part in ("value", "low", "high", "n")]


def written(value: float | None, kind: str = "number") -> str:
    """A value as text: three decimals, or three significant digits for USD of 1,000 queries."""
    if value is None:
        return NONE
    if kind == "cost":
        return significant(value * 1_000)
    return f"{value:,.3f}" if abs(value) < 1_000 else f"{value:,.0f}"


def significant(value: float) -> str:
    """Three significant digits, never as a power of ten."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 9)}f}"


def interval(estimate: Sequence[float | None], kind: str = "number") -> str:
    """`0.701 to 0.723` of [value, low, high, ...], or nothing where an end is missing."""
    low, high = estimate[1], estimate[2]
    return "" if low is None or high is None else f"{written(low, kind)} to {written(high, kind)}"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    return NONE if value is None else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def chance(p: float | None) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
