"""The oracle's score of each query: with one answer per candidate, with all, and on answers that it has not seen."""

from __future__ import annotations

from typing import Final

import numpy as np

from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.prior import posterior, priors
from llmfusionbench.statistics import Floats

_FOLDS: Final = 5
"""Most replicates that are held out in turn."""


def best_of_one(cells: Cells) -> Floats:
    """[Q] expectation of the highest score if each candidate gives one answer, drawn from its own; NaN without scores.

    It is unbiased: the distribution of the highest is the product of the candidates' distributions.
    """
    queries, candidates, replicates = cells.values.shape
    scores = np.sort(cells.values, axis=2)
    rank = np.broadcast_to(np.arange(1, replicates + 1), scores.shape)
    first = np.broadcast_to(rank == 1, scores.shape)
    step = np.where(first, -np.log(np.maximum(cells.count, 1))[:, :, None], np.log(rank / np.maximum(rank - 1, 1)))
    flat = scores.reshape(queries, candidates * replicates)
    order = np.argsort(flat, axis=1, kind="stable")
    value = np.take_along_axis(flat, order, axis=1)
    known = ~np.isnan(value)
    logs = np.where(known, np.take_along_axis(step.reshape(flat.shape), order, axis=1), 0.0).cumsum(axis=1)
    begun = (known & np.take_along_axis(first.reshape(flat.shape), order, axis=1)).cumsum(axis=1)
    present = (cells.count > 0).sum(axis=1)
    chance = np.where(begun == present[:, None], np.exp(logs), 0.0)
    best = (np.where(known, value, 0.0) * np.diff(chance, axis=1, prepend=0.0)).sum(axis=1)
    return np.where(present > 0, best, np.nan)


def best_of_means(cells: Cells) -> Floats:
    """[Q] highest mean of a candidate; in expectation, at least that of the truly best candidate."""
    return np.max(np.where(cells.count > 0, cells.mean, -np.inf), axis=1, initial=-np.inf)


def expected_best(cells: Cells) -> Floats:
    """[Q] expectation of the truly best candidate's expected score, given the scores and the priors of their tasks."""
    best = np.full(len(cells.task), np.nan)
    for task, prior in enumerate(priors(cells)):
        rows = cells.task == task
        best[rows] = posterior(cells.rows(rows), prior).best
    return best


def best_unseen(cells: Cells, reference: Indices) -> Floats:
    """[Q] gain over the reference on replicates held out in turn, of the candidate that looks best on the others.

    The choice has not seen what it is scored on, so that in expectation the gain is at most that of the truly best
    candidate. A query without replicates keeps the reference, and gains 0.
    """
    found = priors(cells)
    eligible = cells.count > 1
    folds = min(_FOLDS, int(cells.count.max(initial=0)))
    base = cells.mean[np.arange(len(cells.task)), reference]
    gains = np.zeros((folds, len(cells.task)))
    for fold in range(folds):
        out = np.where(eligible, fold % np.maximum(cells.count, 1), -1)
        held = np.arange(cells.values.shape[2]) == out[:, :, None]
        rest = Cells(np.where(held, np.nan, cells.values), cells.task)
        unseen = np.where(held, cells.values, 0.0).sum(axis=2)
        for task, prior in enumerate(found):
            rows = np.flatnonzero((cells.task == task) & eligible.any(axis=1))
            looks = posterior(rest.rows(np.isin(np.arange(len(cells.task)), rows)), prior).mean
            choice = np.where(eligible[rows], looks, -np.inf).argmax(axis=1)
            gains[fold, rows] = unseen[rows, choice] - base[rows]
    return gains.mean(axis=0)
