"""What the logs of API clients, gateways and tracing services look like."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.signature import Signature

_TABLES: Final = ("list", "lines", "object", "csv", "tsv", "parquet")

OPENAI_BATCH: Final = (
    Signature(
        title="results or errors of a batch",
        kinds=("lines", "list"),
        names=("batch_*output*.jsonl", "batch_*error*.jsonl", "*_output.jsonl", "*_errors.jsonl", "*_results.jsonl"),
        needed=("custom_id", ("response", "result")),
        telling=(
            ("error", "result.type"),
            ("response.status_code", "response.body", "error.message", "response: null", "result.message", "result.error"),
            ("id", "response.body.choices", "response.body.output", "result.message.content"),
        ),
        against=("body", "params"),
    ),
    Signature(
        title="requests of a batch",
        kinds=("lines", "list"),
        names=("batch_*input*.jsonl", "*_input.jsonl", "*requests*.jsonl"),
        needed=("custom_id", ("body", "params")),
        telling=(
            ("url", "params.max_tokens"),
            ("method", "params.model", "body.model"),
            ("body.messages", "body.input", "body.prompt", "params.messages"),
        ),
        against=("response", "result"),
        role="companion",
    ),
)

LITELLM: Final = (
    Signature(
        title="spend logs of LiteLLM",
        kinds=_TABLES,
        names=("*spend*log*", "*SpendLogs*"),
        needed=("request_id", "spend", "model", ("startTime", "start_time")),
        telling=("call_type", ("endTime", "end_time"), "prompt_tokens", ("custom_llm_provider", "model_group", "cache_hit")),
    ),
    Signature(
        title="standard logging payloads of LiteLLM in its callbacks' records",
        kinds=_TABLES,
        needed=("standard_logging_object.call_type",),
        telling=("standard_logging_object.model",),
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
    Signature(
        title="records of an older LiteLLM on S3",
        kinds=_TABLES,
        needed=("call_type", "modelParameters", "startTime", "model"),
        telling=("messages", "response", "usage", ("endTime", "cache_hit")),
    ),
)

LANGFUSE: Final = (
    Signature(
        title="observations of Langfuse",
        kinds=_TABLES,
        names=("*observations*", "*generations*", "*langfuse*"),
        needed=(
            ("traceId", "trace_id"),
            ("type", "model", "providedModelName", "provided_model_name"),
            ("input", "output", "usageDetails", "usage_details", "promptTokens"),
        ),
        telling=(
            ("startTime", "start_time"),
            ("usage", "usageDetails", "usage_details", "promptTokens", "prompt_tokens"),
            ("costDetails", "cost_details", "calculatedTotalCost", "totalCost", "total_cost", "cost"),
            ("parentObservationId", "parent_observation_id", "promptName", "modelParameters", "model_parameters", "level"),
        ),
    ),
    Signature(
        title="traces of Langfuse",
        kinds=_TABLES,
        names=("*traces*", "*langfuse*"),
        needed=("timestamp", ("observations", "htmlPath", "totalCost", "sessionId", "session_id"), ("input", "output")),
        telling=(
            "id",
            "scores",
            ("userId", "user_id", "tags", "release"),
            ("latency", "observations[].model", "bookmarked"),
        ),
    ),
    Signature(
        title="trace of Langfuse, as its web page downloads it",
        kinds=_TABLES,
        names=("trace-*", "*traces*", "*langfuse*"),
        needed=("trace.id", "trace.timestamp", "observations"),
        telling=("trace.name", "observations[].type", "observations[].traceId", ("trace.scores", "trace.latency")),
    ),
    Signature(
        title="scores of Langfuse",
        kinds=_TABLES,
        names=("*scores*", "*langfuse*"),
        needed=("name", ("value", "stringValue", "string_value"), ("traceId", "trace_id", "observationId", "observation_id")),
        telling=(("dataType", "data_type"), ("source", "configId", "config_id"), ("timestamp", "createdAt", "created_at")),
        against=("model", "input", "output"),
        role="companion",
    ),
)

COLLECTED: Final = (
    Signature(
        title="run of llmfusionbench collect",
        kinds=("run",),
        needed=("format", "llms[].name", "llms[].address"),
        telling=("tasks", "replicates", "llms[].modes"),
    ),
    Signature(
        title="journal of a run of llmfusionbench collect",
        kinds=("object", "lines"),
        names=("journal.jsonl",),
        needed=("kind", "key", "llm", "attempt"),
        telling=(("worst_usd", "final"),),
        against=("prompt", "messages", "model"),
    ),
)

OPENROUTER: Final = (
    Signature(
        title="generations of OpenRouter",
        kinds=_TABLES,
        names=("*openrouter*", "generation*"),
        needed=(
            ("model", "model_permaslug", "modelPermaslug"),
            ("native_tokens_prompt", "nativeTokensPrompt", "tokens_prompt", "tokensPrompt"),
            ("total_cost", "totalCost", "cost_total", "usage", "cost"),
        ),
        telling=(
            ("provider_name", "providerName", "provider"),
            ("native_tokens_completion", "nativeTokensCompletion", "tokens_completion", "tokensCompletion"),
            ("generation_id", "generationId", "id"),
            ("generation_time", "generationTime", "generation_time_ms", "upstream_id", "app_id", "cache_discount", "streamed"),
        ),
    ),
    Signature(
        title="generation of OpenRouter, as its API gives it",
        kinds=("object", "lines"),
        names=("*openrouter*", "generation*"),
        needed=("data.model", ("data.native_tokens_prompt", "data.tokens_prompt"), ("data.total_cost", "data.usage")),
        telling=("data.provider_name", ("data.generation_time", "data.upstream_id")),
    ),
    Signature(
        title="answers of OpenRouter",
        kinds=_TABLES,
        names=("*openrouter*",),
        needed=(
            ("choices[].message", "response.choices[].message"),
            ("provider", "response.provider"),
            ("usage", "response.usage"),
        ),
        telling=(
            ("usage.cost", "response.usage.cost", "usage.cost_details"),
            ("id", "response.id"),
            ("choices[].native_finish_reason", "response.choices[].native_finish_reason"),
        ),
        against=("spend", "custom_id", "call_type"),
    ),
)
