"""Seconds and memory of the report on judges of a large release, against an interval of one of its figures by a loop.

    python benchmarks/judge_report.py [--queries 2500] [--judges 4]

The release is made up: 10 LLMs answer every query, and every judge scores every answer in tenths. The default has 100,000
judgements. Reading the release counts, making it does not. The baseline draws the queries again and computes Krippendorff's
alpha of each draw with the package `krippendorff`: 20 draws, scaled to the 1,000 of the report, which has some dozens of such
intervals.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
from _measuring import alone, cost_alone

from llmfusionbench.builders import build
from llmfusionbench.evaluation.judges import judge_report
from llmfusionbench.release import Release

LLMS = 10
DRAWS, LOOPED = 1_000, 20


def judged(queries: int, judges: int) -> Iterator[dict[str, Any]]:
    """Every judgement as a record of a log."""
    rng = random.Random(0)
    for query in range(queries):
        for llm in range(LLMS):
            right = rng.random() < 0.2 + 0.06 * llm
            about = {
                "prompt": f"Question {query}?", "task": f"task-{query % 10}", "split": "train", "llm": f"llm-{llm}",
                "metric": "em", "response": "word " * rng.randint(5, 60), "performance": float(right), "ground_truth": "x",
            }  # fmt: skip
            for judge in range(judges):
                score = min(max(0.2 + 0.6 * right + rng.gauss(0, 0.1 + 0.05 * judge), 0), 1)
                yield about | {"judge": f"judge-{judge}", "judge_score": round(score, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=2_500)
    parser.add_argument("--judges", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost_alone(make, Path(folder), options.queries, options.judges)
        release = Path(folder, "release")
        (ours, _), memory = cost_alone(report, release)
        theirs, loop_memory = alone(by_loop, release)
        count = options.queries * LLMS * options.judges
        print(f"{count:,} judgements of {options.queries * LLMS:,} answers by {options.judges} judges")
        print(f"  the whole report                                {ours:8.1f} s   peak {memory:4.0f} MB")
        print(f"  the interval of alpha by a loop (baseline)      {theirs:8.1f} s   peak {loop_memory:4.0f} MB")
        print(f"  ratio {theirs / ours:.1f}: the time of this one interval over that of the report")


def make(folder: Path, queries: int, judges: int) -> None:
    """Build the release."""
    log = folder / "log.jsonl"
    with log.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in judged(queries, judges))
    build("table", [log], folder / "release")


def report(release: Path) -> None:
    """All that the page shows."""
    judge_report(Release(release))


def by_loop(release: Path) -> float:
    """Seconds that 1,000 draws of the queries would take, by some of them; reading the scores does not count."""
    table = Release(release).to_pandas("judge_scores")
    scores = table.pivot_table(index=["query_id", "llm"], columns="judge", values="score")
    rows = [*scores.groupby(level="query_id").indices.values()]
    matrix, rng = scores.to_numpy(), np.random.default_rng(0)
    start = time.perf_counter()
    for _ in range(LOOPED):
        drawn = np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])
        krippendorff.alpha(reliability_data=matrix[drawn].T, level_of_measurement="ordinal")
    return (time.perf_counter() - start) * DRAWS / LOOPED


if __name__ == "__main__":
    main()
