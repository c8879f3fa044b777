"""What a line of results says, in the layouts of OpenAI and of `vllm run-batch`, whole or broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting import batch_results
from llmfusionbench.builders.collecting.batch_results import result_of, results_of
from llmfusionbench.redaction import keep_secret
from tests.helpers.chat_server import completion

BODY = json.loads(completion("yes", "served"))


def line(**fields: Any) -> bytes:
    return json.dumps({"id": "batch_req_1", "custom_id": "k", "response": None, "error": None} | fields).encode()


def test_an_answer() -> None:
    result = result_of(line(response={"status_code": 200, "request_id": "r", "body": BODY}))
    assert result is not None
    attempt = result.attempt
    assert (result.key, result.made, attempt.status, attempt.response) == ("k", True, "ok", "yes")
    assert (attempt.served_model, attempt.input_tokens, attempt.output_tokens) == ("served", 7, 3)
    assert (attempt.finish_reason, attempt.charged, attempt.http_status, attempt.latency_s) == ("stop", True, 200, None)


def test_reasoning_and_an_empty_answer() -> None:
    message = {"role": "assistant", "content": "", "reasoning_content": "let me think"}
    body = BODY | {"choices": [{"index": 0, "finish_reason": "length", "message": message}]}
    result = result_of(line(response={"status_code": 200, "request_id": "r", "body": body}))
    assert result is not None
    assert (result.attempt.status, result.attempt.reasoning, result.attempt.finish_reason) == (
        "empty",
        "let me think",
        "length",
    )


def test_a_refusal_is_one_although_it_ends_with_stop() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot"}
    body = BODY | {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    result = result_of(line(response={"status_code": 200, "request_id": "r", "body": body}))
    assert result is not None
    assert (result.attempt.status, result.attempt.response, result.attempt.finish_reason) == ("ok", "I cannot", "refusal")


@pytest.mark.parametrize(
    ("fields", "passing", "refused", "charged", "said"),
    [
        ({"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}}, True, False, False, "slow down"),
        ({"response": {"status_code": 500, "body": {"error": {"message": "oops"}}}}, True, False, False, "oops"),
        ({"response": {"status_code": 400, "body": {"error": {"message": "too long"}}}}, False, False, False, "too long"),
        ({"response": {"status_code": 404, "body": {"error": {"message": "no model"}}}}, False, True, False, "no model"),
        ({"response": {"status_code": 400, "request_id": "v"}, "error": "bad request"}, False, False, False, "bad request"),
        (
            {"response": {"status_code": 400, "body": None}, "error": {"error": {"message": "too many tokens", "code": 400}}},
            False, False, False, "too many tokens",
        ),
        ({"error": {"code": "request_timeout", "message": "timed out"}}, True, False, False, "timed out"),
        ({"error": {"code": "bad_model", "message": "unknown"}}, False, False, False, "unknown"),
        ({"response": {"status_code": 200, "body": {"error": {"message": "busy", "code": 503}}}}, True, False, True, "busy"),
        ({"response": {"status_code": 200, "body": None}}, True, False, True, "no response"),
    ],
)  # fmt: skip
def test_failures(fields: dict[str, Any], passing: bool, refused: bool, charged: bool, said: str) -> None:
    result = result_of(line(**fields))
    assert result is not None
    attempt = result.attempt
    assert (attempt.status, attempt.passing, attempt.refused, attempt.charged) == ("error", passing, refused, charged)
    assert said in str(attempt.error)
    assert result.made


@pytest.mark.parametrize("code", ["batch_expired", "batch_cancelled"])
def test_a_request_that_was_not_made(code: str) -> None:
    result = result_of(line(error={"code": code, "message": "could not be executed in time"}))
    assert result is not None
    assert (result.made, result.attempt.passing, result.attempt.charged) == (False, True, False)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b'{"custom_id": "k"}', b'{"response": {}}', b'{"custom_id": "k", "body": {}}', b"\xff\xfe",
        b"[" * 10**5,
    ],
)  # fmt: skip
def test_lines_that_are_not_results(text: bytes) -> None:
    assert result_of(text) is None


def test_vllm_names_the_body_itself_in_some_versions() -> None:
    result = result_of(line(response=BODY))
    assert result is not None
    assert (result.attempt.status, result.attempt.response) == ("ok", "yes")


def test_secrets_do_not_come_through() -> None:
    keep_secret("sk-hidden-from-all")
    said = {"status_code": 400, "body": {"error": {"message": "wrong key sk-hidden-from-all"}}}
    result = result_of(line(response=said))
    assert result is not None
    assert "[secret]" in str(result.attempt.error)
    body = json.loads(completion("the key is sk-hidden-from-all"))
    result = result_of(line(response={"status_code": 200, "body": body}))
    assert result is not None
    assert result.attempt.response == "the key is [secret]"


def test_a_file_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank lines do not count; one that is too long costs no other."""
    monkeypatch.setattr(batch_results, "LONGEST", 10_000)
    good = line(response={"status_code": 200, "body": BODY})
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"\n".join([good, b"", b"x" * 50_000, b"{", good[:40]]) + b"\n" + good)
    found = list(results_of(path))
    assert [result.key if result else None for result in found] == ["k", None, None, None, "k"]


def test_a_stated_cost_that_is_no_amount_is_none() -> None:
    for cost in (10**400, -1, True, "1"):
        result = result_of(line(response={"status_code": 200, "body": BODY | {"usage": {"cost": cost}}}))
        assert result is not None
        assert result.attempt.stated_cost is None
