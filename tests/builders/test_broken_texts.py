"""Texts with half a surrogate pair, which UTF-8 cannot write: their records are rejected, and cost no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading.json_records import each_record
from llmfusionbench.builders.records import Rejected, Source
from llmfusionbench.builders.sources.arena import Arena
from llmfusionbench.builders.sources.langfuse import Langfuse
from llmfusionbench.builders.sources.litellm import LiteLLM
from llmfusionbench.builders.sources.openai_batch import OpenAIBatch
from llmfusionbench.builders.sources.openrouter import OpenRouter
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write_lines

HALF = "A\ud800"
WHOLE = "A\U0001f600"
"""JSON writes it as the escapes of two halves, too."""


def asked(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def answered(response: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": response}}]}


def spend(number: int, prompt: str, response: str) -> dict[str, Any]:
    said = {"messages": asked(prompt), "response": answered(response)}
    return {"request_id": f"c{number}", "model": "x", "spend": 0.1, "call_type": "acompletion", **said}


def generation(number: int, prompt: str, response: str) -> dict[str, Any]:
    data = {"id": f"c{number}", "model": "x", "usage": 0.1, "tokens_prompt": 3}
    return {"data": data, "request": {"messages": asked(prompt)}, "completion": response}


def observation(number: int, prompt: str, response: str) -> dict[str, Any]:
    said = {"input": asked(prompt), "output": {"role": "assistant", "content": response}}
    return {"id": f"c{number}", "type": "GENERATION", "model": "x", **said}


def result(number: int, prompt: str, response: str) -> dict[str, Any]:
    return {"custom_id": f"c{number}", "response": {"status_code": 200, "body": answered(response) | {"model": "x"}}}


def battle(number: int, prompt: str, *responses: str) -> dict[str, Any]:
    talks = [[*asked(prompt), {"role": "assistant", "content": response}] for response in responses]
    sides = {"model_a": "x", "model_b": "y", "conversation_a": talks[0], "conversation_b": talks[1]}
    return {"question_id": f"q{number}", "winner": "tie", **sides}


@pytest.mark.parametrize(
    ("source", "record"),
    [(LiteLLM(), spend), (OpenRouter(), generation), (Langfuse(), observation), (OpenAIBatch(), result)],
)
def test_a_broken_answer_costs_no_other(source: Source, record: Any, tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [record(i, "Q", text) for i, text in enumerate((WHOLE, HALF, "B"))])
    found = read(source, log)
    assert [row["response"] for row in found.rows] == [WHOLE, "B"]
    assert found.reasons == [("log.jsonl", 1, "response is broken at character 1, expected text that UTF-8 can write")]


@pytest.mark.parametrize(("source", "record"), [(LiteLLM(), spend), (OpenRouter(), generation), (Langfuse(), observation)])
def test_a_broken_prompt_costs_no_other(source: Source, record: Any, tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [record(0, HALF, "A"), record(1, WHOLE, "B")])
    found = read(source, log)
    assert [(row["prompt"], row["response"]) for row in found.rows] == [(WHOLE, "B")]
    assert found.reasons == [("log.jsonl", 0, "prompt is broken at character 1, expected text that UTF-8 can write")]


def test_a_broken_turn_is_named(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": HALF}, *asked("Q")]
    found = read(LiteLLM(), write_lines(tmp_path / "log.jsonl", [spend(0, "Q", "A") | {"messages": turns}, spend(1, "Q", "A")]))
    assert found.reasons == [("log.jsonl", 0, "messages is broken at character 1, expected text that UTF-8 can write")]


def test_requests_without_results_are_checked_too(tmp_path: Path) -> None:
    prompts = (HALF, "Q", WHOLE)
    lines = [{"custom_id": f"c{i}", "body": {"model": "x", "messages": asked(prompt)}} for i, prompt in enumerate(prompts)]
    requests, results = (
        write_lines(tmp_path / "input.jsonl", lines),
        write_lines(tmp_path / "output.jsonl", [result(1, "", "A")]),
    )
    found = read(OpenAIBatch(), requests, results)
    assert [(row["source_id"], row["prompt"], row["status"]) for row in found.rows] == [
        ("c1", "Q", None),
        ("c2", WHOLE, "missing"),
    ]
    assert [row["row"] for row in found.rows] == [0, 2]
    assert found.reasons == [("input.jsonl", 0, "prompt is broken at character 1, expected text that UTF-8 can write")]


@pytest.mark.parametrize("responses", [(HALF, "B"), ("A", HALF), (HALF, HALF)])
def test_a_battle_with_one_broken_answer_is_rejected_once_and_as_a_whole(responses: tuple[str, str], tmp_path: Path) -> None:
    log = write_lines(tmp_path / "battles.jsonl", [battle(0, "Q", *responses), battle(1, "Q", "C", WHOLE)])
    found = read(Arena(), log)
    assert [row["response"] for row in found.rows] == ["C", WHOLE]
    assert found.reasons == [("battles.jsonl", 0, "response is broken at character 1, expected text that UTF-8 can write")]


def test_a_file_with_nothing_but_broken_answers_has_none(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "battles.jsonl", [battle(0, "Q", HALF, "B")])
    with pytest.raises(InputError, match=r"no battle in it \(response is broken at character 1"):
        read(Arena(), log)


def test_a_reader_that_follows_a_record_too_deep_costs_no_other() -> None:
    def depth(value: Any) -> int:
        return 1 + depth(value["a"]) if "a" in value else 0

    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    found = list(each_record([(0, deep), (1, {"a": {}})], "log.jsonl", lambda record: [depth(record)]))
    reason = "the record is nested too deep, expected a record of the format"
    assert found == [Rejected("log.jsonl", 0, reason, {}), (1, 1)]


def test_an_id_that_is_broken_is_named(tmp_path: Path) -> None:
    found = read(
        LiteLLM(), write_lines(tmp_path / "log.jsonl", [spend(0, "Q", "A") | {"request_id": HALF}, spend(1, "Q", "A")])
    )
    assert [row["source_id"] for row in found.rows] == ["c1"]
    assert found.reasons == [("log.jsonl", 0, "source_id is broken at character 1, expected text that UTF-8 can write")]
