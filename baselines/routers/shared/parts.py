"""What routers share: means of tasks that are shrunk and skip what is missing, features of prompts, regressions with gaps.

Everything here is linear algebra on a table's target; which model to make of it is the business of each router.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.texts.embedding import Embedder, TfidfSvdEmbedder

Array = npt.NDArray[np.float64]


def target_of(table: RoutingTable) -> Array:
    """[Q, C] what is to be maximised; NaN where missing.

    Raises:
        InputError: the table holds no score at all.
    """
    target = table.target.astype(np.float64)
    if not target.size or np.isnan(target).all():
        raise InputError(f"fit: {len(table)} queries without a single score. Remedy: fit on a split that has scores")
    return target


def learned(router: object, name: str) -> Any:
    """What `fit` left in a router.

    Raises:
        InputError: it was not fitted.
    """
    if not hasattr(router, name):
        raise InputError(f"{type(router).__name__}: score before fit. Remedy: fit(table) first")
    return getattr(router, name)


def overall_means(target: Array) -> Array:
    """[C] mean of every candidate; one that has no score at all is taken to be as good as the worst."""
    means = column_means(target.astype(np.float32))
    return np.where(np.isnan(means), np.nanmin(means), means)


class TaskMeans:
    """Mean of every candidate in every task, drawn towards its overall mean: (sum + k * overall) / (n + k).

    The form of an empirical-Bayes estimate with k queries' worth of prior (Efron and Morris 1975); a task that was not seen
    has the overall means.

    Args:
        strength: k.
    """

    def __init__(self, strength: float = 5.0) -> None:
        self.strength = strength

    def fit(self, tasks: Sequence[str], target: Array) -> TaskMeans:
        """Means of `target` [Q, C] over the cells that are there."""
        self.rows_ = {task: i for i, task in enumerate(sorted(set(tasks)))}
        self.overall_ = overall_means(target)
        given = ~np.isnan(target)
        member = np.zeros((len(self.rows_), len(tasks)))
        member[[self.rows_[task] for task in tasks], np.arange(len(tasks))] = 1
        sums = member @ np.where(given, target, 0)
        shrunk = (sums + self.strength * self.overall_) / (member @ given + self.strength)
        self.values_ = np.vstack([shrunk, self.overall_])
        return self

    def of(self, tasks: Sequence[str]) -> Array:
        """[Q, C] the means of each query's task."""
        means: Array = self.values_[[self.rows_.get(task, -1) for task in tasks]]
        return means


class Features:
    """Prompts as vectors, followed by their task one-hot.

    Args:
        embedder: `TfidfSvdEmbedder()` by default; it is fitted if it can be.
        with_task: Whether the task is among the features; one that was not seen is all zeros.
    """

    def __init__(self, embedder: Embedder | None = None, *, with_task: bool = True) -> None:
        self.embedder = embedder
        self.with_task = with_task

    def fit(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Features:
        """Learn the vocabulary, the tasks and the centre of the vectors."""
        self.embedder_: Any = TfidfSvdEmbedder() if self.embedder is None else self.embedder
        if hasattr(self.embedder_, "fit"):
            self.embedder_.fit(prompts)
        self.tasks_ = {task: i for i, task in enumerate(sorted(set(tasks)))}
        self.centre_ = self.embedder_.encode(prompts).mean(axis=0)
        return self

    def of(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, d] float64."""
        if not len(prompts):
            return np.zeros((0, len(self.centre_) + len(self.tasks_) * self.with_task))
        vectors: Array = (self.embedder_.encode(prompts) - self.centre_).astype(np.float64)
        if not self.with_task:
            return vectors
        one_hot = np.zeros((len(tasks), len(self.tasks_)))
        for row, task in enumerate(tasks):
            if task in self.tasks_:
                one_hot[row, self.tasks_[task]] = 1
        return np.hstack([vectors, one_hot])


def ridge(features: Array, target: Array, penalty: float) -> Array:
    """[d, C] weights of a ridge regression of every column on the rows where it has a value.

    One inverse serves all columns: what a column misses is taken out of it by the identity of Woodbury. Where that is more
    than half of the features' number, and so no saving, the column is solved for by itself. One without values gets zeros.
    """
    given = ~np.isnan(target)
    width = features.shape[1]
    inverse = np.linalg.inv(features.T @ features + penalty * np.eye(width))
    weights: Array = inverse @ (features.T @ np.where(given, target, 0))
    for column in np.flatnonzero(~given.all(axis=0)):
        rows = given[:, column]
        gaps = features[~rows]
        if 2 * len(gaps) < width:
            spread = inverse @ gaps.T
            weights[:, column] += spread @ np.linalg.solve(np.eye(len(gaps)) - gaps @ spread, gaps @ weights[:, column])
        else:
            x = features[rows]
            weights[:, column] = np.linalg.solve(x.T @ x + penalty * np.eye(width), x.T @ target[rows, column])
    return weights


def best_labels(target: Array, cost: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    """[Q] column of the best candidate of every query, ties to the one that costs least on average."""
    means = column_means(np.asarray(cost, np.float32))
    order = np.argsort(np.where(np.isnan(means), np.inf, means), kind="stable")
    filled = np.where(np.isnan(target), -np.inf, target)
    labels: npt.NDArray[np.int64] = order[np.argmax(filled[:, order], axis=1)]
    return labels
