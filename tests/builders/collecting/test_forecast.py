"""What a collection will take: bounds before it, and estimates with intervals from measured calls."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from benchmarks.figures.pilot_coverage import coverage
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.forecast import forecast
from llmfusionbench.builders.collecting.forecast_table import Forecast
from llmfusionbench.builders.collecting.measured import Measured, mode_of, pilot_sample
from llmfusionbench.builders.collecting.token_bounds import likely_input_tokens
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.statistics import Estimate

PINNED = {5: 0.928, 10: 0.952, 30: 0.952, 100: 0.958}
"""Measured calls per group -> share of 500 simulated collections whose cost is in the interval."""
DAY = date(2026, 5, 4)
ONE = Endpoint(name="one", url="http://127.0.0.1:9", model="m", concurrency=4, prices=(Price(input_price=1, output_price=10),))
TWO = replace(ONE, name="two", model="n")


def planned(llm: str = "one", n: int = 40, modes: tuple[str, ...] = ("direct",), most: int = 1000) -> list[Call]:
    found = []
    for i in range(n):
        for mode in modes:
            text = f"{mode}: {i} and what follows"
            payload = {"model": llm, "messages": [{"role": "user", "content": text}], "max_tokens": most}
            found.append(Call((str(i), llm, mode, "0"), llm, call_key("http://127.0.0.1:9", payload), payload))
    return found


def made(calls: list[Call], output: Any = 100, cost: Any = 0.001, latency: Any = 2.0) -> list[Measured]:
    """What calls took; each figure is a number, or a function of the call's place."""

    def at(figure: Any, i: int) -> Any:
        return figure(i) if callable(figure) else figure

    return [
        Measured(c.key, c.llm, mode_of(c.slot), 20, at(output, i), at(cost, i), at(latency, i)) for i, c in enumerate(calls)
    ]


def ends(found: Estimate) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def test_only_bounds_before_anything_is_measured() -> None:
    calls = planned()
    found = forecast(calls + calls[:10], [replace(ONE, requests_per_minute=60), TWO], today=DAY)
    (row,) = found.llms
    assert (row.requests, row.measured, row.most_output_tokens, row.least_seconds) == (40, 0, 40_000, 40.0)
    assert 40 * 8 < row.input_tokens.value < 40 * 40
    worst = [Budget(None, [ONE], today=DAY).worst_case(c).worst_usd for c in calls]
    assert row.most_cost_usd == pytest.approx(sum(w for w in worst if w is not None)) == found.most_cost_usd
    assert all(math.isnan(x) for x in (*ends(row.output_tokens), *ends(row.cost_usd), *ends(row.seconds), found.cost_usd.value))
    (cells,) = found.table().rows
    assert cells[1:3] == (40, 0)
    assert row.input_cost_usd == pytest.approx(row.input_tokens.value * 1e-6)
    assert cells[4:6] == ("up to 40,000", "from about $0.0008")
    assert str(cells[6]).startswith("$0.")
    assert cells[7] == "at least 40 s"
    notes = "\n".join(found.notes())
    assert "upper bounds" in notes
    assert "lower bounds" in notes


def test_an_earlier_run_gives_means() -> None:
    earlier = [
        replace(m, key=f"other {i}")
        for i, m in enumerate(made(planned(n=10), lambda i: 80 + 4 * i, lambda i: 0.001 + 1e-5 * i))
    ]
    found = forecast(planned(), [ONE], today=DAY, measured=earlier).llms[0]
    assert (found.requests, found.measured) == (40, 0)
    assert found.output_tokens.value == pytest.approx(40 * 98)
    assert found.output_tokens.low < 40 * 98 < found.output_tokens.high
    assert found.cost_usd.value == pytest.approx(40 * 0.001045)
    assert found.seconds.value == pytest.approx(40 * 2.0 / 4)


def test_a_pilot_is_part_of_the_plan_and_what_it_took_is_known() -> None:
    calls = planned()
    pilot = made(calls[:10], lambda i: 80 + 4 * i)
    one = forecast(calls, [ONE], today=DAY, measured=pilot).llms[0]
    assert (one.requests, one.measured) == (40, 10)
    assert one.output_tokens.value == pytest.approx(40 * 98)
    assert one.seconds.value == pytest.approx(30 * 2.0 / 4)
    s = float(np.std([80 + 4 * i for i in range(10)], ddof=1))
    half = 2.262 * s * math.sqrt(40 * 30 / 10)
    assert one.output_tokens.low <= 40 * 98 - half * 0.999
    assert one.output_tokens.high == pytest.approx(40 * 98 + half, rel=0.02)
    everything = forecast(calls, [ONE], today=DAY, measured=made(calls, lambda i: i)).llms[0]
    assert ends(everything.output_tokens) == (780.0, 780.0, 780.0)
    assert everything.cost_usd.value == pytest.approx(0.04) == everything.most_cost_usd
    assert ends(everything.seconds) == (0.0, 0.0, 0.0)


