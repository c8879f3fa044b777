"""What a table of answers states of them, read as it is meant: candidates, times, errors, reasoning and prices."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build, recount
from llmfusionbench.builders.sources.zeroeval import ZeroEval
from tests.helpers.made_up_release import answer
from tests.helpers.reading import read, write_json

THEN = "2026-01-01T00:00:00.000Z"


def built(folder: Path, *rows: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    """The responses of a release of these answers, which is valid and lacks none."""
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    release = build("table", [folder / "log.jsonl"], folder / "out", workers=1, strict=True, overwrite=True, **settings)
    assert lfb.validate(release.path) == []
    found: list[dict[str, Any]] = release.table("responses").to_table().to_pylist()
    return found


def test_a_host_in_a_name_is_no_mode_where_the_mode_is_stated(tmp_path: Path) -> None:
    modes = ("direct", "think", "high")
    rows = built(tmp_path, *(answer(0, "Yi@together", mode=mode) for mode in modes), answer(0, "o3@low"))
    assert sorted((r["llm"], r["mode"]) for r in rows) == [
        ("Yi@together", "direct"), ("Yi@together", "high"), ("Yi@together", "think"), ("o3", "low")
    ]  # fmt: skip
    rows = built(tmp_path, answer(0, "o3@high", mode="high"), answer(0, "o3_think", mode="direct"))
    assert sorted((r["llm"], r["mode"]) for r in rows) == [("o3", "high"), ("o3", "think")]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1767225600000.0, None, float("nan")]), pa.array([1767225600, None, None]),
        pa.array([1767225600.0, None, None]),
        pa.array([datetime.datetime(2026, 1, 1), None, None]), pa.array([datetime.date(2026, 1, 1), None, None]),
        pa.array(["2026-01-01T01:00:00+01:00", "None", "nan"]), pa.array(["1767225600000", "null", ""]),
    ],
)  # fmt: skip
def test_times_of_any_type(tmp_path: Path, values: pa.Array) -> None:
    rows = [answer(i, "a") for i in range(3)]
    table = pa.Table.from_pylist(rows).append_column("created_at", values)
    pq.write_table(table, tmp_path / "log.parquet")
    release = build("table", [tmp_path / "log.parquet"], tmp_path / "out", workers=1, strict=True)
    found = release.table("responses").to_table()["created_at"].to_pylist()
    assert sorted(found, key=str) == [THEN, None, None]


def test_errors_and_scores(tmp_path: Path) -> None:
    rows = built(
        tmp_path,
        answer(0, "a", response=None, performance=None, error={"message": "429", "code": 1}),
        answer(1, "a", response=None, performance=0.0, error="context too long"),
        answer(2, "a", response=None, error=False),
        answer(3, "a", error="a warning", finish_reason="None"),
        answer(4, "a", finish_reason="model_context_window_exceeded", attempts=0),
    )
    found = sorted(((r["status"], r["performance"], r["error"], r["finish_reason"]) for r in rows), key=str)
    assert found == sorted(
        [
            ("error", None, "429", None), ("error", None, "context too long", None), ("ok", 1.0, None, None),
            ("ok", 1.0, "a warning", None), ("ok", 1.0, None, "length"),
        ],
        key=str,
    )  # fmt: skip


def test_an_error_with_a_text_or_a_score_is_no_failed_call(tmp_path: Path) -> None:
    rows = built(
        tmp_path,
        answer(0, "a", response=" \n", performance=0, error="quota"),
        answer(1, "a", response=None, performance=0.5, error="the log was cut"),
        answer(2, "a", response="Seven.", performance=0, error="slow"),
        answer(3, "a", response=None, performance=0, error="retried", status="ok"),
    )
    found = sorted((r["error"], r["status"], r["performance"]) for r in rows)
    assert found == [("quota", "error", None), ("retried", "ok", 0.0), ("slow", "ok", 0.0), ("the log was cut", "ok", 0.5)]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("success", "Succeeded", "completed", "complete", " DONE ", "finished", "ok"), "ok"),
        (("failed", "failure", "fail", "Timeout", "timed_out", "timed out", "exception", "rate-limited", "cancelled"), "error"),
        (("skipped", "not_run", "pending", "not asked", "Missing"), "missing"),
    ],
)
def test_words_for_a_status(tmp_path: Path, words: tuple[str, ...], status: str) -> None:
    rows = built(
        tmp_path, *(answer(i, "a", status=word, performance=0 if status == "ok" else -1) for i, word in enumerate(words))
    )
    assert {(r["status"], r["performance"]) for r in rows} == {(status, 0.0 if status == "ok" else None)}
    assert len(rows) == len(words)


def test_an_unknown_status_is_rejected_with_the_words_that_are_known(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        json.dumps(answer(0, "a", status="green")) + "\n" + json.dumps(answer(1, "a", status="ok"))
    )
    build("table", [tmp_path / "log.jsonl"], tmp_path / "out", workers=1)
    (rejected,) = map(json.loads, (tmp_path / "out" / "rejected.jsonl").open())
    assert 'status is "green", expected `ok` or' in rejected["reason"]
    assert "`missing` (skipped, not_run, pending, not_asked)" in rejected["reason"]


def test_a_call_that_was_never_made_cost_nothing_that_is_known(tmp_path: Path) -> None:
    zero = {"cost_usd": 0, "input_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0, "cached_tokens": 0, "latency_s": 0}
    silent = {"response": None, "performance": None, **zero}
    rows = built(
        tmp_path,
        answer(0, "a", status="missing", **silent),
        answer(1, "a", status="missing", **silent | {"cost_usd": 0.25, "input_tokens": 9}),
        answer(2, "a", status="error", **silent),
    )
    by_query = sorted(([r[name] for name in zero] for r in rows), key=str)
    assert by_query == [[0.0, 0, 0, 0, 0, 0.0], [0.25, 9, None, None, None, None], [None] * 6]


def test_reasoning_of_any_column(tmp_path: Path) -> None:
    rows = built(
        tmp_path,
        answer(0, "a", reasoning=None, reasoning_content="one"),
        answer(1, "a", reasoning="two", reasoning_content="else"),
        answer(2, "a", reasoning=None, reasoning_details=[{"type": "reasoning.text", "text": "three"}]),
        answer(3, "a", reasoning="four", response="<think>four</think>So."),
        answer(4, "a", reasoning="five", response="<think>other</think>So."),
        answer(5, "a", response="<think>all that there is</think>", performance=0.0),
        answer(6, "a", reasoning_details=[]),
        answer(7, "a", reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}]),
    )
    assert sorted((r["reasoning"] or "", r["response"], r["status"]) for r in rows) == [
        ("", "Answer of a to 6.", "ok"),
        ("", "Answer of a to 7.", "ok"),
        ("all that there is", "", "empty"),
        ("five", "<think>other</think>So.", "ok"),
        ("four", "So.", "ok"),
        ("one", "Answer of a to 0.", "ok"),
        ("three", "Answer of a to 2.", "ok"),
        ("two", "Answer of a to 1.", "ok"),
    ]


def test_reasoning_without_its_text_is_part_of_the_output(tmp_path: Path) -> None:
    row = answer(0, "a", response="yes", reasoning_tokens=700)
    del row["output_tokens"]
    (counted,) = built(tmp_path, row, tokenizer="cl100k_base")
    assert (counted["output_tokens"], counted["reasoning_tokens"]) == (701, 700)
    stated = built(tmp_path, answer(0, "a", response="yes", output_tokens=800, reasoning_tokens=700))
    assert stated[0]["output_tokens"] == 800
    made = recount(tmp_path / "out", tmp_path / "again", tokenizer="cl100k_base", workers=1).release
    assert made is not None
    (again,) = made.table("responses").to_table().to_pylist()
    assert (again["output_tokens"], again["reasoning_tokens"]) == (701, 700)


def test_prices_of_two_origins_are_not_mixed(tmp_path: Path) -> None:
    old = {"llm": "a", "prices": [{"valid_from": "2020-01-01T00:00:00.000Z", "input_price": 10.0, "output_price": 10.0}]}
    (tmp_path / "old.jsonl").write_text(json.dumps(old))
    (tmp_path / "new.jsonl").write_text(json.dumps({"llm": "a", "input_price": 1.0, "output_price": 1.0}))
    row = answer(0, "a", input_tokens=1_000_000, output_tokens=1_000_000, created_at="2025-01-01")
    assert built(tmp_path, row, llms=tmp_path / "old.jsonl")[0]["cost_usd"] == 20.0
    (tmp_path / "out").rename(tmp_path / "first")
    again = build("release", [tmp_path / "first"], tmp_path / "second", llms=tmp_path / "new.jsonl", workers=1)
    assert again.table("llms").to_table().to_pylist()[0]["prices"] is None


def test_the_prompt_of_direct_mode_has_no_suffix_of_another(tmp_path: Path) -> None:
    suffix = "\nLet's think step by step."
    for rows in ([("cot", suffix), ("direct", "")], [("direct", ""), ("cot", suffix)]):
        log = [answer(0, "a", mode=mode) for mode, _ in rows]
        built(tmp_path, *(row | {"prompt": row["prompt"] + end} for row, (_, end) in zip(log, rows, strict=True)))
        (query,) = lfb.open_release(tmp_path / "out").table("queries").to_table().to_pylist()
        assert query["prompt"] == log[0]["prompt"]


def test_opponents_are_written_as_candidates_are(tmp_path: Path) -> None:
    built(tmp_path, answer(0, "a", judge="j", judge_score=0.5, judge_opponent="b@direct", judge_order="first"))
    release = lfb.open_release(tmp_path / "out")
    (score,) = release.table("judge_scores").to_table().to_pylist()
    assert (score["opponent"], score["order"]) == ("b", "first")
    assert release.table("logs").to_table()["judge_score"].to_pylist() == [None]


def test_endpoints_without_credentials(tmp_path: Path) -> None:
    given = ["https://user:pw@host.example.org:8000/v1?key=k#f", "https://host.example.org/v1", "user:pw@host/v1", "together"]
    rows = built(tmp_path, *(answer(i, "a", endpoint=endpoint) for i, endpoint in enumerate(given)))
    assert sorted(r["endpoint"] for r in rows) == [
        "host/v1", "https://host.example.org/v1", "https://host.example.org:8000/v1", "together"
    ]  # fmt: skip
    (tmp_path / "responses.jsonl").write_text(json.dumps({**rows[0], "endpoint": given[0]}))
    (issue,) = lfb.validate(tmp_path / "responses.jsonl")
    assert (issue.column, issue.expected) == ("endpoint", "a host, or a base URL without credentials and query, or null")


def test_answers_that_differ_in_time_are_not_folded(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps(answer(0, "a", created_at=f"2026-01-0{day}")) + "\n" for day in (1, 1, 2))
    )
    release = build("table", [tmp_path / "log.jsonl"], tmp_path / "out", workers=1)
    assert release.manifest["records"] == {"taken": 3, "folded": 0, "rejected": 0}
    rows = release.table("responses").to_table().to_pylist()
    assert [(row["replicate"], row["created_at"][:10]) for row in rows] == [
        (0, "2026-01-01"), (1, "2026-01-01"), (2, "2026-01-02")
    ]  # fmt: skip


def test_calls_of_tools_are_part_of_what_was_asked(tmp_path: Path) -> None:
    def asked(city: str) -> dict[str, Any]:
        call = {"id": "1", "function": {"name": "weather", "arguments": city}}
        turns = [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
        row = answer(0, "a", messages=turns)
        del row["prompt"]
        return row

    built(tmp_path, asked("Bern"), asked("Rome"))
    queries = lfb.open_release(tmp_path / "out").table("queries").to_table().to_pylist()
    assert len({q["query_id"] for q in queries}) == 2
    assert all("weather" in q["messages"][1]["content"] for q in queries)


def test_a_date_in_a_file_name_is_no_host(tmp_path: Path) -> None:
    record = {"session_id": "1", "chat_history": ["1+1?"], "output": ["2"], "generator": "x", "dataset": "gsm", "answer": "# 2"}
    paths = [write_json(tmp_path / f"claude-3@{date}.json", [record]) for date in ("20240229", "20240620")]
    rows = read(ZeroEval(hosts="replicates"), *paths).rows
    assert [(r["llm"], r["replicate"], r["endpoint"]) for r in rows] == [
        ("claude-3@20240229", 0, None), ("claude-3@20240620", 0, None)
    ]  # fmt: skip
