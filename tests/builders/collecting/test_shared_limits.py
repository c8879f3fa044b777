"""Limits that LLMs share: those of an account, and pauses at one server with one key."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.account import Account, accounts_of
from llmfusionbench.builders.collecting.calls import Attempt, Limits
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.pace import Pace
from tests.helpers.chat_server import completion, serving
from tests.helpers.run_calls import Silent, budget, calls
from tests.helpers.run_calls import endpoint as llm_at
from tests.helpers.virtual_time import now, run_virtually

OK = Attempt("ok", response="yes", input_tokens=60, output_tokens=40, http_status=200)
BUSY = Attempt("error", error="too many", http_status=429, passing=True)
USED_UP = replace(OK, limits=Limits(requests_left=0, requests_reset_s=12.0))


def endpoint(name: str, **given: Any) -> Endpoint:
    return Endpoint(**{"name": name, "url": "http://127.0.0.1:9/v1", "model": name, "concurrency": 8} | given)


def paces(*endpoints: Endpoint) -> list[Pace]:
    accounts = accounts_of(endpoints, clock=now)
    return [Pace(one, accounts[one.name]) for one in endpoints]


async def called(pace: Pace, attempt: Attempt = OK, seconds: float = 0.5, tokens: int = 100) -> float:
    """One call; the moment at which it started."""
    await pace.enter(tokens)
    start = now()
    await asyncio.sleep(seconds)
    pace.leave(attempt, tokens)
    return start


def waits(attempt: Attempt, *endpoints: Endpoint) -> list[float]:
    """After the first LLM got this, the seconds that the next call to each waits."""

    async def main() -> list[float]:
        made = paces(*endpoints)
        await called(made[0], attempt)
        before = now()
        return [start - before for start in await asyncio.gather(*(called(pace) for pace in made))]

    return run_virtually(main())


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ({}, True),
        ({"url": "http://127.0.0.1:9"}, True),
        ({"url": "http://127.0.0.1:8/v1"}, False),
        ({"url": "http://127.0.0.1:9/other/v1"}, False),
        ({"key_variable": "OTHER_KEY"}, False),
        ({"key_variable": None}, False),
        ({"account": "other"}, False),
    ],
)
def test_a_wait_that_the_server_asks_for_is_that_of_its_key(other: dict[str, Any], shared: bool) -> None:
    one, two = endpoint("one", key_variable="KEY"), endpoint("two", **{"key_variable": "KEY"} | other)
    first, second = waits(replace(BUSY, retry_after_s=7.0), one, two)
    assert 7.0 <= first <= 7.7
    assert (7.0 <= second <= 7.7) if shared else (second == 0.0)


def test_deployments_of_azure_and_llms_with_accounts_of_their_own_share_nothing() -> None:
    refused = replace(BUSY, retry_after_s=7.0)
    azure = {"url": "https://r.openai.azure.com/openai/v1", "key_variable": "KEY"}
    for own in ([azure, azure], [{"account": "one"}, {"account": "two"}]):
        first, second = waits(refused, *(endpoint(name, **given) for name, given in zip("ab", own, strict=True)))
        assert first >= 7.0
        assert second == 0.0


@pytest.mark.parametrize(
    ("attempt", "seconds", "with_account", "without"),
    [
        (BUSY, 0.25, True, False),
        (USED_UP, 12.0, True, False),
        (replace(OK, limits=Limits(tokens_left=99, tokens_reset_s=5.0)), 5.0, True, False),
        (replace(BUSY, http_status=503, retry_after_s=7.0), 7.0, False, False),
        (replace(BUSY, http_status=500, retry_after_s=7.0), 7.0, False, False),
    ],
)
def test_what_an_account_shares(attempt: Attempt, seconds: float, with_account: bool, without: bool) -> None:
    for account, shared in (("ours", with_account), (None, without)):
        first, second = waits(attempt, endpoint("one", account=account), endpoint("two", account=account))
        assert seconds <= first <= seconds * 1.1 + 0.01
        assert (seconds <= second <= seconds * 1.1 + 0.01) if shared else (second == 0.0)


def test_a_limit_counts_for_all_llms_of_an_account_and_they_take_turns() -> None:
    async def main() -> list[tuple[float, str]]:
        limits = {"requests_per_minute": 60, "account": "ours"}
        made = dict(zip("abc", paces(*(endpoint(name, **limits) for name in "abc")), strict=True))

        async def one(name: str) -> tuple[float, str]:
            return await called(made[name]), name

        return sorted(await asyncio.gather(*(one(name) for name in "a" * 40 + "b" * 20 + "c" * 20)))

    found = run_virtually(main())
    starts = [start for start, _ in found]
    assert starts[-1] == pytest.approx(79, rel=0.03)
    assert all(sum(start <= other < start + 60 for other in starts) <= 61 for start in starts)
    first = [name for _, name in found[:30]]
    assert [first.count(name) for name in "abc"] == pytest.approx([10, 10, 10], abs=2)


def test_of_different_limits_of_an_account_the_lowest_counts() -> None:
    """A run may have LLMs of several files."""
    ours = [endpoint(name, account="ours", **limits) for name, limits in (
        ("one", {"requests_per_minute": 90.0}), ("two", {"requests_per_minute": 30.0}), ("three", {"tokens_per_minute": 5.0})
    )]  # fmt: skip
    found = accounts_of([*ours, endpoint("four", requests_per_minute=7.0)], clock=lambda: 0.0)
    assert len({id(found[one.name]) for one in ours}) == 1
    limits = {name: (account.requests.per_minute, account.tokens.per_minute) for name, account in found.items()}
    assert limits["one"] == (30.0, 5.0)
    assert limits["four"] == (7.0, None)


def test_small_calls_of_one_llm_let_large_ones_of_another_start() -> None:
    async def main() -> list[float]:
        limits = {"tokens_per_minute": 60_000, "account": "ours"}
        small, large = paces(endpoint("small", **limits), endpoint("large", **limits))
        counted = replace(OK, input_tokens=None)
        many = [asyncio.create_task(called(small, counted, tokens=20)) for _ in range(5_000)]
        found = [await called(large, counted, tokens=4_000) for _ in range(3)]
        for task in many:
            task.cancel()
        await asyncio.gather(*many, return_exceptions=True)
        return found

    assert run_virtually(main())[-1] <= 30


def test_an_llm_without_a_free_place_holds_up_no_other() -> None:
    async def main() -> float:
        full, free = paces(endpoint("full", concurrency=1, account="ours"), endpoint("free", account="ours"))
        slow = [asyncio.create_task(called(full, seconds=100.0)) for _ in range(3)]
        await asyncio.sleep(1)
        start = await called(free)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return start

    assert run_virtually(main()) == 1.0


def test_a_cancelled_call_passes_its_turn_on() -> None:
    async def main() -> tuple[float, int]:
        limits = {"requests_per_minute": 6, "account": "ours"}
        one, two = paces(endpoint("one", **limits), endpoint("two", **limits))
        await called(one)
        turns = [asyncio.create_task(called(pace)) for pace in (two, one)]
        await asyncio.sleep(1)
        turns[0].cancel()
        start = await turns[1]
        await asyncio.gather(*turns, return_exceptions=True)
        return start, one.in_flight + two.in_flight

    assert run_virtually(main()) == (pytest.approx(10.0, rel=0.01), 0)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["ok", "busy", "error", "cancel"])), min_size=1, max_size=60),
    st.sampled_from([None, 30.0, 600.0]),
)
def test_every_call_of_an_account_ends_and_no_place_is_lost(kinds: list[tuple[int, str]], limit: float | None) -> None:
    async def main() -> tuple[int, int]:
        given = {"account": "ours", "concurrency": 2, "requests_per_minute": limit}
        made, most = paces(*(endpoint(name, **given) for name in "abc")), 0

        async def one(pace: Pace, kind: str) -> None:
            nonlocal most
            await pace.enter(100)
            most = max(most, *(each.in_flight for each in made))
            try:
                await asyncio.sleep(5 if kind == "cancel" else 0.3)
            finally:
                pace.leave({"busy": BUSY, "error": Attempt("error", error="x")}.get(kind, OK), 100)

        tasks = [asyncio.create_task(one(made[which], kind)) for which, kind in kinds]
        await asyncio.sleep(1)
        for (_, kind), task in zip(kinds, tasks, strict=True):
            if kind == "cancel":
                task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(each is None or isinstance(each, asyncio.CancelledError) for each in found)
        return most, sum(pace.in_flight for pace in made)

    most, left = run_virtually(main())
    assert most <= 2
    assert left == 0


def test_accounts_alone_share_nothing() -> None:
    async def main() -> tuple[float, float]:
        one, two = Account(clock=now, jitter=lambda: 0.0), Account(clock=now, jitter=lambda: 0.0)
        one.pause_all(5.0)
        return one.paused_s, two.paused_s

    assert run_virtually(main()) == (5.0, 0.0)


REFUSAL = (429, b'{"error": {"message": "Rate limit reached"}}', {"Retry-After": "3600"})
LAST = (200, completion("yes", "one"), {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h"})


@pytest.mark.parametrize(
    ("reply", "accounts", "shared"),
    [
        (REFUSAL, (None, None), True),
        (REFUSAL, ("ours", "ours"), True),
        (REFUSAL, ("mine", "yours"), False),
        (LAST, ("ours", "ours"), True),
        (LAST, (None, None), False),
    ],
)
def test_at_a_server(
    reply: Any, accounts: tuple[str | None, str | None], shared: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two LLMs with one key, and a third one with another: how many calls the second one makes after a reply to the first."""
    count = 20
    heard, done = threading.Event(), set()

    def answer(body: dict[str, Any], tries: int) -> Any:
        if body["model"] == "one":
            return reply
        assert heard.wait(60)
        return "yes"

    class Board(Silent):
        def finished(self, llm: str, *facts: Any, **more: Any) -> None:
            super().finished(llm, *facts, **more)
            heard.set()
            counts[llm] = counts.get(llm, 0) + 1
            done.update(name for name, number in counts.items() if number == count)
            if {"three"} | (set() if shared else {"two"}) <= done:
                engine.stop("all has been seen")

    counts: dict[str, int] = {}
    monkeypatch.setenv("ONE_KEY", "key-of-a-test")
    monkeypatch.setenv("OTHER_KEY", "other-key-of-a-test")
    with serving(answer) as server, RunJournal(tmp_path) as journal:
        given = {"url": server.url, "concurrency": 1}
        llms = [
            llm_at("one", key_variable="ONE_KEY", account=accounts[0], **given),
            llm_at("two", key_variable="ONE_KEY", account=accounts[1], **given),
            llm_at("three", key_variable="OTHER_KEY", **given),
        ]
        engine = Engine(llms, journal, budget=budget(*llms), board=Board(), say=[].append)
        asyncio.run(engine.run({one.name: calls(count, one.name) for one in llms}))
        asked = [body["model"] for _, body, _ in server.requests]
    assert asked.count("one") == 1
    assert asked.count("three") == count
    assert asked.count("two") == (1 if shared else count)
