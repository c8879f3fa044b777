"""Forecasts of runs: by task and mode, online and in batches, and without the calls that failed for good."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.forecast import forecast
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.measured import Measured
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import changed_record
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.collecting.run_forecast import forecast_of, grouping_of, made_in, pilot_of
from llmfusionbench.builders.collecting.totals import added
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.builders.tasks.task import in_modes
from llmfusionbench.statistics import Estimate
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write

PRICE = (Price(input_price=1.0, output_price=10.0),)
SHORT, LONG = 20, 6


def passages(count: int) -> list[Query]:
    """Queries with texts that are much longer than those of the sums."""
    texts = [f"Passage {i}: " + "the train leaves at noon and reaches the city before the rain. " * 60 for i in range(count)]
    return [
        Query(
            task="passages", domain="text", split="train", source_id=f"p{i}", metric="em", ground_truth="x",
            prompts=in_modes([{"role": "user", "content": text}], ("direct",)),
        )
        for i, text in enumerate(texts)
    ]  # fmt: skip


def two_tasks(folder: Path, *llms: Endpoint) -> tuple[Run, list[Call], list[Call]]:
    """A run of two tasks, with its calls to short and to long prompts."""
    run = made_run(folder / "run", [*sums(SHORT), *passages(LONG)], llms or [llm("a", prices=PRICE)])
    calls = planned(run)
    short = [call for call in calls if len(call.payload["messages"][0]["content"]) < 100]
    return run, short, [call for call in calls if call not in short]


def took(run: Run, calls: list[Call], tokens: int, *, batch: str | None = None) -> None:
    """Answer calls with these input tokens and some ten output tokens, at the price."""
    for i, call in enumerate(calls):
        said = 10 + i % 3
        cost = (tokens + said * 10) * 1e-6 * (0.5 if batch else 1)
        write(run, answer(call, input_tokens=tokens, output_tokens=said, cost=cost, latency_s=1.0, batch=batch))


def test_a_task_without_measured_calls_has_no_interval(tmp_path: Path) -> None:
    run, short, _ = two_tasks(tmp_path)
    took(run, short, 20)
    found = forecast_of(Plan(run, tuple(run.endpoints())), run.folder)
    (row,) = found.llms
    assert row.unmeasured == ("passages (direct)",)
    assert (row.requests, row.measured) == (SHORT + LONG, SHORT)
    assert all(math.isnan(x) for x in (*row.cost_usd[:3], *row.output_tokens[:3], *found.cost_usd[:3], row.seconds.value))
    spent = sum(one.cost_usd or 0.0 for one in made_in(run.folder).measured)
    inputs = row.input_tokens.value - 20 * SHORT
    assert inputs > 500 * LONG
    assert row.input_cost_usd == pytest.approx(spent + inputs * 1e-6)
    cells = found.table().rows[0]
    assert str(cells[3]).startswith("about ")
    assert str(cells[4]).startswith("up to ")
    assert str(cells[5]).startswith("from about $0.0")
    notes = "\n".join(found.notes())
    assert "Not every LLM has a measured call of passages (direct). Sums with such calls have no interval." in notes
    assert "A cost marked `from about` has the input alone" in notes
    assert "answers of some tasks or modes were not measured" in notes


def test_tasks_are_groups_of_their_own(tmp_path: Path) -> None:
    """Long prompts cost what long prompts took, however few of all measured calls those are."""
    run, short, long = two_tasks(tmp_path)
    took(run, short, 20)
    took(run, long[:3], 1000)
    (row,) = forecast_of(Plan(run, tuple(run.endpoints())), run.folder).llms
    assert row.unmeasured == ()
    real = sum((20 + (10 + i % 3) * 10) * 1e-6 for i in range(SHORT)) + LONG * (1000 + 110) * 1e-6
    assert row.cost_usd.low < real < row.cost_usd.high
    assert row.cost_usd.value == pytest.approx(real)
    assert row.input_tokens.value == pytest.approx(20 * SHORT + 1000 * LONG, rel=0.01)
    assert math.isnan(row.input_tokens.low), "the long ones took equal multiples of their texts"


def test_a_sum_over_llms_with_an_unmeasured_one_states_what_is_known(tmp_path: Path) -> None:
    run, short, _ = two_tasks(tmp_path, llm("a", prices=PRICE), llm("b", prices=PRICE))
    took(run, [call for call in planned(run) if call.llm == "a"], 20)
    found = forecast_of(Plan(run, tuple(run.endpoints())), run.folder)
    assert not math.isnan(found.llms[0].cost_usd.value)
    assert math.isnan(found.cost_usd.value)
    least = sum(row.input_cost_usd or 0.0 for row in found.llms)
    assert found.table().rows[-1][5] == f"from about ${least:.4f}"
    assert len(short) == 2 * SHORT


def test_a_pilot_measures_every_task(tmp_path: Path) -> None:
    run, _, long = two_tasks(tmp_path)
    plan = Plan(run, tuple(run.endpoints()))
    with RunJournal(run.folder) as journal:
        chosen = list(pilot_of(plan, journal, 2).calls())
    group = grouping_of(run)
    assert sorted(group(call.slot) for call in chosen) == ["passages (direct)"] * 2 + ["sums (direct)"] * 2
    took(run, chosen, 20)
    assert forecast_of(plan, run.folder).llms[0].unmeasured == ()
    assert {call.key for call in long} & {call.key for call in chosen}


@pytest.mark.parametrize(("measured", "planned_so"), [(False, True), (True, False), (True, True), (False, False)])
def test_costs_are_those_of_the_way_in_which_calls_are_made(tmp_path: Path, measured: bool, planned_so: bool) -> None:
    run = made_run(tmp_path / "run", sums(SHORT), [llm("a", prices=PRICE)])
    calls = planned(run)
    took(run, calls[:6], 20, batch="b" if measured else None)
    (row,) = forecast_of(Plan(run, tuple(run.endpoints())), run.folder, batch=planned_so).llms
    one = (20 + 11 * 10) * 1e-6
    assert row.cost_usd.value == pytest.approx(one * (6 * (0.5 if measured else 1) + (SHORT - 6) * (0.5 if planned_so else 1)))
    assert row.cost_usd.low < row.cost_usd.value < row.cost_usd.high


def test_the_cost_of_a_call_that_was_in_a_batch_and_online() -> None:
    both = Measured("k", "a", cost_usd=3.0, batch_usd=1.0)
    assert both.like_cost(batch=True, discount=0.5) == 2.0
    assert both.like_cost(batch=False, discount=0.5) == 4.0
    assert both.like_cost(batch=True, discount=1.0) == 1.0
    assert both.like_cost(batch=False, discount=1.0) is None
    assert Measured("k", "a", cost_usd=3.0).like_cost(batch=False, discount=1.0) == 3.0
    assert Measured("k", "a").like_cost(batch=True, discount=0.5) is None


def test_answers_of_unknown_cost_are_measured_at_the_prices_known_now(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(SHORT), [llm("a", prices=PRICE)])
    calls = planned(run)
    write(run, *(answer(call, input_tokens=20, output_tokens=10 + i) for i, call in enumerate(calls[:3])))
    write(run, answer(calls[3], input_tokens=20, output_tokens=11, batch="b"))
    assert [one.cost_usd for one in made_in(run.folder).measured] == [None] * 4
    found = made_in(run.folder, endpoints=run.endpoints()).measured
    assert [one.cost_usd for one in found] == pytest.approx([120e-6, 130e-6, 140e-6, 65e-6])
    assert [one.batch_usd for one in found] == pytest.approx([0.0, 0.0, 0.0, 65e-6])
    (row,) = forecast_of(Plan(run, tuple(run.endpoints())), run.folder).llms
    assert row.cost_usd.value == pytest.approx(455e-6 + (SHORT - 4) * 130e-6)
    assert row.most_cost_usd is not None


def failing(call: Call, cost: float | None = 0.25) -> bytes:
    return b"".join(answer(call, status="error", response=None, error="no", cost=cost))


def test_calls_that_failed_for_good_are_not_asked_but_their_cost_counts(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(10), [llm("a", prices=PRICE)])
    calls = planned(run)
    took(run, calls[:5], 20)
    before = forecast_of(Plan(run, tuple(run.endpoints())), run.folder).llms[0]
    write(run, iter([failing(calls[5]), failing(calls[6])]))
    found = forecast_of(Plan(run, tuple(run.endpoints())), run.folder)
    (row,) = found.llms
    assert (row.requests, row.measured, found.failed) == (8, 5, 2)
    assert row.cost_usd.value == pytest.approx(before.cost_usd.value * 0.8 + 0.5, rel=1e-3)
    assert row.most_cost_usd is not None
    assert row.most_cost_usd >= row.cost_usd.high >= row.cost_usd.low > 0.5
    assert any(note.startswith("2 calls that failed for good: not asked again without --retry error") for note in found.notes())
    (retried,) = forecast_of(Retry(run, run.endpoints(), ["error"]), run.folder).llms
    assert retried.requests == 2
    write(run, iter([line_of(changed_record("a"))]))
    assert forecast_of(Plan(run, tuple(run.endpoints())), run.folder).failed == 0


@pytest.mark.parametrize("kind", ["length", "empty", "refusal", "error,length", "error"])
def test_answers_chosen_for_what_they_are_are_not_forecast_from_all_answers(tmp_path: Path, kind: str) -> None:
    """A fifth of the answers is cut off, at 200 tokens: the mean over all says little of those."""
    run = made_run(tmp_path / "run", sums(20), [llm("a", prices=PRICE, max_tokens=200)])
    calls = planned(run)
    took(run, calls[:12], 20)
    write(run, *(answer(c, "2 and", finish_reason="length", input_tokens=20, output_tokens=200) for c in calls[12:14]))
    write(run, *(answer(c, "", status="empty", input_tokens=20, output_tokens=0) for c in calls[14:16]))
    write(run, *(answer(c, "no", finish_reason="content_filter", input_tokens=20, output_tokens=3) for c in calls[16:18]))
    write(run, iter([failing(calls[18]), failing(calls[19])]))
    work = Retry(run, run.endpoints(), kind.split(","), 4096 if "length" in kind else None)
    found = forecast_of(work, run.folder)
    (row,) = found.llms
    assert row.requests == 2 * len(kind.split(","))
    notes, cells = found.notes(), found.table().rows[0]
    if kind == "error":
        assert row.output_tokens.low < row.output_tokens.value < row.output_tokens.high
        assert "Failed calls are taken to be like the answered ones of their LLM, task and mode." in notes
        assert any(note.startswith("Intervals are 95%.") for note in notes)
        return
    assert all(math.isnan(x) for x in (*row.output_tokens[:3], *row.cost_usd[:3], row.seconds.value, found.cost_usd.low))
    assert cells[4] == f"up to {row.most_output_tokens:,}"
    assert str(cells[5]).startswith("from about ")
    assert "What is asked again was chosen for its answers, so no other answers stand for it: only bounds are known." in notes
    assert not any("no answers were measured" in note or "Intervals" in note for note in notes)


def test_an_llm_of_which_all_calls_failed_keeps_its_cost(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(2), [llm("a", prices=PRICE), llm("b", prices=PRICE)])
    calls = planned(run)
    write(run, iter([failing(call) for call in calls if call.llm == "a"]), *(answer(call) for call in calls if call.llm == "b"))
    found = forecast_of(Plan(run, tuple(run.endpoints())), run.folder)
    assert (found.llms[0].llm, found.llms[0].requests, found.llms[0].cost_usd[:3]) == ("a", 0, (0.5, 0.5, 0.5))
    unknown = {call.key: None for call in calls if call.llm == "a"}
    assert forecast(calls, run.endpoints(), today=date(2026, 5, 4), failed=unknown).llms[0].most_cost_usd is None


def test_an_answer_that_was_asked_again_in_vain_is_no_failure(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(1), [llm("a", prices=PRICE)])
    (call,) = planned(run)
    took(run, [call], 20)
    write(run, answer(call, number=2, status="error", response=None, error="no", cost=0.25))
    assert made_in(run.folder).failed == {}
    assert made_in(run.folder).measured[0].cost_usd == pytest.approx(0.25 + 120e-6)


def test_the_sum_of_estimates() -> None:
    two = [Estimate(10.0, 7.0, 14.0, 3), Estimate(20.0, 16.0, 23.0, 5)]
    assert added(two) == Estimate(30.0, 25.0, 35.0, 8)
    assert added(two[:1]) == two[0]
    assert math.isnan(added([*two, Estimate(1.0, math.nan, math.nan, 0)]).low)
    assert added([]) == Estimate(0.0, 0.0, 0.0, 0)


def test_a_forecast_tells_how_far_it_is() -> None:
    calls = [Call((str(i),), "a", f"{i:032x}", {"messages": [], "max_tokens": 1}) for i in range(2500)]
    told: list[tuple[str, int]] = []
    forecast(calls, [llm("a")], today=date(2026, 5, 4), progress=lambda what, done: told.append((what, done)))
    assert told == [("calls forecast", 0), ("calls forecast", 1000), ("calls forecast", 2000)]
