"""The mean of the task, and what a forest says of how a query departs from it.

The trees are the extremely randomised ones of Geurts et al. (2006). What was tried on real scores, with and without success, is
in docs/routing_baselines.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.departures import departures
from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.baselines.routers.shared.surface import surface_features
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


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
        target = target_of(table)
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        vectors, _ = self._split(self.features_.of(table.prompts, table.tasks))
        self.axes_ = _principal_axes(vectors)[:, : self.components]
        departure = departures(target, self.means_.of(table.tasks))
        self.forest_ = self._forest(self.trees).fit(self._inputs(table.prompts, table.tasks), departure)
        self.candidates_ = list(table.candidates)
        return self

    def departure(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] what the forest says of each query beyond the mean of its task."""
        forest: MaskedForest = learned(self, "forest_")
        if not len(prompts):
            return np.zeros((0, len(self.candidates_)))
        return forest.predict(self._inputs(prompts, tasks))

    def held_out(self, table: RoutingTable, folds: int = 3) -> Array:
        """[Q, C] departures of the train queries, each from a forest of half the size that was grown without it.

        Args:
            table: What the router was fitted on.
            folds: Parts that are left out in turn; NaN for all where there are fewer queries.
        """
        departure = departures(target_of(table), self.means_.of(table.tasks))
        held = np.full_like(departure, np.nan)
        if len(table) < folds:
            return held
        inputs = self._inputs(table.prompts, table.tasks)
        part = np.random.default_rng(self.seed).permutation(len(table)) % folds
        for k in range(folds):
            grown = self._forest(max(1, self.trees // 2)).fit(inputs[part != k], departure[part != k])
            held[part == k] = grown.predict(inputs[part == k])
        return held

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to what all candidates of a query have in common."""
        means: TaskMeans = learned(self, "means_")
        return means.of(tasks) + self.departure(prompts, tasks)

    def _forest(self, trees: int) -> MaskedForest:
        return MaskedForest(trees, leaf=self.leaf, features=self.features, seed=self.seed)

    def _inputs(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, d]"""
        vectors, one_hot = self._split(self.features_.of(prompts, tasks))
        return np.hstack([vectors @ self.axes_, surface_features(prompts), one_hot])

    def _split(self, features: Array) -> tuple[Array, Array]:
        at = features.shape[1] - len(self.features_.tasks_)
        return features[:, :at], features[:, at:]


class MaskedForest:
    """Extremely randomised trees for many targets at once; a leaf holds the means of the cells that are there.

    Args:
        trees: Of the forest.
        leaf: Rows in a leaf, at least.
        features: Share of the features that a split is chosen from.
        seed: Of the trees.
    """

    def __init__(self, trees: int, *, leaf: int, features: float, seed: int) -> None:
        self.trees = trees
        self.leaf = leaf
        self.features = features
        self.seed = seed

    def fit(self, inputs: Array, target: Array) -> MaskedForest:
        """Grow the trees on `target` [n, C]; a missing cell counts as 0 where a split is chosen, and nowhere else."""
        from sklearn.tree import ExtraTreeRegressor

        given = ~np.isnan(target)
        filled = np.where(given, target, 0)
        seen = _single(inputs)
        draw = np.random.RandomState(self.seed)
        seeds = [draw.randint(np.iinfo(np.int32).max) for _ in range(self.trees)]

        def grown(seed: int) -> Any:
            tree = ExtraTreeRegressor(min_samples_leaf=self.leaf, max_features=self.features, random_state=seed)
            return tree.fit(seen, filled, check_input=False)

        # scikit-learn's own forests write to the warning filters of the whole process from each of their threads, and sum
        # their trees in the order in which those end.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.trees_: list[Any] = list(pool.map(grown, seeds))
        self.width_ = target.shape[1]
        self.values_: list[Array] = []
        if not given.all():
            for tree in self.trees_:
                leaves = tree.apply(seen, check_input=False)
                self.values_.append(_means_of_leaves(leaves, tree.tree_.node_count, filled, given))
        return self

    def predict(self, inputs: Array) -> Array:
        """[n, C]; 0 from a tree whose leaf has no score of the candidate."""
        seen = _single(inputs)
        total = np.zeros((len(seen), self.width_))
        for place, tree in enumerate(self.trees_):
            if self.values_:
                total += self.values_[place][tree.apply(seen, check_input=False)]
            else:
                total += tree.predict(seen, check_input=False).reshape(total.shape)
        return total / len(self.trees_)


def _single(inputs: Array) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(inputs, np.float32)


def _means_of_leaves(leaves: npt.NDArray[np.int64], nodes: int, filled: Array, given: npt.NDArray[np.bool_]) -> Array:
    """[nodes, C] mean over the rows of every leaf of what is `given`."""
    from scipy.sparse import csr_array

    member = csr_array((np.ones(len(leaves)), (leaves, np.arange(len(leaves)))), shape=(nodes, len(leaves)))
    means: Array = (member @ filled) / np.maximum(member @ given.astype(np.float64), 1)
    return means


def _principal_axes(vectors: Array) -> Array:
    """[d, d] directions of centred vectors, that of the largest variance first."""
    axes: Array = np.linalg.eigh(vectors.T @ vectors)[1][:, ::-1]
    return axes
