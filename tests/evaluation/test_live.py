"""A live router: a real server on this machine, which answers, stumbles, refuses and hangs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.evaluation import LiveRouter
from llmfusionbench.llm.chat import ChatClient
from tests.helpers.chat_server import HANG, ChatServer, serving
from tests.helpers.small_tables import random_table


def answer(body: dict[str, Any], tries: int) -> Any:
    """Chooses by the prompt's words."""
    prompt = body["messages"][0]["content"]
    if "stumble" in prompt and tries < 3:
        return 503, b"{}"
    if "refuse" in prompt:
        return 401, b"{}"
    if "odd" in prompt:
        return 400, b"{}"
    if "nameless" in prompt:
        return 200, b'{"choices": [{"message": {"content": "I know nothing of this."}}]}'
    if "broken" in prompt:
        return 200, b"not json"
    if "surrogate" in prompt:
        return 200, b'{"model": "a\\ud800", "choices": []}'
    if "endless" in prompt:
        return 200, json.dumps({"model": "z" * 100_000, "choices": []}).encode()
    if "hang" in prompt:
        return HANG
    return 200, json.dumps({"model": "gpt-b" if "two" in prompt else "a", "choices": []}).encode()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(answer) as one:
        yield one


def ask(server: ChatServer, prompts: list[str | None], **options: object) -> list[str | None]:
    router = LiveRouter(server.url, **{"timeout": 60.0, "aliases": {"gpt-b": "b"}, **options})
    return router.route(prompts, ["t"] * len(prompts))


