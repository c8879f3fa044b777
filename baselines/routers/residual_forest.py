"""The task mean plus a forest that predicts how a query departs from it.

The trees are the extremely randomised trees of Geurts et al. (2006). docs/routing_baselines.md lists what was tried on real
scores.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.departures import departures
from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, fold_masks, learned, target_of
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.baselines.routers.shared.surface import surface_features
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class ResidualForest(PromptRouter):
    """score = mean of the task + forest.

    The forest predicts a candidate's score relative to the task mean and to the query's average, because the difficulty of a
    query is noise for the choice. Its features are the surface of the prompt, the task, and the leading principal components
    of the embedding; these are few, so that they do not hide the surface. Leaves are large, since single scores are noisy.

    Args:
        trees: Number of trees.
        leaf: Minimum number of queries in a leaf.
        components: Number of principal components of the embedding.
        features: Share of the features tried per split.
        strength: Weight of the overall mean in the mean of a task, in queries.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the trees.
    """

    trees: int = 200
    leaf: int = 15
    components: int = 24
    features: float = 0.35
    strength: float = 5.0
    seed: int = 0

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        content, _ = self._split(vectors)
        self.axes_ = np.linalg.eigh(content.T @ content)[1][:, ::-1][:, : self.components]
        departure = departures(target, self.means_.of(table.tasks))
        self.forest_ = self._forest(self.trees).fit(self._inputs(table.prompts, table.tasks), departure)

    def departure(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted departures from the task mean."""
        forest: MaskedForest = learned(self, "forest_")
        if not len(prompts):
            return np.zeros((0, len(self.candidates_)))
        return forest.predict(self._inputs(prompts, tasks))

    def held_out(self, table: RoutingTable, folds: int = 3) -> Array:
        """[Q, C] departures of the train queries, each from a forest of half the size that was grown without it.

        Args:
            table: The train table.
            folds: Number of folds. The result is NaN for a table with fewer queries.
        """
        departure = departures(target_of(table), self.means_.of(table.tasks))
        held = np.full_like(departure, np.nan)
        if len(table) < folds:
            return held
        inputs = self._inputs(table.prompts, table.tasks)
        for seen, unseen in fold_masks(len(table), folds, self.seed):
            grown = self._forest(max(1, self.trees // 2)).fit(inputs[seen], departure[seen])
            held[unseen] = grown.predict(inputs[unseen])
        return held

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to a constant per query."""
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


@dataclass(eq=False)
class MaskedForest:
    """Extremely randomised trees for several targets; a leaf holds the means of the cells that are not missing.

    Args:
        trees: Number of trees.
        leaf: Minimum number of rows in a leaf.
        features: Share of the features tried per split.
        seed: Random seed of the trees.
    """

    trees: int
    leaf: int
    features: float
    seed: int

    def fit(self, inputs: Array, target: Array) -> MaskedForest:
        """Grow the trees on `target` [n, C]; a missing cell counts as 0, but only in the choice of splits."""
        from sklearn.tree import ExtraTreeRegressor

        given = ~np.isnan(target)
        filled = np.where(given, target, 0)
        seen = _single(inputs)
        draw = np.random.RandomState(self.seed)
        seeds = [draw.randint(np.iinfo(np.int32).max) for _ in range(self.trees)]

        def grown(seed: int) -> Any:
            tree = ExtraTreeRegressor(min_samples_leaf=self.leaf, max_features=self.features, random_state=seed)
            return tree.fit(seen, filled, check_input=False)

        # scikit-learn's own forests change the warning filters of the process in each thread, and sum the trees in the order
        # in which the threads end.
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
        """[n, C]; a tree adds 0 for a candidate without a score in the leaf."""
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
    """[nodes, C] mean of the `given` cells over the rows of each leaf."""
    from scipy.sparse import csr_array

    member = csr_array((np.ones(len(leaves)), (leaves, np.arange(len(leaves)))), shape=(nodes, len(leaves)))
    means: Array = (member @ filled) / np.maximum(member @ given.astype(np.float64), 1)
    return means
