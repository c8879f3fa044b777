"""Nearest neighbours: the mean of their scores, and the published vote of their labels.

The mean is the kNN of RouterBench (arXiv 2403.12031), a strong baseline according to "Rethinking Predictive Modeling for LLM
Routing" (arXiv 2505.12601). The vote is the kNN of FusionFactory (arXiv 2507.10540).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array, TaskMeans, failures_last
from llmfusionbench.baselines.routers.shared.prompt_router import PromptRouter
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import unit_rows

_CHUNK = 512


@dataclass(kw_only=True, eq=False)
class KNN(PromptRouter):
    """Mean score of the k nearest train queries by cosine similarity, shrunk towards the mean of the query's task.

    Args:
        k: Number of neighbours; more if several are tied with the last.
        strength: Weight of the task mean, in neighbours.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    k: int = 40
    strength: float = 10.0
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.vectors_ = unit_rows(vectors)
        given = ~np.isnan(target)
        self.scores_ = np.hstack([np.where(given, target, 0), given]).astype(np.float32)

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] (sum over the neighbours with a score + strength * task mean) / (their number + strength)."""
        sums = neighbour_sums(unit_rows(vectors), self.vectors_, self.scores_, self.k)
        width = len(self.candidates_)
        prior = self.means_.of(tasks)
        if not self.strength:
            return np.where(sums[:, width:] > 0, sums[:, :width] / np.maximum(sums[:, width:], 1), prior)
        return (sums[:, :width] + self.strength * prior) / (sums[:, width:] + self.strength)


@dataclass(kw_only=True, eq=False)
class KNNLabel(PromptRouter):
    """The published variant: the label of a train query is its first best candidate, and the k neighbours vote.

    If many candidates answer correctly, the label depends on their order more than on their quality. On real scores this
    router is therefore worse than the best single LLM; it is here for comparison.

    Args:
        k: Number of neighbours.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    k: int = 40
    sees_task = False

    def _learn(self, table: RoutingTable, target: Array, vectors: Array) -> None:
        self.vectors_ = unit_rows(vectors)
        best = np.argmax(np.where(np.isnan(target), -np.inf, failures_last(target, table)), axis=1)
        self.labels_ = np.eye(target.shape[1], dtype=np.float32)[best]

    def _predict(self, vectors: Array, tasks: Sequence[str]) -> Array:
        """[Q, C] votes."""
        return neighbour_sums(unit_rows(vectors), self.vectors_, self.labels_, self.k).astype(np.float64)


def neighbour_sums(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], values: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.float32]:
    """[Q, m] sums of `values` [n, m] over the k rows of `vectors` [n, d] nearest to each of `queries` [Q, d].

    All rows tied with the k-th count. This finds a threshold per query and multiplies matrices, without an index.
    """
    from scipy.sparse import csr_array

    k = min(k, len(vectors))
    sums = np.empty((len(queries), values.shape[1]), np.float32)
    for start in range(0, len(queries), _CHUNK):
        near = queries[start : start + _CHUNK] @ vectors.T
        places = np.flatnonzero(near >= _lower_bound(near, k)[:, None])
        rows, columns = np.divmod(places, len(vectors))
        counts = np.bincount(rows, minlength=len(near))
        found = near.ravel()[places]
        first = np.cumsum(counts) - counts
        padded = np.full((len(near), counts.max()), -np.inf, np.float32)
        padded[rows, np.arange(len(rows)) - first[rows]] = found
        last = np.partition(padded, padded.shape[1] - k, axis=1)[:, padded.shape[1] - k]
        keep = found >= last[rows]
        chosen = csr_array((np.ones(keep.sum(), np.float32), (rows[keep], columns[keep])), shape=near.shape)
        sums[start : start + _CHUNK] = chosen @ values
    return sums


def _lower_bound(near: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float32]:
    """[Q] a value that at least k entries of each row reach, and few more: the k-th largest of the maxima of groups.

    It takes one pass over the rows; an exact selection takes several.
    """
    groups = 4 * k
    width = near.shape[1] // groups
    if width < 2:
        return np.full(len(near), -np.inf, np.float32)
    maxima = near[:, : groups * width].reshape(len(near), groups, width).max(axis=2)
    bound: npt.NDArray[np.float32] = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    return bound