def test_what_is_sent_and_what_comes_back(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_KEY", "secret")
    assert ask(server, ["one", "two", "three"], model="router-mf", key_variable="ROUTER_KEY") == ["a", "b", "a"]
    path, body, key = server.requests[0]
    assert path == "/v1/chat/completions"
    assert body["model"] == "router-mf"
    assert body["messages"][0]["role"] == "user"
    assert key["authorization"] == "Bearer secret"
    assert {r[1]["messages"][0]["content"] for r in server.requests} == {"one", "two", "three"}


def test_no_key_is_sent_unasked(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    ask(server, ["one"])
    assert "authorization" not in server.requests[0][2]


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_every_way_to_write_the_address(server: ChatServer, tail: str) -> None:
    assert LiveRouter(server.url + tail).route(["one"], ["t"]) == ["a"]
    assert server.requests[0][0] == "/v1/chat/completions"
    assert "authorization" not in server.requests[0][2]


def test_failures_that_pass_are_tried_again(server: ChatServer, tmp_path: Path) -> None:
    record = tmp_path / "new" / "calls.jsonl"
    assert ask(server, ["stumble", "one"], record=record) == ["a", "a"]
    calls = [json.loads(line) for line in record.read_text().splitlines()]
    assert [(c["prompt"], c["attempts"], c["status"], c["model"], c["error"]) for c in calls] == [
        (0, 3, 200, "a", None),
        (1, 1, 200, "a", None),
    ]
    assert all(c["seconds"] > 0 for c in calls)
    ask(server, ["two"], record=record)
    assert len(record.read_text().splitlines()) == 3


def test_failures_that_do_not_pass(server: ChatServer) -> None:
    assert ask(server, ["stumble", "odd", "broken", None, "one"], retries=1) == [None, None, None, None, "a"]
    assert (server.tries["stumble"], server.tries["odd"], server.tries["broken"]) == (2, 1, 1)


def test_time_outs(server: ChatServer) -> None:
    assert ask(server, ["hang", "one"], retries=0, timeout=3.0) == [None, "a"]


def test_refusals_are_errors(server: ChatServer) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="status 401 for 1 of 2 prompts"):
        ask(server, ["one", "refuse"])


def test_concurrency() -> None:
    with serving(answer, together=4) as server:
        ask(server, [f"one {i}" for i in range(24)], concurrency=4)
    assert server.most == 4


def test_nobody_there() -> None:
    router = LiveRouter("http://127.0.0.1:9", retries=0, timeout=1)
    assert router.route(["a"], ["t"]) == [None]
    assert "refused" in router.calls_[0]["error"].lower()


@pytest.mark.parametrize("url", ["ftp://host", "localhost:4000", "http://", "file:///etc/passwd"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="not a server URL"):
        LiveRouter(url).route(["a"], ["t"])


def test_in_an_evaluation(server: ChatServer) -> None:
    train, test = random_table(10, prefix="train"), random_table(5, seed=1)
    report = lfb.evaluate({"live": server.url}, (train, test), baselines=())
    assert report.data["routers"][0]["picks"] == {"a": 1.0}
    assert {r[1]["messages"][0]["content"] for r in server.requests} == set(test.prompts)
    broken = lfb.RoutingTable(
        test.query_ids, [*test.prompts[:3], "two", "odd"], test.tasks, test.candidates, test.performance, test.cost, test.judge
    )
    with pytest.raises(lfb.LLMFusionBenchError, match='unknown candidate "gpt-b"') as caught:
        lfb.evaluate({"live": server.url}, (train, broken), baselines=())
    assert "query q4: no choice" in str(caught.value)


def test_the_record_of_an_evaluation_names_its_queries(server: ChatServer, tmp_path: Path) -> None:
    tables = random_table(10, prefix="train"), random_table(5, seed=1)
    lfb.evaluate({"live": LiveRouter(server.url, record=tmp_path / "calls.jsonl", timeout=60)}, tables, baselines=())
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [line["query_id"] for line in lines] == tables[1].query_ids
    assert {line["model"] for line in lines} == {"a"}


def test_a_call_that_failed_says_why_and_declines_nothing(server: ChatServer) -> None:
    """Nobody is there, so that no query was declined: not in the guarded track either."""
    train, test = random_table(20, prefix="train"), random_table(10, seed=1)
    dead = LiveRouter("http://127.0.0.1:9", retries=0, timeout=1)
    options = {"baselines": (), "protocol": "guarded", "ood_tasks": [test.tasks[0]]}
    with pytest.raises(lfb.LLMFusionBenchError, match=r"found 10 faults.*\n  query q0: no choice \(.*refused.*\)"):
        lfb.evaluate({"live": dead}, (train, test), **options)
    report = lfb.evaluate({"live": dead}, (train, test), allow_partial=True, **options)
    assert report.data["routers"][0]["metrics"]["ood_declined"]["value"] == 0
    prompts = ["nameless" if i == 0 else "one" for i in range(len(test))]
    mixed = replace(test, prompts=prompts)
    made = LiveRouter(server.url, timeout=60).decide(mixed, may_decline=True)
    assert made.declined.tolist() == [True] + [False] * 9
    assert not made.faults
    refused = LiveRouter(server.url, timeout=60).decide(mixed)
    assert refused.faults == ("query q0: no choice (no model in the answer)",)


def test_a_name_that_a_server_makes_up_is_recorded_and_cut_short(server: ChatServer, tmp_path: Path) -> None:
    record = tmp_path / "calls.jsonl"
    table = replace(random_table(3), prompts=["surrogate", "endless", "one"])
    made = LiveRouter(server.url, timeout=60, record=record).decide(table)
    assert made.faults[0] == 'query q0: unknown candidate "a\ud800"'
    assert made.faults[1] == f'query q1: unknown candidate "{"z" * 200}..."'
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [line["model"][:2] for line in lines] == ["a\ud800", "zz", "a"]


def test_calls_are_on_record_where_a_user_interrupts(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ChatClient.attempt_all

    def interrupted(self: ChatClient, chats: Any) -> Iterator[Any]:
        for done, found in enumerate(whole(self, chats)):
            if done == 2:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(ChatClient, "attempt_all", interrupted)
    record = tmp_path / "calls.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ask(server, ["one", "two", "three", "four"], record=record)
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert [line["status"] for line in lines] == [200, 200]
    with pytest.raises(lfb.LLMFusionBenchError, match="not a server URL"):
        LiveRouter("http://", record=tmp_path / "none.jsonl").route(["one"], ["t"])
    assert not (tmp_path / "none.jsonl").exists()
