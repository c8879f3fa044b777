"""Rows of the official log: the forty answers to a query with the columns, and the quirks, of the published CSV."""

from __future__ import annotations

import json
import random
from functools import cache

from llmfusionbench.builders.simulation.answers import SimulatedAnswer, answers
from llmfusionbench.builders.simulation.embeddings import embedding_text
from llmfusionbench.builders.simulation.latent import generator, query_key
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.tokens import TOKENIZER

COLUMNS = (
    "task_name", "task_id", "task_description", "task_description_embedding", "query", "query_embedding",
    "ground_truth", "metric", "llm", "input_price", "output_price", "input_tokens_num", "output_tokens_num",
    "performance", "cost", "response", "llm_description", "llm_judge", "provenance", "tokenizer",
)  # fmt: skip
PROVENANCE = "simulated"
# Upstream logged this one LLM at prices that were not its own.
LOGGED_PRICES = {"deepseek-r1": (8.0, 8.0)}

Row = dict[str, str | int | float | None]


def simulate_rows(query: SimulatedQuery, seed: int = 0, *, embeddings: bool = True) -> list[Row]:
    """The 40 rows of a query, m1, m1_think, m2, ..., as the official log has them; None is an empty cell.

    `cost` is tokens times price without the division by 1e6, code performance is the text of a dict, lists are their repr and
    embeddings stand only on the first direct row, all as upstream wrote them.
    """
    key = query_key(query, seed)
    rows = [_row(query, entry) for entry in answers(query, seed)]
    if embeddings:
        rows[0]["task_description_embedding"] = _task_embedding(query.task, seed)
        rows[0]["query_embedding"] = embedding_text(generator(key, "embedding"))
    return rows


@cache
def _task_embedding(task: str, seed: int) -> str:
    return embedding_text(random.Random(f"task embedding {seed} {task}"))  # noqa: S311


def _ground_truth(query: SimulatedQuery) -> str:
    return repr(json.loads(query.ground_truth)) if query.ground_truth.startswith("[") else query.ground_truth


def _performance(query: SimulatedQuery, entry: SimulatedAnswer) -> str | float | None:
    if query.metric == "code_eval" and entry.performance is not None:
        return f"{{'pass@1': np.float64({entry.performance})}}"
    return entry.performance


def _row(query: SimulatedQuery, entry: SimulatedAnswer) -> Row:
    llm = entry.llm
    input_price, output_price = LOGGED_PRICES.get(llm.name, (llm.input_price, llm.output_price))
    read, written = entry.input_tokens, entry.output_tokens
    cost = None if read is None or written is None else read * input_price + written * output_price
    return {
        "task_name": query.task,
        "task_id": query.task_id,
        "task_description": query.task_description,
        "task_description_embedding": None,
        "query": entry.prompt,
        "query_embedding": None,
        "ground_truth": _ground_truth(query),
        "metric": query.metric,
        "llm": llm.name if entry.mode == "direct" else f"{llm.name}_think",
        "input_price": input_price,
        "output_price": output_price,
        "input_tokens_num": read,
        "output_tokens_num": written,
        "performance": _performance(query, entry),
        "cost": cost,
        "response": entry.response or None,
        "llm_description": llm.description,
        "llm_judge": entry.judge_score,
        "provenance": PROVENANCE,
        "tokenizer": TOKENIZER,
    }
