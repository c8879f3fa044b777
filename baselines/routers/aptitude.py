"""LLMs described by the results of an aptitude test, which makes new LLMs routable: Model-SAT (arXiv 2502.17282).

Model-SAT verbalises an LLM's accuracy on small sets of questions, and a trained LLM judges whether it fits a query. Here the
description stays a vector of numbers, and a regression on query and vector replaces the judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, cluster_names, fit_clusters, learned, ridge
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class Aptitude(PromptRouter):
    """Subjects are the tasks and clusters of prompts; a candidate's aptitude is its shrunk mean score in each subject.

    One regression over all pairs of query and candidate predicts the score from the aptitude in the query's task and cluster,
    the candidate's overall mean, the query's predicted difficulty, and products of these. It therefore applies to new
    candidates too.

    Args:
        subjects: Maximum number of clusters of prompts.
        strength: Weight of the overall mean in an aptitude, in queries.
        penalty: L2 penalty of the weights.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the clusters.
    """

    subjects: int = 16
    strength: float = 5.0
    penalty: float = 10.0
    seed: int = 0
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.clusters_ = fit_clusters(vectors, self.subjects, self.seed)
        rows = np.flatnonzero(~np.isnan(target).all(axis=1))
        row_means = np.nanmean(target[rows], axis=1, keepdims=True)
        self.difficulty_ = ridge(vectors[rows], row_means - row_means.mean(), self.penalty)
        self.by_task_ = TaskMeans(self.strength).fit(table.tasks, target)
        self.by_cluster_ = TaskMeans(self.strength).fit(cluster_names(self.clusters_, vectors), target)
        pairs = self._pairs(vectors, table.tasks)
        residual = target - pairs[0]
        self.weights_ = ridge(pairs.reshape(len(pairs), -1).T, residual.reshape(-1, 1), self.penalty)[:, 0]

    def extend(self, table: RoutingTable) -> Aptitude:
        """Test new candidates on the train queries of `table`; without rows they get the average aptitude."""
        learned(self, "weights_")
        new = [name for name in table.candidates if name not in self.candidates_]
        extra = table.columns(new)
        usable = len(extra) > 0 and not np.isnan(extra.target).all()
        subjects = cluster_names(self.clusters_, self.features_.of(extra.prompts, extra.tasks))
        for means, groups in ((self.by_task_, extra.tasks), (self.by_cluster_, subjects)):
            found = np.tile(means.values_.mean(axis=1, keepdims=True), (1, len(new)))
            if usable:
                tested = TaskMeans(self.strength).fit(groups, extra.target.astype(np.float64))
                found = tested.of([*means.rows_, ""])
            means.values_ = np.hstack([means.values_, found])
        self.candidates_ = [*self.candidates_, *new]
        return self

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        pairs = self._pairs(vectors, tasks)
        scores: Array = pairs[0] + np.tensordot(self.weights_, pairs, axes=1)
        return scores

    def _pairs(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[features, Q, C]; the first is the candidate's aptitude in the query's task."""
        of_task = self.by_task_.of(tasks)
        of_subject = self.by_cluster_.of(cluster_names(self.clusters_, vectors))
        overall = np.broadcast_to(self.by_task_.values_[-1], of_task.shape)
        difficulty = np.broadcast_to(vectors @ self.difficulty_, of_task.shape)
        ones = np.ones_like(of_task)
        return np.stack([of_task, of_subject, overall, difficulty, difficulty * of_task, difficulty * overall, ones])
