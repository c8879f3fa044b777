"""FusionFactory's router JSON: a list of queries with their candidates, the best of which is the ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from llmfusionbench.baselines.exporters.routing.formats.format import json_list, numbers, write_json
from llmfusionbench.baselines.exporters.routing.selection import Block, Numbers, Selection
from llmfusionbench.errors import UnknownNameError

_SCORES: Final = ("performance", "judge_score")


class FusionFactory:
    """`[{"query", "candidates": [{"candidate_name", "performance", "cost", "score"}], "ground_truth"}]`.

    The original scales performance and cost within a task, by extremes that include test data. Here both are unscaled, and
    `cost_unit` is USD.

    Args:
        score: The column `score`, which also chooses the ground truth: `performance` or `judge_score`.
    """

    reader: str | None = "llmrouter"
    holds = "prompt, task, performance, cost, and as `score` performance or the judges' mean"
    missing = "null"
    lost = "answers, tokens, references, metrics; the judges' scores where `score` is performance"

    def __init__(self, *, score: str = "performance") -> None:
        self.score = score

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split."""
        if self.score not in _SCORES:
            raise UnknownNameError("score", self.score, _SCORES)
        selection.check_prompts("fusionfactory")
        return write_json(selection, folder, "router_{}.json", lambda _, block: self._records(selection, block), json_list)

    def _records(self, selection: Selection, block: Block) -> Iterator[dict[str, Any]]:
        names, score = selection.candidates, block.measures[self.score]
        cells = zip(*(numbers(values) for values in (block.performance, block.cost, score)), strict=True)
        best = best_candidates(score, block.cost)
        for prompt, task, columns, winner in zip(block.texts("prompt"), block.texts("task"), cells, best, strict=True):
            keys = ("candidate_name", "performance", "cost", "score")
            yield {
                "query": prompt,
                "candidates": [dict(zip(keys, cell, strict=True)) for cell in zip(names, *columns, strict=True)],
                "ground_truth": names[winner] if winner >= 0 else None,
                "task_name": task,
                "cost_unit": "USD",
                "provenance": selection.provenance,
            }


def best_candidates(score: Numbers, cost: Numbers) -> list[int]:
    """[q] the candidate with the highest score, the cheapest of several (unknown cost last); -1 where none has a score."""
    best = np.max(np.where(np.isnan(score), -np.inf, score), axis=1, keepdims=True)
    price = np.where(score == best, np.where(np.isnan(cost), np.finfo(float).max, cost), np.inf)
    return [int(i) if known else -1 for i, known in zip(np.argmin(price, axis=1), np.isfinite(best[:, 0]), strict=True)]
