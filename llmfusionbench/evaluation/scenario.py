"""The reward to maximise: weights of performance and cost, on scales fitted on train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release.routing_table import Matrix, RoutingTable, column_means


class Scenario(NamedTuple):
    """Weights of a reward: alpha * performance - beta * cost, both min-max scaled per task; or the judge's score itself."""

    name: str
    alpha: float
    beta: float
    judge: bool = False


SCENARIOS: Final = {
    "performance_first": Scenario("performance_first", 1.0, 0.0),
    "balance": Scenario("balance", 0.5, 0.5),
    "cost_first": Scenario("cost_first", 0.2, 0.8),
    "judge": Scenario("judge", 0.0, 0.0, judge=True),
}
"""The scenarios of the paper (FusionFactory, arXiv 2507.10540)."""


def scenario_named(name: str) -> Scenario:
    """The scenario of this name. Raises UnknownNameError if there is none."""
    if name not in SCENARIOS:
        raise UnknownNameError("scenario", name, SCENARIOS)
    return SCENARIOS[name]


@dataclass(frozen=True)
class Scaling:
    """Least value and range of performance and cost in every task of a train table.

    Test data is scaled by it too, so a test value may lie outside 0..1: scaling by its own extremes would leak. A task that is
    not in train is scaled by the extremes of all of train.
    """

    performance: dict[str | None, tuple[float, float]]
    """Task -> (least value, range); None -> those of all tasks."""
    cost: dict[str | None, tuple[float, float]]
    """Task -> (least value, range) in USD."""
    usual: dict[str, float]
    """Candidate -> mean cost of its answers that did not fail, USD, on the scale of their tasks."""

    @classmethod
    def fit(cls, train: RoutingTable) -> Scaling:
        """The extremes of a train table; failures do not count in those of cost."""
        answered = np.where(train.failures > 0, np.float32(np.nan), train.cost)
        tasks = np.array(train.tasks, object)
        groups: dict[str | None, npt.NDArray[np.bool_]] = {task: tasks == task for task in sorted(set(train.tasks))}
        groups[None] = np.ones(len(train), bool)
        performance = {task: _extremes(train.performance[rows]) for task, rows in groups.items()}
        cost = {task: _extremes(answered[rows]) for task, rows in groups.items()}
        usual = column_means(_scaled(answered, train.tasks, cost))
        return cls(performance, cost, dict(zip(train.candidates, usual.tolist(), strict=True)))

    def reward(self, table: RoutingTable, scenario: Scenario) -> Matrix:
        """[Q, C] float32 reward; NaN = missing. Raises InputError if the costs or judge scores that it needs are missing."""
        if scenario.judge:
            if len(table) and np.isnan(table.judge).all():
                raise InputError("scenario judge: the release has no judge scores. Remedy: choose another scenario")
            return table.judge
        if scenario.beta and len(table) and np.isnan(table.cost).all():
            raise InputError(
                f"scenario {scenario.name}: the release has no costs. Remedy: build it with prices, or use performance_first"
            )
        reward = np.float32(scenario.alpha) * _scaled(table.performance, table.tasks, self.performance)
        if scenario.beta:
            reward = reward - np.float32(scenario.beta) * self._cost(table)
        return reward

    def _cost(self, table: RoutingTable) -> Matrix:
        """[Q, C] costs on the scale of train. A failure saves nothing: it costs what the candidate's answers usually do.

        Otherwise a candidate would be rewarded for failing at little or no cost.
        """
        scaled = _scaled(table.cost, table.tasks, self.cost)
        usual = np.array([self.usual.get(name, np.nan) for name in table.candidates], np.float32)
        return np.where(table.failures > 0, np.fmax(scaled, usual), scaled)


def _extremes(values: Matrix) -> tuple[float, float]:
    """(least value, range); a range of 0 counts as 1, which leaves differences unchanged."""
    if np.isnan(values).all():
        return 0.0, 1.0
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return low, high - low or 1.0


def _scaled(values: Matrix, tasks: list[str], by: dict[str | None, tuple[float, float]]) -> Matrix:
    scale = np.array([by.get(task, by[None]) for task in tasks], np.float32).reshape(-1, 2)
    return (values - scale[:, :1]) / scale[:, 1:]
