"""The baselines without torch: all pass the conformance suite, and each does what its paper says it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from llmfusionbench.baselines import ROUTERS
from llmfusionbench.baselines.routers.elo import bradley_terry
from llmfusionbench.baselines.routers.knn import neighbour_sums
from llmfusionbench.baselines.routers.shared.parts import TaskMeans, best_labels, ridge
from llmfusionbench.baselines.routers.shared.surface import surface_features
from llmfusionbench.errors import InputError
from llmfusionbench.release.routing_table import RoutingTable

NEEDS_TORCH = {"bert", "graph", "routerdc"}
FITTED = sorted(set(ROUTERS) - NEEDS_TORCH - {"oracle"})
BLIND = {"random", "best_single", "cheapest", "largest", "smallest", "per_task", "oracle", "guarded"}
"""Routers that do not choose by what a prompt says; `guarded` looks at it, to decline."""

ANIMALS = ("cat", "dog", "horse", "owl", "fox")
NUMBERS = ("two", "five", "nine", "twelve", "forty")


def made_up(queries: int = 80, seed: int = 0) -> RoutingTable:
    """One task; `a` is right when the prompt is about animals, `b` about numbers; `c` is always right by half, and dear."""
    rng = np.random.default_rng(seed)
    about_animals = rng.random(queries) < 0.5
    words = [rng.choice(ANIMALS if animals else NUMBERS, 4) for animals in about_animals]
    prompts: list[str | None] = [f"tell me of {' '.join(w)}" for w in words]
    performance = np.stack([about_animals, ~about_animals, np.full(queries, 0.5)], axis=1).astype(np.float32)
    cost = np.tile(np.array([1e-4, 2e-4, 9e-4], np.float32), (queries, 1))
    info = {
        "a": {"parameters_b": 7.0, "license": "mit"},
        "b": {"parameters_b": 9.0, "license": None},
        "c": {"parameters_b": 70.0, "license": "mit"},
    }
    ids = [f"q{i}" for i in range(queries)]
    return RoutingTable(
        ids, prompts, ["talk"] * queries, ["a", "b", "c"], performance, cost, np.full_like(cost, np.nan), llm_info=info
    )


def mean_of_choices(scores: np.ndarray, table: RoutingTable) -> float:
    return float(table.performance[np.arange(len(table)), scores.argmax(axis=1)].mean())


@pytest.mark.parametrize("name", FITTED)
def test_score_before_fit_says_so(name: str) -> None:
    with pytest.raises(InputError, match="score before fit"):
        ROUTERS[name]().score(["x"], ["talk"])


@pytest.mark.parametrize("name", sorted(set(FITTED) - {"random", "cheapest"}))
def test_a_table_without_scores_is_refused(name: str) -> None:
    table = made_up(10)
    empty = replace(table, performance=np.full_like(table.performance, np.nan))
    with pytest.raises(InputError, match="without a single score"):
        ROUTERS[name]().fit(empty)


@pytest.mark.parametrize("name", FITTED)
def test_fits_the_target_and_not_the_performance(name: str) -> None:
    if name in {"random", "cheapest", "largest", "smallest", "cascade", "constrained"}:
        pytest.skip("chooses by something else too")
    table = made_up()
    only_c = np.zeros_like(table.performance)
    only_c[:, 2] = 1
    router = ROUTERS[name]().fit(table.with_target(only_c))
    assert (router.score(table.prompts, table.tasks).argmax(axis=1) == 2).all()


@pytest.mark.parametrize("name", sorted(set(FITTED) - BLIND - {"task_then_expert", "elo", "cascade"}))
def test_reads_the_prompt(name: str) -> None:
    train, test = made_up(160, seed=0), made_up(40, seed=1)
    router = ROUTERS[name]().fit(train)
    assert mean_of_choices(router.score(test.prompts, test.tasks), test) > 0.9


@pytest.mark.parametrize("name", FITTED)
def test_no_query_no_row(name: str) -> None:
    assert ROUTERS[name]().fit(made_up(20)).score([], []).shape == (0, 3)


@pytest.mark.parametrize("name", FITTED)
def test_a_candidate_without_any_score_is_never_preferred(name: str) -> None:
    if name in {"random", "cheapest", "largest", "smallest"}:
        pytest.skip("does not choose by scores")
    table = made_up()
    performance = table.performance.copy()
    performance[:, 2] = np.nan
    performance[:, 0] = 1
    chosen = ROUTERS[name]().fit(replace(table, performance=performance)).score(table.prompts, table.tasks).argmax(axis=1)
    assert (chosen != 2).mean() > 0.95


@pytest.mark.parametrize("name", FITTED)
def test_one_candidate_and_one_query(name: str) -> None:
    table = made_up(3)
    router = ROUTERS[name]().fit(table.columns(["b"]).rows([0]))
    assert np.isfinite(router.score(table.prompts, table.tasks)).all()


def test_rules_of_thumb() -> None:
    table = made_up()
    chosen = {name: ROUTERS[name]().fit(table).score(["x"], ["talk"]).argmax() for name in ("cheapest", "largest", "smallest")}
    assert chosen == {"cheapest": 0, "largest": 2, "smallest": 0}
    best = ROUTERS["best_single"]().fit(table)
    assert best.score(["x", "y"], ["talk"] * 2) == pytest.approx(np.tile(table.performance.mean(axis=0), (2, 1)), abs=1e-6)


def test_rules_of_thumb_say_what_they_lack() -> None:
    table = replace(made_up(), llm_info={}, cost=np.full((80, 3), np.nan, np.float32))
    with pytest.raises(InputError, match="neither costs nor prices"):
        ROUTERS["cheapest"]().fit(table)
    with pytest.raises(InputError, match="parameters_b is known"):
        ROUTERS["largest"]().fit(table)
    priced = replace(table, llm_info={n: {"input_price": p, "output_price": p} for n, p in zip("abc", (3, 1, 2), strict=True)})
    assert ROUTERS["cheapest"]().fit(priced).score(["x"], ["talk"]).argmax() == 1


def test_oracle_takes_the_best_and_never_a_gap() -> None:
    table = made_up(5)
    performance = table.performance.copy()
    performance[0] = [np.nan, 0, np.nan]
    scores = ROUTERS["oracle"]().score_table(replace(table, performance=performance))
    assert scores[0].argmax() == 1
    assert mean_of_choices(scores[1:], table.rows([1, 2, 3, 4])) == 1


def test_random_depends_on_its_seed_and_on_nothing_else() -> None:
    table = made_up(200)
    a, again, b = (ROUTERS["random"](seed=s).fit(table).score(table.prompts, table.tasks).argmax(axis=1) for s in (0, 0, 1))
    assert (a == again).all()
    assert (a != b).any()


def test_task_means_are_shrunk_and_skip_gaps() -> None:
    target = np.array([[1.0, np.nan], [0.0, 1.0], [1.0, 0.0]])
    means = TaskMeans(2.0).fit(["x", "x", "y"], target)
    overall = np.array([2 / 3, 2 / 3])  # the second is as good as the first on the queries that both answered
    assert means.of(["x"])[0] == pytest.approx([(1 + 2 * overall[0]) / 4, (1 + 2 * overall[1]) / 3])
    assert means.of(["never seen"])[0] == pytest.approx(overall)


@pytest.mark.parametrize("missing", [0, 1, 20, 49, 50])
def test_ridge_leaves_gaps_out(missing: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 8)), rng.standard_normal((50, 3))
    y[:missing, 1] = np.nan
    some = x[missing:]
    weights = ridge(x, y, 2.0)
    assert weights[:, 1] == pytest.approx(np.linalg.solve(some.T @ some + 2 * np.eye(8), some.T @ y[missing:, 1]))
    assert weights[:, 2] == pytest.approx(np.linalg.solve(x.T @ x + 2 * np.eye(8), x.T @ y[:, 2]))


@pytest.mark.parametrize(("rows", "k"), [(1000, 7), (50, 40), (3, 40), (6400, 40)])
def test_neighbours_are_those_of_a_full_sort(rows: int, k: int) -> None:
    rng = np.random.default_rng(rows)
    queries, vectors, values = (rng.standard_normal(s).astype(np.float32) for s in ((30, 8), (rows, 8), (rows, 5)))
    near = queries @ vectors.T
    expected = np.stack([values[np.argsort(-row)[:k]].sum(axis=0) for row in near])
    assert neighbour_sums(queries, vectors, values, k) == pytest.approx(expected, abs=1e-4)


def test_neighbours_that_are_all_equal_are_all_in() -> None:
    ones, values = np.ones((9, 2), np.float32), np.arange(9, dtype=np.float32)[:, None]
    assert neighbour_sums(ones[:1], ones, values, 2)[0, 0] == 36


def test_labels_go_to_the_cheapest_of_the_best() -> None:
    target = np.array([[1, 1, 0], [0, np.nan, 1]], float)
    assert best_labels(target, np.array([[3.0, 2.0, 1.0]] * 2)).tolist() == [1, 2]


def test_published_knn_prefers_whoever_comes_first() -> None:
    table = made_up()
    tied = replace(table, performance=np.ones_like(table.performance))
    assert (ROUTERS["knn_label"]().fit(tied).score(["x"], ["talk"]).argmax(axis=1) == 0).all()


def test_bradley_terry_recovers_strengths() -> None:
    strength = np.array([1.0, 2.0, 4.0])
    chance = strength[:, None] / (strength[:, None] + strength[None])
    found = bradley_terry((1000 * chance)[None], 200)[0]
    assert np.exp(found - found[0]) == pytest.approx(strength, rel=1e-3)


def test_elo_follows_the_neighbourhood() -> None:
    train, test = made_up(160), made_up(40, seed=1)
    sharp = ROUTERS["elo"](gamma=1e4).fit(train)
    assert mean_of_choices(sharp.score(test.prompts, test.tasks), test) > 0.9


def test_cascade_stays_cheap_where_it_can() -> None:
    table = made_up()
    performance = np.stack([table.performance[:, 0], np.zeros(80), np.ones(80)], axis=1).astype(np.float32)
    router = ROUTERS["cascade"]().fit(replace(table, performance=performance))
    chosen = router.score(table.prompts, table.tasks).argmax(axis=1)
    assert set(chosen) == {0, 2}
    assert (performance[np.arange(80), chosen] == 1).mean() > 0.95
    assert (chosen == 0).mean() == pytest.approx(table.performance[:, 0].mean(), abs=0.05)


def test_aptitude_scores_an_llm_that_it_never_saw() -> None:
    train, test = made_up(160), made_up(40, seed=1)
    router = ROUTERS["aptitude"]().fit(train.columns(["a", "c"]))
    assert mean_of_choices(router.score(test.prompts, test.tasks), test.columns(["a", "c"])) < 0.8
    router.extend(train.columns(["b"]).rows(range(60)))
    assert router.candidates_ == ["a", "c", "b"]
    assert mean_of_choices(router.score(test.prompts, test.tasks), test.columns(["a", "c", "b"])) > 0.9


def test_aptitude_without_a_test_is_average() -> None:
    train = made_up()
    router = ROUTERS["aptitude"]().fit(train.columns(["a", "c"]))
    scores = router.extend(train.columns(["b"]).rows([])).score(["tell me of cats"], ["talk"])
    assert scores.shape == (1, 3)
    assert scores[0, 2] < scores[0].max()


def test_constrained_keeps_the_limits() -> None:
    table = made_up()
    asked: Sequence[tuple[dict[str, object], set[int]]] = [
        ({"max_cost": 1.5e-4}, {0}),
        ({"max_parameters_b": 10}, {0, 1}),
        ({"licenses": ["mit"]}, {0, 2}),
        ({"size_weight": 100.0}, {0}),
    ]
    for limits, expected in asked:
        scores = ROUTERS["constrained"](**limits).fit(table).score(table.prompts, table.tasks)
        assert set(scores.argmax(axis=1)) == expected
    with pytest.raises(InputError, match="no candidate has max_cost=0"):
        ROUTERS["constrained"](max_cost=0.0).fit(table)


def test_reward_distilled_prefers_the_judge_to_the_metric() -> None:
    table = made_up()
    judge = np.tile(np.array([0.1, 0.1, 0.9], np.float32), (80, 1))
    router = ROUTERS["reward_distilled"]().fit(replace(table, judge=judge))
    scores = router.score(table.prompts, table.tasks)
    assert (scores.argmax(axis=1) == 2).all()
    assert scores.sum(axis=1) == pytest.approx(1)
    with pytest.raises(InputError, match="temperature is 0"):
        ROUTERS["reward_distilled"](temperature=0).fit(table)


def test_task_then_expert_is_not_told_the_task() -> None:
    train = made_up(160)
    tasks = ["animals" if right else "numbers" for right in train.performance[:, 0]]
    router = ROUTERS["task_then_expert"]().fit(replace(train, tasks=tasks))
    test = made_up(40, seed=1)
    assert mean_of_choices(router.score(test.prompts, ["unknown"] * 40), test) > 0.9


def test_iterative_ranker_gives_a_whole_ranking() -> None:
    table = made_up()
    scores = ROUTERS["iterative_ranker"]().fit(table).score(table.prompts, table.tasks)
    assert (np.sort(scores, axis=1) == [0, 1, 2]).all()


def test_residual_forest_does_not_trust_noise() -> None:
    rng = np.random.default_rng(0)
    table = made_up(200)
    noise = (rng.random((200, 3)) < [0.8, 0.5, 0.2]).astype(np.float32)
    router = ROUTERS["residual_forest"]().fit(replace(table, performance=noise))
    assert (router.score(table.prompts, table.tasks).argmax(axis=1) == 0).mean() > 0.9


def test_surface_of_prompts() -> None:
    rows = surface_features(["How much is 2 of $5.00?", None, "", "x" * 50_000])
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert (rows[1] == rows[2]).all()
    assert (rows[0] != rows[1]).sum() > 10
    assert surface_features([]).shape == (0, rows.shape[1])
