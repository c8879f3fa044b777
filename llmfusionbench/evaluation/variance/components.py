"""How the variance of scores splits into task, candidate, query, their interactions and luck."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.moments import Moments, task_moments
from llmfusionbench.statistics import Estimate, Floats, percentiles, ratio

COMPONENTS: Final = {
    "task": "differences between tasks",
    "candidate": "differences between candidates, over all tasks",
    "task_x_candidate": "candidates that are better in some tasks: a router by task could learn it",
    "query": "differences between the queries of a task, for all candidates",
    "query_x_candidate": "candidates that are better on some queries of a task: a router by query could learn it",
    "luck": "differences between answers of the same candidate to the same query: no router can learn it",
}
"""Component -> description."""

UNSPLIT: Final = "query_x_candidate_and_luck"
"""The component that scores without replicates have in place of the last two."""


class Split(NamedTuple):
    """Components of variance, each with its 95% interval over queries."""

    variance: dict[str, Estimate]
    """Component -> variance, and `total`, their sum; a small component may be estimated below 0."""
    share: dict[str, Estimate]
    """Component -> share of the total."""


def components(cells: Cells, *, resamples: int = 1000, seed: int = 0) -> Split:
    """Components of variance of the design (query : task) x candidate, with replicates within cells.

    Method of moments for unbalanced data: the mean product of two scores that share a task, a query, a candidate or a cell
    is the sum of the components that they share. In a balanced design the result is the ANOVA estimate (Brennan,
    Generalizability Theory, 2001; unbalanced designs are in its chapter 7). Tasks count by their number of queries.

    Intervals resample queries within tasks. They hold for the tasks and candidates given, and queries like these. NaN for a
    component that the design cannot tell: with one task, `candidate` includes `task_x_candidate`; without replicates,
    `query_x_candidate` and `luck` are one component, `UNSPLIT`.
    """
    weights = stratified_weights(cells, resamples, seed)
    centre = float(np.nanmean(cells.mean))
    found = [task_moments(cells, t, weights, centre) for t in range(cells.tasks)]
    share = np.bincount(cells.task) / len(cells.task)
    same_task, same_candidate, same_query, luck = (
        _averaged(share, np.stack([getattr(m, name) for m in found])) for name in ("task", "candidate", "query", "luck")
    )
    same_cell = _averaged(share, np.stack([m.cell() for m in found]))
    between = share * (1 - share)  # how much a task counts in pairs of two tasks
    task_level, candidate_level = (
        _averaged(between, np.stack([getattr(m, name) for m in found])) for name in ("task", "candidate")
    )
    apart, candidate_apart = _across(share, found)
    alone = cells.tasks == 1
    draws = {
        "task": task_level - apart,
        "candidate": same_candidate - same_task if alone else candidate_apart - apart,
        "task_x_candidate": candidate_level - candidate_apart - (task_level - apart),
        "query": same_query - same_task,
        "query_x_candidate": same_cell - same_query - (same_candidate - same_task),
        "luck": luck,
    }
    if not (cells.count > 1).any():
        score = _averaged(share, np.stack([m.score for m in found]))
        draws[UNSPLIT] = score - same_query - (same_candidate - same_task)
    total = np.nansum(list(draws.values()), axis=0)
    n = int(cells.count.sum())
    shares = {name: ratio(values, total) for name, values in draws.items()}
    draws["total"] = total
    return Split({k: percentiles(v, n) for k, v in draws.items()}, {k: percentiles(v, n) for k, v in shares.items()})


def stratified_weights(cells: Cells, resamples: int, seed: int) -> Floats:
    """[1 + resamples, Q] how often each query is drawn, tasks keeping their size; row 0 is the data."""
    rng = np.random.default_rng(seed)
    weights = np.ones((resamples + 1, len(cells.task)))
    for task in range(cells.tasks):
        rows = np.flatnonzero(cells.task == task)
        weights[1:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return weights


def _averaged(share: Floats, values: Floats) -> Floats:
    """[B] means of `values` [T, B] over the tasks that have one, weighted by `share` [T]."""
    known = ~np.isnan(values)
    return ratio(share @ np.where(known, values, 0.0), share @ known)


def _across(share: Floats, found: list[Moments]) -> tuple[Floats, Floats]:
    """[B] mean product of scores of two tasks: of different candidates, and of the same; NaN for a single task."""
    means = np.stack([m.means for m in found])
    known = ~np.isnan(means)
    part = share[:, None, None] * np.where(known, means, 0.0)
    size = share[:, None, None] * known
    (same, different), (same_n, different_n) = (_products(p) for p in (part, size))
    return ratio(different, different_n), ratio(same, same_n)


def _products(part: Floats) -> tuple[Floats, Floats]:
    """[B] sums over pairs of tasks of products of `part` [T, B, C]: of the same candidate, and of different ones."""
    same = (part.sum(axis=0) ** 2 - (part**2).sum(axis=0)).sum(axis=1)
    total = part.sum(axis=2)
    return same, total.sum(axis=0) ** 2 - (total**2).sum(axis=0) - same
