"""The cap on the cost holds for batches: their worst case is reserved before they are submitted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.batch_ledger import worst_in_batches
from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_run import look_at_batches
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.journal import RunJournal
from tests.helpers.batch_runs import PAID, at_once, batched, calls_of, endpoint_at, records, today
from tests.helpers.batch_server import LOST, OMIT, serving_batches


def worst_case() -> float:
    """USD of one of the calls, in a batch."""
    budget = Budget(None, [endpoint_at("http://h")], today=today().date())
    worst = budget.worst_case(calls_of(1)[0], batch=True).worst_usd
    assert worst is not None
    assert worst > PAID
    return worst


def test_a_batch_has_no_more_than_the_budget_has_room_for(tmp_path: Path) -> None:
    """What is left when a batch has cost less than reserved goes into the next one, until no call fits."""
    worst = worst_case()
    cap = 2.1 * worst
    said: list[str] = []
    with serving_batches(lambda body, _: "yes") as server:
        result = batched(tmp_path, [endpoint_at(server.url, retries=0)], calls_of(40), max_cost=cap, said=said)
        sizes = [len(server.files[b["input_file_id"]][1].splitlines()) for b in server.batches.values()]
        assert (sizes[:3], set(sizes[3:])) == ([2, 2, 1], {1})
        assert server.charged * PAID <= cap < (server.charged * PAID + worst)
        assert result.answered == server.charged
        assert result.answered + result.not_started == 40
        assert result.closed == {"m": "its next call does not fit into --max-cost"}
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(40), max_cost=1.0)
    assert (server.charged, result.not_started) == (40, 0)
    assert sum(a["cost_usd"] for a in records(tmp_path, "attempt")) == pytest.approx(40 * PAID)


def test_prices_have_the_discount_of_batches(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        batched(tmp_path, [endpoint_at(server.url, batch_discount=0.25)], calls_of(1))
    (attempt,) = records(tmp_path, "attempt")
    assert attempt["cost_usd"] == pytest.approx(PAID * 2 * 0.75)


def test_what_is_under_way_counts_after_a_restart(tmp_path: Path) -> None:
    """A run with a lower cap submits nothing beside a batch that may use it up, and still takes its results."""
    worst = worst_case()
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        batched(tmp_path, [endpoint_at(server.url)], calls_of(4), max_cost=1.0, manner=Manner(wait=False))
        manner = Manner(wait=False)
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(9), max_cost=5.5 * worst, manner=manner)
        assert (result.in_batches, result.not_started, len(server.batches)) == (5, 4, 2)
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(9), max_cost=2 * worst, manner=manner)
        assert (result.in_batches, result.not_started, len(server.batches)) == (5, 4, 2)
        server.held = set()
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(9), max_cost=2 * worst)
    assert (result.answered, result.not_started, server.charged) == (5, 4, 5)
    assert sum(a["cost_usd"] for a in records(tmp_path, "attempt")) == pytest.approx(5 * PAID)


def test_a_batch_that_may_exist_is_not_created_under_a_lower_cap(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: "yes") as server:
        server.faults["create"] = [(503, {"error": {"message": "busy"}}, {})]
        batched(tmp_path, [endpoint_at(server.url)], calls_of(4), manner=Manner(wait=False, faults=0))
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(4), max_cost=2.5 * worst_case())
        assert result.answered + result.not_started == 4
        assert (result.in_batches, server.charged * PAID <= 2.5 * worst_case()) == (0, True)
        result = batched(tmp_path, [endpoint_at(server.url)], calls_of(4), max_cost=1.0)
    assert server.charged == 4


def test_two_llms_share_a_budget(tmp_path: Path) -> None:
    """An LLM without room waits for the batches of another one."""
    worst = worst_case()
    with serving_batches(lambda body, _: "yes") as server:
        endpoints = [endpoint_at(server.url, name) for name in ("a", "b")]
        calls = [*calls_of(4, "a"), *calls_of(4, "b", start=4)]
        result = batched(tmp_path, endpoints, calls, max_cost=4.2 * worst)
    assert result.answered > 4
    assert server.charged * PAID <= 4.2 * worst


def test_an_llm_without_room_looks_again_when_others_were_taken(tmp_path: Path) -> None:
    """Also in a run that does not wait."""
    worst, said, manner = worst_case(), list[str](), Manner(wait=False)
    with serving_batches(lambda body, _: "yes") as server:
        endpoints = [endpoint_at(server.url, name) for name in ("off", "on")]
        cap, server.held = 4.5 * worst, {"finalizing"}
        batched(tmp_path, endpoints, calls_of(4, "on"), max_cost=cap, manner=manner)
        calls = [*calls_of(4, "on"), *calls_of(3, "off", start=4)]
        full = batched(tmp_path, endpoints, calls, max_cost=cap, manner=manner)
        assert full.closed == {"off": "it waits for the room in --max-cost that is reserved for batches under way"}
        assert (full.is_spent, full.in_batches, full.not_started) == (False, 4, 3)
        server.held = set()
        result = batched(tmp_path, endpoints, calls, max_cost=cap, manner=manner, said=said)
        assert (result.answered, result.in_batches, result.closed) == (4, 3, {})
    assert not any("do not fit" in line for line in said)


def test_lacking_results_count_their_worst_case(tmp_path: Path) -> None:
    with serving_batches(lambda body, _: OMIT) as server:
        cap = 4.5 * worst_case()
        result = batched(tmp_path, [endpoint_at(server.url, retries=9)], calls_of(2), max_cost=cap)
    assert (server.charged, result.answered, result.not_started) == (4, 0, 2)
    assert sum(a["cost_usd"] for a in records(tmp_path, "attempt")) == pytest.approx(4 * worst_case())


def test_before_calls_are_made_online(tmp_path: Path) -> None:
    """What has ended is taken, what no provider has is freed, and the rest counts its worst case."""
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        endpoints = [endpoint_at(server.url)]
        batched(tmp_path, endpoints, calls_of(2), manner=Manner(wait=False))
        server.faults["create"] = [LOST]
        batched(tmp_path, endpoints, calls_of(3), manner=Manner(wait=False, faults=0))
        server.faults["create"] = [(503, {"error": {"message": "busy"}}, {})]
        batched(tmp_path, endpoints, calls_of(7), manner=Manner(wait=False, faults=0))
        with RunJournal(tmp_path) as journal:
            assert len(journal.state.in_batches()) == 7
            asyncio.run(look_at_batches(endpoints, journal, Board(), say=lambda _: None, pause=at_once, today=today))
            assert worst_in_batches(journal) == pytest.approx(3 * worst_case())
            assert worst_in_batches(journal, ["m"]) == 0
            server.held = set()
            for _ in range(3):  # it is asked once each time
                asyncio.run(look_at_batches(endpoints, journal, Board(), say=lambda _: None, pause=at_once, today=today))
            assert worst_in_batches(journal) == 0
            assert (len(journal.answered), server.charged, len(server.batches)) == (3, 3, 2)
