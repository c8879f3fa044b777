"""First the category of a query, then the expert of that category: Composition of Experts (arXiv 2412.01868), TO-Router.

Unlike `per_task` it does not use the query's task, so it works on queries without labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class TaskThenExpert(PromptRouter):
    """A classifier predicts the task from the prompt; the score is the candidate's mean over tasks, weighted by probability.

    Args:
        strength: Inverse of the penalty of the classifier, C in scikit-learn.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    strength: float = 10.0
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        from sklearn.linear_model import LogisticRegression

        self.means_ = TaskMeans().fit(table.tasks, target)
        self.classes_ = sorted(set(table.tasks))
        self.model_ = None
        if len(self.classes_) > 1:
            self.model_ = LogisticRegression(C=self.strength, max_iter=200, tol=1e-3).fit(vectors, table.tasks)
            self.classes_ = list(self.model_.classes_)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] expected means; `tasks` is ignored."""
        chances = np.ones((len(vectors), 1))
        if self.model_ is not None:
            chances = self.model_.predict_proba(vectors) if len(vectors) else np.zeros((0, len(self.classes_)))
        scores: Array = chances @ self.means_.of(self.classes_)
        return scores
