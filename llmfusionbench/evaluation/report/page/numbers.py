"""How the page labels metrics and formats numbers and intervals."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NONE = "\N{EN DASH}"
"""A missing value."""

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Metric:
    """A metric on the page."""

    key: str
    """Its name in the report."""
    label: str
    """Its name on the page, with the unit."""
    kind: str
    """The format of its values: `number`, or `cost` (USD per query, shown per 1,000 queries)."""
    better: int
    """1 if higher is better, -1 if lower is, 0 if neither."""
    primary: bool
    """Shown at first, without a click on all metrics."""
    description: str = ""
    why: str = ""
    """Why it has no interval, or where it has none; empty if it always has one."""


_LABELS = {
    "reward": "Reward",
    "reward_macro": "Reward, mean of tasks",
    "performance": "Performance",
    "performance_macro": "Performance, mean of tasks",
    "cost_usd": "USD per 1,000 queries",
    "cost_usd_macro": "USD per 1,000 queries, mean of tasks",
    "judge": "Judge score",
    "judge_macro": "Judge score, mean of tasks",
    "gap_closed": "Gap closed",
    "guarded_score": "Guarded score",
    "ood_declined": "Out of distribution, declined",
    "wrongly_declined": "Known tasks, declined",
    "aiq": "AIQ",
    "mrr": "MRR",
    "pgr": "PGR",
    "apgr": "APGR",
}
PRIMARY = ("guarded_score", "ood_declined", "wrongly_declined", "reward", "performance", "cost_usd", "judge", "gap_closed")


def metric(key: str, said: Mapping[str, Any] | None = None) -> Metric:
    """A metric by its name and what the report says of it; an unknown one keeps its name."""
    said = said or {}
    label = _LABELS.get(key, key.replace("_", " "))
    better = {"higher": 1, "lower": -1}.get(said.get("better") or "", 0 if said else -1 if key.startswith("cost") else 1)
    kind = "cost" if key.startswith("cost_usd") else "number"
    return Metric(key, label, kind, better, key in PRIMARY, said.get("description") or "", said.get("why") or "")


def number(value: Any) -> float | None:
    """A finite float, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def rounded(value: Any, digits: int = 6) -> float | None:
    """A number for the page's data, with `digits` significant digits; whole numbers as int."""
    found = number(value)
    if found is None:
        return None
    short = float(f"{found:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def quad(estimate: Mapping[str, Any] | None) -> list[float | None]:
    """[value, low, high, n] of an estimate in the report."""
    return [rounded((estimate or {}).get(part)) for part in ("value", "low", "high", "n")]


def written(value: float | None, kind: str = "number") -> str:
    """A value as text: three decimals, or three significant digits for USD per 1,000 queries."""
    if value is None:
        return NONE
    if kind == "cost":
        return significant(value * 1_000)
    return (f"{value:,.3f}" if abs(value) < 1_000 else f"{value:,.0f}").replace("-", MINUS)


def significant(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(decimals, 9)}f}"


def interval(estimate: Sequence[float | None], kind: str = "number") -> str:
    """`0.701 to 0.723` of [value, low, high, ...], or an empty text if an end is missing."""
    low, high = estimate[1], estimate[2]
    return "" if low is None or high is None else f"{written(low, kind)} to {written(high, kind)}"


def whole_counts(report: Mapping[str, Any]) -> set[float]:
    """The numbers of queries that need no mention beside a mean: all tested, and all tested of known tasks."""
    counts = [quad(figure)[3] for router in report["routers"] for figure in router["metrics"].values()]
    asked = [quad(router["metrics"].get("answered"))[3] for router in report["routers"]]
    return {n for n in (max((n for n in counts if n is not None), default=None), *asked) if n is not None}


def partial(estimate: Mapping[str, Any] | None, whole: Collection[float]) -> list[float | None]:
    """[value, low, high, n] of an estimate, with n only where it needs mention."""
    value, low, high, n = quad(estimate)
    return [value, low, high, None if value is None or n in whole else n]


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    return NONE if value is None else f"{value:+.3f}".replace("-", MINUS)


def chance(p: float | None) -> str:
    """`p = 0.012`, or `p < 0.001`."""
    return "" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
