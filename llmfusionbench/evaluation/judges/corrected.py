"""Mean performance of every candidate as a judge says it, and as it would if the judge were right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.against_metric import RIGHT, fold_of
from llmfusionbench.evaluation.judges.judgements import Judgements
from llmfusionbench.evaluation.judges.told import LEAST, NO_DIFFERENCE, Told, drawn, told, too_small, untold
from llmfusionbench.statistics import Estimate, Floats, Sample, ratio, share
from llmfusionbench.statistics.prediction_powered import PredictionPowered, prediction_powered_mean
from llmfusionbench.statistics.resamples import Resamples
from llmfusionbench.statistics.rogan_gladen import rogan_gladen

HELD: Final = 0.2
"""Share of the queries of each task that keep their performance, where all have one."""
AT_LEAST: Final = 25
"""Number of queries that keep it where these are few, though no larger share than `AT_MOST` does."""
AT_MOST: Final = 0.5
"""Largest share of the queries that keeps it."""
SOME_UNLABELLED: Final = 0.05
"""Share of answers without performance from which labels are taken as they are. Answers of tasks in which their candidate has
no label are left out first."""
NO_WEIGHT: Final = "no interval: scores whose correlation with performance is negative get no weight"


@dataclass(frozen=True)
class Labels:
    """What a judge's answers are corrected by."""

    kept: float | None
    """Share of the queries that kept their performance, where it was hidden on purpose because all have one; else None."""
    labelled: int
    unlabelled: int
    left_out: int
    """Judged answers of tasks in which their candidate has no performance: nothing corrects them."""


@dataclass(frozen=True)
class CandidateMean:
    """The mean performance of a candidate over the answers that a judge scored."""

    candidate: str
    judge: Told
    """Mean score of the judge."""
    labelled: Told
    """Mean performance of the labelled answers alone."""
    corrected: Told
    """Prediction-powered mean."""
    weight: float | None
    """Weight of the judge's scores in it, lambda of PPI++."""
    effective: float | None
    """Number of labels that alone would give an interval as narrow."""
    known: Told
    """Mean performance of all these answers, where labels were hidden on purpose; for comparison."""
    called_right: Told
    """Share that the judge calls right (a score of at least .5)."""
    right: Told
    """Share that is right by Rogan and Gladen."""
    known_right: Told
    """Share with a performance of at least .5, where labels were hidden on purpose."""


@dataclass(frozen=True)
class Corrected:
    """The corrected means of a judge, and how much its scores help."""

    labels: Labels
    means: tuple[CandidateMean, ...]
    gain: Told
    """Effective number of labels divided by their number, over all candidates with both."""
    limit: Told
    """The same with judged answers without end: 1 / (1 - correlation^2), of score and performance within candidates."""
    correlation: Told
    """Correlation of score and performance within candidates."""


def corrected(data: Judgements, judge: int, resamples: Resamples, *, seed: int = 0) -> Corrected | None:
    """None where no answer has both a score and a performance."""
    score, gold = data.scores[:, judge], data.answers.performance
    judged = ~np.isnan(score)
    both = judged & ~np.isnan(gold)
    if not both.any():
        return None
    task, candidate = data.answers.task, data.answers.candidate
    stratum = candidate * len(data.tasks) + task
    labelled_in = np.bincount(stratum[both], minlength=stratum.max() + 1)
    usable = judged & (labelled_in[stratum] > 0)
    held_out = float(np.isnan(gold[usable]).mean()) < SOME_UNLABELLED
    label, share_kept = np.where(usable, gold, np.nan), None
    if held_out:
        share_kept = kept_share(len(np.unique(data.answers.query[usable])))
        label = np.where(_kept(data, usable, share_kept, seed), label, np.nan)
        labelled_in = np.bincount(stratum[usable & ~np.isnan(label)], minlength=len(labelled_in))
        usable &= labelled_in[stratum] > 0
    rows = np.flatnonzero(usable)
    known = ~np.isnan(label[rows])
    labels = Labels(share_kept, int(known.sum()), int((~known).sum()), int(judged.sum()) - len(rows))
    sample = Sample.of_numbers(data.answers.query[rows])
    share_of = _strata(stratum[rows], known)
    fold = fold_of(sample, seed)
    means, found = [], {}
    for c in np.unique(candidate[rows]).tolist():
        mine = candidate[rows] == c
        some = rows[mine]
        of = Sample.of_numbers(data.answers.query[some])
        powered = prediction_powered_mean(label[some], score[some], of, share=share_of[mine], fold=fold[mine])
        found[c] = (powered, of)
        truth = gold[some] if held_out else None
        means.append(_mean(data.candidates[c], score[some], label[some], truth, of, powered))
    gain = _gain(list(found.values()), resamples, [data.answers.query[rows[candidate[rows] == c]] for c in found])
    correlation = within_candidates(data, data.scores[:, judge], both, resamples)
    return Corrected(labels, tuple(means), gain, _limit(correlation), correlation)


def kept_share(queries: int) -> float:
    """Share of the queries that keep their labels."""
    return min(AT_MOST, max(HELD, AT_LEAST / max(1, queries)))


def _kept(data: Judgements, usable: np.ndarray, part: float, seed: int) -> np.ndarray:
    """[A] whether the query of an answer is of the random part of its task's that keeps its labels."""
    query, task = data.answers.query, data.answers.task
    of_query = np.full(data.queries, -1)
    of_query[query[usable]] = task[usable]
    kept = np.zeros(data.queries, bool)
    rng = np.random.default_rng(seed)
    for t in np.unique(of_query[of_query >= 0]):
        mine = np.flatnonzero(of_query == t)
        kept[rng.permutation(mine)[: int(np.ceil(part * len(mine)))]] = True
    found: np.ndarray = kept[query]
    return found


