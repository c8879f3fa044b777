"""Small releases for the tests of exporters: answers as plain dictionaries, built by the real build; and corpora read back."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from llmfusionbench.baselines.exporters import Corpus
from llmfusionbench.builders import build
from llmfusionbench.release import Release

WORDS = ["apple", "bridge", "candle", "desert", "engine", "forest", "garden", "harbour", "island", "kettle", "ladder", "needle"]


def question(number: int) -> str:
    """A prompt that is like no other one."""
    return " ".join(random.Random(number).choices(WORDS, k=30)) + "?"


def answer(number: int, llm: str, **more: Any) -> dict[str, Any]:
    """An answer of `llm` to question `number`; right unless said otherwise, and as long in tokens as in words."""
    text = f"Answer of {llm} to {number}."
    row = {
        "prompt": question(number), "split": "train", "task": "sums", "llm": llm, "response": text, "performance": 1.0,
        "metric": "em", "ground_truth": f"truth {number}", "output_tokens": 5, "license": "MIT",
    }  # fmt: skip
    return row | more


def made_up_release(folder: Path, rows: list[dict[str, Any]]) -> Release:
    """The release of some answers."""
    source = folder / "log.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return build("table", [source], folder / "release", workers=1, overwrite=True)


def records(corpus: Corpus) -> list[dict[str, Any]]:
    """The records of a corpus of JSON lines, in order."""
    return [json.loads(line) for path in corpus.files for line in path.read_bytes().split(b"\n") if line]


def whole(row: dict[str, Any]) -> str | None:
    """The text of an answer with its reasoning, as corpora that keep it hold it."""
    if row["response"] is None or row["reasoning"] is None:
        return row["response"]
    return f"<think>\n{row['reasoning']}\n</think>\n\n{row['response']}"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
