"""RouterBench's wide CSV: one query per row, with the score, answer and cost of every LLM."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.routing.formats.format import check_names, write_csv
from llmfusionbench.baselines.exporters.routing.formats.fusionfactory import best_candidates
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection

COLUMNS: Final = ("sample_id", "prompt", "eval_name", "oracle_model_to_route_to")
RESPONSE, COST = "|model_response", "|total_cost"
NOBODY: Final = "no_model_correct"


class RouterBench:
    """Prompts and answers are the repr of a list of one text, as in the original; costs are in USD."""

    reader: str | None = "routerbench"
    holds = "query id, prompt, task, answer, performance, cost"
    missing = "an empty cell"
    lost = "tokens, references, metrics, judges' scores"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """One file per split."""
        selection.check_prompts("routerbench")
        check_names(selection.candidates, COLUMNS, (RESPONSE, COST), "routerbench")
        schema = _schema(selection.candidates)
        return write_csv(selection, folder, "routerbench_{}.csv", schema, lambda *part: _columns(selection, *part))


def _schema(candidates: list[str]) -> pa.Schema:
    return pa.schema(
        [
            *((name, pa.string()) for name in COLUMNS[:3]),
            *((name, pa.float64()) for name in candidates),
            *((name + RESPONSE, pa.string()) for name in candidates),
            *((name + COST, pa.float64()) for name in candidates),
            (COLUMNS[3], pa.string()),
        ]
    )


def _columns(selection: Selection, split: str, block: Block) -> list[pa.ChunkedArray]:
    best = [
        selection.candidates[b] if b >= 0 and block.performance[q, b] > 0 else NOBODY if b >= 0 else None
        for q, b in enumerate(best_candidates(block.performance, block.cost))
    ]
    columns: list[pa.Array | pa.ChunkedArray] = [
        block.queries["query_id"],
        _listed(block.queries["prompt"]),
        block.queries["task"],
        *(pa.array(column, from_pandas=True) for column in block.performance.T),
        *(_listed(texts) for texts in selection.responses(split, block)),
        *(pa.array(column, from_pandas=True) for column in block.cost.T),
        pa.array(best, pa.string()),
    ]
    return [pa.chunked_array(c) if isinstance(c, pa.Array) else c for c in columns]


def _listed(texts: pa.ChunkedArray) -> pa.Array:
    """Each text as a Python list of one literal in single quotes, as the original has it; null stays null."""
    # A text with a double quote is written in single quotes, whatever else it holds: so one is added and cut off again.
    return pa.array([None if text is None else "['" + repr('"' + text)[2:] + "]" for text in texts.to_pylist()], pa.string())
