"""Our best: the mean of the task, and a forest and a ridge regression on what is left, stacked by held-out predictions.

Stacking is Wolpert's (1992), extremely randomised trees those of Geurts et al. (2006). What was tried on real scores, with and
without success, is in docs/routing_baselines.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from llmfusionbench.embedding import Embedder
from llmfusionbench.routing import RoutingTable

from .parts import Array, Features, TaskMeans, learned, target_of
from .surface import surface_features

_WEIGHTS: Final = tuple((a, b) for a in (0.0, 0.5, 0.75, 1.0, 1.25, 1.5) for b in (0.0, 0.5, 1.0))
"""Of the forest and of the ridge regression; all are tried."""


class Stacked:
    """score = mean of the task + a * forest + b * ridge; a and b are the best for queries that the parts have not seen.

    Both learn how much better than the query's average candidate a candidate does: how hard the query is for all is noise to a
    choice, and taken out first. They see the surface of the prompt, its leading dimensions in the embedding, and the task.
    What they would say of a train query without having seen it is exact for the mean and the ridge regression (leave-one-out in
    closed form), and for the forest what the trees say that were grown without it.

    Args:
        trees: Of the forest.
        leaf: Queries in a leaf, at least; a leaf of few follows the noise.
        dimensions: Of the embedding that are used.
        penalty: Of the squared weights of the ridge regression.
        strength: Queries' worth of the overall mean that a task's mean is drawn to.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the trees.
    """

    def __init__(
        self,
        *,
        trees: int = 150,
        leaf: int = 10,
        dimensions: int = 48,
        penalty: float = 1000.0,
        strength: float = 5.0,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.leaf = leaf
        self.dimensions = dimensions
        self.penalty = penalty
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> Stacked:
        """Fit the parts, then choose their weights."""
        target = target_of(table)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        surface = surface_features(table.prompts)
        self.centre_, self.spread_ = surface.mean(axis=0), surface.std(axis=0)
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        means = self.means_.of(table.tasks)
        given = ~np.isnan(target)
        residual = np.where(given, target - means, 0)
        count = np.maximum(given.sum(axis=1, keepdims=True), 1)
        # A missing cell stands at the query's average, which is what the task's mean alone says of it.
        centred = np.where(given, residual - residual.sum(axis=1, keepdims=True) / count, 0)
        x = self._inputs(table.prompts, table.tasks)
        self.forest_, unseen_forest = _forest(x, centred, self.trees, self.leaf, self.seed)
        self.slopes_, unseen_ridge = _ridge(x, centred, self.penalty)
        of_task = {task: given[[t == task for t in table.tasks]].sum(axis=0) for task in self.means_.rows_}
        others = np.array([of_task[task] for task in table.tasks]) + self.strength - 1
        unseen_means = means - residual / np.maximum(others, 1)
        self.weights_ = _weights(target, unseen_means, unseen_forest, unseen_ridge)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to what all candidates of a query have in common."""
        means: TaskMeans = learned(self, "means_")
        width = len(self.candidates_)
        if not len(prompts):
            return np.zeros((0, width))
        x = self._inputs(prompts, tasks)
        forest = np.asarray(self.forest_.predict(x), np.float64).reshape(len(x), width)
        scores: Array = means.of(tasks) + self.weights_[0] * forest + self.weights_[1] * (x @ self.slopes_)
        return scores

    def _inputs(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, d]: surface, embedding and task on about the same scale."""
        vectors = self.features_.of(prompts, tasks)
        embedded, one_hot = np.split(vectors, [vectors.shape[1] - len(self.features_.tasks_)], axis=1)
        surface = (surface_features(prompts) - self.centre_) / np.where(self.spread_ > 0, self.spread_, 1)
        return np.hstack([np.clip(surface, -4, 4), 4 * embedded[:, : self.dimensions], one_hot])


def _forest(x: Array, target: Array, trees: int, leaf: int, seed: int) -> tuple[Any, Array]:
    """A forest, and what its trees say [Q, C] of the queries that they were grown without."""
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(
        trees, min_samples_leaf=leaf, max_features=0.3, bootstrap=True, oob_score=True, n_jobs=-1, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a query that every tree has seen is told 0, which is no opinion
        forest.fit(x, target if target.shape[1] > 1 else target[:, 0])
    return forest, np.nan_to_num(np.asarray(forest.oob_prediction_, np.float64)).reshape(target.shape)


def _ridge(x: Array, target: Array, penalty: float) -> tuple[Array, Array]:
    """Weights [d, C], and the predictions [Q, C] of each query by all others: residuals grow by 1 / (1 - leverage)."""
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    weights = inverse @ (x.T @ target)
    leverage = np.minimum(np.einsum("ij,jk,ik->i", x, inverse, x, optimize=True), 0.999)
    unseen: Array = target - (target - x @ weights) / (1 - leverage)[:, None]
    return weights, unseen


def _weights(target: Array, means: Array, forest: Array, ridge: Array) -> tuple[float, float]:
    """The weights whose choices have the best mean target; among equals the first, which are the smaller."""
    rows = np.arange(len(target))

    def mean_of(pair: tuple[float, float]) -> float:
        got = target[rows, np.argmax(means + pair[0] * forest + pair[1] * ridge, axis=1)]
        return -np.inf if np.isnan(got).all() else float(np.nanmean(got))

    return max(_WEIGHTS, key=mean_of)
