"""A multi-layer perceptron that predicts every candidate's score: the MLP router of RouterBench (arXiv 2403.12031)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class MLP:
    """One hidden layer from prompt and task to what a candidate's score has beyond its task's mean.

    A missing cell is filled with the network's own prediction of it, round after round, so that it pulls nowhere.

    Args:
        hidden: Units.
        penalty: Of the squared weights.
        epochs: At most, over all rounds.
        rounds: Of filling; one where nothing is missing.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the first weights and of the order of queries.
    """

    def __init__(
        self,
        *,
        hidden: int = 64,
        penalty: float = 1.0,
        epochs: int = 60,
        rounds: int = 3,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.penalty = penalty
        self.epochs = epochs
        self.rounds = rounds
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> MLP:
        """Train the network with Adam."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        target = target_of(table)
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        features = self.features_.of(table.prompts, table.tasks)
        residual = target - self.means_.of(table.tasks)
        missing = np.isnan(residual)
        rounds = self.rounds if missing.any() else 1
        self.model_ = MLPRegressor(
            hidden_layer_sizes=(self.hidden,),
            alpha=self.penalty,
            batch_size=min(64, len(features)),
            learning_rate_init=3e-3,
            max_iter=max(1, self.epochs // rounds),
            warm_start=True,
            random_state=self.seed,
        )
        filled = np.where(missing, 0, residual)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the regulariser
            for _ in range(rounds):
                # scikit-learn wants a vector where there is one candidate
                self.model_.fit(features, filled if filled.shape[1] > 1 else filled[:, 0])
                filled = np.where(missing, self._predict(features, filled.shape[1]), residual)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores."""
        features: Features = learned(self, "features_")
        return self.means_.of(tasks) + self._predict(features.of(prompts, tasks), len(self.candidates_))

    def _predict(self, features: Array, width: int) -> Array:
        if not len(features):
            return np.zeros((0, width))
        return np.asarray(self.model_.predict(features), np.float64).reshape(len(features), width)
