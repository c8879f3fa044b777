"""Records of API clients, of Every Eval Ever and of RouterArena."""

from __future__ import annotations

from typing import Any, Final

ASKED: Final[list[dict[str, Any]]] = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Name one."}]
COMPLETION: Final[dict[str, Any]] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_767_225_600,
    "model": "tiny-2025",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Blue.", "reasoning_content": "Hm.", "refusal": None},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 4, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}},
}
ANSWERED: Final[dict[str, Any]] = {
    "object": "response",
    "model": "tiny-2025",
    "status": "completed",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Blue."}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 4, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}},
}
REQUESTS: Final[list[dict[str, Any]]] = [
    {
        "custom_id": f"q{i}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "tiny", "messages": ASKED, "seed": i},
    }
    for i in range(3)
]
RESULTS: Final[list[dict[str, Any]]] = [
    {"id": "r0", "custom_id": "q0", "response": {"status_code": 200, "body": COMPLETION}, "error": None},
    {"id": "r1", "custom_id": "q1", "response": {"status_code": 200, "body": ANSWERED}, "error": None},
    {"id": "r2", "custom_id": "q2", "response": None, "error": {"code": "batch_expired", "message": "Over."}},
    {
        "custom_id": "q1",
        "result": {"type": "succeeded", "message": {"content": [{"type": "text", "text": "Red."}], "model": "c"}},
    },
]
SPEND: Final[list[dict[str, Any]]] = [
    {
        "request_id": f"c{i}",
        "call_type": "acompletion",
        "spend": 0.5,
        "prompt_tokens": 4,
        "completion_tokens": 5,
        "startTime": "2026-01-01T00:00:00",
        "endTime": "2026-01-01T00:00:02",
        "model": "tiny",
        "model_group": "small",
        "status": ("success", "failure")[i == 2],
        "messages": ASKED,
        "response": COMPLETION,
        "cache_hit": "False",
        "metadata": {"error_information": {"error_message": "Slow down."}},
    }
    for i in range(3)
]
GENERATIONS: Final[list[dict[str, Any]]] = [
    {
        "id": f"o{i}",
        "traceId": "t",
        "type": "GENERATION",
        "startTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T00:00:01Z",
        "model": "tiny",
        "modelParameters": {"temperature": "0.5"},
        "input": ASKED,
        "output": {"role": "assistant", "content": f"Blue {i}."},
        "usageDetails": {"input": 4, "output": 5, "input_cached_tokens": 1},
        "costDetails": {"total": 0.5},
        "level": "DEFAULT",
        "scores": [{"name": "helpful", "value": 0.5, "source": "EVAL", "traceId": "t"}],
    }
    for i in range(3)
]
TRACES: Final[list[dict[str, Any]]] = [{"id": f"t{i}", "name": "colours", "observations": GENERATIONS[i:]} for i in range(2)]
ROUTED: Final[list[dict[str, Any]]] = [
    {
        "id": f"gen-{i}",
        "model": "lab/tiny",
        "provider_name": "Host",
        "native_tokens_prompt": 4,
        "native_tokens_completion": 5,
        "total_cost": 0.5,
        "latency": 900,
        "created_at": "2026-01-01T00:00:00+00:00",
        "finish_reason": "stop",
        "cancelled": False,
        "prompt": "Name one.",
        "completion": f"Blue {i}.",
    }
    for i in range(3)
]
SAMPLES: Final[list[dict[str, Any]]] = [
    {
        "schema_version": "0.3.0",
        "evaluation_id": "sums/tiny/1",
        "model_id": "lab/tiny",
        "evaluation_name": "sums",
        "evaluation_result_id": ("sums/a", "sums/b")[i % 2],
        "sample_id": f"s{i}",
        "interaction_type": "single_turn",
        "input": {"raw": f"Add {i}.", "formatted": None, "reference": ["1"], "choices": ["1", "2"]},
        "output": {"raw": ["1"], "reasoning_trace": ["So."]},
        "messages": [{"turn_idx": 0, "role": "user", "content": "Add."}, {"turn_idx": 1, "role": "assistant", "content": "1"}]
        if i == 2
        else None,
        "answer_attribution": [],
        "evaluation": {"score": 1.0, "is_correct": True},
        "token_usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4, "input_tokens_cache_read": 0},
        "performance": {"latency_ms": 2.5},
        "error": None,
        "metadata": {"llmfusionbench.mode": "direct", "llmfusionbench.turns": "1", "llmfusionbench.cost_usd": "0.5"},
    }
    for i in range(3)
]
AGGREGATE: Final[dict[str, Any]] = {
    "schema_version": "0.3.0",
    "evaluation_id": "sums/tiny/1",
    "evaluation_timestamp": "1750000000",
    "model_info": {"id": "lab/tiny", "inference_platform": "cloud", "additional_details": {"llmfusionbench.input_price": "1"}},
    "evaluation_results": [
        {
            "evaluation_result_id": f"sums/{name}",
            "evaluation_name": "sums",
            "source_data": {"dataset_name": "sums", "hf_split": "test"},
            "metric_config": {"metric_id": name, "lower_is_better": False, "min_score": 0, "max_score": 100},
            "score_details": {"score": 50},
            "generation_config": {"generation_args": {"temperature": 0.5}},
        }
        for name in ("a", "b")
    ],
    "detailed_evaluation_results": {"file_path": "data/tiny_samples.jsonl", "total_rows": 3},
}
CACHED: Final[list[dict[str, Any]]] = [
    {
        "global_index": f"Sums_{i}",
        "question": f"Do.\n\nContext: None\n\nQuestion: {i}?\n\nOptions: \nA. 1\nB. 2\n\n\nProvide the letter.",
        "llm_selected": "lab/tiny",
        "generated_answer": "A",
        "token_usage": {"input_tokens": 3, "output_tokens": 1, "total_tokens": 4},
        "success": True,
        "provider": "lab",
        "error": None,
        "evaluation_result": {"ground_truth": "1", "score": 1.0, "metric": "mcq_accuracy", "inference_cost": 0.1},
    }
    for i in range(3)
]
CHOSEN: Final[list[dict[str, Any]]] = [
    {
        "global index": f"Sums_{i}",
        "prompt": f"{i}?",
        "prediction": "tiny",
        "generated_result": {"generated_answer": "A", "success": True, "token_usage": {"input_tokens": 3}},
        "cost": 0.1,
        "accuracy": 1.0,
        "for_optimality": False,
    }
    for i in range(3)
]
ARENA_FILES: Final[dict[str, Any]] = {
    "cost.json": {"lab/tiny": {"input_token_price_per_million": 1, "output_token_price_per_million": 2.0}},
    "Sums.json": {"eval_params": {"dataset": "Sums", "eval_metrics": ["math_metric"], "prompt": "{Question}"}},
    "data.json": [{"global index": "Sums_1", "prompt_formatted": "1?", "Answer": "1", "Options": ["1", "2"], "Domain": "x"}],
    "mine.json": {"pipeline_params": {"router_name": "mine", "models": ["tiny"]}},
}

