"""The best candidate of the query's cluster (UniRoute, arXiv 2502.08773; Avengers, arXiv 2505.19797)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, cluster_names, fit_clusters
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable


@dataclass(kw_only=True, eq=False)
class KMeans(PromptRouter):
    """Clusters of prompts, with the mean score of each candidate in each, shrunk towards its overall mean.

    Args:
        clusters: Maximum number of clusters.
        strength: Weight of the overall mean, in queries.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Random seed of the first centres.
    """

    clusters: int = 32
    strength: float = 10.0
    seed: int = 0
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.model_ = fit_clusters(vectors, self.clusters, self.seed)
        self.means_ = TaskMeans(self.strength).fit([str(label) for label in self.model_.labels_], target)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        return self.means_.of(cluster_names(self.model_, vectors))
