"""Similarity-weighted ranking: RouteLLM's `sw` router (arXiv 2406.18665), a Bradley-Terry fit for every query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder, unit_rows

_CHUNK = 512


class Elo:
    """Every train query is a battle of each pair of candidates, and weighs the more, the nearer it is to the query asked.

    Battles weigh gamma ** (1 + s / s_max) with s the cosine similarity, as in the paper; equal scores are half a win each; the
    strengths come from Hunter's (2004) iteration, with one drawn battle a pair that keeps them finite.

    Args:
        gamma: How much more the nearest query counts than one at a right angle. The paper has 10.
        steps: Of the iteration.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, gamma: float = 10.0, steps: int = 20, embedder: Embedder | None = None) -> None:
        self.gamma = gamma
        self.steps = steps
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> Elo:
        """Note who won against whom on each query."""
        target = target_of(table).astype(np.float32)
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        self.vectors_ = unit_rows(self.features_.of(table.prompts, table.tasks))
        a, b = target[:, :, None], target[:, None, :]
        # A comparison with NaN is false, so that a missing score is no battle.
        self.wins_ = ((a > b) + 0.5 * (a == b)).astype(np.float32).reshape(len(target), -1)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] logarithms of Bradley-Terry strengths."""
        features: Features = learned(self, "features_")
        vectors = unit_rows(features.of(prompts, tasks))
        width = len(self.candidates_)
        scores = np.zeros((len(vectors), width))
        for start in range(0, len(vectors), _CHUNK):
            near = vectors[start : start + _CHUNK] @ self.vectors_.T
            near /= np.maximum(near.max(axis=1, keepdims=True), 1e-6)
            weights = np.float32(self.gamma) ** (1 + np.clip(near, -1, 1))
            wins = (weights @ self.wins_).reshape(-1, width, width).astype(np.float64)
            scores[start : start + _CHUNK] = bradley_terry(wins + 0.5, self.steps)
        return scores


def bradley_terry(wins: Array, steps: int) -> Array:
    """[Q, C] log strengths of the most likely Bradley-Terry models; `wins` [Q, C, C] of the row over the column."""
    width = wins.shape[1]
    apart = 1 - np.eye(width)
    battles = (wins + wins.transpose(0, 2, 1)) * apart
    won = (wins * apart).sum(axis=2)
    strength = np.ones(wins.shape[:2])
    for _ in range(steps if width > 1 else 0):
        strength = won / (battles / (strength[:, :, None] + strength[:, None, :])).sum(axis=2)
        strength /= np.exp(np.log(strength).mean(axis=1, keepdims=True))
    logs: Array = np.log(strength)
    return logs
