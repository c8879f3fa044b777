"""Seconds of the report on judges of a large release.

    python benchmarks/judge_report.py [--queries 2500] [--judges 4]

The release is made up: 10 LLMs answer every query, and every judge scores every answer in tenths. The default has 100,000
judgements. Reading the release counts, making it does not.
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

from llmfusionbench.builders import build
from llmfusionbench.evaluation.judges import judge_report

LLMS = 10


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
        log = Path(folder, "log.jsonl")
        with log.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in judged(options.queries, options.judges))
        release = build("table", [log], Path(folder, "release"))
        start = time.perf_counter()
        report = judge_report(release)
        seconds = time.perf_counter() - start
        rows = sum(judge.rows for judge in report.judges)
        print(f"{rows:,} judgements of {report.answers:,} answers by {len(report.judges)} judges: {seconds:.1f} s")


if __name__ == "__main__":
    main()
