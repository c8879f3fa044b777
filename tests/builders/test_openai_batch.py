"""Batches: files of requests, results and errors, matched by id, whatever their order and folder."""

import json
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.openai_batch import OpenAIBatch
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.reading import Read, read, real_logs, write, write_lines

EXPIRED = {"code": "batch_expired", "message": "The window of the batch is over."}


def request(name: str, prompt: str = "Name a colour.", model: str = "tiny", **body: Any) -> dict[str, Any]:
    asked = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 9, **body}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": asked}


def completion(said: str | None = "Blue.", model: str = "tiny-2025-01-01", **changes: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
        **changes,
    }


def result(name: str, body: Any = None, code: int = 200, **changes: Any) -> dict[str, Any]:
    response = {"status_code": code, "request_id": "r", "body": completion() if body is None else body}
    return {"id": f"batch_req_{name}", "custom_id": name, "response": response, "error": None} | changes


def failed(name: str, error: Any = EXPIRED) -> dict[str, Any]:
    return {"id": f"batch_req_{name}", "custom_id": name, "response": None, "error": error}


def by_id(found: Read, *columns: str) -> dict[str, tuple[Any, ...]]:
    return {row["source_id"]: tuple(row[column] for column in columns) for row in found.rows}


def test_an_answer_in_our_columns(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "input.jsonl", [request("a", temperature=0, reasoning_effort="low")])
    body = completion()
    body["choices"][0]["message"]["reasoning_content"] = "The sky is."
    made = write_lines(tmp_path / "output.jsonl.gz", [result("a", body)])
    found = read(OpenAIBatch(split="test"), made, asked)
    assert [{k: v for k, v in row.items() if v is not None} for row in found.rows] == [
        {
            "file": "output.jsonl.gz",
            "row": 0,
            "task": "openai_batch",
            "split": "test",
            "source_id": "a",
            "prompt": "Name a colour.",
            "metric": "unknown",
            "llm": "tiny",
            "mode": "direct",
            "replicate": 0,
            "response": "Blue.",
            "reasoning": "The sky is.",
            "finish_reason": "stop",
            "requested_model": "tiny",
            "served_model": "tiny-2025-01-01",
            "created_at": "1767225600",
            "sampling": {"temperature": 0.0, "top_p": None, "max_tokens": 9, "seed": None, "effort": "low"},
            "input_tokens": 12,
            "output_tokens": 5,
            "reasoning_tokens": 3,
            "cached_tokens": 4,
        }
    ]
    assert found.normal_table["created_at"].to_pylist() == ["2026-01-01T00:00:00.000Z"]
    assert found.rejected == []
    assert found.notes == []


def test_expired_failed_and_unanswered_requests(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "b_input.jsonl", [request(name, f"{name}?") for name in "abcde"])
    refused = result("c", {"error": {"message": "Too long.", "type": "invalid_request_error", "code": None}}, 400)
    errors = write_lines(tmp_path / "b_error.jsonl", [failed("b"), refused])
    made = write_lines(tmp_path / "b_output.jsonl", [result("a"), result("d", completion("", choices=[]))])
    found = read(OpenAIBatch(), errors, made, asked)
    assert by_id(found, "status", "error", "llm", "prompt") == {
        "a": (None, None, "tiny", "a?"),
        "b": ("error", EXPIRED["message"], "tiny", "b?"),
        "c": ("error", "Too long.", "tiny", "c?"),
        "d": ("error", "the response has no choices", "tiny", "d?"),
        "e": ("missing", None, "tiny", "e?"),
    }
    assert found.notes == ["1 of 5 requests have no result, and are missing answers"]
    assert sorted(found.normal_table["status"].to_pylist()) == ["error", "error", "error", "missing", "ok"]


def test_requests_alone_are_missing_answers(tmp_path: Path) -> None:
    found = read(OpenAIBatch(), write_lines(tmp_path / "in.jsonl", [request("a"), request("b", "B?", "big")]))
    assert by_id(found, "status", "llm") == {"a": ("missing", "tiny"), "b": ("missing", "big")}


