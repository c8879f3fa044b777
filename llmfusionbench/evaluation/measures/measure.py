"""The figures of one router in a trial, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.measures import MEASURES
from llmfusionbench.evaluation.measures.groups import Groups
from llmfusionbench.evaluation.measures.picks import focal_diversity, pick_entropy
from llmfusionbench.evaluation.measures.ranking import RANKS, ranking
from llmfusionbench.evaluation.measures.tradeoff import (
    Point,
    area_interval,
    frontier,
    frontier_distance,
    strong_weak_curve,
    sweep,
)
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.routers.decision import Decisions
from llmfusionbench.statistics import (
    Estimate,
    Floats,
    Linear,
    Sample,
    SignFlips,
    mean,
    paired_p,
    quotient,
    share,
    two_valued,
    without_interval,
)

LEVELS: Final = ("performance", "cost_usd", "judge", "reward", "tokens")
"""The columns of `Trial.outcome`, under the names that a report gives them."""

_SURE: Final = 6.0
"""Standard errors that a performance must be above 0, so that the interval of a ratio to it holds."""
_TWO_VALUED: Final = 10
"""Number of values from which two different ones are taken for the only possible ones."""


@dataclass
class Measures:
    """The measures of a router."""

    figures: dict[str, Estimate]
    """Metric -> figure."""
    outcome: Floats
    """[R, 5] outcomes of its choices."""
    points: list[Point] = field(default_factory=list)
    """The sweep over willingness to pay, then the router's own choices; only these for a router without scores."""
    per_task: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    per_domain: dict[str, dict[str, Estimate]] = field(default_factory=dict)


