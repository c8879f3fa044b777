"""What the components imply about the expected scores of a task's cells, and what a cell's own scores add to it.

The expected score of a candidate c on a query q of a task is logistic(a_c + sigma * theta_q + tau * e_qc), with independent
standard normal theta (the query) and e (query x candidate). a, sigma and tau reproduce the candidates' means and the task's
components of variance. A score from 0 to 1 counts as a share of 1 / phi successes and failures, where phi is the variance
within cells divided by that of binary scores with the same means (quasi-binomial; phi is 1 for binary scores).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from llmfusionbench.evaluation.routers.decision import Indices
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.logistic import POINTS, mass, mean_of, spread_of
from llmfusionbench.evaluation.variance.moments import task_moments
from llmfusionbench.statistics import Floats, ratio

_THETA: Final[Floats] = np.linspace(-3.5, 3.5, 25)
_WEIGHT: Final[Floats] = np.exp(-(_THETA**2) / 2) / np.exp(-(_THETA**2) / 2).sum()
_HALVINGS: Final = 12
_PART: Final = 2_000
_LEAST_PHI: Final = 1e-3
_LEAST_BINARY: Final = 1e-9


class Prior(NamedTuple):
    """The distribution of the expected scores of a task."""

    location: Floats
    """[C] a"""
    sigma: float
    """Spread of queries, in logits."""
    tau: float
    """Spread of cells of the same query and candidate mean, in logits."""
    phi: float
    """Luck relative to that of binary scores."""


def priors(cells: Cells, *, luck_share: float | None = None) -> list[Prior]:
    """The prior of each task, which reproduces its moments; a moment that a task lacks is that of all tasks.

    Without replicates, luck and query x candidate cannot be told apart: `luck_share` is then the share of luck to assume.
    """
    weights = np.ones((1, len(cells.task)))
    centres = np.array([np.nanmean(cells.mean[cells.task == task]) for task in range(cells.tasks)])
    found = [task_moments(cells, task, weights, centre) for task, centre in enumerate(centres)]
    size = np.bincount(cells.task)
    luck, score, noise, query, candidate, task = (
        np.array([getattr(m, name)[0] for m in found]) for name in ("luck", "score", "noise", "query", "candidate", "task")
    )
    special = np.maximum(_filled(score - query - candidate + task, size), 0.0)
    if luck_share is not None:
        luck = luck_share * special / noise
    cell = score - luck * noise
    means = _shrunk(np.stack([m.means[0] for m in found]) + centres[:, None], special / size, size)
    binary = centres * (1 - centres) - cell  # mean of p (1 - p), since the mean of p less its centre is 0
    known = binary > _LEAST_BINARY
    phi = np.clip(_filled(np.where(known, luck / np.where(known, binary, 1.0), np.nan), size, 1.0), _LEAST_PHI, 1)
    variance, covariance = _filled(cell - candidate, size), _filled(query - task, size)
    made = []
    for i, n in enumerate(size):
        least = 0.5 / (n + 1)
        inner = np.clip(means[i], least, 1 - least)
        location, spread = spread_of(inner, float((inner**2).mean() + max(variance[i], 0.0)))
        shared = _share_of_query(inner, location, spread, max(float(covariance[i]), 0.0))
        made.append(Prior(location, spread * np.sqrt(shared), spread * np.sqrt(1 - shared), float(phi[i])))
    return made


def _filled(values: Floats, size: Indices, default: float = 0.0) -> Floats:
    """[T] `values` of the tasks; the mean over the tasks that have one, weighted by size, for those that lack one."""
    known = ~np.isnan(values)
    mean = float(np.average(values[known], weights=size[known])) if known.any() else default
    return np.where(known, values, mean)


def _shrunk(means: Floats, noise: Floats, size: Indices) -> Floats:
    """[T, C] candidates' means, shrunk towards equality by their reliability (best linear prediction).

    What a candidate has in all tasks and what is special to a task are shrunk apart: the best of several noisy means would
    otherwise look better than it is.

    Args:
        means: [T, C] observed means.
        noise: [T] variance of differences between them that is due to the choice of queries and to luck.
        size: [T] number of queries.
    """
    tasks, candidates = means.shape
    share = size / size.sum()
    known = ~np.isnan(means)
    level = np.nanmean(means, axis=1, keepdims=True)
    main = np.nan_to_num(ratio(share @ np.where(known, means - level, 0.0), share @ known))
    own = np.where(known, means - level - main, 0.0)
    freedom = max(1, candidates - 1)
    spread = (own**2).sum(axis=1) / (freedom * max(1 - 1 / tasks, 0.5))
    shared = _reliability(float((main**2).sum()) / freedom, float(share**2 @ noise))
    special = _reliability(float(share @ spread), float(share @ noise))
    shrunk: Floats = level + shared * main + special * own
    return shrunk


def _reliability(variance: float, noise: float) -> float:
    """The share of an observed variance that is not noise, from 0 to 1."""
    return max(0.0, 1 - noise / variance) if variance > 0 else 0.0


def _share_of_query(means: Floats, location: Floats, spread: float, covariance: float) -> float:
    """The share of spread^2 that gives two candidates this mean covariance over queries, by bisection."""
    pairs = max(1, len(means) * (len(means) - 1))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        found = mean_of(location[:, None] + spread * np.sqrt(middle) * _THETA, spread * np.sqrt(1 - middle))
        products = (found.sum(axis=0) ** 2 - (found**2).sum(axis=0)) @ _WEIGHT
        reached = (products - (means.sum() ** 2 - (means**2).sum())) / pairs
        low, high = (low, middle) if reached > covariance else (middle, high)
    return (low + high) / 2


class Posterior(NamedTuple):
    """Expected scores of a task's queries, given their scores."""

    best: Floats
    """[Q] expectation of the highest expected score of the candidates that have a score."""
    mean: Floats
    """[Q, C] expectation of each cell's expected score."""


