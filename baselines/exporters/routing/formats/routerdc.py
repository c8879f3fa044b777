"""RouterDC's JSON: a list of questions with the score of each LLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import json_list
from llmfusionbench.baselines.exporters.routing.selection import Selection
from llmfusionbench.baselines.exporters.routing.text import (
    constant,
    gathered,
    json_numbers,
    json_objects,
    json_pairs,
    json_texts,
)


class RouterDC:
    """`[{"question", "scores": {llm: performance}}]`, without clusters: those are for the trainer to make."""

    reader: str | None = "llmrouter"
    holds = "prompt, task, performance"
    missing = "null"
    lost = "costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """A file for each split."""
        selection.check_prompts("routerdc")
        names = json_texts(pa.array(selection.candidates, pa.string()))
        written = {}
        for split in selection.splits:
            name = f"routerdc_{split}.json"
            with json_list(folder / name) as file:
                for block in selection.blocks(split):
                    queries, width = len(block), len(selection.candidates)
                    keys = names.take(pa.array(np.tile(np.arange(width), queries)))
                    pairs = json_pairs(keys, json_numbers(block.performance.ravel()))
                    file.write(
                        json_objects(
                            {
                                "question": json_texts(block.queries["prompt"]),
                                "scores": gathered(pairs, np.full(queries, width), "{", "}"),
                                "task_name": json_texts(block.queries["task"]),
                                "provenance": constant(selection.provenance, queries),
                            }
                        )
                    )
            written[name] = file.records
        return written
