"""Providers that refuse, have no room, lose replies, or send keys elsewhere."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.batch_manner import Manner, Poll
from tests.helpers.batch_runs import batched, calls_of, endpoint_at, records, states
from tests.helpers.batch_server import DROP, LOST, serving_batches

KEY = "sk-batches-are-secret-too"


def error(status: int, message: str, code: str | None = None, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return status, {"error": {"message": message, "code": code}}, headers


@pytest.mark.parametrize("fault", [LOST, error(500, "oops"), error(502, "bad gateway")], ids=["lost", "500", "502"])
@pytest.mark.parametrize("step", ["upload", "list", "retrieve", "content"])
def test_steps_that_fail_are_done_again(tmp_path: Path, step: str, fault: object) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults[step] = [fault, fault]
        server.faults["create"] = [DROP]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(3))
    assert (result.answered, server.charged, len(server.batches)) == (3, 3, 1)
    assert len(records(tmp_path, "attempt")) == 3


def test_the_reason_of_a_failure_is_said_when_it_comes_and_once(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["upload"] = [error(500, f"oops, request {n}") for n in (1, 2, 3)]
        server.faults["create"] = [error(429, "too many", **{"Retry-After": "77"})]
        batched(tmp_path, [endpoint_at(server.url)], calls_of(2), said=said)
    assert said[:2] == [
        f"m: {server.url}: status 500: oops, request 1. It is tried again",
        f"m: {server.url}: status 429: too many. The server asks to wait 77 s. It is tried again",
    ]
    assert said[2].startswith("m: batch m-1 is submitted")


def test_a_run_that_does_not_wait_states_who_tries_again(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["upload"] = [error(500, "oops")]
        batched(tmp_path, [endpoint_at(server.url)], calls_of(2), said=said, manner=Manner(wait=False))
    assert said == [f"m: {server.url}: status 500: oops. The same command tries it again later"]


def test_a_provider_that_never_creates_a_batch_is_given_up_for_now(tmp_path: Path) -> None:
    """Its list of batches works, which is no sign that it creates any."""
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [error(500, "oops")] * 50
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2), manner=Manner(faults=3))
        assert (server.count("POST", "/v1/batches"), result.in_batches) == (4, 2)
    assert "start the same command again later" in result.closed["m"]


def test_a_batch_that_is_refused_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a reason that may pass: the provider gets more time with each refusal, and the user knows the reason."""
    said, waits = list[str](), list[float]()

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    problem = {"code": "server_error", "message": "try later", "line": None}
    with serving_batches(lambda body, _: "yes") as server:
        with monkeypatch.context() as patched:
            patched.setattr(server, "_problems", lambda _: [problem])
            result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2), manner=Manner(faults=3), said=said, pause=pause)
            assert (len(server.batches), len(result.closed)) == (4, 1)
        assert waits == [5.0, 10.0, 20.0]
        assert said.count("m: the provider refused batch m-1: try later (server_error). It is tried again") == 1
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, server.charged) == (2, 2)


def test_a_batch_whose_reply_was_lost_is_not_created_again(tmp_path: Path) -> None:
    """It is looked for in the provider's list, which shows it, page by page, among those of others."""
    with serving_batches(lambda body, _: "yes") as server:
        server.files["file-other"] = ("other.jsonl", b"")
        other = {"input_file_id": "file-other", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        server.faults["create"] = [lambda: LOST if [server.create(other) for _ in range(6)] else None]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(3))
    assert (result.answered, server.charged, server.count("POST", "/v1/batches")) == (3, 3, 1)
    assert server.count("GET", "/v1/batches") == 4
    submitted = [record for record in records(tmp_path, "batch") if record["state"] == "submitted"]
    assert [record["batch_id"] for record in submitted] == ["batch_1"]


def test_a_list_that_lags_behind_is_looked_at_twice(tmp_path: Path) -> None:
    empty = (200, {"object": "list", "data": [], "has_more": False}, {})
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [LOST]
        server.faults["list"] = [empty]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, len(server.batches), server.count("GET", "/v1/batches")) == (2, 1, 2)


