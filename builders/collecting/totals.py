"""Totals over planned calls, of which some are measured: what is known, plus an estimate for the rest with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from llmfusionbench.statistics import Estimate, Linear, mean, pooled, quotient, without_interval

_NO_SPREAD: Final = 1e-24
"""Variance of equal values as a multiple of their square: rounding."""


def group_total(values: Sequence[float], others: int, known: float = 0.0) -> Linear:
    """The total of a group of calls: `known`, plus the mean of `values` for each of the `others`.

    Its variance is that of predicting a total from a simple random sample: s^2 * M * (M + n) / n for M others and n values,
    which for the rest of a finite population is N^2 * (1 - n / N) * s^2 / n (Cochran, Sampling Techniques, 1977, 2.6).
    Equal values do not tell the spread, so that a total with others has no degrees of freedom then.

    Args:
        values: [n] one per measured call.
        others: M, the number of calls to predict.
        known: The sum over calls of the group that are measured.
    """
    n = len(values)
    if not others:
        return Linear(known, np.zeros(0), math.inf, math.inf)
    if not n:
        return Linear(math.nan, np.zeros(0), 0.0, 0.0)
    found = pooled(np.asarray(values, np.float64), np.ones(n))
    scale = others * math.sqrt((others + n) / others)
    freedom = found.freedom if found.variance > _NO_SPREAD * found.value**2 else 0.0
    return Linear(known + found.value * others, found.influence * scale, freedom, found.size)


def summed(parts: Iterable[Linear]) -> Linear:
    """The sum of totals of independent groups, with the degrees of freedom of Satterthwaite (Biometrics 2, 1946)."""
    parts = list(parts)
    value = float(sum(part.value for part in parts))
    influence = np.concatenate([part.influence for part in parts]) if parts else np.zeros(0)
    guessed = [part for part in parts if math.isfinite(part.freedom)]
    if not guessed:
        return Linear(value, influence, math.inf, math.inf)
    size = float(sum(part.size for part in guessed))
    if any(part.freedom <= 0 for part in guessed):
        return Linear(value, influence, 0.0, size)
    variances = np.array([part.variance for part in guessed])
    freedom = variances.sum() ** 2 / (variances**2 / np.array([part.freedom for part in guessed])).sum()
    return Linear(value, influence, float(freedom), size)


def between(total: Linear, least: float = 0.0, most: float = math.inf) -> Estimate:
    """The 95% interval of a total that is at least `least` and at most `most`, by `statistics.mean`.

    A total without a group to predict is exact. There is no interval if a group has fewer than two values, or if all of its
    values are equal, since their spread is then unknown.
    """
    if math.isinf(total.freedom) and math.isinf(total.size):
        return Estimate(total.value, total.value, total.value, 0)
    n = int(total.size)
    found = mean(total, n) if total.freedom > 0 else without_interval(total.value, n)
    value, low, high = (end if math.isnan(end) else min(max(end, least), most) for end in found[:3])
    return Estimate(value, low, high, n)


def scaled_total(pairs: Sequence[tuple[float, float]], rest: float) -> Estimate:
    """The total of a figure that an estimate is known of for every call: what is known, plus a multiple of the estimates.

    The multiple is the quotient of the sums over the measured calls, with Fieller's interval: the ratio estimator (Cochran,
    Sampling Techniques, 1977, 6). There is no interval if all quotients are equal. Without a measured call
    the estimates stand for the figure, without an interval.

    Args:
        pairs: (figure, estimate) per measured call.
        rest: The sum of the estimates of all other calls.
    """
    known = math.fsum(figure for figure, _ in pairs)
    if not rest:
        return Estimate(known, known, known, len(pairs))
    if not pairs:
        return without_interval(rest, 0)
    ones = np.ones(len(pairs))
    figures, estimates = (pooled(np.array(column, np.float64), ones) for column in zip(*pairs, strict=True))
    found = quotient(figures, estimates, len(pairs))
    value, low, high = (known + end * rest for end in found[:3])
    first_figure, first_estimate = pairs[0]
    if all(figure * first_estimate == first_figure * estimate for figure, estimate in pairs):
        return without_interval(value, found.n)
    return Estimate(value, low if math.isnan(low) else max(known, low), high, found.n)


def added(parts: Sequence[Estimate]) -> Estimate:
    """The sum of independent figures. Its interval is recovered from theirs (Zou & Donner, Statistics in Medicine 27, 2008).

    There is no interval if one of them has none.
    """
    value = math.fsum(part.value for part in parts)
    below = math.sqrt(math.fsum((part.value - part.low) ** 2 for part in parts))
    above = math.sqrt(math.fsum((part.high - part.value) ** 2 for part in parts))
    return Estimate(value, value - below, value + above, sum(part.n for part in parts))


def slowest(parts: Sequence[Estimate]) -> Estimate:
    """The largest of several times that pass side by side; unknown if one of them is."""
    if not parts or any(math.isnan(part.value) for part in parts):
        return without_interval(math.nan, 0)
    longest = max(parts, key=lambda part: part.value)
    if math.isnan(longest.low):
        return longest
    return Estimate(
        longest.value,
        max(part.low for part in parts if not math.isnan(part.low)),
        max(part.high for part in parts if not math.isnan(part.high)),
        longest.n,
    )
