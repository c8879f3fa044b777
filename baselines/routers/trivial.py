"""Routers that ignore the prompt: bounds and rules of thumb that any other router has to beat.

Best single LLM, oracle and random are defined as in RouterBench (arXiv 2403.12031).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, llm_numbers, overall_means, target_of
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means


class Constant(ABC):
    """Base of routers that score every query alike; a subclass defines `_scores`."""

    def fit(self, table: RoutingTable) -> Self:
        """Compute the scores."""
        self.scores_ = self._scores(table)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] the same row for each query."""
        scores: Array = np.tile(learned(self, "scores_"), (len(prompts), 1))
        return scores

    @abstractmethod
    def _scores(self, table: RoutingTable) -> Array:
        """[C]"""


@dataclass(kw_only=True, eq=False)
class Random:
    """Each candidate with the same probability. The same query always gets the same candidate.

    Args:
        seed: Random seed; the draws also depend on the query's text and task.
    """

    seed: int = 0
    learns: ClassVar = False

    def fit(self, table: RoutingTable) -> Random:
        """Store the candidates."""
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] uniform draws."""
        width = len(learned(self, "candidates_"))
        return np.array([self._draws(p, t, width) for p, t in zip(prompts, tasks, strict=True)]).reshape(-1, width)

    def _draws(self, prompt: str | None, task: str, width: int) -> Array:
        text = f"{self.seed}\0{task}\0{prompt or ''}".encode("utf-8", "surrogatepass")
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:8], "big")).random(width)


class Oracle:
    """The best candidate of each query: an upper bound. It sees the test scores, so it is not a baseline."""

    needs_truth = True

    def score_table(self, table: RoutingTable) -> Array:
        """[Q, C] the target; a missing cell is chosen only if the whole row is missing."""
        target = table.target.astype(np.float64)
        return np.where(np.isnan(target), -np.finfo(np.float64).max, target)


class BestSingle(Constant):
    """The candidate with the best mean target on train, for every query."""

    def _scores(self, table: RoutingTable) -> Array:
        return overall_means(target_of(table))


class Cheapest(Constant):
    """The candidate with the lowest mean cost on train; the lowest list price if the log has no costs."""

    def _scores(self, table: RoutingTable) -> Array:
        cost = column_means(table.cost).astype(np.float64)
        if np.isnan(cost).all():
            cost = llm_numbers(table, "input_price") + llm_numbers(table, "output_price")
        if np.isnan(cost).all():
            raise InputError("Cheapest: the table has neither costs nor prices. Remedy: build the release with prices")
        return -np.where(np.isnan(cost), 2 * np.nanmax(np.abs(cost)) + 1, cost)


class Largest(Constant):
    """The LLM with the most parameters. Ties, such as two modes, go to the better one on train; unknown sizes come last."""

    sign = 1.0

    def _scores(self, table: RoutingTable) -> Array:
        size = llm_numbers(table, "parameters_b")
        if np.isnan(size).all():
            raise InputError(f"{type(self).__name__}: no LLM's parameters_b is known. Remedy: add it to the table llms")
        order = np.lexsort((overall_means(target_of(table)), np.where(np.isnan(size), -np.inf, self.sign * size)))
        scores = np.empty(len(size))
        scores[order] = np.arange(len(size))
        return scores


class Smallest(Largest):
    """The LLM with the fewest parameters. Ties go to the better one on train; unknown sizes come last."""

    sign = -1.0


@dataclass(kw_only=True, eq=False)
class PerTask:
    """The candidate with the best mean in the query's task: the first baseline to beat when tasks are known.

    Args:
        strength: Weight of the overall mean in the mean of a task, in queries.
    """

    strength: float = 5.0

    def fit(self, table: RoutingTable) -> PerTask:
        """Compute the means of the target per task."""
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target_of(table))
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] means of the task; overall means for an unseen task."""
        means: TaskMeans = learned(self, "means_")
        return means.of(tasks)
