"""Coverage of every 95% interval of a report, and how often the paired test rejects where there is no difference.

    python benchmarks/figures/coverage.py [--logs 500] [--setting NAME]

Prints the tables of docs/evaluation.md. Each setting is a population of 100,000 queries with the choices of two routers. Logs
are drawn from it, measured as `evaluate` does, and their intervals are held against the figures of the whole population. The
figures of a task are those of logs of that task alone. Every draw is seeded, so that the same figures come out every time.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from llmfusionbench.evaluation.measures import MEASURES
from llmfusionbench.evaluation.measures.measure import LEVELS, Measurer
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.routers.decision import Decisions, from_names, from_scores
from llmfusionbench.evaluation.scenario import Scaling, scenario_named
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.statistics import Estimate, Sample, SignFlips, mean_columns, paired_p, pooled_shares, share_columns
from llmfusionbench.statistics.intervals import wilson

Floats = npt.NDArray[np.float64]
Covered = dict[int, dict[str, list[bool | None]]]

POPULATION: Final = 100_000
SIZES: Final = (50, 200, 1000)
BOUNDED: Final = 200
"""The size at which intervals should hold in 93 to 97% of logs; four times as many logs of it are drawn."""
TRAIN: Final = 3_000
TASK: Final = "task-0"
TOLERANCE: Final = 1e-9


@dataclass(frozen=True)
class Setting:
    """A kind of log, and of routers on it."""

    tasks: int
    candidates: int
    level: float
    """Logit of the mean score of an average candidate."""
    spread: float = 0.7
    """Standard deviation of the costs' logarithms within a candidate and task."""
    graded: bool = False
    """Scores between 0 and 1; else 0 or 1."""
    sharp: float = 1.0
    """Weight of the truth in the scores of the first router, beside noise of a standard Gumbel distribution."""
    outside: float = 0.0
    """Share of out-of-distribution queries."""
    folds: int = 1
    """Rows of every query, each with choices of its own."""


SETTINGS: Final = {
    "binary, 3 tasks": Setting(3, 6, 0.3),
    "binary, 14 tasks": Setting(14, 8, 0.3),
    "nearly all right": Setting(5, 8, 3.0),
    "nearly all wrong": Setting(5, 6, -3.0),
    "graded": Setting(4, 6, 0.5, graded=True),
    "long-tailed costs": Setting(4, 6, 0.3, spread=1.2),
    "guarded": Setting(4, 6, 0.3, outside=0.3),
    "3 rows per query": Setting(4, 6, 0.3, folds=3),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=500, help="logs per setting and size")
    parser.add_argument("--setting", action="append", choices=SETTINGS, help="only these settings")
    options = parser.parse_args()
    names = options.setting or list(SETTINGS)
    every = {}
    with ProcessPoolExecutor(2) as pool:
        for name, found in zip(names, pool.map(coverage, names, [options.logs] * len(names)), strict=True):
            print(f"\n{name}: {SETTINGS[name]}\n")
            print_table(found)
            every[name] = found
    print("\nAll settings together; the range is that of the settings at n = 200\n")
    print_all(every)
    print("\nShare of logs without a difference in which p is below .05, in %\n")
    print_null(8 * options.logs)
    print("\nExact coverage of the interval of a share of 200 queries, in %\n")
    print_shares(BOUNDED)


def print_table(found: Covered) -> None:
    print("| figure |", " | ".join(f"n = {n}" for n in SIZES), "|\n|---|" + "---|" * len(SIZES))
    for figure in found[SIZES[-1]]:
        print(f"| {figure} |", " | ".join(shown(found[n].get(figure, [])) for n in SIZES), "|")


def print_all(every: dict[str, Covered]) -> None:
    print("| figure |", " | ".join(f"n = {n}" for n in SIZES), "| lowest and highest |\n|---|" + "---|" * (len(SIZES) + 1))
    for figure in dict.fromkeys(figure for sizes in every.values() for figure in sizes[SIZES[-1]]):
        pooled = {n: [x for sizes in every.values() for x in sizes[n].get(figure, [])] for n in SIZES}
        single = [[x for x in sizes[BOUNDED].get(figure, []) if x is not None] for sizes in every.values()]
        rates = [100 * float(np.mean(values)) for values in single if len(values) > 100]
        ends = f"{min(rates):.1f} to {max(rates):.1f}" if rates else "-"
        print(f"| {figure} |", " | ".join(shown(pooled[n]) for n in SIZES), f"| {ends} |")


def shown(inside: list[bool | None]) -> str:
    """Coverage with its standard error, and the share of logs that have an interval where it is not all."""
    known = [x for x in inside if x is not None]
    if not known:
        return "none"
    rate = float(np.mean(known))
    rest = "" if len(known) == len(inside) else f", {100 * len(known) / len(inside):.0f}% have one"
    return f"{100 * rate:.1f} ± {100 * np.sqrt(max(rate * (1 - rate), 1e-4) / len(known)):.1f}{rest}"


