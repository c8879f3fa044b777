"""RouterDC's JSON: a list of questions with the score of each LLM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmfusionbench.baselines.exporters.routing.formats.format import json_list, numbers, write_json
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection


class RouterDC:
    """`[{"question", "scores": {llm: performance}}]`, without clusters, which the trainer makes."""

    reader: str | None = "llmrouter"
    holds = "prompt, task, performance"
    missing = "null"
    lost = "costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split."""
        selection.check_prompts("routerdc")
        return write_json(selection, folder, "routerdc_{}.json", lambda _, block: _records(selection, block), json_list)


def _records(selection: Selection, block: Block) -> Iterator[dict[str, Any]]:
    for prompt, task, scores in zip(block.texts("prompt"), block.texts("task"), numbers(block.performance), strict=True):
        yield {
            "question": prompt,
            "scores": dict(zip(selection.candidates, scores, strict=True)),
            "task_name": task,
            "provenance": selection.provenance,
        }
