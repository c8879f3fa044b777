"""Learners of departures from a task's means: gaps are left out exactly, held-out predictions are, and noise is not trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmfusionbench.baselines import ROUTERS
from llmfusionbench.baselines.routers.departures import TaskSlopes, departures
from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge, _solved
from llmfusionbench.baselines.routers.residual_forest import MaskedForest, ResidualForest
from llmfusionbench.routing import RoutingTable

LEARNERS = ["kernel_ridge", "residual_blend", "residual_forest"]


def table_of(performance: np.ndarray, tasks: list[str] | None = None, seed: int = 100) -> RoutingTable:
    """Prompts of four words out of ten, with a number in every other."""
    rng = np.random.default_rng(seed)
    n = len(performance)
    words = rng.choice(["cat", "dog", "owl", "fox", "pig", "two", "five", "nine", "ten", "forty"], (n, 4))
    prompts = [f"tell me of {' '.join(w)}{' in 1999?' if i % 2 else '.'}" for i, w in enumerate(words)]
    nothing = np.full(performance.shape, np.nan, np.float32)
    names = list("abcdefgh"[: performance.shape[1]])
    ids = [f"q{i}" for i in range(n)]
    return RoutingTable(ids, prompts, tasks or ["talk"] * n, names, performance.astype(np.float32), nothing, nothing)


def test_departures_are_beyond_the_task_and_the_query() -> None:
    target = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0], [np.nan] * 3])
    found = departures(target, np.array([[0.5, 0.5, 0.9]] * 3))
    assert found[0] == pytest.approx([0.5, -0.5, np.nan], nan_ok=True)
    assert found[1] == pytest.approx([0.4 / 3, 0.4 / 3, -0.8 / 3])
    assert np.isnan(found[2]).all()


def test_slopes_are_those_of_a_regression_drawn_to_that_of_all() -> None:
    guess = np.array([[1.0, -1.0], [2.0, -2.0], [1.0, -1.0]])
    truth = guess * [[0.5], [0.5], [1.5]]
    tasks = ["x", "x", "y"]
    found = TaskSlopes(2.0).fit(tasks, truth, guess)
    overall, prior = (5 + 3) / 12, 2.0 * 12 / 2
    expected = [(5 + prior * overall) / (10 + prior), (3 + prior * overall) / (2 + prior), overall]
    assert found.of(["x", "y", "never seen"])[:, 0] == pytest.approx(expected)
    assert TaskSlopes(0.0).fit(tasks, truth, guess).of(["x", "y"])[:, 0] == pytest.approx([0.5, 1.5])
    assert TaskSlopes(0.0).fit(tasks, -truth, guess).of(["x", "y"])[:, 0] == pytest.approx([0, 0])
    assert TaskSlopes(0.0, most=1.0).fit(tasks, truth, guess).of(["y"])[0, 0] == 1


def test_slopes_skip_what_is_missing_on_either_side() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.standard_normal((2, 30, 4))
    truth[:10] = np.nan
    guess[25:] = np.nan
    some = slice(10, 25)
    every = TaskSlopes().fit(["x"] * 30, truth, guess).of(["x"])
    assert every == pytest.approx(TaskSlopes().fit(["x"] * 15, truth[some], guess[some]).of(["x"]))
    nothing = TaskSlopes().fit(["x"] * 30, truth, np.full_like(guess, np.nan))
    assert nothing.of(["x", "y"])[:, 0].tolist() == [1, 1]


@pytest.mark.parametrize("missing", [0, 1, 7, 11, 12])
def test_a_kernel_regression_leaves_gaps_out_exactly(missing: int) -> None:
    rng = np.random.default_rng(missing)
    x = rng.standard_normal((12, 3))
    kernel = np.exp(-0.1 * ((x[:, None] - x) ** 2).sum(axis=2)) + 2.0 * np.eye(12)
    y = rng.standard_normal((12, 2))
    given = np.ones((12, 2), bool)
    given[rng.permutation(12)[:missing], 0] = False
    dual, held = _solved(np.linalg.inv(kernel), np.where(given, y, 0), given)
    for column in (0, 1):
        rows = np.flatnonzero(given[:, column])
        expected = np.zeros(12)
        expected[rows] = np.linalg.solve(kernel[np.ix_(rows, rows)], y[rows, column])
        assert dual[:, column] == pytest.approx(expected)
        assert np.isnan(held[:, column]).tolist() == (~given[:, column]).tolist()
        for row in rows:
            others = rows[rows != row]
            alone = kernel[row, others] @ np.linalg.solve(kernel[np.ix_(others, others)], y[others, column])
            assert held[row, column] == pytest.approx(alone)


def test_a_kernel_regression_uses_so_many_queries_of_a_task_and_no_more() -> None:
    rng = np.random.default_rng(0)
    table = table_of(rng.random((50, 3)), ["big"] * 40 + ["small"] * 10)
    router = KernelRidge(most=15).fit(table)
    assert (~np.isnan(router.held_out(table)).any(axis=1)).sum() == 25
    assert [len(router.tasks_[task].dual) for task in ("big", "small")] == [15, 10]
    assert (router.departure(table.prompts, ["unknown"] * 50) == 0).all()
    assert (router.departure(table.prompts, table.tasks) != 0).any(axis=1).all()


def test_leaves_hold_the_means_of_the_cells_that_are_there() -> None:
    rng = np.random.default_rng(0)
    inputs, target = rng.standard_normal((60, 4)), rng.standard_normal((60, 3))
    whole = MaskedForest(5, leaf=6, features=1.0, seed=0).fit(inputs, target)
    assert whole.predict(inputs) == pytest.approx(whole.model_.predict(inputs))
    target[rng.random(60) < 0.5, 1] = np.nan
    target[:, 2] = np.nan
    forest = MaskedForest(5, leaf=6, features=1.0, seed=0).fit(inputs, target)
    leaves = forest.model_.apply(inputs)
    expected = np.zeros((60, 3))
    for tree in range(5):
        for row in range(60):
            mates = target[leaves[:, tree] == leaves[row, tree]]
            expected[row] += [0 if np.isnan(column).all() else np.nanmean(column) / 5 for column in mates.T]
    assert forest.predict(inputs) == pytest.approx(expected)
    assert (forest.predict(inputs)[:, 2] == 0).all()


def test_the_forest_holds_out_what_it_says_of_train_queries() -> None:
    seen, held = [], []
    for seed in range(6):
        noise = table_of(np.random.default_rng(seed).random((120, 2)))
        forest = ResidualForest(trees=40, leaf=1, seed=seed).fit(noise)
        truth = departures(noise.target.astype(float), forest.means_.of(noise.tasks))[:, 0]
        seen.append(np.corrcoef(forest.departure(noise.prompts, noise.tasks)[:, 0], truth)[0, 1])
        held.append(np.corrcoef(forest.held_out(noise)[:, 0], truth)[0, 1])
    assert min(seen) > 0.9
    assert abs(np.mean(held)) < 0.15
    assert np.isnan(ResidualForest().fit(noise.rows([0, 1])).held_out(noise.rows([0, 1]))).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_noise_is_not_trusted(name: str) -> None:
    rng = np.random.default_rng(0)
    table = table_of(rng.random((200, 3)) < [0.8, 0.5, 0.2])
    router = ROUTERS[name]().fit(table)
    assert (router.score(table.prompts, table.tasks).argmax(axis=1) == 0).mean() > 0.9


@pytest.mark.parametrize("name", LEARNERS)
def test_missing_cells_pull_nowhere(name: str) -> None:
    rng = np.random.default_rng(0)
    odd = np.arange(240) % 2 == 1
    right = np.stack([odd, ~odd, np.full(240, 0.4)], axis=1).astype(float)
    right[rng.random(right.shape) < 0.4] = np.nan
    table = table_of(right)
    test = table_of(np.stack([odd, ~odd, np.full(240, 0.4)], axis=1), seed=101)
    chosen = ROUTERS[name]().fit(table).score(test.prompts, test.tasks).argmax(axis=1)
    assert test.performance[np.arange(240), chosen].mean() > 0.95


def test_predictions_of_equal_size_are_trusted_where_they_came_true() -> None:
    rng = np.random.default_rng(0)
    guess = rng.standard_normal((4000, 5))
    truth = np.concatenate([guess[:2000], rng.standard_normal((2000, 5))])
    slopes = TaskSlopes().fit(["told"] * 2000 + ["chance"] * 2000, truth, guess)
    # Of its own a task would have 1 and 0; with as much weight of both tasks' slope, 1/2, it has the middle.
    assert slopes.of(["told", "chance"])[:, 0] == pytest.approx([0.75, 0.25], abs=0.03)


def test_a_task_that_was_not_seen_is_scored_all_the_same() -> None:
    rng = np.random.default_rng(0)
    table = table_of(rng.random((60, 3)))
    for name in LEARNERS:
        scores = ROUTERS[name]().fit(table).score(["never", None], ["new", "talk"])
        assert scores.shape == (2, 3)
        assert np.isfinite(scores).all()


def test_gaps_of_a_ranker_are_as_if_the_query_were_not_there() -> None:
    rng = np.random.default_rng(0)
    table = table_of((rng.random((80, 3)) < 0.5).astype(float))
    gone = table.performance.copy()
    gone[60:, 2] = np.nan
    ranker = ROUTERS["iterative_ranker"]().fit(replace(table, performance=gone))
    outcome = np.sign(table.performance[:60, 0] - table.performance[:60, 2])
    features = ranker.features_.of(table.prompts, table.tasks)[:60]
    residual = outcome - ranker.means_.of(table.tasks)[:60, 1]
    expected = np.linalg.solve(features.T @ features + 20 * np.eye(features.shape[1]), features.T @ residual)
    assert ranker.weights_[:, 1] == pytest.approx(expected, abs=1e-8)
