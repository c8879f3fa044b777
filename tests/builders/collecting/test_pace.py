"""The pace of calls to an endpoint: adaptive concurrency, limits per minute, pauses, and who is next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.account import Account
from llmfusionbench.builders.collecting.calls import Attempt, Limits
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.pace import Pace
from tests.helpers.virtual_time import now, run_virtually

ENDPOINT = Endpoint(name="one", url="http://127.0.0.1:9/v1", model="m", concurrency=16)
OK = Attempt("ok", response="yes", input_tokens=60, output_tokens=40, http_status=200)
BUSY = Attempt("error", error="too many", http_status=429, passing=True)


def paced(endpoint: Endpoint = ENDPOINT, jitter: float = 0.0, **changes: Any) -> Pace:
    given = replace(endpoint, **changes)
    account = Account(given.requests_per_minute, given.tokens_per_minute, clock=now, jitter=lambda: jitter)
    return Pace(given, account)


async def called(pace: Pace, answer: Callable[[], Attempt], seconds: float = 1.0, tokens: int | None = 100) -> float:
    """One call; the moment at which it started."""
    await pace.enter(tokens)
    start = now()
    attempt = answer()
    await asyncio.sleep(seconds)
    pace.leave(attempt, tokens)
    return start


async def starts(pace: Pace, n: int, answer: Callable[[], Attempt] = lambda: OK, seconds: float = 1.0) -> list[float]:
    return await asyncio.gather(*(called(pace, answer, seconds) for _ in range(n)))


def test_slow_start_doubles_up_to_the_concurrency() -> None:
    async def main() -> list[float]:
        return await starts(paced(), 63)

    found = run_virtually(main())
    assert [found.count(float(second)) for second in range(6)] == [1, 2, 4, 8, 16, 16]


def test_a_server_that_is_too_busy_cuts_once_per_round_trip_and_growth_is_then_slow() -> None:
    async def main() -> list[int]:
        pace = paced()
        await starts(pace, 100)
        seen = [pace.allowed]
        for _ in range(6):
            await starts(pace, pace.allowed, lambda: replace(BUSY, retry_after_s=1.0))
            seen.append(pace.allowed)
        await called(pace, lambda: OK)
        begin = now()
        found = [start - begin for start in await starts(pace, 14)]
        return [*seen, *(found.count(float(second)) for second in range(4))]

    assert run_virtually(main()) == [16, 8, 4, 2, 1, 1, 1, 2, 3, 4, 5]


def test_refusals_of_calls_from_before_the_cut_do_not_cut_again() -> None:
    async def main() -> tuple[int, int]:
        pace = paced()
        await starts(pace, 100)
        for _ in range(16):
            await pace.enter(1)
        for _ in range(16):
            pace.leave(BUSY, 1)
        after = pace.allowed
        await pace.enter(1)
        pace.leave(BUSY, 1)
        return after, pace.allowed

    assert run_virtually(main()) == (8, 4)


def test_the_limit_settles_near_what_the_server_takes() -> None:
    async def main() -> tuple[int, int, float]:
        pace, inside, most, refused = paced(concurrency=64), 0, 0, 0

        async def one() -> None:
            nonlocal inside, most, refused
            while True:
                await pace.enter(100)
                inside += 1
                most, busy = max(most, inside), inside > 20
                await asyncio.sleep(0.01 if busy else 1.0)
                inside -= 1
                pace.leave(BUSY if busy else OK, 100)
                if not busy:
                    return
                refused += 1

        await asyncio.gather(*(one() for _ in range(1500)))
        return most, refused, 1500 / now()

    most, refused, rate = run_virtually(main())
    assert most <= 32
    assert refused <= 30
    assert rate >= 14


def test_failures_that_are_no_sign_of_load_change_nothing() -> None:
    async def main() -> list[int]:
        pace = paced()
        await starts(pace, 7)
        seen = [pace.allowed]
        for status in (500, 400, None):
            await starts(pace, 8, lambda status=status: Attempt("error", error="x", http_status=status))  # type: ignore[misc]
            seen.append(pace.allowed)
        return seen

    seen = run_virtually(main())
    assert seen == [seen[0]] * 4
    assert seen[0] > 1


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    async def main() -> int:
        pace = paced()
        for _ in range(50):
            await called(pace, lambda: OK)
        return pace.allowed

    assert run_virtually(main()) == 3


@pytest.mark.parametrize("status", [429, 503, 500])
def test_nothing_starts_before_retry_after_is_over(status: int) -> None:
    async def main() -> tuple[list[float], float]:
        pace = paced(jitter=1.0)
        await starts(pace, 100)
        before = now()
        await called(pace, lambda: Attempt("error", error="wait", http_status=status, retry_after_s=7.5), seconds=0.0)
        assert 7.5 <= pace.paused_s <= 8.5
        return await starts(pace, 4), before

    found, before = run_virtually(main())
    assert all(before + 7.5 <= start <= before + 8.5 for start in found)


def test_the_longest_of_several_pauses_counts_and_odd_ones_do_not() -> None:
    async def main() -> list[float]:
        pace = paced()
        await starts(pace, 100)
        begin = now()
        for _ in range(6):
            await pace.enter(1)
        for seconds in (3.0, 20.0, 1.0, -5.0, float("nan"), float("inf")):
            pace.leave(replace(BUSY, retry_after_s=seconds), 1)
        return [start - begin for start in await starts(pace, 1)]

    assert run_virtually(main()) == [20.0]


def test_storms_without_retry_after_wait_longer_each_time() -> None:
    async def main() -> list[float]:
        pace = paced()
        found = [await called(pace, lambda: BUSY, seconds=0.0) for _ in range(10)]
        await called(pace, lambda: OK, seconds=0.0)
        found.append(now())
        await called(pace, lambda: BUSY, seconds=0.0)
        return [*found, await called(pace, lambda: OK)]

    found = run_virtually(main())
    waits = [b - a for a, b in pairwise(found)]
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 0.25]


def test_requests_per_minute_are_spread() -> None:
    async def main() -> list[float]:
        return await starts(paced(requests_per_minute=60, concurrency=8), 150, seconds=0.5)

    found = run_virtually(main())
    assert all(sum(start <= other < start + 60 for other in found) <= 61 for start in found)
    assert found[-1] == pytest.approx(149, rel=0.02)


def test_tokens_per_minute_count_what_calls_took_in_the_end() -> None:
    async def main(answer: Attempt) -> float:
        return max(await starts(paced(tokens_per_minute=6000, concurrency=4), 61, lambda: answer, seconds=0.1))

    assumed = run_virtually(main(replace(OK, input_tokens=None)))
    fewer = run_virtually(main(replace(OK, input_tokens=10, output_tokens=15)))
    free = run_virtually(main(Attempt("error", error="x", http_status=500)))
    assert assumed == pytest.approx(60, rel=0.05)
    assert fewer == pytest.approx(15, rel=0.25)
    assert free < 8


def test_answers_that_are_much_shorter_than_they_may_be_use_the_limit() -> None:
    """Each announces 4,000 tokens and takes 200; 30,000 per minute are enough for 150 calls."""

    async def main() -> list[float]:
        pace = paced(tokens_per_minute=30_000, concurrency=64)
        short = replace(OK, input_tokens=50, output_tokens=150)
        return await asyncio.gather(*(called(pace, lambda: short, seconds=5.0, tokens=4_000) for _ in range(450)))

    found = run_virtually(main())
    assert found[-1] == pytest.approx(180, rel=0.1)
    assert all(sum(start <= other < start + 60 for other in found) <= 165 for start in found)


def test_a_call_larger_than_the_limit_passes_and_leaves_a_debt() -> None:
    async def main() -> list[float]:
        pace = paced(tokens_per_minute=600)
        taken = replace(OK, input_tokens=None)
        return [await called(pace, lambda: taken, seconds=0.0, tokens=tokens) for tokens in (1200, 10, 10)]

    assert run_virtually(main()) == pytest.approx([0, 120, 121], rel=0.01)


def test_limits_are_learnt_from_replies_unless_they_are_given() -> None:
    stated = replace(OK, limits=Limits(requests_per_minute=120, tokens_per_minute=-1))

    async def main(**given: Any) -> tuple[float | None, float | None, float]:
        account = Account(*given.values(), clock=now, jitter=lambda: 0.0)
        pace = Pace(ENDPOINT, account)
        found = await starts(pace, 41, lambda: stated, seconds=0.1)
        return account.requests.per_minute, pace.tokens_per_minute, found[-1]

    requests, tokens, last = run_virtually(main())
    assert (requests, tokens) == (120, None)
    assert last == pytest.approx(20, rel=0.1)
    requests, _, last = run_virtually(main(requests_per_minute=600))
    assert requests == 600
    assert last == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    ("limits", "wait"),
    [
        (Limits(requests_left=0, requests_reset_s=12.0), 12.0),
        (Limits(tokens_left=99, tokens_reset_s=5.0), 5.0),
        (Limits(tokens_left=100, tokens_reset_s=5.0), 0.0),
        (Limits(requests_left=0, tokens_left=0, requests_reset_s=3.0, tokens_reset_s=9.0), 9.0),
        (Limits(requests_left=0), 0.0),
        (Limits(requests_left=-1, requests_reset_s=9.0), 0.0),
        (Limits(requests_left=0, requests_reset_s=float("inf")), 0.0),
    ],
)
def test_a_used_up_limit_waits_for_its_reset(limits: Limits, wait: float) -> None:
    async def main() -> float:
        pace = paced()
        await called(pace, lambda: replace(OK, limits=limits))
        return await called(pace, lambda: OK) - 1.0

    assert run_virtually(main()) == pytest.approx(wait)


def test_the_headers_of_a_stream_are_as_old_as_its_first_token() -> None:
    limits = Limits(requests_left=0, requests_reset_s=12.0)

    async def main(latency: float) -> float:
        pace = paced()
        streamed = replace(OK, limits=limits, latency_s=latency, first_token_s=1.0)
        await called(pace, lambda: streamed, seconds=latency)
        return await called(pace, lambda: OK)

    assert run_virtually(main(9.0)) == pytest.approx(13.0)
    assert run_virtually(main(40.0)) == pytest.approx(40.0)


def test_calls_start_in_their_order_and_cancelled_ones_leave_no_trace() -> None:
    async def main() -> tuple[list[int], int]:
        pace, order = paced(concurrency=1), []

        async def one(i: int) -> None:
            await pace.enter(100)
            order.append(i)
            await asyncio.sleep(1)
            pace.leave(OK, 100)

        tasks = [asyncio.create_task(one(i)) for i in range(8)]
        await asyncio.sleep(0.5)
        for i in (1, 4, 7):
            tasks[i].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order, pace.in_flight

    assert run_virtually(main()) == ([0, 2, 3, 5, 6], 0)


def test_a_call_that_is_cancelled_as_it_gets_its_place_gives_it_back() -> None:
    async def main() -> tuple[int, float]:
        pace = paced(concurrency=1, requests_per_minute=60)
        await pace.enter(1)
        waiting = asyncio.create_task(pace.enter(1))
        await asyncio.sleep(5)
        pace.leave(OK, 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
        return pace.in_flight, await called(pace, lambda: OK) - 5

    assert run_virtually(main()) == (0, 0.0)


def test_a_clock_that_jumps_does_no_harm() -> None:
    async def main(jump: float) -> float:
        shift = 0.0
        pace = Pace(ENDPOINT, Account(60, clock=lambda: now() + shift, jitter=lambda: 0.0))
        await called(pace, lambda: OK, seconds=0.0)
        await called(pace, lambda: replace(BUSY, retry_after_s=30.0), seconds=0.0)
        before = now()
        shift = jump
        return await called(pace, lambda: OK) - before

    assert run_virtually(main(0.0)) == pytest.approx(30, abs=0.1)
    assert run_virtually(main(-1e6)) == pytest.approx(30, abs=0.1)
    assert run_virtually(main(1e6)) <= 30


@given(
    st.lists(st.sampled_from(["ok", "busy", "error", "cancel", "slow"]), min_size=1, max_size=60),
    st.integers(1, 6),
    st.sampled_from([None, 30.0, 600.0]),
)
def test_every_call_ends_and_no_place_is_lost(kinds: list[str], most: int, limit: float | None) -> None:
    async def main() -> tuple[int, int]:
        pace, peak = paced(concurrency=most, requests_per_minute=limit, tokens_per_minute=limit and limit * 100), 0

        async def one(kind: str) -> None:
            nonlocal peak
            await pace.enter(100)
            peak = max(peak, pace.in_flight)
            attempt = {"busy": BUSY, "error": Attempt("error", error="x")}.get(kind, OK)
            try:
                await asyncio.sleep(5 if kind in ("slow", "cancel") else 0.3)
            except asyncio.CancelledError:
                attempt = Attempt("error", error="cancelled", charged=True)
                raise
            finally:
                pace.leave(attempt, 100)

        tasks = [asyncio.create_task(one(kind)) for kind in kinds]
        await asyncio.sleep(1)
        for kind, task in zip(kinds, tasks, strict=True):
            if kind == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return peak, pace.in_flight

    peak, left = run_virtually(main())
    assert peak <= most
    assert left == 0


def test_a_server_that_states_absurd_tokens_does_not_stop_all_calls() -> None:
    async def main() -> float:
        pace = paced(tokens_per_minute=60_000.0)
        await called(pace, lambda: replace(OK, output_tokens=2**52))
        return await called(pace, lambda: OK)

    assert run_virtually(main()) < 10


def test_calls_whose_tokens_were_not_counted_say_nothing_of_the_share_of_later_ones() -> None:
    """Each announces 1,000 tokens once the limit of 60,000 is known, and takes 100: 600 per minute, as if it was given."""
    stated = replace(OK, limits=Limits(tokens_per_minute=60_000, tokens_left=59_000, tokens_reset_s=1.0))

    async def main(**given: Any) -> float:
        pace = paced(**given)

        async def one() -> float:
            return await called(pace, lambda: stated, seconds=0.2, tokens=pace.tokens_per_minute and 1_000)

        await one()
        return max(await asyncio.gather(*(one() for _ in range(120))))

    assert run_virtually(main()) == pytest.approx(run_virtually(main(tokens_per_minute=60_000)), rel=0.1)


def test_calls_that_wait_as_a_limit_is_learnt_take_what_the_last_answer_took() -> None:
    stated = replace(OK, limits=Limits(tokens_per_minute=6_000))

    async def main(absurd: int) -> list[float]:
        pace = paced(concurrency=8)
        first = replace(stated, output_tokens=40 + absurd)
        found = [called(pace, lambda: first, seconds=0.1, tokens=None)]
        found += [called(pace, lambda: OK, seconds=0.1, tokens=None) for _ in range(60)]
        return await asyncio.gather(*found)

    found = run_virtually(main(0))
    assert found[-1] == pytest.approx(60, rel=0.05)
    assert all(sum(start <= other < start + 6 for other in found) <= 8 for start in found)
    assert run_virtually(main(2**52))[-1] < 200
