"""A judge against the metrics of the tasks: what it calls right, and what its scores mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.judgements import Ints, Judgements
from llmfusionbench.evaluation.judges.told import Told, told, untold
from llmfusionbench.statistics import Estimate, Floats, Linear, Sample, mean, share, smooth, without_interval
from llmfusionbench.statistics.contingency import auc, ranked

RIGHT: Final = 0.5
"""Performance, and score of a judge, from which an answer counts as right."""
FOLDS: Final = 5
"""Parts of the queries for what is fitted on some and measured on the others."""
BINS: Final = 10
"""Parts of the scale in the table of calibration."""
NO_GOLD: Final = "no answer has both its score and a performance by a metric"


@dataclass(frozen=True)
class Accuracy:
    """A judge as a test for right answers."""

    sensitivity: Told
    """Share of the right answers that it calls right."""
    specificity: Told
    """Share of the wrong answers that it calls wrong."""
    threshold: float | None
    """Score from which it calls an answer right: fixed, or the median of those of the folds; None where none was fitted."""


@dataclass(frozen=True)
class Bin:
    """Answers with scores in a part of the scale."""

    low: float
    high: float
    score: Told
    """Mean score of the judge."""
    performance: Told
    """Mean performance by the metric."""


@dataclass(frozen=True)
class AgainstMetric:
    """A judge on the answers that have a performance, too."""

    answers: int
    queries: int
    fixed: Accuracy
    """At the threshold .5."""
    fitted: Accuracy
    """At the threshold of the highest sensitivity + specificity, fitted on other queries than those that it is measured on.

    Answers do not count if those other queries lack right or wrong answers, so that nothing can be fitted."""
    auc: Told
    """Probability that a right answer gets a higher score than a wrong one."""
    bias: Told
    """Mean of score less performance."""
    slope: Told
    """Change of performance per unit of score; 1 where differences of scores mean what they say."""
    intercept: Told
    """Performance that a score of 0 stands for, by the same line."""
    bins: tuple[Bin, ...]


def against_metric(data: Judgements, judge: int, *, seed: int = 0) -> AgainstMetric | None:
    """None without an answer that has both figures."""
    score, gold, query = data.scores[:, judge], data.answers.performance, data.answers.query
    rows = ~np.isnan(score) & ~np.isnan(gold)
    if not rows.any():
        return None
    score, gold, query = score[rows], gold[rows], query[rows]
    sample, right, n = Sample.of_numbers(query), gold >= RIGHT, len(score)
    slope, intercept = line(score, gold, sample)
    constant = "the judge gives one score to all"
    return AgainstMetric(
        n,
        sample.queries,
        accuracy(score >= RIGHT, right, sample, RIGHT),
        _fitted(score, right, query, fitted_thresholds(score, right, fold_of(sample, seed), FOLDS)),
        _auc(score, right, sample),
        told(mean(sample.mean(score - gold), n), sample.queries),
        told(smooth(slope, n), sample.queries, why=constant),
        told(smooth(intercept, n), sample.queries, why=constant),
        _bins(score, gold, sample),
    )


def accuracy(called: np.ndarray, right: np.ndarray, sample: Sample, threshold: float | None) -> Accuracy:
    """Sensitivity and specificity of calls [R] against the truth [R]; Wilson's interval at the effective number of trials."""
    parts = []
    for rows, hit, noun in ((right, called, "right"), (~right, ~called, "wrong")):
        n, queries = int(rows.sum()), len(np.unique(sample.place[rows]))
        if not n:
            parts.append(untold(f"no {noun} answer by the metric"))
        else:
            parts.append(told(share(sample.mean(hit.astype(np.float64), rows), n), queries))
    return Accuracy(parts[0], parts[1], threshold)


def _fitted(score: Floats, right: np.ndarray, query: Ints, threshold: Floats) -> Accuracy:
    """Calls at the threshold [R] of each answer, over those that have one."""
    rows = ~np.isnan(threshold)
    if not rows.any():
        lacking = "wrong" if right.all() else "right" if not right.any() else None
        several = len(ranked(score)[1]) > 1
        why = "the other queries lack right or wrong answers" if several else "the judge gives one score to all"
        none = untold(f"no threshold can be fitted: {f'no {lacking} answer by the metric' if lacking else why}")
        return Accuracy(none, none, None)
    score, right, threshold = score[rows], right[rows], threshold[rows]
    return accuracy(score >= threshold, right, Sample.of_numbers(query[rows]), float(np.median(threshold)))


def fold_of(sample: Sample, seed: int) -> Ints:
    """[R] number of the part of the queries that each row is in, at random."""
    folds: Ints = (np.random.default_rng(seed).permutation(sample.queries) % FOLDS)[sample.place]
    return folds


def fitted_thresholds(score: Floats, right: np.ndarray, fold: Ints, folds: int) -> Floats:
    """[R] for each row, the score with the highest sensitivity + specificity in the other folds (Youden, Cancer 3, 1950).

    The threshold lies halfway between two scores that occur. It is NaN where the other folds lack right or wrong answers, or
    where all scores are the same.
    """
    codes, values = ranked(score)
    found = np.full(folds, np.nan)
    for k in range(folds):
        others = fold != k
        wrong, good = (np.cumsum(np.bincount(codes[others & rows], minlength=len(values))) for rows in (~right, right))
        if not wrong[-1] or not good[-1] or len(values) < 2:
            continue
        best = int(np.argmax(wrong[:-1] / wrong[-1] - good[:-1] / good[-1]))
        found[k] = (values[best] + values[best + 1]) / 2
    return found[fold]


def line(score: Floats, gold: Floats, sample: Sample) -> tuple[Linear, Linear]:
    """Slope and intercept of performance on score over all rows, as functions of means over queries."""
    s, y, sy, ss = (sample.mean(column) for column in (score, gold, score * gold, score**2))
    spread = ss - s * s
    if not spread.value > 1e-12:
        none = Linear(np.nan, np.zeros(sample.queries), 0.0, 0.0)
        return none, none
    slope = (sy - s * y) / spread
    return slope, y - slope * s


def _auc(score: Floats, right: np.ndarray, sample: Sample) -> Told:
    queries = min(len(np.unique(sample.place[rows])) for rows in (right, ~right))
    if not queries:
        return untold("needs right and wrong answers")
    codes, _ = ranked(score)
    return told(share(auc(codes, right, sample), len(score)), queries)


def _bins(score: Floats, gold: Floats, sample: Sample) -> tuple[Bin, ...]:
    place = np.minimum((np.round(score, 9) * BINS).astype(np.int64), BINS - 1)
    found = []
    for b in np.unique(place).tolist():
        rows = place == b
        n, queries = int(rows.sum()), len(np.unique(sample.place[rows]))
        means: list[Estimate] = [share(sample.mean(column, rows), n) for column in (score, gold)]
        if np.ptp(score[rows]) == 0:
            means[0] = without_interval(means[0].value, n)
        found.append(Bin(b / BINS, (b + 1) / BINS, told(means[0], queries), told(means[1], queries)))
    return tuple(found)