def coverage(name: str, logs: int) -> Covered:
    """Number of queries -> figure -> whether the interval of each log holds the population's; None for a log without one."""
    setting = SETTINGS[name]
    trial, routers = population(setting)
    truth = {key: figure.value for key, figure in (*figures(trial, routers), *of_a_task(trial, routers[0]))}
    return {n: covered(setting, trial, routers, truth, n, logs * (4 if n == BOUNDED else 1)) for n in SIZES}


def covered(
    setting: Setting, trial: Trial, routers: list[Decisions], truth: dict[str, float], n: int, logs: int
) -> dict[str, list[bool | None]]:
    """The same for logs of `n` queries."""
    rng = np.random.default_rng(n)
    found: dict[str, list[bool | None]] = defaultdict(list)
    task = np.flatnonzero(np.array(trial.table.tasks[:POPULATION], object) == TASK)

    def drawn(queries: Any) -> tuple[Trial, list[Decisions]]:
        some = rng.choice(queries, n, replace=False, shuffle=False)
        rows = (some[:, None] + POPULATION * np.arange(setting.folds)).reshape(-1)
        return part_of(trial, rows), [decisions_of(made, rows) for made in routers]

    for _ in range(logs):
        some, made = drawn(POPULATION)
        within, own = drawn(task)
        for key, figure in (*figures(some, made), *of_a_task(within, own[0])):
            if np.isnan(figure.value) or np.isnan(truth[key]):
                continue
            inside = figure.low - TOLERANCE <= truth[key] <= figure.high + TOLERANCE
            found[key].append(None if np.isnan(figure.low) else bool(inside))
    return dict(found)


def figures(trial: Trial, routers: list[Decisions]) -> Iterator[tuple[str, Estimate]]:
    """Every figure of both routers, of the paired gains, by task, of the leaderboard, and of a re-scoring."""
    measurer = Measurer(trial, 1, 0)
    measured = {f"router {i}": measurer.measure(made) for i, made in enumerate(routers)}
    measurer.measure_together(measured)
    first, second = measured.values()
    kinds = ("with scores", "choices only")
    for kind, found in zip(kinds, (first, second), strict=True):
        for metric in MEASURES:
            if metric in found.figures and (found is first or metric in _BOTH):
                yield (f"{metric} ({kind})" if metric in _BOTH else metric), found.figures[metric]
    for column, metric in enumerate(("performance", "cost_usd", "judge", "reward")):
        yield f"paired gain, {metric}", measurer.gain(first.outcome[:, column], second.outcome[:, column])[0]
        yield f"gain over best single, {metric}", measurer.gain(first.outcome[:, column], measurer.best_single[:, column])[0]
    yield "learning curve", first.figures["reward"]
    table, once = trial.table, trial.fold == 0
    for metric, found_columns in (
        ("performance", share_columns(table.performance[once][:, :3])),
        ("cost", mean_columns(table.cost[once][:, :3])),
    ):
        yield f"leaderboard, {metric}", Estimate(*(float(part[1]) for part in found_columns[:3]), int(found_columns.valid[1]))
    whole = table.performance[once].astype(np.float64)
    rescored = pooled_shares(whole.sum(axis=1, keepdims=True), np.full((len(whole), 1), whole.shape[1]))
    yield "re-scoring", Estimate(*(float(part[0]) for part in rescored[:3]), int(rescored.valid[0]))


def of_a_task(trial: Trial, made: Decisions) -> Iterator[tuple[str, Estimate]]:
    """The figures of a router on one task."""
    measurer, outcome = Measurer(trial, 1, 0), trial.outcome(made.choice)
    rows = np.array(trial.table.tasks, object) == TASK
    for column, metric in enumerate(LEVELS):
        yield f"{metric} of a task", measurer.level(metric, outcome[:, column], rows)


_BOTH: Final = ("aiq", "perf_gain", "cost_save", "pareto_distance", "pick_entropy")


def population(setting: Setting) -> tuple[Trial, list[Decisions]]:
    """A trial of the whole population, and the decisions of a router with scores and of one without."""
    rng = np.random.default_rng(0)
    tasks, candidates = setting.tasks, setting.candidates
    skill = setting.level + np.linspace(-0.8, 0.8, candidates) + rng.normal(0, 0.5, (tasks, candidates))
    price = np.geomspace(1e-4, 3e-3, candidates) * np.exp(rng.normal(0, 0.3, (tasks, candidates)))
    train, _, _ = drawn_table(setting, skill, price, TRAIN, rng, "train")
    test, truth, tokens = drawn_table(setting, skill, price, POPULATION, rng, "test")
    rules = scenario_named("balance")
    scaling = Scaling.fit(train)
    outside = frozenset({"task-outside"} if setting.outside else ())
    fold = Fold(
        "fold", train.with_target(scaling.reward(train, rules)), test.with_target(scaling.reward(test, rules)), None, outside
    )
    trial = Trial.of([fold] * setting.folds, dict(zip(test.query_ids, tokens, strict=True)))
    with_scores, without = [], []
    for k in range(setting.folds):
        noisy = setting.sharp * truth + rng.gumbel(0, 1, truth.shape)
        declined = rng.random(POPULATION) < np.where(trial.outside[:POPULATION], 0.9, 0.05 * bool(outside))
        noisy[declined] = -np.inf
        with_scores.append(from_scores(noisy, test.candidates, test, may_decline=True))
        weights = np.exp(1.5 * (skill - skill.max(axis=1, keepdims=True)))
        picked = np.array([rng.choice(candidates, POPULATION, p=w / w.sum()) for w in weights])
        task = np.array([int(t.removeprefix("task-")) if t[5:].isdigit() else 0 for t in test.tasks])
        names = [None if no else test.candidates[c] for no, c in zip(declined, picked[task, range(POPULATION)], strict=True)]
        without.append(from_names(names, test, may_decline=True))
        assert k < setting.folds
    return trial, [stacked(with_scores), stacked(without)]


