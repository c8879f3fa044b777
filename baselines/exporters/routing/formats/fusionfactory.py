"""FusionFactory's router JSON: a list of queries with their candidates, the best of which is the ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import json_list
from llmfusionbench.baselines.exporters.routing.selection import Block, Numbers, Selection
from llmfusionbench.baselines.exporters.routing.text import constant, gathered, json_numbers, json_objects, json_texts
from llmfusionbench.errors import UnknownNameError

_SCORES: Final = ("performance", "judge_score")


class FusionFactory:
    """`[{"query", "candidates": [{"candidate_name", "performance", "cost", "score"}], "ground_truth"}]`.

    The original scales performance and cost within a task, by extremes that test data have a part in. Here both are as they
    are, and `cost_unit` says so.

    Args:
        score: What `score` is, `performance` or `judge_score`, and by what the ground truth is chosen.
    """

    reader: str | None = "llmrouter"
    holds = "prompt, task, performance, cost, and as `score` performance or the judges' mean"
    missing = "null"
    lost = "answers, tokens, references, metrics; the judges' scores where `score` is performance"

    def __init__(self, *, score: str = "performance") -> None:
        self.score = score

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """A file for each split."""
        if self.score not in _SCORES:
            raise UnknownNameError("score", self.score, _SCORES)
        selection.check_prompts("fusionfactory")
        written = {}
        for split in selection.splits:
            name = f"router_{split}.json"
            with json_list(folder / name) as file:
                for block in selection.blocks(split):
                    file.write(self._records(selection, block))
            written[name] = file.records
        return written

    def _records(self, selection: Selection, block: Block) -> pa.Array:
        names = json_texts(pa.array(selection.candidates, pa.string()))
        queries, width = len(block), len(selection.candidates)
        cells = json_objects(
            {
                "candidate_name": names.take(pa.array(np.tile(np.arange(width), queries))),
                "performance": json_numbers(block.performance.ravel()),
                "cost": json_numbers(block.cost.ravel()),
                "score": json_numbers(block.measures[self.score].ravel()),
            }
        )
        best = best_candidates(block.measures[self.score], block.cost)
        return json_objects(
            {
                "query": json_texts(block.queries["prompt"]),
                "candidates": gathered(cells, np.full(queries, width), "[", "]"),
                "ground_truth": json_texts(pa.array([selection.candidates[b] if b >= 0 else None for b in best], pa.string())),
                "task_name": json_texts(block.queries["task"]),
                "cost_unit": constant("USD", queries),
                "provenance": constant(selection.provenance, queries),
            }
        )


def best_candidates(score: Numbers, cost: Numbers) -> list[int]:
    """[q] the candidate of the highest score, the cheapest of several (one of unknown cost last); -1 where none has a score."""
    best = np.max(np.where(np.isnan(score), -np.inf, score), axis=1, keepdims=True)
    price = np.where(score == best, np.where(np.isnan(cost), np.finfo(float).max, cost), np.inf)
    return [int(i) if known else -1 for i, known in zip(np.argmin(price, axis=1), np.isfinite(best[:, 0]), strict=True)]
