"""The share of right answers from the share that a judge calls right, and the judge's sensitivity and specificity."""

from __future__ import annotations

import math

from llmfusionbench.statistics.intervals import Estimate, smooth, without_interval
from llmfusionbench.statistics.linear import Linear


def rogan_gladen(called: Linear, sensitivity: Linear, specificity: Linear, n: int) -> Estimate:
    """(called + specificity - 1) / (sensitivity + specificity - 1), from 0 to 1 (American J. of Epidemiology 107, 1978).

    The interval is by the delta method, with the errors of all three shares, which are over the same queries.

    Args:
        called: Share of the answers that the judge calls right.
        sensitivity: Share of the right answers that it calls right.
        specificity: Share of the wrong answers that it calls wrong.
        n: Number of answers that `called` is of.

    Returns:
        No value if the judge cannot be told from one that guesses: the interval of sensitivity + specificity - 1 reaches 0.
    """
    skill = sensitivity + specificity - 1.0
    if not smooth(skill, n).low > 0:
        return without_interval(math.nan, n)
    found = smooth((called + specificity - 1.0) / skill, n)
    value, low, high = (min(max(x, 0.0), 1.0) if not math.isnan(x) else x for x in found[:3])
    return Estimate(value, low, high, n)
