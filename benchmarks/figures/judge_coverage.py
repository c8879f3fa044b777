"""How often the intervals of the report on judges hold the truth, on simulated logs whose truth is known.

    python benchmarks/figures/judge_coverage.py [--logs 1000]

Prints the table of docs/judge_report.md. A log has queries of different ease, with three answers each that resemble each other.
Two judges score every answer in tenths: .2 plus .6 for a right one, and noise. The truth is that of a log of 400,000 queries.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np

from llmfusionbench.evaluation.judges.told import LEAST
from llmfusionbench.statistics import Estimate, Sample, share
from llmfusionbench.statistics.alpha import alpha_draws
from llmfusionbench.statistics.contingency import auc, coded, spearman_draws
from llmfusionbench.statistics.gwet import ac2_draws
from llmfusionbench.statistics.prediction_powered import prediction_powered_mean
from llmfusionbench.statistics.resamples import Resamples, expanded_percentiles
from llmfusionbench.statistics.rogan_gladen import rogan_gladen

SIZES: Final = (50, 200, 1_000)
"""Queries of a log; a fifth of them, and at least `LEAST`, keep their labels."""
ANSWERS: Final = 3
MANY: Final = 400_000
FOLDS: Final = 5


def log(rng: np.random.Generator, queries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Query of each answer [N], whether it is right [N], and the scores of both judges [N, 2]."""
    query = np.repeat(np.arange(queries), ANSWERS)
    right = rng.normal(0, 1, queries)[query] + rng.normal(0.4, 1, len(query)) > 0
    taste = rng.normal(0, 0.08, queries)[query][:, None]
    noise = taste + rng.normal(0, 0.16, (len(query), 2))
    return query, right, np.clip(np.round(0.2 + 0.6 * right[:, None] + noise, 1), 0, 1)


def figures(rng: np.random.Generator, queries: int, draws: int) -> Iterator[tuple[str, Estimate]]:
    query, right, scores = log(rng, queries)
    sample, resamples, n = (
        Sample.of_numbers(query),
        Resamples(queries, draws=draws, seed=int(rng.integers(1 << 31))),
        len(query),
    )
    codes, values = coded(scores)
    called = (scores[:, 0] >= 0.5).astype(float)
    yield "Krippendorff's alpha, interval", expanded_percentiles(alpha_draws(scores, query, resamples), n, queries)
    yield "Krippendorff's alpha, ordinal", expanded_percentiles(alpha_draws(scores, query, resamples, "ordinal"), n, queries)
    yield "Gwet's AC2", expanded_percentiles(ac2_draws(codes, values, query, resamples), n, queries)
    yield "Spearman", expanded_percentiles(spearman_draws(codes[:, 0], codes[:, 1], query, resamples), n, queries)
    yield "AUC", share(auc(codes[:, 0], right, sample), n)
    yield "sensitivity", share(sample.mean(called, right), int(right.sum()))
    yield "specificity", share(sample.mean(1 - called, ~right), int((~right).sum()))
    known = query < max(LEAST, queries // 5)
    label = np.where(known, right, np.nan)
    fold = rng.permutation(queries)[query] % FOLDS
    powered = prediction_powered_mean(label, scores[:, 0], sample, fold=fold)
    yield "mean of the labels alone", share(powered.classical, powered.labelled)
    yield "mean, prediction-powered", share(powered.corrected, powered.labelled)
    test = sample.mean(called, known & right), sample.mean(1 - called, known & ~right)
    yield "share of right answers, Rogan-Gladen", rogan_gladen(sample.mean(called, ~known), *test, int((~known).sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=int, default=1_000, help="logs per size")
    options = parser.parse_args()
    truth = {name: found.value for name, found in figures(np.random.default_rng(1), MANY, 1)}
    inside: dict[str, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    width: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for size in SIZES:
        rng = np.random.default_rng(size)
        for _ in range(options.logs):
            for name, found in figures(rng, size, 400):
                if not np.isnan(found.low):
                    inside[name][size].append(found.low <= truth[name] <= found.high)
                    width[name][size].append(found.high - found.low)
    print("| figure | truth |", " | ".join(f"n = {n:,}" for n in SIZES), "|\n|---|---|" + "---|" * len(SIZES))
    for name, value in truth.items():
        cells = [f"{100 * np.mean(inside[name][n]):.1f} (width {np.mean(width[name][n]):.3f})" for n in SIZES]
        print(f"| {name} | {value:.3f} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
