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
from llmfusionbench.evaluation.measures import INTERVALS
from llmfusionbench.evaluation.measures.groups import Groups
from llmfusionbench.evaluation.measures.picks import focal_diversity, pick_entropy
from llmfusionbench.evaluation.measures.ranking import ranking
from llmfusionbench.evaluation.measures.tradeoff import frontier, frontier_distance, hull_area, joint_area
from llmfusionbench.evaluation.routers.decision import best_cells, best_column, decide, expected_cost, from_names, from_scores
from llmfusionbench.statistics import Sample
from llmfusionbench.statistics.intervals import wilson
from tests.helpers.small_tables import NAN, Always, random_table, table

# --- choices


class Fixed:
    """Gives the same scores to every query."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores

    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.tile(self.scores, (len(prompts), 1))


def test_ties_go_to_the_candidate_that_was_cheapest_in_train() -> None:
    train = table([[1, 1, 1]] * 3, [[1, 2, 9], [3, 2, NAN], [8, 9, NAN]], tasks=["t", "t", "u"], prefix="train")
    test = table([[1, 1, 1]] * 3, [[9, 9, 1]] * 3, tasks=["t", "u", "v"])
    np.testing.assert_array_equal(expected_cost(train, test), [[2, 2, 9], [8, 9, 9], [4, 13 / 3, 9]])
    assert decide(Fixed([5, 5, 5]), test, train).choice.tolist() == [0, 0, 0]  # a and b cost the same in t: by name
    assert decide(Fixed([4, 5, 5]), test, train).choice.tolist() == [1, 1, 1]
    report = lfb.evaluate({"fixed": Fixed([5, 5, 5])}, (train, test), baselines=(), near_duplicates=None)
    assert report.data["routers"][0]["picks"] == {"a": 1.0}
    assert report.data["references"]["oracle"]["cost_usd"]["value"] == 1  # the oracle sees what each answer costs


def test_the_cost_of_a_tested_answer_breaks_no_tie() -> None:
    train = random_table(30, prefix="train")
    test = random_table(30, seed=1)
    dearer = replace(test, cost=test.cost[:, ::-1].copy())
    for scores in ([1.0, 1, 1, 1], [0.0, 2, 2, 2], [1.0, 1, 0, 0]):
        first, second = (decide(Fixed(scores), t, train).choice for t in (test, dearer))
        np.testing.assert_array_equal(first, second)


def test_ties_between_names_do_not_depend_on_the_order_of_columns() -> None:
    train, test = (table([[1, 1, 1]], prefix=p, candidates=["z", "m", "a"]) for p in ("train", "test"))
    assert decide(Fixed([1, 1, 1]), test, train).choice.tolist() == [2]
    assert decide(Fixed([1, 1, 0]), test, train).choice.tolist() == [1]


def test_the_best_cells() -> None:
    known = table([[1, 1, 1], [0, 1, 1]], [[3, 2, NAN], [3, 2, 1]])
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


@given(points, st.integers(0, 2), st.integers(0, 2))
def test_area_over_a_given_range(pair: np.ndarray, below: int, above: int) -> None:
    keep = ~np.isnan(pair).any(axis=0)
    low, high = np.min(pair[0][keep], initial=5) - below, np.max(pair[0][keep], initial=0) + above
    found = hull_area(pair[:1], pair[1:], np.array([low]), np.array([high]))[0]
    if not keep.any() or high <= low:
        assert found == pytest.approx(pair[1][keep].max() if keep.any() else NAN, nan_ok=True)
        return
    first, last, best = pair[0][keep].min(), pair[0][keep].max(), pair[1][keep].max()
    inner = hull_area(pair[:1], pair[1:])[0] * (last - first)
    assert found == pytest.approx((inner + best * (high - last)) / (high - low))


def test_aiq_is_over_one_range_for_all_routers() -> None:
    train, test = random_table(60, prefix="train"), random_table(90, seed=1)
    report = lfb.evaluate({"b": Always("b"), "c": Always("c"), "knn": "knn"}, (train, test), baselines=())
    cost, performance = test.cost.mean(axis=0), test.performance.mean(axis=0)
    ends = report.data["cost_range"]
    sweep = [step["cost_usd"] for router in report.data["routers"] for step in router["sweep"]]
    assert (ends["low"], ends["high"]) == pytest.approx((min(*sweep, cost[0]), max(*sweep, cost[3])), rel=1e-6)
    for router, c in zip(report.data["routers"], (1, 2), strict=False):
        expected = performance[c] * (ends["high"] - cost[c]) / (ends["high"] - ends["low"])
        assert router["metrics"]["aiq"]["value"] == pytest.approx(expected, rel=1e-5)


def test_the_slopes_of_an_area() -> None:
    rng = np.random.default_rng(0)
    cost, quality = rng.random((3, 50)) + np.array([[1.0], [2], [3]]), rng.random((3, 50)) + np.array([[0.0], [1], [2]])
    whole = Sample([str(i) for i in range(50)])
    pairs = [(whole.mean(c), whole.mean(q)) for c, q in zip(cost, quality, strict=True)]
    low, high = whole.mean(cost[0] - 0.5), whole.mean(cost[2] + 1)
    found = joint_area([*pairs, pairs[1]], low, high)
    lines = []
    for i in range(50):  # the jackknife
        c, q = (np.delete(m, i, axis=1).mean(axis=1) for m in (cost, quality))
        lines.append(hull_area(c[None], q[None], np.array([c[0] - 0.5]), np.array([c[2] + 1]))[0])
    assert found.variance == pytest.approx(49 / 50 * np.sum((np.array(lines) - np.mean(lines)) ** 2), rel=1e-2)


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
    front = np.array([0.0, 10.0]), np.array([0.0, 0.5])
    found = frontier_distance(np.array([10.0, 5.0, NAN]), np.array([0.5, 0.0, 1.0]), *front)
    assert found == pytest.approx((0 + 0.5) / 2)


def test_strong_and_weak_against_a_plain_loop() -> None:
    train, test = random_table(60, prefix="train"), random_table(80, seed=1)

    class Drawn:
        def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
            return np.random.default_rng(3).integers(0, 4, (len(prompts), 4)).astype(float)

    report = lfb.evaluate(Drawn(), (train, test), baselines=(), resamples=50)
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
    own = best_cells(scores, expected_cost(train, test))
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
    assert found["aiq"] == pytest.approx(test.performance[:, 2].mean() * (cost[3] - cost[2]) / (cost[3] - cost[0]), abs=1e-6)
    assert found["pick_entropy"] == 0
    assert "hit_at_1" not in found
    assert "focal_diversity" not in found
    oracle = {m: f["value"] for m, f in report.data["routers"][1]["metrics"].items()}
    assert oracle["gap_closed"] == oracle["hit_at_1"] == oracle["mrr"] == oracle["ndcg_at_1"] == 1
    assert oracle["gap_at_oracle"] == 0
    assert set(found) | set(oracle) <= set(MEASURES)
    assert oracle["pick_entropy"] > 0


def entropy(counts: list[int]) -> float:
    shares = np.array([c for c in counts if c]) / sum(counts)
    return float(-(shares * np.log2(shares)).sum())


def groups(tasks: list[str]) -> Groups:
    return Groups(tasks, tasks, Sample([str(i) for i in range(len(tasks))]), np.ones(len(tasks), bool))


def test_the_entropy_of_choices_without_bias() -> None:
    choice = [0] * 30 + [1] * 10 + [2] * 40
    tasks = ["t"] * 40 + ["u"] * 40
    found = pick_entropy(choice, groups(tasks))
    of_t = 40 * entropy([30, 10]) - 39 * (30 * entropy([29, 10]) + 10 * entropy([30, 9])) / 40
    assert found.value == pytest.approx((of_t + 0) / 2)
    assert found.value > entropy([30, 10]) / 2
    assert found.n == 80
    assert found.low < found.value < found.high


def test_an_entropy_without_an_interval() -> None:
    many = pick_entropy(list(range(20)) + [20] * 20, groups(["t"] * 40))
    assert math.isnan(many.low)
    assert many.value > entropy([1] * 20 + [20])
    same = pick_entropy([3] * 40, groups(["t"] * 20 + ["u"] * 20))
    other = wilson(0.0, 40)[1]
    assert same == (0.0, 0.0, pytest.approx(-other * math.log2(other) - (1 - other) * math.log2(1 - other)), 40)
    assert math.isnan(pick_entropy([-1, -1], groups(["t", "t"])).value)


def test_coverage_of_entropies() -> None:
    shares = np.array([[0.5, 0.3, 0.15, 0.05], [0.1, 0.1, 0.2, 0.6]])
    truth = np.mean([entropy((1000 * row).astype(int).tolist()) for row in shares])
    rng, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        choice = np.concatenate([rng.choice(4, 100, p=row) for row in shares])
        found = pick_entropy(choice, groups(["t"] * 100 + ["u"] * 100))
        inside += found.low <= truth <= found.high
    assert 0.93 <= inside / 1000 <= 0.97


def test_focal_diversity_against_its_definition() -> None:
    fails = np.random.default_rng(0).random((40, 3)) < [0.5, 0.4, 0.6]
    found = focal_diversity(1.0 - fails, Sample([str(i) for i in range(40)]), np.ones(40, bool))
    parts = []
    for focal in range(3):
        failing = fails[fails[:, focal]].sum(axis=1)
        one = np.mean(failing / 3)
        two = np.mean(failing * (failing - 1) / (3 * 2))
        parts.append(1 - two / one)
    assert found.value == pytest.approx(np.mean(parts))
    assert math.isnan(found.low)  # too few failures
    assert found.n == 40
    more = focal_diversity(np.tile(1.0 - fails, (3, 1)), Sample([str(i) for i in range(120)]), np.ones(120, bool))
    assert more.value == pytest.approx(found.value)
    assert more.low < more.value < more.high
    alike = focal_diversity([[0, 0], [1, 1]], Sample(["a", "b"]), np.ones(2, bool))
    assert alike.value == pytest.approx(0)


def test_every_metric_has_an_interval_or_a_reason() -> None:
    assert {m.interval for m in MEASURES.values()} == set(INTERVALS)
    assert all(m.why for m in MEASURES.values() if m.interval == "none")
    report = lfb.evaluate(["knn", "random"], (random_table(60, prefix="train"), random_table(90, seed=1)))
    for name, said in report.data["metrics"].items():
        assert said["interval"] == INTERVALS[MEASURES[name].interval]
        for router in report.data["routers"]:
            figure = router["metrics"].get(name, {"low": None, "high": None, "value": None})
            if MEASURES[name].interval == "none" or figure["value"] is None:
                assert figure["low"] is figure["high"] is None, name
            elif not said["why"]:
                assert figure["low"] < figure["high"], name


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
