"""Our best router: the task mean plus the departures from it that a forest and a kernel regression predict for a query.

How it was found, its gain on real scores under nested selection, and what did not help: docs/routing_baselines.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge
from llmfusionbench.baselines.routers.residual_forest import ResidualForest
from llmfusionbench.baselines.routers.shared.departures import TaskAxes, TaskSlopes, departures
from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


@dataclass(kw_only=True, eq=False)
class ResidualBlend:
    """score = mean of the task + projection of (mean of the two learners' scaled departures + the query's average).

    The forest learns over all tasks at once and is piecewise constant; the regression is smooth and stays within a task. Their
    errors differ, so their mean has a smaller error. Each prediction is multiplied by its slope in the task, which comes from
    held-out train queries: a forest grown without the query, and leave-one-out predictions of the regression.

    Scores depart from the task means mainly along few axes; the first is how hard a query is, and how much that matters to each
    candidate. So the regression also predicts the query's average, and the sum is projected onto the leading axes of the task:
    a reduced-rank regression (Izenman 1975).

    Args:
        trees: Number of trees in the forest.
        leaf: Minimum number of queries in a leaf.
        slope_strength: Weight of the overall slope in the slope of a task, in tasks.
        rank: Number of axes kept per task.
        strength: Weight of the overall mean in the mean of a task, in queries.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the trees.
    """

    trees: int = 100
    leaf: int = 15
    slope_strength: float = 1.0
    rank: int = 3
    strength: float = 5.0
    embedder: Embedder | None = None
    seed: int = 0

    def fit(self, table: RoutingTable) -> ResidualBlend:
        """Fit both learners, their slopes and the axes."""
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
