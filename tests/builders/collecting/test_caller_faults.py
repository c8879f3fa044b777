"""Every fault of a network and a provider in one attempt: its name, whether it may pass, and whether it may be charged for."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
from typing import Any

import pytest

from llmfusionbench.builders.collecting import caller as caller_module
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.http_client import OfficialClient
from llmfusionbench.builders.reading.run_files import REPLY_BYTES
from tests.builders.collecting.test_caller import ASK, attempt_of, attempts
from tests.helpers.faulty_chat_server import DROP, HANG, RESET, Step, answer, completion, faulty, http, status, streamed


def failed(step: Step, **endpoint: Any) -> tuple[bool, bool, bool]:
    """Whether the failure is passing, refused and charged."""
    found = attempt_of(step, **endpoint)
    assert (found.status, found.response) == ("error", None)
    assert found.error
    return found.passing, found.refused, found.charged


@pytest.mark.parametrize(
    ("code", "fate"),
    [
        (400, (False, False, False)),
        (401, (False, True, False)),
        (402, (False, True, False)),
        (403, (False, True, False)),
        (404, (False, True, False)),
        (408, (True, False, False)),
        (409, (True, False, False)),
        (413, (False, False, False)),
        (422, (False, False, False)),
        (429, (True, False, False)),
        (500, (True, False, False)),
        (502, (True, False, False)),
        (503, (True, False, False)),
        (504, (True, False, True)),
        (524, (True, False, True)),
        (529, (True, False, False)),
        (300, (False, True, False)),
    ],
)
def test_statuses(code: int, fate: tuple[bool, bool, bool]) -> None:
    assert failed(status(code, "No.")) == fate


def test_one_attempt_is_one_request() -> None:
    with faulty(lambda _: status(503, headers={"Retry-After": "0"})) as server:
        (found,) = attempts(Endpoint(name="a", url=server.url, model="m", retries=5), ASK)
        assert (len(server.requests), found.http_status, found.error) == (1, 503, "status 503")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error": {"message": "Too many\\n tokens"}}', "status 400: Too many tokens"),
        (b'{"error": "Too many"}', "status 400: Too many"),
        (b'{"detail": [{"msg": "no field x"}]}', "status 400: no field x"),
        (b'{"object": "error", "message": "Too many"}', "status 400: Too many"),
        (b'{"error": {"message": "\\u001b[31mred"}}', "status 400: ?[31mred"),
        (b'{"error": {"message": "' + b"long " * 9999 + b'"}}', "status 400: " + ("long " * 60)[:300] + "..."),
        (b"<html>Bad gateway</html>", "status 400"),
        (b"[" * 99_999, "status 400"),
        (b"x" * 20_000_000, "status 400"),
        (b"", "status 400"),
    ],
)
def test_the_reason_of_the_server_is_kept_in_one_line(body: bytes, error: str) -> None:
    assert attempt_of(http(body, "400 Bad")).error == error


def test_no_funds_and_moderation() -> None:
    """Waiting does not help the first; the second is about this request alone."""
    assert failed(status(429, "You exceeded your quota", code="insufficient_quota")) == (False, True, False)
    assert failed(status(429, "Slower", code="rate_limit_exceeded")) == (True, False, False)
    assert failed(status(403, "Flagged", metadata={"reasons": ["violence"]})) == (False, False, False)


def test_an_expired_key_is_refused_without_the_text_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-expired-key")
    found = attempt_of(status(401, "Incorrect API key provided: sk-exp***key"), key_variable="SOME_KEY")
    assert (found.refused, found.passing) == (True, False)
    assert found.error == "status 401: the server does not accept the API key in $SOME_KEY"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Date": "Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 2024 00:00:30 GMT"}, 30.0),
        ({"Date": "Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After": "Sun, 31 Dec 2023 00:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait(headers: dict[str, str], wait: float | None) -> None:
    found = attempt_of(status(429, "Slower", headers=headers))
    assert (found.retry_after_s, found.passing) == (wait, True)


def test_a_limit_is_stated_with_a_refusal() -> None:
    found = attempt_of(status(429, headers={"x-ratelimit-remaining-tokens": "0", "x-ratelimit-limit-tokens": "1000"}))
    assert found.limits is not None
    assert (found.limits.tokens_left, found.limits.tokens_per_minute) == (0, 1000.0)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (HANG, "no answer within 0.3 seconds"),
        (Step((b"HTTP/1.1 200 OK\r\nContent-Type: appl",), "hang"), "no answer within 0.3 seconds"),
        (http(b'{"choices"', headers={"Content-Length": "999"}, end="hang"), "no answer within 0.3 seconds"),
        (Step((b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 1000), pause=0.01), "no answer within 0.3 seconds"),
    ],
    ids=["nothing", "half a head", "half a body", "drops"],
)
def test_a_server_that_hangs_may_charge(step: Step, error: str) -> None:
    found = attempt_of(step, timeout=0.3)
    assert (found.status, found.error, found.passing, found.charged) == ("error", error, True, True)


@pytest.mark.parametrize(
    "step",
    [
        RESET,
        DROP,
        http(b'{"choices"', headers={"Content-Length": "999"}, end="reset"),
        http(b'{"choices"', headers={"Content-Length": "999"}, end="close"),
        Step((b"no HTTP at all\r\n\r\n",), "close"),
        Step((b"HTTP/1.1 200 OK\r\nX: " + b"long" * 200_000 + b"\r\n\r\n",), "close"),
        Step((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",), "close"),
        http(b"no gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["reset", "drop", "reset in the body", "drop in the body", "no HTTP", "long head", "odd chunk", "odd gzip"],
)
def test_an_answer_that_breaks_off_may_be_charged_for(step: Step) -> None:
    assert failed(step) == (True, False, True)


def test_what_was_never_sent_is_not_charged_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (f"http://127.0.0.1:{taken.getsockname()[1]}", "http://no-such-host.invalid"):
            (found,) = attempts(Endpoint(name="a", url=url, model="m", timeout=20.0), ASK)
            assert (found.status, found.passing, found.charged, found.http_status) == ("error", True, False, None)


def test_a_server_that_takes_no_connection_in_time_does_not_charge() -> None:
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        endpoint = Endpoint(name="a", url=f"http://127.0.0.1:{full.getsockname()[1]}", model="m", timeout=0.5)
        found = attempts(endpoint, *[ASK] * 3, together=True)
    assert {one.error for one in found} == {"no answer within 0.5 seconds"}
    assert False in {one.charged for one in found}  # the queue of the system has room for one or two of them


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", "the answer is not JSON"),
        (b'{"choices": [', "the answer is not JSON"),
        (b'{"choices": "\xff"}', "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON"),
        (b"", "the answer is not JSON"),
        (b"[]", "the answer is not a JSON object"),
        (b"{}", "the answer is empty"),
        (b'{"choices": []}', "an error in the answer: the response has no choices"),
        (b'{"choices": null}', "an error in the answer: the response has no choices"),
        (b'{"choices": [3]}', "the answer has an unknown shape: response.choices[0] is 3, expected an object"),
        (b'{"object": "list", "data": [3]}', None),
    ],
)
def test_malformed_answers(body: bytes, error: str | None) -> None:
    found = attempt_of(http(body))
    assert (found.status, found.response, found.passing, found.charged) == ("error", None, True, True)
    assert error is None or found.error == error


def test_a_page_in_place_of_an_answer() -> None:
    found = attempt_of(http(b"<html>Sign in</html>", kind="text/html; charset=utf-8"))
    assert (found.error, found.passing) == ("the answer is not JSON but text/html", True)
    assert attempt_of(http(json.dumps(completion("42")).encode(), kind="text/plain")).response == "42"


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        ({"message": "Busy", "code": 503}, (True, False, False)),
        ({"message": "Late", "code": 504}, (True, False, True)),
        ({"message": "Slower", "code": "429"}, (True, False, False)),
        ({"message": "Bad", "code": 400}, (False, False, False)),
        ({"message": "No key", "code": 401}, (False, True, False)),
        ({"message": "Odd", "code": "odd"}, (True, False, True)),
        ({"message": "Odd", "code": True}, (True, False, True)),
    ],
)
def test_an_error_with_status_200(error: dict[str, Any], fate: tuple[bool, bool, bool]) -> None:
    assert failed(http(json.dumps({"error": error}).encode())) == fate
    counted = completion(None, reason="error", choice={"error": error}, error=error)
    assert failed(http(json.dumps(counted).encode())) == (*fate[:2], True)
    assert attempt_of(http(json.dumps({"error": error}).encode())).error == f"an error in the answer: {error['message']}"


def test_an_answer_that_is_too_long_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller_module.MAX_REPLY == REPLY_BYTES == 24 * 2**20
    monkeypatch.setattr(caller_module, "MAX_REPLY", 2**20)
    for step in (http(b" " * 2**21), streamed([b": ping\n\n" * 2**15] * 5)):
        found = attempt_of(step)
        assert (found.error, found.passing, found.charged) == ("the answer is longer than 1 MiB", False, True)


def test_a_time_out_of_the_system_is_not_that_of_the_llm(monkeypatch: pytest.MonkeyPatch) -> None:
    """`OSError(ETIMEDOUT)` is a TimeoutError; it states no number of seconds."""

    async def lost(*_: Any) -> None:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")

    monkeypatch.setattr(OfficialClient, "ask", lost)
    found = attempt_of(http(b"{}"), timeout=77.0)
    assert (found.status, found.passing, found.error) == ("error", True, "the answer broke off (TimeoutError)")


def test_a_redirect_to_another_host_gets_neither_key_nor_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "key-of-a-test")
    for code in (301, 302, 303, 307, 308):
        with faulty(lambda _: answer()) as other:
            step = http(b"", f"{code} Moved", {"Location": f"{other.url}/v1/chat/completions"})
            found = attempt_of(step, key_variable="SOME_KEY")
            assert other.connections == 0
        assert (found.status, found.refused, found.passing, found.charged) == ("error", True, False, False)
        assert found.error == f"status {code}, a redirect to another server ({other.url})"


def test_a_redirect_on_the_same_server_is_followed() -> None:
    move = http(b"", "307 Moved", {"Location": "/elsewhere"})
    with faulty(lambda request: answer("there") if request.path == "/elsewhere" else move) as server:
        (found,) = attempts(Endpoint(name="a", url=server.url, model="m"), ASK)
        assert (found.response, [r.body for r in server.requests]) == ("there", [ASK, ASK])


def test_a_circle_of_redirects_ends() -> None:
    found = attempt_of(http(b"", "307 Moved", {"Location": "/v1/chat/completions"}))
    assert (found.status, found.error) == ("error", "too many redirects")
    assert (found.refused, found.passing, found.charged) == (True, False, False)


def test_after_a_fault_the_next_call_is_answered() -> None:
    steps = [RESET, status(500), HANG, http(b"{", headers={"Content-Length": "9"}, end="reset"), answer("at last")]
    with faulty(lambda request: steps[request.place]) as server:
        found = attempts(Endpoint(name="a", url=server.url, model="m", timeout=0.5), *[ASK] * 5)
    assert [one.status for one in found] == ["error"] * 4 + ["ok"]


def test_a_caller_that_is_cancelled_leaves_no_call_behind() -> None:
    async def run(caller: Caller) -> None:
        task = asyncio.create_task(caller.attempt(ASK))
        await asyncio.to_thread(server.wait_until, lambda s: len(s.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await caller.close()
        assert (await caller.attempt(ASK)).response == "fine"
        await caller.close()

    with faulty(lambda request: answer() if request.place else HANG) as server:
        asyncio.run(run(Caller(Endpoint(name="a", url=server.url, model="m"))))
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (400, "API key expired. Please renew the API key."),
        (400, "API key not valid. Please pass a valid API key."),
        (400, "Incorrect API key provided: ab***yz. Look for yours in the console."),
        (403, "Your token has expired"),
    ],
)
def test_a_key_that_is_refused_by_other_statuses_than_401(code: int, said: str) -> None:
    """Google and xAI answer 400. No other call can succeed, and what the server says of the key is not shown."""
    found = attempt_of(http(json.dumps([{"error": {"code": code, "message": said}}]).encode(), f"{code} X"))
    assert (found.refused, found.passing, found.charged) == (True, False, False)
    wanted = "the server does not accept the API key; none was sent, name its variable with key_variable"
    assert found.error == f"status {code}: {wanted}"


@pytest.mark.parametrize("said", ["The prompt is about an API of a key cutter", "max_tokens is invalid", "Too many tokens"])
def test_another_fault_of_a_request_is_no_fault_of_the_key(said: str) -> None:
    assert failed(status(400, said)) == (False, False, False)


DEEP = (
    '{"choices": [{"message": {"content": "a\\ud83d"}}], "more": %s}',
    '{"choices": [{"message": {"content": "a", "reasoning_details": %s}, "finish_reason": "stop"}]}',
    '{"choices": [{"message": {"content": %s}, "finish_reason": "stop"}]}',
    '{"choices": [{"message": {"content": "", "tool_calls": %s}, "finish_reason": "stop"}]}',
    '{"choices": [{"message": {"content": "a"}, "logprobs": {"content": %s}, "finish_reason": "stop"}]}',
    '{"error": {"message": %s}}',
)
"""Replies in which something may be nested."""


@pytest.mark.parametrize("depth", [300, 500, 900, 990])
@pytest.mark.parametrize("begin", ["[", '{"text": '])
def test_replies_that_are_nested_deep_never_raise(depth: int, begin: str) -> None:
    inner = begin * depth + "1" + {"[": "]"}.get(begin, "}") * depth
    bodies = [(shape % inner).encode() for shape in DEEP]
    for body in bodies:
        whole = attempt_of(http(body))
        pieces = attempt_of(streamed(b"data: " + body.replace(b'"message": {"c', b'"delta": {"c') + b"\n\ndata: [DONE]\n\n"))
        assert {whole.status, pieces.status} <= {"ok", "empty", "error"}


def test_a_cost_that_cannot_be_that_of_an_answer_is_not_taken() -> None:
    assert attempt_of(answer(usage={"cost": 1e308})).stated_cost is None
    assert attempt_of(answer(headers={"x-litellm-response-cost": "1e300"})).stated_cost is None
    assert attempt_of(answer(usage={"cost": 0.25})).stated_cost == 0.25
