"""One mutated table with paths, words, conditions and files to join, and the command line that reads it by a mapping."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.mutations import TEXTS, damaged, json_file, json_text, mutated, mutated_row, packed
from tests.fuzz.sources import Row, built, check, counted, table_file

__all__ = ["case", "check"]

CALLS: Final[list[Row]] = [
    {
        "id": i,
        "body": {"messages": [{"role": "user", "content": f"{i}+1?"}], "model": llm},
        "out": {"choices": [{"text": str(i + 1), "a.b": "x"}], "usage": {"prompt_tokens": 5}, "took": 1500.0},
        "verdict": "right" if i else "wrong",
        "grade": 1 + i,
        "epoch": 1,
        "filter": "strict",
        "status": "success",
    }
    for i in range(2)
    for llm in ("tiny", "big")
]
QUESTIONS: Final[list[Row]] = [
    {"id": i, "truth": str(i + 1), "filter": "x", "inner": {"id": i, "text": f"{i}+1?"}} for i in range(2)
]
PATHS: Final = (
    "body.messages[0].content", "body.messages[-1].content", "body.messages.0.content", 'body["messages"][0]["content"]',
    'out.choices[0]."a.b"', "out.choices[0].text", "out.choices[1].text", "body", "out.choices", "body.messages[", "body..x",
    "[0]", '"', "out.took/1000", "out.took*0", "grade 1:10", "grade 10:1", "grade/0", "inner.text", "truth", "questions.filter",
    "{stem}", "{parent}-{file}", "{path:(.*)s}", "{path:(?P<x>a)|(b)}", "{path:(}", "{folder}", "{llm}", "=text", "=", "", "id",
    "x" * 3000, "body" + ".a" * 2000, "body" + "[0]" * 2000, "out.usage.prompt_tokens", "out.choices[99999999999].text",
)  # fmt: skip
"""What a column of ours may be mapped to."""
COLUMNS: Final = (
    "prompt", "messages", "llm", "response", "performance", "judge_score", "judge", "latency_s", "cost_usd", "task", "metric",
    "ground_truth", "choices", "source_id", "replicate", "status", "split", "mode", "error", "input_tokens", "reasoning",
    "created_at", "sampling", "nothing",
)  # fmt: skip
MAPPING: Final[Row] = {
    "map": {
        "prompt": "body.messages[0].content",
        "llm": "body.model",
        "response": "out.choices[0].text",
        "performance": "verdict",
        "latency_s": "out.took/1000",
        "ground_truth": "truth",
        "task": "{stem}",
    },
    "values": {"performance": {"right": 1, "wrong": 0}, "status": {"success": "ok"}},
    "where": {"filter": ["strict", ""]},
    "join": ["questions.jsonl:id"],
    "scale": {"judge_score": [1, 10]},
}
_OPTIONS: Final = (
    ("--where", "filter=strict"), ("--where", "out.took=1500"), ("--where", "id="), ("--where", "nothing=1"),
    ("--values", "status=success:ok:"), ("--values", "nothing=a:b"), ("--join", "questions.jsonl:inner.id=id"),
    ("--join", "questions.jsonl:truth=id"),
    ("--join", "calls.jsonl:id"), ("--join", ":"), ("--scale", "performance=0:1"), ("--strict",),
)  # fmt: skip


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated input into `folder`; the arguments of the command that reads it."""
    rows = CALLS if rng.random() < 0.5 else [mutated_row(rng, row) for row in CALLS]
    files: dict[str, tuple[bytes, int | None]] = dict(table_file(rng, rows, "calls", ("csv", "json", "jsonl", "parquet")))
    if rng.random() < 0.4:
        files = {"calls.jsonl": (json_file(rng, rows), None)}
    data = json_file(rng, QUESTIONS if rng.random() < 0.7 else [mutated(rng, row) for row in QUESTIONS])
    (folder / "questions.jsonl").write_bytes(packed(rng, damaged(rng, data) if rng.random() < 0.1 else data))
    mapped = _mapped(rng)
    if rng.random() < 0.6:
        section = {**MAPPING, "map": mapped}
        text = json_text(mutated(rng, section) if rng.random() < 0.3 else section, rng)  # JSON is YAML
        data = text.encode("utf-8", "surrogatepass")
        (folder / "my.yaml").write_bytes(damaged(rng, data) if rng.random() < 0.1 else data)
        more = ["--mapping", "my.yaml"]
    else:
        pairs = ((ours, theirs) for ours, theirs in mapped.items() if "\0" not in theirs)
        more = [part for ours, theirs in pairs for part in ("--map", f"{ours}={theirs}")]
        more += ["--values", "performance=right:1,wrong:0", "--join", "questions.jsonl:id"]
    for option in rng.sample(_OPTIONS, 1 if rng.random() < 0.3 else 0):
        more += option
    return counted(built(rng, folder, "table", {name: (data, None) for name, (data, _) in files.items()}, *more), folder)


def _mapped(rng: Random) -> Row:
    """A mapping of columns, some of which are others."""
    made: Row = dict(MAPPING["map"])
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        theirs = rng.choice(PATHS) if rng.random() < 0.9 else rng.choice(TEXTS).encode("utf-8", "replace").decode()
        made[rng.choice(COLUMNS[6:] if rng.random() < 0.7 else COLUMNS)] = theirs
    return made
