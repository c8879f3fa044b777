"""LLMRouter's JSON lines: the queries, the answers with their texts, and the LLMs in a JSON of descriptions."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....types import Candidate
from .format import JsonWriter, json_lines
from .selection import Selection
from .text import json_numbers, json_objects, json_texts

_ANSWERS = (
    "query_id", "task", "prompt", "ground_truth", "choices", "metric", "llm", "mode", "response", "input_tokens",
    "output_tokens", "latency_s", "performance", "cost_usd", "provenance",
)  # fmt: skip
_ROWS = 4096


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
                _write_answers(selection, split, file)
            written[name] = file.records
        llms = _llms(selection)
        (folder / "llms.json").write_text(json.dumps(llms, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return written | {"llms.json": len(llms)}


def _write_answers(selection: Selection, split: str, file: JsonWriter) -> None:
    numbers = selection.release.table("queries", split).to_table(columns=["query_id", "source_id"])
    ids = numbers["query_id"].combine_chunks()
    for whole in selection.release.batches("logs", split, list(_ANSWERS)):
        for start in range(0, whole.num_rows, _ROWS):
            rows = pa.Table.from_batches([whole.slice(start, _ROWS)])
            names = _candidate_names(rows)
            kept = pc.is_in(names, value_set=pa.array(selection.candidates, pa.string()))
            rows, names = rows.filter(kept), names.filter(kept)
            place = pc.index_in(rows["query_id"], value_set=ids)
            rows = rows.append_column("source_id", numbers["source_id"].take(place))
            tokens = [rows["input_tokens"], rows["output_tokens"]]
            file.write(
                json_objects(
                    {
                        **_query(rows, rows["prompt"]),
                        "model_name": json_texts(names),
                        "response": json_texts(rows["response"]),
                        "token_num": json_numbers(pc.add(*tokens)),
                        "input_tokens": json_numbers(tokens[0]),
                        "output_tokens": json_numbers(tokens[1]),
                        "response_time": json_numbers(rows["latency_s"]),
                        "performance": json_numbers(rows["performance"]),
                        "cost": json_numbers(rows["cost_usd"]),
                        "embedding_id": json_numbers(place),
                        "user_id": pa.repeat("null", len(rows)),
                        "provenance": json_texts(rows["provenance"]),
                    }
                )
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
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    lists = pa.concat_arrays(lists.chunks) if isinstance(lists, pa.ChunkedArray) else lists
    made: dict[tuple[str, ...], str] = {}
    texts: list[str | None] = []
    for options in lists.to_pylist():
        key = None if options is None else tuple(options)
        if key is not None and key not in made:
            letters = string.ascii_uppercase if len(key) <= 26 else [str(i) for i in range(1, len(key) + 1)]
            made[key] = json.dumps({"text": list(key), "labels": list(letters[: len(key)])}, ensure_ascii=False)
        texts.append(None if key is None else made[key])
    return pa.array(texts, pa.string())


def _candidate_names(rows: pa.Table) -> pa.Array:
    llm = rows["llm"].combine_chunks().dictionary_encode()
    known = llm.dictionary.to_pylist()
    names = pa.array([Candidate(n, mode).name for n in known for mode in ("direct", "think")], pa.string())
    think = pc.equal(rows["mode"], "think").to_numpy().astype(np.int64)
    return names.take(pa.array(2 * llm.indices.to_numpy(zero_copy_only=False).astype(np.int64) + think))


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