class Measurer:
    """Measures routers in one trial; shared parts are computed once.

    Args:
        trial: The tested rows.
        resamples: Number of random changes of signs in paired tests.
        seed: Their random seed.
    """

    def __init__(self, trial: Trial, resamples: int, seed: int) -> None:
        self.trial, self.resamples = trial, resamples
        self.sample = Sample(trial.table.query_ids)
        self.flips = SignFlips(self.sample.queries, draws=resamples, seed=seed)
        self.inside = ~trial.outside
        self.groups = Groups(trial.table.tasks, trial.table.domains, self.sample, self.inside)
        self.best_single = trial.outcome(trial.best_single)
        self.oracle = trial.outcome(trial.oracle)
        self.cheapest = trial.outcome(trial.cheapest)
        self.strongest = trial.outcome(trial.strongest)

    def measure(self, decisions: Decisions) -> Measures:
        """All figures except those of `measure_together`."""
        outcome = self.trial.outcome(decisions.choice)
        found = Measures({}, outcome)
        self._levels(found)
        self._shares(found, decisions)
        self._against_references(found)
        self._ranking(found, decisions)
        self._tradeoff(found, decisions)
        self._picks(found, decisions)
        return found

    def measure_together(self, measured: Mapping[str, Measures]) -> tuple[float, float]:
        """Add the figures that depend on all routers: AIQ, over one range of cost, and the distance to the joint frontier.

        Returns:
            The range: the lowest and highest mean cost of any candidate and any point of a sweep, USD; NaN without costs.
        """
        table = self.trial.table
        every: list[Point] = [
            (self.groups.micro(table.cost[:, c]), self.groups.micro(table.performance[:, c]))
            for c in range(len(table.candidates))
        ]
        every += [point for found in measured.values() for point in found.points]
        costs, qualities = (np.array([pair[i].value for pair in every]) for i in (0, 1))
        front = frontier(costs, qualities)
        priced = [cost for cost, _ in every if not np.isnan(cost.value)]
        low, high = (f(priced, key=lambda cost: cost.value, default=None) for f in (min, max))
        for found in measured.values():
            n = found.figures["performance"].n
            own_costs, own_qualities = (np.array([pair[i].value for pair in found.points]) for i in (0, 1))
            distance = frontier_distance(own_costs, own_qualities, costs[front], qualities[front])
            self._put(found, "pareto_distance", distance, n)
            area = area_interval(found.points, low, high, n) if low is not None and high is not None else float("nan")
            self._put(found, "aiq", area, n)
        return (np.nan, np.nan) if low is None or high is None else (low.value, high.value)

    def gain(self, a: Floats, b: Floats) -> tuple[Estimate, float]:
        """The mean of a - b [R] over the rows with both, and its p-value."""
        difference = np.where(self.inside, a - b, np.nan)
        figure = self.sample.mean(difference)
        sums, _ = self.sample.totals(difference)
        known = difference[~np.isnan(difference)]
        return self._mean(figure, known, binary=figure.size == len(known)), paired_p(figure, sums, self.flips)

    def level(self, name: str, values: Floats, rows: npt.NDArray[np.bool_]) -> Estimate:
        """The mean of `values` [R] over a mask of rows, with the interval of the metric `name`."""
        known = values[rows]
        known = known[~np.isnan(known)]
        figure = self.sample.mean(values, rows)
        once = figure.size == len(known)
        if MEASURES[name].interval == "share":
            return share(figure, len(known), binary=once and bool(np.isin(known, (0, 1)).all()))
        return self._mean(figure, known, binary=once)

    def _mean(self, figure: Linear, known: Floats, *, binary: bool) -> Estimate:
        """The mean of the values `known`; without an interval if they are equal. `binary`: see `two_valued`."""
        distinct = np.unique(known)
        if len(distinct) == 1:
            return without_interval(figure.value, len(known))
        if len(distinct) == 2 and len(known) >= _TWO_VALUED:
            return two_valued(figure, (float(distinct[0]), float(distinct[1])), len(known), binary=binary)
        return mean(figure, len(known))

    def _levels(self, found: Measures) -> None:
        for k, name in enumerate(LEVELS):
            values = found.outcome[:, k]
            self._put(found, name, self.level(name, values, self.inside))
            if name != "tokens":
                self._put(found, f"{name}_macro", self._macro(name, values))
            for level, into in (("task", found.per_task), ("domain", found.per_domain)):
                for group, members in self.groups.members(level).items():
                    figure = self.level(name, values, members)
                    metrics = into.setdefault(group, {})
                    if figure.n:
                        metrics[name] = figure

    def _macro(self, name: str, values: Floats) -> Estimate:
        """The mean over tasks of `values` [R], with the interval of the metric `name`."""
        figure, known = self.groups.macro(values), values[self.inside & ~np.isnan(values)]
        return share(figure, len(known)) if MEASURES[name].interval == "share" else self._mean(figure, known, binary=False)

    def _shares(self, found: Measures, decisions: Decisions) -> None:
        given = (decisions.choice >= 0).astype(float)
        self._put(found, "answered", self.groups.micro(given).value, self._count(given))
        if self.trial.unseen.any():
            chosen_unseen = self.trial.cells(self.trial.unseen, decisions.choice)
            self._put(found, "unseen_share", self.level("unseen_share", chosen_unseen, self.inside))
        if self.trial.outside.any():
            declined = decisions.declined.astype(float)
            self._put(found, "ood_declined", self.level("ood_declined", declined, self.trial.outside))
            self._put(found, "wrongly_declined", self.level("wrongly_declined", declined, self.inside))
            served = np.where(decisions.declined, 0.0, found.outcome[:, 0])
            a, b = self.groups.micro(served), self.sample.mean(declined, self.trial.outside)
            harmonic = a * b * 2 / (a + b) if a.value + b.value else a * b
            self._put(found, "guarded_score", harmonic, len(self.inside))

    def _against_references(self, found: Measures) -> None:
        own, single, oracle = found.outcome, self.best_single, self.oracle
        count, (mine, base, best) = self._together(own[:, 3], single[:, 3], oracle[:, 3])
        self._put(found, "gap_closed", quotient(mine - base, best - base, count))
        self._put(found, "regret", self.level("regret", oracle[:, 3] - own[:, 3], self.inside))
        both = _only_common(own[:, 0], oracle[:, 0])
        self._put(found, "oracle_performance", self.level("oracle_performance", both[:, 1], self.inside))
        a, b = (self.groups.macro(column) for column in both.T)
        self._put(found, "gap_at_oracle", quotient(b - a, b, self._count(both[:, 0])))
        count, (mine, weak, strong) = self._together(own[:, 0], self.cheapest[:, 0], self.strongest[:, 0])
        gap = strong - weak
        self._put(found, "pgr", quotient(mine - weak, gap if gap.value > 0 else gap * float("nan"), count))
        count, (mine, base) = self._together(own[:, 0], single[:, 0])
        ratio = quotient(mine, base, count)
        sure = base.value >= _SURE * np.sqrt(base.variance)
        self._put(found, "v_b", ratio if sure else without_interval(ratio.value, count))
        count, (mine, base, tokens, base_tokens) = self._together(own[:, 0], single[:, 0], own[:, 4], single[:, 4])
        elasticity = (mine / base - 1.0) / (tokens / base_tokens - 1.0)
        self._put(found, "token_elasticity", elasticity.value, count)

    def _ranking(self, found: Measures, decisions: Decisions) -> None:
        if decisions.scores is None:
            return
        asked = self.inside & (decisions.choice >= 0)
        performance = self.trial.table.performance
        for name, values in ranking(decisions.scores, performance, self.trial.train_cost).items():
            figure = self.level(name, values, asked)
            always = name in {f"hit_at_{k}" for k in RANKS if k >= performance.shape[1]}
            self._put(found, name, without_interval(figure.value, figure.n) if always else figure)

    def _tradeoff(self, found: Measures, decisions: Decisions) -> None:
        choices = decisions.choice[:, None]
        if decisions.scores is not None:
            choices = np.hstack([sweep(self.trial, decisions.scores), choices])
        performance = np.stack([self.trial.cells(self.trial.table.performance, c) for c in choices.T], axis=1)
        cost = np.stack([self.trial.cells(self.trial.table.cost, c) for c in choices.T], axis=1)
        found.points = [(self.groups.micro(c), self.groups.micro(p)) for c, p in zip(cost.T, performance.T, strict=True)]
        count = found.figures["performance"].n
        accuracy = self.groups.macro_values(performance)
        single = float(self.groups.macro_values(self.best_single[:, :1])[0])
        highest = max(accuracy[~np.isnan(accuracy)], default=np.nan)
        self._put(found, "perf_gain", highest / single - 1 if single else np.nan, count)
        enough = [c.value for (c, _), a in zip(found.points, accuracy, strict=True) if a >= single and not np.isnan(c.value)]
        base = self.groups.micro(self.best_single[:, 1]).value
        self._put(found, "cost_save", 1 - min(enough) / base if enough and base else np.nan, count)
        if decisions.scores is not None:
            (area, whole), least = strong_weak_curve(self.trial, decisions.scores, self.sample)
            self._put(found, "apgr", quotient(area, whole, count))
            for name, value in least.items():
                self._put(found, name, value, count)

    def _picks(self, found: Measures, decisions: Decisions) -> None:
        picked = np.unique(decisions.choice[self.inside & (decisions.choice >= 0)])
        if not len(picked):
            return
        self._put(found, "pick_entropy", pick_entropy(decisions.choice, self.groups))
        if len(picked) > 1:
            diversity = focal_diversity(self.trial.table.performance[:, picked], self.sample, self.inside)
            self._put(found, "focal_diversity", diversity)

    def _together(self, *columns: Floats) -> tuple[int, list[Linear]]:
        """Number of rows that have all columns [R], and the means of each column over them."""
        matrix = _only_common(*columns)
        return self._count(matrix[:, 0]), [self.groups.micro(column) for column in matrix.T]

    def _count(self, values: Floats) -> int:
        """Number of in-distribution rows with a value."""
        return int((~np.isnan(values[self.inside])).sum())

    def _put(self, found: Measures, name: str, figure: Estimate | Linear | float, count: int = 0) -> None:
        """Add a figure; one without an interval gets that of its kind, if there is one, with `count` values behind it."""
        if isinstance(figure, Linear):
            figure = share(figure, count) if MEASURES[name].interval == "share" else mean(figure, count)
        found.figures[name] = figure if isinstance(figure, Estimate) else without_interval(float(figure), count)


def _only_common(*columns: Floats) -> Floats:
    """[R, K] the columns, with every row that misses one of them set to NaN."""
    matrix = np.stack(columns, axis=1)
    matrix[np.isnan(matrix).any(axis=1)] = np.nan
    return matrix
