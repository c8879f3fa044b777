"""What other tools call our columns: patterns of names, the best first, by which a mapping is proposed."""

from __future__ import annotations

import re
from typing import Final

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "prompt": (
        "prompt", "question", "query", "q", "instruction", "problem", "user_prompt", "input_prompt", "prompt_text",
        "question_text", "user_message", "user_input", "request_text", r"input\.raw",
        r"doc\.(?:question|problem|query|prompt)", r"(?:.*\.)?gen_args_0\.arg_0", "input", "inputs", "request",
        "full_prompt", r"vars\.(?:question|query|prompt|input)", r"input\.formatted", r"prompt\.raw",
        r"(?:.*\.)?(?:question|prompt|query|instruction)",
    ),
    "messages": ("messages", r"(?:.*\.)?messages", "chat_history", "conversation", "input", "prompt", r"(?:.*\.)?input"),
    "llm": (
        "llm", "model", "model_name", "llm_name", "model_id", "llm_selected", "generator", "candidate", "candidate_name",
        "selected_model", "served_model", "engine", "deployment", r"(?:response\.)?body\.model", r"response\.model",
        r"(?:model|llm)_?info\.(?:id|name)", r"(?:model|llm)\.(?:id|name)", r"provider\.id",
        r"(?:.*\.)?model(?:_name|_id)?",
    ),
    "response": (
        "response", "model_response", "llm_response", "completion", "model_output", "generated_answer", "generated_text",
        "generation", "output", "outputs", "reply", "prediction", "model_answer", "response_text", "output_text",
        "answer_text", "llm_answer", "resp", "resps", r"(?:.*\.)?choices\.message\.content", r"(?:.*\.)?choices\.text",
        r"choices\.turns", r"output\.raw", r"output\.completion", r"response\.(?:output|text|content|answer)",
        r"message\.content", "content", "answer", r"model_response\.text", "text",
    ),
    "ground_truth": (
        "ground_truth", "truth", "reference_answer", "gold_answer", "correct_answer", "expected_answer", "reference",
        "target", "gold", "expected", "expected_output", "ideal", r"input\.reference", "label", "answer",
        "references", "targets", r"(?:.*\.)?ground_truth", r"doc\.(?:answer|gold)", "gt", "answers", "answer_index",
        "correct_index", "gold_index", r"doc\.gold_index",
    ),
    "choices": ("choices", "options", r"doc\.choices"),
    "performance": (
        "performance", "score", "accuracy", "acc", "correct", "is_correct", "exact_match", "em", "f1", "f1_score", "passed",
        "pass", "grade", "reward", "correctness", "evaluation_score", "eval_score", r"evaluation(?:_result)?\.score",
        r"scores?\.\w{1,40}", r"(?:.*\.)?(?:score|accuracy|is_correct)", "rating", "success_score", "right",
        r"metrics?\.\w{1,40}", "result", "verdict", "label",
    ),
    "judge": ("judge", "annotator", "evaluator", "judge_model", "grader"),
    "status": ("status", "outcome", "state"),
    "error": (
        "error", "error_message", "error_msg", "exception", "failure_reason", r"error\.message", r"(?:.*\.)?error\.message",
    ),
    "finish_reason": ("finish_reason", "stop_reason", r"(?:.*\.)?(?:finish_reason|stop_reason)"),
    "reasoning": (
        "reasoning", "reasoning_content", "thinking", "reasoning_trace", "thoughts", "chain_of_thought",
        r"(?:.*\.)?(?:reasoning_content|reasoning_trace|message\.reasoning)",
    ),
    "input_tokens": (
        "input_tokens", "prompt_tokens", "tokens_in", "tokens_prompt", "native_tokens_prompt", "input_token_count",
        "prompt_token_count", "n_input_tokens", "num_input_tokens", "input_tokens_num", "in_tokens",
        r"(?:.*\.)?(?:prompt_tokens|input_tokens)",
    ),
    "output_tokens": (
        "output_tokens", "completion_tokens", "tokens_out", "tokens_completion", "native_tokens_completion",
        "output_token_count", "completion_token_count", "n_output_tokens", "num_output_tokens", "output_tokens_num",
        "out_tokens", "generated_tokens", "response_tokens", r"(?:.*\.)?(?:completion_tokens|output_tokens)",
    ),
    "reasoning_tokens": ("reasoning_tokens", "native_tokens_reasoning", r"(?:.*\.)?reasoning_tokens"),
    "cached_tokens": ("cached_tokens", "cache_read_tokens", r"(?:.*\.)?(?:cached_tokens|input_tokens_cache_read)"),
    "cost_usd": (
        "cost_usd", "cost", "total_cost", "spend", "usd", "price_usd", "response_cost", "inference_cost", "total_cost_usd",
        "cost_total", r"(?:.*\.)?(?:inference_cost|total_cost|cost_usd|cost)",
    ),
    "latency_s": (
        "latency_s", "latency", "latency_ms", "latency_seconds", "duration_s", "duration", "duration_ms", "elapsed",
        "elapsed_s", "elapsed_ms", "response_time", "response_time_ms", "time_taken", "generation_time", "took", "took_ms",
        "request_time", "time_s", "time_ms", "seconds",
        r"(?:.*\.)?(?:latency_ms|latency_s|latency|duration_ms|duration_s|request_time)",
    ),
    "created_at": (
        "created_at", "created", "timestamp", "tstamp", "start_time", "time", "date", "datetime",
        r"(?:.*\.)?(?:created|created_at)",
    ),
    "task": (
        "task", "task_name", "dataset", "dataset_name", "benchmark", "eval_name", "evaluation_name", "data_source",
        "subset", r"doc\.task_name", "category", "subject", "domain",
    ),
    "source_id": (
        "question_id", "query_id", "sample_id", "doc_id", "prompt_id", "item_id", "example_id", "problem_id", "task_id",
        "instance_id", "global_index", "custom_id", "qid", "uid", "id", "idx", "index", r"doc\.id",
    ),
    "split": ("split", r"(?:.*\.)?split"),
    "metric": ("metric", "metric_name", r"evaluation_result\.metric"),
    "replicate": ("replicate", "epoch", "repeat", "repetition", "trial", "sample_index", "run"),
    "requested_model": ("requested_model", "model_requested", "model_group"),
    "served_model": ("served_model", "model_served", "response_model", r"response\.body\.model"),
}  # fmt: skip
"""Our column -> patterns of a path in small letters without the numbers of items, in the order in which they are tried."""

LIKE_AN_LLM: Final = re.compile(r"(?=[^0-9]{0,80}[0-9])(?=[^A-Za-z]{0,80}[A-Za-z])(?=[^/.-]{0,80}[/.-]).{4,200}|weak|strong")
"""A column that is called like an LLM: with letters, a digit, and a mark between."""
PASS_WORDS: Final = ("correct", "true", "pass", "passed", "right", "yes", "success", "c")
FAIL_WORDS: Final = ("incorrect", "false", "fail", "failed", "wrong", "no", "failure", "i")
STATUS_WORDS: Final = {
    "ok": ("ok", "success", "succeeded", "successful", "completed", "complete", "done", "finished", "200"),
    "error": ("error", "failure", "failed", "fail", "timeout", "exception", "cancelled", "canceled", "expired"),
    "empty": ("empty",),
    "missing": ("missing", "skipped", "pending"),
}
"""Our status -> words of other tools."""
SPLIT_WORDS: Final = {
    "train": ("train", "training"), "test": ("test", "testing"),
    "partial_test": ("partial_test", "valid", "validation", "val", "dev"),
}  # fmt: skip
"""Our split -> words of other tools."""
