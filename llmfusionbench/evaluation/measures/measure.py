"""The figures of one router in a trial, each with bootstrap draws: row 0 is the data, the others are resamples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.measures.ranking import ranking
from llmfusionbench.evaluation.measures.tradeoff import hull_area, strong_weak_curve, sweep
from llmfusionbench.evaluation.measures.trial import Groups, Trial
from llmfusionbench.evaluation.routers.decision import Decisions
from llmfusionbench.statistics import Floats, Resamples, ratio

LEVELS = ("performance", "cost_usd", "judge", "reward", "tokens")
"""The columns of `Trial.outcome`, under the names that a report gives them."""


@dataclass
class Measures:
    """The measures of a router."""

    draws: dict[str, Floats]
    """Metric -> [1 + resamples]."""
    counts: dict[str, int]
    """Metric -> number of values behind it."""
    outcome: Floats
    """[R, 5] outcomes of its choices."""
    points: tuple[Floats, Floats]
    """Cost and performance [1 + resamples, L] of the sweep over willingness to pay; L is 1 for a router without scores."""
    per_task: dict[str, dict[str, tuple[Floats, int]]] = field(default_factory=dict)
    per_domain: dict[str, dict[str, tuple[Floats, int]]] = field(default_factory=dict)


class Measurer:
    """Measures routers in one trial; shared parts are computed once."""

    def __init__(self, trial: Trial, resamples: int, seed: int) -> None:
        self.trial = trial
        self.resamples = Resamples(trial.table.query_ids, resamples=resamples, seed=seed)
        self.inside = ~trial.outside
        self.groups = Groups(trial, self.resamples, self.inside)
        self.best_single = trial.outcome(trial.best_single)
        self.oracle = trial.outcome(trial.oracle)
        self.cheapest = trial.outcome(trial.cheapest)
        self.strongest = trial.outcome(trial.strongest)

    def measure(self, decisions: Decisions) -> Measures:
        """All figures except `pareto_distance`, which needs the other routers too."""
        outcome = self.trial.outcome(decisions.choice)
        found = Measures({}, {}, outcome, (np.zeros((0, 0)), np.zeros((0, 0))))
        self._levels(found)
        self._shares(found, decisions)
        self._against_references(found)
        self._ranking(found, decisions)
        self._tradeoff(found, decisions)
        self._picks(found, decisions)
        return found

    def gain(self, a: Floats, b: Floats) -> tuple[Floats, int]:
        """[1 + resamples] mean of a - b [R] over the rows with both, and the number of these rows."""
        difference = np.where(self.inside, a - b, np.nan)
        return self.resamples.mean(difference), int((~np.isnan(difference)).sum())

    def _levels(self, found: Measures) -> None:
        sums = self.groups.sums(found.outcome)
        micro, macro = self.groups.micro(sums), self.groups.macro(sums)
        for k, name in enumerate(LEVELS):
            count = self._count(found.outcome[:, k])
            self._put(found, name, micro[:, k], count)
            if name != "tokens":
                self._put(found, f"{name}_macro", macro[:, k], count)
        for level, names, into in (
            ("task", self.groups.tasks, found.per_task),
            ("domain", self.groups.domains, found.per_domain),
        ):
            means = self.groups.by(level, sums)
            counts = [self.groups.count(level, found.outcome[:, k]) for k in range(len(LEVELS))]
            for i, name in enumerate(names):
                into[name] = {
                    metric: (means[:, i, k], counts[k][name]) for k, metric in enumerate(LEVELS) if counts[k][name] > 0
                }

    def _shares(self, found: Measures, decisions: Decisions) -> None:
        given = (decisions.choice >= 0).astype(float)
        self._mean(found, "answered", given, self.inside)
        if self.trial.unseen.any():
            chosen_unseen = self.trial.cells(self.trial.unseen, decisions.choice)
            self._mean(found, "unseen_share", chosen_unseen, self.inside)
        if self.trial.outside.any():
            declined = decisions.declined.astype(float)
            self._mean(found, "ood_declined", declined, self.trial.outside)
            self._mean(found, "wrongly_declined", declined, self.inside)
            served = np.where(decisions.declined, 0.0, found.outcome[:, 0])
            a, b = self.resamples.mean(served, self.inside), found.draws["ood_declined"]
            harmonic = np.where((a > 0) & (b > 0), ratio(2 * a * b, a + b), np.where(np.isnan(a + b), np.nan, 0.0))
            self._put(found, "guarded_score", harmonic, len(self.inside))

    def _against_references(self, found: Measures) -> None:
        own, single, oracle = found.outcome, self.best_single, self.oracle
        count, (mine, base, best) = self._together(own[:, 3], single[:, 3], oracle[:, 3])
        self._put(found, "gap_closed", ratio(mine - base, best - base), count)
        count, (mine, best) = self._together(own[:, 3], oracle[:, 3])
        self._put(found, "regret", best - mine, count)
        both = _only_common(own[:, 0], oracle[:, 0])
        self._mean(found, "oracle_performance", both[:, 1], self.inside)
        macro = self.groups.macro(self.groups.sums(both))
        self._put(found, "gap_at_oracle", 1 - ratio(macro[:, 0], macro[:, 1]), self._count(both[:, 0]))
        count, (mine, weak, strong) = self._together(own[:, 0], self.cheapest[:, 0], self.strongest[:, 0])
        self._put(found, "pgr", np.where(strong > weak, ratio(mine - weak, strong - weak), np.nan), count)
        count, (mine, base) = self._together(own[:, 0], single[:, 0])
        self._put(found, "v_b", ratio(mine, base), count)
        count, (mine, base, tokens, base_tokens) = self._together(own[:, 0], single[:, 0], own[:, 4], single[:, 4])
        self._put(found, "token_elasticity", ratio(ratio(mine, base) - 1, ratio(tokens, base_tokens) - 1), count)

    def _ranking(self, found: Measures, decisions: Decisions) -> None:
        if decisions.scores is None:
            return
        asked = decisions.choice >= 0
        for name, values in ranking(decisions.scores, self.trial.table.performance, self.trial.train_cost).items():
            self._mean(found, name, values, self.inside & asked)

    def _tradeoff(self, found: Measures, decisions: Decisions) -> None:
        choices = decisions.choice[:, None]
        if decisions.scores is not None:
            choices = np.hstack([sweep(self.trial, decisions.scores), choices])
        performance = np.stack([self.trial.cells(self.trial.table.performance, c) for c in choices.T], axis=1)
        cost = np.stack([self.trial.cells(self.trial.table.cost, c) for c in choices.T], axis=1)
        quality, price = self.groups.sums(performance), self.groups.sums(cost)
        found.points = self.groups.micro(price), self.groups.micro(quality)
        count = found.counts["performance"]
        self._put(found, "aiq", hull_area(*found.points), count)
        accuracy = self.groups.macro(quality)
        single = self.groups.macro(self.groups.sums(self.best_single))
        with np.errstate(invalid="ignore"):
            highest = np.where(np.isnan(accuracy), -np.inf, accuracy).max(axis=1)
            self._put(found, "perf_gain", ratio(np.where(np.isfinite(highest), highest, np.nan), single[:, 0]) - 1, count)
            enough = np.where(accuracy >= single[:, :1], found.points[0], np.inf)
        least = np.where(np.isnan(enough), np.inf, enough).min(axis=1)
        base = self.groups.micro(self.groups.sums(self.best_single))[:, 1]
        self._put(found, "cost_save", 1 - ratio(np.where(np.isfinite(least), least, np.nan), base), count)
        if decisions.scores is not None:
            for name, draws in strong_weak_curve(self.trial, decisions.scores, self.resamples).items():
                self._put(found, name, draws, count)

    def _picks(self, found: Measures, decisions: Decisions) -> None:
        picked = np.unique(decisions.choice[self.inside & (decisions.choice >= 0)])
        if not len(picked):
            return
        one_hot = np.where(decisions.choice[:, None] >= 0, decisions.choice[:, None] == picked, np.nan)
        shares = self.groups.by("task", self.groups.sums(one_hot))
        with np.errstate(invalid="ignore", divide="ignore"):
            bits = -np.where(shares > 0, shares * np.log2(np.where(shares > 0, shares, 1)), 0.0).sum(axis=2)
        known = ~np.isnan(shares).any(axis=2)
        entropy = ratio(np.where(known, bits, 0.0).sum(axis=1), known.sum(axis=1))
        if np.isfinite(entropy[1:]).any():
            # Resamples repeat choices, so their entropy is too low. Without a shift, the interval could miss its own figure.
            entropy[1:] = np.maximum(entropy[1:] + entropy[0] - np.nanmean(entropy[1:]), 0.0)
        self._put(found, "pick_entropy", entropy, int((decisions.choice[self.inside] >= 0).sum()))
        if len(picked) > 1:
            diversity, count = focal_diversity(self.trial.table.performance[:, picked], self.resamples, self.inside)
            self._put(found, "focal_diversity", diversity, count)

    def _together(self, *columns: Floats) -> tuple[int, Floats]:
        """Number of rows that have all columns [R], and the means of each column over them [K, 1 + resamples]."""
        matrix = _only_common(*columns)
        total, count = self.resamples.sums(matrix, self.inside)
        return self._count(matrix[:, 0]), ratio(total, count).T

    def _count(self, values: Floats) -> int:
        """Number of in-distribution rows with a value."""
        return int((~np.isnan(values[self.inside])).sum())

    def _mean(self, found: Measures, name: str, values: Floats, rows: npt.NDArray[np.bool_]) -> None:
        self._put(found, name, self.resamples.mean(values, rows), int((~np.isnan(values[rows])).sum()))

    def _put(self, found: Measures, name: str, draws: Floats, count: int) -> None:
        found.draws[name] = draws
        found.counts[name] = count


def _only_common(*columns: Floats) -> Floats:
    """[R, K] the columns, with every row that misses one of them set to NaN."""
    matrix = np.stack(columns, axis=1)
    matrix[np.isnan(matrix).any(axis=1)] = np.nan
    return matrix


def focal_diversity(performance: npt.ArrayLike, resamples: Resamples, rows: npt.NDArray[np.bool_]) -> tuple[Floats, int]:
    """LLM-TOPLA's focal diversity (arXiv 2410.03953) of an ensemble: 1 - P(2) / P(1), mean over the members as the focal one.

    P(1) is the probability that a random member fails, P(2) that two do, on the queries where the focal one fails. A
    performance below 0.5 is a failure.

    Args:
        performance: [R, M]; queries with a missing value do not count.
        resamples: Resamples of the rows.
        rows: Mask [R] of the rows to use.

    Returns:
        [1 + resamples], NaN if no member fails; and the number of queries used.
    """
    scores = np.asarray(performance, np.float64)
    use = rows & ~np.isnan(scores).any(axis=1)
    fails = (scores < 0.5).astype(np.float64)
    members = fails.shape[1]
    count = fails.sum(axis=1, keepdims=True)
    one, _ = resamples.sums(fails * count / members, use)
    two, _ = resamples.sums(fails * count * (count - 1) / (members * (members - 1)), use)
    diversity = 1 - ratio(two, one)
    known = ~np.isnan(diversity)
    return ratio(np.where(known, diversity, 0.0).sum(axis=1), known.sum(axis=1)), int(use.sum())
