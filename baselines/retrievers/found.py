"""Hits of many queries as flat arrays, ranked by similarity and, among equals, by template id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from llmfusionbench.baselines.retrievers.eligible import Places

Scores = npt.NDArray[np.float32]


class Found(NamedTuple):
    """h hits, by query and then best first; templates are positions in a library ordered by id."""

    rows: Places
    """[h] the query."""
    columns: Places
    """[h] the template."""
    similarities: npt.NDArray[np.float64]
    """[h]"""

    def keep(self, which: npt.NDArray[np.bool_]) -> Found:
        """Some hits, by a mask [h]."""
        return Found(self.rows[which], self.columns[which], self.similarities[which])

    def ranks(self) -> Places:
        """[h] 1 for the best hit of its query, 2 for the next, ..."""
        return np.arange(len(self.rows)) - np.searchsorted(self.rows, self.rows) + 1


def best(found: Iterable[Found], k: int) -> Found:
    """The k most similar of each query; among equals, the first in the library."""
    parts = [part for part in found if len(part.rows)]
    if not parts:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    rows, columns = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    similarities = np.concatenate([part.similarities for part in parts])
    order = np.lexsort((columns, -similarities, rows))
    sorted_ = Found(rows[order], columns[order], similarities[order])
    return sorted_.keep(sorted_.ranks() <= k)


def reaching(scores: Scores, k: int, slack: float = 0.0) -> tuple[Places, Places]:
    """Places of all values of `scores` [b, m] that are not -inf and at most `slack` below the k-th largest of their row."""
    bound = _bound(scores, k)
    places = np.flatnonzero(scores >= np.maximum(bound - slack, np.finfo(np.float32).min)[:, None])
    rows, columns = np.divmod(places, scores.shape[1])
    counts = np.bincount(rows, minlength=len(scores))
    width = int(counts.max(initial=0))
    if width <= k:
        return rows, columns
    values = scores.ravel()[places]
    padded = np.full((len(scores), width), -np.inf, np.float32)
    padded[rows, np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]] = values
    last = np.partition(padded, width - k, axis=1)[:, width - k]
    keep = values >= last[rows] - slack
    return rows[keep], columns[keep]


def _bound(scores: Scores, k: int) -> Scores:
    """[b] a value that at least k of each row reach, and few more: the k-th largest of the maxima of groups.

    It takes one pass; a selection from whole rows takes many.
    """
    groups = 4 * k
    width = scores.shape[1] // groups
    if width < 2:
        return np.full(len(scores), -np.inf, np.float32)
    maxima = scores[:, : groups * width].reshape(len(scores), groups, width).max(axis=2)
    bound: Scores = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    return bound
