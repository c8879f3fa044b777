"""The gain of the oracle over a reference, divided into what a router could attain and what is luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.best_of import balanced_groups, best_of_means, best_of_one, best_unseen, expected_best
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.statistics import Estimate, Floats, student_quantile

GROUPS: Final = 20
"""Groups of queries of the jackknife."""

_LEAST_GROUPS: Final = 5


@dataclass(frozen=True)
class Ceiling:
    """Mean gains over the reference, each with a 95% interval over queries."""

    queries: int
    """Number of queries."""
    oracle: Estimate
    """Gain of the best of one answer per candidate, luck included."""
    luck: Estimate
    """Part of the oracle's gain that no router can attain: oracle - attainable."""
    attainable: Estimate
    """Gain of always choosing the candidate with the highest expected score."""
    at_least: Estimate
    """A lower bound of `attainable` without its assumptions: the gain on held-out replicates."""
    at_most: Estimate
    """An upper bound of `attainable` without its assumptions: the gain of the highest mean over all replicates."""


def ceiling(cells: Cells, reference: Indices, *, groups: int = GROUPS, seed: int = 0) -> Ceiling:
    """The gain that a router could attain at most, without the luck that choosing the best of several noisy scores adds.

    `attainable` is the posterior mean of the highest expected score under the priors of `prior.py`, less the reference's
    mean score. Intervals are those of a jackknife over groups of queries, balanced in each task, that estimates the priors
    again without each group (Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 3).

    Args:
        cells: Scores from 0 to 1, of tasks of which each has some replicates. The more cells have them, the better.
        reference: [Q] the candidate to gain over, such as the best single one of train; queries without its score (or with
            -1) do not count.
        groups: Number of groups; at most one per query.
        seed: Random seed of the groups.
    """
    at = np.arange(len(cells.task))
    kept = (reference >= 0) & (cells.count[at, np.maximum(reference, 0)] > 0)
    cells, reference = cells.rows(kept), reference[kept]
    base = cells.mean[np.arange(len(reference)), reference]
    attainable = attainable_gain(cells, base, groups=groups, seed=seed)
    group = balanced_groups(cells, groups, seed)
    fixed = (best_of_one(cells) - base, best_unseen(cells, reference, seed), best_of_means(cells) - base)
    oracle, at_least, at_most = (
        np.array([gains.mean(), *(_mean(gains[group != k]) for k in range(len(attainable) - 1))]) for gains in fixed
    )
    figures = (oracle, oracle - attainable, attainable, at_least, at_most)
    return Ceiling(len(base), *(jackknife(values, len(base)) for values in figures))


def attainable_gain(cells: Cells, base: Floats, *, groups: int = GROUPS, seed: int = 0) -> Floats:
    """[1 + groups] gain of the truly best candidates over `base` [Q]: on all queries, then without each group of them."""
    group = balanced_groups(cells, groups, seed)
    kept = [group != k for k in range(-1, int(group.max(initial=-1)) + 1)]
    return np.array([_mean(expected_best(cells.rows(rows)) - base[rows]) for rows in kept])


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def jackknife(values: Floats, n: int) -> Estimate:
    """The estimate in `values[0]` and its interval from those without each group; NaN for fewer than 5 groups."""
    value, rest = float(values[0]), values[1:]
    if len(rest) < _LEAST_GROUPS:
        return Estimate(value, math.nan, math.nan, n)
    error = math.sqrt((len(rest) - 1) * float(rest.var()))
    half = student_quantile(len(rest) - 1) * error
    return Estimate(value, value - half, value + half, n)
