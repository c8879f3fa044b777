"""Records of the harnesses' logs as they should be, for the mutations to start from."""

from __future__ import annotations

from typing import Any, Final

LM_EVAL: Final[list[dict[str, Any]]] = [
    {
        "doc_id": i,
        "doc": {"question": f"{i}+1?", "choices": ["1", "2"]},
        "target": "1",
        "arguments": {"gen_args_0": {"arg_0": f"{i}+1?", "arg_1": {"until": ["x"], "temperature": 0.5}}},
        "resps": [["It is 1."]],
        "filtered_resps": ["1"],
        "metrics": ["exact_match"],
        "exact_match": 1.0,
    }
    for i in range(2)
] + [
    {
        "doc_id": 2,
        "doc": {"question": "2+1?", "choices": ["3", "4"]},
        "target": 0,
        "arguments": [["2+1?", " A"], ["2+1?", " B"]],
        "resps": [[["-1.5", "True"]], [["-2.5", "False"]]],
        "filtered_resps": [["-1.5", "True"], ["-2.5", "False"]],
        "acc": 1.0,
        "acc_norm": [1, 0],
    }
]  # fmt: skip
LM_EVAL_RESULTS: Final[dict[str, Any]] = {
    "results": {"sums": {"exact_match,none": 1.0}},
    "configs": {"sums": {"test_split": "test", "metric_list": [{"metric": "exact_match", "higher_is_better": True}]}},
    "config": {"model": "hf", "model_args": "pretrained=lab/tiny", "limit": 2},
    "higher_is_better": {"sums": {"exact_match": True}},
    "date": 1.5,
    "model_name": "lab/tiny",
}
LIGHTEVAL: Final[list[dict[str, Any]]] = [
    {
        "doc": {"query": f"{i}+1?", "choices": ["1"], "gold_index": [0], "id": str(i), "task_name": "sums|0"},
        "model_response": {
            "input": f"{i}+1?",
            "text": ["It is 1."],
            "logprobs": [-1.5],
            "input_tokens": [1, 2],
            "output_tokens": [[3]],
        },
        "metric": {"em": 1.0},
    }
    for i in range(3)
]
LIGHTEVAL_OLD: Final[list[dict[str, Any]]] = [
    {
        "example": f"{i}?",
        "full_prompt": f"{i}+1?",
        "predictions": ["1"],
        "gold": ["1"],
        "choices": ["1"],
        "gold_index": [0],
        "cont_tokens": [[1]],
        "metrics": {"em": 1.0},
    }
    for i in range(3)
]
OPENCOMPASS: Final[list[dict[str, Any]]] = [
    {"origin_prompt": "1+1?", "prediction": "2", "gold": "2"},
    {"origin_prompt": [{"role": "HUMAN", "prompt": "1+2?"}], "prediction": ["3", "4"], "gold": ["3"]},
    {"label: A": {"testing input": "1 a"}, "label: B": {"testing input": "1 b"}, "prediction": "A", "gold": "A"},
    {"prompt": "2?", "choices": ["no", "yes"], "prediction": [0.2, 0.8], "pred_label": 1, "gold": 1},
    {"origin_prompt": ["1?", "2?"], "prediction": ["1", "2"], "gold": ["1", "2"]},
    {
        "origin_prompt": [
            {"role": r, "content": c} for r, c in (("user", "1?"), ("assistant", ""), ("user", "2?"), ("bot", ""))
        ],
        "prediction": ["1", {"prediction": "2", "reasoning_content": "so"}],
        "res_length": [1, 2],
    },
    {"origin_prompt": "1+3?", "prediction": "4", "reasoning_content": "so", "res_length": 1, "inference_error": "no"},
]
OPENCOMPASS_RESULTS: Final[list[dict[str, Any]]] = [
    {"accuracy": 50.0, "details": {"type": "GEN", "0": {"correct": True}, "1": {"correct": [True, False]}}},
    {"accuracy (2 runs average)": 50.0, "details": [{"example_abbr": f"s_{i}", "correct": [True, False]} for i in range(3)]},
    {
        "G-Pass@2_0.0": 50.0,
        "details": [
            {"predictions": [{"prediction": t, "label": True} for t in ("3", "4")], "G-Pass@2_0.0": 1.0, "idx": i}
            for i in range(4)
        ],
    },
    {"n": 1, "details": [{"predictions": [{"pred": "2", "correct": True}] * 2, "example_abbr": f"s_{i}"} for i in range(3)]},
    {"n": 1, "details": [{"predictions": [{"pred": "2", "correct": True}] * 2, "example_abbr": f"s_{i}"} for i in range(7)]},
    {"accuracy": 50.0, "details": [{"example_abbr": "s_0", "origin_prompt": [], "prediction": ["A"], "gold": ["1"]}]},
]
PROMPTFOO: Final[list[dict[str, Any]]] = [
    {
        "promptIdx": 0,
        "testIdx": i,
        "provider": {"id": "openai:gpt-x", "label": "x"},
        "prompt": {"raw": f"{i}+1?"},
        "vars": {"q": "1"},
        "testCase": {"assert": [{"type": "equals", "value": "1"}]},
        "response": {"output": "1", "tokenUsage": {"prompt": 1, "completion": 2}, "cached": False},
        "success": True,
        "score": 1,
        "latencyMs": 7,
        "cost": 0.1,
        "failureReason": 0,
        "gradingResult": {"score": 1, "componentResults": [{"score": 0.5, "assertion": {"type": "llm-rubric"}}]},
    }
    for i in range(3)
]
PROMPTFOO_TABLE: Final[dict[str, Any]] = {
    "head": {"prompts": [{"raw": "1?", "provider": "openai:x"}], "vars": ["q"]},
    "body": [{"outputs": [{"text": "1", "prompt": "1?", "pass": True, "score": 1}], "vars": ["1"], "test": {}}],
}
