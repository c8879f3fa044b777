"""Records of every source as they should be, for the mutations to start from."""

from __future__ import annotations

from typing import Any, Final

TABLE: Final[list[dict[str, Any]]] = [
    {
        "prompt": f"{i}+1?",
        "task": "sums",
        "llm": llm,
        "response": str(i + 1),
        "performance": 1.0,
        "ground_truth": str(i + 1),
        "choices": ["a", "b"],
        "input_tokens": 5,
        "cost_usd": 0.1,
        "judge": "j",
        "judge_score": 0.5,
        "split": "train",
    }
    for i in range(2)
    for llm in ("tiny", "big_think")
]
FUSION: Final[list[dict[str, Any]]] = [
    {
        "task_name": "sums",
        "task_id": str(i),
        "task_description": "Add.",
        "task_description_embedding": "tensor([[0.1, 0.2]])",
        "query": f"{i}+1?",
        "query_embedding": "tensor([[0.1, 0.2]])",
        "ground_truth": "['2', '3']",
        "metric": "em",
        "llm": llm,
        "input_price": "0.5",
        "output_price": "1",
        "input_tokens_num": "5",
        "output_tokens_num": "7",
        "performance": "{'pass@1': 1.0}",
        "cost": "3.5",
        "response": "It is \\frac{1}{2}.",
        "llm_description": "Small.",
    }
    for i in range(2)
    for llm in ("tiny", "tiny_think")
]
WIDE: Final[list[dict[str, Any]]] = [
    {
        "sample_id": f"s.{i}",
        "prompt": f"['{i}+1?']",
        "eval_name": "sums",
        "tiny": 1.0,
        "big": 0.25,
        "tiny|model_response": "['1']",
        "big|model_response": "['a', 'b']",
        "tiny|total_cost": 1e-5,
        "big|total_cost": 2e-5,
    }
    for i in range(3)
]
EMBED: Final[list[dict[str, Any]]] = [
    {
        "prompt_id": str(i),
        "model_id": "1",
        "category_id": "1",
        "label": "1",
        "model_name": "tiny",
        "category": "c",
        "prompt": f"{i}?",
    }
    for i in range(3)
]
ROUTE: Final[list[dict[str, Any]]] = [
    {"prompt": f"{i}?", "weak": "True", "strong": "0", "weak_response": "x"} for i in range(3)
]
LLMROUTER: Final[list[dict[str, Any]]] = [
    {
        "task_name": "sums",
        "task_id": 1,
        "query": "1+1?",
        "ground_truth": "2",
        "metric": "em",
        "choices": {"text": ["a"], "label": ["A"]},
        "model_name": "tiny",
        "response": "2",
        "token_num": 4,
        "input_tokens": 1,
        "output_tokens": 3,
        "performance": 1.0,
        "response_time": 0.5,
        "cost": 0.1,
    },
    {"task_name": "sums", "query": "1+1?", "ground_truth": "2"},
    {"task_name": "sums", "query": "1+2?", "gt": ["2"], "model_name": "big", "response": None, "performance": None},
]
SCORES: Final[list[dict[str, Any]]] = [
    {"question": f"1+{i}?", "scores": {"tiny": 1.0, "big": 0.0}, "task_name": "sums"} for i in range(3)
]
CANDIDATES: Final[list[dict[str, Any]]] = [
    {
        "query": f"1+{i}?",
        "task_name": "sums",
        "cost_unit": "USD",
        "candidates": [
            {"candidate_name": "tiny", "performance": 1.0, "cost": 0.1},
            {"candidate_name": "big_think", "performance": 0.5, "cost": 1},
        ],
    }
    for i in range(2)
]
DESCRIBED: Final[dict[str, Any]] = {
    "tiny": {"feature": "Small.", "size": "7B", "input_price": 0.1, "output_price": 0.2, "model": "lab/tiny"},
    "big": {"feature": "Large.", "size": "70B", "input_price": 1, "output_price": 2},
}
BENCH: Final[list[dict[str, Any]]] = [
    {
        "index": i,
        "origin_query": f"{i}?",
        "prompt": f"Say {i}?",
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "cost": 0.1,
        "score": 1.0,
        "ground_truth": "4",
        "raw_output": "4",
    }
    for i in range(3)
]
AVENGERS: Final[list[dict[str, Any]]] = [
    {"dataset": "sums", "index": i, "query": f"{i}?", "records": {"tiny": 1.0, "big": 0}, "usages": {"tiny": {"cost": 0.1}}}
    for i in range(3)
]
ZERO: Final[list[dict[str, Any]]] = [
    {
        "session_id": f"o-{i}",
        "chat_history": [f"Add {i}."],
        "output": ["1"],
        "generator": "lab/tiny",
        "dataset": "gsm",
        "answer": "# 1",
    }
    for i in range(3)
]
WILD: Final[list[dict[str, Any]]] = [
    {
        "session_id": f"s{i}",
        "parsed_result": {"strengths": "Short.", "weaknesses": ["Wrong."]},
        "model_test": "lab/tiny",
        "score": "7",
        "model_output": "An answer.",
    }
    for i in range(3)
]
TASKS: Final[list[dict[str, Any]]] = [
    {"session_id": f"s{i}", "conversation_input": [{"role": "user", "content": f"{i}?"}]} for i in range(3)
]
MAPPING: Final[dict[str, Any]] = {
    "map": {"prompt": "prompt", "llm": "llm", "task": "=sums"},
    "wide": {},
    "llms": ["tiny"],
    "split": "train",
}