def test_results_alone_are_known_by_their_ids(tmp_path: Path) -> None:
    made = write_lines(tmp_path / "x_output.jsonl", [result("a"), result("b")])
    errors = write_lines(tmp_path / "x_errors.jsonl", [failed("c")])
    found = read(OpenAIBatch(), errors, made)
    assert by_id(found, "llm", "prompt", "status") == {
        "a": ("tiny-2025-01-01", None, None),
        "b": ("tiny-2025-01-01", None, None),
        "c": ("tiny-2025-01-01", None, "error"),
    }
    assert found.rejected == []


def test_a_failure_without_a_model_needs_one(tmp_path: Path) -> None:
    errors = write_lines(tmp_path / "errors.jsonl", [failed("a")])
    with pytest.raises(InputError, match=r"no model is stated.*--option llm=NAME"):
        read(OpenAIBatch(), errors)
    assert read(OpenAIBatch(llm="tiny"), errors).column("llm") == ["tiny"]


def test_two_batches_with_the_same_ids_are_told_apart_by_name_folder_or_model(tmp_path: Path) -> None:
    for place, word in (("one", "red"), ("two", "blue")):
        write_lines(tmp_path / place / "input.jsonl", [request("a", f"{word}?")])
        write_lines(tmp_path / place / "output.jsonl", [result("a", completion(word))])
        write_lines(tmp_path / f"{word}_requests.jsonl", [request("a", f"{word}?")])
        write_lines(tmp_path / f"{word}_results.jsonl", [result("a", completion(word))])
    folders = sorted(tmp_path.glob("*/*.jsonl"))
    names = sorted(tmp_path.glob("*.jsonl"), reverse=True)
    for paths in (folders, names, folders[::-1]):
        pairs = [(row["prompt"], row["response"]) for row in read(OpenAIBatch(), *paths).rows]
        assert sorted(pairs) == [("blue?", "blue"), ("red?", "red")]
    models = [
        write_lines(tmp_path / "1.jsonl", [request("a", "big?", "big")]),
        write_lines(tmp_path / "2.jsonl", [result("a")]),
        write_lines(tmp_path / "3.jsonl", [request("a", "tiny?")]),
        write_lines(tmp_path / "4.jsonl", [result("a", completion(model="big-2025"))]),
    ]
    assert [(r["prompt"], r["served_model"]) for r in read(OpenAIBatch(), *models).rows] == [
        ("big?", "big-2025"),
        ("tiny?", "tiny-2025-01-01"),
    ]


def test_results_that_fit_two_files_of_requests_are_refused(tmp_path: Path) -> None:
    paths = [write_lines(tmp_path / f"{n}.jsonl", [request("a", f"{n}?")]) for n in "pq"]
    with pytest.raises(InputError, match=r"r\.jsonl: its results could be those of p\.jsonl and q\.jsonl"):
        read(OpenAIBatch(), *paths, write_lines(tmp_path / "r.jsonl", [result("a")]))


def test_results_of_two_batches_in_one_file(tmp_path: Path) -> None:
    paths = [write_lines(tmp_path / f"{n}.jsonl", [request(n, f"{n}?"), request(n * 2, f"{n * 2}?")]) for n in "pq"]
    found = read(OpenAIBatch(), *paths, write_lines(tmp_path / "all.jsonl", [result("q"), result("p")]))
    assert by_id(found, "prompt", "status") == {
        "q": ("q?", None),
        "p": ("p?", None),
        "pp": ("pp?", "missing"),
        "qq": ("qq?", "missing"),
    }


def test_several_choices_are_replicates_without_tokens_of_their_own(tmp_path: Path) -> None:
    choices = [{"index": i, "message": {"content": text}, "finish_reason": "stop"} for i, text in ((1, "one"), (0, "zero"))]
    found = read(OpenAIBatch(), write_lines(tmp_path / "out.jsonl", [result("a", completion(choices=choices))]))
    assert [(r["replicate"], r["response"], r["input_tokens"], r["output_tokens"]) for r in found.rows] == [
        (0, "zero", 12, None),
        (1, "one", 12, None),
    ]


def test_the_same_prompt_of_one_llm_is_answered_again(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "in.jsonl", [request("a"), request("b"), request("c", model="big")])
    made = write_lines(tmp_path / "out.jsonl", [result("a"), result("b", completion("Red.")), result("c")])
    found = read(OpenAIBatch(), asked, made)
    assert by_id(found, "replicate", "llm") == {"a": (0, "tiny"), "b": (1, "tiny"), "c": (0, "big")}


