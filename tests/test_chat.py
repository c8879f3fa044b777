"""Asking a server: a real one on this machine, that answers, stumbles, refuses, hangs and says odd things."""

from __future__ import annotations

import json
from concurrent.futures import wait
from itertools import count, islice
from typing import Any

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import ChatClient, Reply
from tests.helpers.chat_server import HANG, completion, serving

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_what_is_sent_and_what_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "never")
    with serving(lambda body, _: body["messages"][-1]["content"].upper()) as server:
        client = ChatClient(server.url, model="m", key_variable="SOME_KEY", max_tokens=9, seed=4)
        reply = client.ask(ASK)
        path, body, headers = server.requests[0]
    assert (reply.text, reply.model, reply.status, reply.error, reply.attempts) == ("ONE", "m", 200, None, 1)
    assert (reply.input_tokens, reply.output_tokens) == (7, 3)
    assert reply.seconds > 0
    assert path == "/v1/chat/completions"
    assert body == {"model": "m", "messages": ASK, "max_tokens": 9, "temperature": 0.0, "seed": 4}
    assert headers["authorization"] == "Bearer secret"
    assert "never" not in headers.values()


def test_no_key_is_sent_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serving(lambda *_: "fine") as server:
        assert ChatClient(server.url, model="m").ask(ASK).text == "fine"
        assert not any("secret" in value for value in server.requests[0][2].values())


def test_a_key_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(InputError, match=r"\$SOME_KEY: holds no API key"):
        ChatClient("http://127.0.0.1:9", model="m", key_variable="SOME_KEY").ask(ASK)


def test_a_failure_that_passes_is_tried_again() -> None:
    with serving(lambda _, tries: "at last" if tries == 3 else (503, b"{}", {"Retry-After": "0.01"})) as server:
        reply = ChatClient(server.url, model="m").ask(ASK)
    assert (reply.text, reply.attempts, reply.status) == ("at last", 3, 200)


@pytest.mark.parametrize(("status", "attempts"), [(500, 2), (429, 2), (400, 1), (413, 1)])
def test_a_failure_that_stays_is_a_reply(status: int, attempts: int) -> None:
    with serving(lambda *_: (status, b"<html>", {"Retry-After": "0.01"})) as server:
        reply = ChatClient(server.url, model="m", retries=1).ask(ASK)
    assert (reply.text, reply.status, reply.error, reply.attempts) == (None, status, f"status {status}", attempts)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON"),
        (b"[]", "the answer is not a JSON object"),
        (b"{}", "no text in the answer"),
        (completion(None), "no text in the answer"),
        (b'{"error": {"message": "secret", "code": 429}}', "an error in the answer"),
        (b'{"choices": [{"message": "x"}], "usage": [], "model": 4}', "no text in the answer"),
        (b'{"choices": {"0": 1}}', "no text in the answer"),
        (b" " * (5 * 2**20), "the answer broke off (OSError)"),
    ],
    ids=["text", "nested", "list", "empty", "null", "error", "shapes", "dict", "long"],
)
def test_odd_answers(body: bytes, error: str) -> None:
    with serving(lambda *_: (200, body)) as server:
        reply = ChatClient(server.url, model="m").ask(ASK)
    assert (reply.text, reply.error, reply.status, reply.attempts) == (None, error, 200, 1)


def test_an_answer_that_breaks_off() -> None:
    whole = completion("x")
    with serving(lambda *_: (200, whole, {"Content-Length": str(len(whole) + 9)})) as server:
        reply = ChatClient(server.url, model="m").ask(ASK)
    assert (reply.text, reply.error, reply.status) == (None, "the answer broke off (RemoteProtocolError)", 200)


def test_odd_counts_are_missing() -> None:
    with serving(lambda *_: (200, completion("x", prompt_tokens=-1, completion_tokens=True))) as server:
        reply = ChatClient(server.url, model="m").ask(ASK)
    assert (reply.text, reply.input_tokens, reply.output_tokens) == ("x", None, None)


