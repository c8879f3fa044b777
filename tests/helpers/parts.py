"""A source for tests: it yields the parts that it was given, and a record to start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from llmfusionbench.builders.records import Part, Records, record_table


class Parts:
    """A source that yields what it was given."""

    def __init__(self, *parts: Part | list[dict[str, Any]]) -> None:
        self.parts = parts

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        for part in self.parts:
            yield Records(record_table(part)) if isinstance(part, list) else part


def record(**change: Any) -> dict[str, Any]:
    base = {
        "file": "f",
        "row": 0,
        "task": "sums",
        "prompt": "1+1?",
        "split": "train",
        "metric": "em",
        "llm": "a",
        "response": "2",
    }
    return base | change
