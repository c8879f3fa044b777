"""OpenRouter: generations of the API, rows of the activity export, and kept requests and responses."""

import csv
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.openrouter import OpenRouter
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write_json, write_lines


def generation(number: int = 1, **changes: Any) -> dict[str, Any]:
    record = {
        "id": f"gen-{number}",
        "upstream_id": "chatcmpl-9",
        "total_cost": 0.25,
        "cache_discount": None,
        "created_at": "2026-01-01T00:00:00.500000+00:00",
        "model": "lab/tiny",
        "app_id": 5,
        "streamed": True,
        "cancelled": False,
        "provider_name": "Host",
        "latency": 900,
        "generation_time": 1500,
        "finish_reason": "stop",
        "tokens_prompt": 10,
        "tokens_completion": 20,
        "native_tokens_prompt": 11,
        "native_tokens_completion": 22,
        "native_tokens_reasoning": 3,
        "native_tokens_cached": 4,
        "usage": 0.25,
        "is_byok": False,
        "native_finish_reason": "STOP",
        "external_user": "jo@firm.example",
        "origin": "https://app.example",
        "router": None,
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


EXPECTED = {
    "row": 0,
    "task": "openrouter",
    "split": "train",
    "source_id": "gen-1",
    "metric": "unknown",
    "llm": "lab/tiny",
    "mode": "direct",
    "replicate": 0,
    "finish_reason": "stop",
    "requested_model": "lab/tiny",
    "served_model": "lab/tiny",
    "endpoint": "Host",
    "created_at": "2026-01-01T00:00:00.500000+00:00",
    "input_tokens": 11,
    "output_tokens": 22,
    "reasoning_tokens": 3,
    "cached_tokens": 4,
    "cost_usd": 0.25,
    "latency_s": 1.5,
}


def camel(record: dict[str, Any]) -> dict[str, Any]:
    """The record as the TypeScript library has it."""

    def name(word: str) -> str:
        first, *rest = word.split("_")
        return first + "".join(part.title() for part in rest)

    return {name(key): value for key, value in record.items()}


def test_a_generation_in_our_columns(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / "a.json", {"data": generation()}),
        write_lines(tmp_path / "b.jsonl", [generation()]),
        write_json(tmp_path / "c.json", [{"data": camel(generation())}]),
    ]
    for path in paths:
        found = read(OpenRouter(), path)
        assert [{k: v for k, v in r.items() if v is not None and k != "file"} for r in found.rows] == [EXPECTED]
        assert found.normal_table["status"].to_pylist() == ["ok"]


def test_the_export_of_the_activity_page(tmp_path: Path) -> None:
    row = {
        "generation_id": "gen-1", "created_at": "2026-01-01 00:00:00.5", "cost_total": "0.25", "cost_web_search": "0",
        "cost_cache": "0", "byok_usage_inference": "0", "tokens_prompt": "11", "tokens_completion": "22",
        "tokens_reasoning": "3", "tokens_cached": "4", "model_permaslug": "lab/tiny", "provider_name": "Host",
        "variant": "free",
        "cancelled": "false", "streamed": "true", "user": "u_1", "finish_reason_raw": "STOP",
        "finish_reason_normalized": "stop", "generation_time_ms": "1500", "time_to_first_token_ms": "300",
        "app_name": "App", "api_key_name": "my key",
    }  # fmt: skip
    path = tmp_path / "openrouter_activity_2026-01-01.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
        other = {"generation_id": "gen-2", "variant": "standard", "cancelled": "true", "byok_usage_inference": "0.5"}
        writer.writerow(row | other)
    found = read(OpenRouter(), path)
    same = EXPECTED | {"created_at": "2026-01-01 00:00:00.5", "llm": "lab/tiny:free"}
    same |= {"requested_model": "lab/tiny:free", "served_model": "lab/tiny:free"}
    assert {k: v for k, v in found.rows[0].items() if v is not None and k != "file"} == same
    second = found.rows[1]
    assert (second["llm"], second["status"], second["error"], second["cost_usd"]) == (
        "lab/tiny",
        "error",
        "the generation was cancelled",
        0.75,
    )


