"""Means with bootstrap intervals: checked against a plain loop, and against what must hold of any mean."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import llmfusionbench as lfb
from llmfusionbench.release.leaderboard import leaderboard
from llmfusionbench.schema import table_schema
from llmfusionbench.statistics import Resamples, bootstrap_mean, estimate, ratio, two_sided_p
from tests.helpers.tiny_release import replace_shard, write_tiny_release

NAN = float("nan")


def test_means_leave_missing_values_out() -> None:
    found = bootstrap_mean([[1.0, NAN, NAN], [0.0, 0.5, NAN], [0.5, NAN, NAN]])
    np.testing.assert_array_equal(found.mean, [0.5, 0.5, NAN])
    np.testing.assert_array_equal(found.valid, [3, 1, 0])
    assert found.low[1] == found.high[1] == 0.5
    assert math.isnan(found.low[2])
    assert math.isnan(found.high[2])


def test_against_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    values = rng.random((40, 3))
    values[rng.random((40, 3)) < 0.3] = NAN
    found = bootstrap_mean(values, resamples=20_000)
    for column in range(3):
        means = [np.nanmean(values[rng.integers(0, 40, 40), column]) for _ in range(20_000)]
        assert found.mean[column] == pytest.approx(np.nanmean(values[:, column]), abs=1e-12)
        assert [found.low[column], found.high[column]] == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.01)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for trial in range(200):
        found = bootstrap_mean(rng.normal(3, 1, (60, 1)), resamples=400, seed=trial)
        inside += int(found.low[0] <= 3 <= found.high[0])
    assert 176 <= inside <= 200


def test_the_seed_decides() -> None:
    values = np.random.default_rng(3).random((30, 2))
    first, second, other = (bootstrap_mean(values, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.low, second.low)
    assert (first.low != other.low).any()
    np.testing.assert_array_equal(first.mean, other.mean)


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (5, 0), (1, 1)])
def test_nothing_or_almost(shape: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = bootstrap_mean(np.zeros(shape))
    assert all(len(part) == shape[1] for part in found)
    assert np.isnan(found.mean).all() == (shape[0] == 0 or shape[1] == 0)


matrices = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.one_of(st.floats(0, 1), st.just(NAN))
)


@given(matrices)
def test_what_holds_of_any_mean(values: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no resample may be divided by nothing aloud
        found = bootstrap_mean(values, resamples=50)
    known = found.valid > 0
    np.testing.assert_array_equal(known, ~np.isnan(values).all(axis=0))
    np.testing.assert_array_equal(known, ~np.isnan(found.mean))
    slack = 1e-12
    interval = known & ~np.isnan(found.low)
    assert (found.low[interval] <= found.high[interval]).all()
    for column in np.flatnonzero(interval):
        given_values = values[~np.isnan(values[:, column]), column]
        assert given_values.min() - slack <= found.low[column] <= found.high[column] <= given_values.max() + slack


# --- the leaderboard


@pytest.fixture(scope="module")
def sample() -> lfb.Release:
    return lfb.open_release("sample")


def test_leaderboard_figures_by_key(sample: lfb.Release) -> None:
    board = leaderboard(sample, "test")
    domain = {r["query_id"]: r["domain"] for r in sample.table("queries", "test").to_table().to_pylist()}
    scores: dict[tuple[str, str], list[float | None]] = {}
    columns = ["query_id", "llm", "mode", "performance"]
    for row in sample.table("responses", "test").to_table(columns=columns).to_pylist():
        name = row["llm"] + ("_think" if row["mode"] == "think" else "")
        scores.setdefault((domain[row["query_id"]], name), []).append(row["performance"])
    assert len(board) == len(scores) == 6 * 40
    assert set(board["provenance"]) == {"simulated"}
    for row in board.itertuples():
        given_scores = [s for s in scores[row.domain, row.candidate] if s is not None]
        assert row.scored == len(given_scores)
        assert row.performance == pytest.approx(np.mean(given_scores), abs=1e-6)
        assert row.low <= row.performance <= row.high
        assert row.queries == sum(d == row.domain for d in domain.values())


def test_leaderboard_is_in_order(sample: lfb.Release) -> None:
    board = leaderboard(sample)
    assert board["domain"].is_monotonic_increasing
    for _, rows in board.groupby("domain"):
        assert rows["performance"].is_monotonic_decreasing


def test_leaderboard_of_no_such_split(sample: lfb.Release) -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match='Did you mean "train"'):
        leaderboard(sample, "trian")


# --- draws of whole queries


def test_row_0_is_the_data() -> None:
    values = np.array([[1, NAN], [0, 0.5], [1, 1]])
    draws = Resamples(["a", "b", "c"], resamples=5)
    total, count = draws.sums(values)
    assert total.shape == (6, 2)
    np.testing.assert_array_equal(total[0], [2, 1.5])
    np.testing.assert_array_equal(count[0], [3, 2])
    np.testing.assert_array_equal(draws.weights.sum(axis=1), 3)
    assert draws.mean(values[:, 1])[0] == 0.75
    assert draws.mean(values[:, 1], rows=[True, False, True])[0] == 1


def test_rows_of_a_query_are_drawn_together() -> None:
    draws = Resamples(["a", "b", "a", "c", "b"], resamples=50)
    np.testing.assert_array_equal(draws.weights[:, 0], draws.weights[:, 2])
    np.testing.assert_array_equal(draws.weights[:, 1], draws.weights[:, 4])
    np.testing.assert_array_equal(draws.weights[:, [0, 1, 3]].sum(axis=1), 3)


def test_both_bootstraps_agree() -> None:
    values = np.random.default_rng(4).random((80, 1))
    one = bootstrap_mean(values, resamples=8000)
    other = estimate(Resamples([str(i) for i in range(80)], resamples=8000, seed=1).mean(values[:, 0]), 80)
    assert other.value == pytest.approx(one.mean[0])
    assert [other.low, other.high] == pytest.approx([one.low[0], one.high[0]], abs=0.005)


def test_nothing_to_draw() -> None:
    draws = Resamples([], resamples=3)
    assert np.isnan(draws.mean([])).all()
    empty = estimate(draws.mean([]), 0)
    assert math.isnan(empty.value)
    assert math.isnan(empty.low)
    assert math.isnan(two_sided_p(draws.mean([])))
    assert np.isnan(ratio([1.0, NAN], [0.0, 1.0])).all()


def test_p_of_a_difference() -> None:
    rng = np.random.default_rng(0)
    keys = [str(i) for i in range(200)]
    apart = two_sided_p(Resamples(keys).mean(rng.normal(1, 1, 200)))
    assert apart == pytest.approx(2 / 1001)
    assert two_sided_p(np.zeros(11)) == 1
    below = [two_sided_p(Resamples(keys, resamples=400, seed=i).mean(rng.normal(0, 1, 200))) < 0.05 for i in range(200)]
    assert 2 <= sum(below) <= 22


def test_leaderboard_of_no_queries(tmp_path: Path) -> None:
    release = write_tiny_release(tmp_path / "r")
    for name in ("queries", "routing"):
        replace_shard(release, f"{name}/partial_test-00000-of-00001.parquet", table_schema(name).arrow.empty_table())
    with pytest.raises(lfb.LLMFusionBenchError, match="partial_test has no queries"):
        leaderboard(lfb.open_release(release), "partial_test")
