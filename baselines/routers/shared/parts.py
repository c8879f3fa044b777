"""Linear algebra that routers share: means per task, features of prompts, clusters, and ridge regression with gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError
from llmfusionbench.release.failures import all_failed_error
from llmfusionbench.release.routing_table import RoutingTable, column_means, comparable_means
from llmfusionbench.texts.embedding import Embedder, TfidfSvdEmbedder
from llmfusionbench.types import Candidate

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def target_of(table: RoutingTable) -> Array:
    """[Q, C] what a router maximises; NaN = missing. Raises InputError if the table has no score at all."""
    target = table.target.astype(np.float64)
    if not target.size or np.isnan(target).all():
        raise no_scores(table)
    return target


def no_scores(table: RoutingTable) -> InputError:
    """The error for a train table without scores."""
    if table.all_failed:
        return all_failed_error("fit", int(table.failures.sum()))
    return InputError(f"fit: {len(table)} queries without a single score. Remedy: fit on a split that has scores")


def learned(router: object, name: str) -> Any:
    """An attribute that `fit` sets. Raises InputError before `fit`."""
    if not hasattr(router, name):
        raise InputError(f"{type(router).__name__}: score before fit. Remedy: call fit(table) first")
    return getattr(router, name)


def llm_numbers(table: RoutingTable, column: str) -> Array:
    """[C] a numeric column of the table `llms` for each candidate; NaN = unknown."""
    rows = [table.llm_info.get(Candidate.parse(name).llm, {}) for name in table.candidates]
    return np.array([np.nan if row.get(column) is None else float(row[column]) for row in rows])


def overall_means(target: Array) -> Array:
    """[C] mean of each candidate, comparable where scores are missing; a candidate without scores gets the lowest mean."""
    means = comparable_means(target.astype(np.float32))
    return np.where(np.isnan(means), np.nanmin(means), means)


def numbered(names: Sequence[str]) -> dict[str, int]:
    """Name -> its index among the distinct names in sorted order."""
    return {name: i for i, name in enumerate(sorted(set(names)))}


def indices(numbers: dict[str, int], names: Sequence[str]) -> Indices:
    """[n] the number of each name; -1 for an unknown one."""
    return np.array([numbers.get(name, -1) for name in names], np.int64)


def fold_masks(n: int, count: int, seed: int) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """(train, held-out) masks [n] of `count` random folds."""
    fold = np.random.default_rng(seed).permutation(n) % count
    for k in range(count):
        yield fold != k, fold == k


def fit_clusters(vectors: npt.NDArray[Any], count: int, seed: int, tries: int = 3) -> Any:
    """A fitted scikit-learn KMeans with `count` clusters, or fewer if there are fewer distinct vectors."""
    from sklearn.cluster import KMeans

    distinct = len({row.tobytes() for row in vectors})
    return KMeans(min(count, distinct), n_init=tries, random_state=seed).fit(vectors)


def cluster_names(model: Any, vectors: Array) -> list[str]:
    """[Q] the cluster of each vector, as text."""
    return [str(label) for label in model.predict(vectors)] if len(vectors) else []


@dataclass(eq=False)
class TaskMeans:
    """Mean of each candidate in each task, shrunk towards its overall mean: (sum + k * overall) / (n + k).

    This is an empirical-Bayes estimate (Efron and Morris 1975). An unseen task has the overall means.

    Args:
        strength: k, weight of the overall mean, in queries.
    """

    strength: float = 5.0

    def fit(self, tasks: Sequence[str], target: Array) -> TaskMeans:
        """Means of `target` [Q, C]; NaN = missing."""
        self.rows_ = numbered(tasks)
        self.overall_ = overall_means(target)
        given = ~np.isnan(target)
        member = np.zeros((len(self.rows_), len(tasks)))
        member[indices(self.rows_, tasks), np.arange(len(tasks))] = 1
        sums = member @ np.where(given, target, 0)
        shrunk = (sums + self.strength * self.overall_) / (member @ given + self.strength)
        self.values_ = np.vstack([shrunk, self.overall_])
        return self

    def of(self, tasks: Sequence[str]) -> Array:
        """[Q, C] the means of each query's task."""
        means: Array = self.values_[indices(self.rows_, tasks)]
        return means


def fitted_embedder(embedder: Embedder | None, prompts: Sequence[str | None]) -> Any:
    """The embedder, `TfidfSvdEmbedder()` by default, fitted on the train prompts if it has `fit`."""
    chosen: Any = TfidfSvdEmbedder() if embedder is None else embedder
    if hasattr(chosen, "fit"):
        chosen.fit(prompts)
    return chosen


@dataclass(eq=False)
class Features:
    """Centred vectors of prompts, followed by the one-hot task.

    Args:
        embedder: `TfidfSvdEmbedder()` by default.
        with_task: Whether to add the task. An unseen task is all zeros.
    """

    embedder: Embedder | None = None
    with_task: bool = True

    def fit(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Features:
        """Learn the vocabulary, the tasks and the centre of the vectors."""
        self.embedder_ = fitted_embedder(self.embedder, prompts)
        self.tasks_ = numbered(tasks)
        self.centre_ = self.embedder_.encode(prompts).mean(axis=0)
        return self

    def of(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, d] float64."""
        count = len(self.tasks_) * self.with_task
        if not len(prompts):
            return np.zeros((0, len(self.centre_) + count))
        vectors: Array = (self.embedder_.encode(prompts) - self.centre_).astype(np.float64)
        if not self.with_task:
            return vectors
        return np.hstack([vectors, np.eye(count + 1)[indices(self.tasks_, tasks), :count]])


def ridge(features: Array, target: Array, penalty: float) -> Array:
    """[d, C] weights of a ridge regression of each column on the rows where it has a value; zeros for a column without values.

    All columns share one inverse, corrected for the missing rows of each by the Woodbury identity. A column that misses more
    rows than half the number of features is solved separately, which is faster.
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


def failures_last(target: Array, table: RoutingTable) -> Array:
    """`target` [Q, C] of `table`, in which a failed answer is worse, by the smallest possible step, than any other as good."""
    lowered: Array = np.where(table.failures > 0, np.nextafter(target, -np.inf), target)
    return lowered


def best_labels(target: Array, cost: npt.NDArray[np.floating[Any]]) -> Indices:
    """[Q] column of the best candidate of each query; ties go to the candidate with the lowest mean cost."""
    means = column_means(np.asarray(cost, np.float32))
    order = np.argsort(np.where(np.isnan(means), np.inf, means), kind="stable")
    filled = np.where(np.isnan(target), -np.inf, target)
    labels: Indices = order[np.argmax(filled[:, order], axis=1)]
    return labels
