"""95% intervals over queries, one function per kind of figure."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.statistics.linear import Linear
from llmfusionbench.statistics.student import NORMAL_QUANTILE, student_quantile, two_sided

_NO_SKEW = 1e-9
_NO_SPREAD = 1e-24
"""Variance of equal values as a multiple of their square: rounding."""
_SHORTFALL = 10.0
"""Found by simulation, so that p holds for a lognormal cost against a fixed one at 20 to 200 queries."""
_DOUBTFUL, _CERTAIN = 2.0, 4.0
"""Standard errors up to which a skewness is doubtful, and from which it is certain."""


class Estimate(NamedTuple):
    """A figure, its 95% interval and the number of values behind it; NaN = none."""

    value: float
    low: float
    high: float
    n: int


def without_interval(value: float, n: int) -> Estimate:
    """A figure that has no interval."""
    return Estimate(value, math.nan, math.nan, n)


def wilson(share: float, n: float, quantile: float = NORMAL_QUANTILE) -> tuple[float, float]:
    """Wilson's score interval of a share of `n` independent trials (JASA 22, 1927); it has a width even at 0 and at 1."""
    square = quantile**2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * math.sqrt(max(share * (1 - share), 0.0) / n + square / (4 * n**2))
    return (0.0 if share <= 0 else max(0.0, centre - half)), (1.0 if share >= 1 else min(1.0, centre + half))


def share(figure: Linear, n: int, *, binary: bool = False) -> Estimate:
    """The interval of a mean of values from 0 to 1: Wilson's, for the number of trials that have the variance of the figure.

    This is the effective sample size of survey statistics (Korn & Graubard, Survey Methodology 24, 1998), with Student's
    quantile. Where values differ by rounding at most, the number of queries stands for it: the variance is not known to be 0.

    Args:
        figure: The mean. One that is outside 0 to 1, within rounding, has no such interval, and gets that of `mean`.
        n: Number of values behind it.
        binary: Whether the values are independent and all 0 or 1, so that their mean gives their variance.
    """
    value, variance = figure.value, figure.variance
    if math.isnan(value) or not figure.size:
        return without_interval(value, n)
    if not -1e-9 <= value <= 1 + 1e-9:
        return mean(figure, n)
    value = min(max(value, 0.0), 1.0)
    trials, quantile = figure.size, NORMAL_QUANTILE
    if not binary and variance > _NO_SPREAD * value**2 and 0 < value < 1:
        trials, quantile = value * (1 - value) / variance, student_quantile(figure.freedom)
    return Estimate(value, *wilson(value, trials, quantile), n)


def mean(figure: Linear, n: int) -> Estimate:
    """The interval of a mean of values that may be skewed, such as costs, or of a difference of two.

    Equal values have none, since their spread is unknown, but for a figure that is 0, such as the gain over itself.
    It holds two intervals: Student's, and the one that corrects t for the skewness of the values (Hall, Journal of the Royal
    Statistical Society B 54, 1992). The first errs for skewed values, the second for symmetric ones with long tails. Where the
    skewness is certain, as in rare failures that cost much, it is the score interval instead; see `_ends`.
    """
    if not figure.variance >= 0 or (figure.value != 0 and figure.variance <= _NO_SPREAD * figure.value**2):
        return without_interval(figure.value, n)
    error, (low, high) = math.sqrt(figure.variance), _ends(figure)
    return Estimate(figure.value, figure.value - low * error, figure.value - high * error, n)


def two_valued(figure: Linear, values: tuple[float, float], n: int, *, binary: bool = False) -> Estimate:
    """The interval of a mean of the two `values`, lower and higher: that of the `share` of the higher one."""
    low, width = values[0], values[1] - values[0]
    part = share((figure - low) * (1 / width), n, binary=binary)
    return Estimate(figure.value, low + width * part.low, low + width * part.high, n)


def mean_p(figure: Linear) -> float:
    """The two-sided p-value of a mean of 0 by Hall's correction of t for skewness, as in `mean`; NaN without a variance."""
    if not figure.variance >= 0:
        return math.nan
    if figure.variance == 0:
        return 1.0 if figure.value == 0 else 0.0
    t, skewness = figure.value / math.sqrt(figure.variance), _lifted_skewness(figure)
    return two_sided(t + skewness * (t**2 / 3 + skewness * t**3 / 27 + 1 / 6), figure.freedom)


