"""Our best: the mean of the task, and what a forest says of how a query departs from it.

The trees are the extremely randomised ones of Geurts et al. (2006). What was tried on real scores, with and without success, is
in docs/routing_baselines.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmfusionbench.embedding import Embedder
from llmfusionbench.routing import RoutingTable

from .parts import Array, Features, TaskMeans, learned, target_of
from .surface import surface_features


class ResidualForest:
    """score = mean of the task + forest.

    The forest learns how much better than the query's average candidate a candidate does, beyond its task's mean: how hard a
    query is for all is noise to a choice, and is taken out first. It sees the surface of the prompt, its task and its leading
    principal components in the embedding; few of them, so that the surface counts. Leaves are large and the forest's weight is
    not fitted, because what can be told from a prompt is little beside the noise of single answers.

    Args:
        trees: Of the forest.
        leaf: Queries in a leaf, at least.
        components: Of the embedding.
        features: Share of the features that a split is chosen from.
        strength: Queries' worth of the overall mean that a task's mean is drawn to.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the trees.
    """

    def __init__(
        self,
        *,
        trees: int = 200,
        leaf: int = 15,
        components: int = 24,
        features: float = 0.35,
        strength: float = 5.0,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.leaf = leaf
        self.components = components
        self.features = features
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> ResidualForest:
        """Take out means of tasks and of queries, and grow the forest on what is left."""
        from sklearn.ensemble import ExtraTreesRegressor

        target = target_of(table)
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        vectors, _ = self._split(self.features_.of(table.prompts, table.tasks))
        self.axes_ = _principal_axes(vectors)[:, : self.components]
        residual = target - self.means_.of(table.tasks)
        given = ~np.isnan(residual)
        average = np.where(given, residual, 0).sum(axis=1, keepdims=True) / np.maximum(given.sum(axis=1, keepdims=True), 1)
        # A missing cell stands at the query's average, which is what the task's mean alone says of it.
        centred = np.where(given, residual - average, 0)
        self.forest_: Any = ExtraTreesRegressor(
            self.trees, min_samples_leaf=self.leaf, max_features=self.features, n_jobs=-1, random_state=self.seed
        ).fit(self._inputs(table.prompts, table.tasks), centred if centred.shape[1] > 1 else centred[:, 0])
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to what all candidates of a query have in common."""
        means: TaskMeans = learned(self, "means_")
        scores = means.of(tasks)
        if not len(prompts):
            return scores
        departure: Array = np.asarray(self.forest_.predict(self._inputs(prompts, tasks)), np.float64).reshape(scores.shape)
        return scores + departure

    def _inputs(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, d]"""
        vectors, one_hot = self._split(self.features_.of(prompts, tasks))
        return np.hstack([vectors @ self.axes_, surface_features(prompts), one_hot])

    def _split(self, features: Array) -> tuple[Array, Array]:
        at = features.shape[1] - len(self.features_.tasks_)
        return features[:, :at], features[:, at:]


def _principal_axes(vectors: Array) -> Array:
    """[d, d] directions of centred vectors, that of the largest variance first."""
    axes: Array = np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1]
    return axes
