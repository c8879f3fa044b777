"""A release of 256,000 simulated answers, written in seconds: random texts that do not compress, and figures at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from llmfusionbench.builders.making.views import make_views
from llmfusionbench.release import ReleaseWriter, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import table_schema

QUERIES, LLMS, MODES = 6_400, 20, ("direct", "think")
CELLS = QUERIES * LLMS * len(MODES)
_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .", np.uint8)


def write_large_release(out: Path, *, queries: int = QUERIES, shards: int = 14, length: int = 320, seed: int = 0) -> Path:
    """Write `queries` x 40 answers of `length` characters, in `shards` files of each table of train and one of test."""
    random = np.random.default_rng(seed)
    llms = _filled("llms", {"llm": [f"llm-{n:02d}" for n in range(LLMS)], "input_price": 0.2, "output_price": 0.6}, LLMS)
    judged = table_schema("judge_scores").arrow.empty_table()
    parts = [("train", i, shards) for i in range(shards)] + [("test", 0, 1)]
    edges = np.linspace(0, queries, len(parts) + 1).astype(int)
    with ReleaseWriter(out) as writer:
        files = {}
        for (split, index, total), first, last in zip(parts, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            asked = _queries(random, split, first, last)
            answers = _responses(random, asked, llms, length)
            tables = {"queries": asked, "responses": answers, **make_views(asked, answers, llms, judged)}
            for table, rows in tables.items():
                name = shard_name(table, split, index, total)
                files[name] = write_shard(writer.path, name, rows)
        templates = table_schema("thought_templates").arrow.empty_table()
        for table, rows in (("llms", llms), ("judge_scores", judged), ("thought_templates", templates)):
            name = shard_name(table, "train", 0, 1)
            files[name] = write_shard(writer.path, name, rows)
        writer.finish(files, {"source": {"name": "test"}, "provenance": ["simulated"]})
    return out


def _queries(random: np.random.Generator, split: str, first: int, last: int) -> pa.Table:
    ids = [f"{n:024x}" for n in range(first, last)]
    tasks = [f"task-{n % 7}" for n in range(first, last)]
    columns = {"query_id": ids, "task": tasks, "domain": "math", "split": split, "metric": "em", "license": "mit"}
    return _filled("queries", {**columns, "prompt": _texts(random, last - first, 200)}, last - first)


def _responses(random: np.random.Generator, queries: pa.Table, llms: pa.Table, length: int) -> pa.Table:
    """One answer of every LLM in every mode to each query; about a third has a partial score."""
    per_query, count = LLMS * len(MODES), len(queries) * LLMS * len(MODES)
    tokens = random.integers(20, 4_000, count)
    partial = np.where(random.random(count) < 0.3, random.random(count).round(4), random.integers(0, 2, count))
    columns = {
        "query_id": queries["query_id"].combine_chunks().take(pa.array(np.repeat(np.arange(len(queries)), per_query))),
        "llm": llms["llm"].combine_chunks().take(pa.array(np.tile(np.repeat(np.arange(LLMS), len(MODES)), len(queries)))),
        "mode": pa.array(list(MODES) * (count // len(MODES))),
        "replicate": 0, "status": "ok", "provenance": "simulated", "tokenizer": "cl100k_base",
        "response": _texts(random, count, length),
        "input_tokens": pa.array(random.integers(50, 900, count)), "output_tokens": pa.array(tokens),
        "performance": pa.array(partial.astype(float)), "cost_usd": pa.array(tokens * 0.6e-6),
        "latency_s": pa.array(random.random(count).round(3)),
    }  # fmt: skip
    return _filled("responses", columns, count)


def _texts(random: np.random.Generator, count: int, length: int) -> pa.Array:
    letters = _LETTERS[random.integers(0, len(_LETTERS), count * length, dtype=np.uint8)]
    offsets = np.arange(count + 1, dtype=np.int32) * length
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(letters))


def _filled(table: str, columns: dict[str, object], count: int) -> pa.Table:
    """Rows of a table with these columns: arrays, lists, or one value for all rows. The others are null."""
    made = {}
    for field in table_schema(table).arrow:
        value = columns.get(field.name)
        if isinstance(value, (list, pa.Array)):
            made[field.name] = pa.array(value, field.type) if isinstance(value, list) else value.cast(field.type)
        else:
            made[field.name] = pa.nulls(count, field.type) if value is None else pa.repeat(pa.scalar(value, field.type), count)
    return pa.table(made, schema=table_schema(table).arrow)
