"""LiteLLM: spend logs and standard logging payloads, with and without what was asked and answered."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.litellm import LiteLLM
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import read, real_logs, write_json, write_lines

ASKED = {"model": "small", "messages": [{"role": "user", "content": "Name one."}], "temperature": 1}
USAGE = {"completion_tokens_details": {"reasoning_tokens": 2}}
TOLD = {"choices": [{"message": {"role": "assistant", "content": "Blue."}, "finish_reason": "stop"}], "model": "tiny-2025"}


def spend(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of `LiteLLM_SpendLogs`."""
    record = {
        "request_id": f"chatcmpl-{number}",
        "call_type": "acompletion",
        "api_key": "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
        "spend": 0.25,
        "total_tokens": 9,
        "prompt_tokens": 4,
        "completion_tokens": 5,
        "startTime": "2026-01-01 00:00:00.500+00:00",
        "endTime": "2026-01-01 00:00:02+00:00",
        "completionStartTime": "2026-01-01 00:00:01+00:00",
        "model": "openai/tiny",
        "model_id": "77",
        "model_group": "small",
        "custom_llm_provider": "openai",
        "api_base": "https://user:pw@host.example/v1?key=1",
        "user": "jo@firm.example",
        "metadata": json.dumps({"user_api_key": "hash", "usage_object": USAGE}),
        "cache_hit": "False",
        "request_tags": '["team-a"]',
        "end_user": "someone",
        "team_id": "team",
        "requester_ip_address": "10.0.0.1",
        "messages": "{}",
        "response": json.dumps(TOLD),
        "proxy_server_request": json.dumps(ASKED),
        "status": "success",
    }  # fmt: skip
    return {k: v for k, v in (record | changes).items() if v is not ...}


