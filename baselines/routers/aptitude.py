"""LLMs described by the results of an aptitude test, so that one never seen can be routed to: Model-SAT (arXiv 2502.17282).

Model-SAT verbalises an LLM's accuracy on small sets of questions and lets a trained LLM judge whether it fits a query. Here
the description stays a vector of numbers, and what judges it is a regression on the pair of query and vector.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, ridge, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class Aptitude:
    """Subjects are clusters of prompts in every task; a candidate's aptitude is its shrunk mean in each of them.

    A query is a mixture of subjects. What the mixture says of a candidate, the candidate's overall mean, the query's predicted
    difficulty and their products are the features of one regression for all pairs, which so holds for new candidates too.

    Args:
        subjects: Clusters of prompts besides the tasks.
        strength: Queries' worth of the overall mean that an aptitude is drawn to.
        penalty: Of the squared weights.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the clusters.
    """

    def __init__(
        self,
        *,
        subjects: int = 16,
        strength: float = 5.0,
        penalty: float = 10.0,
        embedder: Embedder | None = None,
        seed: int = 0,
    ) -> None:
        self.subjects = subjects
        self.strength = strength
        self.penalty = penalty
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> Aptitude:
        """Find the subjects, test every candidate in them, and learn how results carry over to queries."""
        from sklearn.cluster import KMeans as Clusters

        target = target_of(table)
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        vectors = self.features_.of(table.prompts, table.tasks)
        count = min(self.subjects, len({row.tobytes() for row in vectors}))
        self.clusters_ = Clusters(count, n_init=3, random_state=self.seed).fit(vectors)
        rows = np.flatnonzero(~np.isnan(target).all(axis=1))
        row_means = np.nanmean(target[rows], axis=1, keepdims=True)
        self.difficulty_ = ridge(vectors[rows], row_means - row_means.mean(), self.penalty)
        self.table_, self.candidates_ = table, list(table.candidates)
        self._test(table, target)
        pairs = self._pairs(table.prompts, table.tasks)
        residual = target - pairs[0]
        self.weights_ = ridge(pairs.reshape(len(pairs), -1).T, residual.reshape(-1, 1), self.penalty)[:, 0]
        del self.table_
        return self

    def extend(self, table: RoutingTable) -> Aptitude:
        """Test candidates that were not seen on the train queries of `table`; without rows they get the average aptitude."""
        learned(self, "weights_")
        new = [name for name in table.candidates if name not in self.candidates_]
        extra = table.columns(new)
        usable = len(extra) > 0 and not np.isnan(extra.target).all()
        average = (self.by_task_.values_.mean(axis=1, keepdims=True), self.by_cluster_.values_.mean(axis=1, keepdims=True))
        for means, mean, groups in zip(
            (self.by_task_, self.by_cluster_), average, (extra.tasks, self._subjects(extra.prompts, extra.tasks)), strict=True
        ):
            found = np.tile(mean, (1, len(new)))
            if usable:
                tested = TaskMeans(self.strength).fit(groups, extra.target.astype(np.float64))
                found = tested.of([*means.rows_, ""])
            means.values_ = np.hstack([means.values_, found])
        self.candidates_ = [*self.candidates_, *new]
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] predicted scores."""
        learned(self, "weights_")
        pairs = self._pairs(prompts, tasks)
        scores: Array = pairs[0] + np.tensordot(self.weights_, pairs, axes=1)
        return scores

    def _test(self, table: RoutingTable, target: Array) -> None:
        self.by_task_ = TaskMeans(self.strength).fit(table.tasks, target)
        self.by_cluster_ = TaskMeans(self.strength).fit(self._subjects(table.prompts, table.tasks), target)

    def _subjects(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> list[str]:
        return [str(label) for label in self._labels(self.features_.of(prompts, tasks))]

    def _labels(self, vectors: Array) -> npt.NDArray[np.int64]:
        return np.asarray(self.clusters_.predict(vectors), np.int64) if len(vectors) else np.zeros(0, np.int64)

    def _pairs(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[features, Q, C]; the first is what the query's task says of the candidate."""
        vectors = self.features_.of(prompts, tasks)
        of_task = self.by_task_.of(tasks)
        of_subject = self.by_cluster_.of([str(label) for label in self._labels(vectors)])
        overall = np.broadcast_to(self.by_task_.values_[-1], of_task.shape)
        difficulty = np.broadcast_to(vectors @ self.difficulty_, of_task.shape)
        ones = np.ones_like(of_task)
        return np.stack([of_task, of_subject, overall, difficulty, difficulty * of_task, difficulty * overall, ones])
