"""Matrix factorisation of queries and LLMs: EmbedLLM (arXiv 2410.02223) and the `mf` router of RouteLLM (arXiv 2406.18665).

Both learn score(q, c) = <A x_q, v_c>, with x_q the embedded query and v_c a vector of the LLM, by gradient descent on a
classification loss. This router minimises a squared loss, which reduced-rank regression solves exactly (Izenman 1975).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, ridge
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(PromptRouter):
    """score = mean of the task + <A x_q, v_c>, with A and v of low rank.

    Args:
        rank: Rank of the factors; at most the number of candidates.
        penalty: L2 penalty of the weights.
        rounds: Number of fits, each with missing cells filled by the prediction of the last. One if no cell is missing.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    rank: int = 4
    penalty: float = 10.0
    rounds: int = 5

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        """Regress with full rank, and keep the leading directions of the prediction."""
        self.means_ = TaskMeans().fit(table.tasks, target)
        residual = target - self.means_.of(table.tasks)
        missing = np.isnan(residual)
        filled = np.where(missing, 0, residual)
        rank = min(self.rank, *filled.shape)
        for _ in range(self.rounds if missing.any() else 1):
            weights = ridge(vectors, filled, self.penalty)
            directions = np.linalg.svd(vectors @ weights, full_matrices=False)[2][:rank]
            self.query_factors_ = weights @ directions.T
            """[d, rank]: A, transposed"""
            self.llm_factors_ = directions.T
            """[C, rank]: v"""
            filled = np.where(missing, vectors @ self.query_factors_ @ self.llm_factors_.T, residual)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        predicted: Array = self.means_.of(tasks) + vectors @ self.query_factors_ @ self.llm_factors_.T
        return predicted