def test_time_out_and_nobody_there() -> None:
    with serving(lambda *_: HANG) as server:
        reply = ChatClient(server.url, model="m", timeout=0.2, retries=0).ask(ASK)
    assert (reply.text, reply.status, reply.error) == (None, None, "no answer in time")
    reply = ChatClient("http://127.0.0.1:9", model="m", retries=0).ask(ASK)
    assert "refused" in str(reply.error).lower()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refusals_are_errors_without_the_key(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    with serving(lambda *_: (status, b"secret")) as server:
        client = ChatClient(server.url, model="m", key_variable="SOME_KEY")
        with pytest.raises(InputError, match=rf"status {status}.*\$SOME_KEY") as caught:
            client.ask(ASK)
        with pytest.raises(InputError, match=f"status {status}"):
            list(client.ask_all([ASK] * 3))
        assert [r.refused for _, r in client.attempt_all([ASK] * 3)] == [True] * 3
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(client)


def test_what_may_be_secret_in_an_address_is_not_told() -> None:
    with serving(lambda *_: (403, b"")) as server:
        client = ChatClient(server.url.replace("//", "//me:secret@"), model="m")
        with pytest.raises(InputError, match=r"^http://127\.0\.0\.1:\d+/v1: status 403") as caught:
            client.ask(ASK)
    assert "secret" not in str(caught.value)
    assert ChatClient("https://me:secret@h.org:8443/a/v1/chat/completions", model="m").address == "https://h.org:8443/a/v1"
    assert "secret" not in ChatClient("https://h.org/v1?key=secret", model="m").address


@pytest.mark.parametrize("url", ["ftp://host", "localhost:4000", "http://", "file:///etc/passwd"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="not a server URL"):
        ChatClient(url, model="m").ask(ASK)


def test_many_at_a_time_each_with_its_place() -> None:
    with serving(lambda body, _: json.dumps(body["messages"][-1]["content"]), together=4) as server:
        client = ChatClient(server.url, model="m", concurrency=4)
        replies = dict(client.ask_all(said(str(i)) for i in range(30)))
    assert {place: reply.text for place, reply in replies.items()} == {i: f'"{i}"' for i in range(30)}
    assert server.most == 4


def test_what_was_under_way_at_an_interruption_still_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = count()

    def interrupted(*args: Any, **options: Any) -> Any:
        if next(waits) == 1:
            raise KeyboardInterrupt
        return wait(*args, **options)

    monkeypatch.setattr("llmfusionbench.llm.chat.wait", interrupted)
    told: list[str | None] = []
    with serving(lambda body, _: "paid") as server:
        replies = ChatClient(server.url, model="m", concurrency=3).ask_all([ASK] * 50)
        with pytest.raises(KeyboardInterrupt):
            told.extend(reply.text for _, reply in replies)
        assert 3 <= len(server.requests) < 10
    assert told == ["paid"] * len(server.requests)


def test_an_endless_list_is_taken_as_there_is_room() -> None:
    taken = count()
    with serving(lambda *_: "x") as server:
        client = ChatClient(server.url, model="m", concurrency=3)
        some = list(islice(client.ask_all(said(str(next(taken))) for _ in count()), 5))
    assert len(some) == 5
    assert all(isinstance(reply, Reply) for _, reply in some)
    assert next(taken) < 15


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retries": -1}, "retries: -1, expected 0 or more"),
        ({"concurrency": 0}, "concurrency: 0, expected 1 or more"),
        ({"max_tokens": 0}, "max_tokens: 0, expected 1 or more"),
        ({"timeout": 0.0}, r"timeout: 0\.0, expected seconds above 0"),
        ({"timeout": float("nan")}, "timeout: nan"),
        ({"timeout": float("inf")}, "timeout: inf"),
        ({"temperature": float("nan")}, "temperature: nan, expected 0 or more"),
        ({"temperature": -0.5}, r"temperature: -0\.5"),
    ],
)
def test_numbers_out_of_range(options: dict[str, Any], message: str) -> None:
    client = ChatClient("http://127.0.0.1:9", model="m", **options)
    with pytest.raises(InputError, match=message):
        client.check()
    with pytest.raises(InputError, match=message):
        client.ask([{"role": "user", "content": "a"}])
