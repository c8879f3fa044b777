"""Accuracies that ZeroEval published for whole sets, beside ours on the responses that it logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa

from llmfusionbench.scoring import METRICS, score_column

from .logs import records

GSM8K: Final = {
    "Mistral-Large-2": 95.53,
    "Meta-Llama-3.1-70B-Instruct": 94.16,
    "Meta-Llama-3-70B-Instruct": 93.03,
    "Qwen2-72B-Instruct": 92.65,
    "deepseek-v2.5-0908": 92.49,
    "gemma-2-27b-it@together": 90.22,
    "gemma-2-9b-it": 87.41,
    "Athene-70B": 86.66,
    "Yi-1.5-34B-Chat": 84.08,
    "Meta-Llama-3.1-8B-Instruct": 84.00,
    "Mistral-Nemo-Instruct-2407": 82.79,
    "Phi-3.5-mini-instruct": 82.03,
    "Qwen2-7B-Instruct": 80.06,
    "Meta-Llama-3-8B-Instruct": 78.47,
    "Yi-1.5-9B-Chat": 76.42,
    "Mixtral-8x7B-Instruct-v0.1": 70.13,
    "command-r": 52.99,
    "gemma-2-2b-it": 51.63,
}
"""GSM8K accuracy in percent, as ZeroEval published it."""
CRUX: Final = {"o1-mini-2024-09-12": 93.75, "Phi-3.5-mini-instruct": 42.12, "gemma-2-2b-it": 21.50}
"""CRUX accuracy in percent, likewise."""
CRUX_METRIC: Final = "crux"
BOUND: Final = 0.3
"""Points by which we may miss an accuracy on GSM8K."""
TRUNCATED_BOUND: Final = 1.7
"""The bound for LLMs many of whose logged answers are cut off."""
TRUNCATED: Final = frozenset(("Phi-3.5-mini-instruct", "Yi-1.5-9B-Chat", "Athene-70B"))
CRUX_BOUND: Final = 0.2
"""Points by which we may miss an accuracy on CRUX."""


class Accuracy(NamedTuple):
    """Accuracies of one LLM, in percent."""

    llm: str
    ours: float
    official: float
    """By the reference pipeline's own scorer, defects included."""
    published: float | None
    bound: float


def gsm8k_accuracies(logs: Path) -> Iterator[Accuracy]:
    """One per file of logs/zeroeval_gsm8k, best first by the published accuracy; unpublished ones last."""
    for llm, rows in _best_first(logs / "zeroeval_gsm8k", GSM8K):
        truths = [row["answer"].lstrip("# ") for row in rows]  # kept as "# 18"
        bound = TRUNCATED_BOUND if llm in TRUNCATED else BOUND
        yield _accuracy("gsm8k", llm, rows, truths, GSM8K.get(llm), bound)


def crux_accuracies(logs: Path) -> Iterator[Accuracy]:
    """One per file of logs/formats/crux, best first; none while there is no metric for them."""
    for llm, rows in _best_first(logs / "formats" / "crux", CRUX) if CRUX_METRIC in METRICS else ():
        yield _accuracy(CRUX_METRIC, llm, rows, [row["answer"] for row in rows], CRUX.get(llm), CRUX_BOUND)


def _best_first(folder: Path, published: dict[str, float]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    named = {file.name.removesuffix(".json.gz"): file for file in sorted(folder.glob("*.json.gz"))}
    for llm, file in sorted(named.items(), key=lambda item: (-published.get(item[0], 0.0), item[0])):
        yield llm, records(file)


def _accuracy(
    metric: str, llm: str, rows: list[dict[str, Any]], truths: list[str], published: float | None, bound: float
) -> Accuracy:
    responses = pa.array([row["output"][0] for row in rows])
    columns = (score_column(metric, responses, pa.array(truths), official=way) for way in (False, True))
    # A response without a score, such as an empty one, has earned nothing.
    ours, official = (100 * float((column.values == 1).mean()) for column in columns)
    return Accuracy(llm, ours, official, published, bound)
