"""Servers that limit calls per minute: with headers, and with refusals alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from llmfusionbench.builders.collecting.account import Account
from llmfusionbench.builders.collecting.calls import Attempt, Limits
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.pace import Pace
from llmfusionbench.builders.collecting.spacing import Spacing
from tests.helpers.virtual_time import now, run_virtually

OK = Attempt("ok", response="yes", input_tokens=60, output_tokens=40, http_status=200)
BUSY = Attempt("error", error="too many", http_status=429, passing=True)
CALLS = 400


def bucket(limit: int) -> Callable[[], Attempt]:
    """A server whose limit per minute refills all the time."""
    level, at = float(limit), 0.0

    def serve() -> Attempt:
        nonlocal level, at
        level, at = min(limit, level + (now() - at) * limit / 60), now()
        if level < 1:
            wait = (1 - level) * 60 / limit
            return replace(BUSY, retry_after_s=wait, limits=Limits(limit, None, 0, None, wait))
        level -= 1
        return replace(OK, limits=Limits(limit, None, int(level), None, (limit - level) * 60 / limit))

    return serve


def window(limit: int) -> Callable[[], Attempt]:
    """A server that takes a number of calls in each minute of the clock."""
    counts: dict[int, int] = {}

    def serve() -> Attempt:
        minute, reset = int(now() // 60), 60 - now() % 60
        left = limit - counts.get(minute, 0)
        if not left:
            return replace(BUSY, retry_after_s=reset, limits=Limits(limit, None, 0, None, reset))
        counts[minute] = counts.get(minute, 0) + 1
        return replace(OK, limits=Limits(limit, None, left - 1, None, reset))

    return serve


async def collected(serve: Callable[[], Attempt], *, stated: bool) -> tuple[float, int, int]:
    """The seconds of all calls, the number of refusals, and the most refusals of one call."""
    endpoint = Endpoint(name="one", url="http://127.0.0.1:9", model="m", concurrency=32)
    pace = Pace(endpoint, Account(clock=now, jitter=lambda: 0.5))

    async def one() -> int:
        refused = 0
        while True:
            await pace.enter(100)
            attempt = serve()
            await asyncio.sleep(0.2)
            pace.leave(attempt if stated else replace(attempt, limits=None), 100)
            if attempt.status == "ok":
                return refused
            refused += 1

    found = await asyncio.gather(*(one() for _ in range(CALLS)))
    return now(), sum(found), max(found)


@pytest.mark.parametrize("server", [bucket, window])
@pytest.mark.parametrize("limit", [60, 100])
def test_a_limit_that_is_stated_is_never_exceeded(server: Callable[[int], Callable[[], Attempt]], limit: int) -> None:
    seconds, refused, _ = run_virtually(collected(server(limit), stated=True))
    assert refused == 0
    assert seconds <= CALLS / limit * 60 * 1.02


@pytest.mark.parametrize("server", [bucket, window])
@pytest.mark.parametrize("limit", [60, 100])
def test_a_limit_that_is_not_stated_is_found_by_refusals(server: Callable[[int], Callable[[], Attempt]], limit: int) -> None:
    seconds, refused, most = run_virtually(collected(server(limit), stated=False))
    assert refused < CALLS / 5
    assert most <= 5
    assert seconds <= CALLS / limit * 60 * 1.02


def test_a_server_that_was_down_is_not_taken_for_a_slow_one() -> None:
    async def main() -> float:
        down = now() + 90

        def serve() -> Attempt:
            return BUSY if 20 < now() < down else OK

        seconds, _, _ = await collected(serve, stated=False)
        return seconds

    assert run_virtually(main()) < 140


def test_the_distance_is_the_rate_of_the_answers_and_shrinks() -> None:
    spacing = Spacing()
    spacing.refused(0.0)
    assert (spacing.idle, spacing.delay(0.0)) == (True, 0.0)
    for moment in range(1, 11):
        spacing.answered(float(moment))
    spacing.refused(20.0)
    spacing.take(20.0)
    spacing.take(20.0)
    assert spacing.delay(20.0) == pytest.approx(4.0, abs=0.1)
    for moment in range(21, 400):
        spacing.answered(float(moment))
    spacing.take(400.0)
    assert spacing.delay(400.0) < 0.1
