"""Tables and routers for the tests of the evaluation: small enough to check by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmfusionbench import Report, RoutingTable
from llmfusionbench.release.routing_table import column_means

NAN = float("nan")


def table(
    performance: Sequence[Sequence[float]],
    cost: Sequence[Sequence[float]] | None = None,
    *,
    tasks: Sequence[str] | None = None,
    candidates: Sequence[str] | None = None,
    prefix: str = "q",
    judge: Sequence[Sequence[float]] | None = None,
) -> RoutingTable:
    """A table of these values; unknown costs and judge scores are missing."""
    values = np.array(performance, np.float32).reshape(len(performance), -1)
    names = list(candidates or "abcdefgh"[: values.shape[1]])
    blank = np.full(values.shape, NAN, np.float32)
    n = len(values)
    return RoutingTable(
        [f"{prefix}{i}" for i in range(n)],
        [f"prompt {prefix} {i} of its own kind" for i in range(n)],
        list(tasks or ["t"] * n),
        names,
        values,
        blank if cost is None else np.array(cost, np.float32),
        blank if judge is None else np.array(judge, np.float32),
    )


def random_table(queries: int, candidates: int = 4, *, seed: int = 0, missing: float = 0.0, prefix: str = "q") -> RoutingTable:
    """A table of random values in three tasks; better candidates cost more."""
    rng = np.random.default_rng(seed)
    skill = np.linspace(0.3, 0.8, candidates)
    performance = (rng.random((queries, candidates)) < skill).astype(float)
    performance[rng.random(performance.shape) < missing] = NAN
    cost = np.linspace(1, 5, candidates) * rng.uniform(0.5, 1.5, (queries, candidates))
    return table(
        performance.tolist(), cost.tolist(), tasks=["tuv"[i % 3] for i in range(queries)], prefix=prefix,
        judge=rng.random(performance.shape).tolist(),
    )  # fmt: skip


class Always:
    """Chooses one candidate."""

    def __init__(self, name: str = "a") -> None:
        self.name = name

    def route(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> list[str | None]:
        return [self.name] * len(prompts)


class Means:
    """Scores every candidate by its train mean of the target; counts its fits."""

    fits = 0

    def fit(self, table: RoutingTable) -> Means:
        type(self).fits += 1
        self.candidates_ = list(table.candidates)
        self.means_ = column_means(table.target)
        self.seen_ = set(table.tasks)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> np.ndarray:
        return np.tile(self.means_, (len(prompts), 1))


def metrics(report: Report, name: str) -> dict[str, dict[str, Any]]:
    """Metric -> figure of a router in a report."""
    found: dict[str, dict[str, Any]]
    (found,) = (router["metrics"] for router in report.data["routers"] if router["name"] == name)
    return found