def smooth(figure: Linear, n: int) -> Estimate:
    """Student's interval of any other smooth function of means, by the delta method."""
    if math.isnan(figure.value) or not figure.variance >= 0:
        return without_interval(figure.value, n)
    half = student_quantile(figure.freedom) * math.sqrt(figure.variance)
    return Estimate(figure.value, figure.value - half, figure.value + half, n)


def quotient(a: Linear, b: Linear, n: int) -> Estimate:
    """The interval of a / b by Fieller (Journal of the Royal Statistical Society B 16, 1954).

    It holds every quotient that t cannot reject, corrected for the skewness of a - (a / b) * b; see `_ends`. There is none if
    that is an unbounded set, because b cannot be told from 0.
    """
    value = a.value / b.value if b.value else math.nan
    if math.isnan(value) or min(a.freedom, b.freedom) <= 0:
        return without_interval(value, n)
    low, high = _ends(a - b * value, long_tails=False)
    shared = float(a.influence @ b.influence)
    ends = []
    # A low quotient leaves a positive a - quotient * b where b is positive.
    for t, sign in ((low, -1.0), (high, 1.0)) if b.value > 0 else ((high, -1.0), (low, 1.0)):
        lead, middle = b.value**2 - t**2 * b.variance, a.value * b.value - t**2 * shared
        if lead <= 0:
            return without_interval(value, n)
        root = math.sqrt(max(middle**2 - lead * (a.value**2 - t**2 * a.variance), 0.0))
        ends.append((middle + sign * root) / lead)
    return Estimate(value, ends[0], ends[1], n)


def percentiles(draws: npt.ArrayLike, n: int) -> Estimate:
    """The value in row 0 of `draws` [1 + resamples], and the 2.5th and 97.5th percentiles of the other rows (bootstrap)."""
    values = np.asarray(draws, np.float64)
    value, rest = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or not len(rest):
        return without_interval(value, n)
    low, high = np.percentile(rest, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n)


def _ends(figure: Linear, *, long_tails: bool = True) -> tuple[float, float]:
    """The t of the lower and the upper end of an interval of a mean.

    They are the outer ones of Student's interval and another: Hall's if the values may have long tails, else a score interval,
    whose variance changes with the mean as the skewness tells: (t * error)^2 = (quantile * error)^2 * (1 - skewness * t). For
    values that are all 0 or 1 it is nearly Wilson's. The more certain the skewness, the more the ends are those of the score
    interval alone.
    """
    quantile, skewness, lifted = student_quantile(figure.freedom), _skewness(figure), _lifted_skewness(figure)
    middle, half = -skewness * quantile**2 / 2, quantile * math.sqrt(1 + (skewness * quantile / 2) ** 2)
    score = middle + half, middle - half
    other = (_bent_back(quantile, lifted), _bent_back(-quantile, lifted)) if long_tails else score
    sure = min(max((_standard_errors(figure) - _DOUBTFUL) / (_CERTAIN - _DOUBTFUL), 0.0), 1.0)
    low, high = max(quantile, other[0]), min(-quantile, other[1])
    return low + sure * (score[0] - low), high + sure * (score[1] - high)


def _skewness(figure: Linear) -> float:
    """Skewness of the sum of the influences."""
    cubes = float((figure.influence**3).sum())
    return cubes / figure.variance**1.5 if figure.variance > 0 else 0.0


def _lifted_skewness(figure: Linear) -> float:
    """The same, made larger by (n + 10) / n: that of few values with a long tail falls short (`_SHORTFALL`)."""
    return _skewness(figure) * (1 + _SHORTFALL / figure.size)


def _standard_errors(figure: Linear) -> float:
    """Standard errors by which the skewness differs from that of symmetric influences."""
    cubes = figure.influence**3
    spread = math.sqrt(float(cubes @ cubes))
    return abs(float(cubes.sum())) / spread if spread > 0 else 0.0


def _bent_back(quantile: float, skewness: float) -> float:
    """The t whose transformation by Hall's polynomial is `quantile`."""
    if abs(skewness) < _NO_SKEW:
        return quantile
    return 3 / skewness * (math.cbrt(1 + skewness * (quantile - skewness / 6)) - 1)