def _strata(stratum: np.ndarray, known: np.ndarray) -> Floats:
    """[R] weights by which the labelled rows of a candidate have the mix of tasks of all its rows."""
    size = int(stratum.max()) + 1
    every, labelled = np.bincount(stratum, minlength=size), np.bincount(stratum[known], minlength=size)
    weights: Floats = (every / np.maximum(labelled, 1))[stratum]
    return weights


def _mean(
    name: str,
    score: Floats,
    label: Floats,
    truth: Floats | None,
    sample: Sample,
    powered: PredictionPowered,
) -> CandidateMean:
    known = ~np.isnan(label)
    n, labelled = len(score), len(np.unique(sample.place[known]))
    enough = labelled >= LEAST
    small = too_small(powered.labelled, labelled)
    hidden = untold("not all labels are known")
    return CandidateMean(
        name,
        told(share(sample.mean(score), n), sample.queries),
        told(share(powered.classical, powered.labelled), labelled) if enough else small,
        told(share(powered.corrected, powered.labelled), labelled) if enough else small,
        _number(powered.weight) if enough else None,
        _number(powered.effective) if enough else None,
        hidden if truth is None else told(share(sample.mean(truth), int((~np.isnan(truth)).sum())), sample.queries),
        told(share(sample.mean((score >= RIGHT).astype(np.float64)), n), sample.queries),
        _rogan_gladen(score, label, sample),
        hidden if truth is None else _right(truth, sample),
    )


def _rogan_gladen(score: Floats, label: Floats, sample: Sample) -> Told:
    """Sensitivity and specificity over the labelled answers, and calls over the others, so that no answer tells both.

    Too small with few queries with labelled right answers, or with labelled wrong ones.
    """
    known, called = ~np.isnan(label), (score >= RIGHT).astype(np.float64)
    right, rest = known & (label >= RIGHT), ~known
    wrong = known & ~right
    few = min(len(np.unique(sample.place[rows])) for rows in (right, wrong))
    if few < LEAST:
        return too_small(int(known.sum()), few)
    if not rest.any():
        return untold("every answer has a label")
    shares = sample.mean(called, rest), sample.mean(called, right), sample.mean(1 - called, wrong)
    found = rogan_gladen(*shares, int(rest.sum()))
    why, alike = "the judge cannot be told from one that guesses", f"{NO_DIFFERENCE}, or both of its ends lie outside 0 to 1"
    return told(found, int(shares[0].size), why=why, alike=alike)


def _right(truth: Floats, sample: Sample) -> Told:
    values = np.where(np.isnan(truth), np.nan, truth >= RIGHT)
    return told(share(sample.mean(values), int((~np.isnan(truth)).sum())), sample.queries)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.6g}")


def _gain(found: list[tuple[PredictionPowered, Sample]], resamples: Resamples, queries: list[np.ndarray]) -> Told:
    """Sum of the variances of the labels alone over that of the corrected means; draws of queries take their shares of both."""
    place, values, n = [], [], 0
    for (powered, sample), query in zip(found, queries, strict=True):
        if powered.classical.size < LEAST or not powered.corrected.variance > 0:
            continue
        numbers = np.unique(query)
        place.append(numbers)
        values.append(np.stack([powered.classical.influence**2, powered.corrected.influence**2], axis=1))
        n += powered.labelled
        assert len(numbers) == sample.queries
    if not place:
        return untold(f"no candidate has {LEAST} labelled queries whose performance differs")
    of = np.concatenate(place)
    sums = resamples.sums(of, np.concatenate(values))
    return drawn(ratio(sums[:, 0], sums[:, 1]), n, len(np.unique(of)))


def within_candidates(data: Judgements, score: Floats, rows: np.ndarray, resamples: Resamples) -> Told:
    """Correlation of `score` [A] and performance within candidates over some answers, a mask [A]."""
    draws = correlation_draws(data, score, rows, resamples)
    why = "scores or performance do not differ within candidates"
    return drawn(draws, int(rows.sum()), len(np.unique(data.answers.query[rows])), why=why)


def correlation_draws(data: Judgements, score: Floats, rows: np.ndarray, resamples: Resamples) -> Floats:
    """[1 + B] the same correlation, and that of every draw of queries."""
    candidate, query = data.answers.candidate[rows], data.answers.query[rows]
    x, y = (_less_mean(v[rows], candidate) for v in (score, data.answers.performance))
    sums = resamples.sums(query, np.stack([x * y, x**2, y**2], axis=1))
    spread = sums[:, 1] * sums[:, 2]
    return ratio(sums[:, 0], np.sqrt(np.where(spread > 1e-18, spread, np.nan)))


def _less_mean(values: Floats, group: np.ndarray) -> Floats:
    number = np.bincount(group)
    middle = np.bincount(group, values) / np.maximum(number, 1)
    return np.asarray(values - middle[group], np.float64)


def _limit(correlation: Told) -> Told:
    if correlation.value is None:
        return correlation
    if correlation.value > 1 - 1e-9:
        return untold("no limit: the scores tell the performance exactly, up to their scale")
    # A judge of negative correlation gets no weight, and so all of a negative interval is 1.
    alike = NO_WEIGHT if correlation.high is not None and correlation.high <= 0 else NO_DIFFERENCE
    value, low, high = (
        np.nan if r is None else 1 / max(1 - max(r, 0.0) ** 2, 1e-9)
        for r in (correlation.value, correlation.low, correlation.high)
    )
    return told(Estimate(value, low, high, correlation.n), correlation.queries, alike=alike)
