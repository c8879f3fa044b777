"""Calls dealt to LLMs: none waits for another without need, and idle ones cost nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting import dealing
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.dealing import Dealer
from tests.helpers.run_calls import call, calls


def deal(given: Iterator[Call], workers: dict[str, int], work: Callable[[Call], Coroutine[Any, Any, None]]) -> Dealer:
    """Workers of each LLM that take calls until there are none."""

    async def one(llm: str) -> None:
        while (taken := await dealer.next(llm)) is not None:
            await work(taken)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(llm) for llm, count in workers.items() for _ in range(count)))

    dealer = Dealer(given, workers)
    asyncio.run(all_of_them())
    return dealer


@given(st.lists(st.sampled_from("abc"), max_size=400), st.integers(1, 90), st.integers(1, 5), st.data())
def test_every_call_is_dealt_once(llms: list[str], ahead: int, workers: int, data: st.DataObject) -> None:
    dealt: Counter[tuple[str, ...]] = Counter()
    turns = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=20))

    async def work(taken: Call) -> None:
        dealt[taken.slot] += 1
        for _ in range(turns[sum(dealt.values()) % len(turns)]):
            await asyncio.sleep(0)

    made = [call(place, llm) for place, llm in enumerate(llms)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealing, "LOOK_AHEAD", ahead)
        dealer = deal(iter(made), dict.fromkeys("abc", workers), work)
    assert dealt == Counter(each.slot for each in made)
    assert dealer.ended
    assert dealer.skipped == 0


def test_workers_without_calls_are_seldom_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LOOK_AHEAD", 500)
    woken = 0
    until_room = Dealer._until_room

    async def counted(dealer: Dealer, llm: str) -> None:
        nonlocal woken
        woken += 1
        await until_room(dealer, llm)

    async def work(_: Call) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(Dealer, "_until_room", counted)
    dealer = deal(chain(calls(100, "first"), calls(6400, "second")), {"first": 64, "second": 64}, work)
    assert dealer.ended
    assert woken <= 64 + 2 * 6400 / 64


def test_a_closed_llm_gets_nothing_and_its_calls_are_counted() -> None:
    taken: list[str] = []

    async def work(each: Call) -> None:
        taken.append(each.llm)
        if taken.count("shut") == 3:
            dealer.close("shut")

    async def run() -> None:
        async def one(llm: str) -> None:
            while (each := await dealer.next(llm)) is not None:
                await work(each)

        await asyncio.gather(one("shut"), one("open"))

    dealer = Dealer((call(place, llm) for place in range(500) for llm in ("shut", "open")), ["shut", "open"])
    asyncio.run(run())
    assert taken.count("open") == 500
    assert (taken.count("shut"), dealer.skipped) == (3, 497)
