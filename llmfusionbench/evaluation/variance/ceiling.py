"""The gain of the oracle over a reference, divided into what a router could attain and what is luck."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.best_of import best_of_means, best_of_one, best_unseen, expected_best
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.statistics import Estimate, Floats

GROUPS: Final = 20
"""Groups of queries of the jackknife."""

_LEAST_GROUPS: Final = 5
_NORMAL_QUANTILE: Final = 1.959963984540054


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
    fixed = np.stack([best_of_one(cells) - base, best_unseen(cells, reference), best_of_means(cells) - base])
    groups = min(groups, len(base))
    group = _groups(cells, groups, seed)
    figures = np.array([_figures(cells, base, fixed, group != k) for k in range(-1, groups)])
    oracle, luck, attainable, at_least, at_most = (_jackknife(column, len(base)) for column in figures.T)
    return Ceiling(len(base), oracle, luck, attainable, at_least, at_most)


def _figures(cells: Cells, base: Floats, fixed: Floats, kept: np.ndarray) -> tuple[float, ...]:
    """Oracle, luck, attainable, at least and at most on some of the queries."""
    if not kept.any():
        return (math.nan,) * 5
    oracle, least, most = fixed[:, kept].mean(axis=1)
    attainable = float((expected_best(cells.rows(kept)) - base[kept]).mean())
    return float(oracle), float(oracle) - attainable, attainable, float(least), float(most)


def _groups(cells: Cells, groups: int, seed: int) -> Indices:
    """[Q] the group of each query, at random and balanced in each task."""
    order = np.lexsort((np.random.default_rng(seed).random(len(cells.task)), cells.task))
    group = np.empty(len(order), np.int64)
    group[order] = np.arange(len(order)) % max(1, groups)
    return group


def _jackknife(values: Floats, n: int) -> Estimate:
    """The estimate in `values[0]` and its interval from those without each group; NaN for fewer than 5 groups."""
    value, rest = float(values[0]), values[1:]
    if len(rest) < _LEAST_GROUPS:
        return Estimate(value, math.nan, math.nan, n)
    error = math.sqrt((len(rest) - 1) * float(rest.var()))
    half = student_quantile(len(rest) - 1) * error
    return Estimate(value, value - half, value + half, n)


def student_quantile(freedom: int) -> float:
    """The 97.5th percentile of Student's t, by the expansion of Abramowitz & Stegun, 26.7.5, for at least 4 degrees."""
    z, v = _NORMAL_QUANTILE, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