def test_the_responses_api(tmp_path: Path) -> None:
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_767_225_600,
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "model": "tiny-2025",
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Colours."}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Bl"}]},
        ],
        "usage": {"input_tokens": 7, "output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 6}},
    }
    asked = {"model": "tiny", "instructions": "Be short.", "input": "Name one.", "reasoning": {"effort": "high"}}
    inputs = write_lines(tmp_path / "i.jsonl", [{"custom_id": "a", "url": "/v1/responses", "body": asked}])
    found = read(OpenAIBatch(), inputs, write_lines(tmp_path / "o.jsonl", [result("a", body)]))
    row = found.rows[0]
    assert row["messages"] == [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Name one."}]
    assert (row["response"], row["reasoning"], row["finish_reason"]) == ("Bl", "Colours.", "max_output_tokens")
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (7, 8, 6)
    assert row["sampling"]["effort"] == "high"
    assert found.normal_table["finish_reason"].to_pylist() == ["length"]


def test_anthropic_batches(tmp_path: Path) -> None:
    message = {
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Blue."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 0, "output_tokens": 2},
    }
    params = {
        "model": "claude-x",
        "system": "Be short.",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Name one."}],
    }
    inputs = write_lines(tmp_path / "requests.jsonl", [{"custom_id": n, "params": params} for n in "abcd"])
    refused = {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request", "message": "Too many."}}}
    outcomes = [{"type": "succeeded", "message": message}, refused, {"type": "expired"}, {"type": "canceled"}]
    made = write_lines(
        tmp_path / "results.jsonl", [{"custom_id": n, "result": r} for n, r in zip("abcd", outcomes, strict=True)]
    )
    found = read(OpenAIBatch(), made, inputs)
    assert by_id(found, "status", "error", "response", "reasoning") == {
        "a": (None, None, "Blue.", "Hm."),
        "b": ("error", "Too many.", None, None),
        "c": ("error", "the request is expired", None, None),
        "d": ("error", "the request is canceled", None, None),
    }
    assert found.rows[0]["input_tokens"] == 10
    assert found.rows[0]["cached_tokens"] == 7
    assert [m["role"] for m in found.rows[0]["messages"]] == ["system", "user"]


def test_vllm_results_and_paths_of_models(tmp_path: Path) -> None:
    model = "/data/models--lab--tiny-1b/snapshots/abc"
    asked = write_lines(tmp_path / "in.jsonl", [request("a", model=model), request("b", "B?", "/srv/models/big-7b/")])
    answer = {"status_code": 200, "request_id": "v", "body": completion(model=model)}
    lines = [
        {"id": "vllm-1", "custom_id": "a", "response": answer, "error": None},
        {"id": "vllm-2", "custom_id": "b", "response": {"status_code": 400, "request_id": "v", "body": None},
         "error": {"object": "error", "message": "No such model.", "type": "BadRequestError", "code": 400}},
    ]  # fmt: skip
    found = read(OpenAIBatch(), asked, write_lines(tmp_path / "out.jsonl", lines))
    assert by_id(found, "llm", "status", "error") == {
        "a": ("lab/tiny-1b", None, None),
        "b": ("big-7b", "error", "No such model."),
    }


def test_embeddings_are_no_answers_and_are_counted(tmp_path: Path) -> None:
    url = "/v1/embeddings"
    asked = [{"custom_id": "e", "url": url, "body": {"model": "m", "input": "x"}}, request("a")]
    body = {"object": "list", "data": [{"object": "embedding", "embedding": [0.1]}], "model": "m"}
    paths = [write_lines(tmp_path / "in.jsonl", asked), write_lines(tmp_path / "out.jsonl", [result("e", body), result("a")])]
    found = read(OpenAIBatch(), *paths)
    assert found.column("source_id") == ["a"]
    assert found.notes == [
        "1 record is left out: requests to embeddings, which ask for no answer",
        "1 record is left out: results of embedding, which are no answers",
    ]
    with pytest.raises(InputError, match=r"only\.jsonl: no result of a batch in it \(results of embedding"):
        read(OpenAIBatch(), write_lines(tmp_path / "only.jsonl", [result("e", body)]))


def test_refusals_calls_of_tools_and_images(tmp_path: Path) -> None:
    picture = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    asked = [request("a"), request("b", "Call."), request("c", messages=[{"role": "user", "content": picture}])]
    declined, called = completion(None), completion(None)
    declined["choices"][0]["message"]["refusal"] = "I cannot."
    called["choices"][0] |= {"finish_reason": "tool_calls"}
    called["choices"][0]["message"]["tool_calls"] = [{"id": "t", "function": {"name": "f", "arguments": "{}"}}]
    made = [result("a", declined), result("b", called), result("c")]
    found = read(OpenAIBatch(), write_lines(tmp_path / "i.jsonl", asked), write_lines(tmp_path / "o.jsonl", made))
    responses = by_id(found, "response", "prompt", "finish_reason")
    assert (responses["a"][0], responses["a"][2]) == ("I cannot.", "refusal")
    assert '"name": "f"' in responses["b"][0]
    assert responses["c"][1].startswith("What is it?\n[image_url ")


def test_a_key_in_an_error_is_not_carried_over(tmp_path: Path) -> None:
    error = {"message": "Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwx1234. For jo@mail.example-firm.de"}
    found = read(OpenAIBatch(llm="tiny"), write_lines(tmp_path / "e.jsonl", [failed("a", error)]))
    assert found.rows[0]["error"].startswith("Incorrect API key provided: ")
    assert "abcdefgh" not in found.rows[0]["error"]
    assert "jo@" not in found.rows[0]["error"]


def test_bad_lines_cost_no_others(tmp_path: Path) -> None:
    lines = [result("a"), {"response": {}}, result("b", [1]), result("c") | {"response": "x"}, {"custom_id": "d"}, 7]
    found = read(OpenAIBatch(), write_lines(tmp_path / "out.jsonl", lines))
    assert found.column("source_id") == ["a"]
    assert [row for _, row, _ in found.reasons] == [1, 2, 3, 4, 5]
    twice = write_lines(tmp_path / "in.jsonl", [request("a"), request("a", "Other?")])
    assert read(OpenAIBatch(), twice).reasons == [
        ("in.jsonl", 1, "custom_id is that of an earlier request, expected one of its own")
    ]


def test_an_empty_file_of_errors_is_noted(tmp_path: Path) -> None:
    empty = write(tmp_path / "errors.jsonl", b"")
    found = read(OpenAIBatch(), empty, write_lines(tmp_path / "out.jsonl", [result("a")]))
    assert len(found.rows) == 1
    assert found.notes == ["the file is empty: a batch without errors may have such a file of errors"]


def test_the_options(tmp_path: Path) -> None:
    paths = write_lines(tmp_path / "in.jsonl", [request("a")]), write_lines(tmp_path / "out.jsonl", [result("a")])
    assert read(OpenAIBatch(by="served", task="colours"), *paths).normal_table.select(["llm", "task"]).to_pylist() == [
        {"llm": "tiny-2025-01-01", "task": "colours"}
    ]
    assert read(OpenAIBatch(llm="mine"), *paths).column("llm") == ["mine"]
    with pytest.raises(UnknownNameError):
        read(OpenAIBatch(by="other"), *paths)


def test_a_release_of_a_folder(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_lines(runs / "batch_1_input.jsonl", [request("a"), request("b", "B?")])
    write_lines(runs / "batch_1_output.jsonl", [result("a")])
    write_lines(runs / "batch_1_error.jsonl", [failed("b")])
    out = build("openai_batch", [runs], tmp_path / "out", workers=1)
    assert lfb.validate(tmp_path / "out") == []
    assert sorted(out.table("responses").to_table()["status"].to_pylist()) == ["error", "ok"]


def test_the_real_file() -> None:
    [path] = real_logs("formats/openai_batch/batch_output.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = read(OpenAIBatch(), path)
    assert found.rejected == []
    assert len(found.rows) == len(lines) == 3
    for row, line in zip(found.rows, lines, strict=True):
        assert (row["source_id"], row["llm"]) == (line["custom_id"], "gpt-4o-mini-2024-07-18")
        if line["response"] is None:
            assert (row["status"], row["error"]) == ("error", line["error"]["message"])
            continue
        body = line["response"]["body"]
        assert row["response"] == body["choices"][0]["message"]["content"]
        assert row["finish_reason"] == body["choices"][0]["finish_reason"]
        assert row["output_tokens"] == body["usage"]["completion_tokens"]
