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
    best: Floats = np.max(np.where(cells.count > 0, cells.mean, -np.inf), axis=1, initial=-np.inf)
    return best


def expected_best(cells: Cells) -> Floats:
    """[Q] expectation of the truly best candidate's expected score, given the scores and the priors of their tasks."""
    best = np.full(len(cells.task), np.nan)
    for task, prior in enumerate(priors(cells)):
        rows = cells.task == task
        best[rows] = posterior(cells.rows(rows), prior).best
    return best


def best_unseen(cells: Cells, reference: Indices, seed: int = 0) -> Floats:
    """[Q] gain over the reference on replicates held out in turn, of the candidate that looks best on the others.

    The choice has seen neither what it is scored on nor, in its prior, any score of the query, so that in expectation the
    gain is at most that of the truly best candidate. A query without replicates, or whose task has no other queries, keeps
    the reference and gains 0.
    """
    eligible = cells.count > 1
    base = cells.mean[np.arange(len(cells.task)), reference]
    folds = min(_FOLDS, int(cells.count.max(initial=0)))
    group = balanced_groups(cells, _FOLDS, seed)
    gains = np.zeros((folds, len(base)))
    for k in range(int(group.max(initial=-1)) + 1):
        others = group != k
        found = priors(cells.rows(others)) if others.any() else []
        for task, prior in zip(np.unique(cells.task[others]), found, strict=True):
            rows = (group == k) & (cells.task == task) & eligible.any(axis=1)
            for fold in range(folds):
                rest, unseen = _held_out(cells.rows(rows), fold)
                choice = np.where(eligible[rows], posterior(rest, prior).mean, -np.inf).argmax(axis=1)
                gains[fold, rows] = unseen[np.arange(len(choice)), choice] - base[rows]
    mean: Floats = gains.mean(axis=0)
    return mean


def _held_out(cells: Cells, fold: int) -> tuple[Cells, Floats]:
    """The cells without one of their replicates each, and its score [Q, C]; a cell with a single score keeps it."""
    out = np.where(cells.count > 1, fold % np.maximum(cells.count, 1), -1)
    held = np.arange(cells.values.shape[2]) == out[:, :, None]
    return Cells(np.where(held, np.nan, cells.values), cells.task), np.where(held, cells.values, 0.0).sum(axis=2)


def balanced_groups(cells: Cells, groups: int, seed: int) -> Indices:
    """[Q] a random group of each query, at most one group per query, and as even as can be in each task."""
    order = np.lexsort((np.random.default_rng(seed).random(len(cells.task)), cells.task))
    group = np.empty(len(order), np.int64)
    group[order] = np.arange(len(order)) % max(1, min(groups, len(order)))
    return group
