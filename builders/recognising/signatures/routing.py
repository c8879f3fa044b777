"""What logs made for routers look like, and the benchmarks of one JSON list per model."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.head import Head
from llmfusionbench.builders.recognising.names import LIKE_AN_LLM
from llmfusionbench.builders.recognising.signature import Signature

_TABLES: Final = ("csv", "tsv", "parquet")
_RECORDS: Final = ("lines", "list")
_LABELS: Final = ("0", "1", "0.0", "1.0", "true", "false", "")
_NO_LLMS: Final = ("", "Unnamed: 0", "prompt", "task", "provenance")


def _not_routellm(head: Head) -> str | None:
    """Why a wide table is none of a weak and a strong LLM: its columns must be called like LLMs, and hold labels."""
    others = [n for n in head.fields if n not in _NO_LLMS and not n.endswith("_response") and "." not in n.partition("[")[2]]
    if len(others) != 2:
        return f"it has {len(others)} columns that could be LLMs, expected 2"
    for name in others:
        if not LIKE_AN_LLM.fullmatch(name):
            return f"its column {name} is not called like an LLM"
        if head.fields[name] == "text" or any(str(record.get(name)).lower() not in _LABELS for record in head.records):
            return f"its column {name} is not right or wrong for every record"
    return None


FUSIONBENCH: Final = (
    Signature(
        title="answers of FusionBench",
        kinds=_TABLES,
        needed=("task_name", "query", "llm", "performance", "cost"),
        telling=("input_tokens_num", "output_tokens_num", "task_description", "input_price", "response"),
    ),
)

LLMROUTER: Final = (
    Signature(
        title="queries or answers of LLMRouter",
        kinds=_RECORDS,
        names=("*query*.jsonl", "*routing*.jsonl"),
        needed=("task_name", "query", ("ground_truth", "gt"), "metric"),
        telling=(("choices", "task_id"), ("model_name", "task_id"), ("performance", "choices")),
        against=("llm",),
    ),
    Signature(
        title="scores of RouterDC",
        kinds=_RECORDS,
        needed=("question", "scores: object", ("scores.*: number", "scores.*: whole number")),
        telling=(("cluster_id", "task_name", "scores.*-*"),),
        against=("judge", "model"),
    ),
    Signature(
        title="router data of FusionFactory",
        kinds=_RECORDS,
        needed=("query", "candidates[].candidate_name"),
        telling=("candidates[].performance", ("candidates[].cost", "candidates[].score")),
    ),
    Signature(
        title="descriptions of LLMs",
        kinds=("object",),
        needed=("*.feature", "*.input_price", "*.output_price"),
        telling=(("*.model", "*.size"),),
        role="companion",
    ),
)

LLMROUTERBENCH: Final = (
    Signature(
        title="results of LLMRouterBench",
        kinds=("object",),
        names=("*-*-*-????????_??????.json",),
        needed=("records[]", "model_name", "dataset_name"),
        telling=(("records[].origin_query", "records[].prompt"), "records[].ground_truth", "records[].score",
                 ("counts", "demo", "split")),
    ),
    Signature(
        title="JSON lines of the Avengers baselines",
        kinds=_RECORDS,
        needed=("query", "dataset", "records: object", ("records.*: number", "records.*: whole number")),
        telling=("index", "usages"),
    ),
)  # fmt: skip

ROUTERBENCH: Final = (
    Signature(
        title="table of RouterBench",
        kinds=_TABLES,
        names=("*routerbench*",),
        needed=("prompt", ("*|model_response", "*|total_cost")),
        telling=("sample_id", "eval_name", "*|total_cost"),
    ),
    Signature(
        title="pickled table of RouterBench",
        kinds=("pickle",),
        names=("*routerbench*",),
        needed=(),
    ),
)

ROUTELLM: Final = (
    Signature(
        title="right and wrong answers of RouteLLM",
        kinds=_TABLES,
        needed=("prompt",),
        telling=(("*-*", "strong"), ("*_response", "*/*", "strong")),
        check=_not_routellm,
    ),
)

EMBEDLLM: Final = (
    Signature(
        title="answers of EmbedLLM",
        kinds=_TABLES,
        needed=("prompt", "model_name", "label", "prompt_id", "category"),
        telling=("model_id", "category_id"),
    ),
)

ROUTEREVAL: Final = (
    Signature(
        title="arrays of RouterEval",
        kinds=("npz",),
        needed=(("train_score", "val_score", "test_score"),),
        telling=(("train_embed", "train_prompt", "val_embed", "val_prompt", "test_embed", "test_prompt"),),
    ),
)

ROUTERARENA: Final = (
    Signature(
        title="cached results of RouterArena",
        kinds=_RECORDS,
        needed=(("global_index", "global index"), "generated_answer"),
        telling=("question", "llm_selected", ("evaluation_result", "success"), ("token_usage", "provider")),
    ),
    Signature(
        title="predictions of a router in RouterArena",
        kinds=_RECORDS,
        needed=(("global index", "global_index"), "prediction"),
        telling=("prompt", ("generated_result", "accuracy"), ("cost", "for_optimality")),
    ),
    Signature(
        title="prices of RouterArena",
        kinds=("object",),
        names=("cost.json", "model_cost.json"),
        needed=("*.input_token_price_per_million", "*.output_token_price_per_million"),
        role="companion",
    ),
    Signature(
        title="queries of RouterArena",
        kinds=_RECORDS,
        needed=(("Global Index", "global index", "global_index"), ("Question", "question")),
        telling=(("Options", "options", "Context"), ("Answer", "answer", "ground_truth")),
        against=("prediction", "generated_answer"),
        role="companion",
    ),
    Signature(
        title="settings of RouterArena",
        kinds=("object",),
        needed=("eval_params.dataset",),
        telling=("eval_params.eval_metrics",),
        role="companion",
    ),
    Signature(
        title="configuration of a router in RouterArena",
        kinds=("object",),
        needed=("pipeline_params.models",),
        telling=("pipeline_params.router_name",),
        role="beside",
    ),
)

ZEROEVAL: Final = (
    Signature(
        title="answers of ZeroEval",
        kinds=_RECORDS,
        needed=("session_id", "output", "generator", "dataset"),
        telling=("chat_history", "model_input", ("configs", "config"), ("question", "answer")),
    ),
)

WILDBENCH: Final = (
    Signature(
        title="judged answers of WildBench",
        kinds=_RECORDS,
        needed=("session_id", "model_output", ("score", "parsed_result")),
        telling=("model_test", "parsed_result", ("meta_data", "eval_prompt", "judge")),
    ),
    Signature(
        title="tasks of WildBench",
        kinds=_RECORDS,
        needed=("session_id", "conversation_input"),
        telling=(("checklist", "primary_tag", "intent"),),
        role="companion",
    ),
)

RELEASE: Final = (
    Signature(
        title="release of this package",
        kinds=("release",),
        needed=("schema_version", "files"),
        telling=("source",),
    ),
)

TABLE: Final = (
    Signature(
        title="table with our own column names",
        kinds=(*_TABLES, *_RECORDS),
        needed=(("prompt", "messages", "source_id"), "llm", ("response", "performance", "judge_score")),
        telling=(
            ("task", "metric", "mode", "replicate", "split", "ground_truth"),
            ("performance", "judge_score", "status"),
            ("input_tokens", "output_tokens", "cost_usd", "latency_s", "response"),
        ),
    ),
)
