"""A guard before a router: what is unlike its train queries is declined (GQR-Bench, arXiv 2505.14524).

There a classifier of domains declines what it is not sure of. Here prompts are measured by how far they are from train in
words, letters and form; what counts as far is learnt from train, where every task in turn plays the unknown one. How well it
works, and what was tried, is in docs/routing_baselines.md. The name of a task is not looked at: a new one gives itself away.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, learned, target_of
from llmfusionbench.baselines.routers.shared.strangeness import Strangeness, held_out, threshold_of, views, weights_of
from llmfusionbench.evaluation.routers.decision import Decisions, decide
from llmfusionbench.release.routing_table import RoutingTable, column_means

_FOLDS = 10


class Guarded:
    """The choices of another router, but where a query is declined: in the guarded track alone, for nothing else allows it.

    How strange a query is, is a weighted sum of its distances. The weights, none of them negative, are those of a logistic
    regression that tells held-out train tasks from held-out train queries; the threshold is the one at which those would have
    the highest `guarded_score`. With a single task there is nothing to hold out: the weights are equal.

    Args:
        base: A router, not fitted; a copy is. `PerTask()` by default.
        declined: Share of the train queries to decline, at most, in place of the calibrated threshold; .05 where there is a
            single task.
        most: Train queries to compare with, at most; evenly drawn from the tasks.
        seed: Of the draw and of the folds.
    """

    def __init__(self, *, base: Any = None, declined: float | None = None, most: int = 2000, seed: int = 0) -> None:
        self.base = base
        self.declined = declined
        self.most = most
        self.seed = seed

    def fit(self, table: RoutingTable) -> Guarded:
        """Fit the base, and calibrate the guard."""
        from llmfusionbench.baselines.routers.trivial import PerTask

        target_of(table)
        base = PerTask() if self.base is None else copy.deepcopy(self.base)
        fitted = base.fit(table) if hasattr(base, "fit") else base
        self.base_ = base if fitted is None else fitted
        self.empty_ = table.rows([])
        self.candidates_ = list(table.candidates)
        self._calibrate(table)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] scores of the base; nothing is declined."""
        scores: Array = learned(self, "base_").score(prompts, tasks)
        return scores

    def decide(self, table: RoutingTable, *, may_decline: bool = False) -> Decisions:
        """The choices of the base, without those that are declined."""
        made = decide(learned(self, "base_"), table, self.empty_, may_decline=may_decline)
        if not may_decline:
            return made
        declined = made.declined | (self.strangeness(table.prompts) > self.threshold_)
        scores = None if made.scores is None else np.where(declined[:, None], -np.inf, made.scores)
        return replace(made, choice=np.where(declined, -1, made.choice), declined=declined, scores=scores)

    def strangeness(self, prompts: Sequence[str | None]) -> Array:
        """[Q] the higher, the less like a train query; above `threshold_` a query is declined."""
        model: Strangeness = learned(self, "model_")
        return self._sum(model.of(views(prompts)))

    def _sum(self, distances: Array) -> Array:
        total: Array = np.clip((distances - self.centre_) / self.spread_, -6, 6) @ self.weights_
        return total

    def _calibrate(self, table: RoutingTable) -> None:
        rng = np.random.default_rng(self.seed)
        rank = np.empty(len(table))
        for task in sorted(set(table.tasks)):
            own = np.flatnonzero(np.array(table.tasks, object) == task)
            rank[rng.permutation(own)] = np.arange(len(own))
        kept = np.sort(np.lexsort((np.arange(len(table)), rank))[: self.most])
        seen = views([table.prompts[i] for i in kept])
        tasks = np.unique(np.array([table.tasks[i] for i in kept]), return_inverse=True)[1]
        fold = rng.permutation(len(kept)) % min(_FOLDS, len(kept))
        known = held_out(seen, tasks, fold)
        self.centre_, self.spread_ = known.mean(axis=0), known.std(axis=0) + 1e-9
        self.weights_ = np.ones(known.shape[1])
        self.model_ = Strangeness().fit(seen, tasks)
        share = 0.05 if self.declined is None else self.declined
        if tasks.max() > 0:  # more than one
            unknown = held_out(seen, tasks, tasks)
            each = 1 / np.bincount(tasks)[tasks] / (tasks.max() + 1)
            scaled = np.clip((np.vstack([known, unknown]) - self.centre_) / self.spread_, -6, 6)
            self.weights_ = weights_of(scaled, np.r_[np.full(len(known), -1 / len(known)), each])
        inside = self._sum(known)
        self.threshold_ = float(np.quantile(inside, 1 - share))
        if self.declined is None and tasks.max() > 0:
            served = float(np.nanmax(column_means(table.performance), initial=0)) or 1.0
            self.threshold_ = threshold_of(inside, self._sum(unknown), each, served)
