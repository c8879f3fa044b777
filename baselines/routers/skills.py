"""Experts recruited by the skills that a query needs: Symbolic-MoE (arXiv 2503.05641).

There an LLM names the skills of a query in keywords. Here its own telling words are the keywords, and a candidate's profile is
how much better than its task's mean it does on the train queries that hold a keyword.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable


class Skills:
    """score = mean of the task + weight * mean over the query's keywords of the candidate's profile.

    Args:
        keywords: The vocabulary, at most.
        least: Train queries that must hold a word for it to be a keyword.
        strength: Queries' worth of no effect that a profile is drawn to.
        weight: Of the profiles.
    """

    def __init__(self, *, keywords: int = 2000, least: int = 5, strength: float = 20.0, weight: float = 1.0) -> None:
        self.keywords = keywords
        self.least = least
        self.strength = strength
        self.weight = weight

    def fit(self, table: RoutingTable) -> Skills:
        """Choose the keywords and profile every candidate."""
        target = target_of(table)
        self.means_ = TaskMeans().fit(table.tasks, target)
        residual = target - self.means_.of(table.tasks)
        given = ~np.isnan(residual)
        self.vocabulary_ = vocabulary(table.prompts, self.keywords, self.least)
        holds = self._holds(table.prompts)
        self.profiles_ = np.zeros((len(self.vocabulary_), target.shape[1]))
        """[keywords, C]"""
        if self.vocabulary_:
            self.profiles_ = (holds.T @ np.where(given, residual, 0)) / (holds.T @ given.astype(float) + self.strength)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] mean of the task and what the keywords add to it."""
        means: TaskMeans = learned(self, "means_")
        scores = means.of(tasks)
        if not self.vocabulary_ or not len(prompts):
            return scores
        holds = self._holds(prompts)
        count = np.maximum(np.asarray(holds.sum(axis=1)).reshape(-1, 1), 1)
        added: Array = scores + self.weight * (holds @ self.profiles_) / count
        return added

    def _holds(self, prompts: Sequence[str | None]) -> Any:
        """[Q, keywords] sparse: 1 where the prompt holds the keyword."""
        from sklearn.feature_extraction.text import CountVectorizer

        if not self.vocabulary_:
            return None
        counter = CountVectorizer(binary=True, vocabulary=self.vocabulary_, dtype=np.float64)
        return counter.transform([prompt or "" for prompt in prompts])


def vocabulary(prompts: Sequence[str | None], most: int, least: int) -> list[str]:
    """Words of at least `least` prompts but not of every other one; the most frequent first, among equals by name."""
    from sklearn.feature_extraction.text import CountVectorizer

    analyse = CountVectorizer().build_analyzer()
    counts: dict[str, int] = {}
    for prompt in prompts:
        for word in set(analyse(prompt or "")):
            counts[word] = counts.get(word, 0) + 1
    kept = [word for word, count in counts.items() if least <= count <= len(prompts) / 2]
    return sorted(sorted(kept, key=lambda word: (-counts[word], word))[:most])
