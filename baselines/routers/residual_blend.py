"""Our best: the mean of the task, and the mean of what a forest and a kernel regression say of how a query departs from it.

Each learner's prediction is scaled, per task, by its slope on held-out queries. The sum (plus the query's overall difficulty)
is projected onto the task's leading axes. How it was found, what it gains on real scores under nested
selection, and what did not help is in docs/routing_baselines.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge
from llmfusionbench.baselines.routers.residual_forest import ResidualForest
from llmfusionbench.baselines.routers.shared.departures import TaskAxes, TaskSlopes, departures
from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class ResidualBlend:
    """score = mean of the task + projection of (mean over the two learners of slope of the task * departure, + average).

    The forest learns over all tasks at once and cuts at thresholds; the regression is smooth and stays within a task. They err
    differently, and so their mean errs less. The slopes are from train queries alone: a forest grown without the query, and
    leave-one-out predictions of the regression.

    Nine numbers a query are too many to predict from so little. Scores part from the task's means along few axes, of which the
    first is mostly how hard a query is, with how much that matters to each candidate. So the regression predicts the query's
    average too, and what is predicted is projected onto the leading axes: a reduced-rank regression (Izenman 1975).

    Args:
        trees: Of the forest.
        leaf: Queries in a leaf of it, at least.
        slope_strength: Tasks' worth of the overall slope that a task's slope is drawn to.
        rank: Axes of a task that are kept.
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
        rank: int = 3,
        strength: float = 5.0,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.trees = trees
        self.leaf = leaf
        self.slope_strength = slope_strength
        self.rank = rank
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> ResidualBlend:
        """Fit both learners, and find their slopes and the axes."""
        target = target_of(table)
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target)
        means = self.means_.of(table.tasks)
        departure = departures(target, means)
        self.forest_ = ResidualForest(
            trees=self.trees, leaf=self.leaf, strength=self.strength, embedder=self.embedder, seed=self.seed
        ).fit(table)
        self.kernel_ = KernelRidge(strength=self.strength, embedder=self.embedder, seed=self.seed).fit(table)
        self.slopes_ = [
            TaskSlopes(self.slope_strength).fit(table.tasks, departure, learner.held_out(table))
            for learner in (self.forest_, self.kernel_)
        ]
        self.axes_ = TaskAxes(self.rank).fit(table.tasks, target - means)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores."""
        means: TaskMeans = learned(self, "means_")
        regressed, average = self.kernel_.departure_and_average(prompts, tasks)
        grown = self.forest_.departure(prompts, tasks)
        forest, kernel = (slopes.of(tasks) for slopes in self.slopes_)
        return means.of(tasks) + self.axes_.of(tasks, (forest * grown + kernel * regressed) / 2 + average)
