"""Every figure against a plain computation of the same, written as its definition reads."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import ndcg_score

import llmfusionbench as lfb
from llmfusionbench.evaluation import MEASURES
from llmfusionbench.evaluation.measures.measure import focal_diversity
from llmfusionbench.evaluation.measures.ranking import ranking
from llmfusionbench.evaluation.measures.tradeoff import frontier, frontier_distance, hull_area
from llmfusionbench.evaluation.routers.decision import best_cells, best_column, from_names, from_scores
from llmfusionbench.statistics import Resamples
from tests.helpers.small_tables import NAN, Always, random_table, table

# --- choices


def test_ties_go_to_the_cheapest() -> None:
    known = table([[1, 1, 1], [0, 1, 1]], [[3, 2, NAN], [3, 2, 1]])
    assert from_scores([[5, 5, 5], [0, 7, 7]], ["a", "b", "c"], known).choice.tolist() == [2, 2]
    np.testing.assert_array_equal(best_cells(known.performance, known.cost), [1, 2])
    np.testing.assert_array_equal(best_cells([[NAN, NAN], [NAN, 0]], [[1, 1], [NAN, NAN]]), [-1, 1])
    assert best_cells(np.zeros((2, 0)), np.zeros((2, 0))).tolist() == [-1, -1]
    assert best_column(table([[1, 0], [NAN, 1]])) == 0


def test_columns_are_met_by_name() -> None:
    known = table([[0, 0, 0]])
    made = from_scores([[1, 2]], ["c", "a"], known)
    assert made.choice.tolist() == [0]
    assert made.scores is not None
    np.testing.assert_array_equal(made.scores, [[2, -np.inf, 1]])


def test_shapes_that_are_wrong() -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match=r"shape \(1, 2\), expected \(2, 2\)"):
        from_scores([[1, 2]], ["a", "b"], table([[0, 0], [0, 0]]))
    with pytest.raises(lfb.LLMFusionBenchError, match="1 choices for 2 queries"):
        from_names(["a"], table([[0], [0]]))


# --- ranking


def test_ndcg_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    relevance, scores = rng.random((50, 6)), rng.integers(0, 3, (50, 6)).astype(float)
    found = ranking(scores, relevance, np.full((50, 6), NAN))
    for k in (1, 3, 5):
        expected = [ndcg_score(r[None], s[None], k=k) for r, s in zip(relevance, scores, strict=True)]
        np.testing.assert_allclose(found[f"ndcg_at_{k}"], expected, atol=1e-12)


def test_hits_and_reciprocal_ranks_by_hand() -> None:
    performance = [[0, 1, 1, 0], [0.5, 0.2, NAN, 0.1], [0, 0, 0, 0]]
    scores = np.array([[4, 1, 2, 3], [1, 5, 9, 1], [1, 2, 3, 4]], float)
    found = ranking(scores, performance, np.array([[1.0, 1, 1, 0.5]] * 3))
    np.testing.assert_array_equal(found["hit_at_1"], [0, 0, NAN])
    np.testing.assert_array_equal(found["hit_at_3"], [1, 1, NAN])
    # Of the second query's equals the cheaper, d, comes before a, and c is not known.
    np.testing.assert_allclose(found["mrr"], [1 / 3, 1 / 3, NAN])
    assert math.isnan(found["ndcg_at_5"][2])


# --- quality against cost


def brute_area(cost: np.ndarray, performance: np.ndarray) -> float:
    """The area under the lowest non-decreasing concave function above the points: at every cost the best mix of two."""
    keep = ~(np.isnan(cost) | np.isnan(performance))
    x, y = cost[keep], performance[keep]
    if not len(x):
        return NAN
    if np.ptp(x) == 0:
        return float(y.max())
    grid = np.unique(np.concatenate([x, np.linspace(x.min(), x.max(), 2001)]))
    best = np.full(len(grid), -np.inf)
    for i, j in itertools.product(range(len(x)), repeat=2):
        if x[i] < x[j]:
            inside = (grid >= x[i]) & (grid <= x[j])
            mix = y[i] + (y[j] - y[i]) * (grid[inside] - x[i]) / (x[j] - x[i])
            best[inside] = np.maximum(best[inside], mix)
        best[grid >= x[i]] = np.maximum(best[grid >= x[i]], y[i])
    return float(np.trapezoid(best, grid) / np.ptp(x))


points = arrays(float, (2, 6), elements=st.one_of(st.integers(0, 5).map(float), st.just(NAN)))


@given(points)
def test_area_under_the_hull(pair: np.ndarray) -> None:
    found = hull_area(pair[:1], pair[1:])
    assert found[0] == pytest.approx(brute_area(pair[0], pair[1]), abs=2e-3, nan_ok=True)


def test_areas_of_many_at_once() -> None:
    rng = np.random.default_rng(0)
    cost, performance = rng.random((20, 9)), rng.random((20, 9))
    together = hull_area(cost, performance)
    np.testing.assert_allclose(together, [hull_area(c[None], p[None])[0] for c, p in zip(cost, performance, strict=True)])
    np.testing.assert_allclose(together, [brute_area(c, p) for c, p in zip(cost, performance, strict=True)], atol=2e-3)


@given(points)
def test_frontier(pair: np.ndarray) -> None:
    cost, performance = pair
    mask = frontier(cost, performance)
    for i in range(6):
        beaten = any(
            (cost[j] <= cost[i] and performance[j] > performance[i]) or (cost[j] < cost[i] and performance[j] >= performance[i])
            for j in range(6)
        )
        known = not (np.isnan(cost[i]) or np.isnan(performance[i]))
        twin = any(mask[j] and (cost[j], performance[j]) == (cost[i], performance[i]) for j in range(6))
        assert bool(mask[i] or twin) == (known and not beaten)


def test_distance_to_the_frontier() -> None:
    front = np.array([[0.0, 10.0]]), np.array([[0.0, 0.5]])
    found = frontier_distance(np.array([[10.0, 5.0, NAN]]), np.array([[0.5, 0.0, 1.0]]), *front)
    assert found[0] == pytest.approx((0 + 0.5) / 2)


def test_strong_and_weak_against_a_plain_loop() -> None:
    train, test = random_table(60, prefix="train"), random_table(80, seed=1)

    class Fixed:
        def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
            return np.random.default_rng(3).integers(0, 4, (len(prompts), 4)).astype(float)

    report = lfb.evaluate(Fixed(), (train, test), baselines=(), resamples=50)
    found = {m: f["value"] for m, f in report.data["routers"][0]["metrics"].items()}
    scores = np.random.default_rng(3).integers(0, 4, (80, 4)).astype(float)
    weak, strong = test.performance[:, 0].mean(), test.performance[:, 3].mean()
    difference = scores[:, 3] - scores[:, 0]
    curve = [(0.0, 0.0)]
    for threshold in sorted(set(difference), reverse=True):
        up = difference >= threshold
        mixed = np.where(up, test.performance[:, 3], test.performance[:, 0]).mean()
        curve.append((up.mean(), (mixed - weak) / (strong - weak)))
    x, y = np.array(curve).T
    assert found["apgr"] == pytest.approx(np.trapezoid(y, x), abs=1e-6)
    assert found["cpt_50"] == pytest.approx(next(a for a, b in curve if b >= 0.5))
    assert found["cpt_80"] == pytest.approx(next(a for a, b in curve if b >= 0.8))
    own = from_scores(scores, list("abcd"), test).choice
    mean = test.performance[np.arange(80), own].mean()
    assert found["pgr"] == pytest.approx((mean - weak) / (strong - weak), abs=1e-6)


def test_the_rest_against_their_definitions() -> None:
    train, test = random_table(60, prefix="train"), random_table(90, seed=1)
    report = lfb.evaluate({"c": Always("c"), "oracle": "oracle"}, (train, test), baselines=(), resamples=20)
    found = {m: f["value"] for m, f in report.data["routers"][0]["metrics"].items()}
    tasks = np.array(test.tasks)
    macro = [np.mean([test.performance[tasks == t, c].mean() for t in "tuv"]) for c in range(4)]
    best = np.mean([test.performance[tasks == t].max(axis=1).mean() for t in "tuv"])
    single = test.performance[:, 3].mean()
    cost = test.cost.mean(axis=0)
    assert found["performance_macro"] == pytest.approx(macro[2], abs=1e-6)
    assert found["gap_at_oracle"] == pytest.approx(1 - macro[2] / best, abs=1e-6)
    gap = test.performance.max(axis=1).mean() - single
    assert found["gap_closed"] == pytest.approx((test.performance[:, 2].mean() - single) / gap, abs=1e-6)
    assert found["v_b"] == pytest.approx(test.performance[:, 2].mean() / single, abs=1e-6)
    assert found["perf_gain"] == pytest.approx(macro[2] / macro[3] - 1, abs=1e-6)
    assert found["cost_save"] == (None if macro[2] < macro[3] else pytest.approx(1 - cost[2] / cost[3], abs=1e-6))
    assert found["aiq"] == pytest.approx(test.performance[:, 2].mean(), abs=1e-6)
    assert found["pick_entropy"] == 0
    assert "hit_at_1" not in found
    assert "focal_diversity" not in found
    oracle = {m: f["value"] for m, f in report.data["routers"][1]["metrics"].items()}
    assert oracle["gap_closed"] == oracle["hit_at_1"] == oracle["mrr"] == oracle["ndcg_at_1"] == 1
    assert oracle["gap_at_oracle"] == 0
    assert set(found) | set(oracle) <= set(MEASURES)
    assert oracle["pick_entropy"] > 0


def test_the_interval_of_an_entropy_holds_its_figure() -> None:
    train, test = random_table(60, 8, prefix="train"), random_table(60, 8, seed=1)
    names = np.random.default_rng(0).choice(test.candidates, len(test)).tolist()

    class Scattered:
        def route(self, prompts: list[str], tasks: list[str]) -> list[str]:
            return names

    metrics = lfb.evaluate(Scattered(), (train, test), baselines=(), resamples=200).data["routers"][0]["metrics"]
    found = metrics["pick_entropy"]
    shares = [np.bincount([ord(n) for n, t in zip(names, test.tasks, strict=True) if t == task]) / 20 for task in "tuv"]
    assert found["value"] == pytest.approx(np.mean([-(p[p > 0] * np.log2(p[p > 0])).sum() for p in shares]))
    assert found["low"] < found["value"] < found["high"]


def test_focal_diversity_against_its_definition() -> None:
    fails = np.random.default_rng(0).random((40, 3)) < [0.5, 0.4, 0.6]
    found, count = focal_diversity(1.0 - fails, Resamples([str(i) for i in range(40)], resamples=10), np.ones(40, bool))
    parts = []
    for focal in range(3):
        failing = fails[fails[:, focal]].sum(axis=1)
        one = np.mean(failing / 3)
        two = np.mean(failing * (failing - 1) / (3 * 2))
        parts.append(1 - two / one)
    assert found[0] == pytest.approx(np.mean(parts))
    assert count == 40
    alike, _ = focal_diversity([[0, 0], [1, 1]], Resamples(["a", "b"], resamples=1), np.ones(2, bool))
    assert alike[0] == pytest.approx(0)


def test_figures_lie_in_their_intervals() -> None:
    report = lfb.evaluate(["knn", "random"], (random_table(60, prefix="train", missing=0.1), random_table(90, seed=1)))
    for router in report.data["routers"]:
        for metric, figure in router["metrics"].items():
            if figure["low"] is not None:
                assert figure["low"] <= figure["high"], metric
                assert figure["n"] > 0, metric
        value = router["metrics"]["performance"]
        assert value["low"] <= value["value"] <= value["high"]


def test_the_cheapest_by_list_price_where_no_cost_is_known() -> None:
    prices = {"a": {"input_price": 2.0, "output_price": 2.0}, "b": {"input_price": 1.0, "output_price": 2.0}, "c": {}}
    train, test = table([[0, 1, 1]], prefix="train"), table([[0, 1, 0], [1, 0, 1]])
    for info, expected in ((prices, 0.5), ({}, None)):
        pair = replace(train, llm_info=info), replace(test, llm_info=info)
        report = lfb.evaluate(Always("a"), pair, baselines=())
        assert report.data["references"]["cheapest"]["performance"]["value"] == expected
