"""JSON lines of LLMRouterBench's Avengers baselines: a query a line, with every LLM's score and usage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import json_lines
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.baselines.exporters.routing.text import (
    constant,
    gathered,
    json_numbers,
    json_objects,
    json_pairs,
    json_texts,
)


class LLMRouterBench:
    """`{"query", "dataset", "index", "records": {llm: performance}, "usages": {llm: {tokens, cost}}}`.

    The original fills 0 in where an LLM was not asked; here that is null.
    """

    reader: str | None = "llmrouterbench"
    holds = "prompt, task, performance, cost, tokens"
    missing = "null"
    lost = "answers, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """A file for each split."""
        selection.check_prompts("llmrouterbench")
        written = {}
        for split in selection.splits:
            name = f"{split}.jsonl"
            with json_lines(folder / name) as file:
                for block in selection.blocks(split):
                    file.write(_records(selection, block))
            written[name] = file.records
        return written


def _records(selection: Selection, block: Block) -> pa.Array:
    queries, width = len(block), len(selection.candidates)
    names = json_texts(pa.array(selection.candidates, pa.string())).take(pa.array(np.tile(np.arange(width), queries)))
    usages = json_objects(
        {
            "prompt_tokens": json_numbers(block.measures["input_tokens"].ravel()),
            "completion_tokens": json_numbers(block.measures["output_tokens"].ravel()),
            "cost": json_numbers(block.cost.ravel()),
        }
    )
    scores = json_numbers(block.performance.ravel())
    lengths = np.full(queries, width)
    return json_objects(
        {
            "query": json_texts(block.queries["prompt"]),
            "dataset": json_texts(block.queries["task"]),
            "index": json_numbers(pa.array(np.arange(block.first, block.first + queries))),
            "records": gathered(json_pairs(names, scores), lengths, "{", "}"),
            "usages": gathered(json_pairs(names, usages), lengths, "{", "}"),
            "provenance": constant(selection.provenance, queries),
        }
    )
