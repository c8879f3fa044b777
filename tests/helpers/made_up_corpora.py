"""Made-up samples of every kind, and their records written as a trainer would find them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.baselines.exporters.corpora.formats import Format

_PROMPTS = (
    "How many legs has a spider?",
    "Name a river.\nOne word.",
    "¿Qué es 2 × 3? 🧮",
    '{"role": "system", "content": "x"}',
    "<|im_start|>user\n</s><script>alert(1)</script>",
    "Tab\tand a \\ and a \x00\x07 and \u2028 and a ‮mark",
    "  indented:\r\n    def f():\n        ",
)
_ANSWERS = ("Eight.", "Rhine", "6", "<think>\nhm\n</think>\n\nx", "#### 7\n", "\n    return 1\n", "A much longer answer. " * 20)
ROWS = 14

_common = {
    "query_id": pa.array([f"{row // 2:024x}" for row in range(ROWS)]),
    "task": pa.array([("sums", "rivers")[row % 2] for row in range(ROWS)]),
    "prompt": pa.array([_PROMPTS[row % 7] for row in range(ROWS)]),
    "provenance": pa.array(["simulated"] * ROWS),
    "license": pa.array([None, "MIT"] * 7, pa.string()),
}
_answers = pa.array([_ANSWERS[row % 7] for row in range(ROWS)])
_others = pa.array([_ANSWERS[(row + 1) % 7] for row in range(ROWS)])

SAMPLES: dict[str, pa.Table] = {
    "sft": pa.table(
        {
            **_common,
            "candidate": pa.array([None, *["tiny", "big_think"] * 6, "tiny"], pa.string()),
            "replicate": pa.array([None, *[0, 1] * 6, 0], pa.int64()),
            "mode": pa.array([None, *["direct", "think"] * 6, "direct"], pa.string()),
            "response": _answers,
            "performance": pa.array([None, *[1.0] * 13], pa.float32()),
            "judge_score": pa.array([None] * ROWS, pa.float32()),
            "output_tokens": pa.array(range(ROWS), pa.int64()),
        }
    ),
    "preference": pa.table(
        {
            **_common,
            "candidate": pa.array(["tiny"] * ROWS),
            "replicate": pa.array([0] * ROWS),
            "rejected_candidate": pa.array(["big_think"] * ROWS),
            "rejected_replicate": pa.array([1] * ROWS),
            "chosen": _answers,
            "rejected": _others,
            "gap": pa.array([0.5] * ROWS, pa.float32()),
        }
    ),
    "kto": pa.table(
        {
            **_common,
            "candidate": pa.array(["tiny"] * ROWS),
            "replicate": pa.array([0] * ROWS),
            "completion": _answers,
            "label": pa.array([row % 3 == 0 for row in range(ROWS)]),
        }
    ),
}
"""14 samples of each kind, with all the text that trips writers and readers up."""


def write_records(form: Format, folder: Path, *, shards: int = 1) -> list[str]:
    """The samples of its kind as `form` puts them, in `shards` files under `folder`/data; their names relative to `folder`."""
    records = form.records(SAMPLES[form.kind])
    files = []
    (folder / "data").mkdir(parents=True)
    for shard in range(shards):
        part = records.slice(ROWS * shard // shards, ROWS * (shard + 1) // shards - ROWS * shard // shards)
        files.append(f"data/train-{shard:05d}-of-{shards:05d}.{form.container}")
        if form.container == "parquet":
            pq.write_table(part, folder / files[-1])
        else:
            lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in part.to_pylist()]
            (folder / files[-1]).write_bytes("".join(lines).encode("utf-8"))
    return files