RUN_RECORD: Final = {
    "format": 1, "tool": {"name": "llmfusionbench", "version": "0"}, "created_at": "2026-03-01T00:00:00Z",
    "changed_at": "2026-03-01T00:00:00Z", "tasks": {"sums": {"seed": 0, "queries": 2}}, "replicates": 2,
    "llms": [
        {
            "name": "tiny", "address": "http://127.0.0.1:9/v1", "whole_url": True,
            "endpoint": {
                "model": "tiny-1", "about": {"family": "t", "parameters_b": 1.5},
                "prices": [{"input_price": 1.0, "output_price": 2.0, "since": "2026-01-01"}],
            },
            "modes": {"direct": {"model": "tiny-1", "max_tokens": 9}, "think": {"model": "tiny-1", "max_tokens": 9}},
        },
    ],
}  # fmt: skip

RUN_QUERIES: Final = [
    {
        "query_id": f"q{i}", "task": "sums", "domain": "math", "split": "train", "source_id": f"s{i}", "metric": "em",
        "ground_truth": str(2 * i), "license": None, "choices": None, "settings": {},
        "prompts": {
            "direct": [{"role": "user", "content": f"{i}+{i}?"}],
            "think": [{"role": "user", "content": f"{i}+{i}? Think."}],
        },
    }
    for i in (1, 2)
]  # fmt: skip

JOURNAL_LINES: Final = [
    {"kind": "sent", "key": "0" * 32, "llm": "tiny", "attempt": 1, "worst_usd": 0.1},
    *(
        {
            "kind": "attempt", "key": f"{i}" * 32, "llm": "tiny", "attempt": 1, "final": True, "status": status,
            "finish_reason": "stop", "cost_usd": 0.25, "at": "2026-03-01T00:00:00.000+00:00",
            "slot": [f"q{i}", "tiny", mode, "0"], "replicate": 0, "requested_model": "tiny-1",
            "settings": {"max_tokens": 9, "temperature": 0.5}, "http_status": 200, "served_model": "tiny-1",
            "input_tokens": 5, "output_tokens": 3, "reasoning_tokens": None, "cached_tokens": 0, "latency_s": 0.5,
            "error": "busy" if status == "error" else None, "reasoning": None, "response": str(2 * i), "crc": "00000000",
        }
        for i in (1, 2)
        for status, mode in (("ok", "direct"), ("empty", "think"), ("error", "direct"))
    ),
    {"kind": "use", "key": "1" * 32, "slot": ["q2", "tiny", "direct", "1"]},
    {"kind": "batch", "batch": "b", "llm": "tiny", "state": "submitted", "at": "2026-03-01T00:00:00Z"},
]  # fmt: skip
