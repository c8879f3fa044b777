"""First the category of a query, then the expert of that category: Composition of Experts (arXiv 2412.01868), TO-Router.

Unlike `per_task` it is not told the task: it works where a stream of queries comes without labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class TaskThenExpert:
    """The task is predicted from the prompt; a candidate's score is its mean over tasks, weighted by their chances.

    Args:
        strength: Inverse of the penalty of the classifier, as scikit-learn has it.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, strength: float = 10.0, embedder: Embedder | None = None) -> None:
        self.strength = strength
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> TaskThenExpert:
        """Fit the classifier of tasks and the means by task."""
        from sklearn.linear_model import LogisticRegression

        self.means_ = TaskMeans().fit(table.tasks, target_of(table))
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        self.classes_ = sorted(set(table.tasks))
        self.model_ = None
        if len(self.classes_) > 1:
            vectors = self.features_.of(table.prompts, table.tasks)
            self.model_ = LogisticRegression(C=self.strength, max_iter=200, tol=1e-3).fit(vectors, table.tasks)
            self.classes_ = list(self.model_.classes_)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] expected means; `tasks` is not looked at."""
        features: Features = learned(self, "features_")
        vectors = features.of(prompts, tasks)
        chances = np.ones((len(prompts), 1))
        if self.model_ is not None:
            chances = self.model_.predict_proba(vectors) if len(vectors) else np.zeros((0, len(self.classes_)))
        scores: Array = chances @ self.means_.of(self.classes_)
        return scores
