"""Measures `guarded`: every task, and every domain of several tasks, is out of distribution in turn.

    python benchmarks/figures/guarded_track.py RELEASE [--most 2000]

Prints the table that docs/routing_experiments.md summarises. Train and test are the release's own splits, or the first of 5
folds where it has no test split. Out-of-distribution tasks take no part in the fit: weights and threshold come from the train
queries of the other tasks. Intervals are bootstraps over queries, and 1.96 standard errors over the choices of what is out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS
from llmfusionbench.evaluation.protocol import kfold
from llmfusionbench.evaluation.scenario import scenario_named

FIGURES = ("ood_declined", "wrongly_declined", "guarded_score")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--most", type=int, default=2000, help="train queries that guarded compares with")
    options = parser.parse_args()
    release = lfb.open_release(str(options.release))
    if "test" in release.splits:
        train, test = release.routing("train"), release.routing("test")
    else:
        fold = next(iter(kfold(release.routing(), scenario_named("performance_first"), folds=5, seed=0)))
        train, test = fold.train, fold.test
    domain_of = dict(zip(train.tasks, train.domains, strict=True))
    tasks = sorted(domain_of)
    outs = {task: [task] for task in tasks}
    for domain in sorted(set(train.domains)):
        members = [task for task in tasks if domain_of[task] == domain]
        if 1 < len(members) < len(tasks):
            outs[f"{domain} ({len(members)} tasks)"] = members
    print("| out of distribution | declined | wrongly declined | guarded score |\n|---|---|---|---|")
    found = {"task": [], "domain": []}
    for name, members in outs.items():
        report = lfb.evaluate(
            {"guarded": ROUTERS["guarded"](most=options.most)}, (train, test),
            protocol="guarded", ood_tasks=members, baselines=(), near_duplicates=None, explorer=0,
        )  # fmt: skip
        figures = [report.data["routers"][0]["metrics"][figure] for figure in FIGURES]
        cells = [f"{f['value']:.2f} ({f['low']:.2f} to {f['high']:.2f})" for f in figures]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        found["task" if len(members) == 1 else "domain"].append([f["value"] for f in figures])
    for kind, rows in found.items():
        values = np.array(rows)
        errors = 1.96 * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        cells = [f"{mean:.2f} ± {error:.2f}" for mean, error in zip(values.mean(axis=0), errors, strict=True)]
        print(f"| mean over {len(values)} choices of a {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
