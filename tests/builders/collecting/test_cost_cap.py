"""The hard cap on cost: prices, worst cases, what is settled, and who waits for room."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.budget import Budget, Held
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.token_bounds import AROUND
from llmfusionbench.errors import InputError, UnknownNameError

DAY = date(2026, 5, 4)
FLAT = Price(input_price=0.0, output_price=1.0)
ONE = Endpoint(name="one", url="http://127.0.0.1:9", model="m", prices=(FLAT,))
BOTH = Endpoint(name="both", url="http://127.0.0.1:9", model="m", prices=(Price(input_price=0.3, output_price=2.5),))
OK = Attempt("ok", response="yes", http_status=200, charged=True)
FAILED = Attempt("error", error="broken", charged=True)


def call(llm: str = "one", max_tokens: int = 100_000, **fields: Any) -> Call:
    """Its answer costs at most 0.1 USD at the price of `one`."""
    payload = {"model": "m", "messages": [{"role": "user", "content": "How far is it?"}], "max_tokens": max_tokens, **fields}
    return Call(("q", llm, "direct", "0"), llm, "0" * 32, payload)


def budget(max_cost: float | None = 0.3, *endpoints: Endpoint, today: Any = DAY, spent: float = 0.0) -> Budget:
    return Budget(max_cost, endpoints or (ONE, BOTH), today=today, spent=spent)


def taken(found: Budget, **fields: Any) -> Held:
    held = found.reserve(call(**fields))
    assert held is not None
    return held


def test_three_tenths_fit_into_three_tenths_exactly() -> None:
    found = budget(0.3)
    for _ in range(3):
        assert taken(found).worst_usd == 0.1
    assert found.reserve(call(max_tokens=1)) is None
    assert (found.reserved_usd, found.spent_usd, found.in_flight) == (0.3, 0.0, 3)


def test_settling_makes_room_for_what_was_not_used() -> None:
    found = budget(0.1)
    held = taken(found)
    assert found.reserve(call(max_tokens=1)) is None
    assert found.settle(held, replace(OK, input_tokens=20, output_tokens=30_000)) == 0.03
    assert found.reserve(call(max_tokens=70_001)) is None
    taken(found, max_tokens=70_000)
    assert found.spent_usd == 0.03


@pytest.mark.parametrize(
    ("attempt", "cost"),
    [
        (replace(OK, input_tokens=9, output_tokens=5_000), 0.005),
        (OK, 0.1),
        (replace(OK, status="empty", response=None), 0.1),
        (replace(OK, input_tokens=9), 0.1),
        (replace(OK, input_tokens=9, output_tokens=5_000, stated_cost=0.02), 0.02),
        (replace(OK, input_tokens=9, output_tokens=5_000, stated_cost=0.001), 0.005),
        (replace(OK, stated_cost=0.02), 0.1),
        (replace(OK, input_tokens=9, output_tokens=5_000, stated_cost=float("nan")), 0.005),
        (replace(OK, input_tokens=9, output_tokens=5_000, reasoning_tokens=4_000), 0.005),
        (replace(OK, input_tokens=9, output_tokens=1_000, reasoning_tokens=4_000), 0.005),
        (FAILED, 0.1),
        (replace(FAILED, input_tokens=9, output_tokens=7_000), 0.007),
        (replace(FAILED, charged=False), 0.0),
        (replace(FAILED, charged=False, stated_cost=0.01), 0.01),
        (replace(FAILED, charged=False, input_tokens=9, output_tokens=7_000), 0.007),
        (None, 0.0),
    ],
)
def test_what_an_attempt_counts_for(attempt: Attempt | None, cost: float) -> None:
    found = budget()
    assert found.settle(taken(found), attempt) == cost
    assert (found.spent_usd, found.reserved_usd) == (cost, 0.0)


def test_without_a_price_only_a_stated_cost_is_known() -> None:
    found = budget(None, replace(ONE, prices=()))
    known = replace(OK, input_tokens=9, output_tokens=5_000)
    held = taken(found)
    assert held.worst_usd is None
    assert found.settle(held, known) is None
    assert found.settle(taken(found), replace(known, stated_cost=0.25)) == 0.25
    assert found.settle(taken(found), replace(FAILED, charged=False)) == 0.0
    assert found.spent_usd == 0.25


def test_a_reservation_is_settled_once() -> None:
    found = budget()
    held = taken(found)
    found.settle(held, OK)
    with pytest.raises(ValueError, match="settled before"):
        found.settle(held, OK)
    assert found.spent_usd == 0.1


def test_a_cap_needs_prices_of_all_llms() -> None:
    later = Price(input_price=1.0, output_price=1.0, since=DAY + timedelta(days=1))
    unknown = [replace(ONE, name="alpha", prices=()), ONE, replace(ONE, name="gamma", prices=(later,))]
    with pytest.raises(InputError, match="the price of alpha, gamma on 2026-05-04 is not known"):
        Budget(1.0, unknown, today=DAY)
    assert Budget(None, unknown, today=DAY).reserve(call("alpha")) is not None
    assert budget(0.0, replace(ONE, prices=(Price(input_price=0, output_price=0),))).reserve(call()) is not None


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_amounts_that_cannot_be(value: float) -> None:
    with pytest.raises(InputError, match="max_cost"):
        budget(value)
    with pytest.raises(InputError, match="spent"):
        budget(1.0, spent=value)


def test_a_request_without_a_maximum_has_no_worst_case() -> None:
    open_ended = replace(call(), payload={"model": "m", "messages": []})
    with pytest.raises(InputError, match="one: a request without a maximum of tokens"):
        budget().reserve(open_ended)
    assert budget(None).worst_case(open_ended).worst_usd is None
    with pytest.raises(UnknownNameError, match='No LLM "oen"'):
        budget().reserve(call("oen"))


def test_prices_are_those_of_the_day_and_of_its_neighbours() -> None:
    dated = [Price(input_price=0, output_price=p, since=date(2026, 5, day)) for p, day in ((1.0, 1), (4.0, 10), (2.0, 20))]
    day = date(2026, 5, 5)
    found = budget(None, replace(ONE, prices=tuple(dated)), today=lambda: day)
    seen = []
    for number in (5, 9, 10, 19, 20, 21, 22):
        day = date(2026, 5, number)
        seen.append(found.worst_case(call()).worst_usd)
    assert seen == [0.1, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2]


def test_a_price_that_rises_counts_as_it_was_when_the_call_was_sent() -> None:
    day = DAY
    prices = (FLAT, Price(input_price=0, output_price=10.0, since=DAY + timedelta(days=3)))
    found = budget(0.1, replace(ONE, prices=prices), today=lambda: day)
    held = taken(found)
    day += timedelta(days=3)
    assert found.settle(held, OK) == 0.1


def test_batches_have_their_discount() -> None:
    found = budget(None, ONE, replace(ONE, name="two", batch_discount=0.2))
    assert [found.worst_case(call(llm), batch=True).worst_usd for llm in ("one", "two")] == [0.05, 0.08]
    held = found.reserve(call(), batch=True)
    assert held is not None
    assert found.settle(held, replace(OK, input_tokens=1, output_tokens=1_000)) == 0.0005


def test_what_was_spent_before_counts() -> None:
    found = budget(0.3, spent=0.2)
    taken(found)
    assert found.reserve(call(max_tokens=1)) is None
    assert budget(0.3, spent=0.5).reserve(call(max_tokens=1)) is None


def test_who_waits_gets_room_in_order_and_none_when_there_is_never_any() -> None:
    async def main() -> tuple[list[int], list[bool]]:
        found, order, got = budget(0.2), [], []
        first, second = taken(found), taken(found)

        async def one(i: int, tokens: int) -> None:
            held = await found.wait(call(max_tokens=tokens))
            order.append(i)
            got.append(held is not None)
            if held is not None:
                found.settle(held, replace(OK, input_tokens=1, output_tokens=1_000))

        tasks = [asyncio.create_task(one(i, tokens)) for i, tokens in enumerate((150_000, 10, 10, 300_000, 10))]
        await asyncio.sleep(0)
        found.settle(first, FAILED)
        await asyncio.sleep(0)
        assert order == []
        found.settle(second, replace(FAILED, charged=False))
        await asyncio.gather(*tasks)
        return order, got

    assert asyncio.run(main()) == ([0, 1, 2, 3, 4], [False, True, True, False, True])


def test_closing_and_cancelling_leave_nothing_reserved() -> None:
    async def main() -> list[Any]:
        found = budget(0.1)
        held = taken(found)
        waiting = [asyncio.create_task(found.wait(call())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        found.settle(held, replace(FAILED, charged=False))
        waiting[1].cancel()  # it has just been given room
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        third = await waiting[2]
        assert third is not None
        last = asyncio.create_task(found.wait(call()))
        await asyncio.sleep(0)
        found.close()
        found.settle(third, FAILED)
        return [await last, found.reserve(call(max_tokens=1)), await found.wait(call(max_tokens=1)), found.in_flight]

    assert asyncio.run(main()) == [None, None, None, 0]


@st.composite
def answers(draw: st.DrawFn) -> tuple[int, str, str, float, float, float]:
    """Step at which it comes, LLM, kind, shares of the announced input and output, and share of the worst case stated."""
    share = st.floats(0, 1)
    kind = draw(st.sampled_from(["ok", "no usage", "broken", "broken with usage", "refused", "stated"]))
    return draw(st.integers(1, 5)), draw(st.sampled_from(["one", "both"])), kind, draw(share), draw(share), draw(share)


@given(st.lists(answers(), min_size=1, max_size=40), st.floats(0, 0.5), st.floats(0, 0.2))
def test_the_cap_holds_whatever_the_replies_and_their_order(plan: list[Any], cap: float, before: float) -> None:
    """A server charges at most for the announced tokens, or states a cost up to the worst case."""
    prices = {"one": (Fraction(0), Fraction(1)), "both": (Fraction("0.3"), Fraction("2.5"))}

    async def main() -> tuple[Fraction, Budget]:
        found, charged = budget(cap, spent=before), Fraction(before)

        async def one(steps: int, llm: str, kind: str, asked: float, said: float, stated: float) -> None:
            nonlocal charged
            held = await found.wait(call(llm, 20_000))
            if held is None:
                return
            for _ in range(steps):
                await asyncio.sleep(0)
            assert held.most_output is not None
            assert held.worst_usd is not None
            tokens = int(asked * held.most_input), int(said * held.most_output)
            price = (tokens[0] * prices[llm][0] + tokens[1] * prices[llm][1]) / 10**6
            usage = {"input_tokens": tokens[0], "output_tokens": tokens[1]}
            attempt = {
                "ok": replace(OK, **usage),  # type: ignore[arg-type]
                "no usage": OK,
                "broken": FAILED,
                "broken with usage": replace(FAILED, **usage),  # type: ignore[arg-type]
                "refused": replace(FAILED, charged=False),
                "stated": replace(OK, **usage, stated_cost=stated * held.worst_usd),  # type: ignore[arg-type]
            }[kind]
            real = Fraction(0) if kind == "refused" else max(price, Fraction(attempt.stated_cost or 0))
            charged += real
            assert charged <= max(Fraction(cap), Fraction(before))
            cost = found.settle(held, attempt)
            assert cost is not None
            assert cost >= real - Fraction(1, 10**12)

        await asyncio.gather(*(one(*step) for step in plan))
        return charged, found

    charged, found = asyncio.run(main())
    assert (found.in_flight, found.reserved_usd) == (0, 0.0)
    assert charged - Fraction(1, 10**9) <= found.spent_usd <= max(cap, before) + 1e-12


def test_the_tokens_for_rate_limits_are_likely_ones() -> None:
    held = budget().worst_case(call("both", 50))
    assert 50 < held.tokens < 100
    assert held.most_input > AROUND


def test_a_clock_that_is_set_back_brings_no_old_price_back() -> None:
    cheap_before = replace(ONE, prices=(FLAT, replace(FLAT, output_price=3.0, since=DAY)))
    days = iter([DAY, DAY, DAY - timedelta(days=900)])
    found = Budget(None, [cheap_before], today=lambda: next(days, DAY - timedelta(days=900)))
    assert [found.worst_case(call()).worst_usd for _ in range(4)] == [0.3] * 4
