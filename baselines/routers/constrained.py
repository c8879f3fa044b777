"""Predicted quality under the user's limits on cost, size and licence: Tryage (arXiv 2308.11601)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.linear import Ridge
from llmfusionbench.baselines.routers.shared.parts import Array, learned, llm_numbers
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.texts.embedding import Embedder
from llmfusionbench.types import Candidate


@dataclass(kw_only=True, eq=False)
class Constrained:
    """The candidate with the highest prediction - cost_weight * cost - size_weight * size, among those within all limits.

    Cost and size are min-max scaled over the candidates. An unknown value counts as the highest and exceeds every limit.

    Args:
        cost_weight: Weight of the mean cost of an answer.
        size_weight: Weight of the number of parameters.
        max_cost: Maximum mean cost of an answer on train, USD.
        max_parameters_b: Maximum number of parameters, billions.
        licenses: Acceptable licences, as spelled in the table `llms`.
        penalty: L2 penalty of the ridge regression.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    cost_weight: float = 0.05
    size_weight: float = 0.0
    max_cost: float | None = None
    max_parameters_b: float | None = None
    licenses: Sequence[str] | None = None
    penalty: float = 30.0
    embedder: Embedder | None = None

    def fit(self, table: RoutingTable) -> Constrained:
        """Fit the regression and apply the limits. Raises InputError if no candidate is within them."""
        cost = column_means(table.cost).astype(np.float64)
        size = llm_numbers(table, "parameters_b")
        allowed = np.ones(len(size), bool)
        # Comparisons with NaN are false.
        if self.max_cost is not None:
            allowed &= cost <= self.max_cost
        if self.max_parameters_b is not None:
            allowed &= size <= self.max_parameters_b
        if self.licenses is not None:
            rows = [table.llm_info.get(Candidate.parse(name).llm, {}) for name in table.candidates]
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
        """[Q, C] predictions less the penalties; -inf for candidates outside a limit."""
        penalties: Array = learned(self, "penalties_")
        return self.model_.score(prompts, tasks) - penalties


def _scaled(values: Array) -> Array:
    if np.isnan(values).all():
        return np.zeros(len(values))
    low, high = np.nanmin(values), np.nanmax(values)
    scaled: Array = (np.where(np.isnan(values), high, values) - low) / (high - low or 1.0)
    return scaled
