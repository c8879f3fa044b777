"""OpenRouter: generations, from `GET /api/v1/generation`, the export of the activity page, or kept requests and responses.

OpenRouter keeps prompts and answers only on demand. A generation without its prompt is a query of its own, identified by its
id, and so does not meet those of other LLMs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.chat_answers import answers_of
from llmfusionbench.builders.reading.chat_requests import query_in, query_of, sampling_of
from llmfusionbench.builders.reading.client_logs import COMMON, LeftOut, candidate_of, check_by, read_log
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, identity_of, writable
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.loose import first_of, is_true, loose_amount, loose_count, loose_moment, loose_object
from llmfusionbench.builders.reading.objects import reasoning_text
from llmfusionbench.builders.reading.replicates import Repeats
from llmfusionbench.builders.reading.rows import exports, read_rows
from llmfusionbench.builders.records import Part

_NAMES: Final = {"source_id": "id", "llm": "model"}
_ID: Final = ("id", "generation_id", "generationId")
_MODEL: Final = ("model", "model_permaslug", "modelPermaslug")
_SIGNS: Final = (
    "native_tokens_prompt", "nativeTokensPrompt", "tokens_prompt", "tokensPrompt", "total_cost", "totalCost", "cost_total",
    "provider_name", "providerName", "choices", "generation_time", "generationTime", "usage",
)  # fmt: skip
"""Fields of which a generation has one."""
_TOKENS: Final = {
    "input_tokens": ("native_tokens_prompt", "nativeTokensPrompt", "tokens_prompt", "tokensPrompt"),
    "output_tokens": ("native_tokens_completion", "nativeTokensCompletion", "tokens_completion", "tokensCompletion"),
    "reasoning_tokens": ("native_tokens_reasoning", "nativeTokensReasoning", "tokens_reasoning", "tokensReasoning"),
    "cached_tokens": ("native_tokens_cached", "nativeTokensCached", "tokens_cached", "tokensCached"),
}
"""Our column -> its names, those of the model's own tokenizer first: they are what is paid."""
_TIMES: Final = (
    "latency", "generation_time", "generationTime", "generation_time_ms", "time_to_first_token_ms",
)  # fmt: skip
"""Milliseconds until some stage of the answer; the last stage is the longest."""
_REQUESTS: Final = ("request", "input", "body")
_PAID: Final = ("total_cost", "totalCost", "cost_total", "usage", "cost")
_REASON: Final = (
    "finish_reason", "finishReason", "finish_reason_normalized", "native_finish_reason", "nativeFinishReason",
    "finish_reason_raw",
)  # fmt: skip
_PLAIN: Final = ("", "standard")
_MILLISECONDS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class OpenRouter:
    """Reads generations of OpenRouter as JSON, JSONL or CSV.

    Args:
        task: Name of the task of all queries.
        split: The split of every query.
        by: Which model names the LLM: `served`, the model that answered, or `asked`, which is the router where one chose,
            such as `openrouter/auto`.
    """

    FILES: ClassVar[tuple[str, ...]] = exports("*openrouter*", "*generation*")

    task: str = "openrouter"
    split: str = "train"
    by: str = "served"

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files."""
        check_by(self.by)
        repeats = Repeats()
        shared = COMMON | {"task": self.task, "split": self.split}
        for path, file in labelled(paths):
            left = LeftOut()
            read = partial(self._answers, repeats=repeats)
            identity = partial(identity_of, names=_NAMES)
            yield from read_log(
                path, file, read, shared, left, "generation of OpenRouter", items=read_rows(path, file), identity=identity
            )

    def _answers(self, record: dict[str, Any], *, repeats: Repeats) -> Iterator[dict[str, Any]]:
        """The answers of a generation."""
        generation, request = _parts(record)
        has_failed = request is not record and bool(generation.get("error"))
        call = first_of(generation, *_ID) or (first_of(record, *_ID) if has_failed else None)
        if not isinstance(call, str) or (generation.keys().isdisjoint(_SIGNS) and not has_failed):
            if "requests" in generation and "date" in generation:
                raise BadRecordError("the record is the total of a day, expected generations. Remedy: export the generations")
            raise BadRecordError("the record has no id with tokens, cost or choices, expected a generation of OpenRouter")
        said = {"source_id": call, **_query(request), **_call(generation, request)}
        names = candidate_of(said["requested_model"], said["served_model"], self.by)
        made = _said(record, generation)
        for i, answer in enumerate(made):
            row = said | names
            for name, value in answer.items():
                if row.get(name) is None:
                    row[name] = value
            if len(made) > 1:
                row |= {"output_tokens": None, "reasoning_tokens": None, "cost_usd": None}
            row["task"] = self.task
            row["replicate"] = repeats.number(row, f"{call} {i}")
            yield row


def _parts(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """(the generation, what holds the request) of a record, which may have either in a field of its own."""
    generation: Mapping[str, Any] = record
    while isinstance(inner := generation.get("data"), dict) and inner:  # an envelope, which may be in one of a client
        generation = inner
    if generation is record:
        inner = record.get("generation")
        if (not isinstance(inner, dict) or not inner) and record.keys().isdisjoint(_SIGNS):
            inner = record.get("response")
        generation = inner if isinstance(inner, dict) and inner else record
    for name in _REQUESTS:
        if isinstance(held := record.get(name), dict):
            return generation, held
    return generation, record if record.get("messages") or record.get("prompt") else generation


def _query(request: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, where it was kept, and the settings."""
    settings = sampling_of(first_of(request, "parameters", "params") or request)
    found = query_in(request)
    if not found and isinstance(request.get("input"), (str, list)):
        found = query_of(request["input"], "input")
    return found | ({"sampling": settings} if settings else {})