def test_prompts_and_answers_where_they_were_kept(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Name one."}]
    content = {
        "input": {"messages": turns},
        "output": {"completion": "Blue.", "reasoning": "Hm."},
    }
    body = {
        "id": "gen-3", "provider": "Host", "model": "lab/tiny-2025", "object": "chat.completion", "created": 1_767_225_600,
        "choices": [{"message": {"role": "assistant", "content": "Red.", "reasoning": "Well."}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 5, "completion_tokens": 6, "cost": 0.125, "completion_tokens_details": {"reasoning_tokens": 2},
        },
    }  # fmt: skip
    asked = {
        "model": "lab/tiny",
        "messages": [{"role": "user", "content": "Name one."}],
        "temperature": 0,
        "reasoning": {"effort": "low"},
    }
    lines = [
        {"data": generation(1), **content},
        generation(2, prompt="Name one.", completion="Green."),
        {"request": asked, "response": body},
    ]
    found = read(OpenRouter(), write_lines(tmp_path / "g.jsonl", lines))
    assert found.column("prompt") == ["Name one."] * 3
    assert found.column("response") == ["Blue.", "Green.", "Red."]
    assert found.column("reasoning") == ["Hm.", None, "Well."]
    assert found.column("replicate") == [0, 1, 0]
    last = found.rows[2]
    assert (last["llm"], last["requested_model"], last["cost_usd"], last["input_tokens"], last["reasoning_tokens"]) == (
        "lab/tiny-2025",
        "lab/tiny",
        0.125,
        5,
        2,
    )
    assert last["sampling"]["effort"] == "low"
    assert read(OpenRouter(by="asked"), tmp_path / "g.jsonl").column("llm")[2] == "lab/tiny"


@pytest.mark.parametrize("wrap", [lambda g: {"data": g}, lambda g: {"data": {"data": g}, "timestamp": "2026-01-01T00:00:00Z"}])
def test_envelopes_are_opened(wrap: Any, tmp_path: Path) -> None:
    found = read(OpenRouter(), write_lines(tmp_path / "log.jsonl", [wrap(generation(i)) for i in (1, 2)]))
    assert [(row["source_id"], row["input_tokens"]) for row in found.rows] == [("gen-1", 11), ("gen-2", 11)]


def test_a_router_and_failures(tmp_path: Path) -> None:
    lines = [
        generation(1, router="openrouter/auto"),
        generation(2, finish_reason="error", native_finish_reason=None),
        generation(3, is_byok=True, total_cost=0.0, usage=0.0, upstream_inference_cost=0.5),
    ]
    found = read(OpenRouter(), write_lines(tmp_path / "g.jsonl", lines))
    assert [(r["llm"], r["requested_model"]) for r in found.rows[:1]] == [("lab/tiny", "openrouter/auto")]
    assert found.column("status") == [None, "error", None]
    assert found.column("cost_usd") == [0.25, 0.25, 0.5]


def test_a_kept_request_whose_response_is_an_error(tmp_path: Path) -> None:
    asked = {"model": "lab/tiny", "messages": [{"role": "user", "content": "Name one."}]}
    failure = {"error": {"code": 429, "message": "Rate limited"}}
    lines = [
        {"id": "gen-1", "request": asked, "response": failure},
        {"request": asked, "response": failure | {"id": "gen-2"}},
        {"request": asked, "response": failure},
        {"id": "gen-4", "request": asked, "response": {"error": None}},
    ]
    found = read(OpenRouter(), write_lines(tmp_path / "g.jsonl", lines))
    said = [(r["source_id"], r["llm"], r["status"], r["error"], r["prompt"], r["served_model"]) for r in found.rows]
    assert said == [(f"gen-{i}", "lab/tiny", "error", "Rate limited", "Name one.", None) for i in (1, 2)]
    assert [row for _, row, _ in found.reasons] == [2, 3]


def test_totals_of_days_are_refused(tmp_path: Path) -> None:
    row = {"date": "2026-01-01", "model": "lab/tiny", "usage": 1.5, "requests": 4, "prompt_tokens": 3}
    with pytest.raises(InputError, match="total of a day, expected generations"):
        read(OpenRouter(), write_json(tmp_path / "activity.json", {"data": [row]}))


def test_a_release_without_texts_is_valid_and_names_no_user(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "g.jsonl", [generation(1), generation(2), generation(2), {"x": 1}])
    found = read(OpenRouter(task="mine"), path)
    assert "jo@firm" not in str(found.rows)
    assert len(set(found.normal_table["query_id"].to_pylist())) == 2
    assert len(found.rejected) == 1
    build("openrouter", [path], tmp_path / "out", workers=1)
    assert lfb.validate(tmp_path / "out") == []
