"""Similarity-weighted ranking: the `sw` router of RouteLLM (arXiv 2406.18665), with a Bradley-Terry fit per query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import unit_rows

_CHUNK = 512


@dataclass(kw_only=True, eq=False)
class Elo(PromptRouter):
    """Each train query is a battle between each pair of candidates; battles of similar queries weigh more.

    As in the paper, the weight is gamma ** (1 + s / s_max), with s the cosine similarity. Equal scores are half a win each. The
    strengths come from Hunter's iteration (2004); one extra draw per pair keeps them finite.

    Args:
        gamma: Weight of the nearest query relative to an orthogonal one; 10 in the paper.
        steps: Number of iterations.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    gamma: float = 10.0
    steps: int = 20
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.vectors_ = unit_rows(vectors)
        a, b = (target.astype(np.float32)[:, :, None], target.astype(np.float32)[:, None, :])
        # Comparisons with NaN are false, so a missing score is not a battle.
        self.wins_ = ((a > b) + 0.5 * (a == b)).astype(np.float32).reshape(len(target), -1)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] logarithms of Bradley-Terry strengths."""
        queries = unit_rows(vectors)
        width = len(self.candidates_)
        scores = np.zeros((len(queries), width))
        for start in range(0, len(queries), _CHUNK):
            near = queries[start : start + _CHUNK] @ self.vectors_.T
            near /= np.maximum(near.max(axis=1, keepdims=True), 1e-6)
            weights = np.float32(self.gamma) ** (1 + np.clip(near, -1, 1))
            wins = (weights @ self.wins_).reshape(-1, width, width).astype(np.float64)
            scores[start : start + _CHUNK] = bradley_terry(wins + 0.5, self.steps)
        return scores


def bradley_terry(wins: Array, steps: int) -> Array:
    """[Q, C] log strengths of maximum likelihood; `wins` [Q, C, C] of the row over the column."""
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
