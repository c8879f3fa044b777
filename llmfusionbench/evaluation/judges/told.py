"""A figure of the report: its value with interval, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from llmfusionbench.evaluation.report.figures import number
from llmfusionbench.statistics import Estimate, Floats
from llmfusionbench.statistics.resamples import expanded_percentiles

NO_DIFFERENCE: Final = "no interval: queries do not differ in it"
"""Why a figure has a value and no interval: its spread is unknown, since every query, or every draw of queries, has it."""
_NO_WIDTH: Final = 1e-9
"""Width of an interval up to which it is rounding. Figures are shares, slopes of shares, correlations and ratios near 1."""
LEAST: Final = 20
"""Number of queries below which a group is too small for a figure: intervals over fewer clusters are too narrow."""


@dataclass(frozen=True)
class Told:
    """A figure with its 95% interval over queries. Where one of the three is None, `why` has the reason."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Number of rows behind it: answers, comparisons or judgements."""
    queries: int
    """Number of queries that these belong to."""
    why: str | None = None

    def __str__(self) -> str:
        if self.value is None:
            return self.why or "unknown"
        ends = f"{self.low:.3f} to {self.high:.3f}" if self.low is not None and self.high is not None else self.why
        return f"{self.value:.3f}" + (f" ({ends})" if ends else "")

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    def excludes(self, value: float) -> bool:
        """Whether the interval leaves `value` out."""
        return self.low is not None and self.high is not None and not self.low <= value <= self.high


def told(found: Estimate, queries: int, *, why: str = "", alike: str = NO_DIFFERENCE) -> Told:
    """An estimate, unless its group is too small; `why` is the reason where the estimate has no value.

    An interval without a width is none: it would show as certain what is only the same in all of these queries. `alike` is then
    the reason.
    """
    if queries < LEAST:
        return too_small(found.n, queries)
    if math.isnan(found.value):
        return Told(None, None, None, found.n, queries, why or "not defined for these values")
    if not found.high - found.low > _NO_WIDTH:
        return Told(number(found.value), None, None, found.n, queries, alike)
    return Told(number(found.value), number(found.low), number(found.high), found.n, queries)


def drawn(draws: Floats, n: int, queries: int, *, why: str = "") -> Told:
    """A figure in row 0 of `draws` [1 + B], with the interval of its draws of queries."""
    return told(expanded_percentiles(draws, n, queries), queries, why=why)


def too_small(n: int, queries: int) -> Told:
    """A figure of fewer than `LEAST` queries."""
    of = f"{queries:,} quer{'y' if queries == 1 else 'ies'}"
    return Told(None, None, None, n, queries, f"too small: {of}, {LEAST} needed" if n else "no such rows")


def untold(why: str) -> Told:
    """A figure that there cannot be."""
    return Told(None, None, None, 0, 0, why)


def bounded(figure: Told, low: float, high: float) -> Told:
    """The figure with the ends of its interval kept between `low` and `high`."""
    if figure.low is None or figure.high is None:
        return figure
    ends = max(figure.low, low), min(figure.high, high)
    if not ends[1] - ends[0] > _NO_WIDTH:
        return replace(figure, low=None, high=None, why=NO_DIFFERENCE)
    return replace(figure, low=ends[0], high=ends[1])
