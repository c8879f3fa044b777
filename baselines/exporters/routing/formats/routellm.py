"""RouteLLM's two formats: a CSV that says whether a weak and a strong LLM were right, and a JSON list of battles."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import check_names, json_list, write_csv, write_json
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.errors import InputError

COLUMNS: Final = ("prompt", "task", "provenance")


class RouteLLM:
    """`prompt, <weak>, <strong>` with True and False, as in its MMLU and GSM8K files; the two are named in this order."""

    reader: str | None = "routellm"
    holds = "prompt, task, and of two candidates whether they were right"
    missing = "an empty cell"
    lost = "all other candidates, costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split.

        Raises:
            InputError: There are not two candidates, or a performance is neither 0 nor 1 and no threshold was given.
        """
        if len(selection.candidates) != 2:
            raise InputError(
                f"routellm is of two candidates, got {len(selection.candidates)}. "
                "Remedy: give --candidate twice, the weak one, then the strong"
            )
        selection.check_prompts("routellm")
        check_names(selection.candidates, COLUMNS, ("_response",), "routellm")
        weak, strong = selection.candidates
        schema = pa.schema([(n, pa.string()) for n in (COLUMNS[0], weak, strong, *COLUMNS[1:])])
        right = {split: selection.binary(split, "routellm") for split in selection.splits}

        def columns(split: str, block: Block) -> list[Any]:
            cells = right[split][block.number : block.number + len(block)]
            made = pa.repeat(selection.provenance, len(block))
            return [block.queries["prompt"], _words(cells[:, 0]), _words(cells[:, 1]), block.queries["task"], made]

        return write_csv(selection, folder, "routellm_{}.csv", schema, columns)


class RouteLLMBattles:
    """`[{"idx", "model_a", "model_b", "winner"}]` of every two candidates with a performance, and the prompts of each `idx`.

    Its trainer skips ties; they are written for other uses.
    """

    reader: str | None = None
    holds = "who did better of every two candidates (model_a, model_b or tie), and the prompts"
    missing = "no battle"
    lost = "performance itself, costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Two files per split.

        Raises:
            InputError: There are fewer than two candidates.
        """
        if len(selection.candidates) < 2:
            raise InputError("routellm-battles is of two candidates or more, got 1. Remedy: name more with --candidate")
        selection.check_prompts("routellm-battles")
        written = write_json(selection, folder, "battles_{}.json", lambda _, block: _battles(selection, block), json_list)
        return written | write_json(selection, folder, "prompts_{}.jsonl", lambda _, block: _prompts(selection, block))


def _words(right: npt.NDArray[np.float64]) -> pa.Array:
    words = pa.array(["False", "True"])
    missing = np.isnan(right)
    return words.take(pa.array(np.where(missing, 0, right).astype(np.int64), mask=missing))


def _battles(selection: Selection, block: Block) -> Iterator[dict[str, Any]]:
    """Every pair of every query, in the order of the queries."""
    pairs = list(combinations(selection.candidates, 2))
    a, b = np.triu_indices(len(selection.candidates), k=1)
    won = np.sign(block.performance[:, a] - block.performance[:, b])
    winners = {1.0: "model_a", 0.0: "tie", -1.0: "model_b"}
    for index, row in enumerate(won.tolist(), start=block.number):
        for (model_a, model_b), sign in zip(pairs, row, strict=True):
            if sign in winners:
                yield {"idx": index, "model_a": model_a, "model_b": model_b, "winner": winners[sign]}


def _prompts(selection: Selection, block: Block) -> Iterator[dict[str, Any]]:
    for index, row in enumerate(block.queries.select(["query_id", "task", "prompt"]).to_pylist(), start=block.number):
        yield {"idx": index, **row, "provenance": selection.provenance}
