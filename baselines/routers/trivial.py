"""Routers that look at no prompt: chance, bounds, and the rules of thumb that any other router has to beat.

The definitions of best single LLM, oracle and random are those of RouterBench (arXiv 2403.12031).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, overall_means, target_of
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable, column_means
from llmfusionbench.types import Candidate


class Constant:
    """Scores every query alike; what the scores are is said by those that derive from it."""

    candidates_: list[str]
    scores_: Array
    """[C]"""

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] the same row for every query."""
        scores: Array = np.tile(learned(self, "scores_"), (len(prompts), 1))
        return scores


class Random:
    """Any candidate with the same chance; a query is always answered the same way.

    Args:
        seed: Of the draws, together with the query's text and task.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, table: RoutingTable) -> Random:
        """Note the candidates."""
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
    """The best candidate of every query: the upper bound. It sees the truth, so it is no baseline."""

    needs_truth = True

    def score_table(self, table: RoutingTable) -> Array:
        """[Q, C] the target itself; what is missing is never chosen where anything is there."""
        target = table.target.astype(np.float64)
        return np.where(np.isnan(target), -np.finfo(np.float64).max, target)


class BestSingle(Constant):
    """The candidate with the best mean on the train table, for every query."""

    def fit(self, table: RoutingTable) -> BestSingle:
        """Means of the target."""
        self.scores_ = overall_means(target_of(table))
        self.candidates_ = list(table.candidates)
        return self


class Cheapest(Constant):
    """The candidate whose answers cost least on average; where the log has no costs, the one with the lowest list price."""

    def fit(self, table: RoutingTable) -> Cheapest:
        """Mean costs, USD.

        Raises:
            InputError: neither costs nor prices are known.
        """
        cost = column_means(table.cost).astype(np.float64)
        if np.isnan(cost).all():
            cost = _of_llms(table, "input_price") + _of_llms(table, "output_price")
        if np.isnan(cost).all():
            raise InputError("Cheapest: the table has neither costs nor prices. Remedy: build the release with prices")
        self.scores_ = -np.where(np.isnan(cost), 2 * np.nanmax(np.abs(cost)) + 1, cost)
        self.candidates_ = list(table.candidates)
        return self


class Largest(Constant):
    """The LLM with the most parameters; among equals (modes too) the better on train. Unknown sizes come last."""

    sign = 1.0

    def fit(self, table: RoutingTable) -> Largest:
        """Sizes, then means of the target.

        Raises:
            InputError: no size is known.
        """
        size = _of_llms(table, "parameters_b")
        if np.isnan(size).all():
            raise InputError(f"{type(self).__name__}: no LLM's parameters_b is known. Remedy: give it in the table llms")
        means = overall_means(target_of(table))
        order = np.lexsort((means, np.where(np.isnan(size), -np.inf, self.sign * size)))
        self.scores_ = np.empty(len(size))
        self.scores_[order] = np.arange(len(size))
        self.candidates_ = list(table.candidates)
        return self


class Smallest(Largest):
    """The LLM with the fewest parameters; among equals the better on train. Unknown sizes come last."""

    sign = -1.0


class PerTask:
    """The candidate with the best mean in the query's task; the first baseline that a router for known tasks has to beat.

    Args:
        strength: Queries' worth of the overall mean that a task's mean is drawn to.
    """

    def __init__(self, *, strength: float = 5.0) -> None:
        self.strength = strength

    def fit(self, table: RoutingTable) -> PerTask:
        """Means of the target by task."""
        self.means_ = TaskMeans(self.strength).fit(table.tasks, target_of(table))
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] means of the task; of all queries where the task was not seen."""
        means: TaskMeans = learned(self, "means_")
        return means.of(tasks)


def _of_llms(table: RoutingTable, column: str) -> Array:
    """[C] a number of the table `llms` for every candidate; NaN where it is not known."""
    rows = [table.llm_info.get(Candidate.parse(name).llm, {}) for name in table.candidates]
    return np.array([np.nan if row.get(column) is None else float(row[column]) for row in rows])
