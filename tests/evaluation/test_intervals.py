"""Which figures of a report have an interval, and how often that of an area holds the truth."""

from __future__ import annotations

import numpy as np

from llmfusionbench.evaluation.measures import MEASURES
from llmfusionbench.evaluation.measures.measure import Measurer
from llmfusionbench.evaluation.measures.tradeoff import area_interval, hull_area
from llmfusionbench.evaluation.measures.trial import Trial
from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.report.summary import _paired
from llmfusionbench.evaluation.routers.decision import from_names, from_scores
from llmfusionbench.release.routing_table import RoutingTable
from llmfusionbench.statistics import Sample


def table(performance: np.ndarray, cost: np.ndarray, prefix: str) -> RoutingTable:
    n, candidates = performance.shape
    names = [f"llm-{c}" for c in range(candidates)]
    parts = (np.asarray(m, np.float32) for m in (performance, cost, np.full(performance.shape, np.nan)))
    return RoutingTable([f"{prefix}{i}" for i in range(n)], [""] * n, ["t"] * n, names, *parts)


def trial(performance: np.ndarray, cost: np.ndarray) -> Trial:
    train, test = (table(performance, cost, prefix) for prefix in ("train", "test"))
    return Trial.of([Fold("fold", train.with_target(train.performance), test.with_target(test.performance), None, frozenset())])


def scores(n: int, candidates: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random((n, candidates)) < 0.6).astype(float), rng.lognormal(0, 1, (n, candidates))


def test_a_share_that_is_always_1_has_no_interval() -> None:
    for candidates, without in ((4, {"hit_at_5"}), (3, {"hit_at_3", "hit_at_5"}), (6, set())):
        made = trial(*scores(80, candidates))
        asked = from_scores(np.random.default_rng(1).random((80, candidates)), made.table.candidates, made.table)
        found = Measurer(made, 10, 0).measure(asked).figures
        assert {name for name in ("hit_at_1", "hit_at_3", "hit_at_5") if np.isnan(found[name].low)} == without
        assert all(found[name].value == 1 and MEASURES[name].why for name in without)
        assert (found["answered"].value, np.isnan(found["answered"].low), MEASURES["answered"].why != "") == (1, True, True)


def test_equal_values_have_no_interval_and_rare_ones_have_that_of_a_share() -> None:
    performance, cost = scores(200, 3)
    performance[:, 0] = performance.max(axis=1)
    measurer = Measurer(trial(performance, cost), 10, 0)
    found = measurer.measure(from_names(["llm-0"] * 200, measurer.trial.table)).figures
    assert found["regret"].value == 0
    assert np.isnan(found["regret"].low)
    names = ["llm-0"] * 180 + ["llm-1"] * 20
    other = measurer.measure(from_names(names, measurer.trial.table))
    right = other.figures["performance"]
    level = other.figures["reward"]
    assert (level.low, level.high) == (right.low, right.high)
    tasks, same = (other.figures[f"{name}_macro"] for name in ("performance", "reward"))
    assert (same.low, same.high) == (tasks.low, tasks.high)


def test_two_costs_are_not_the_only_possible_ones() -> None:
    performance, cost = scores(12, 3)
    measurer = Measurer(trial(performance, cost), 10, 0)
    found = measurer.level("cost_usd", measurer.trial.table.cost[:, 0].astype(float), np.arange(12) < 2)
    two = measurer.trial.table.cost[:2, 0].astype(float)
    assert found.high - found.low > 10 * abs(two[1] - two[0])  # Student's with one degree of freedom


def test_only_the_same_outcomes_have_a_gain_of_0_for_sure() -> None:
    performance, cost = scores(60, 3)
    performance[:, 1] = performance[:, 0]
    measurer = Measurer(trial(performance, cost), 10, 0)
    one, two = (measurer.measure(from_names([name] * 60, measurer.trial.table)).outcome for name in ("llm-0", "llm-1"))
    same, different = (_paired(measurer, one, "rival", other, column=0) for other in (one, two))
    assert (same["gain"], same["low"], same["high"], same["p"]) == (0, 0, 0, 1)
    assert (different["gain"], different["low"], different["high"], different["p"]) == (0, None, None, 1)


def test_coverage_of_an_area_whose_points_are_nearly_on_its_hull() -> None:
    rng = np.random.default_rng(2)
    price, right = np.array([1.0, 1.5, 2, 2.5, 3]), np.array([0.5, 0.56, 0.6, 0.63, 0.65])
    truth = float(hull_area(price[None], right[None])[0])
    sample, inside = Sample([str(i) for i in range(150)]), 0
    for _ in range(400):
        cost, quality = price * rng.lognormal(-0.125, 0.5, (150, 5)), rng.random((150, 5)) < right
        points = [(sample.mean(c), sample.mean(q)) for c, q in zip(cost.T, quality.T, strict=True)]
        found = area_interval(points, points[0][0], points[-1][0], 150)
        assert found.low <= found.value <= found.high
        inside += found.low <= truth <= found.high
    assert 0.93 <= inside / 400 <= 0.97


def test_a_ratio_to_an_llm_that_is_seldom_right_has_no_interval() -> None:
    for right, without in ((0.06, True), (0.5, False)):
        performance = (np.random.default_rng(3).random((200, 3)) < right).astype(float)
        measurer = Measurer(trial(performance, np.ones((200, 3))), 10, 0)
        found = measurer.measure(from_names(["llm-1"] * 200, measurer.trial.table)).figures["v_b"]
        assert found.value > 0
        assert np.isnan(found.low) == np.isnan(found.high) == without
    assert "standard errors" in MEASURES["v_b"].why
