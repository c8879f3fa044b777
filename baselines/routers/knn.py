"""Nearest neighbours: the mean of their scores, and as published, a vote of their labels.

The mean is the kNN of RouterBench (arXiv 2403.12031); "Rethinking Predictive Modeling for LLM Routing: When Simple kNN Beats
Complex Learned Routers" (arXiv 2505.12601) finds it hard to beat. The vote is the kNN of FusionFactory (arXiv 2507.10540).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.routers.shared.parts import Array, Features, TaskMeans, learned, target_of
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.texts.embedding import Embedder, unit_rows

_CHUNK = 512


class KNN:
    """Mean score of the k train queries whose vectors are nearest, drawn towards the mean of the query's task.

    Args:
        k: Neighbours; more where several are as near as the last.
        strength: Neighbours' worth of the task's mean.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, k: int = 40, strength: float = 10.0, embedder: Embedder | None = None) -> None:
        self.k = k
        self.strength = strength
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> KNN:
        """Keep vectors and scores."""
        target = target_of(table)
        self.means_ = TaskMeans().fit(table.tasks, target)
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        self.vectors_ = unit_rows(self.features_.of(table.prompts, table.tasks))
        given = ~np.isnan(target)
        self.scores_ = np.hstack([np.where(given, target, 0), given]).astype(np.float32)
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] (sum over the neighbours that have a score + strength * mean of the task) / (their number + strength)."""
        features: Features = learned(self, "features_")
        sums = neighbour_sums(unit_rows(features.of(prompts, tasks)), self.vectors_, self.scores_, self.k)
        width = len(self.candidates_)
        prior = self.means_.of(tasks)
        if not self.strength:
            return np.where(sums[:, width:] > 0, sums[:, :width] / np.maximum(sums[:, width:], 1), prior)
        return (sums[:, :width] + self.strength * prior) / (sums[:, width:] + self.strength)


class KNNLabel:
    """As published: a train query's label is its first best candidate, and the k neighbours vote.

    Where many candidates answer right, ties make the label say who comes first rather than who is good, which is why it falls
    below the best single LLM on real scores. It is here to be compared with, not to be used.

    Args:
        k: Neighbours.
        embedder: `TfidfSvdEmbedder()` by default.
    """

    def __init__(self, *, k: int = 40, embedder: Embedder | None = None) -> None:
        self.k = k
        self.embedder = embedder

    def fit(self, table: RoutingTable) -> KNNLabel:
        """Keep vectors and labels."""
        target = target_of(table)
        self.features_ = Features(self.embedder, with_task=False).fit(table.prompts, table.tasks)
        self.vectors_ = unit_rows(self.features_.of(table.prompts, table.tasks))
        best = np.argmax(np.where(np.isnan(target), -np.inf, target), axis=1)
        self.labels_ = np.eye(target.shape[1], dtype=np.float32)[best]
        self.candidates_ = list(table.candidates)
        return self

    def score(self, prompts: Sequence[str | None], tasks: Sequence[str]) -> Array:
        """[Q, C] votes."""
        features: Features = learned(self, "features_")
        votes = neighbour_sums(unit_rows(features.of(prompts, tasks)), self.vectors_, self.labels_, self.k)
        return votes.astype(np.float64)


def neighbour_sums(
    queries: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32], values: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.float32]:
    """[Q, m] sums of `values` [n, m] over the k rows of `vectors` [n, d] that lie nearest to each of `queries` [Q, d].

    Rows as near as the last are all in. No index, no loop over queries: a threshold, then a product of matrices.
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
    """[Q] a value that at least k of each row reach, and not many more.

    The k-th largest of the maxima of groups is one; finding it takes one pass, where a selection from whole rows takes many.
    """
    groups = 4 * k
    width = near.shape[1] // groups
    if width < 2:
        return np.full(len(near), -np.inf, np.float32)
    maxima = near[:, : groups * width].reshape(len(near), groups, width).max(axis=2)
    bound: npt.NDArray[np.float32] = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    return bound
