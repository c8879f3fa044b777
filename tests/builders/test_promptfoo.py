"""promptfoo's results in JSON and JSON lines, of all versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.promptfoo import Promptfoo
from llmfusionbench.errors import InputError
from tests.helpers.reading import Read, read, real_logs, write_json, write_lines


def result(i: int = 0, output: Any = "It is 3.", **more: Any) -> dict[str, Any]:
    return {
        "promptIdx": 0,
        "testIdx": i,
        "provider": {"id": "openai:chat:gpt-x", "label": ""},
        "prompt": {"raw": f"Say {i}+1", "label": "p"},
        "vars": {"question": f"{i}+1?"},
        "response": {"output": output, "tokenUsage": {"total": 12, "prompt": 9, "completion": 3}, "finishReason": "stop"},
        "success": True,
        "score": 1,
        "latencyMs": 700,
        "cost": 0.001,
        "gradingResult": {"pass": True, "score": 1, "reason": "ok"},
        "failureReason": 0,
        **more,
    }


def summary(*results: Any, version: int = 3, **more: Any) -> dict[str, Any]:
    inner = {"version": version, "timestamp": "2026-02-03T04:05:06.000Z", "results": list(results), **more}
    return {"evalId": "eval-1", "results": inner, "config": {"env": {"OPENAI_API_KEY": "sk-none"}}, "shareableUrl": None}


def read_one(tmp_path: Path, *results: Any, **options: Any) -> Read:
    return read(Promptfoo(**options), write_json(tmp_path / "greetings.json", summary(*results)))


def test_results(tmp_path: Path) -> None:
    found = read_one(tmp_path, result(), result(1, "No.", success=False, score=0.25))
    assert [(r["task"], r["source_id"], r["llm"], r["prompt"], r["response"], r["performance"]) for r in found.rows] == [
        ("greetings", "0", "gpt-x", "Say 0+1", "It is 3.", 1.0),
        ("greetings", "1", "gpt-x", "Say 1+1", "No.", 0.25),
    ]
    row = found.rows[0]
    assert (row["input_tokens"], row["output_tokens"], row["cost_usd"], row["latency_s"]) == (9, 3, 0.001, 0.7)
    assert (row["requested_model"], row["endpoint"], row["metric"], row["finish_reason"]) == (
        "gpt-x",
        "openai",
        "promptfoo",
        "stop",
    )
    assert row["created_at"] == "2026-02-03T04:05:06.000Z"
    assert found.rejected == []
    assert "sk-none" not in json.dumps(found.rows)


@pytest.mark.parametrize(
    ("provider", "llm"),
    [
        ({"id": "openai:gpt-x"}, "gpt-x"),
        ({"id": "openai:gpt-x", "label": "openai:gpt-x"}, "gpt-x"),
        ({"id": "openai:gpt-x", "label": "cold gpt-x"}, "cold gpt-x"),
        ({"id": "openrouter:lab/tiny"}, "lab/tiny"),
        ({"id": "ollama:chat:tiny:8b"}, "tiny:8b"),
        ({"id": "ollama:tiny:8b"}, "tiny:8b"),
        ({"id": "anthropic:messages:big-1"}, "big-1"),
        ({"id": "huggingface:text-generation:lab/tiny"}, "lab/tiny"),
        ({"id": "file://providers/mine.py"}, "mine.py"),
        ("https://host-a/v1/chat/completions", "host-a"),
        ("https://me:secret@host-b:8000/team/v1?key=abc", "host-b:8000/team"),
        ({"id": "file://providers/mine.py", "label": "mine"}, "mine"),
        ({"id": "echo"}, "echo"),
        ("openai:gpt-x", "gpt-x"),
    ],
)
def test_providers(tmp_path: Path, provider: Any, llm: str) -> None:
    assert read_one(tmp_path, result(provider=provider)).column("llm") == [llm]


def test_a_call_that_failed(tmp_path: Path) -> None:
    failed = result(response={"error": "429"}, success=False, score=0, error="API error: 429", failureReason=2)
    found = read_one(tmp_path, failed)
    assert found.normal_table.select(["status", "error", "response", "performance"]).to_pylist() == [
        {"status": "error", "error": "429", "response": None, "performance": None}
    ]


def test_an_answer_that_failed_its_test_is_not_an_error(tmp_path: Path) -> None:
    wrong = result(success=False, score=0, error='Expected output to contain "4"', failureReason=1)
    older = result(1, success=False, score=0, error='Expected output to contain "4"')
    del older["failureReason"]
    found = read_one(tmp_path, wrong, older)
    assert [(r["status"], r["error"], r["performance"]) for r in found.rows] == [(None, None, 0.0), (None, None, 0.0)]


def test_an_answer_from_the_cache_states_no_cost_and_no_latency(tmp_path: Path) -> None:
    said = {"output": "3", "cached": True, "tokenUsage": {"cached": 12, "total": 12}}
    row = read_one(tmp_path, result(response=said, cost=0)).rows[0]
    assert [row[name] for name in ("cost_usd", "latency_s", "input_tokens", "output_tokens", "cached_tokens")] == [None] * 5


def test_an_answer_without_assertions_has_no_score(tmp_path: Path) -> None:
    graded = {"pass": True, "score": 1, "reason": "No assertions"}
    assert read_one(tmp_path, result(gradingResult=graded)).column("performance") == [None]


def test_the_verdicts_of_judges(tmp_path: Path) -> None:
    parts = [
        {"pass": True, "score": 1, "reason": "ok", "assertion": {"type": "contains", "value": "3"}},
        {"pass": False, "score": 0.5, "reason": "Curt.", "assertion": {"type": "llm-rubric", "value": "Be kind."}},
        {"pass": True, "score": 1, "reason": "Apt.", "assertion": {"type": "factuality", "provider": "openai:gpt-j"}},
    ]
    found = read_one(tmp_path, result(gradingResult={"pass": True, "score": 0.8, "componentResults": parts}, score=0.8))
    assert [(r["judge"], r["judge_score"], r["judge_reason"], r["judge_rubric"], r["performance"]) for r in found.rows] == [
        ("llm-rubric", 0.5, "Curt.", "Be kind.", 0.8),
        ("factuality (gpt-j)", 1.0, "Apt.", None, 0.8),
    ]
    assert found.column("replicate") == [0, 0]


def test_repeats_are_replicates(tmp_path: Path) -> None:
    found = read_one(tmp_path, result(), result(output="Three.", testIdx=1), result(output="3", testIdx=2))
    assert [(r["replicate"], r["response"]) for r in found.rows] == [(0, "It is 3."), (1, "Three."), (2, "3")]


def test_several_prompts_of_a_test(tmp_path: Path) -> None:
    other = result(promptIdx=1, prompt={"raw": "Tell me 0+1", "label": "q"})
    found = read_one(tmp_path, result(), other)
    assert [(r["source_id"], r["prompt"], r["replicate"]) for r in found.rows] == [
        ("0", "Say 0+1", 0),
        ("0.1", "Tell me 0+1", 0),
    ]


def test_messages_of_a_chat(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "1+1?"}]
    assert read_one(tmp_path, result(prompt={"raw": json.dumps(said, indent=1)})).column("messages") == [said]


def test_a_path_to_the_question(tmp_path: Path) -> None:
    found = read_one(tmp_path, result(), result(1, vars={}), prompt="vars.question")
    assert found.column("prompt") == ["0+1?"]
    assert "vars.question is null" in found.reasons[0][2]


def test_an_object_as_output_and_an_expected_answer(tmp_path: Path) -> None:
    asserted = {"assert": [{"type": "latency"}, {"type": "equals", "value": "3"}]}
    row = read_one(tmp_path, result(output={"a": 1}, testCase=asserted)).rows[0]
    assert (row["response"], row["ground_truth"]) == ('{"a": 1}', "3")


def test_lines(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "greetings.jsonl", [result(), result(1)])
    assert read(Promptfoo(), path).column("source_id") == ["0", "1"]


def test_version_1_has_its_results_in_the_file_itself(tmp_path: Path) -> None:
    path = write_json(tmp_path / "greetings.json", {"version": 1, "results": [result()], "stats": {}, "table": {}})
    assert read(Promptfoo(), path).column("response") == ["It is 3."]


def test_the_cells_of_a_table(tmp_path: Path) -> None:
    cell = {
        "pass": True,
        "score": 1,
        "text": "3",
        "prompt": "Say 1+2",
        "latencyMs": 5,
        "tokenUsage": {"prompt": 4, "completion": 1},
    }
    failed = {"pass": False, "score": 0, "text": "", "prompt": "Say 1+2", "error": "429", "failureReason": 2}
    head = {"prompts": [{"raw": "Say {{q}}", "provider": "openai:m1"}, {"provider": "openai:m2"}], "vars": ["q"]}
    table = {"head": head, "body": [{"outputs": [cell, failed], "vars": ["1+2"], "test": {}}]}
    path = write_json(tmp_path / "greetings.json", {"results": {"version": 2, "table": table, "stats": {}}})
    found = read(Promptfoo(), path)
    assert [(r["llm"], r["prompt"], r["response"], r["status"], r["input_tokens"]) for r in found.rows] == [
        ("m1", "Say 1+2", "3", None, 4),
        ("m2", "Say 1+2", "", "error", None),
    ]


def test_a_result_that_does_not_fit_is_rejected(tmp_path: Path) -> None:
    found = read_one(tmp_path, result(), result(1, provider={}), result(2, prompt={}), result(3, score="high"))
    assert len(found.rows) == 1
    assert [row for _, row, _ in found.reasons] == [1, 2, 3]


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = write_json(tmp_path / "other.json", {"a": [1]})
    with pytest.raises(InputError, match="no result of promptfoo"):
        read(Promptfoo(), path)


def test_the_shape_given() -> None:
    paths = real_logs("formats/shapes/promptfoo_shape/*.json")
    raw = json.loads(paths[0].read_text())["results"]["results"]
    found = read(Promptfoo(), *paths)
    assert [(r["llm"], r["response"]) for r in found.rows] == [("gpt-4o", raw[0]["response"]["output"]), ("gpt-4o-mini", None)]
    assert found.normal_table["status"].to_pylist() == ["ok", "error"]
    assert found.normal_table["performance"].to_pylist() == [raw[0]["score"], None]
    assert found.rejected == []
