"""Nearest neighbours on 6,400 queries x 40 candidates, embedding excluded, against a loop over queries.

The loop does the same work one query at a time, in the same run: the ratio holds on a busy machine, seconds do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from _measuring import cost, peak

from llmfusionbench.baselines import ROUTERS
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Vectors

QUERIES, CANDIDATES, DIMENSIONS = 6400, 40, 256


class Given:
    """An embedder that looks its vectors up."""

    id = "given"

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    def encode(self, prompts: Sequence[str | None]) -> Vectors:
        return self.vectors[[int(prompt or 0) for prompt in prompts]]


def table(rng: np.random.Generator) -> RoutingTable:
    names = [f"llm-{i:02d}" for i in range(CANDIDATES)]
    performance = (rng.random((QUERIES, CANDIDATES)) < 0.6).astype(np.float32)
    performance[rng.random(performance.shape) < 0.002] = np.nan
    blank = np.full_like(performance, np.nan)
    ids = [str(i) for i in range(QUERIES)]
    return RoutingTable(ids, list(ids), [f"task-{i % 14}" for i in range(QUERIES)], names, performance, blank, blank)


def loop(vectors: Vectors, scores: np.ndarray, k: int, queries: int) -> None:
    for i in range(queries):
        nearest = np.argsort(-(vectors @ vectors[i]))[:k]
        np.nanmean(scores[nearest], axis=0)


def main() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((QUERIES, DIMENSIONS)).astype(np.float32)
    data = table(rng)
    router = ROUTERS["knn"](embedder=Given(vectors))
    ours, some = cost(lambda: router.fit(data).score(data.prompts, data.tasks), 5).wall, 200
    one_by_one = cost(lambda: loop(vectors, data.performance, router.k, some)).wall * QUERIES / some
    print(f"knn fit + score, {QUERIES} x {CANDIDATES}: {ours:.2f} s, the median of 5 runs")
    print(f"one query at a time: {one_by_one:.1f} s (scaled from {some} queries), {one_by_one / ours:.0f} times as long")
    print(f"peak memory {peak():,.0f} MB")


if __name__ == "__main__":
    main()
