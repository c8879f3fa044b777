"""Start cheap, and escalate if the predicted quality is too low: after FrugalGPT (arXiv 2305.05176).

FrugalGPT asks a cheap LLM, judges its answer, and then may ask the next. A router chooses before there is an answer. So here a
prediction from the query replaces the judge, and only the chosen LLM costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.linear import Ridge
from llmfusionbench.baselines.routers.shared.parts import Array, Indices, fold_masks, learned, overall_means, target_of
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.texts.embedding import Embedder


@dataclass(kw_only=True, eq=False)
class Cascade:
    """The cheapest candidate of a ladder whose predicted score is within a tolerance of the best prediction.

    The ladder has the candidates that are better on train than all cheaper ones; without costs, they are ordered by their mean.
    The tolerance is the largest for which the choices on held-out folds are as good as the best single candidate.

    Args:
        folds: Number of folds for the held-out predictions.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the folds.
    """

    folds: int = 3
    embedder: Embedder | None = None
    seed: int = 0

    def fit(self, table: RoutingTable) -> Cascade:
        """Build the ladder, set the tolerance by held-out predictions, and fit on the whole table."""
        target = target_of(table)
        means = overall_means(target)
        self.ladder_ = _ladder(means, column_means(table.cost).astype(np.float64))
        self.tolerance_ = self._tolerance(table, target, means)
        self.model_ = Ridge(embedder=self.embedder).fit(table)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] 1 for the choice, then the rungs above it in order, then negative values in the order of the predictions."""
        model: Ridge = learned(self, "model_")
        predicted = model.score(prompts, tasks)
        rungs = predicted[:, self.ladder_]
        first = _first(rungs, self.tolerance_)
        scores: Array = np.minimum(predicted, 0) - 2 - np.abs(predicted).max(initial=0) + np.maximum(predicted, 0)
        steps = np.arange(len(self.ladder_))[None] - first[:, None]
        scores[:, self.ladder_] = np.where(steps >= 0, 1 / (1 + np.maximum(steps, 0)), scores[:, self.ladder_])
        return scores

    def _tolerance(self, table: RoutingTable, target: Array, means: Array) -> float:
        count = min(self.folds, len(table))
        if count < 2:
            return 0.0
        rungs = np.zeros((len(table), len(self.ladder_)))
        for seen, unseen in fold_masks(len(table), count, self.seed):
            train, held = table.rows(seen), table.rows(unseen)
            if np.isnan(train.target).all():
                return 0.0
            model = Ridge(embedder=self.embedder).fit(train)
            rungs[unseen] = model.score(held.prompts, held.tasks)[:, self.ladder_]
        widest = 0.0
        for tolerance in np.linspace(0, 0.5, 26):
            got = target[np.arange(len(table)), self.ladder_[_first(rungs, tolerance)]]
            if np.isnan(got).all() or np.nanmean(got) < means.max():
                break
            widest = float(tolerance)
        return widest


def _ladder(means: Array, cost: Array) -> Indices:
    """Columns from cheap to expensive, each with a higher mean than all before it."""
    order = np.argsort(means if np.isnan(cost).all() else np.where(np.isnan(cost), np.inf, cost), kind="stable")
    rungs: list[int] = []
    for column in order:
        if not rungs or means[column] > means[rungs[-1]]:
            rungs.append(int(column))
    return np.array(rungs, np.int64)


def _first(rungs: Array, tolerance: float) -> Indices:
    """[Q] the first rung whose prediction is within the tolerance of the best."""
    if not len(rungs):
        return np.zeros(0, np.int64)
    first: Indices = np.argmax(rungs >= rungs.max(axis=1, keepdims=True) - tolerance, axis=1)
    return first
