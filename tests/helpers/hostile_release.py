"""A release of the worst texts that a log can hold, with cells that are missing, unscored and unpriced."""

from __future__ import annotations

import json
from pathlib import Path

from llmfusionbench.builders import build
from llmfusionbench.release import Release

HUGE = "huge " * 20_000

PROMPTS = (
    "plain",
    "<script>alert('x')</script> & <b>bold</b> | a | b |\n|---|---|",
    "quotes \" and ' and \"\"\" and '''",
    "a comma, a ; semicolon\tand a tab",
    "line\nbreaks\r\nof\rall kinds\u2028and\u2029more",
    "back\\slash \\n is not a line end, \\\\ are two, and at the end \\",
    "control \x00\x01\x07\x08\x1b[31mred\x1b[0m\x7f characters",
    "['a list', \"of texts\"]",
    '{"json": [1, null]}',
    "=1+1",
    "nan",
    "null",
    "0",
    " white space around it \n",
    "ünïcödé 漢字 \u202eright to left\u202c e\u0301 \U0001f600",
    "\ufeffa byte order mark",
    "solve it. Let's think step by step.",
    HUGE,
)

CANDIDATES = ("tiny", "tiny_think", 'lab/big "70b", v1', "ünï|cödé", "with\nline")
TASKS = ("sums", 'a "task", of\nlines', "mmlu")


def performance(query: int, candidate: int) -> float | str | None:
    """A performance, None where it was not scored, `unasked` where there is no record."""
    if candidate == 4 and query % 2:
        return "unasked"
    if (query + candidate) % 5 == 0:
        return None
    return [0.0, 1.0, 0.25, 1 / 3][(query * 3 + candidate) % 4]


def write_hostile_release(folder: Path) -> Release:
    """Every prompt in two of three tasks, in all three splits; answers as bad as the prompts."""
    rows = []
    for q, prompt in enumerate(PROMPTS * 2):
        task = TASKS[(q + q // len(PROMPTS)) % len(TASKS)]
        for c, name in enumerate(CANDIDATES):
            score = performance(q, c)
            if score == "unasked":
                continue
            think = "\nLet's think step by step" if name.endswith("_think") and "step by step" not in prompt else ""
            rows.append(
                {
                    "prompt": prompt + think,
                    "task": task,
                    "split": ("train", "test", "partial_test")[q % 3],
                    "llm": name,
                    "response": None if (q + c) % 7 == 0 else PROMPTS[(q + c) % len(PROMPTS)],
                    "performance": score,
                    "cost_usd": None if (q + c) % 3 == 0 else (q + 1) * 1.1e-7 * (c + 1),
                    "metric": "em",
                    "ground_truth": prompt,
                    "provenance": "simulated",
                }
            )
    source = folder / "hostile.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    release = build("table", [source], folder / "hostile", workers=1)
    assert release.manifest["rejected"] == 0
    return release
