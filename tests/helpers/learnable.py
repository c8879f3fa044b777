"""A small table on which the words of a prompt, and nothing else, say which candidate is right."""

from __future__ import annotations

import numpy as np

from llmfusionbench.release.routing_table import RoutingTable

TOPICS = {"red": ("crimson", "scarlet", "ruby"), "blue": ("navy", "azure", "cobalt"), "green": ("olive", "lime", "jade")}


def learnable(queries: int = 240, seed: int = 0, missing: float = 0.1) -> RoutingTable:
    """Three candidates, one a topic; each is right on its own topic and rarely elsewhere. All queries share one task."""
    rng = np.random.default_rng(seed)
    names = list(TOPICS)
    topic = rng.integers(0, 3, queries)
    prompts = [f"What is {' '.join(rng.choice(TOPICS[names[t]], 4))} number {rng.integers(100)}?" for t in topic]
    performance = (rng.random((queries, 3)) < np.where(np.arange(3) == topic[:, None], 0.95, 0.15)).astype(np.float32)
    performance[rng.random((queries, 3)) < missing] = np.nan
    cost = np.tile(np.array([1e-3, 2e-3, 3e-3], np.float32), (queries, 1))
    judge = np.full((queries, 3), np.nan, np.float32)
    ids = [f"{seed}-{i}" for i in range(queries)]
    return RoutingTable(ids, list(prompts), ["colours"] * queries, names, performance, cost, judge)


def right_topics(table: RoutingTable, scores: np.ndarray) -> float:
    """Share of queries whose best-scored candidate is that of their topic."""
    chosen = [table.candidates[i] for i in scores.argmax(axis=1)]
    return float(np.mean([any(w in (p or "") for w in TOPICS[c]) for c, p in zip(chosen, table.prompts, strict=True)]))
