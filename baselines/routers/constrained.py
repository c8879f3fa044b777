"""Predicted quality under the user's flags on cost, size and licence: Tryage (arXiv 2308.11601)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.linear import Ridge
from llmfusionbench.baselines.routers.shared.parts import Array, learned
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.types import Candidate


class Constrained:
    """argmax of prediction - cost_weight * cost - size_weight * size, among the candidates that meet every limit.

    Cost and size are min-max scaled over candidates; one whose value is not known counts as the highest, and meets no limit.

    Args:
        cost_weight: Of the mean cost of an answer.
        size_weight: Of the number of parameters.
        max_cost: USD, mean of an answer on train.
        max_parameters_b: Billions of parameters.
        licenses: Licences that are acceptable, as the table `llms` spells them.
        penalty: Of the ridge regression that predicts.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(
        self,
        *,
        cost_weight: float = 0.05,
        size_weight: float = 0.0,
        max_cost: float | None = None,
        max_parameters_b: float | None = None,
        licenses: Sequence[str] | None = None,
        penalty: float = 30.0,
        embedder: Embedder | None = None,
    ) -> None:
        self.cost_weight = cost_weight
        self.size_weight = size_weight
        self.max_cost = max_cost
        self.max_parameters_b = max_parameters_b
        self.licenses = licenses
        self.penalty = penalty
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> Constrained:
        """Fit the predictor and see which candidates meet the limits.

        Raises:
            InputError: none does.
        """
        rows = [table.llm_info.get(Candidate.parse(name).llm, {}) for name in table.candidates]
        cost = column_means(table.cost).astype(np.float64)
        size = np.array([np.nan if row.get("parameters_b") is None else float(row["parameters_b"]) for row in rows])
        allowed = np.ones(len(rows), bool)
        # NaN is below no limit
        if self.max_cost is not None:
            allowed &= cost <= self.max_cost
        if self.max_parameters_b is not None:
            allowed &= size <= self.max_parameters_b
        if self.licenses is not None:
            allowed &= np.array([row.get("license") in self.licenses for row in rows])
        if not allowed.any():
            raise InputError(
                f"Constrained: no candidate has max_cost={self.max_cost}, max_parameters_b={self.max_parameters_b}, "
                f"licenses={self.licenses}. Remedy: loosen a limit"
            )
        price = self.cost_weight * _scaled(cost) + self.size_weight * _scaled(size)
        self.penalties_ = np.where(allowed, price, np.inf)
        self.model_ = Ridge(penalty=self.penalty, embedder=self.embedder).fit(table)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predictions less what the flags take off; -inf for candidates outside a limit."""
        penalties: Array = learned(self, "penalties_")
        return self.model_.score(prompts, tasks) - penalties


def _scaled(values: Array) -> Array:
    if np.isnan(values).all():
        return np.zeros(len(values))
    low, high = np.nanmin(values), np.nanmax(values)
    scaled: Array = (np.where(np.isnan(values), high, values) - low) / (high - low or 1.0)
    return scaled
