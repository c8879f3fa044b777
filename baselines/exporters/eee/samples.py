"""Answers as samples of Every Eval Ever (schema 0.3): one object per answer, with what it has no place for in `metadata`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from llmfusionbench._version import NAME
from llmfusionbench.types import DIRECT, THINK

SCHEMA_VERSION: Final = "0.3.0"
OWN: Final = f"{NAME}."
"""What our keys in `metadata` and `additional_details` begin with; all their values are texts."""

_TEXTS: Final = (
    "split",
    "metric",
    "metric_version",
    "domain",
    "license",
    "tokenizer",
    "status",
    "finish_reason",
    "requested_model",
    "served_model",
    "endpoint",
    "service_tier",
    "created_at",
    "provenance",
)
_NUMBERS: Final = ("attempts", "cost_usd")
COLUMNS: Final = (
    *("query_id", "llm", "mode", "replicate", "task", "prompt", "messages", "ground_truth", "choices", "response", "reasoning"),
    *("error", "sampling", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "latency_s", "performance"),
    *(name for name in (*_TEXTS, *_NUMBERS) if name != "license"),
)
"""The columns of the view `logs` that a sample is made of."""
OF_QUERY: Final = ("source_id", "prompt_think", "license")
"""Those of the table `queries`."""


def sample(row: Mapping[str, Any], evaluation_id: str, *, failed: bool) -> dict[str, Any]:
    """The sample of an answer.

    Args:
        row: An answer with the columns `COLUMNS` and `OF_QUERY`.
        evaluation_id: That of its aggregate.
        failed: Whether the answer failed and counts as 0.
    """
    raw, reference = row["prompt"] or "", references(row["ground_truth"])
    turns = row["messages"]
    own = {name: row[name] for name in _TEXTS if row[name] is not None}
    own |= {name: repr(row[name]) for name in _NUMBERS if row[name] is not None}
    own |= {"query_id": row["query_id"], "mode": row["mode"], "replicate": str(row["replicate"])}
    if row["sampling"] is not None:
        own["sampling"] = json.dumps(row["sampling"], sort_keys=True)
    if row["performance"] is None:
        own["unscored"] = "failed" if failed else "true"
    if turns:
        own["turns"] = str(len(turns))
    usage, latency = _usage(row, own), _latency(row, own)
    score = row["performance"] or 0.0
    identity = json.dumps({"raw": raw, "reference": reference}, sort_keys=True, separators=(",", ":"))
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id,
        "model_id": row["llm"],
        "evaluation_name": row["task"],
        "evaluation_result_id": result_id(row),
        "sample_id": row["source_id"] or row["query_id"],
        "sample_hash": hashlib.sha256(identity.encode()).hexdigest(),
        "interaction_type": "multi_turn" if turns else "single_turn",
        "input": {
            "raw": raw,
            "formatted": row["prompt_think"] if row["mode"] == THINK else None,
            "reference": reference,
            "choices": row["choices"],
        },
        "output": None if turns else _output(row),
        "messages": _messages(row) if turns else None,
        "answer_attribution": [],
        "evaluation": {"score": score, "is_correct": score == 1},
        "token_usage": usage,
        "performance": latency,
        "error": row["error"],
        "metadata": {OWN + name: own[name] for name in sorted(own)},
    }


def result_id(row: Mapping[str, Any]) -> str:
    """The key of the metric of an answer within its run: task, split and metric."""
    return "/".join((row["task"], row["split"], row["metric"]))


def candidate_note(mode: str) -> dict[str, str]:
    """The mode of a run, where it is not direct mode, for the description of its LLM."""
    return {} if mode == DIRECT else {OWN + "mode": mode}


def references(truth: str | None) -> list[str]:
    """A ground truth as a list: the accepted answers of a JSON array of several texts, else the text itself."""
    if truth is None:
        return []
    if truth.startswith("["):
        try:
            found = json.loads(truth)
        except (ValueError, RecursionError):
            return [truth]
        several = isinstance(found, list) and len(found) > 1 and all(isinstance(one, str) for one in found)
        if several and json.dumps(found, ensure_ascii=False) == truth:
            return list(found)
    return [truth]


def _output(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "raw": [] if row["response"] is None else [row["response"]],
        "reasoning_trace": None if row["reasoning"] is None else [row["reasoning"]],
    }


def _messages(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]]
    if row["response"] is not None or row["reasoning"] is not None:
        said.append({"role": "assistant", "content": row["response"], "reasoning_trace": row["reasoning"]})
    return [{"turn_idx": place, **turn} for place, turn in enumerate(said)]


def _usage(row: Mapping[str, Any], own: dict[str, str]) -> dict[str, Any] | None:
    """The counts of tokens. The schema has them all or none; others, and zeros, go to `own`."""
    given, made = row["input_tokens"], row["output_tokens"]
    if given is None or made is None or not given + made:
        names = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
        own |= {name: str(row[name]) for name in names if row[name] is not None}
        return None
    return {
        "input_tokens": given,
        "output_tokens": made,
        "total_tokens": given + made,
        "input_tokens_cache_read": row["cached_tokens"],
        "reasoning_tokens": row["reasoning_tokens"],
    }


def _latency(row: Mapping[str, Any], own: dict[str, str]) -> dict[str, Any] | None:
    """The latency in milliseconds; its seconds go to `own` where they would not come back the same."""
    seconds = row["latency_s"]
    if seconds is None:
        return None
    if seconds * 1000 / 1000 != seconds:
        own["latency_s"] = repr(seconds)
    return {"latency_ms": seconds * 1000}
