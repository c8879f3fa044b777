"""Quality against cost: the sweep over willingness to pay, AIQ, RouteLLM's curve, and the figures of LLMRouterBench."""

from __future__ import annotations

from typing import Final

import numpy as np

from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.statistics import Floats, Resamples, ratio

SWEEP: Final = 25
"""Values of lambda, the willingness to pay."""

CPT: Final = (0.5, 0.8)
"""Levels of PGR whose least share of strong calls is reported."""


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


def hull_area(cost: Floats, performance: Floats) -> Floats:
    """[B] AIQ: the area under the non-decreasing upper convex hull of L points, divided by their range of cost.

    `cost` (USD) and `performance` are [B, L]; NaN = missing point. AIQ is the highest performance if all points cost the same,
    and NaN without points.
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
    with np.errstate(invalid="ignore"):  # a row without points has no width
        width = x[rows, stack[rows, top]] - x[:, 0]
    flat = y[rows, stack[rows, top]]
    value = np.where(width > 0, ratio(area, width), flat)
    found: Floats = np.where(there.any(axis=1), value, np.nan)
    return found


def strong_weak_curve(trial: Trial, scores: Floats, resamples: Resamples) -> dict[str, Floats]:
    """APGR and CPT of RouteLLM (arXiv 2406.18665), name -> [1 + resamples].

    The strong candidate has the best train performance, and the weak one is the cheapest. Queries go to the strong one in the
    order of their score difference, ties together, while PGR rises from 0 to 1. NaN if the two are the same or perform equally.
    """
    rows = np.arange(len(scores))
    with np.errstate(invalid="ignore", over="ignore"):  # the difference of two missing scores is NaN
        difference = scores[rows, trial.strongest] - scores[rows, trial.cheapest]
    gain = trial.cells(trial.table.performance, trial.strongest) - trial.cells(trial.table.performance, trial.cheapest)
    use = np.flatnonzero(~np.isnan(gain) & ~np.isnan(difference) & (trial.strongest != trial.cheapest) & ~trial.outside)
    nothing = np.full(len(resamples.weights), np.nan)
    if not len(use):
        return {"apgr": nothing, **{f"cpt_{round(100 * level)}": nothing for level in CPT}}
    order = use[np.argsort(-difference[use], kind="stable")]
    ends = np.append(np.flatnonzero(difference[order][1:] != difference[order][:-1]), len(order) - 1)
    weights = resamples.weights[:, order]
    share = np.cumsum(weights, axis=1)[:, ends]
    won = np.cumsum(weights * gain[order], axis=1)[:, ends]
    start = np.zeros((len(weights), 1))
    share = np.hstack([start, ratio(share, share[:, -1:])])
    pgr = np.hstack([start, ratio(won, won[:, -1:])])
    pgr = np.where(won[:, -1:] > 0, pgr, np.nan)  # without a gain there is no gap to recover
    curve = {"apgr": ((share[:, 1:] - share[:, :-1]) * (pgr[:, 1:] + pgr[:, :-1]) / 2).sum(axis=1)}
    for level in CPT:
        with np.errstate(invalid="ignore"):
            reached = pgr >= level
        first = share[np.arange(len(share)), reached.argmax(axis=1)]
        curve[f"cpt_{round(100 * level)}"] = np.where(reached.any(axis=1), first, np.nan)
    return curve


def frontier(cost: Floats, performance: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[P] whether a point is Pareto-optimal; points with a missing value are not."""
    mask = np.zeros(len(cost), bool)
    known = np.flatnonzero(~np.isnan(cost) & ~np.isnan(performance))
    best = -np.inf
    for i in known[np.lexsort((known, -performance[known], cost[known]))]:
        if performance[i] > best:
            mask[i], best = True, performance[i]
    return mask


def frontier_distance(cost: Floats, performance: Floats, front_cost: Floats, front_performance: Floats) -> Floats:
    """[B] mean distance of L points to the nearest of F points of the joint frontier.

    `cost` (USD) and `performance` are [B, L], those of the frontier [B, F]. Both axes are scaled to the range of the frontier
    in the data, row 0.
    """
    if not front_cost.shape[1]:
        return np.full(len(cost), np.nan)
    width = float(np.ptp(front_cost[0])) or 1.0
    height = float(np.ptp(front_performance[0])) or 1.0
    squares = ((cost[:, :, None] - front_cost[:, None, :]) / width) ** 2
    squares = squares + ((performance[:, :, None] - front_performance[:, None, :]) / height) ** 2
    nearest = np.sqrt(squares.min(axis=2))
    known = ~np.isnan(nearest)
    return ratio(np.where(known, nearest, 0.0).sum(axis=1), known.sum(axis=1))