def _said(record: Mapping[str, Any], generation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The answers, where they were kept; else one without a text."""
    if "choices" in generation:
        return answers_of(dict(generation))
    for holder in (record, generation):
        for name in ("completion", "response", "output"):
            value = holder.get(name)
            if isinstance(value, dict) and isinstance(value.get("completion"), str):
                thought = reasoning_text(value.get("reasoning"))
                return [{"response": writable(value["completion"], "completion"), "reasoning": thought}]
            if value and isinstance(value, (str, dict)):
                return answers_of(value)
    return [{}]


def _call(record: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """What a generation states of the call, beside what was asked and answered."""
    model, router, sent = first_of(record, *_MODEL), record.get("router"), request.get("model")
    variant = record.get("variant")
    if isinstance(model, str) and isinstance(variant, str) and variant not in _PLAIN and not model.endswith(f":{variant}"):
        model = f"{model}:{variant}"
    tier = first_of(record, "service_tier", "serviceTier")
    provider = first_of(record, "provider_name", "providerName", "provider")
    named = next((m for m in (router, None if request is record else sent, model) if m and isinstance(m, str)), None)
    times = [t for name in _TIMES if name in record and (t := loose_amount(record[name]))]
    tokens = {ours: loose_count(first_of(record, *theirs)) for ours, theirs in _TOKENS.items()}
    reason = first_of(record, *_REASON)
    found: dict[str, Any] = {
        "requested_model": writable(named, "model") if named else None,
        "served_model": writable(model, "model") if isinstance(model, str) else None,
        "endpoint": provider if isinstance(provider, str) else None,
        "service_tier": tier if isinstance(tier, str) else None,
        "created_at": loose_moment(first_of(record, "created_at", "createdAt", "created")),
        "latency_s": max(times) / _MILLISECONDS if times else None,
        "finish_reason": reason if isinstance(reason, str) else None,
        "cost_usd": _cost(record),
        **tokens,
    }
    failure = failure_text(record["error"]) if "error" in record else None
    if is_true(record.get("cancelled")):
        failure = failure or "the generation was cancelled"
    elif isinstance(reason, str) and reason.lower() == "error":
        failure = failure or "the provider ended the answer with an error"
    return found | ({"status": "error", "error": failure} if failure else {})


def _cost(record: Mapping[str, Any]) -> float | None:
    """What the call took in USD; with a key of one's own, also what its provider took."""
    usage = loose_object(record.get("usage"))
    paid = next((c for name in _PAID if name in record and (c := loose_amount(record[name])) is not None), None)
    paid = loose_amount(usage.get("cost")) if paid is None else paid
    upstream = loose_amount(first_of(record, "upstream_inference_cost", "upstreamInferenceCost", "byok_usage_inference"))
    own = is_true(first_of(record, "is_byok", "isByok")) or "byok_usage_inference" in record
    return paid if not own or not upstream else (paid or 0) + upstream
