"""Records of logs of Inspect and of runs of HELM as they should be, for the mutations to start from."""

from __future__ import annotations

from typing import Any, Final

INSPECT_HEADER: Final[dict[str, Any]] = {
    "version": 2,
    "status": "success",
    "eval": {
        "task": "pack/sums",
        "task_id": "t1",
        "created": "2026-01-01T00:00:00+00:00",
        "model": "openai/tiny",
        "model_generate_config": {"temperature": 0.5},
        "model_roles": {"grader": {"model": "openai/big"}},
        "dataset": {"name": "sums", "sample_ids": [0, 1, 2]},
        "config": {"epochs": 1},
        "scorers": [{"name": "model_graded_qa", "options": {"model": ["openai/big"]}}, {"name": "choice"}],
    },
    "plan": {"config": {"max_tokens": 9}},
    "results": {"total_samples": 3, "scores": [{"name": "choice", "scorer": "choice"}]},
}
INSPECT_SAMPLES: Final[list[dict[str, Any]]] = [
    {
        "id": i,
        "epoch": 1,
        "input": f"{i}+1?" if i else [{"role": "user", "content": "0+1?"}],
        "choices": ["1", "2", "3"],
        "target": ["A", "B"][: i + 1],
        "messages": [
            {"role": "system", "content": "Add."},
            {"role": "user", "content": [{"type": "text", "text": "attachment://a"}, {"type": "image", "image": "x"}]},
            {
                "role": "assistant",
                "source": "generate",
                "content": [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "A"}],
                "tool_calls": [{"function": "add", "arguments": {"a": i}}],
            },
        ],
        "output": {
            "model": "tiny-1",
            "choices": [
                {
                    "message": {"role": "assistant", "content": [{"type": "text", "text": "A"}]},
                    "stop_reason": "stop",
                }
            ],
            "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
            "time": 0.5,
        },
        "scores": {"model_graded_qa": {"value": "C", "explanation": "Right."}, "choice": {"value": {"a": 1, "b": "I"}}},
        "model_usage": {
            "openai/tiny": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 9, "input_tokens_cache_read": 2}
        },
        "working_time": 0.75,
        "limit": {"type": "token", "limit": 5} if i == 2 else None,
        "error": {"message": "broken", "traceback": "..."} if i == 1 else None,
        "attachments": {"a": f"{i}+1?"},
    }
    for i in range(3)
]
HELM_SPEC: Final[dict[str, Any]] = {
    "name": "sums:model=lab_tiny",
    "adapter_spec": {"method": "multiple_choice_joint", "model": "lab/tiny", "model_deployment": "host/tiny"},
    "groups": ["sums"],
}
HELM_REQUESTS: Final[list[dict[str, Any]]] = [
    {
        "instance": {
            "id": f"id{i}",
            "split": "valid",
            "input": {"text": f"{i}+1?"},
            "references": [{"output": {"text": str(k)}, "tags": ["correct"] * (k == i + 1)} for k in range(1, 4)],
        },
        "train_trial_index": 0,
        "output_mapping": {"A": "1", "B": "2", "C": "3"},
        "request": {"model": "lab/tiny", "prompt": f"Add. {i}+1?", "temperature": 0.0, "max_tokens": 1},
        "result": {
            "success": i != 2,
            "error": "broken" if i == 2 else None,
            "completions": [{"text": " A", "logprob": -1.0, "tokens": [{"text": " A", "logprob": -1.0}]}],
            "request_time": 0.5,
            "request_datetime": 1700000000,
        },
    }
    for i in range(3)
]
HELM_STATS: Final[list[dict[str, Any]]] = [
    {
        "instance_id": f"id{i}",
        "train_trial_index": 0,
        "stats": [
            {"name": {"name": "exact_match", "split": "valid"}, "count": 1, "sum": float(i == 0)},
            {"name": {"name": "num_prompt_tokens"}, "count": 1, "sum": 7},
            {"name": {"name": "predicted_index"}, "count": 1, "sum": 0},
        ],
    }
    for i in range(3)
]