def test_a_provider_that_keeps_no_metadata(tmp_path: Path) -> None:
    """A batch is known by its file too."""
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [LOST]
        server.faults["list"] = [lambda: [batch.update(metadata=None) for batch in server.batches.values()], None]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, len(server.batches)) == (2, 1)


def test_no_room_for_a_batch_now(tmp_path: Path) -> None:
    """Status 429 when a batch is created: the provider's wait is honoured, and the run goes on."""
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    with serving_batches(lambda body, _: "yes") as server:
        full = error(429, "too many batches", "rate_limit_exceeded", **{"Retry-After": "77"})
        server.faults["create"] = [full] * 12
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2), pause=pause, poll=Poll(first_s=1.0, most_s=100.0))
    assert (result.answered, len(server.batches), len(server.files)) == (2, 1, 2)
    assert waits[:12] == [77.0] * 7 + [100.0] * 5
    assert server.count("GET", "/v1/batches") == 0


def test_the_queue_of_tokens_is_full_of_own_batches(tmp_path: Path) -> None:
    """A batch that the provider fails for lack of room is submitted again when another one has ended."""
    with serving_batches(lambda body, _: "yes", most_enqueued=4) as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(9), manner=Manner(most_requests=3))
    assert (result.answered, server.charged, result.closed) == (9, 9, {})
    assert any("failed" in states(tmp_path, f"m-{n}") and "taken" in states(tmp_path, f"m-{n}") for n in (2, 3))
    assert len(server.files) - len([f for f in server.files if "output" in f]) == 3


def test_a_batch_that_is_too_large_for_the_queue_is_halved(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes", most_enqueued=3) as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(10), said=said)
    assert (result.answered, server.charged) == (10, 10)
    assert "m: Enqueued token limit reached (token_limit_exceeded). Its next batches have up to 5 requests" in said


def test_a_batch_of_two_is_halved(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes", most_enqueued=1) as server:
        assert batched(tmp_path, [endpoint_at(server.url)], calls_of(2), said=said).answered == 2
    assert "m: Enqueued token limit reached (token_limit_exceeded). Its next batches have up to 1 request" in said


def test_lines_that_the_provider_refuses_cost_no_other(tmp_path: Path) -> None:
    calls = [*calls_of(2), *calls_of(1, start=2, text="INVALID {}"), *calls_of(2, start=3)]
    with serving_batches(lambda body, _: "yes") as server:
        result = batched(tmp_path, [endpoint_at(server.url)], calls)
    assert (result.answered, result.failed, server.charged) == (4, 1, 4)
    assert states(tmp_path, "m-1")[-1] == "failed"
    (final,) = [a for a in records(tmp_path, "attempt") if a["final"] and a["status"] == "error"]
    assert (final["slot"][0], final["error"], final["cost_usd"]) == ("q2", "the line is not valid", 0)


def test_a_refused_batch_stops_its_llm_alone(tmp_path: Path) -> None:
    bad = calls_of(2, "bad", model="other")
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.unknown = {"other"}
        endpoints = [endpoint_at(server.url, name) for name in ("bad", "good")]
        result = batched(tmp_path, endpoints, [*bad, *calls_of(2, "good", start=5)], said=said)
    assert (result.answered, result.failed, result.not_started) == (2, 0, 2)
    assert result.closed == {"bad": "the provider refused a batch: the file is not valid (invalid_file)"}
    assert [line for line in said if line.startswith("bad: the provider")] == [
        "bad: the provider refused a batch: the file is not valid (invalid_file). It gets no more batches now; the others go on"
    ]


def test_the_key_comes_from_the_environment_and_is_in_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with serving_batches(lambda body, _: f"your key is {KEY}", key=KEY) as server:
        server.faults["retrieve"] = [error(500, f"key {KEY} is tired")]
        result = batched(tmp_path, [endpoint_at(server.url, key_variable="BATCH_KEY")], calls_of(2), said=said)
    assert result.answered == 2
    assert all(headers["authorization"] == f"Bearer {KEY}" for _, _, headers in server.seen)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(texts) > 3
    assert not any(KEY in text for text in [*texts, *said, caplog.text])
    assert records(tmp_path, "attempt")[0]["response"] == "your key is [secret]"


def test_a_wrong_key_stops_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", "sk-expired-long-ago")
    said: list[str] = []
    with serving_batches(lambda body, _: "yes", key=KEY) as server:
        endpoint = endpoint_at(server.url, key_variable="BATCH_KEY")
        result = batched(tmp_path, [endpoint], calls_of(2), said=said)
        assert (result.in_batches, len(said), len(server.seen)) == (2, 1, 1)
        assert "status 401" in said[0]
        assert "expired-long-ago" not in said[0]
        monkeypatch.setenv("BATCH_KEY", KEY)
        result = batched(tmp_path, [endpoint], calls_of(2))
    assert (result.answered, server.charged) == (2, 2)


@pytest.mark.parametrize("step", ["upload", "create", "retrieve", "content"])
def test_a_redirect_to_another_host_gets_neither_key_nor_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)
    with serving_batches(lambda body, _: "yes") as server, serving_batches(lambda body, _: "stolen") as thief:
        server.faults[step] = [error(307, "over there", Location=f"{thief.url}/files")]
        result = batched(tmp_path, [endpoint_at(server.url, key_variable="BATCH_KEY")], calls_of(2))
        assert thief.seen == []
        assert "a redirect to another server" in result.closed["m"]
        assert result.in_batches == 2
        result = batched(tmp_path, [endpoint_at(server.url, key_variable="BATCH_KEY")], calls_of(2))
    assert (result.answered, server.charged, len(server.batches)) == (2, 2, 1)


def test_a_provider_that_is_gone_is_given_up_for_now(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["retrieve"] = [DROP] * 20
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2), manner=Manner(faults=3))
        assert (result.in_batches, server.count("GET", "/v1/batches/.*")) == (2, 4)
        assert "start the same command again later" in result.closed["m"]
        server.faults.clear()
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert (result.answered, len(server.batches)) == (2, 1)


