"""Our best: the mean of the task, and the mean of what a forest and a kernel regression say of how a query departs from it.

Each is multiplied in every task by the slope that its held-out predictions earned there. How it was found, what it gains on
real scores under nested selection, and what did not help is in docs/routing_baselines.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmfusionbench.embedding import Embedder
from llmfusionbench.routing import RoutingTable

from .departures import TaskSlopes, departures
from .kernel_ridge import KernelRidge
from .parts import Array, TaskMeans, learned, target_of
from .residual_forest import ResidualForest


class ResidualBlend:
    """score = mean of the task + mean over the two learners of slope of the task * departure.

    The forest learns over all tasks at once and cuts at thresholds; the regression is smooth and stays within a task. They err
    differently, and so their mean errs less. The slopes are from train queries alone: a forest grown without the query, and
    leave-one-out predictions of the regression.

    Args:
        trees: Of the forest.
        leaf: Queries in a leaf of it, at least.
        slope_strength: Tasks' worth of the overall slope that a task's slope is drawn to.
        strength: Queries' worth of the overall mean that a task's mean is drawn to.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the trees.
    """

    def __init__(
        self,
        *,
        trees: int = 100,
        leaf: int = 15,
        slope_strength: float = 1.0,
        strength: float = 5.0,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.leaf = leaf
        self.slope_strength = slope_strength
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> ResidualBlend:
        """Fit both learners, and find their slopes."""
        target = target_of(table)
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        departure = departures(target, self.means_.of(table.tasks))
        forest = ResidualForest(
            trees=self.trees, leaf=self.leaf, strength=self.strength, embedder=self.embedder, seed=self.seed
        )
        kernel = KernelRidge(strength=self.strength, embedder=self.embedder, seed=self.seed)
        self.learners_: list[tuple[ResidualForest | KernelRidge, TaskSlopes]] = []
        for learner in (forest, kernel):
            held_out = learner.fit(table).held_out(table)
            self.learners_.append((learner, TaskSlopes(self.slope_strength).fit(table.tasks, departure, held_out)))
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores, up to what all candidates of a query have in common."""
        means: TaskMeans = learned(self, "means_")
        scores = means.of(tasks)
        for learner, slopes in self.learners_:
            scores = scores + slopes.of(tasks) * learner.departure(prompts, tasks) / len(self.learners_)
        return scores
