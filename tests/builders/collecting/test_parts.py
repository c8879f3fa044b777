"""How the calls of a run and the limits of its LLMs are divided among workers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.parts import Part, part_of, workers_of
from llmfusionbench.builders.collecting.plan import Plan
from tests.helpers.run_folder import llm, made_run, sums

ENDPOINTS = st.lists(
    st.builds(
        lambda concurrency, account: {"concurrency": concurrency, "account": account},
        st.integers(1, 40),
        st.sampled_from([None, "x", "y"]),
    ),
    min_size=1,
    max_size=5,
)


def made(settings: Sequence[dict[str, object]]) -> list[Endpoint]:
    return [llm(f"m{place}", requests_per_minute=90.0, tokens_per_minute=7000.0, **one) for place, one in enumerate(settings)]


@given(ENDPOINTS, st.integers(1, 50))
def test_the_parts_of_a_limit_sum_up_to_it(settings: list[dict[str, object]], workers: int) -> None:
    endpoints = made(settings)
    of = workers_of(endpoints, workers)
    assert of.keys() == {one.name for one in endpoints}
    for one in endpoints:
        assert 1 <= of[one.name] <= min(workers, one.concurrency)
        parts = [part_of(one, place, of[one.name]) for place in range(of[one.name])]
        assert min(part.concurrency for part in parts) >= 1
        assert sum(part.concurrency for part in parts) == one.concurrency
        assert sum(part.requests_per_minute or 0 for part in parts) == pytest.approx(90)
        assert sum(part.tokens_per_minute or 0 for part in parts) == pytest.approx(7000)


@given(ENDPOINTS, st.integers(1, 50))
def test_llms_of_one_account_are_asked_by_equally_many(settings: list[dict[str, object]], workers: int) -> None:
    endpoints = made(settings)
    of = workers_of(endpoints, workers)
    for account in ("x", "y"):
        assert len({of[one.name] for one in endpoints if one.account == account}) <= 1


def test_limits_that_are_not_stated_stay_so() -> None:
    part = part_of(llm("a"), 0, 2)
    assert (part.requests_per_minute, part.tokens_per_minute) == (None, None)


def test_every_call_is_in_the_part_of_one_worker(tmp_path: Path) -> None:
    run = made_run(tmp_path, sums(40), [llm("a"), llm("b", concurrency=2)], replicates=2)
    plan = Plan(run, tuple(run.endpoints()))
    of = workers_of(plan.endpoints, 3)
    parts = [Part(plan, place, of) for place in range(3)]
    keys = [{call.key for call in part.calls()} for part in parts]
    assert sum(map(len, keys)) == len(set().union(*keys)) == len({call.key for call in plan.calls()}) == 160
    assert min(map(len, keys)) > 0
    assert [{call.llm for call in part.calls()} for part in parts] == [{"a", "b"}, {"a", "b"}, {"a"}]
    for part, own in zip(parts, keys, strict=True):
        assert {call.key for calls in part.by_llm().values() for call in calls} == own
