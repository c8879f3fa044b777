"""A softmax of the judges' scores distilled into a router: Zooter (arXiv 2311.08692)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, target_of
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class RewardDistilled(PromptRouter):
    """Learns the distribution softmax(reward / temperature) over candidates, by the Kullback-Leibler divergence.

    The reward is the judge score, or the target if the table has no judge scores. As in the paper, rewards are smoothed with
    their mean over the query's tag, which is its task here.

    Args:
        temperature: Temperature of the softmax.
        smoothing: Share of the task mean in a reward, 0 to 1.
        penalty: L2 penalty of the weights.
        steps: Maximum number of L-BFGS iterations.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    temperature: float = 0.2
    smoothing: float = 0.3
    penalty: float = 1e-3
    steps: int = 60

    def _target(self, table: RoutingTable) -> Array:
        if self.temperature <= 0:
            raise InputError(f"RewardDistilled: temperature is {self.temperature}, expected above 0")
        reward = table.judge.astype(np.float64)
        return target_of(table) if np.isnan(reward).all() else reward

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        """Minimise the divergence; missing candidates have no share in a query's distribution."""
        from scipy.optimize import minimize

        rows = ~np.isnan(target).all(axis=1)
        means = TaskMeans().fit(table.tasks, target).of(table.tasks)
        mixed = (1 - self.smoothing) * target + self.smoothing * means
        x = _with_one(vectors)[rows]
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

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] the learned distribution; rows sum to 1."""
        return _softmax(_with_one(vectors) @ self.weights_)


def _with_one(features: Array) -> Array:
    return np.hstack([features, np.ones((len(features), 1))])


def _softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares
