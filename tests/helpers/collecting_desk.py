"""What tests of `collect` share: prompts about sums, a file of LLMs, the answers, and the release of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import llmfusionbench as lfb
from llmfusionbench.cli.main import run

NUMBER = re.compile(r"What is (\d+) \+ \1\?")
SHORT = 64
"""Most tokens of an answer."""


def reply(body: dict[str, Any], tries: int) -> Any:
    """The sum that is asked for; `bad` is always wrong."""
    asked = NUMBER.search(body["messages"][-1]["content"])
    assert asked is not None
    return "no idea" if body["model"] == "bad-model" else str(2 * int(asked[1]))


def write_prompts(folder: Path, count: int) -> None:
    rows = [
        {"prompt": f"What is {i} + {i}?", "task": "sums", "metric": "em", "ground_truth": str(2 * i), "split": "train"}
        for i in range(1, count + 1)
    ]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_llms(folder: Path, url: str, *names: str, **settings: Any) -> None:
    shared = {"url": url, "concurrency": 4, "max_tokens": SHORT, "prices": [{"input_price": 1, "output_price": 2}]}
    llms = [{"name": name, "model": f"{name}-model", **shared, **settings} for name in names]
    (folder / "llms.yaml").write_text(json.dumps({"llms": llms}))  # JSON is YAML


def collect(*arguments: str) -> int:
    """Exit status of `collect` with the prompts and LLMs of the folder in which commands run."""
    return run(["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run", *arguments])


def release(out: str = "release", *arguments: str) -> lfb.Release:
    assert run(["build", "collected", "run", "--out", out, "--workers", "1", *arguments]) == 0
    assert lfb.validate(out) == []
    return lfb.open_release(out)


def rows(made: lfb.Release, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in made.table("responses").to_table(columns=list(columns)).to_pylist()]
