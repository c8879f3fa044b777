"""A multi-layer perceptron that predicts each candidate's score: the MLP router of RouterBench (arXiv 2403.12031)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class MLP(PromptRouter):
    """score = mean of the task + a network with one hidden layer on the prompt vector and the task.

    Args:
        hidden: Number of hidden units.
        penalty: L2 penalty of the weights.
        epochs: Maximum number of epochs over all rounds.
        rounds: Number of fits, each with missing cells filled by the prediction of the last. One if no cell is missing.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the first weights and of the order of the queries.
    """

    hidden: int = 64
    penalty: float = 1.0
    epochs: int = 60
    rounds: int = 3
    seed: int = 0

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        self.means_ = TaskMeans().fit(table.tasks, target)
        residual = target - self.means_.of(table.tasks)
        missing = np.isnan(residual)
        rounds = self.rounds if missing.any() else 1
        self.model_ = MLPRegressor(
            hidden_layer_sizes=(self.hidden,),
            alpha=self.penalty,
            batch_size=min(64, len(vectors)),
            learning_rate_init=3e-3,
            max_iter=max(1, self.epochs // rounds),
            warm_start=True,
            random_state=self.seed,
        )
        filled = np.where(missing, 0, residual)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the limited number of epochs regularises
            for _ in range(rounds):
                # For a single candidate scikit-learn expects a vector.
                self.model_.fit(vectors, filled if filled.shape[1] > 1 else filled[:, 0])
                filled = np.where(missing, self._residual(vectors), residual)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        return self.means_.of(tasks) + self._residual(vectors)

    def _residual(self, vectors: Array) -> Array:
        width = len(self.candidates_)
        if not len(vectors):
            return np.zeros((0, width))
        return np.asarray(self.model_.predict(vectors), np.float64).reshape(len(vectors), width)
