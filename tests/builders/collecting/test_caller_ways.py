"""The ways to a server: straight, through a proxy of the environment, and without the packages for either."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from llmfusionbench.builders.collecting import http_client
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.errors import InputError, MissingExtraError
from tests.builders.collecting.test_caller import ASK, attempts
from tests.helpers.faulty_chat_server import HANG, RESET, USAGE, Step, answer, delta, events, faulty, http, status, streamed

TRANSPORT = "llmfusionbench.builders.collecting.transport"


@pytest.fixture(params=["proxy", "without aiohttp"])
def far(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an endpoint whose calls do not take the short way."""

    def make(url: str, **more: Any) -> Endpoint:
        if request.param == "proxy":
            monkeypatch.setenv("http_proxy", url)
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            url = "http://llm.invalid"
        else:
            monkeypatch.setitem(sys.modules, TRANSPORT, None)
        return Endpoint(name="a", url=url, model="m", **more)

    return make


def test_calls_on_the_standard_way(far: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "key-of-a-test")
    stream = streamed(events(delta("42"), delta(reason="stop"), USAGE))
    steps: list[Step] = [
        answer("42"), stream, status(429, headers={"Retry-After": "3"}), RESET, HANG,
        http(b"", "307 Moved", {"Location": "http://other.invalid/v1"}), answer("x" * 3_000_000),
    ]  # fmt: skip
    with faulty(lambda request: steps[request.place]) as server:
        found = attempts(far(server.url, timeout=1.0, key_variable="SOME_KEY"), *[ASK] * len(steps))
        assert len(server.requests) == len(steps)
        assert {request.path for request in server.requests} <= {
            "/v1/chat/completions",
            "http://llm.invalid/v1/chat/completions",
        }
        assert all(request.headers["authorization"] == "Bearer key-of-a-test" for request in server.requests)
        assert all(request.headers["user-agent"].startswith("llmfusionbench/") for request in server.requests)
    assert [one.response and one.response[:2] for one in found] == ["42", "42", None, None, None, None, "xx"]
    assert [one.passing for one in found] == [False, False, True, True, True, False, False]
    assert [one.charged for one in found] == [True, True, False, True, True, False, True]
    assert (found[2].retry_after_s, found[5].refused) == (3.0, True)


def test_the_request_is_the_same_if_the_client_makes_it_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its way to make one is private, and may have another name in a later version."""
    monkeypatch.setenv("OPENAI_ORG_ID", "never")
    with faulty(lambda _: answer()) as server:
        endpoint = Endpoint(name="a", url=f"{server.url}/v1?version=2", model="m")
        attempts(endpoint, ASK)
        monkeypatch.delattr(http_client.OfficialClient, "_build_request")
        attempts(endpoint, ASK)
        first, second = server.requests
    assert (first.path, first.headers, first.body) == (second.path, second.headers, second.body)


def test_a_server_that_no_proxy_names_is_reached_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with faulty(lambda _: answer()) as server:
        (found,) = attempts(Endpoint(name="a", url=server.url, model="m"), ASK)
    assert found.status == "ok"


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks4://localhost:1")
    with pytest.raises(InputError, match="check the URL, and the proxies in the environment"):
        Caller(Endpoint(name="a", url="http://llm.invalid", model="m")).check()


def test_a_proxy_that_is_not_there_does_not_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    (found,) = attempts(Endpoint(name="a", url="http://llm.invalid", model="m"), ASK)
    assert (found.status, found.passing, found.charged) == ("error", True, False)


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, http_client.__name__)
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'llmfusionbench\[collect\]'"):
        Caller(Endpoint(name="a", url="http://localhost:1", model="m")).check()
