"""What a query's scores have beyond its task's means; how far, and along which axes, a prediction of that is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array


def departures(target: Array, means: Array) -> Array:
    """[Q, C] target beyond `means`, less its average over the query's candidates; NaN where missing.

    How hard a query is for all is noise to a choice, and is taken out.
    """
    return _centred(target - means, ~np.isnan(target))


def query_averages(target: Array, means: Array) -> Array:
    """[Q, 1] what `departures` takes out: by how much a query is easier for all than its task; NaN where nothing is scored."""
    given = ~np.isnan(target)
    count = given.sum(axis=1, keepdims=True)
    total = np.where(given, target - means, 0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class TaskSlopes:
    """By how much to multiply a prediction of departures in each task: the slope of what came true on what was held out.

    A regression through the origin over all cells of the task, drawn towards the slope of all tasks by so many tasks' worth of
    squared predictions (an empirical-Bayes estimate, as of Efron and Morris 1975). Where the held-out predictions say nothing,
    the slope is near 0 and the task's mean decides.

    Args:
        strength: Tasks' worth of the overall slope.
        most: Bound of a slope; the other one is 0.
    """

    def __init__(self, strength: float = 1.0, most: float = 3.0) -> None:
        self.strength = strength
        self.most = most

    def fit(self, tasks: Sequence[str], departure: Array, held_out: Array) -> TaskSlopes:
        """Slopes of `departure` [Q, C] on `held_out` [Q, C], over the cells that both have.

        Every row of `held_out` must come from a model that has not seen the row.
        """
        given = ~(np.isnan(departure) | np.isnan(held_out))
        truth, guess = (np.where(given, _centred(values, given), 0) for values in (departure, held_out))
        self.rows_ = {task: i for i, task in enumerate(sorted(set(tasks)))}
        place = np.array([self.rows_[task] for task in tasks], np.int64)
        product = np.bincount(place, (truth * guess).sum(axis=1), len(self.rows_))
        square = np.bincount(place, (guess**2).sum(axis=1), len(self.rows_))
        overall = product.sum() / square.sum() if square.sum() > 0 else 1.0
        prior = self.strength * square.mean()
        weight = square + prior
        slopes = np.where(weight > 0, (product + prior * overall) / np.where(weight > 0, weight, 1), overall)
        self.values_ = np.clip(np.append(slopes, overall), 0, self.most)
        return self

    def of(self, tasks: Sequence[str]) -> Array:
        """[Q, 1] the slope of each query's task; the overall one where the task was not seen."""
        slopes: Array = self.values_[[self.rows_.get(task, -1) for task in tasks]][:, None]
        return slopes


class TaskAxes:
    """The few axes, in every task its own, along which the candidates' scores part from the task's means.

    Scores of one query go together: the first axis is mostly how hard it is, with how much that matters to each candidate (the
    curve of an item-response model), the next set groups of candidates apart. What a prediction has off these axes is noise for
    the most part. The axes are principal components of the residuals. Everything is kept in a task that was not seen, or where
    some two candidates have fewer queries in common than there are candidates: too few for a covariance.

    Args:
        rank: Axes that are kept.
    """

    def __init__(self, rank: int = 3) -> None:
        self.rank = rank

    def fit(self, tasks: Sequence[str], residual: Array) -> TaskAxes:
        """Axes of `residual` [Q, C], target beyond the task's means; a covariance is over the queries that both have."""
        self.rows_ = {task: i for i, task in enumerate(sorted(set(tasks)))}
        place = np.array([self.rows_[task] for task in tasks], np.int64)
        found = [self._projection(residual[place == i]) for i in range(len(self.rows_))]
        self.values_ = np.stack([*found, np.eye(residual.shape[1])])
        return self

    def of(self, tasks: Sequence[str], values: Array) -> Array:
        """[Q, C] what `values` [Q, C] have along the axes of each query's task."""
        place = np.array([self.rows_.get(task, -1) for task in tasks], np.int64)
        kept = np.empty_like(values)
        for i in np.unique(place):
            kept[place == i] = values[place == i] @ self.values_[i]
        return kept

    def _projection(self, residual: Array) -> Array:
        """[C, C]"""
        candidates = residual.shape[1]
        given = ~np.isnan(residual)
        common = given.T.astype(np.float64) @ given
        if candidates <= self.rank or common.min() < candidates:
            return np.eye(candidates)
        filled = np.where(given, residual, 0)
        sizes, vectors = np.linalg.eigh(filled.T @ filled / common)
        # Axes without any variance are in no order: which of them came first would be chance.
        first = candidates - self.rank
        axes = vectors[:, first:][:, sizes[first:] > 1e-9 * max(sizes[-1], 1e-9)]
        projection: Array = axes @ axes.T
        return projection


def _centred(values: Array, given: npt.NDArray[np.bool_]) -> Array:
    """[Q, C] values less each row's average over `given`; NaN elsewhere."""
    kept = np.where(given, values, 0)
    average = kept.sum(axis=1, keepdims=True) / np.maximum(given.sum(axis=1, keepdims=True), 1)
    return np.where(given, kept - average, np.nan)
