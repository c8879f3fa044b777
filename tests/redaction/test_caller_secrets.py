"""A caller of collected LLMs shows its key nowhere, whatever the server does with it."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import quote

import pytest

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.redaction import MARK
from tests.helpers.canary import found
from tests.helpers.faulty_chat_server import Received, Script, Step, answer, delta, events, faulty, http, status, streamed

Leaks = Callable[..., list[str]]
BODY = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


def pieces(secret: str) -> list[str]:
    return [secret[place : place + 3] for place in range(0, len(secret), 3)]


def tokens(secret: str) -> list[dict[str, object]]:
    return [{"token": piece, "logprob": -1.0, "top_logprobs": []} for piece in pieces(secret)]


WAYS: dict[str, Callable[[str], Step]] = {
    "in all texts": lambda s: answer(s, model=s, reason=s, id=s, message={"reasoning": s}, headers={"x-request-id": s}),
    "within a text": lambda s: answer(f"It is {s}.", message={"reasoning_content": json.dumps({"key": s})}),
    "in a call": lambda s: answer(None, message={"tool_calls": [{"function": {"name": s, "arguments": json.dumps(s)}}]}),
    "in a token": lambda s: answer("4", choice={"logprobs": {"content": [{"token": s, "logprob": -1}]}}),
    "over tokens": lambda s: answer("4", choice={"logprobs": {"content": tokens(s)}}),
    "over deltas": lambda s: streamed(events(*(delta(piece) for piece in pieces(s)), delta(reason="stop"))),
    "over deltas of a thought": lambda s: streamed(
        events(*(delta(delta={"reasoning": piece}) for piece in pieces(s)), delta(reason="stop"))
    ),
    "in an event": lambda s: streamed(events(f"data: {s}\n\n")),
    "in an error": lambda s: http(json.dumps({"error": {"message": f"Bad key {s}", "code": s}}).encode()),
    "in a shape": lambda s: http(json.dumps({"choices": [s]}).encode()),
    "as the type": lambda s: http(b"{", kind=f"text/{s}"),
    "for HTTP": lambda s: Step((f"{s} 200 OK\r\n\r\n".encode(),), "close"),
    "as a header": lambda s: Step((f"HTTP/1.1 200 OK\r\n{s}\r\n\r\n".encode(),), "close"),
    "in an encoding": lambda s: http(b"{}", headers={"Content-Encoding": s}),
    "in a redirect": lambda s: http(b"", "307 Moved", {"Location": f"http://{quote(s, safe='')}.invalid/{quote(s)}"}),
    "in limits": lambda s: answer(headers={"x-ratelimit-limit-requests": s, "retry-after": s}),
    **{
        f"with status {code}": lambda s, code=code: status(code, f"The key {s}", {"x-request-id": s})
        for code in (400, 401, 403, 429, 500)
    },
}


def attempt(endpoint: Endpoint) -> Attempt:
    async def run() -> Attempt:
        caller = Caller(endpoint)
        try:
            return await caller.attempt(BODY)
        finally:
            await caller.close()

    return asyncio.run(run())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", ["openai", "azure"])
def test_an_attempt_leaks_nothing(way: str, api: str, secret: str, leaks: Leaks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    with faulty(lambda _: WAYS[way](secret)) as server:
        endpoint = Endpoint(
            name="a", url=server.url, model="m", api=api, api_version="1", key_variable="CANARY_KEY", timeout=30
        )
        made = attempt(endpoint)
        assert found(secret, *server.requests[0].headers.values()), "the key was sent, so that the server could repeat it"
    assert leaks(secret, repr(made), json.dumps(asdict(made)), json.dumps(asdict(made), ensure_ascii=False)) == []
    if way == "within a text":
        assert made.response == f"It is {MARK}."
    if way == "over tokens":
        assert (made.response, made.logprobs) == ("4", None)


def test_secrets_of_a_url(secret: str, leaks: Leaks) -> None:
    """A file of LLMs may not have them, but code can."""

    def script(request: Received) -> Step:
        return answer(request.path + request.headers["authorization"])

    with faulty(script) as server:
        url = server.url.replace("//", f"//user:{quote(secret, safe='')}@") + f"/v1?api_key={quote(secret, safe='')}"
        made = attempt(Endpoint(name="a", url=url, model="m"))
        assert server.requests[0].path.startswith("/v1/chat/completions?api_key=")
        caller = Caller(Endpoint(name="a", url=url, model="m"))
        assert caller.address == f"{server.url}/v1"
    assert leaks(secret, repr(made), repr(caller), caller.address) == []


def test_reprs_and_pickles_hold_no_key(secret: str, leaks: Leaks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)

    async def run(url: str) -> tuple[Caller, bytes]:
        caller = Caller(Endpoint(name="a", url=url, model="m", key_variable="CANARY_KEY"))
        caller.check()
        await caller.attempt(BODY)
        copied = pickle.dumps(caller)
        again: Caller = pickle.loads(copied)
        assert (await again.attempt(BODY)).status == "ok"
        await again.close()
        await caller.close()
        return caller, copied

    script: Script = lambda _: answer()  # noqa: E731
    with faulty(script) as server:
        caller, copied = asyncio.run(run(server.url))
        assert len(server.requests) == 2
    assert leaks(secret, repr(caller), copied, repr(vars(caller))) == []
