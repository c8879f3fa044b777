"""A guard in front of a router: queries unlike the train queries are declined (GQR-Bench, arXiv 2505.14524).

In the paper, a domain classifier declines uncertain queries. This guard measures the distance of a prompt from the train
prompts in words, letters and form, and learns the threshold by holding out each train task in turn. It ignores the task's name,
which would reveal a new task. Results and what was tried: docs/routing_baselines.md.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, learned, target_of
from llmfusionbench.baselines.routers.shared.strangeness import Strangeness, held_out, threshold_of, views, weights_of
from llmfusionbench.evaluation.routers.decision import Decisions, decide
from llmfusionbench.release.routing_table import RoutingTable, column_means

_FOLDS = 10


@dataclass(kw_only=True, eq=False)
class Guarded:
    """The choices of another router, but queries unlike train are declined; only the guarded protocol allows that.

    A query's strangeness is a weighted sum of its distances from train. The non-negative weights are those of a logistic
    regression that separates held-out train tasks from held-out train queries. The threshold maximises their `guarded_score`.
    With a single task, which cannot be held out, the weights are equal.

    Args:
        base: A router that is not fitted; a copy of it is fitted. `PerTask()` by default.
        declined: Share of the train queries to decline, instead of the calibrated threshold; .05 for a single task.
        most: Maximum number of train queries to compare with, drawn evenly from the tasks.
        seed: Random seed of the draw and of the folds.
    """

    base: Any = None
    declined: float | None = None
    most: int = 2000
    seed: int = 0

    def fit(self, table: RoutingTable) -> Guarded:
        """Fit the base router, and calibrate the guard."""
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
        """[Q, C] scores of the base router; no query is declined here."""
        scores: Array = learned(self, "base_").score(prompts, tasks)
        return scores

    def decide(self, table: RoutingTable, *, may_decline: bool = False) -> Decisions:
        """The choices of the base router for the queries that are not declined."""
        made = decide(learned(self, "base_"), table, self.empty_, may_decline=may_decline)
        if not may_decline:
            return made
        declined = made.declined | (self.strangeness(table.prompts) > self.threshold_)
        scores = None if made.scores is None else np.where(declined[:, None], -np.inf, made.scores)
        return replace(made, choice=np.where(declined, -1, made.choice), declined=declined, scores=scores)

    def strangeness(self, prompts: Sequence[str | None]) -> Array:
        """[Q] higher is less like train; a query above `threshold_` is declined."""
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
        if tasks.max() > 0:  # more than one task
            unknown = held_out(seen, tasks, tasks)
            each = 1 / np.bincount(tasks)[tasks] / (tasks.max() + 1)
            scaled = np.clip((np.vstack([known, unknown]) - self.centre_) / self.spread_, -6, 6)
            self.weights_ = weights_of(scaled, np.r_[np.full(len(known), -1 / len(known)), each])
        inside = self._sum(known)
        self.threshold_ = float(np.quantile(inside, 1 - share))
        if self.declined is None and tasks.max() > 0:
            served = float(np.nanmax(column_means(table.performance), initial=0)) or 1.0
            self.threshold_ = threshold_of(inside, self._sum(unknown), each, served)