def test_input_tokens_are_those_of_the_texts_times_what_a_pilot_found() -> None:
    calls = planned()
    counted = [likely_input_tokens(c.payload, len) for c in calls]
    only = forecast(calls, [ONE], today=DAY, count=len).llms[0].input_tokens
    assert ends(only)[0] == sum(counted)
    assert math.isnan(only.low)
    exact = [replace(m, input_tokens=2 * n) for m, n in zip(made(calls[:10]), counted, strict=False)]
    twice = forecast(calls, [ONE], today=DAY, measured=exact, count=len).llms[0].input_tokens
    assert twice.value == pytest.approx(2 * sum(counted))
    assert math.isnan(twice.low)
    everything = [replace(m, input_tokens=2 * n) for m, n in zip(made(calls), counted, strict=True)]
    known = forecast(calls, [ONE], today=DAY, measured=everything, count=len).llms[0].input_tokens
    assert ends(known) == (2 * sum(counted),) * 3
    about = [replace(m, input_tokens=2 * n + i % 3) for i, (m, n) in enumerate(zip(made(calls[:10]), counted, strict=False))]
    found = forecast(calls, [ONE], today=DAY, measured=about, count=len).llms[0].input_tokens
    assert found.low < 2 * sum(counted) + 40 < found.high < 2 * sum(counted) + 120
    alone = forecast(calls, [ONE], today=DAY, measured=exact[:1], count=len).llms[0].input_tokens
    assert alone.value == pytest.approx(2 * sum(counted))
    assert math.isnan(alone.low)


def test_small_pilots_are_honest() -> None:
    calls = planned()
    alone = forecast(calls, [ONE], today=DAY, measured=made(calls[:1])).llms[0]
    assert alone.output_tokens.value == 4000
    assert math.isnan(alone.output_tokens.low)
    assert "no interval" in str(forecast(calls, [ONE], today=DAY, measured=made(calls[:1])).table().rows[0][4])
    wide = forecast(calls, [ONE], today=DAY, measured=made(calls[:2], lambda i: 900 * i)).llms[0]
    assert (wide.output_tokens.low, wide.output_tokens.high) == (0.0, 40_000.0)
    unlike = forecast(planned(modes=("direct", "think")), [ONE], today=DAY, measured=made(calls[:9], lambda i: i)).llms[0]
    assert math.isnan(unlike.output_tokens.value)


def test_modes_are_groups_of_their_own() -> None:
    calls = planned(modes=("direct", "think"))
    pilot = [
        *made(pilot_sample([c for c in calls if c.slot[2] == "direct"], 5), lambda i: 10 + i % 2, 0.001),
        *made(pilot_sample([c for c in calls if c.slot[2] == "think"], 5), lambda i: 500 + i % 3, 0.009),
    ]
    found = forecast(calls, [ONE], today=DAY, measured=pilot).llms[0]
    assert found.output_tokens.value == pytest.approx(40 * (10.4 + 500.8), rel=1e-3)
    assert found.cost_usd.value == pytest.approx(40 * 0.01)
    assert found.output_tokens.high - found.output_tokens.low < 200


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [({}, 15.0), ({"requests_per_minute": 60}, 30.0), ({"tokens_per_minute": 3600}, 60.0), ({"concurrency": 1}, 60.0)],
)
def test_the_narrowest_limit_gives_the_time(limits: dict[str, Any], seconds: float) -> None:
    calls = planned()
    endpoint = replace(ONE, **limits)
    found = forecast(calls, [endpoint], today=DAY, measured=made(calls[:10], 100, latency=lambda i: 1.5 + 0.1111 * i))
    assert found.llms[0].seconds.value == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize(
    ("limits", "seconds"), [({"requests_per_minute": 60}, 60.0), ({"tokens_per_minute": 3600}, 120.0), ({}, 15.0)]
)
def test_llms_of_an_account_share_its_limits(limits: dict[str, Any], seconds: float) -> None:
    calls = planned("one") + planned("two")
    llms = [replace(llm, account="ours", **limits) for llm in (ONE, TWO)]
    pilot = [one for at in (0, 40) for one in made(calls[at : at + 10], 100, latency=lambda i: 1.5 + 0.1111 * i)]
    found = forecast(calls, llms, today=DAY, measured=pilot)
    assert found.seconds.value == pytest.approx(seconds, rel=0.01)
    least = forecast(calls, llms, today=DAY)
    assert least.least_seconds == (80.0 if "requests_per_minute" in limits else 0.0)
    assert least.table().rows[-1][-1] == ("at least 80 s" if least.least_seconds else "-")


def test_llms_cost_together_and_work_side_by_side() -> None:
    calls = planned("one") + planned("two")
    pilot = made(calls[:10], cost=lambda i: 0.001 + i * 1e-5) + made(calls[40:50], latency=5.0, cost=lambda i: 0.002 + i * 1e-5)
    found = forecast(calls, [ONE, TWO], today=DAY, measured=pilot)
    assert found.cost_usd.value == pytest.approx(sum(row.cost_usd.value for row in found.llms))
    wide = [row.cost_usd.high - row.cost_usd.low for row in found.llms]
    assert max(wide) < found.cost_usd.high - found.cost_usd.low < sum(wide)
    assert found.seconds.value == found.llms[1].seconds.value
    table = found.table()
    assert [row[0] for row in table.rows] == ["one", "two", "all"]
    assert all(len(row) == len(table.header) for row in table.rows)


