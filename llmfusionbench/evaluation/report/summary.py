"""Measures as the plain data of a report: what report.json holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmfusionbench.evaluation.measures import MEASURES
from llmfusionbench.evaluation.measures.measure import Measurer, Measures
from llmfusionbench.evaluation.measures.tradeoff import frontier, frontier_distance
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.routers.decision import Decisions
from llmfusionbench.release.routing_table import column_means
from llmfusionbench.statistics import Estimate, Floats, estimate, two_sided_p
from llmfusionbench.texts.near_duplicates import Overlap

VERSION = "1.0"
_DIGITS = 9
"""Significant digits of a figure: enough for anyone, and the same on every machine."""


@dataclass(frozen=True)
class Setting:
    """What was evaluated, and how."""

    release: dict[str, Any]
    protocol: dict[str, Any]
    scenario: str
    seed: int
    train: int
    test: int
    baselines: Sequence[str]
    warnings: Sequence[str]
    explorer: int


def summarise(
    setting: Setting,
    trial: Trial,
    measurer: Measurer,
    decisions: Mapping[str, Decisions],
    like: Overlap | None,
    threshold: float | None,
    learned: list[dict[str, Any]],
) -> dict[str, Any]:
    """The whole report as plain data, in the form of report_schema.json."""
    measured = {name: measurer.measure(decided) for name, decided in decisions.items()}
    table = trial.table
    inside = np.where(measurer.inside[:, None], 1.0, np.nan)
    answers = {
        "performance": measurer.groups.micro(measurer.groups.sums(table.performance)),
        "cost_usd": measurer.groups.micro(measurer.groups.sums(table.cost)),
        "judge": measurer.groups.micro(measurer.groups.sums(table.judge)),
    }
    matrices = {"performance": table.performance, "cost_usd": table.cost, "judge": table.judge}
    counts = {name: (~np.isnan(matrix * inside)).sum(axis=0) for name, matrix in matrices.items()}
    on_front = frontier(answers["cost_usd"][0], answers["performance"][0])
    _pareto_distances(measured, answers)
    warnings = [*_about(setting, trial), *setting.warnings]
    duplicates = _duplicates(like, threshold, trial, measurer, measured, warnings)
    return {
        "version": VERSION,
        "release": setting.release,
        "protocol": setting.protocol,
        "scenario": setting.scenario,
        "seed": setting.seed,
        "queries": {"train": setting.train, "test": setting.test},
        "metrics": {name: {"better": m.better or None, "description": m.description} for name, m in MEASURES.items()},
        "references": {
            name: _levels(measurer.measure(Decisions(choice, np.zeros(len(choice), bool), None)))
            for name, choice in (("best_single", trial.best_single), ("oracle", trial.oracle), ("cheapest", trial.cheapest))
        }
        | {"random": _random(trial, measurer)},
        "best_single": sorted({table.candidates[c] for c in np.unique(trial.best_single) if c >= 0}),
        "routers": [_router(name, decisions[name], setting, trial, measurer, measured) for name in measured],
        "candidates": [
            {"candidate": c}
            | {metric: _figure(estimate(draws[:, i], int(counts[metric][i]))) for metric, draws in answers.items()}
            for i, c in enumerate(table.candidates)
        ],
        "frontier": [c for c, is_on in zip(table.candidates, on_front, strict=True) if is_on],
        "learning_curve": [{k: _number(v) if isinstance(v, float) else v for k, v in row.items()} for row in learned],
        "duplicates": duplicates,
        "explorer": _explorer(setting, trial, decisions),
        "warnings": warnings,
    }


def _router(
    name: str,
    decided: Decisions,
    setting: Setting,
    trial: Trial,
    measurer: Measurer,
    measured: Mapping[str, Measures],
) -> dict[str, Any]:
    found = measured[name]
    others = [b for b in setting.baselines if b != name and not np.isnan(measured[b].draws["reward"][0])]
    best = max(others, key=lambda b: (measured[b].draws["reward"][0], b), default=None)
    paired = {"best_single": (trial.table.candidates[trial.best_single[0]], measurer.best_single)}
    if len(np.unique(trial.best_single)) > 1:
        paired["best_single"] = ("of each fold", measurer.best_single)
    against = {
        "best_single": paired["best_single"],
        "best_baseline": (best, None if best is None else measured[best].outcome),
    }
    chosen = decided.choice[measurer.inside & (decided.choice >= 0)]
    picks = np.bincount(chosen, minlength=len(trial.table.candidates)) / max(1, len(chosen))
    return {
        "name": name,
        "baseline": name in setting.baselines,
        "metrics": {m: _figure(estimate(found.draws[m], found.counts[m])) for m in MEASURES if m in found.draws},
        "per_task": {t: {m: _figure(estimate(*v)) for m, v in by.items()} for t, by in found.per_task.items()},
        "per_domain": {d: {m: _figure(estimate(*v)) for m, v in by.items()} for d, by in found.per_domain.items()},
        "picks": {c: _number(float(s)) for c, s in zip(trial.table.candidates, picks, strict=True) if s > 0},
        "paired": {k: _paired(measurer, found.outcome, rival, outcome, 3) for k, (rival, outcome) in against.items()},
        "paired_performance": {
            k: _paired(measurer, found.outcome, rival, outcome, 0) for k, (rival, outcome) in against.items()
        },
        "sweep": [
            {"cost_usd": _number(float(x)), "performance": _number(float(y))}
            for x, y in sorted({(float(x), float(y)) for x, y in zip(found.points[0][0], found.points[1][0], strict=True)})
            if not np.isnan(x) and not np.isnan(y)
        ],
    }


def _paired(measurer: Measurer, own: Floats, rival: str | None, outcome: Floats | None, column: int) -> dict[str, Any]:
    """Mean gain over a rival on the queries that both have a value for."""
    if outcome is None:
        return {"rival": None, "gain": None, "low": None, "high": None, "p": None, "n": 0}
    draws, count = measurer.gain(own[:, column], outcome[:, column])
    e = estimate(draws, count)
    return {
        "rival": rival,
        "gain": _number(e.value),
        "low": _number(e.low),
        "high": _number(e.high),
        "p": _number(two_sided_p(draws)),
        "n": count,
    }


def _pareto_distances(measured: Mapping[str, Measures], answers: Mapping[str, Floats]) -> None:
    """Put `pareto_distance` into every router's measures; the frontier is that of all candidates and all sweeps."""
    costs = np.hstack([answers["cost_usd"], *(found.points[0] for found in measured.values())])
    qualities = np.hstack([answers["performance"], *(found.points[1] for found in measured.values())])
    front = frontier(costs[0], qualities[0])
    for found in measured.values():
        draws = frontier_distance(*found.points, costs[:, front], qualities[:, front])
        found.draws["pareto_distance"] = draws
        found.counts["pareto_distance"] = found.counts["performance"]