def posterior(cells: Cells, prior: Prior) -> Posterior:
    """Expected scores given the scores of `cells`, which are those of one task; in parts, each of little memory."""
    starts = range(0, max(1, len(cells.task)), _PART)
    parts = [_posterior(Cells(cells.values[i : i + _PART], cells.task[i : i + _PART]), prior) for i in starts]
    return Posterior(np.concatenate([part.best for part in parts]), np.concatenate([part.mean for part in parts]))


def _posterior(cells: Cells, prior: Prior) -> Posterior:
    count = cells.count
    total = np.where(count > 0, cells.mean, 0.0) * count
    queries, candidates = count.shape
    log_points, log_rest = np.log(POINTS), np.log1p(-POINTS)
    evidence = np.tile(np.log(_WEIGHT), (queries, 1))
    highest = np.ones((queries, len(_THETA), len(POINTS)))
    mean = np.zeros((queries, candidates, len(_THETA)))
    before = mass(prior.location[:, None] + prior.sigma * _THETA, prior.tau)
    for c in range(candidates):
        key = count[:, c] * (count[:, c] + 1) + total[:, c]  # different for every pair, since a total is from 0 to the count
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        successes, trials = total[first, c] / prior.phi, count[first, c] / prior.phi
        log_likelihood = np.outer(successes, log_points) + np.outer(trials - successes, log_rest)
        top = log_likelihood.max(axis=1, keepdims=True)
        joint = np.exp(log_likelihood - top)[:, None, :] * before[c]
        whole = np.maximum(joint.sum(axis=2), 1e-300)
        evidence += (np.log(whole) + top)[which]
        below = np.cumsum(joint, axis=2) / whole[:, :, None]
        below[trials == 0] = 1.0  # a candidate without a score does not compete
        highest *= below[which]
        mean[:, c] = (joint @ POINTS / whole)[which]
    chance = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    best = np.diff(highest, axis=2, prepend=0.0) @ POINTS
    return Posterior((best * chance).sum(axis=1), np.einsum("qcj,qj->qc", mean, chance))
