"""One attempt at one call, against a real server: what is sent, and what is read out of an answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Attempt, Limits
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.errors import InputError
from tests.helpers.faulty_chat_server import Script, Step, answer, faulty, http

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "one"}], "max_tokens": 9}


def attempts(endpoint: Endpoint, *payloads: Any, together: bool = False) -> list[Attempt]:
    """The attempts at some calls, one after another or all at a time."""

    async def run() -> list[Attempt]:
        caller = Caller(endpoint)
        try:
            if together:
                return list(await asyncio.gather(*(caller.attempt(payload) for payload in payloads)))
            return [await caller.attempt(payload) for payload in payloads]
        finally:
            await caller.close()

    return asyncio.run(run())


def attempt_of(script: Script | Step, payload: Any = ASK, **endpoint: Any) -> Attempt:
    """The attempt at a call to a server with this script."""
    with faulty(script if callable(script) else lambda _: script) as server:
        return attempts(Endpoint(name="a", url=server.url, model="m", **endpoint), payload)[0]


def test_a_plain_answer() -> None:
    found = attempt_of(answer("42", headers={"x-request-id": "req-1"}))
    assert (found.status, found.response, found.finish_reason, found.served_model) == ("ok", "42", "stop", "served")
    assert (found.input_tokens, found.output_tokens, found.http_status, found.request_id) == (7, 3, 200, "req-1")
    assert (found.charged, found.passing, found.refused, found.error) == (True, False, False, None)
    assert found.latency_s is not None
    assert found.latency_s > 0
    assert found.first_token_s is None


def test_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "key-of-a-test")
    monkeypatch.setenv("OPENAI_API_KEY", "never-1")
    monkeypatch.setenv("OPENAI_ORG_ID", "never-2")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Custom: never-3")
    content = [
        {"type": "text", "text": "Was ist das? \U0001f600"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": content}],
        "response_format": {"type": "json_object"},
        "x": 1,
    }
    with faulty(lambda _: answer()) as server:
        endpoint = Endpoint(name="a", url=f"{server.url}/v1/", model="m", key_variable="SOME_KEY")
        attempts(endpoint, body)
        (request,) = server.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/chat/completions", body)
    assert request.headers.pop("authorization") == "Bearer key-of-a-test"
    assert request.headers.pop("user-agent").startswith("llmfusionbench/")
    assert set(request.headers) == {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "x-stainless-raw-response",
    }  # fmt: skip
    assert not any("never" in value for value in request.headers.values())


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("{}", "/v1/chat/completions"),
        ("{}/v1/chat/completions", "/v1/chat/completions"),
        ("{}/api/v1", "/api/v1/chat/completions"),
        ("{}/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("{}/api/paas/v4", "/api/paas/v4/chat/completions"),
        ("{}/chat/completions", "/chat/completions"),
        ("{}/proxy", "/proxy/v1/chat/completions"),
        ("{}/v1?version=2", "/v1/chat/completions?version=2"),
    ],
)
def test_urls(url: str, path: str) -> None:
    with faulty(lambda _: answer()) as server:
        endpoint = Endpoint(name="a", url=url.format(server.url), model="m")
        (found,) = attempts(endpoint, ASK)
        address = Caller(endpoint).address
        assert (found.status, server.requests[0].path) == ("ok", path)
        assert f"{address}/chat/completions" == server.url + path.partition("?")[0]


def test_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "key-of-a-test")
    with faulty(lambda _: answer()) as server:
        endpoint = Endpoint(
            name="a", url=server.url, model="my gpt", api="azure", api_version="2024-10-21", key_variable="SOME_KEY"
        )
        (found,) = attempts(endpoint, ASK)
        (request,) = server.requests
    assert found.status == "ok"
    assert request.path == "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == "key-of-a-test"
    assert "authorization" not in request.headers
    with pytest.raises(InputError, match="no api_version"):
        Caller(Endpoint(name="a", url="https://x.openai.azure.com", model="m", api="azure")).check()


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
def test_v1_of_azure_with_its_way_to_send_the_key(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "key-of-a-test")
    with faulty(lambda _: answer()) as server:
        url = f"{server.url}/openai/v1{end}"
        endpoint = Endpoint(name="a", url=url, model="my gpt", api="azure", key_variable="SOME_KEY")
        (found,) = attempts(endpoint, ASK | {"model": "my gpt"})
        (request,) = server.requests
    assert (found.status, request.path) == ("ok", "/openai/v1/chat/completions")
    assert (request.headers["api-key"], request.body["model"]) == ("key-of-a-test", "my gpt")
    assert "authorization" not in request.headers
    with pytest.raises(InputError, match=r"x/openai/v1: a has the api_version 2024-10-21 and a url of Azure's API v1"):
        Caller(Endpoint(name="a", url="https://x/openai/v1", model="m", api="azure", api_version="2024-10-21")).check()


@pytest.mark.parametrize(
    ("message", "reasoning"),
    [
        ({"reasoning_content": "I think."}, "I think."),
        ({"reasoning": "I think."}, "I think."),
        ({"reasoning": None, "reasoning_details": [{"type": "reasoning.text", "text": "I think."}]}, "I think."),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "In short."}]}, "In short."),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "abc="}]}, None),
        ({"reasoning": "", "reasoning_content": None}, None),
    ],
)
def test_reasoning_in_all_spellings(message: dict[str, Any], reasoning: str | None) -> None:
    found = attempt_of(answer("42", message=message))
    assert (found.response, found.reasoning, found.status) == ("42", reasoning, "ok")


@pytest.mark.parametrize("content", [None, "", [{"type": "refusal", "refusal": "I cannot"}]])
def test_a_refusal_is_one_although_the_server_states_stop(content: Any) -> None:
    found = attempt_of(answer(None, message={"content": content, "refusal": None if content else "I cannot"}))
    assert (found.status, found.response, found.finish_reason) == ("ok", "I cannot", "refusal")


def test_a_think_block_stays_where_it_is() -> None:
    """The builder of a release takes it out."""
    text = "<think>\nHm.\n</think>\n\n42"
    found = attempt_of(answer(text))
    assert (found.response, found.reasoning) == (text, None)


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2}},
            (7, 3, 2, 5, None),
        ),
        ({"cost": 0.25}, (7, 3, None, None, 0.25)),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, (7, 3, None, None, 0.21)),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.2}}, (7, 3, None, None, 0.01)),
        ({"cost": {"total_cost": 0.5}}, (7, 3, None, None, 0.5)),
        ({"cost": -1, "prompt_tokens": "x", "completion_tokens": -2}, (None, None, None, None, None)),
        ({"cost": True, "prompt_cache_hit_tokens": 4}, (7, 3, None, 4, None)),
    ],
)
def test_counts_and_costs(usage: dict[str, Any], counts: tuple[Any, ...]) -> None:
    found = attempt_of(answer(usage=usage))
    stated = (found.input_tokens, found.output_tokens, found.reasoning_tokens, found.cached_tokens, found.stated_cost)
    assert stated == pytest.approx(counts)


@pytest.mark.parametrize(("text", "cost"), [("0.125", 0.125), ("free", None), ("nan", None), ("-1", None)])
def test_the_cost_in_a_header(text: str, cost: float | None) -> None:
    assert attempt_of(answer(headers={"x-litellm-response-cost": text})).stated_cost == cost


def test_a_refusal_and_calls_of_tools_are_texts() -> None:
    refusal = attempt_of(answer(None, message={"refusal": "I can't help with that."}))
    assert (refusal.status, refusal.response) == ("ok", "I can't help with that.")
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    calling = attempt_of(answer(None, reason="tool_calls", message={"tool_calls": [call]}))
    assert (calling.status, calling.finish_reason) == ("ok", "tool_calls")
    assert json.loads(str(calling.response)) == [call]


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_an_answer_without_a_text(text: str | None) -> None:
    found = attempt_of(answer(text, reason="length"))
    assert (found.status, found.response, found.finish_reason) == ("empty", text or "", "length")
    assert (found.charged, found.passing) == (True, False)


def test_log_probabilities_are_kept() -> None:
    tokens = [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "5", "logprob": -2.0}]}]
    assert attempt_of(answer("4", choice={"logprobs": {"content": tokens}})).logprobs == tokens
    assert attempt_of(answer("4", choice={"logprobs": None})).logprobs is None


def test_an_answer_of_10_mb() -> None:
    text = "€uro " * 2_000_000
    found = attempt_of(answer(text))
    assert (found.status, found.response) == ("ok", text)


def test_an_answer_in_gzip() -> None:
    import gzip

    data = gzip.compress(answer("packed").pieces[0].partition(b"\r\n\r\n")[2])
    assert attempt_of(http(data, headers={"Content-Encoding": "gzip"})).response == "packed"


def test_limits_of_rates_are_passed_on() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
    }
    found = attempt_of(answer(headers=headers))
    assert found.limits == Limits(requests_per_minute=500.0, requests_left=499, requests_reset_s=0.12)
    assert attempt_of(answer()).limits is None


def test_a_lone_surrogate_is_sent() -> None:
    odd = {**ASK, "messages": [{"role": "user", "content": "a\ud800b"}]}
    with faulty(lambda _: answer()) as server:
        (found,) = attempts(Endpoint(name="a", url=server.url, model="m"), odd)
        assert (found.status, server.requests[0].text) == ("ok", "a\ud800b")


@pytest.mark.filterwarnings("error")
def test_a_long_request_with_an_image() -> None:
    url = "data:image/png;base64," + "A" * 4_000_000
    body = {**ASK, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}
    with faulty(lambda _: answer()) as server:
        (found,) = attempts(Endpoint(name="a", url=server.url, model="m"), body)
        assert (found.status, server.requests[0].body) == ("ok", body)


def test_halves_of_characters_in_an_answer_do_not_lose_it() -> None:
    whole = b'{"model": "m\\ud800", "choices": [{"message": {"content": "4\\ud83d\\ude00\\ud83d2", "reasoning": "\\udfff"}}]}'
    found = attempt_of(http(whole))
    assert (found.status, found.response) == ("ok", "4\U0001f600\ufffd2")
    assert (found.reasoning, found.served_model) == ("\ufffd", "m\ufffd")


def test_long_names_are_cut() -> None:
    found = attempt_of(answer("4", model="m" * 9999, reason="r" * 9999, id="i" * 9999))
    assert [len(str(text)) for text in (found.served_model, found.finish_reason, found.request_id)] == [303] * 3


def test_connections_are_used_again_and_there_is_room_for_all() -> None:
    with faulty(lambda _: answer()) as server:
        attempts(Endpoint(name="a", url=server.url, model="m"), *[ASK] * 5)
        assert server.connections == 1
    waiting = [{**ASK, "seed": place} for place in range(150)]
    with faulty(lambda request: answer(str(request.body["seed"]), model="x") if request.place < 150 else http(b"")) as server:
        found = attempts(Endpoint(name="a", url=server.url, model="m", concurrency=150), *waiting, together=True)
        assert [one.response for one in found] == [str(place) for place in range(150)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://host"}, "not a server URL"),
        ({"url": "https://host/v1?version=1&version=2"}, "gives 'version' twice"),
        ({"concurrency": 0}, "concurrency: 0, expected 1 or more"),
        ({"retries": -1}, "retries: -1, expected 0 or more"),
        ({"timeout": float("inf")}, "timeout: inf, expected seconds above 0"),
        ({"key_variable": "UNSET_KEY"}, r"\$UNSET_KEY: holds no API key"),
    ],
)
def test_settings_are_checked_before_any_call(settings: dict[str, Any], message: str) -> None:
    endpoint = Endpoint(**{"name": "a", "url": "http://127.0.0.1:9", "model": "m", **settings})
    with pytest.raises(InputError, match=message):
        Caller(endpoint).check()
