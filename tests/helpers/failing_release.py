"""A release of two LLMs: one is right on most queries, the other fails on most of its requests and is right on the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from llmfusionbench.builders import build
from llmfusionbench.release import Release

QUERIES = 90
STATUSES = ("error", "empty")


def failing_release(folder: Path, *, cost: float | None = 0.0, missing: bool = False) -> Release:
    """Splits train and test. `flaky` errs or is silent on 70% of all queries and is right elsewhere; `steady` is right on 60%.

    Args:
        folder: Where to write.
        cost: USD of a failed request; None for an unknown one.
        missing: Whether `flaky` was never asked where it would have failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    lines = []
    for query in range(QUERIES):
        common = {
            "prompt": f"Name the capital of country {rng.integers(10**9)}.",
            "task": ("capitals", "rivers")[query // 2 % 2],
        }
        common |= {"split": "train" if query % 2 else "test", "metric": "em", "ground_truth": "Lima"}
        right = query % 5 < 3
        answer = {"response": "Lima" if right else "Quito", "performance": float(right), "status": "ok", "cost_usd": 0.002}
        lines.append({**common, "llm": "steady", **answer})
        status = STATUSES[query // 2 % 2]
        failure = {"response": None if status == "error" else "", "performance": None, "status": status, "cost_usd": cost}
        if query % 10 in (2, 3, 4):
            lines.append({**common, "llm": "flaky", **answer, "response": "Lima", "performance": 1.0})
        elif not missing:
            lines.append({**common, "llm": "flaky", **failure})
    source = folder / "log.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return build("table", [source], folder / "release", workers=1)