def drawn_table(
    setting: Setting, skill: Floats, price: Floats, n: int, rng: np.random.Generator, prefix: str
) -> tuple[RoutingTable, Floats, Floats]:
    """Queries of uneven tasks with their answers; the expected scores [Q, C] as logits; tokens [Q, C]."""
    shares = np.linspace(1.0, 2.0, setting.tasks)
    task = rng.choice(setting.tasks, n, p=shares / shares.sum())
    names = np.array([f"task-{t}" for t in task], object)
    if setting.outside and prefix == "test":
        names[rng.random(n) < setting.outside] = "task-outside"
    truth = skill[task] + rng.normal(0, 1.2, (n, 1)) + rng.normal(0, 0.8, skill[task].shape)
    chance = 1 / (1 + np.exp(-truth))
    score = rng.beta(4 * chance + 0.05, 4 * (1 - chance) + 0.05) if setting.graded else rng.random(chance.shape) < chance
    judge = np.clip(np.round(rng.normal(0.3 + 0.4 * chance, 0.15), 1), 0, 1)
    cost = price[task] * np.exp(rng.normal(0, setting.spread, chance.shape) - setting.spread**2 / 2)
    tokens = np.round(cost * 1e6 / np.geomspace(1, 6, setting.candidates)) + 20
    table = RoutingTable(
        [f"{prefix}{i}" for i in range(n)],
        [""] * n,
        names.tolist(),
        [f"llm-{c}" for c in range(setting.candidates)],
        *(np.asarray(m, np.float32) for m in (score, cost, judge)),
    )
    return table, truth, tokens


def stacked(parts: list[Decisions]) -> Decisions:
    scores = [part.scores for part in parts if part.scores is not None]
    return Decisions(
        np.concatenate([part.choice for part in parts]),
        np.concatenate([part.declined for part in parts]),
        np.concatenate(scores) if scores else None,
    )


def decisions_of(made: Decisions, rows: Any) -> Decisions:
    return Decisions(made.choice[rows], made.declined[rows], None if made.scores is None else made.scores[rows])


def part_of(trial: Trial, rows: Any) -> Trial:
    """The trial of some of its rows."""
    arrays = ("fold", "outside", "unseen", "train_cost", "best_single", "cheapest", "strongest", "oracle", "tokens")
    return replace(trial, table=trial.table.rows(rows), **{name: getattr(trial, name)[rows] for name in arrays})


def print_null(logs: int) -> None:
    kinds = {
        "binary scores": lambda rng, n: (rng.random(n) < 0.6).astype(float) - (rng.random(n) < 0.6),
        "binary scores, few differ": lambda rng, n: rng.choice([-1.0, 0.0, 1.0], n, p=[0.03, 0.94, 0.03]),
        "lognormal costs": lambda rng, n: rng.lognormal(0, 1, n) - rng.lognormal(0, 1, n),
        "lognormal cost against a fixed one": lambda rng, n: rng.lognormal(0, 1, n) - np.exp(0.5),
    }
    print("| differences | n = 20 | n = 50 | n = 200 |\n|---|---|---|---|")
    for name, draw in kinds.items():
        cells = []
        for n in (20, 50, 200):
            rng = np.random.default_rng(n)
            sample = Sample([str(i) for i in range(n)])
            below = 0
            for seed in range(logs):
                values = draw(rng, n)
                below += paired_p(sample.mean(values), sample.totals(values)[0], SignFlips(n, seed=seed)) < 0.05
            cells.append(f"{100 * below / logs:.1f} ± {100 * np.sqrt(below / logs * (1 - below / logs) / logs):.1f}")
        print(f"| {name} |", " | ".join(cells), "|")


def print_shares(n: int) -> None:
    from scipy.stats import binom

    count = np.arange(n + 1)
    ends = np.array([wilson(k / n, n) for k in count])
    print("| share | mean | lowest | highest |\n|---|---|---|---|")
    for first, last in ((0.5, 0.9), (0.9, 0.98), (0.98, 0.9985)):
        shares = np.linspace(first, last, 2001)[:, None]
        inside = (ends[:, 0] <= shares) & (shares <= ends[:, 1])
        found = 100 * (binom.pmf(count, n, shares) * inside).sum(axis=1)
        print(f"| {first} to {last} | {found.mean():.1f} | {found.min():.1f} | {found.max():.1f} |")


if __name__ == "__main__":
    main()
