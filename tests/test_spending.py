"""Budgets: what is set aside, what is settled, and who waits for room."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import Reply
from llmfusionbench.llm.spending import Held, Spending

SAID = [{"role": "user", "content": "x" * 300}]
"""Reckoned at 100 tokens and 48 around them."""


def taken(spending: Spending) -> Held:
    held = spending.reserve(SAID, 10, wait=False)
    assert held is not None
    return held


def test_a_conversation_without_an_answer_costs_nothing() -> None:
    spending = Spending(input_price=3.0, output_price=6.0, max_cost=0.0009)
    held = taken(spending)
    assert held.cost == pytest.approx((148 * 3 + 10 * 6) / 1e6)
    assert spending.reserve(SAID, 10, wait=False) is None
    spending.settle(held, SAID, Reply(error="no answer"))
    assert spending.usage.cost_usd == 0
    assert spending.usage.requests == 1
    taken(spending)


def test_tokens_are_counted_as_the_server_tells() -> None:
    spending = Spending(max_total_tokens=400)
    first, second = taken(spending), taken(spending)
    assert first.tokens == 158
    assert spending.reserve(SAID, 10, wait=False) is None
    for held in (first, second):
        spending.settle(held, SAID, Reply(text="y", input_tokens=100, output_tokens=20))
    assert (spending.usage.input_tokens, spending.usage.output_tokens, spending.usage.cost_usd) == (200, 40, None)
    spending.settle(taken(spending), SAID, Reply(text="y" * 30))
    assert (spending.usage.input_tokens, spending.usage.output_tokens, spending.usage.estimated) == (348, 50, 1)
    assert spending.reserve(SAID, 10, wait=False) is None


def test_none_where_nothing_is_allowed() -> None:
    assert Spending(max_requests=0).reserve(SAID, 10) is None
    assert Spending(max_total_tokens=157).reserve(SAID, 10) is None
    assert Spending(max_total_tokens=158).reserve(SAID, 10) is not None


def test_who_waits_gets_the_room_that_is_left_and_none_when_all_is_over() -> None:
    spending = Spending(max_total_tokens=200)
    held = taken(spending)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(spending.reserve, SAID, 10) for _ in range(2)]
        spending.settle(held, SAID, Reply(text="y", input_tokens=30, output_tokens=2))
        until = threading.Event()
        while not any(future.done() for future in waiting):
            until.wait(0.001)
        (second,) = (found for future in waiting if future.done() and (found := future.result()) is not None)
        spending.settle(second, SAID, Reply(text="y", input_tokens=30, output_tokens=2))
        assert [future.result() for future in waiting].count(None) == 1
    assert spending.usage.input_tokens == 60


def test_closed() -> None:
    spending = Spending(max_total_tokens=200)
    taken(spending)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(spending.reserve, SAID, 10)
        spending.close()
        assert waiting.result() is None
    assert spending.reserve(SAID, 10) is None


@pytest.mark.parametrize("name", ["input_price", "output_price", "max_cost", "max_requests", "max_total_tokens"])
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_limits_below_nothing(name: str, value: float) -> None:
    limit: dict[str, Any] = {name: value}
    with pytest.raises(InputError, match=f"{name}: .*expected 0 or more"):
        Spending(**limit)
