"""Repeatedly drop the worst candidate: IRanker (arXiv 2506.21638), with a regression instead of the LLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, ridge
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class IterativeRanker(PromptRouter):
    """Predicts the outcome of each pair of candidates (win, draw, loss), then drops the candidate with the fewest wins.

    The prediction is the mean of the task plus a ridge regression. Wins over candidates that were dropped no longer count.

    Args:
        penalty: L2 penalty of the weights.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    penalty: float = 20.0

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.first_, self.second_ = np.triu_indices(target.shape[1], k=1)
        outcome = np.sign(target[:, self.first_] - target[:, self.second_])
        # Candidates that never met draw, but a candidate without scores loses to one with scores.
        known = (~np.isnan(target)).any(axis=0).astype(float)
        never = np.isnan(outcome).all(axis=0)
        outcome[:, never] = (known[self.first_] - known[self.second_])[never]
        self.means_ = TaskMeans().fit(table.tasks, outcome) if outcome.size else None
        if self.means_ is not None:
            self.weights_ = ridge(vectors, outcome - self.means_.of(table.tasks), self.penalty)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] the step in which each candidate was dropped; the last one has the highest."""
        count, width = len(vectors), len(self.candidates_)
        if self.means_ is None:
            return np.zeros((count, width))
        outcome = self.means_.of(tasks) + vectors @ self.weights_
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
