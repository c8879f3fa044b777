"""RouteLLM's two formats: a CSV of who was right of a weak and a strong LLM, and a JSON list of battles."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import check_names, csv_writer, json_lines, json_list
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.baselines.exporters.routing.text import constant, json_numbers, json_objects, json_texts
from llmfusionbench.errors import InputError

COLUMNS: Final = ("prompt", "task", "provenance")


class RouteLLM:
    """`prompt, <weak>, <strong>` with True and False, as in its MMLU and GSM8K files; the two are named in this order."""

    reader: str | None = "routellm"
    holds = "prompt, task, and of two candidates whether they were right"
    missing = "an empty cell"
    lost = "all other candidates, costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """A file for each split.

        Raises:
            InputError: there are not two candidates, or a performance is neither 0 nor 1 and no threshold was given.
        """
        if len(selection.candidates) != 2:
            raise InputError(
                f"routellm is of two candidates, got {len(selection.candidates)}. "
                "Remedy: --candidate twice, the weak one, then the strong"
            )
        selection.check_prompts("routellm")
        check_names(selection.candidates, COLUMNS, ("_response",), "routellm")
        weak, strong = selection.candidates
        schema = pa.schema([(n, pa.string()) for n in (COLUMNS[0], weak, strong, *COLUMNS[1:])])
        right = {split: selection.binary(split, "routellm") for split in selection.splits}
        written = {}
        for split in selection.splits:
            name, rows = f"routellm_{split}.csv", 0
            with csv_writer(folder / name, schema) as file:
                for block in selection.blocks(split):
                    cells = right[split][rows : rows + len(block)]
                    made = pa.repeat(selection.provenance, len(block))
                    columns = [block.queries["prompt"], _words(cells[:, 0]), _words(cells[:, 1]), block.queries["task"], made]
                    file.write_table(pa.table(columns, schema=schema))
                    rows += len(block)
            written[name] = rows
        return written


class RouteLLMBattles:
    """`[{"idx", "model_a", "model_b", "winner"}]` of every two candidates with a performance, and the prompts of each `idx`.

    Its trainer keeps the battles that somebody won; the ties are there for others.
    """

    reader: str | None = None
    holds = "who did better of every two candidates (model_a, model_b or tie), and the prompts"
    missing = "no battle"
    lost = "performance itself, costs, answers, tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Two files for each split.

        Raises:
            InputError: there are fewer than two candidates.
        """
        if len(selection.candidates) < 2:
            raise InputError("routellm-battles is of two candidates or more, got 1. Remedy: more --candidate, or more LLMs")
        selection.check_prompts("routellm-battles")
        written: dict[str, int] = {}
        for split in selection.splits:
            battles, prompts = f"battles_{split}.json", f"prompts_{split}.jsonl"
            with json_list(folder / battles) as file, json_lines(folder / prompts) as texts:
                for block in selection.blocks(split):
                    file.write(_battles(selection, block))
                    texts.write(_prompts(selection, block))
            written |= {battles: file.records, prompts: texts.records}
        return written


def _words(right: npt.NDArray[np.float64]) -> pa.Array:
    words = pa.array(["False", "True"])
    missing = np.isnan(right)
    return words.take(pa.array(np.where(missing, 0, right).astype(np.int64), mask=missing))


def _battles(selection: Selection, block: Block) -> pa.Array:
    """Of every query every pair, in the order of the queries."""
    a, b = np.triu_indices(len(selection.candidates), k=1)
    left, right = block.performance[:, a], block.performance[:, b]
    query, pair = np.nonzero(~np.isnan(left) & ~np.isnan(right))
    outcome = np.sign(left[query, pair] - right[query, pair]).astype(np.int64)
    names = json_texts(pa.array(selection.candidates, pa.string()))
    return json_objects(
        {
            "idx": json_numbers(pa.array(query + block.number)),
            "model_a": names.take(pa.array(a[pair])),
            "model_b": names.take(pa.array(b[pair])),
            "winner": json_texts(pa.array(["model_b", "tie", "model_a"])).take(pa.array(outcome + 1)),
        }
    )


def _prompts(selection: Selection, block: Block) -> pa.Array:
    return json_objects(
        {
            "idx": json_numbers(pa.array(np.arange(block.number, block.number + len(block)))),
            "query_id": json_texts(block.queries["query_id"]),
            "task": json_texts(block.queries["task"]),
            "prompt": json_texts(block.queries["prompt"]),
            "provenance": constant(selection.provenance, len(block)),
        }
    )
