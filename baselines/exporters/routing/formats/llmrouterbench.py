"""JSON lines of LLMRouterBench's Avengers baselines: one query per line, with every LLM's score and usage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmfusionbench.baselines.exporters.routing.formats.format import numbers, write_json
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection


class LLMRouterBench:
    """`{"query", "dataset", "index", "records": {llm: performance}, "usages": {llm: {tokens, cost}}}`.

    The original writes 0 for an LLM that was not asked; here that is null.
    """

    reader: str | None = "llmrouterbench"
    holds = "prompt, task, performance, cost, tokens"
    missing = "null"
    lost = "answers, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split."""
        selection.check_prompts("llmrouterbench")
        return write_json(selection, folder, "{}.jsonl", lambda _, block: _records(selection, block))


def _records(selection: Selection, block: Block) -> Iterator[dict[str, Any]]:
    names = selection.candidates
    used = (block.measures["input_tokens"], block.measures["output_tokens"], block.cost)
    usages = zip(*(numbers(values) for values in used), strict=True)
    rows = zip(block.texts("prompt"), block.texts("task"), numbers(block.performance), usages, strict=True)
    for index, (prompt, task, scores, usage) in enumerate(rows, start=block.first):
        keys = ("prompt_tokens", "completion_tokens", "cost")
        yield {
            "query": prompt,
            "dataset": task,
            "index": index,
            "records": dict(zip(names, scores, strict=True)),
            "usages": {n: dict(zip(keys, cell, strict=True)) for n, cell in zip(names, zip(*usage, strict=True), strict=True)},
            "provenance": selection.provenance,
        }
