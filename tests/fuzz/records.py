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
OUTPUTS: Final[list[dict[str, Any]]] = [
    {"instruction": f"{i}?", "dataset": "sums", "output": "An answer.", "generator": "tiny"} for i in range(3)
]
ANNOTATIONS: Final[list[dict[str, Any]]] = [
    {
        "instruction": f"{i}?",
        "output_1": "Old.",
        "generator_1": "old",
        "output_2": "New.",
        "generator_2": "tiny",
        "annotator": "gpt",
        "preference": preference,
        "raw_completion": {"text": "M", "logprobs": {"content": []}},
        "is_switched_outputs": True,
    }
    for i, preference in enumerate((1, 2, 1.25, 0, None))
]
QUESTIONS: Final[list[dict[str, Any]]] = [
    {"question_id": i, "category": "math", "turns": [f"{i}+1?", "Why?"], "reference": ["1", ""]} for i in range(3)
]
CHOICES: Final[list[dict[str, Any]]] = [
    {
        "question_id": i,
        "model_id": "tiny",
        "choices": [{"index": 0, "turns": ["1", "So."]}, {"index": 1, "turns": ["2", "$ERROR$"]}],
        "tstamp": 1.7e9,
    }
    for i in range(3)
]
SINGLES: Final[list[dict[str, Any]]] = [
    {
        "question_id": i,
        "model": "tiny",
        "judge": ["big", "single-v1"],
        "judgment": "Good.",
        "score": 7 + i,
        "turn": 1 + i % 2,
        "tstamp": 1.7e9,
    }
    for i in range(3)
]
PAIRS: Final[list[dict[str, Any]]] = [
    {
        "question_id": i,
        "model_1": "tiny",
        "model_2": "big_think",
        "g1_winner": "model_1",
        "g2_winner": "tie",
        "judge": ["big", "pair-v2"],
        "g1_judgment": "A",
        "g2_judgment": "C",
        "turn": 2,
    }
    for i in range(3)
]
BATTLES: Final[list[dict[str, Any]]] = [
    {
        "question_id": f"b{i}",
        "model_a": "tiny",
        "model_b": "big_think",
        "winner": winner,
        "judge": "user_1",
        "conversation_a": [{"role": "user", "content": f"{i % 2}?"}, {"role": "assistant", "content": "a"}],
        "conversation_b": [{"role": "user", "content": f"{i % 2}?"}, {"role": "assistant", "content": "b"}],
        "turn": 1,
        "anony": True,
        "tstamp": 1.7e9,
    }
    for i, winner in enumerate(("model_a", "model_b", "tie", "tie (bothbad)"))
]
VOTES: Final[list[dict[str, Any]]] = [
    {
        "id": str(i),
        "model_a": "tiny",
        "model_b": "big",
        "prompt": '["1?"]',
        "response_a": '["a"]',
        "response_b": '["b"]',
        "winner_model_a": str(i % 2),
        "winner_model_b": str(1 - i % 2),
        "winner_tie": "0",
    }
    for i in range(3)
]
MAPPING: Final[dict[str, Any]] = {
    "map": {"prompt": "prompt", "llm": "llm", "task": "=sums"},
    "wide": {},
    "llms": ["tiny"],
    "split": "train",
}
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
