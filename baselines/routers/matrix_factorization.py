"""Matrix factorisation of queries and LLMs: EmbedLLM (arXiv 2410.02223) and the `mf` router of RouteLLM (arXiv 2406.18665).

Both learn score(q, c) = <A x_q, v_c>, with x_q the embedded query and v_c a learned vector for the LLM, by gradient steps on a
classification loss. Here the loss is squared, so that the best A and v are those of a reduced-rank regression (Izenman 1975).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, ridge, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class MatrixFactorization:
    """score = mean of the task + <A x_q, v_c>, with A and v of a low rank.

    Args:
        rank: Of the factors; at most the number of candidates.
        penalty: Of the squared weights.
        rounds: Of filling missing cells with their own prediction, so that they pull nowhere; one where nothing is missing.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, rank: int = 4, penalty: float = 10.0, rounds: int = 5, embedder: Embedder | None = None) -> None:
        self.rank = rank
        self.penalty = penalty
        self.rounds = rounds
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> MatrixFactorization:
        """Regress with full rank, keep the leading directions of what it predicts, and fill the gaps with that."""
        target = target_of(table)
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        x = self.features_.of(table.prompts, table.tasks)
        residual = target - self.means_.of(table.tasks)
        missing = np.isnan(residual)
        filled = np.where(missing, 0, residual)
        rank = min(self.rank, *filled.shape)
        for _ in range(self.rounds if missing.any() else 1):
            weights = ridge(x, filled, self.penalty)
            directions = np.linalg.svd(x @ weights, full_matrices=False)[2][:rank]
            self.query_factors_ = weights @ directions.T
            """[d, rank]: A, transposed"""
            self.llm_factors_ = directions.T
            """[C, rank]: v"""
            filled = np.where(missing, x @ self.query_factors_ @ self.llm_factors_.T, residual)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores."""
        features: Features = learned(self, "features_")
        predicted: Array = self.means_.of(tasks) + features.of(prompts, tasks) @ self.query_factors_ @ self.llm_factors_.T
        return predicted
