"""A softmax of the judges' scores distilled into a router: Zooter (arXiv 2311.08692)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class RewardDistilled:
    """Learns the distribution softmax(reward / temperature) over candidates from the query, by the Kullback-Leibler divergence.

    The reward is the judge score; where a table has no judge scores, the target stands in. As in the paper, rewards are
    smoothed with their mean over the query's tag, here its task.

    Args:
        temperature: Of the softmax that is learned.
        smoothing: Share of the task's mean in a reward.
        penalty: Of the squared weights.
        steps: Of L-BFGS, at most.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(
        self,
        *,
        temperature: float = 0.2,
        smoothing: float = 0.3,
        penalty: float = 1e-3,
        steps: int = 60,
        embedder: Embedder | None = None,
    ) -> None:
        self.temperature = temperature
        self.smoothing = smoothing
        self.penalty = penalty
        self.steps = steps
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> RewardDistilled:
        """Minimise the divergence; a missing candidate has no share in a query's distribution.

        Raises:
            InputError: the temperature is not above 0.
        """
        from scipy.optimize import minimize

        if self.temperature <= 0:
            raise InputError(f"RewardDistilled: temperature is {self.temperature}, expected above 0")
        reward = table.judge.astype(np.float64)
        if np.isnan(reward).all():
            reward = target_of(table)
        rows = ~np.isnan(reward).all(axis=1)
        means = TaskMeans().fit(table.tasks, reward).of(table.tasks)
        mixed = (1 - self.smoothing) * reward + self.smoothing * means
        self.features_ = Features(self.embedder).fit(table.prompts, table.tasks)
        x = _with_one(self.features_.of(table.prompts, table.tasks))[rows]
        wanted = _softmax(np.where(np.isnan(mixed), -np.inf, mixed)[rows] / self.temperature)
        present = ~np.isnan(mixed[rows])
        shape = (x.shape[1], wanted.shape[1])

        def loss(flat: Array) -> tuple[float, Array]:
            weights = flat.reshape(shape)
            got = _softmax(np.where(present, x @ weights, -np.inf))
            divergence = -np.sum(wanted * np.log(np.maximum(got, 1e-12))) / len(x)
            slope = x.T @ (got - wanted) / len(x) + 2 * self.penalty * weights
            return float(divergence + self.penalty * np.sum(weights**2)), slope.ravel()

        found: Any = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": self.steps})
        self.weights_ = found.x.reshape(shape)
        self.weights_[-1, ~present.any(axis=0)] = self.weights_[-1].min() - 1  # never seen, so never preferred
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] the learned distribution; rows sum to 1."""
        features: Features = learned(self, "features_")
        return _softmax(_with_one(features.of(prompts, tasks)) @ self.weights_)


def _with_one(features: Array) -> Array:
    return np.hstack([features, np.ones((len(features), 1))])


def _softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares
