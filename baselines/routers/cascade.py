"""Cheap first, escalate when the predicted quality is too low: after FrugalGPT (arXiv 2305.05176).

FrugalGPT asks the cheap LLM, judges its answer, and asks the next. A router chooses before any answer is there, so that here
the judge is a prediction from the query alone, and the cost is that of the one LLM that is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.linear import Ridge
from llmfusionbench.baselines.routers.shared.parts import Array, learned, overall_means, target_of
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.texts.embedding import Embedder


class Cascade:
    """The cheapest candidate of a ladder whose predicted score comes within a tolerance of the best prediction.

    The ladder holds the candidates that nothing cheaper beats on train; where no costs are known, in the order of their means.
    The tolerance is the widest under which the train mean of the choices, by predictions made for held-out folds, stays as
    good as that of the best single candidate.

    Args:
        folds: Of the held-out predictions.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the folds.
    """

    def __init__(self, *, folds: int = 3, embedder: Embedder | None = None, seed: int = 0) -> None:
        self.folds = folds
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> Cascade:
        """Build the ladder, predict every query by models that have not seen it, and set the tolerance."""
        target = target_of(table)
        means = overall_means(target)
        self.ladder_ = _ladder(means, column_means(table.cost).astype(np.float64))
        self.tolerance_ = self._tolerance(table, target, means)
        self.model_ = Ridge(embedder=self.embedder).fit(table)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] 1 for the choice, then the rungs above it in their order, then predictions brought below zero."""
        model: Ridge = learned(self, "model_")
        predicted = model.score(prompts, tasks)
        rungs = predicted[:, self.ladder_]
        first = _first(rungs, self.tolerance_)
        scores: Array = np.minimum(predicted, 0) - 2 - np.abs(predicted).max(initial=0) + np.maximum(predicted, 0)
        steps = np.arange(len(self.ladder_))[None] - first[:, None]
        scores[:, self.ladder_] = np.where(steps >= 0, 1 / (1 + np.maximum(steps, 0)), scores[:, self.ladder_])
        return scores

    def _tolerance(self, table: RoutingTable, target: Array, means: Array) -> float:
        folds = min(self.folds, len(table))
        if folds < 2:
            return 0.0
        fold = np.random.default_rng(self.seed).permutation(len(table)) % folds
        rungs = np.zeros((len(table), len(self.ladder_)))
        for k in range(folds):
            train, held = table.rows(fold != k), table.rows(fold == k)
            if np.isnan(train.target).all():
                return 0.0
            model = Ridge(embedder=self.embedder).fit(train)
            rungs[fold == k] = model.score(held.prompts, held.tasks)[:, self.ladder_]
        widest = 0.0
        for tolerance in np.linspace(0, 0.5, 26):
            got = target[np.arange(len(table)), self.ladder_[_first(rungs, tolerance)]]
            if np.isnan(got).all() or np.nanmean(got) < means.max():
                break
            widest = float(tolerance)
        return widest


def _ladder(means: Array, cost: Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Columns from cheap to dear, each better on train than all before it."""
    order = np.argsort(means if np.isnan(cost).all() else np.where(np.isnan(cost), np.inf, cost), kind="stable")
    rungs: list[int] = []
    for column in order:
        if not rungs or means[column] > means[rungs[-1]]:
            rungs.append(int(column))
    return np.array(rungs, np.int64)


def _first(rungs: Array, tolerance: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """[Q] the first rung whose prediction comes within the tolerance of the best."""
    if not len(rungs):
        return np.zeros(0, np.int64)
    first: np.ndarray[tuple[int], np.dtype[np.int64]] = np.argmax(rungs >= rungs.max(axis=1, keepdims=True) - tolerance, axis=1)
    return first
