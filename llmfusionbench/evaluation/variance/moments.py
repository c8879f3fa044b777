"""Mean products of two scores of a task, by what the two have in common: the moments that tell components apart.

The two scores are always different ones, so that neither luck nor a difference between queries is counted twice. Koch
(Technometrics 9, 1967) estimates components of variance from such symmetric sums.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.statistics import Floats, ratio


class Moments(NamedTuple):
    """Moments of one task for B sets of weights; NaN = no such pair of scores."""

    means: Floats
    """[B, C] mean score of each candidate."""
    luck: Floats
    """[B] variance within cells, pooled over those with replicates."""
    score: Floats
    """[B] mean square of a cell's mean score."""
    noise: Floats
    """[B] mean of 1 / (number of scores) of a cell: its mean square is that of its expected score, and luck times this."""
    query: Floats
    """[B] mean product of two candidates on the same query."""
    candidate: Floats
    """[B] mean product of the same candidate on two queries."""
    task: Floats
    """[B] mean product of two candidates on two queries."""

    def cell(self) -> Floats:
        """[B] mean square of a cell's expected score."""
        return self.score - self.luck * self.noise


def task_moments(cells: Cells, task: int, weights: Floats, centre: float) -> Moments:
    """The moments of a task, of scores less `centre`; each cell counts once, whatever the number of its replicates.

    Where cells are missing, the differences between moments depend on the centre, though not in expectation. They vary least
    with one that is close to the mean.

    Args:
        cells: The scores.
        task: Index of the task.
        weights: [B, Q] number of times that each query counts.
        centre: Subtracted from every score.
    """
    rows = cells.task == task
    count, within = cells.count[rows], cells.within[rows]
    given = (count > 0).astype(np.float64)
    score = np.where(count > 0, cells.mean[rows] - centre, 0.0)
    w = weights[:, rows]
    sums, squares, known = w @ score, w**2 @ score**2, w @ given
    known_squares = w**2 @ given
    luck = ratio(w @ within.sum(axis=1), w @ np.maximum(count - 1, 0).sum(axis=1))
    noise = ratio(given, np.maximum(count, 1)).sum(axis=1)
    of_query, in_query = score.sum(axis=1) ** 2, given.sum(axis=1) ** 2
    own, one = (score**2).sum(axis=1), given.sum(axis=1)
    pair, pairs = (sums**2 - squares).sum(axis=1), (known**2 - known_squares).sum(axis=1)
    every = sums.sum(axis=1) ** 2 - w**2 @ of_query
    everything = known.sum(axis=1) ** 2 - w**2 @ in_query
    return Moments(
        means=ratio(sums, known),
        luck=luck,
        score=ratio(w @ own, w @ one),
        noise=ratio(w @ noise, w @ one),
        query=ratio(w @ (of_query - own), w @ (in_query - one)),
        candidate=ratio(pair, pairs),
        task=ratio(every - pair, everything - pairs),
    )
