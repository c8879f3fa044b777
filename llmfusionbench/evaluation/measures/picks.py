"""How a router spreads its choices: their entropy, and how seldom the chosen candidates fail together."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.measures.groups import Groups, Mask
from llmfusionbench.statistics import Estimate, Floats, Sample, mean, smooth, without_interval
from llmfusionbench.statistics.intervals import wilson

MOST_SINGLE: Final = 0.05
"""Share of the choices that are the only one of their candidate in the task, above which an entropy has no interval."""


LEAST_FAILURES: Final = 30
"""Failures of each failing candidate from which a focal diversity has an interval."""


def pick_entropy(choice: npt.ArrayLike, groups: Groups) -> Estimate:
    """Bits; mean over tasks of the entropy of the choices in each, its bias removed by jackknife (Zahl, Ecology 58, 1977).

    A task's n choices have the pseudo-values n * H - (n - 1) * H without the choice. Their mean estimates the entropy, and the
    interval is that of a mean over them. There is none if more than `MOST_SINGLE` of the choices are the only one of their
    candidate in the task: unseen candidates are then too likely. Where all choices of each task are the same, the upper end is
    the entropy of another choice in as many queries as Wilson's interval allows.

    Args:
        choice: [R] column of the candidate, -1 without a choice.
        groups: The tasks.
    """
    chosen = np.asarray(choice)
    pseudo = np.full(len(chosen), np.nan)
    alone = total = 0
    for members in groups.members("task").values():
        rows = np.flatnonzero(members & (chosen >= 0))
        if len(rows):
            counts = np.bincount(chosen[rows])
            pseudo[rows] = _pseudo_values(counts)[chosen[rows]]
            alone, total = alone + int((counts == 1).sum()), total + len(rows)
    figure = groups.macro(pseudo)
    if not total or alone > MOST_SINGLE * total or figure.freedom <= 0:
        return without_interval(max(figure.value, 0.0) if total else math.nan, total)
    if not figure.variance:
        _, other = wilson(0.0, figure.size)
        return Estimate(figure.value, figure.value, figure.value + _entropy(np.array([other, 1 - other])), total)
    found = mean(figure, total)
    return Estimate(max(found.value, 0.0), max(found.low, 0.0), max(found.high, 0.0), total)


def _entropy(shares: Floats) -> float:
    some = shares[shares > 0]
    return -float((some * np.log2(some)).sum()) + 0.0


def _pseudo_values(counts: npt.NDArray[np.int64]) -> Floats:
    """[C] the pseudo-value of a choice of each candidate, of which there are `counts` [C]."""
    n = int(counts.sum())
    whole = _entropy(counts / n)
    found = np.zeros(len(counts))
    for c in np.flatnonzero(counts):
        fewer = counts - (np.arange(len(counts)) == c)
        found[c] = n * whole - (n - 1) * (_entropy(fewer / (n - 1)) if n > 1 else 0.0)
    return found


def focal_diversity(performance: npt.ArrayLike, sample: Sample, rows: Mask) -> Estimate:
    """LLM-TOPLA's focal diversity (arXiv 2410.03953) of an ensemble: 1 - P(2) / P(1), mean over the members as the focal one.

    P(1) is the probability that a random member fails, P(2) that two do, on the queries where the focal one fails. A
    performance below 0.5 is a failure.

    Args:
        performance: [R, M]; queries with a missing value do not count.
        sample: The queries of the rows.
        rows: Mask [R] of the rows to use.

    Returns:
        The figure, NaN if no member fails; without an interval if a member fails, but on fewer than `LEAST_FAILURES` rows.
    """
    scores = np.asarray(performance, np.float64)
    use = rows & ~np.isnan(scores).any(axis=1)
    fails = (scores < 0.5).astype(np.float64)
    members = fails.shape[1]
    count = fails.sum(axis=1)
    parts = []
    failures = fails[use].sum(axis=0)
    for focal in np.flatnonzero(failures):
        own = fails[:, focal] * count
        one, two = sample.mean(own / members, use), sample.mean(own * (count - 1) / (members * (members - 1)), use)
        parts.append(two / one)
    n = int(use.sum())
    if not parts:
        return without_interval(math.nan, n)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    figure = total * (-1 / len(parts)) + 1.0
    return smooth(figure, n) if failures[failures > 0].min() >= LEAST_FAILURES else without_interval(figure.value, n)
