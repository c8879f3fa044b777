"""Drop the worst candidate, ask again, until one is left: IRanker (arXiv 2506.21638), with a regression in place of the LLM."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, ridge, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class IterativeRanker:
    """Predicts how much better a candidate does than each other on a query, and drops the worst of those left, step by step.

    What is predicted of a pair is the sign of the difference (a win, a draw, a loss), as the mean of the task plus a ridge
    regression. Which candidate is worst depends on who is left: wins over candidates that are gone no longer count.

    Args:
        penalty: Of the squared weights.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, penalty: float = 20.0, embedder: Embedder | None = None) -> None:
        self.penalty = penalty
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> IterativeRanker:
        """Learn to predict the outcome of every pair; a pair with a missing score has none."""
        target = target_of(table)
        self.first_, self.second_ = np.triu_indices(target.shape[1], k=1)
        self.candidates_ = list(table.candidates)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        outcome = np.sign(target[:, self.first_] - target[:, self.second_])
        # Candidates that never met draw, but one without any score loses to one that has some.
        known = (~np.isnan(target)).any(axis=0).astype(float)
        never = np.isnan(outcome).all(axis=0)
        outcome[:, never] = (known[self.first_] - known[self.second_])[never]
        self.means_ = TaskMeans().fit(table.tasks, outcome) if outcome.size else None
        if self.means_ is not None:
            residual = outcome - self.means_.of(table.tasks)
            self.weights_ = ridge(self.features_.of(table.prompts, table.tasks), residual, self.penalty)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] the step at which a candidate was dropped; the one that was left has the highest."""
        features: Features = learned(self, "features_")
        count, width = len(prompts), len(self.candidates_)
        if self.means_ is None:
            return np.zeros((count, width))
        outcome = self.means_.of(tasks) + features.of(prompts, tasks) @ self.weights_
        wins = np.zeros((count, width, width))
        wins[:, self.first_, self.second_] = outcome
        wins[:, self.second_, self.first_] = -outcome
        rows = np.arange(count)
        left = np.ones((count, width), bool)
        standing = wins.sum(axis=2)
        step_of = np.full((count, width), float(width - 1))
        for step in range(width - 1):
            worst = np.argmin(np.where(left, standing, np.inf), axis=1)
            step_of[rows, worst] = step
            left[rows, worst] = False
            standing -= wins[rows, :, worst]
        return step_of
