"""A live router: a real server on this machine, which answers, stumbles, refuses and hangs."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from small_tables import random_table

import llmfusionbench as lfb
from llmfusionbench.evaluation import LiveRouter


class Server(ThreadingHTTPServer):
    """Chooses by the prompt's words; remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict, str | None]] = []
        self.tries: Counter[str] = Counter()
        self.under_way = self.most = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up waiting is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        with self.server.lock:
            self.server.requests.append((self.path, body, self.headers.get("Authorization")))
            self.server.tries[prompt] += 1
            tries = self.server.tries[prompt]
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
        time.sleep(0.02)
        with self.server.lock:
            self.server.under_way -= 1
        if "stumble" in prompt and tries < 3:
            self.reply(503, b"{}")
        elif "refuse" in prompt:
            self.reply(401, b"{}")
        elif "odd" in prompt:
            self.reply(400, b"{}")
        elif "broken" in prompt:
            self.reply(200, b"not json")
        elif "hang" in prompt:
            time.sleep(1.0)
        else:
            self.reply(200, json.dumps({"model": "gpt-b" if "two" in prompt else "a", "choices": []}).encode())

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.shutdown()
    thread.join()
    one.server_close()


def ask(server: Server, prompts: list[str | None], **options: object) -> list[str | None]:
    router = LiveRouter(server.url, **{"backoff": 0.01, "timeout": 5.0, "aliases": {"gpt-b": "b"}, **options})
    return router.route(prompts, ["t"] * len(prompts))


def test_what_is_sent_and_what_comes_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_KEY", "secret")
    assert ask(server, ["one", "two", "three"], model="router-mf", key_variable="ROUTER_KEY") == ["a", "b", "a"]
    path, body, key = server.requests[0]
    assert path == "/v1/chat/completions"
    assert body["model"] == "router-mf"
    assert body["messages"][0]["role"] == "user"
    assert key == "Bearer secret"
    assert {r[1]["messages"][0]["content"] for r in server.requests} == {"one", "two", "three"}


def test_no_key_is_sent_unasked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    ask(server, ["one"])
    assert server.requests[0][2] is None


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_every_way_to_write_the_address(server: Server, tail: str) -> None:
    assert LiveRouter(server.url + tail).route(["one"], ["t"]) == ["a"]
    assert server.requests[0][0] == "/v1/chat/completions"
    assert server.requests[0][2] is None


def test_failures_that_pass_are_tried_again(server: Server, tmp_path: Path) -> None:
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


def test_failures_that_do_not_pass(server: Server) -> None:
    assert ask(server, ["stumble", "odd", "broken", None, "one"], retries=1) == [None, None, None, None, "a"]
    assert (server.tries["stumble"], server.tries["odd"], server.tries["broken"]) == (2, 1, 2)


def test_time_outs(server: Server) -> None:
    started = time.monotonic()
    assert ask(server, ["hang", "one"], retries=0, timeout=0.3) == [None, "a"]
    assert time.monotonic() - started < 3


def test_refusals_are_errors(server: Server) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="status 401 for 1 of 2 prompts"):
        ask(server, ["one", "refuse"])


def test_concurrency(server: Server) -> None:
    ask(server, [f"one {i}" for i in range(24)], concurrency=4)
    assert 2 <= server.most <= 4


def test_nobody_there() -> None:
    router = LiveRouter("http://127.0.0.1:9", retries=0, timeout=1)
    assert router.route(["a"], ["t"]) == [None]
    assert "refused" in router.calls_[0]["error"].lower()


@pytest.mark.parametrize("url", ["ftp://host", "localhost:4000", "http://", "file:///etc/passwd"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match="no address of a router"):
        LiveRouter(url).route(["a"], ["t"])


def test_in_an_evaluation(server: Server) -> None:
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
