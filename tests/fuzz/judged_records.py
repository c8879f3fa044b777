"""Records of judgements, as AlpacaEval, MT-Bench and arenas write them."""

from __future__ import annotations

from typing import Any, Final

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