EXPECTED = {
    "row": 0,
    "task": "litellm",
    "split": "train",
    "source_id": "chatcmpl-1",
    "prompt": "Name one.",
    "metric": "unknown",
    "llm": "small",
    "mode": "direct",
    "replicate": 0,
    "response": "Blue.",
    "finish_reason": "stop",
    "requested_model": "small",
    "served_model": "tiny-2025",
    "endpoint": "openai",
    "created_at": "2026-01-01 00:00:02+00:00",
    "sampling": {"temperature": 1.0, "top_p": None, "max_tokens": None, "seed": None, "effort": None},
    "input_tokens": 4,
    "output_tokens": 5,
    "reasoning_tokens": 2,
    "cost_usd": 0.25,
    "latency_s": 1.5,
}


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet", "page.json"])
def test_a_spend_log_in_our_columns(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"spend_logs.{ending}"
    match ending:
        case "jsonl":
            write_lines(path, [spend()])
        case "csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(spend()))
                writer.writeheader()
                writer.writerow(spend())
        case "parquet":
            pq.write_table(pa.Table.from_pylist([spend()]), path)
        case _:
            write_json(path, {"data": [spend()], "total": 1} if ending == "page.json" else [spend()])
    found = read(LiteLLM(), path)
    assert [{k: v for k, v in row.items() if v is not None and k != "file"} for row in found.rows] == [EXPECTED]
    assert found.rejected == []


def test_a_payload_of_a_callback(tmp_path: Path) -> None:
    payload = {
        "id": "c1",
        "trace_id": "t",
        "call_type": "completion",
        "response_cost": 0.5,
        "status": "success",
        "prompt_tokens": 4,
        "completion_tokens": 5,
        "startTime": 1_767_225_600.0,
        "endTime": 1_767_225_601.25,
        "model": "tiny",
        "model_group": None,
        "metadata": {"user_api_key_hash": "h", "requester_ip_address": "10.0.0.1"},
        "cache_hit": None,
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Name one."}],
        "response": TOLD,
        "model_parameters": {"top_p": 0.5, "stream": False},
    }
    paths = [
        write_json(tmp_path / "a.json", payload),
        write_json(tmp_path / "b.json", {"standard_logging_object": payload | {"id": "c2"}}),
    ]
    found = read(LiteLLM(), *paths)
    row = found.rows[0]
    assert (row["llm"], row["cost_usd"], row["latency_s"], row["sampling"]["top_p"]) == ("tiny", 0.5, 1.25, 0.5)
    assert row["messages"] == payload["messages"]
    assert found.column("replicate") == [0, 1]


def test_failures_have_their_message_and_no_tokens(tmp_path: Path) -> None:
    zero = {"spend": 0.0, "prompt_tokens": 0, "completion_tokens": 0, "response": "{}"}
    digest = "a" * 60 + "1234"
    told = {
        "status": "failure",
        "error_information": {
            "error_code": "429",
            "error_class": "RateLimitError",
            "error_message": f"Slow down. Key Hash (Token) ={digest}",
            "traceback": "File x",
        },
    }
    lines = [
        spend(1, **zero, status="failure", metadata=json.dumps(told)),
        spend(2, **zero, status=..., metadata=told),
        spend(3, **zero, status="failure", error_str="litellm.Timeout: too late"),
        spend(4, **zero, status="failure", metadata="{}"),
    ]  # fmt: skip
    found = read(LiteLLM(), write_lines(tmp_path / "l.jsonl", lines))
    assert found.column("status") == ["error"] * 4
    assert found.column("error") == [
        "Slow down. Key Hash (Token) =[secret]",
        "Slow down. Key Hash (Token) =[secret]",
        "litellm.Timeout: too late",
        "the call failed",
    ]
    assert found.column("input_tokens") == [None] * 4
    assert found.column("cost_usd") == [0.0] * 4


def test_texts_that_were_not_kept(tmp_path: Path) -> None:
    gone = [{"role": "user", "content": "redacted-by-litellm"}]
    answer = {"choices": [{"message": {"content": "redacted-by-litellm"}, "finish_reason": "stop"}]}
    cut = "The start ... (litellm_truncated skipped 900 chars) ... the end"
    lines = [
        spend(1, response="{}", proxy_server_request="{}"),
        spend(2, messages=gone, response=answer, proxy_server_request="{}"),
        spend(3, response={"text": "redacted-by-litellm"}, messages="redacted-by-litellm", proxy_server_request={}),
        spend(4, messages=[{"role": "user", "content": cut}], response={"choices": [{"message": {"content": cut}}]}),
    ]
    found = read(LiteLLM(), write_lines(tmp_path / "l.jsonl", lines))
    assert found.column("prompt") == [None] * 4
    assert found.column("messages") == [None] * 4
    assert found.column("response") == [None] * 4
    assert found.column("source_id") == [f"chatcmpl-{i}" for i in range(1, 5)]
    assert found.normal_table["status"].to_pylist() == ["ok"] * 4
    assert len(set(found.normal_table["query_id"].to_pylist())) == 4
    assert len(found.notes) == 2


def test_no_key_user_or_team_comes_in(tmp_path: Path) -> None:
    found = read(LiteLLM(), write_lines(tmp_path / "l.jsonl", [spend()]))
    text = json.dumps(found.rows)
    for secret in ("88dc28d0", "jo@firm", "someone", "team", "10.0.0.1", "user:pw", "hash"):
        assert secret not in text


def test_calls_without_an_answer_and_answers_out_of_the_cache(tmp_path: Path) -> None:
    lines = [spend(1), spend(2, call_type="aembedding"), spend(3, cache_hit="True", spend=0), spend(4, cache_hit=True)]
    path = write_lines(tmp_path / "l.jsonl", lines)
    found = read(LiteLLM(), path)
    assert found.column("source_id") == ["chatcmpl-1"]
    assert found.notes == [
        "1 record is left out: calls of the type aembedding, which ask for no answer",
        "2 records are left out: answers out of the cache, for which no LLM was called; --option cache_hits=true takes them",
    ]
    assert read(LiteLLM(cache_hits=True), path).column("replicate") == [0, 1, 2]


def test_repeats_are_numbered_and_overlapping_exports_are_one(tmp_path: Path) -> None:
    one = write_lines(tmp_path / "one.jsonl", [spend(1), spend(2), spend(3, model_group="big")])
    two = write_lines(tmp_path / "two.jsonl", [spend(2), spend(4)])
    found = read(LiteLLM(), one, two)
    assert found.column("replicate") == [0, 1, 0, 1, 2]
    build("litellm", [one, two], tmp_path / "out", workers=1)
    assert lfb.validate(tmp_path / "out") == []


def test_a_cost_of_0_beside_tokens_is_unknown(tmp_path: Path) -> None:
    found = read(LiteLLM(), write_lines(tmp_path / "l.jsonl", [spend(spend=0.0)]))
    assert found.column("cost_usd") == [None]
    assert found.notes == ["1 record: a cost of 0 beside tokens stands for an unknown price, and is null"]


def test_what_the_response_does_not_state_of_the_tokens_is_in_the_metadata(tmp_path: Path) -> None:
    told = json.dumps(TOLD | {"created": 0, "usage": {"prompt_tokens": 4, "completion_tokens": 5}})
    found = read(LiteLLM(), write_lines(tmp_path / "spend_logs.jsonl", [spend(response=told, startTime="?", endTime="soon")]))
    assert found.rejected == []
    assert [found.rows[0][name] for name in ("output_tokens", "reasoning_tokens", "created_at", "latency_s")] == [
        5,
        2,
        None,
        None,
    ]


def test_the_model_that_served_names_the_llm(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "l.jsonl", [spend()])
    assert read(LiteLLM(by="served", task="mine"), path).normal_table.select(["llm", "task"]).to_pylist() == [
        {"llm": "openai/tiny", "task": "mine"}
    ]
    with pytest.raises(UnknownNameError):
        read(LiteLLM(by="x"), path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    totals = write_json(tmp_path / "totals.json", [{"startTime": "2026-01-01", "spend": 1, "models": {"tiny": 1}}])
    with pytest.raises(InputError, match=r"totals\.json: no call of LiteLLM in it \(the record has no request_id"):
        read(LiteLLM(), totals)


def test_the_shape_file() -> None:
    [path] = real_logs("formats/shapes/litellm_shape/spend_logs.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    found = read(LiteLLM(), path)
    assert found.column("response") == [records[0]["response"]["choices"][0]["message"]["content"], None]
    assert found.column("prompt") == [records[0]["messages"][0]["content"], None]
    assert found.column("llm") == [r["model_group"] for r in records]
    assert found.column("cost_usd") == [r["spend"] for r in records]
    assert found.normal_table["status"].to_pylist() == ["ok", "error"]
    assert found.rejected == []