def _random(trial: Trial, measurer: Measurer) -> dict[str, Any]:
    """The mean over candidates: what choosing blindly brings on average."""
    table = trial.table
    columns = [column_means(np.asarray(m).T) for m in (table.performance, table.cost, table.judge, table.target)]
    means = measurer.groups.micro(measurer.groups.sums(np.stack(columns, axis=1)))
    names = ("performance", "cost_usd", "judge", "reward")
    inside = [column[measurer.inside] for column in columns]
    return {name: _figure(estimate(means[:, k], int((~np.isnan(inside[k])).sum()))) for k, name in enumerate(names)}


def _levels(found: Measures) -> dict[str, Any]:
    return {m: _figure(estimate(found.draws[m], found.counts[m])) for m in ("performance", "cost_usd", "judge", "reward")}


def _duplicates(
    like: Overlap | None,
    threshold: float | None,
    trial: Trial,
    measurer: Measurer,
    measured: Mapping[str, Measures],
    warnings: list[str],
) -> dict[str, Any] | None:
    """How many test queries train holds too, and what leaving them out changes."""
    if like is None:
        return None
    found = like.exact | like.near
    ids = np.array(trial.table.query_ids, object)
    effect = []
    if found.any() and not found.all():
        for name, measures in measured.items():
            every = measures.draws["reward"]
            kept = measurer.resamples.mean(measures.outcome[:, 3], measurer.inside & ~found)
            e = estimate(kept - every, int((measurer.inside & ~found).sum()))
            effect.append(
                {
                    "router": name,
                    "with": _number(float(every[0])),
                    "without": _number(float(kept[0])),
                    "difference": _number(e.value),
                    "low": _number(e.low),
                    "high": _number(e.high),
                    "n": e.n,
                }
            )
    exact, near = sorted(set(ids[like.exact])), sorted(set(ids[like.near]) - set(ids[like.exact]))
    if len(exact) + len(near):
        held = [f"{len(exact):,} word for word"] if exact else []
        held += [f"{len(near):,} nearly (similarity of {threshold} or more)"] if near else []
        changes = [row["difference"] for row in effect if row["difference"] is not None]
        without = (
            f"changes mean rewards by {min(changes):+.3f} to {max(changes):+.3f}" if changes else "leaves nothing to measure"
        )
        warnings.append(f"train holds {' and '.join(held)} of {len(set(ids)):,} test queries; leaving them out {without}")
    return {"threshold": threshold, "exact": len(exact), "near": len(near), "queries": [*exact, *near], "effect": effect}


def _explorer(setting: Setting, trial: Trial, decisions: Mapping[str, Decisions]) -> list[dict[str, Any]]:
    """Some queries one by one, drawn by the seed and in the order of the table; each once, from its first fold."""
    _, first = np.unique(np.array(trial.table.query_ids), return_index=True)
    drawn = np.random.default_rng(setting.seed).permutation(first)[: setting.explorer]
    names = trial.table.candidates

    def name(column: int) -> str | None:
        return names[column] if column >= 0 else None

    return [
        {
            "query_id": trial.table.query_ids[i],
            "task": trial.table.tasks[i],
            "prompt": trial.table.prompts[i],
            "scores": {c: _number(float(v)) for c, v in zip(names, trial.table.performance[i], strict=True)},
            "choices": {router: name(int(decided.choice[i])) for router, decided in decisions.items()},
        }
        for i in np.sort(drawn).tolist()
    ]


def _about(setting: Setting, trial: Trial) -> list[str]:
    """What a reader must know of the data before any figure."""
    lines = []
    if "simulated" in setting.release["provenance"]:
        lines.append("SIMULATED: the answers of this release are simulated; its figures say nothing of real LLMs")
    table = trial.table
    for noun, matrix in (("performance", table.performance), ("cost", table.cost), ("judge score", table.judge)):
        missing = int(np.isnan(matrix).sum())
        if missing and missing < matrix.size:
            lines.append(f"{missing:,} of {matrix.size:,} tested answers have no {noun} and take no part in means of it")
        elif missing:
            lines.append(f"no tested answer has a {noun}")
    return lines


def _figure(e: Estimate) -> dict[str, Any]:
    return {"value": _number(e.value), "low": _number(e.low), "high": _number(e.high), "n": e.n}


def _number(value: float) -> float | None:
    """A figure for JSON, null where it is missing."""
    if not np.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}")
