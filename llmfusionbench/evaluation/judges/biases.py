"""What sways a judge beside the worth of an answer: chance, place, length, and kinship."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.judgements import Comparisons, Ints, Judgements
from llmfusionbench.evaluation.judges.told import LEAST, Told, bounded, told, too_small, untold
from llmfusionbench.statistics import Floats, Linear, Sample, mean, pooled, share, smooth
from llmfusionbench.statistics.adjusted_slope import adjusted_slope, varies_within

NO_PAIRS: Final = "no comparisons of two answers"
NO_ORDER: Final = "the order of its comparisons is not known"


@dataclass(frozen=True)
class Retest:
    """What changes when a judge scores the same again."""

    variance: Told
    """Mean variance of the scores of one answer (or comparison), in shares of 1 squared."""
    reliability: Told
    """1 - that variance / the variance of all scores: the share of the differences that is not chance."""
    same: Told
    """Share of pairs of judgements of one answer with the same score."""


@dataclass(frozen=True)
class Position:
    """Whether the place of an answer in a comparison decides."""

    first: Told
    """Mean share of the answer that stood first, over all comparisons whose order is known."""
    first_of_swapped: Told
    """The same over pairs that were compared in both orders, so that better answers are first as often as second."""
    flipped: Told
    """Share of those pairs whose winner is another one when the order is swapped."""


@dataclass(frozen=True)
class Length:
    """Whether longer answers get higher scores at equal performance."""

    per_doubling: Told
    """Change of the score when an answer to the same query is twice as long."""
    correlation: Told
    """Partial correlation of score and logarithm of length within queries."""
    fixed: str | None
    """What was held equal: `performance`, or None where no performance is known."""
    unit: str
    """`characters` or `tokens`."""


@dataclass(frozen=True)
class SelfPreference:
    """Whether a judge scores answers of its own family higher than others that are as good."""

    own: tuple[str, ...]
    """The LLMs of its family, or itself."""
    at_equal_performance: Told
    """Extra score of an own answer to the same query with the same performance."""
    at_equal_scores: Told
    """Extra score of an own answer to the same query with the same mean score by judges of other families."""


def retest(data: Judgements, judge: int) -> Retest:
    """Over answers and comparisons that the judge scored at least twice."""
    mine = data.single[data.single["judge"] == judge]
    unit, query, score = (mine[name].to_numpy() for name in ("unit", "query", "score"))
    _, first, place, count = np.unique(unit, return_index=True, return_inverse=True, return_counts=True)
    total, squares = np.bincount(place, score), np.bincount(place, score**2)
    again = count >= 2
    of, n = query[first][again], int(again.sum())
    sample = Sample.of_numbers(of)
    if sample.queries < LEAST:
        small = too_small(n, sample.queries) if n else untold("no answer was judged twice")
        return Retest(small, small, small)
    k = count[again].astype(np.float64)
    within = np.maximum(squares[again] - total[again] ** 2 / k, 0.0) / (k - 1)
    variance = sample.mean(within)
    middle = sample.mean(total[again] / k)
    # The spread of all scores about their mean: squares less the square of the mean, both smooth in means.
    spread = sample.mean(squares[again] / k) - middle * middle
    reliability = (variance / spread) * -1.0 + 1.0 if spread.value > 1e-12 else Linear(np.nan, middle.influence, 0.0, 0.0)
    equal = _equal_pairs(place, score)[again] / (k * (k - 1) / 2)
    return Retest(
        told(mean(variance, n), sample.queries),
        told(smooth(reliability, n), sample.queries, why="not defined: all scores are the same"),
        told(share(sample.mean(equal), n), sample.queries),
    )


def _equal_pairs(place: Ints, score: Floats) -> Floats:
    """Pairs of equal scores of each unit."""
    cells, count = np.unique(
        np.stack([place, np.unique(score, return_inverse=True)[1].reshape(-1)]), axis=1, return_counts=True
    )
    return np.bincount(cells[0], count * (count - 1) / 2, int(place.max(initial=-1)) + 1).astype(np.float64)


def position(pairs: Comparisons, judge: int) -> Position:
    """Over the comparisons of a judge whose order is known."""
    compared = pairs.judge == judge
    mine = compared & pairs.placed
    if not mine.any():
        return Position(*[untold(NO_ORDER if compared.any() else NO_PAIRS)] * 3)
    query, first, second, given = (part[mine] for part in (pairs.query, pairs.first, pairs.second, pairs.share))
    sample = Sample.of_numbers(query)
    whole = told(share(sample.mean(given), len(given)), sample.queries)
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys, place = np.unique(np.stack([query, pairs.replicate[mine], low, high]), axis=1, return_inverse=True)
    place = place.reshape(-1)
    sides = [np.full(keys.shape[1], np.nan), np.full(keys.shape[1], np.nan)]
    for side, rows in zip(sides, (first == low, first != low), strict=True):
        side[place[rows]] = given[rows]
    both = ~np.isnan(sides[0]) & ~np.isnan(sides[1])
    n, of = int(both.sum()), Sample.of_numbers(keys[0][both])
    if of.queries < LEAST:
        small = too_small(n, of.queries) if n else untold("no pair was compared in both orders")
        return Position(whole, small, small)
    one, other = sides[0][both], sides[1][both]
    # The winner by one order, and by the other, where 1 - share is that of the same answer.
    flips = np.sign(np.round(one - 0.5, 9)) != np.sign(np.round(0.5 - other, 9))
    return Position(
        whole,
        told(share(of.mean((one + other) / 2), n), of.queries),
        told(share(of.mean(flips.astype(np.float64)), n), of.queries),
    )


def length(data: Judgements, judge: int) -> Length:
    """By least squares within queries on the base-2 logarithm of the length; empty answers do not count."""
    score, size, gold = data.scores[:, judge], data.answers.length, data.answers.performance
    usable = ~np.isnan(score) & (size > 0)
    fixed = bool((usable & ~np.isnan(gold)).any())
    rows = usable & ~np.isnan(gold) if fixed else usable
    if not rows.any():
        none = untold("no answer that it scored has a length")
        return Length(none, none, None, data.answers.unit)
    sample = Sample.of_numbers(data.answers.query[rows])
    equal = gold[rows][:, None] if fixed else np.zeros((int(rows.sum()), 0))
    cause = np.log2(size[rows])
    slope, correlation = adjusted_slope(score[rows], cause, equal, sample)
    hidden = "length cannot be told apart from performance"
    why = hidden if varies_within(cause, sample) else "answers to one query do not differ in length"
    n = int(rows.sum())
    constant = f"scores do not differ within queries{' at equal performance' if fixed else ''}"
    partial = told(smooth(correlation, n), int(slope.size), why=constant)
    partial = untold(why) if np.isnan(slope.value) else bounded(partial, -1.0, 1.0)
    return Length(_slope(slope, n, why), partial, "performance" if fixed else None, data.answers.unit)


def self_preference(data: Judgements, judge: int, own: np.ndarray, others: list[int]) -> SelfPreference:
    """By least squares within queries, so that neither hard queries nor better LLMs count as preference.

    Args:
        data: The judgements.
        judge: Number of the judge.
        own: [C] whether a candidate is of its family.
        others: Numbers of the judges of other families.
    """
    names = tuple(sorted({llm for llm, is_own in zip(data.llms, own, strict=True) if is_own}))
    if not names:
        none = untold("no answer of its own family, as far as its name and the table llms tell")
        return SelfPreference((), none, none)
    score, gold = data.scores[:, judge], data.answers.performance
    theirs = data.scores[:, others]
    number = (~np.isnan(theirs)).sum(axis=1)
    consensus = np.where(number > 0, np.nansum(theirs, axis=1) / np.maximum(number, 1), np.nan)
    found = []
    for fixed, lack, equal in (
        (gold, "no performance by a metric", "performance"),
        (consensus, "no score by a judge of another family", "the scores of the other judges"),
    ):
        rows = ~np.isnan(score) & ~np.isnan(fixed)
        if not rows.any():
            found.append(untold(lack))
            continue
        sample = Sample.of_numbers(data.answers.query[rows])
        mine = own[data.answers.candidate[rows]].astype(np.float64)
        slope, _ = adjusted_slope(score[rows], mine, fixed[rows][:, None], sample)
        hidden = f"own answers cannot be told apart from others by more than {equal}"
        why = hidden if varies_within(mine, sample) else "no query has both an own answer and another one"
        found.append(_slope(slope, int(rows.sum()), why))
    return SelfPreference(names, *found)


def _slope(slope: Linear, n: int, why: str) -> Told:
    queries = int(slope.size)
    return untold(why) if np.isnan(slope.value) else told(smooth(slope, n), queries)


def right_pairs(pairs: Comparisons, judge: int) -> Told:
    """Share of the comparisons of answers of different performance that the better one won, ties at a half."""
    compared = pairs.judge == judge
    known = compared & ~np.isnan(pairs.gain)
    mine = known & (np.abs(np.nan_to_num(pairs.gain)) > 1e-9)
    if not compared.any():
        return untold(NO_PAIRS)
    if not known.any():
        return untold("no comparison of two answers with a performance by a metric")
    if not mine.any():
        return untold("no comparison of answers of different performance")
    sign = np.sign(np.round(pairs.share[mine] - 0.5, 9)) * np.sign(pairs.gain[mine])
    sample = Sample.of_numbers(pairs.query[mine])
    return told(share(pooled(*sample.totals((sign + 1) / 2)), int(mine.sum())), sample.queries)
