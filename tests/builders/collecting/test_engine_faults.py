"""The engine over the real client and servers that stumble, refuse, hang and talk nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.result import Result
from tests.helpers.chat_server import DROP, HANG, Body, ChatServer, completion, serving
from tests.helpers.raw_server import RESET, answering, http
from tests.helpers.run_calls import call, calls, endpoint
from tests.helpers.scripted import Trial


def run(folder: Path, server: ChatServer, count: int = 20, **given: Any) -> tuple[Result, Trial]:
    """What came of calls to a server."""
    llm = endpoint(url=server.url, **given)
    trial = Trial(folder, lambda *_: None, llm)
    trial.caller = Caller  # type: ignore[assignment]
    return trial.run(calls(count)), trial


def test_a_storm_of_429_loses_nothing(tmp_path: Path) -> None:
    def storm(_: Body, tries: int) -> Any:
        busy = (429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0.01"})
        return busy if tries < 4 else "an answer"

    with serving(storm) as server:
        result, trial = run(tmp_path, server, retries=6)
        assert result == Result(answered=20)
        assert set(server.tries.values()) == {4}
    assert [record["http_status"] for record in trial.records() if not record["final"]] == [429] * 60
    assert all(record["cost_usd"] == 0 for record in trial.records() if not record["final"])


def test_clocks_that_jump_change_only_labels(tmp_path: Path) -> None:
    """Both clocks jump at each look at them, back and forth by years, while the server asks to wait and limits its rate."""
    jumps, looks = cycle([0.0, 1e8, -1e8, 3e7, -2e8]), count()
    headers = {"x-ratelimit-limit-requests": "60000", "Retry-After": "0.01"}

    def storm(body: Body, tries: int) -> Any:
        return (429, b"{}", headers) if tries < 3 else (200, completion("an answer", body["model"]), headers)

    with serving(storm) as server:
        trial = Trial(
            tmp_path, lambda *_: None, endpoint(url=server.url),
            clock=lambda: next(looks) / 1000 + next(jumps),
            today=lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=next(jumps)),
        )  # fmt: skip
        trial.caller = Caller  # type: ignore[assignment]
        assert trial.run(calls(20)) == Result(answered=20)
        assert set(server.tries.values()) == {3}
        assert trial.run(calls(20)) == Result(reused=20)
        assert len(server.requests) == 60
    labels = [record["at"] for record in trial.records()]
    assert labels != sorted(labels)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503])
def test_servers_that_stumble_are_asked_again(tmp_path: Path, status: int) -> None:
    with serving(lambda _, tries: (status, b"oops") if tries == 1 else "an answer") as server:
        result, _ = run(tmp_path, server, 4)
        assert result == Result(answered=4)
        assert set(server.tries.values()) == {2}


def test_a_server_that_always_fails(tmp_path: Path) -> None:
    with serving(lambda *_: (500, b"oops")) as server:
        result, trial = run(tmp_path, server, 3, retries=2)
        assert result == Result(failed=3)
        assert set(server.tries.values()) == {3}
        assert trial.run(calls(3)) == Result(failed_before=3)
        assert trial.run(calls(3), again={call(1).key}) == Result(failed=1, failed_before=2)


@pytest.mark.parametrize("fault", [HANG, DROP])
def test_a_server_that_does_not_answer(tmp_path: Path, fault: object) -> None:
    with serving(lambda _, tries: fault if tries == 1 else "an answer") as server:
        result, trial = run(tmp_path, server, 4, timeout=0.5)
        assert result == Result(answered=4)
    first = trial.records()[0]
    assert (first["status"], first["passing"], first["final"], first["charged"]) == ("error", True, False, True)
    # A request that may have been answered counts at its worst case.
    assert first["cost_usd"] == pytest.approx(trial.records("sent")[0]["worst_usd"])


def test_a_reset_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    whole = http(completion("an answer", "m"))
    cut = http(completion("an answer", "m")[:40], length=400)
    replies = iter([cut, RESET, cut])
    with answering(lambda _: next(replies, whole)) as server:
        llm = endpoint(url=f"http://{server.place}", concurrency=1)
        trial = Trial(tmp_path, lambda *_: None, llm)
        trial.caller = Caller  # type: ignore[assignment]
        assert trial.run(calls(2)) == Result(answered=2)
    assert [(record["status"], record["final"]) for record in trial.records()] == [("error", False)] * 3 + [("ok", True)] * 2


def test_nonsense_is_a_failure_of_its_call_alone(tmp_path: Path) -> None:
    def some(body: Body, _: int) -> Any:
        return (200, b"{not json") if body["messages"][0]["content"].endswith("1") else "an answer"

    with serving(some) as server:
        result, _ = run(tmp_path, server, 4, retries=1)
    assert result == Result(answered=3, failed=1)


def test_a_request_that_is_refused_for_itself_does_not_stop_the_others(tmp_path: Path) -> None:
    with serving(lambda body, _: (400, b"{}") if "question 2" in str(body) else "an answer") as server:
        result, _ = run(tmp_path, server, 5)
        assert result == Result(answered=4, failed=1)
        assert set(server.tries.values()) == {1}


def test_an_expired_key_stops_at_once_with_one_line(tmp_path: Path) -> None:
    with serving(lambda *_: (401, b'{"error": {"message": "the key has expired"}}')) as server:
        result, trial = run(tmp_path, server, 500)
        assert len(server.requests) <= 8
    assert (result.answered, result.failed, result.complete) == (0, 0, False)
    assert not any(record["final"] for record in trial.records())
    assert len(trial.said) == 1
    assert "401" in trial.said[0]


def test_several_servers_at_a_time(tmp_path: Path) -> None:
    with serving(lambda *_: "of the first") as first, serving(lambda *_: (403, b"{}")) as second:
        llms: list[Endpoint] = [endpoint("a", first.url), endpoint("b", second.url)]
        trial = Trial(tmp_path, lambda *_: None, *llms)
        trial.caller = Caller  # type: ignore[assignment]
        result = trial.run([call(place, llm) for place in range(20) for llm in ("a", "b")])
    assert (result.answered, result.not_started, list(result.closed)) == (20, 20, ["b"])
