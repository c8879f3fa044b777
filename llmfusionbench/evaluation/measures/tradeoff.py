"""Quality against cost: the sweep over willingness to pay, AIQ, RouteLLM's curve, and the figures of LLMRouterBench."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from llmfusionbench.evaluation.measures.groups import column_ratios
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.statistics import Estimate, Floats, Linear, Sample, mean, ratio

SWEEP: Final = 25
"""Values of lambda, the willingness to pay."""

CPT: Final = (0.5, 0.8)
"""Levels of PGR whose least share of strong calls is reported."""

Point = tuple[Linear, Linear]
"""Mean cost (USD) and mean performance."""

_DRAWS: Final = 200
"""Random moves of the points of an AIQ."""

_STEP: Final = 1e-7
"""Step of a slope, as a part of the range."""


def sweep(trial: Trial, scores: Floats) -> Indices:
    """[R, SWEEP] choices argmax lambda * score - expected cost, lambda on a log grid (RouterBench, arXiv 2403.12031).

    The grid is in USD per unit of score, from 1e-4 to 1e4 times the range of the expected costs: its ends choose the cheapest
    candidate and the one with the highest score. An unknown cost counts as the highest.
    """
    span = trial.train_cost
    dear = np.nanmax(span) if not np.isnan(span).all() else 0.0
    price = np.where(np.isnan(span), dear, span)
    width = float(price.max() - price.min()) if price.size else 0.0
    grid = (width or 1.0) * np.logspace(-4, 4, SWEEP)
    known = np.isfinite(scores)
    value = np.where(known, scores, 0.0)
    nothing = ~known.any(axis=1)
    choices = np.empty((len(scores), SWEEP), np.int64)
    with np.errstate(over="ignore"):  # the scores of a bound may be the largest float
        for i, willing in enumerate(grid):
            choices[:, i] = np.argmax(np.where(known, willing * value - price, -np.inf), axis=1)
    choices[nothing] = -1
    return choices


def hull_area(cost: Floats, performance: Floats, low: Floats | None = None, high: Floats | None = None) -> Floats:
    """[B] AIQ: the area under the non-decreasing upper convex hull of L points, divided by a range of cost (arXiv 2403.12031).

    Routers are compared over one range for all. As in the code published with RouterBench, a hull goes on at its highest
    performance above the cost of its last point, and counts 0 below that of its first, where the router cannot be run.

    Args:
        cost: [B, L] USD, NaN = missing point.
        performance: [B, L], NaN = missing point.
        low: [B] USD, the lower end of the range, not above any point; by default the lowest cost of the points.
        high: [B] USD, the upper end of the range, not below any point; by default the highest cost of the points.

    Returns:
        [B]; the highest performance if the range has no width, NaN without points.
    """
    absent = np.isnan(cost) | np.isnan(performance)
    x = np.where(absent, np.inf, cost)
    order = np.argsort(x, axis=1, kind="stable")
    x = np.take_along_axis(x, order, axis=1)
    y = np.take_along_axis(np.where(absent, -np.inf, performance), order, axis=1)
    y = np.maximum.accumulate(y, axis=1)
    there = np.isfinite(x)
    x = np.where(there, x, np.max(np.where(there, x, -np.inf), axis=1, keepdims=True))  # missing points repeat the last one
    batch, length = x.shape
    rows = np.arange(batch)
    stack = np.zeros((batch, length), np.int64)
    top = np.zeros(batch, np.int64)
    for i in range(1, length):
        while True:
            a, b = stack[rows, np.maximum(top - 1, 0)], stack[rows, top]
            with np.errstate(invalid="ignore"):
                bends_up = (y[rows, b] - y[rows, a]) * (x[:, i] - x[rows, a]) <= (y[:, i] - y[rows, a]) * (
                    x[rows, b] - x[rows, a]
                )
            pops = (top > 0) & bends_up
            if not pops.any():
                break
            top -= pops
        # Of two points at the same cost, only the later, higher one counts.
        same = x[:, i] == x[rows, stack[rows, top]]
        top = np.where(same, top, top + 1)
        stack[rows, top] = i
    area = np.zeros(batch)
    x, y = np.where(np.isfinite(x), x, 0.0), np.where(np.isfinite(y), y, 0.0)  # rows without points become NaN below
    for i in range(1, length):
        left, right = stack[:, i - 1], stack[:, i]
        piece = (x[rows, right] - x[rows, left]) * (y[rows, left] + y[rows, right]) / 2
        area += np.where(i <= top, piece, 0.0)
    last, flat = x[rows, stack[rows, top]], y[rows, stack[rows, top]]
    area += 0.0 if high is None else flat * (high - last)
    width = (last if high is None else high) - (x[:, 0] if low is None else low)
    value = np.where(width > 0, ratio(area, width), flat)
    found: Floats = np.where(there.any(axis=1), value, np.nan)
    return found


def joint_area(points: list[Point], low: Linear, high: Linear) -> Linear:
    """AIQ of a router over the range of cost of a report, by the delta method: the slopes of `hull_area` are differences.

    Args:
        points: The points of its sweep.
        low: The lowest mean cost of the report.
        high: The highest mean cost of the report.
    """
    kept = _distinct(points)
    if not kept:
        return points[0][0] * float("nan")
    parts = [*(cost for cost, _ in kept), *(quality for _, quality in kept), low, high]
    values = np.array([part.value for part in parts])
    n = len(kept)
    steps = np.full(len(parts), _STEP)
    steps[[*range(n), 2 * n, 2 * n + 1]] *= (high.value - low.value) or 1.0
    moved = np.vstack([values, values + np.diag(steps), values - np.diag(steps)])
    areas = hull_area(moved[:, :n], moved[:, n : 2 * n], moved[:, 2 * n], moved[:, 2 * n + 1])
    up, down = areas[1 : len(parts) + 1], areas[len(parts) + 1 :]
    figure = parts[0] * 0.0 + float(areas[0])
    for part, slope in zip(parts, (up - down) / (2 * steps), strict=True):
        figure = figure + (part - part.value) * float(slope)
    return figure


def area_interval(points: list[Point], low: Linear, high: Linear, n: int) -> Estimate:
    """`joint_area` with the interval of a mean of `n` values.

    Where several noisy points are nearly on the hull, the highest of them vary less than each, and are too high. So the spread
    and the bias of a sweep are those of the area when all means move together by random amounts with their covariance (the
    multiplier bootstrap; van der Vaart & Wellner, Weak Convergence and Empirical Processes, 1996, 2.9).
    """
    figure, kept = joint_area(points, low, high), _distinct(points)
    if len(kept) < 2 or not figure.variance > 0:
        return mean(figure, n)
    parts = [*(cost for cost, _ in kept), *(quality for _, quality in kept), low, high]
    values, influences = np.array([part.value for part in parts]), np.stack([part.influence for part in parts])
    rng, k = np.random.default_rng(0), len(kept)
    moved = values + np.array([influences @ rng.standard_normal(influences.shape[1]) for _ in range(_DRAWS)])
    areas = hull_area(moved[:, :k], moved[:, k : 2 * k], moved[:, 2 * k], moved[:, 2 * k + 1])
    bias, scale = float(areas.mean()) - figure.value, float(areas.std()) / math.sqrt(figure.variance)
    found = mean(Linear(figure.value - bias, scale * figure.influence, figure.freedom, figure.size), n)
    return Estimate(figure.value, min(found.low, figure.value), max(found.high, figure.value), n)


def _distinct(points: list[Point]) -> list[Point]:
    """The points that have both values, each once."""
    distinct = {(cost.value, quality.value): (cost, quality) for cost, quality in points}
    return [pair for place, pair in distinct.items() if not np.isnan(place).any()]


def strong_weak_curve(trial: Trial, scores: Floats, sample: Sample) -> tuple[tuple[Linear, Linear], dict[str, float]]:
    """APGR and CPT of RouteLLM (arXiv 2406.18665).

    The strong candidate has the best train performance, and the weak one is the cheapest. Queries go to the strong one in the
    order of their score difference, ties together, while PGR rises from 0 to 1. NaN if the two are the same or if the strong
    one does not perform better.

    Returns:
        Numerator and denominator of APGR: a query's gain counts by the share of the queries after it, and half of those tied
        with it. Name -> value of CPT.
    """
    rows = np.arange(len(scores))
    with np.errstate(invalid="ignore", over="ignore"):  # the difference of two missing scores is NaN
        difference = scores[rows, trial.strongest] - scores[rows, trial.cheapest]
    gain = trial.cells(trial.table.performance, trial.strongest) - trial.cells(trial.table.performance, trial.cheapest)
    use = np.flatnonzero(~np.isnan(gain) & ~np.isnan(difference) & (trial.strongest != trial.cheapest) & ~trial.outside)
    area, whole = np.full(len(scores), np.nan), np.full(len(scores), np.nan)
    names = {level: f"cpt_{round(100 * level)}" for level in CPT}
    if not len(use) or gain[use].sum() <= 0:
        return (sample.mean(area), sample.mean(whole)), dict.fromkeys(names.values(), float("nan"))
    levels, run = np.unique(-difference[use], return_inverse=True)
    size, won = np.bincount(run), np.bincount(run, gain[use], len(levels))
    before = np.cumsum(size) - size / 2  # queries before the middle of each run
    # A query moves the curve by its own gain, and by the gains before it, which then count for one query more.
    own = gain[use] * (1 - before[run] / len(use))
    others = (np.cumsum(won) - won / 2)[run] / len(use)
    area[use] = own + others - float(others.mean())
    whole[use] = gain[use]
    share = np.concatenate([[0.0], np.cumsum(size) / len(use)])
    pgr = np.concatenate([[0.0], np.cumsum(won) / won.sum()])
    reached = {level: np.flatnonzero(pgr >= level) for level in CPT}
    least = {name: float(share[reached[level][0]]) if len(reached[level]) else float("nan") for level, name in names.items()}
    return (sample.mean(area), sample.mean(whole)), least


def frontier(cost: Floats, performance: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[P] whether a point is Pareto-optimal; points with a missing value are not."""
    mask = np.zeros(len(cost), bool)
    known = np.flatnonzero(~np.isnan(cost) & ~np.isnan(performance))
    best = -np.inf
    for i in known[np.lexsort((known, -performance[known], cost[known]))]:
        if performance[i] > best:
            mask[i], best = True, performance[i]
    return mask


def frontier_distance(cost: Floats, performance: Floats, front_cost: Floats, front_performance: Floats) -> float:
    """The mean distance of L points to the nearest of F points of the joint frontier; NaN without points.

    `cost` (USD) and `performance` are [L], those of the frontier [F]. Both axes are scaled to the range of the frontier.
    """
    if not len(front_cost):
        return float("nan")
    width, height = float(np.ptp(front_cost)) or 1.0, float(np.ptp(front_performance)) or 1.0
    squares = ((cost[:, None] - front_cost) / width) ** 2 + ((performance[:, None] - front_performance) / height) ** 2
    return float(column_ratios(np.sqrt(squares.min(axis=1))[:, None])[0])