def test_a_sum_with_a_group_of_equal_values_has_no_interval() -> None:
    calls = planned("one") + planned("two")
    pilot = made(calls[:10], lambda i: 10 + i) + made(calls[40:50], cost=lambda i: 0.002 + i * 1e-5)
    found = forecast(calls, [ONE, TWO], today=DAY, measured=pilot)
    assert math.isnan(found.llms[0].cost_usd.low)
    assert found.llms[1].cost_usd.low < found.llms[1].cost_usd.high
    assert (found.cost_usd.value, math.isnan(found.cost_usd.low)) == (pytest.approx(0.04 + 0.002045 * 40), True)
    assert str(found.table().rows[-1][5]).endswith("(no interval)")
    assert str(found.table().rows[0][3]).endswith("(no interval)")
    assert str(found.table().rows[1][4]) == "4,000 (no interval)"


@pytest.mark.parametrize("n", [1, 10])
def test_calls_without_a_price_to_pay_leave_a_sum_its_interval(n: int) -> None:
    calls = planned("one") + planned("two")
    free = replace(ONE, prices=(Price(input_price=0, output_price=0),))
    pilot = made(calls[:n], cost=0.0) + made(calls[40:50], cost=lambda i: 0.002 + i * 1e-5)
    found = forecast(calls, [free, TWO], today=DAY, measured=pilot)
    assert ends(found.llms[0].cost_usd) == (0.0, 0.0, 0.0)
    assert ends(found.cost_usd) == ends(found.llms[1].cost_usd)
    dear = forecast(calls, [free, TWO], today=DAY, measured=[replace(m, cost_usd=0.5) for m in pilot[:n]] + pilot[n:])
    assert math.isnan(dear.llms[0].cost_usd.low), "a server states costs beyond the prices"


def test_equal_counts_of_nothing_are_no_certainty() -> None:
    calls = planned()
    found = forecast(calls, [ONE], today=DAY, measured=made(calls[:5], 0)).llms[0].output_tokens
    assert (found.value, math.isnan(found.low)) == (0.0, True)


def test_unknown_prices_and_unknown_llms() -> None:
    found = forecast(planned(), [replace(ONE, prices=())], today=DAY)
    assert (found.most_cost_usd, found.table().rows[0][6]) == (None, "not known")
    assert any("The worst case of one is not known" in note for note in found.notes())
    with pytest.raises(UnknownNameError, match='No LLM "one"'):
        forecast(planned(), [TWO], today=DAY)
    assert forecast([], [ONE], today=DAY) == Forecast([], Estimate(0.0, 0.0, 0.0, 0), 0.0, forecast([], [], today=DAY).seconds)


def test_batches_cost_less_and_have_no_time() -> None:
    calls = planned()
    online, batch = (forecast(calls, [ONE], today=DAY, batch=b).llms[0] for b in (False, True))
    assert batch.most_cost_usd == pytest.approx((online.most_cost_usd or 0) / 2)
    assert math.isnan(forecast(calls, [ONE], today=DAY, batch=True, measured=made(calls[:9])).llms[0].seconds.value)


def test_the_sample_of_a_pilot() -> None:
    calls = planned("one", 200, ("direct", "think")) + planned("two", 200, ("direct", "think"))
    found = pilot_sample(calls, 12)
    groups = [(c.llm, c.slot[2]) for c in found]
    assert {group: groups.count(group) for group in groups} == {(a, b): 12 for a in ("one", "two") for b in ("direct", "think")}
    shuffled = random.Random(5).sample(calls * 2, 2 * len(calls))
    assert {c.key for c in pilot_sample(shuffled, 12)} == {c.key for c in found}
    assert {c.key for c in pilot_sample(calls, 5)} < {c.key for c in found}
    places = [int(c.slot[0]) for c in found]
    assert 70 < np.mean(places) < 130
    assert len(pilot_sample(calls, 1000)) == len(calls)
    assert pilot_sample(calls, 0) == []


@pytest.mark.parametrize("n", PINNED)
def test_coverage_of_the_interval_of_a_pilot(n: int) -> None:
    """Pinned for costs with a long tail: 95% is promised, and few calls of a lognormal give somewhat less."""
    assert coverage(n, rounds=500) == pytest.approx(PINNED[n], abs=0.003)
    assert PINNED[n] >= 0.92


@pytest.mark.parametrize("n", [5, 20])
def test_coverage_for_costs_without_a_long_tail(n: int) -> None:
    assert 0.935 <= coverage(n, rounds=1000, spread=0.3) <= 0.985


def test_coverage_of_an_earlier_run_whose_calls_are_not_in_the_plan() -> None:
    assert 0.935 <= coverage(20, rounds=1000, spread=0.3, of_plan=False) <= 0.985
