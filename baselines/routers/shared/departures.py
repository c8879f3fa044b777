"""Departures of a query's scores from its task means: definition, scaling and projection of their predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array, indices, numbered


def departures(target: Array, means: Array) -> Array:
    """[Q, C] target - means, less its average over the query's candidates; NaN = missing.

    The average is the difficulty of the query, which is noise for the choice between candidates.
    """
    return _centred(target - means, ~np.isnan(target))


def query_averages(target: Array, means: Array) -> Array:
    """[Q, 1] the averages that `departures` subtracts: how much easier a query is than its task; NaN without scores."""
    given = ~np.isnan(target)
    count = given.sum(axis=1, keepdims=True)
    total = np.where(given, target - means, 0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(eq=False)
class TaskSlopes:
    """Per task, the factor for predicted departures: the slope of the true departures on held-out predictions.

    It is a regression through the origin over all cells of the task, shrunk towards the slope over all tasks (an
    empirical-Bayes estimate, as in Efron and Morris 1975). If the held-out predictions are uninformative, the slope is near 0
    and the task mean decides.

    Args:
        strength: Weight of the overall slope, in tasks with the mean sum of squared predictions.
        most: Maximum slope; the minimum is 0.
    """

    strength: float = 1.0
    most: float = 3.0

    def fit(self, tasks: Sequence[str], departure: Array, held_out: Array) -> TaskSlopes:
        """Slopes of `departure` [Q, C] on `held_out` [Q, C], over the cells that both have.

        Each row of `held_out` must come from a model that was fitted without it.
        """
        given = ~(np.isnan(departure) | np.isnan(held_out))
        truth, guess = (np.where(given, _centred(values, given), 0) for values in (departure, held_out))
        self.rows_ = numbered(tasks)
        place = indices(self.rows_, tasks)
        product = np.bincount(place, (truth * guess).sum(axis=1), len(self.rows_))
        square = np.bincount(place, (guess**2).sum(axis=1), len(self.rows_))
        overall = product.sum() / square.sum() if square.sum() > 0 else 1.0
        prior = self.strength * square.mean()
        weight = square + prior
        slopes = np.where(weight > 0, (product + prior * overall) / np.where(weight > 0, weight, 1), overall)
        self.values_ = np.clip(np.append(slopes, overall), 0, self.most)
        return self

    def of(self, tasks: Sequence[str]) -> Array:
        """[Q, 1] the slope of each query's task; the overall slope for an unseen task."""
        slopes: Array = self.values_[indices(self.rows_, tasks)][:, None]
        return slopes


@dataclass(eq=False)
class TaskAxes:
    """Per task, the few axes along which the scores of the candidates vary: principal components of the residuals.

    The first axis is mostly the difficulty of a query, and how much it matters to each candidate (the curve of an item-response
    model); the next ones separate groups of candidates. The rest of a prediction is mostly noise. An unseen task, and a task in
    which some pair of candidates shares fewer queries than there are candidates, keeps everything.

    Args:
        rank: Number of axes kept.
    """

    rank: int = 3

    def fit(self, tasks: Sequence[str], residual: Array) -> TaskAxes:
        """Axes of `residual` [Q, C] = target - task means; a covariance is over the queries that both candidates have."""
        self.rows_ = numbered(tasks)
        place = indices(self.rows_, tasks)
        found = [self._projection(residual[place == i]) for i in range(len(self.rows_))]
        self.values_ = np.stack([*found, np.eye(residual.shape[1])])
        return self

    def of(self, tasks: Sequence[str], values: Array) -> Array:
        """[Q, C] the projection of `values` [Q, C] onto the axes of each query's task."""
        place = indices(self.rows_, tasks)
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
        # The order of axes without variance is arbitrary, so they are dropped.
        first = candidates - self.rank
        axes = vectors[:, first:][:, sizes[first:] > 1e-9 * max(sizes[-1], 1e-9)]
        projection: Array = axes @ axes.T
        return projection


def _centred(values: Array, given: npt.NDArray[np.bool_]) -> Array:
    """[Q, C] values less their row average over `given`; NaN elsewhere."""
    kept = np.where(given, values, 0)
    average = kept.sum(axis=1, keepdims=True) / np.maximum(given.sum(axis=1, keepdims=True), 1)
    return np.where(given, kept - average, np.nan)