def test_a_model_that_the_provider_does_not_know_fails_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI states it for each line; a later run makes the calls."""
    with serving_batches(lambda body, _: "yes") as server:
        problem = {
            "code": "model_not_found",
            "message": "'test-model' is not supported by the Batch API",
            "param": "body.model",
        }
        with monkeypatch.context() as patched:
            patched.setattr(server, "_problems", lambda _: [problem | {"line": line} for line in (1, 2)])
            result = batched(tmp_path, [endpoint_at(server.url)], calls_of(3))
        assert (result.failed, result.not_started, len(server.batches)) == (0, 3, 1)
        assert "'test-model' is not supported by the Batch API" in result.closed["m"]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(3))
    assert (result.answered, server.charged) == (3, 3)


def test_batches_grow_again_after_they_were_halved(tmp_path: Path) -> None:
    """A queue that others had filled has room later."""
    with serving_batches(lambda body, _: "yes", most_enqueued=1) as server:

        def answer(body: dict[str, Any], _: int) -> str:
            server.most_enqueued = 10**9
            return "yes"

        server.answer = answer
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(40), max_cost=0.0012)
        assert (result.answered, server.charged) == (40, 40)
        sizes = [len(server.files[b["input_file_id"]][1].splitlines()) for b in server.batches.values() if not b["errors"]]
    assert sizes[0] == 1
    assert max(sizes[3:]) >= 4


def test_what_a_provider_says_of_a_wrong_key_is_not_repeated(tmp_path: Path) -> None:
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["upload"] = [error(401, "Incorrect API key provided: sk-ab****wxyz")]
        batched(tmp_path, [endpoint_at(server.url)], calls_of(2), said=said)
    assert ("status 401" in said[0], "wxyz" in said[0]) == (True, False)


def test_an_account_without_funds_is_not_asked_again(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [(429, {"error": {"message": "pay first", "code": None, "type": "insufficient_quota"}}, {})]
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(2))
    assert ("pay first" in result.closed["m"], server.count("POST", "/v1/batches")) == (True, 1)
