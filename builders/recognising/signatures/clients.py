"""What the logs of API clients, gateways and tracing services look like."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.signature import Signature

_TABLES: Final = ("list", "lines", "object", "csv", "tsv", "parquet")

OPENAI_BATCH: Final = (
    Signature(
        title="output or errors of an OpenAI batch",
        kinds=("lines",),
        names=("batch_*output*.jsonl", "batch_*error*.jsonl", "*_output.jsonl", "*_errors.jsonl"),
        needed=("custom_id", "response", "error"),
        telling=("id", ("response.status_code", "error.code", "error.message", "response: null"),
                 ("response.body", "error.message", "response: null")),
        against=("body",),
    ),
    Signature(
        title="requests of an OpenAI batch",
        kinds=("lines",),
        names=("batch_*input*.jsonl", "*_input.jsonl", "*requests*.jsonl"),
        needed=("custom_id", "body", "url"),
        telling=("method", ("body.messages", "body.input", "body.prompt"), "body.model"),
        role="companion",
    ),
)  # fmt: skip

LITELLM: Final = (
    Signature(
        title="spend logs of LiteLLM",
        kinds=_TABLES,
        names=("*spend*log*", "*SpendLogs*"),
        needed=("request_id", "spend", "model", ("startTime", "start_time")),
        telling=("call_type", ("endTime", "end_time"), "prompt_tokens", ("custom_llm_provider", "model_group", "cache_hit")),
    ),
    Signature(
        title="standard logging payloads of LiteLLM",
        kinds=_TABLES,
        needed=("call_type", "response_cost", "model"),
        telling=(
            ("startTime", "start_time"),
            "messages",
            ("response", "error_str"),
            ("model_group", "hidden_params", "trace_id"),
        ),
    ),
)

LANGFUSE: Final = (
    Signature(
        title="observations of Langfuse",
        kinds=_TABLES,
        needed=("type", ("traceId", "trace_id"), ("input", "output")),
        telling=(
            ("startTime", "start_time"),
            ("usage", "usageDetails", "usage_details", "promptTokens", "prompt_tokens"),
            ("costDetails", "cost_details", "calculatedTotalCost", "totalCost", "total_cost", "cost"),
            ("model", "modelId", "providedModelName", "provided_model_name"),
        ),
    ),
    Signature(
        title="traces of Langfuse",
        kinds=_TABLES,
        needed=(("input", "output"), "timestamp", ("observations", "htmlPath", "totalCost", "sessionId", "session_id")),
        telling=("id", "scores", ("userId", "user_id", "tags", "release"), ("latency", "observations[].model", "bookmarked")),
    ),
)

OPENROUTER: Final = (
    Signature(
        title="generations of OpenRouter",
        kinds=_TABLES,
        needed=(
            ("model", "model_permaslug", "model_slug"),
            ("native_tokens_prompt", "tokens_prompt"),
            ("total_cost", "cost_total", "usage", "cost"),
        ),
        telling=(
            ("provider_name", "provider"),
            ("native_tokens_completion", "tokens_completion"),
            ("generation_id", "id"),
            ("generation_time", "generation_time_ms", "upstream_id", "app_id", "byok_usage_inference", "cache_discount"),
        ),
    ),
)
