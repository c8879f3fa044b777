"""Measures as the plain data of report.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llmfusionbench.evaluation.measures import INTERVALS, MEASURES, Measure
from llmfusionbench.evaluation.measures.measure import LEVELS, Measurer, Measures
from llmfusionbench.evaluation.measures.tradeoff import frontier
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.report.figures import figure, number
from llmfusionbench.evaluation.routers.decision import Decisions
from llmfusionbench.evaluation.variance.findings import findings
from llmfusionbench.evaluation.variance.tested import Tested
from llmfusionbench.release.failures import failure_notes
from llmfusionbench.release.routing_table import column_means
from llmfusionbench.statistics import Floats, mean
from llmfusionbench.texts.near_duplicates import Overlap

VERSION = "1.2"

_REFERENCE: Final = (*LEVELS[:4], "regret", "oracle_performance")
"""The figures of a reference."""


@dataclass(frozen=True)
class Setting:
    """The subject and the settings of an evaluation."""

    release: dict[str, Any]
    protocol: dict[str, Any]
    scenario: str
    failures: str
    seed: int
    train: int
    test: int
    baselines: Sequence[str]
    warnings: Sequence[str]
    explorer: int
    near_duplicates: float | None


def summarise(
    setting: Setting,
    measurer: Measurer,
    decisions: Mapping[str, Decisions],
    scores: Tested,
    overlaps: Overlap | None,
    curve: list[dict[str, Any]],
) -> dict[str, Any]:
    """The whole report as plain data, in the form of report_schema.json."""
    trial, table = measurer.trial, measurer.trial.table
    measured = {name: measurer.measure(decided) for name, decided in decisions.items()}
    matrices = {"performance": table.performance, "cost_usd": table.cost, "judge": table.judge}
    always = {
        name: [measurer.level(name, matrix[:, i].astype(np.float64), measurer.inside) for i in range(matrix.shape[1])]
        for name, matrix in matrices.items()
    }
    on_front = frontier(*(np.array([e.value for e in always[name]]) for name in ("cost_usd", "performance")))
    low, high = measurer.measure_together(measured)
    warnings = [*_about(setting, trial), *_unknown(trial, measurer, decisions), *setting.warnings]
    duplicates = _duplicates(setting, overlaps, measurer, measured, warnings)
    return {
        "version": VERSION,
        "release": setting.release,
        "protocol": setting.protocol,
        "scenario": setting.scenario,
        "failures": {"policy": setting.failures, "answers": int(trial.table.failures[measurer.inside].sum())},
        "seed": setting.seed,
        "queries": {"train": setting.train, "test": setting.test},
        "metrics": {name: _about_metric(m) for name, m in MEASURES.items()},
        "cost_range": {"low": number(low), "high": number(high)},
        "references": {
            name: _levels(measurer.measure(Decisions(choice, np.zeros(len(choice), bool), None)))
            for name, choice in (("best_single", trial.best_single), ("oracle", trial.oracle), ("cheapest", trial.cheapest))
        }
        | {"random": _random(measurer)},
        "best_single": sorted({table.candidates[c] for c in np.unique(trial.best_single) if c >= 0}),
        "routers": [_router(name, decisions[name], setting, measurer, measured) for name in measured],
        "candidates": [
            {"candidate": c} | {name: figure(estimates[i]) for name, estimates in always.items()}
            for i, c in enumerate(table.candidates)
        ],
        "variance": findings(scores, measurer, _own_first(setting, measured), seed=setting.seed),
        "frontier": [c for c, is_on in zip(table.candidates, on_front, strict=True) if is_on],
        "learning_curve": [{k: number(v) if isinstance(v, float) else v for k, v in point.items()} for point in curve],
        "duplicates": duplicates,
        "explorer": _explorer(setting, trial, decisions),
        "warnings": warnings,
    }


def _own_first(setting: Setting, measured: Mapping[str, Measures]) -> dict[str, Floats]:
    """Router -> outcomes of its choices, the baselines last."""
    return {name: measured[name].outcome for name in sorted(measured, key=lambda name: name in setting.baselines)}


def _router(
    name: str, decided: Decisions, setting: Setting, measurer: Measurer, measured: Mapping[str, Measures]
) -> dict[str, Any]:
    trial, found = measurer.trial, measured[name]
    others = [b for b in setting.baselines if b != name and not np.isnan(measured[b].figures["regret"].value)]
    best = min(others, key=lambda b: (measured[b].figures["regret"].value, b), default=None)
    single = trial.table.candidates[trial.best_single[0]] if len(np.unique(trial.best_single)) == 1 else "of each fold"
    against = {
        "best_single": (single, measurer.best_single),
        "best_baseline": (best, None if best is None else measured[best].outcome),
    }
    chosen = decided.choice[measurer.inside & (decided.choice >= 0)]
    picks = np.bincount(chosen, minlength=len(trial.table.candidates)) / max(1, len(chosen))
    points = {(cost.value, quality.value) for cost, quality in found.points}
    return {
        "name": name,
        "baseline": name in setting.baselines,
        "metrics": {m: figure(found.figures[m]) for m in MEASURES if m in found.figures},
        "per_task": {t: {m: figure(e) for m, e in by.items()} for t, by in found.per_task.items()},
        "per_domain": {d: {m: figure(e) for m, e in by.items()} for d, by in found.per_domain.items()},
        "picks": {c: number(float(s)) for c, s in zip(trial.table.candidates, picks, strict=True) if s > 0},
        "paired": {k: _paired(measurer, found.outcome, *rival, column=3) for k, rival in against.items()},
        "paired_performance": {k: _paired(measurer, found.outcome, *rival, column=0) for k, rival in against.items()},
        "sweep": [{"cost_usd": number(x), "performance": number(y)} for x, y in sorted(points) if not np.isnan(x + y)],
    }


def _paired(measurer: Measurer, own: Floats, rival: str | None, outcome: Floats | None, *, column: int) -> dict[str, Any]:
    """Mean gain over a rival on the queries for which both have a value; that of the same outcomes is surely 0."""
    if outcome is None:
        return {"rival": None, "gain": None, "low": None, "high": None, "p": None, "n": 0}
    found, p = measurer.gain(own[:, column], outcome[:, column])
    if found.n and np.array_equal(own, outcome, equal_nan=True):
        found = found._replace(low=0.0, high=0.0)
    gain = figure(found)
    return {"rival": rival, "gain": gain.pop("value"), **gain, "p": number(p)}


def _about_metric(measure: Measure) -> dict[str, Any]:
    """The definition of a metric, how its interval is made, and why or where it has none."""
    return {
        "better": measure.better or None,
        "description": measure.description,
        "interval": INTERVALS[measure.interval],
        "why": measure.why or None,
    }


def _random(measurer: Measurer) -> dict[str, Any]:
    """The expected figures of a random choice: means over the candidates."""
    table = measurer.trial.table
    matrices = (table.performance, table.cost, table.judge, table.target)
    columns = np.stack([column_means(np.asarray(matrix).T) for matrix in matrices], axis=1)
    oracle = np.where(np.isnan(columns[:, 0]), np.nan, measurer.oracle[:, 0])
    values = dict(zip(LEVELS, columns.T, strict=False))
    values |= {"regret": measurer.oracle[:, 3] - columns[:, 3], "oracle_performance": oracle}
    return {name: figure(measurer.level(name, values[name], measurer.inside)) for name in _REFERENCE}


def _levels(found: Measures) -> dict[str, Any]:
    return {m: figure(found.figures[m]) for m in _REFERENCE}


def _duplicates(
    setting: Setting, overlaps: Overlap | None, measurer: Measurer, measured: Mapping[str, Measures], warnings: list[str]
) -> dict[str, Any] | None:
    """How many test queries have a duplicate in train, and how the rewards change without them; adds a warning."""
    if overlaps is None:
        return None
    found = overlaps.exact | overlaps.near
    effect = []
    if found.any() and not found.all():
        rows = measurer.inside & ~found
        for name, measures in measured.items():
            reward = measures.outcome[:, 3]
            every, kept = measurer.groups.micro(reward), measurer.sample.mean(reward, rows)
            change = figure(mean(kept - every, int(rows.sum())))
            before, after = number(every.value), number(kept.value)
            effect.append({"router": name, "with": before, "without": after, "difference": change.pop("value"), **change})
    ids = np.array(measurer.trial.table.query_ids, object)
    exact = sorted(set(ids[overlaps.exact]))
    near = sorted(set(ids[overlaps.near]) - set(exact))
    if exact or near:
        held = [f"{len(exact):,} word for word"] if exact else []
        held += [f"{len(near):,} nearly (similarity of {setting.near_duplicates} or more)"] if near else []
        changes = [row["difference"] for row in effect if row["difference"] is not None]
        without = (
            f"changes mean rewards by {min(changes):+.3f} to {max(changes):+.3f}" if changes else "leaves nothing to measure"
        )
        warnings.append(f"train holds {' and '.join(held)} of {len(set(ids)):,} test queries; leaving them out {without}")
    return {
        "threshold": setting.near_duplicates,
        "exact": len(exact),
        "near": len(near),
        "queries": [*exact, *near],
        "effect": effect,
    }


def _explorer(setting: Setting, trial: Trial, decisions: Mapping[str, Decisions]) -> list[dict[str, Any]]:
    """A random sample of the queries, in the order of the table; each once, from its first fold."""
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
            "scores": {c: number(float(v)) for c, v in zip(names, trial.table.performance[i], strict=True)},
            "choices": {router: name(int(decided.choice[i])) for router, decided in decisions.items()},
        }
        for i in np.sort(drawn).tolist()
    ]


def _about(setting: Setting, trial: Trial) -> list[str]:
    """Warnings about the data."""
    lines = []
    if "simulated" in setting.release["provenance"]:
        lines.append("SIMULATED: the answers of this release are simulated; its figures say nothing about real LLMs")
    table = trial.table
    lines += failure_notes(setting.failures, table.failures > 0, ~(np.isnan(table.performance) & np.isnan(table.judge)))
    for noun, matrix in (("performance", table.performance), ("cost", table.cost), ("judge score", table.judge)):
        missing = int(np.isnan(matrix).sum())
        if missing and missing < matrix.size:
            lines.append(f"{missing:,} of {matrix.size:,} tested answers have no {noun} and do not count in its means")
        elif missing:
            lines.append(f"no tested answer has a {noun}")
    return lines


def _unknown(trial: Trial, measurer: Measurer, decisions: Mapping[str, Decisions]) -> list[str]:
    """A warning about each router that chose answers without a performance or a cost, where others have them."""
    lines = []
    for noun, matrix in (("performance", trial.table.performance), ("known cost", trial.table.cost)):
        if np.isnan(matrix).all():
            continue
        for name, decided in decisions.items():
            asked = measurer.inside & (decided.choice >= 0)
            unknown = int(np.isnan(trial.cells(matrix, decided.choice)[asked]).sum())
            if unknown:
                lines.append(f"{name}: chose an answer without {noun} for {unknown:,} of {int(asked.sum()):,} queries")
    return lines
