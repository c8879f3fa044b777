"""Learners of departures from a task's means: gaps are left out exactly, held-out predictions are, and noise is not trusted."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from llmfusionbench.baselines import ROUTERS
from llmfusionbench.baselines.routers.kernel_ridge import KernelRidge, _solved
from llmfusionbench.baselines.routers.residual_forest import MaskedForest, ResidualForest
from llmfusionbench.baselines.routers.shared.departures import TaskAxes, TaskSlopes, departures, query_averages
from llmfusionbench.release.routing_table import RoutingTable

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


@pytest.mark.parametrize("columns", [1, 3])
def test_a_forest_without_gaps_is_that_of_scikit_learn(columns: int) -> None:
    """But for the warning filters of the process, which are as before."""
    rng = np.random.default_rng(0)
    inputs, target = rng.standard_normal((60, 4)), rng.standard_normal((60, columns))
    theirs = ExtraTreesRegressor(20, min_samples_leaf=6, max_features=0.5, random_state=3).fit(inputs, target.squeeze())
    filters = list(warnings.filters)
    ours = MaskedForest(20, leaf=6, features=0.5, seed=3).fit(inputs, target).predict(inputs)
    assert ours == pytest.approx(theirs.predict(inputs).reshape(60, columns), abs=1e-12)
    assert warnings.filters == filters


def test_a_forest_is_the_same_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    inputs, target = rng.standard_normal((80, 4)), rng.standard_normal((80, 3))
    target[::7, 1] = np.nan
    found = []
    for cores in (1, 8):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        found.append(MaskedForest(20, leaf=6, features=0.5, seed=3).fit(inputs, target).predict(inputs))
    np.testing.assert_array_equal(*found)


def test_leaves_hold_the_means_of_the_cells_that_are_there() -> None:
    rng = np.random.default_rng(0)
    inputs, target = rng.standard_normal((60, 4)), rng.standard_normal((60, 3))
    target[rng.random(60) < 0.5, 1] = np.nan
    target[:, 2] = np.nan
    forest = MaskedForest(5, leaf=6, features=1.0, seed=0).fit(inputs, target)
    leaves = np.stack([tree.apply(inputs.astype(np.float32)) for tree in forest.trees_], axis=1)
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


def test_averages_are_what_departures_take_out() -> None:
    target = np.array([[1.0, 0.0, np.nan], [1.0, 1.0, 1.0], [np.nan] * 3])
    means = np.array([[0.5, 0.25, 0.9]] * 3)
    found = query_averages(target, means)
    assert found[:, 0] == pytest.approx([0.125, 1.35 / 3, np.nan], nan_ok=True)
    assert departures(target, means) + found == pytest.approx(target - means, nan_ok=True)


def test_axes_are_the_leading_components_of_each_task() -> None:
    rng = np.random.default_rng(0)
    directions = {task: np.linalg.qr(rng.standard_normal((6, 6)))[0] for task in "xy"}
    tasks = ["x", "y"] * 300
    residual = np.stack([directions[task] @ (rng.standard_normal(6) * [5, 4, 3, 0.5, 0.3, 0.1]) for task in tasks])
    axes = TaskAxes(3).fit(tasks, residual)
    for task in "xy":
        values = rng.standard_normal((4, 6))
        part = residual[np.array(tasks) == task]
        leading = np.linalg.svd(part, full_matrices=False)[2][:3]
        kept = axes.of([task] * 4, values)
        assert kept == pytest.approx(values @ leading.T @ leading)
        assert axes.of([task] * 4, kept) == pytest.approx(kept)
        assert abs(kept @ directions[task][:, 3:]).max() < 0.1
    residual[rng.random(residual.shape) < 0.3] = np.nan
    with_gaps = TaskAxes(3).fit(tasks, residual).of(["x"], directions["x"][:, :1].T)
    assert with_gaps == pytest.approx(directions["x"][:, :1].T, abs=0.1)


def test_axes_keep_everything_where_there_is_too_little_to_tell_them() -> None:
    rng = np.random.default_rng(0)
    residual, values = rng.standard_normal((40, 5)), rng.standard_normal((3, 5))
    tasks = ["few"] * 4 + ["enough"] * 5 + ["gaps"] * 31
    residual[:, 4][[task == "gaps" for task in tasks]] = np.nan
    kept = TaskAxes(2).fit(tasks, residual).of(["few", "gaps", "never seen"], values)
    assert kept.tolist() == values.tolist()
    assert np.abs(TaskAxes(2).fit(tasks, residual).of(["enough"] * 3, values) - values).max() > 0.01
    assert TaskAxes(5).fit(tasks, residual).of(["enough"] * 3, values).tolist() == values.tolist()
    assert TaskAxes(2).fit(tasks, np.zeros((40, 5))).of(["enough"] * 3, values).tolist() == np.zeros((3, 5)).tolist()


def test_a_kernel_regression_tells_hard_queries_from_easy_ones() -> None:
    rng = np.random.default_rng(0)
    hard = np.arange(200) % 2 == 1
    right = (rng.random((200, 4)) < np.where(hard, 0.2, 0.9)[:, None]).astype(float)
    table, test = table_of(right), table_of(right[:40], seed=101)
    departure, average = KernelRidge().fit(table).departure_and_average(test.prompts, test.tasks)
    assert departure.shape == (40, 4)
    assert average.shape == (40, 1)
    assert average[hard[:40]].max() < -0.1 < 0.1 < average[~hard[:40]].min()


def test_what_is_predicted_off_the_axes_is_left_out() -> None:
    rng = np.random.default_rng(0)
    hard = np.arange(400) % 2 == 1
    # Hard queries are where the second candidate falls behind the first; the others only make noise of their own.
    right = rng.random((400, 6)) < np.stack([~hard * 0.4 + 0.5, ~hard * 0.9 + 0.05, *[np.full(400, 0.3)] * 4], axis=1)
    table, test = table_of(right.astype(float)), table_of(right[:100].astype(float), seed=101)
    means = ROUTERS["per_task"]().fit(table).score(test.prompts, test.tasks)
    spread = []
    for rank in (1, 6):
        scores = ROUTERS["residual_blend"](rank=rank, trees=20).fit(table).score(test.prompts, test.tasks) - means
        spread.append(np.abs(scores[:, 2:]).mean() / np.abs(scores[:, :2]).mean())
        assert (scores[hard[:100], 1] < scores[~hard[:100], 1].min()).all()
    assert spread[0] < spread[1]
