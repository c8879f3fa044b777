"""The size of records, by which they are gathered into tables."""

from __future__ import annotations

from llmfusionbench.builders.reading.json_records import characters_in


def test_the_characters_of_a_record_are_those_of_its_texts() -> None:
    turns = [{"role": "user", "content": "Hi."}]
    shares = [{"score": 0.0, "probability": 0.25}, {"score": 1.0, "probability": 0.75}]
    assert characters_in({"prompt": "abc", "choices": ["a", "b"], "messages": turns, "judge_distribution": shares}) == 12
    assert characters_in({"performance": 1.0, "choices": None}) == 0
