"""LLMRouter's JSON lines: the queries, the answers with their texts, and the LLMs in a JSON of descriptions."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.routing.formats.format import numbers, write_json
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.release.failures import ZERO, failed
from llmfusionbench.types import Candidate

_ANSWERS = ("response", "status", "input_tokens", "output_tokens", "latency_s", "performance", "cost_usd", "provenance")


class LLMRouter:
    """`query_*.jsonl` and `routing_*.jsonl` of each split, and `llms.json`. No API keys are in them."""

    reader: str | None = "llmrouter"
    holds = "prompt, task, reference, metric, choices, answer, tokens, latency, performance, cost, LLMs with their prices"
    missing = "null; a candidate that was not asked has no record"
    lost = "judges' scores, tokenizers, licences"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Two files per split, and one of the LLMs."""
        selection.check_prompts("llmrouter")
        written = write_json(selection, folder, "query_{}.jsonl", lambda _, block: _queries(block))
        written |= write_json(selection, folder, "routing_{}.jsonl", lambda split, block: _answers(selection, split, block))
        llms = _llms(selection)
        (folder / "llms.json").write_text(json.dumps(llms, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return written | {"llms.json": len(llms)}


def _answers(selection: Selection, split: str, block: Block) -> Iterator[dict[str, Any]]:
    """The answers to the queries of a block."""
    answers = selection.answers(split, block, _ANSWERS)
    queries = list(_queries(block))
    think = pc.coalesce(block.queries["prompt_think"], block.queries["prompt"]).to_pylist()
    lost = failed(answers.rows) if selection.failures == ZERO else np.zeros(len(answers.query), bool)
    zero = lost & ~np.isnan(block.performance[answers.query, answers.candidate])
    rows = zip(answers.query.tolist(), answers.candidate.tolist(), answers.rows.to_pylist(), zero.tolist(), strict=True)
    for query, candidate, row, failure in rows:
        tokens = (row["input_tokens"], row["output_tokens"])
        score = 0.0 if failure else row["performance"]
        response_time, performance, cost = numbers([row["latency_s"], score, row["cost_usd"]])
        yield {
            **queries[query],
            **({"query": think[query]} if row["mode"] == "think" else {}),
            "model_name": selection.candidates[candidate],
            "response": row["response"],
            "token_num": None if None in tokens else sum(tokens),
            "input_tokens": tokens[0],
            "output_tokens": tokens[1],
            "response_time": response_time,
            "performance": performance,
            "cost": cost,
            "embedding_id": query + block.number,
            "user_id": None,
            "provenance": row["provenance"],
        }


def _queries(block: Block) -> Iterator[dict[str, Any]]:
    """The fields that queries and answers have in common."""
    for row in block.queries.to_pylist():
        yield {
            "task_name": row["task"],
            "query": row["prompt"],
            "ground_truth": row["ground_truth"],
            "metric": row["metric"],
            "choices": _choices(row["choices"]),
            "task_id": row["source_id"],
        }


def _choices(options: list[str] | None) -> str | None:
    """Options as the text of `{"text": [...], "labels": [...]}`; the labels are letters as long as there are enough."""
    if options is None:
        return None
    labels = string.ascii_uppercase if len(options) <= 26 else [str(i) for i in range(1, len(options) + 1)]
    return json.dumps({"text": options, "labels": list(labels[: len(options)])}, ensure_ascii=False)


def _llms(selection: Selection) -> dict[str, dict[str, Any]]:
    asked = {Candidate.parse(name).llm for name in selection.candidates}
    found = {}
    for row in selection.release.rows("llms").to_pylist():
        if row["llm"] in asked:
            size = None if row["parameters_b"] is None else f"{row['parameters_b']:g}B"
            found[row["llm"]] = {
                "size": size,
                "feature": row["description"],
                "input_price": row["input_price"],
                "output_price": row["output_price"],
                "model": row["endpoint"],
            }
    return found
