"""Experts recruited by the skills that a query needs: Symbolic-MoE (arXiv 2503.05641).

In the paper an LLM names the skills of a query. Here the skills are frequent words of the query, and a candidate's profile is
its mean gain over the task mean on train queries with a word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class Skills:
    """score = mean of the task + weight * mean of the candidate's profile over the keywords of the query.

    Args:
        keywords: Maximum size of the vocabulary.
        least: Minimum number of train queries with a keyword.
        strength: Weight of no effect in a profile, in queries.
        weight: Weight of the profiles.
    """

    keywords: int = 2000
    least: int = 5
    strength: float = 20.0
    weight: float = 1.0

    def fit(self, table: RoutingTable) -> Skills:
        """Choose the keywords and compute the profiles."""
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
        """[Q, C] predicted scores."""
        means: TaskMeans = learned(self, "means_")
        scores = means.of(tasks)
        if not self.vocabulary_ or not len(prompts):
            return scores
        holds = self._holds(prompts)
        count = np.maximum(np.asarray(holds.sum(axis=1)).reshape(-1, 1), 1)
        added: Array = scores + self.weight * (holds @ self.profiles_) / count
        return added

    def _holds(self, prompts: Sequence[str | None]) -> Any:
        """[Q, keywords] sparse: 1 if the prompt contains the keyword."""
        from sklearn.feature_extraction.text import CountVectorizer

        if not self.vocabulary_:
            return None
        counter = CountVectorizer(binary=True, vocabulary=self.vocabulary_, dtype=np.float64)
        return counter.transform([prompt or "" for prompt in prompts])


def vocabulary(prompts: Sequence[str | None], most: int, least: int) -> list[str]:
    """The `most` most frequent words that are in at least `least` prompts and at most half of them; ties by name."""
    from sklearn.feature_extraction.text import CountVectorizer

    analyse = CountVectorizer().build_analyzer()
    counts: dict[str, int] = {}
    for prompt in prompts:
        for word in set(analyse(prompt or "")):
            counts[word] = counts.get(word, 0) + 1
    kept = [word for word, count in counts.items() if least <= count <= len(prompts) / 2]
    return sorted(sorted(kept, key=lambda word: (-counts[word], word))[:most])
