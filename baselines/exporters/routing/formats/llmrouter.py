"""LLMRouter's JSON lines: the queries, the answers with their texts, and the LLMs in a JSON of descriptions."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.baselines.exporters.routing.formats.format import json_lines
from llmfusionbench.baselines.exporters.routing.selection import Block, Selection
from llmfusionbench.baselines.exporters.routing.text import json_numbers, json_objects, json_texts
from llmfusionbench.types import Candidate

_ANSWERS = ("response", "input_tokens", "output_tokens", "latency_s", "performance", "cost_usd", "provenance")


class LLMRouter:
    """`query_*.jsonl` and `routing_*.jsonl` of each split, and `llms.json`. There are no keys of anybody's in them."""

    reader: str | None = "llmrouter"
    holds = "prompt, task, reference, metric, choices, answer, tokens, latency, performance, cost, LLMs with their prices"
    missing = "null; a candidate that was not asked has no record"
    lost = "judges' scores, tokenizers, licences"

    def write(self, selection: Selection, folder: Path) -> dict[str, int]:
        """Two files for each split, and one of the LLMs."""
        selection.check_prompts("llmrouter")
        written = {}
        for split in selection.splits:
            name = f"query_{split}.jsonl"
            with json_lines(folder / name) as file:
                for block in selection.blocks(split):
                    file.write(json_objects(_query(block.queries, block.queries["prompt"])))
            written[name] = file.records
            name = f"routing_{split}.jsonl"
            with json_lines(folder / name) as file:
                for block in selection.blocks(split):
                    file.write(_answers(selection, split, block))
            written[name] = file.records
        llms = _llms(selection)
        (folder / "llms.json").write_text(json.dumps(llms, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return written | {"llms.json": len(llms)}


def _answers(selection: Selection, split: str, block: Block) -> pa.Array:
    """The answers to the queries of a block; what is said of a query is put into JSON once for all of them."""
    answers = selection.answers(split, block, _ANSWERS)
    rows, queries = answers.rows, block.queries
    thinking = pc.equal(rows["mode"], "think").to_numpy().astype(np.int64)
    think = pc.coalesce(queries["prompt_think"], queries["prompt"])
    prompts = pa.concat_arrays([json_texts(queries["prompt"]), json_texts(think)])
    place = pa.array(answers.query)
    shared = {name: values.take(place) for name, values in _query(queries, queries["prompt"]).items()}
    shared["query"] = prompts.take(pa.array(answers.query + thinking * len(block)))
    names = json_texts(pa.array(selection.candidates, pa.string()))
    return json_objects(
        {
            **shared,
            "model_name": names.take(pa.array(answers.candidate)),
            "response": json_texts(rows["response"]),
            "token_num": json_numbers(pc.add(rows["input_tokens"], rows["output_tokens"])),
            "input_tokens": json_numbers(rows["input_tokens"]),
            "output_tokens": json_numbers(rows["output_tokens"]),
            "response_time": json_numbers(rows["latency_s"]),
            "performance": json_numbers(rows["performance"]),
            "cost": json_numbers(rows["cost_usd"]),
            "embedding_id": json_numbers(pa.array(answers.query + block.number)),
            "user_id": pa.repeat("null", len(rows)),
            "provenance": json_texts(rows["provenance"]),
        }
    )


def _query(rows: pa.Table, prompts: pa.ChunkedArray) -> dict[str, pa.Array]:
    """The fields that queries and answers have in common."""
    return {
        "task_name": json_texts(rows["task"]),
        "query": json_texts(prompts),
        "ground_truth": json_texts(rows["ground_truth"]),
        "metric": json_texts(rows["metric"]),
        "choices": json_texts(_choices(rows["choices"])),
        "task_id": json_texts(rows["source_id"]),
    }


def _choices(lists: pa.ChunkedArray) -> pa.Array:
    """Options as the text of `{"text": [...], "labels": [...]}`, the labels being letters while there are enough of them."""
    texts: list[str | None] = []
    for options in lists.to_pylist():
        if options is None:
            texts.append(None)
            continue
        labels = string.ascii_uppercase if len(options) <= 26 else [str(i) for i in range(1, len(options) + 1)]
        texts.append(json.dumps({"text": options, "labels": list(labels[: len(options)])}, ensure_ascii=False))
    return pa.array(texts, pa.string())


def _llms(selection: Selection) -> dict[str, dict[str, Any]]:
    asked = {Candidate.parse(name).llm for name in selection.candidates}
    found = {}
    for row in selection.release.table("llms").to_table().to_pylist():
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
