"""Langfuse: generations of the API, of the web page's export and of the export to a bucket, and their scores."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.langfuse import Langfuse
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write_json, write_lines

ASKED = [{"role": "user", "content": "Name one."}]


def observation(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An observation as the API has it."""
    record = {
        "id": f"o{number}",
        "traceId": f"t{number}",
        "type": "GENERATION",
        "name": "ChatModel",
        "startTime": "2026-01-01T00:00:00.000Z",
        "endTime": "2026-01-01T00:00:01.500Z",
        "model": "tiny",
        "modelParameters": {"temperature": "0.5", "max_tokens": "Infinity"},
        "input": ASKED,
        "output": {"role": "assistant", "content": "Blue."},
        "usage": {"input": 10, "output": 5, "total": 15, "unit": "TOKENS"},
        "usageDetails": {"input": 6, "input_cached_tokens": 4, "output": 3, "output_reasoning_tokens": 2, "total": 15},
        "costDetails": {"input": 0.1, "output": 0.2, "total": 0.3},
        "calculatedTotalCost": 0.3,
        "level": "DEFAULT",
        "statusMessage": None,
        "latency": 1.5,
        "userId": "jo@firm.example",
        "metadata": {"secret": "x"},
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def exported(number: int = 1) -> dict[str, Any]:
    """The same as the export to a bucket has it."""
    return {
        "id": f"o{number}",
        "trace_id": f"t{number}",
        "type": "GENERATION",
        "start_time": "2026-01-01 00:00:00.000000",
        "end_time": "2026-01-01 00:00:01.500000",
        "provided_model_name": "tiny",
        "model_parameters": '{"temperature": 0.5}',
        "input": json.dumps(ASKED),
        "output": json.dumps({"role": "assistant", "content": "Blue."}),
        "usage_details": {"input": 6, "input_cached_tokens": 4, "output": 3, "output_reasoning_tokens": 2, "total": 15},
        "cost_details": {"input": 0.1, "output": 0.2, "total": 0.3},
        "level": "DEFAULT",
        "latency": 1500,
    }


EXPECTED = {
    "task": "langfuse",
    "split": "train",
    "source_id": "o1",
    "prompt": "Name one.",
    "metric": "unknown",
    "llm": "tiny",
    "mode": "direct",
    "replicate": 0,
    "response": "Blue.",
    "requested_model": "tiny",
    "sampling": {"temperature": 0.5, "top_p": None, "max_tokens": None, "seed": None, "effort": None},
    "input_tokens": 10,
    "output_tokens": 5,
    "reasoning_tokens": 2,
    "cached_tokens": 4,
    "cost_usd": 0.3,
    "latency_s": 1.5,
}


@pytest.mark.parametrize("kind", ["page.json", "jsonl", "snake.jsonl", "snake.csv", "snake.parquet"])
def test_a_generation_in_our_columns(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"observations.{kind}"
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in exported().items()}
    match kind:
        case "page.json":
            write_json(path, {"data": [observation()], "meta": {"page": 1}})
        case "jsonl":
            write_lines(path, [observation()])
        case "snake.jsonl":
            write_lines(path, [exported()])
        case "snake.csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(texts))
                writer.writeheader()
                writer.writerow(texts)
        case _:
            pq.write_table(pa.Table.from_pylist([exported()]), path)
    found = read(Langfuse(), path)
    assert [{k: v for k, v in r.items() if v is not None and k not in ("file", "row", "created_at")} for r in found.rows] == [
        EXPECTED
    ]
    assert found.normal_table["created_at"].to_pylist() == ["2026-01-01T00:00:01.500Z"]
    assert found.rejected == []


@pytest.mark.parametrize(
    ("given", "prompt", "turns"),
    [
        ("Hi", "Hi", None),
        ({"messages": ASKED, "tools": []}, "Name one.", None),
        ([ASKED], "Name one.", None),
        ({"role": "user", "content": "Hi"}, "Hi", None),
        ([{"type": "system", "content": "S"}, {"type": "human", "content": "Q"}], None, ["system", "user"]),
        ([{"lc": 1, "kwargs": {"type": "human", "content": "Q"}}], "Q", None),
        ({"question": "Why?", "n": 1}, '{"question": "Why?", "n": 1}', None),
        (7, "7", None),
        (None, None, None),
    ],
)
def test_what_was_asked(tmp_path: Path, given: Any, prompt: str | None, turns: list[str] | None) -> None:
    [row] = read(Langfuse(), write_lines(tmp_path / "o.jsonl", [observation(input=given)])).rows
    assert row["prompt"] == prompt
    assert (row["messages"] and [turn["role"] for turn in row["messages"]]) == turns


@pytest.mark.parametrize(
    ("given", "response"),
    [
        ("Blue.", "Blue."),
        ('{"answer": "x"}', '{"answer": "x"}'),
        ({"answer": "x"}, '{"answer": "x"}'),
        ({"choices": [{"message": {"content": "A"}}]}, "A"),
        ([{"role": "assistant", "content": "L"}], "L"),
        ({"completion": "C"}, "C"),
        ({"text": "T", "sure": True}, '{"text": "T", "sure": true}'),
        (42, "42"),
        ([1, 2], "[1, 2]"),
        (None, None),
    ],
)
def test_what_was_answered(tmp_path: Path, given: Any, response: str | None) -> None:
    found = read(Langfuse(), write_lines(tmp_path / "o.jsonl", [observation(output=given)]))
    assert found.column("response") == [response]
    assert found.rejected == []


def test_only_generations_come_in(tmp_path: Path) -> None:
    lines = [observation(1), observation(2, type="SPAN", model=None), observation(3, type="EVENT"), observation(4, type="SPAN")]
    found = read(Langfuse(), write_lines(tmp_path / "o.jsonl", lines))
    assert found.column("source_id") == ["o1"]
    assert found.notes == [
        "2 records are left out: observations of the type SPAN, which are not calls of an LLM",
        "1 record is left out: observations of the type EVENT, which are not calls of an LLM",
    ]


def test_an_error_has_the_message_of_its_status(tmp_path: Path) -> None:
    lines = [observation(level="ERROR", statusMessage="Rate limit.", output=None, costDetails={}, usageDetails={}, usage=None)]
    found = read(Langfuse(), write_lines(tmp_path / "o.jsonl", lines))
    assert found.column("status") == ["error"]
    assert found.column("error") == ["Rate limit."]
    assert found.column("input_tokens") == [None]


def test_costs_and_tokens_that_are_not_known_are_null(tmp_path: Path) -> None:
    parts = {"input": 10, "output": 5, "output_reasoning_tokens": 2, "total": 15}
    dropped = {"usageDetails": ..., "costDetails": ..., "usage": ...}
    lines = [
        observation(1, usageDetails={}, costDetails={}, calculatedTotalCost=0, usage=None, promptTokens=0, completionTokens=0),
        observation(2, usageDetails=parts, costDetails={"input": 1, "output": 2}),
        observation(3, **dropped, calculatedTotalCost=0.5, promptTokens=8, completionTokens=9),
        observation(4, endTime=None, latency=2.5, usageDetails={"prompt_tokens": 3, "completion_tokens": 4}),
    ]  # fmt: skip
    found = read(Langfuse(), write_lines(tmp_path / "o.jsonl", lines))
    figures = [(r["input_tokens"], r["output_tokens"], r["cost_usd"], r["latency_s"]) for r in found.rows]
    assert figures == [(None, None, None, 1.5), (10, 5, 3.0, 1.5), (8, 9, 0.5, 1.5), (3, 4, 0.3, 2.5)]


def score(name: str, value: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"s-{name}",
        "name": name,
        "value": value,
        "source": "EVAL",
        "dataType": "NUMERIC",
        "authorUserId": "jo",
    } | changes


def test_a_trace_with_its_observations_and_scores(tmp_path: Path) -> None:
    trace = {
        "id": "t1",
        "name": "colours",
        "observations": [observation(1), observation(2, type="SPAN")],
        "scores": [
            score("helpful", 0.75, comment="Short.", traceId="t1"),
            score("right", True, source="ANNOTATION", dataType="BOOLEAN", observationId="o1"),
            score("tone", None, stringValue="warm", dataType="CATEGORICAL", traceId="t1"),
            score("length", 12, traceId="t1"),
        ],
    }
    path = write_json(tmp_path / "traces.json", {"data": [trace]})
    found = read(Langfuse(), path)
    assert [(r["judge"], r["judge_score"], r["judge_reason"]) for r in found.rows] == [
        ("annotation:right", 1.0, None),
        ("eval:helpful", 0.75, "Short."),
    ]
    assert set(found.column("task")) == {"colours"}
    assert set(found.column("replicate")) == {0}
    assert len(found.notes) == 3
    [only] = read(Langfuse(score="helpful", task="mine"), path).rows
    assert (only["performance"], only["metric"], only["judge"], only["task"]) == (0.75, "helpful", "annotation:right", "mine")


def test_a_trace_that_the_web_page_downloads(tmp_path: Path) -> None:
    whole = {"id": "t1", "name": "colours", "scores": [score("right", 1, traceId="t1"), score("helpful", 0.5)]}
    download = {"trace": whole, "observations": [observation(1), observation(2, type="SPAN")]}
    path = write_json(tmp_path / "in" / "trace-t1.json", download)
    scores = write_lines(tmp_path / "scores.jsonl", [score("kind", 0.25, traceId="t1")])
    build("langfuse", [tmp_path / "in"], tmp_path / "out", workers=1)
    assert lfb.validate(tmp_path / "out") == []
    found = read(Langfuse(score="right"), path, scores)
    assert [(r["source_id"], r["task"], r["performance"], r["metric"], r["judge"], r["judge_score"]) for r in found.rows] == [
        ("o1", "colours", 1.0, "right", "eval:helpful", 0.5),
        ("o1", "colours", 1.0, "right", "eval:kind", 0.25),
    ]


def test_scores_in_a_file_of_their_own(tmp_path: Path) -> None:
    scores = [
        {"trace_id": "t1", "observation_id": "o1", "name": "A Score", "value": 0.5, "source": "API", "data_type": "NUMERIC"},
        {"trace_id": "t2", "observation_id": None, "name": "A Score", "value": 0.25, "source": "API", "data_type": "NUMERIC"},
        {"trace_id": "t3", "observation_id": None, "name": "A Score", "value": 1, "source": "API", "data_type": "NUMERIC"},
    ]
    logs = [observation(1), observation(2), observation(3), observation(4, traceId="t3")]
    paths = [write_lines(tmp_path / "scores.jsonl", scores), write_lines(tmp_path / "observations.jsonl", logs)]
    for order in (paths, paths[::-1]):
        found = read(Langfuse(score="A Score"), *order)
        assert found.column("performance") == [0.5, 0.25, None, None]
        assert found.column("metric") == ["a_score", "a_score", "unknown", "unknown"]
    with pytest.raises(InputError, match="scores alone"):
        read(Langfuse(), paths[0])


def test_a_column_of_scores_of_the_web_page(tmp_path: Path) -> None:
    lines = [observation(1, helpful=[0.5, 1.0], traceName="colours"), observation(2, helpful=None)]
    found = read(Langfuse(score="helpful"), write_lines(tmp_path / "o.jsonl", lines))
    assert found.column("performance") == [0.75, None]
    assert found.column("task") == ["colours", "langfuse"]


def test_no_user_or_metadata_comes_in_and_the_release_is_valid(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "o.jsonl", [observation(1), observation(2, output="Red."), observation(3, model="big")])
    found = read(Langfuse(), path)
    assert "jo@firm" not in json.dumps(found.rows)
    assert found.column("replicate") == [0, 1, 0]
    build("langfuse", [path], tmp_path / "out", workers=1)
    assert lfb.validate(tmp_path / "out") == []


def test_bad_records_cost_no_others(tmp_path: Path) -> None:
    lines = [
        observation(1),
        {"a": 1},
        observation(2, id=None),
        observation(3, model=None),
        observation(4, observations=[7, {}]),
    ]
    found = read(Langfuse(), write_lines(tmp_path / "o.jsonl", lines))
    assert found.column("source_id") == ["o1"]
    assert [row for _, row, _ in found.reasons] == [1, 2, 3, 4]
