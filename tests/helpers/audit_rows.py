"""Answers for the tests of the audit: a clean log in which nothing is wrong, and rows of it with one thing changed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from llmfusionbench.auditing.detector import JUDGE_SCORES, Detector
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.schema import table_schema
from llmfusionbench.scoring import score
from llmfusionbench.types import query_id

SCHEMA = pa.schema(
    [
        *(pa.field(f.name, f.type) for f in table_schema("logs").arrow),
        pa.field(JUDGE_SCORES, pa.list_(pa.struct([("judge", pa.string()), ("score", pa.float64())]))),
    ]
)
PRICES = {"input_price": 0.5, "output_price": 1.5}
TASKS = {"sums": 0.1, "trade": 0.0, "travel": -0.1, "kitchen": -0.2, "garden": 0.15}
"""Task -> how much easier it is than the others."""
THINGS = ["apples", "bridges", "candles", "engines", "gardens", "harbours", "kettles", "ladders", "needles", "pianos"]
PLACES = ["the market", "a small shop", "the old mill", "her garden", "the school", "a warehouse", "the station", "our village"]
WHO = ["Mara", "Tom", "the baker", "a farmer", "Ines", "our neighbour", "the captain", "a teacher"]


def clean_rows(queries: int = 60, llms: int = 6, *, seed: int = 0) -> list[dict[str, Any]]:
    """Answers of some LLMs to `queries` queries per task: scored by our scorer, priced, counted and judged without a fault."""
    rng = random.Random(seed)
    rows = []
    for task, ease in TASKS.items():
        for number in range(queries):
            a, b = rng.randrange(12, 900), rng.randrange(12, 900)
            who, place, thing = rng.choice(WHO), rng.choice(PLACES), rng.choice(THINGS)
            prompt = (
                f"For {task}, question {number}: {who} counts {a} {thing} near {place} in the morning and {b} more after "
                f"lunch. How many {thing} did {who} count on that day?"
            )
            for i in range(llms):
                right = rng.random() < 0.45 + 0.06 * i + ease
                rows.append(_answer(rng, task, prompt, a, b, thing, f"llm-{i}", right))
    return rows


def _answer(rng: random.Random, task: str, prompt: str, a: int, b: int, thing: str, llm: str, right: bool) -> dict[str, Any]:
    total = a + b if right else a + b + rng.choice([-10, 1, 7, 100])
    steps = [
        f"In the morning there are {a} {thing}.",
        f"After lunch {b} more {thing} are counted, which we add to the first number.",
        f"{llm.capitalize()} adds both numbers step by step and checks the sum {rng.randrange(2, 9)} times.",
        f"The question asks for all {thing} of that day.",
    ]
    rng.shuffle(steps)
    response = " ".join([*steps[: rng.randrange(2, 5)], f"The answer is {total}."])
    tokens_in, tokens_out = len(prompt) // 4, len(response) // 4
    return {
        "query_id": query_id(task, prompt),
        "llm": llm,
        "mode": "direct",
        "replicate": 0,
        "task": task,
        "domain": "math",
        "split": "train",
        "prompt": prompt,
        "response": response,
        "status": "ok",
        "finish_reason": "stop",
        "requested_model": llm,
        "served_model": f"{llm}-2024-08-06",
        "ground_truth": str(a + b),
        "metric": "gsm8k",
        "performance": score("gsm8k", response, str(a + b)).value,
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "cost_usd": (tokens_in * PRICES["input_price"] + tokens_out * PRICES["output_price"]) / 1e6,
        **PRICES,
        "provenance": "collected",
        JUDGE_SCORES: [{"judge": "fair", "score": round(rng.random(), 1)}],
    }


def batch_of(rows: Iterable[dict[str, Any]]) -> pa.RecordBatch:
    """The rows as a batch of `logs`, sorted by key."""
    ordered = sorted(rows, key=lambda row: tuple(row[column] for column in ("query_id", "llm", "mode", "replicate")))
    return pa.RecordBatch.from_pylist(ordered, schema=SCHEMA)


def findings_of(detector: Detector, rows: Iterable[dict[str, Any]]) -> list[Finding]:
    """What a detector finds in some rows."""
    detector.look(batch_of(rows))
    return detector.findings()


def the_finding(detector: Detector, rows: Iterable[dict[str, Any]]) -> Finding:
    """The only finding of a detector in some rows."""
    (finding,) = findings_of(detector, rows)
    return finding


def shards_of(rows: Sequence[dict[str, Any]], parts: int) -> list[pa.RecordBatch]:
    """The rows in several batches, each of whole queries."""
    ids = sorted({row["query_id"] for row in rows})
    size = -(-len(ids) // parts)
    groups = [set(ids[start : start + size]) for start in range(0, len(ids), size)]
    return [batch_of(row for row in rows if row["query_id"] in group) for group in groups]
