"""A server that only fails gets no more calls after a while; what was not asked is left for a later run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.engine import LEAST_FAILED
from llmfusionbench.builders.collecting.result import Result
from tests.helpers.chat_server import serving
from tests.helpers.run_calls import answer, call, calls, endpoint, failure
from tests.helpers.scripted import Trial

WRONG = failure(passing=False, http_status=400, error="status 400: no such setting")
REASON = f"{LEAST_FAILED} calls in a row failed, the last one with: "


def number(prompt: str) -> int:
    return int(prompt.split()[1])


def failing_but(answered: Callable[[int], bool], fault: Attempt) -> Any:
    """A script that answers some of the calls."""
    return lambda prompt, _: answer() if answered(number(prompt)) else fault


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("fault", [failure(), WRONG])
def test_a_server_that_only_fails_gets_no_more_calls(tmp_path: Path, fault: Attempt, retries: int) -> None:
    trial = Trial(tmp_path, lambda *_: fault, endpoint(retries=retries))
    result = trial.run(calls(1000))
    assert list(result.closed) == ["m"]
    assert trial.said == [
        f"m: {REASON}{fault.error}. It gets no more calls; the others go on. --retry error asks again what failed"
    ]
    assert LEAST_FAILED <= result.failed <= LEAST_FAILED + 8
    assert len(trial.caller.asked) <= (LEAST_FAILED + 8) * (retries + 1)
    trial.caller.script = lambda *_: answer()
    assert trial.run(calls(1000)) == Result(answered=1000 - result.failed, failed_before=result.failed)


def test_calls_in_flight_at_a_server_that_is_down_are_left_for_later(tmp_path: Path) -> None:
    trial = Trial(tmp_path, lambda *_: failure(), endpoint(retries=0))
    result = trial.run(calls(100))
    asked = len(trial.caller.asked)
    assert (result.failed, result.not_started, result.complete) == (LEAST_FAILED, 64 - LEAST_FAILED, False)
    assert [record["final"] for record in trial.records()] == [True] * LEAST_FAILED + [False] * (asked - LEAST_FAILED)


def test_many_calls_at_a_time_may_fail_together(tmp_path: Path) -> None:
    async def script(prompt: str) -> Attempt:
        while len(trial.caller.asked) < 32 < number(prompt):
            await asyncio.sleep(0)
        return answer() if number(prompt) >= 60 else failure()

    trial = Trial(tmp_path, lambda prompt, _: script(prompt), endpoint(retries=0, concurrency=32))
    assert trial.run(calls(200)) == Result(answered=140, failed=60)


@pytest.mark.parametrize("fault", [failure(), WRONG])
def test_an_answer_now_and_then_is_enough(tmp_path: Path, fault: Attempt) -> None:
    trial = Trial(tmp_path, failing_but(lambda place: place % 10 == 0, fault), endpoint(retries=0))
    assert trial.run(calls(300)) == Result(answered=30, failed=270)
    assert not trial.said


def test_a_server_that_answers_may_refuse_any_number_of_requests(tmp_path: Path) -> None:
    trial = Trial(tmp_path, failing_but(lambda place: place == 0, WRONG), endpoint(concurrency=1))
    assert trial.run(calls(150)) == Result(answered=1, failed=149)
    assert trial.run(calls(300)) == Result(failed=150, reused=1, failed_before=149)


def test_a_server_that_goes_down_after_answers(tmp_path: Path) -> None:
    trial = Trial(tmp_path, failing_but(lambda place: place < 50, failure()), endpoint(retries=1))
    result = trial.run(calls(500))
    assert (result.answered, result.failed, list(result.closed)) == (50, LEAST_FAILED, ["m"])


def test_the_others_go_on(tmp_path: Path) -> None:
    both = [each for place in range(100) for each in (call(place, "down"), call(place + 1000, "up"))]
    trial = Trial(tmp_path, failing_but(lambda place: place >= 1000, failure()), endpoint("down"), endpoint("up"))
    result = trial.run(both)
    assert (result.answered, result.failed, result.not_started) == (100, LEAST_FAILED, 80)
    assert (list(result.closed), result.stopped) == (["down"], None)


def test_over_the_real_client(tmp_path: Path) -> None:
    with serving(lambda *_: (500, b"oops")) as server:
        trial = Trial(tmp_path, lambda *_: None, endpoint(url=server.url, retries=1))
        trial.caller = Caller  # type: ignore[assignment]
        result = trial.run(calls(200))
        assert (result.failed, list(result.closed)) == (LEAST_FAILED, ["m"])
        assert len(server.requests) <= 2 * LEAST_FAILED + 16
    assert "status 500" in trial.said[0]
