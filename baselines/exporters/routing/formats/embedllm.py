"""EmbedLLM's CSV: one answer per row, with its label 0 or 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import write_csv
from llmfusionbench.baselines.exporters.routing.selection import Block, Numbers, Selection

SCHEMA = pa.schema(
    {
        "prompt_id": pa.int64(),
        "model_id": pa.int64(),
        "category_id": pa.int64(),
        "label": pa.int64(),
        "model_name": pa.string(),
        "category": pa.string(),
        "prompt": pa.string(),
    }
)


class EmbedLLM:
    """Ids are positions: prompts over all splits, candidates in their order, categories (the tasks) by name."""

    reader: str | None = "embedllm"
    holds = "prompt, task as category, and whether each candidate was right"
    missing = "no row (its own loaders take a missing row for 0)"
    lost = "costs, answers, tokens, references, metrics, judges' scores; queries without any performance"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split.

        Raises:
            InputError: A performance is neither 0 nor 1, and no threshold was given.
        """
        selection.check_prompts("embedllm")
        labels = {split: selection.binary(split, "embedllm") for split in selection.splits}
        tasks = sorted(_tasks(selection))

        def columns(split: str, block: Block) -> list[Any]:
            return _columns(selection, block, labels[split][block.number : block.number + len(block)], tasks)

        return write_csv(selection, folder, "{}.csv", SCHEMA, columns)


def _tasks(selection: Selection) -> set[str]:
    queries = [selection.release.rows("queries", split, columns=["task"]) for split in selection.splits]
    return {task for table in queries for task in table["task"].unique().to_pylist()}


def _columns(selection: Selection, block: Block, labels: Numbers, tasks: list[str]) -> list[Any]:
    query, candidate = np.nonzero(~np.isnan(labels))
    names = pa.array(selection.candidates, pa.string())
    category = block.queries["task"].combine_chunks().take(pa.array(query))
    return [
        pa.array(block.first + query),
        pa.array(candidate),
        pa.array(np.searchsorted(tasks, category.to_pylist()) if len(query) else np.zeros(0, np.int64), pa.int64()),
        pa.array(labels[query, candidate].astype(np.int64)),
        names.take(pa.array(candidate)),
        category,
        block.queries["prompt"].combine_chunks().take(pa.array(query)),
    ]
