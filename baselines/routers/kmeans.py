"""A cluster router: the best candidate of the query's cluster (UniRoute, arXiv 2502.08773; Avengers, arXiv 2505.19797)."""

from __future__ import annotations

from collections.abc import Sequence

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder


class KMeans:
    """Clusters of prompts, and the candidates' mean scores in them, drawn towards the overall means.

    Args:
        clusters: At most; fewer where there are fewer queries.
        strength: Queries' worth of the overall mean.
        embedder: `TfidfSvdEmbedder()` by default.
        seed: Of the first centres.
    """

    def __init__(self, *, clusters: int = 32, strength: float = 10.0, embedder: Embedder | None = None, seed: int = 0) -> None:
        self.clusters = clusters
        self.strength = strength
        self.embedder = embedder
        self.seed = seed

    def fit(self, table: RoutingTable) -> KMeans:
        """Find the clusters, then their means."""
        from sklearn.cluster import KMeans as Clusters

        target = target_of(table)
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        vectors = self.features_.of(table.prompts, table.tasks)
        count = min(self.clusters, len({row.tobytes() for row in vectors}))
        self.model_ = Clusters(count, n_init=3, random_state=self.seed).fit(vectors)
        self.means_ = TaskMeans(self.strength).fit([str(label) for label in self.model_.labels_], target)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] means of the cluster."""
        features: Features = learned(self, "features_")
        vectors = features.of(prompts, tasks)
        return self.means_.of([str(label) for label in self.model_.predict(vectors)] if len(vectors) else [])
