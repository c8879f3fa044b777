"""The attainable ceiling: against enumeration, and against known truths by simulation.

A simulated mean may be off by four of its standard errors where the estimator should be unbiased, and by the bias that
docs/evaluation.md states where its assumptions do not hold.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llmfusionbench.evaluation.variance.best_of import best_of_means, best_of_one, best_unseen, expected_best
from llmfusionbench.evaluation.variance.ceiling import ceiling, jackknife, student_quantile
from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.logistic import POINTS, mass, mean_of, scores_of, spread_of
from llmfusionbench.evaluation.variance.plan import queries_needed
from tests.helpers.replicated_release import drawn, expected_scores, logits

NAN = float("nan")
MANY = 50_000
"""Queries per task from which a true mean is computed; its own error is below 0.001."""


def gain(expected: np.ndarray, reference: int) -> float:
    """The truly attainable gain."""
    return float((expected.max(axis=1) - expected[:, reference]).mean())


# Parts


@settings(max_examples=50)
@given(arrays(np.float64, (3, 3, 2), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, NAN])))
def test_the_best_of_one_answer_each_is_that_of_all_combinations(values: np.ndarray) -> None:
    packed = np.sort(values, axis=2)  # NaN last
    found = best_of_one(Cells(packed, np.zeros(3, np.int64)))
    for query, best in zip(packed, found, strict=True):
        answers = [cell[~np.isnan(cell)] for cell in query if not np.isnan(cell).all()]
        if answers:
            assert best == pytest.approx(np.mean([max(drawn_ones) for drawn_ones in product(*answers)]))
        else:
            assert np.isnan(best)


def test_logistic_normal_moments() -> None:
    """Against 400,000 draws: the error of a mean is below 0.001."""
    z = np.random.default_rng(0).normal(size=400_000)
    for place, spread in ((0.0, 0.3), (-2.0, 1.5), (3.0, 6.0)):
        scores = scores_of(place + spread * z)
        assert mean_of(np.array([place]), spread)[0] == pytest.approx(scores.mean(), abs=0.003)
        bins = mass(np.array([place]), spread)[0]
        assert bins.sum() == pytest.approx(1)
        assert bins @ POINTS == pytest.approx(scores.mean(), abs=0.003)
        location, found = spread_of(np.array([scores.mean()]), float((scores**2).mean()))
        assert found == pytest.approx(spread, rel=0.05)
        assert mean_of(location, found)[0] == pytest.approx(scores.mean(), abs=0.003)


def test_quantiles_of_student() -> None:
    assert [student_quantile(v) for v in (4, 9, 19, 10_000)] == pytest.approx([2.776, 2.262, 2.093, 1.960], abs=0.008)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=20)
    without = [np.delete(values, i).mean() for i in range(20)]
    found = jackknife(np.array([values.mean(), *without]), 20)
    half = student_quantile(19) * values.std(ddof=1) / np.sqrt(20)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))
    assert np.isnan(jackknife(np.ones(4), 3).low)


# Simulated logs


def test_bias_and_coverage_with_two_binary_replicates() -> None:
    """60 logs of 120 queries: the standard error of a coverage of 95% is 2.8%, and three of them are allowed."""
    rng = np.random.default_rng(0)
    place = logits(2, 4)
    _, expected = expected_scores(place, MANY, sigma=1.5, tau=1.5, rng=rng)
    attainable = gain(expected, 3)
    luck = float((1 - np.prod(1 - expected, axis=1) - expected.max(axis=1)).mean())
    rows = []
    for seed in range(60):
        cells = drawn(*expected_scores(place, 60, sigma=1.5, tau=1.5, rng=rng), 2, rng)
        found = ceiling(cells, np.full(120, 3), seed=seed)
        rows.append(
            [
                found.oracle.value - luck - attainable, found.attainable.value - attainable, found.luck.value - luck,
                found.at_least.value - attainable, found.at_most.value - attainable,
                found.attainable.low <= attainable <= found.attainable.high, found.luck.low <= luck <= found.luck.high,
            ]
        )  # fmt: skip
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0) / np.sqrt(60)
    assert (np.abs(mean[:3]) < 4 * error[:3]).all(), (mean, error)
    assert mean[3] < 0
    assert mean[4] > 0.05, "the mean of the highest means, which is what is not to be reported as attainable"
    assert min(mean[5:]) >= 0.95 - 3 * 0.028, mean


def bias(rng: np.random.Generator, expected_of: object, replicates: int, logs: int, **more: int) -> tuple[float, float]:
    """Mean difference of the estimated from the true best expected score in some logs, and its standard error."""
    rows = []
    for _ in range(logs):
        task, expected = expected_of()  # type: ignore[operator]
        rows.append(expected_best(drawn(task, expected, replicates, rng, **more)).mean() - expected.max(axis=1).mean())
    return float(np.mean(rows)), float(np.std(rows) / np.sqrt(logs))


@pytest.mark.parametrize(("candidates", "replicates"), [(3, 2), (10, 3)])
def test_it_is_nearly_unbiased_under_its_assumptions(candidates: int, replicates: int) -> None:
    rng = np.random.default_rng(1)
    found, error = bias(
        rng, lambda: expected_scores(logits(3, candidates), 80, sigma=1.5, tau=1.5, rng=rng), replicates, 25, least=1
    )
    assert abs(found) < 0.004 + 4 * error


def test_luck_alone_is_not_attainable() -> None:
    """Candidates that differ in no query: the oracle of one answer gains more than 0.2, all of it luck.

    The estimate cannot be below 0, so that it is too high here (docs/evaluation.md gives the figures); the lower bound is not.
    """
    rng = np.random.default_rng(2)
    place = logits(3, 8) * 0
    rows = []
    for seed in range(8):
        task, expected = expected_scores(place, 80, sigma=1.5, tau=0, rng=rng)
        found = ceiling(drawn(task, expected, 3, rng), np.zeros(240, np.int64), seed=seed)
        rows.append([found.oracle.value, found.attainable.value, found.at_least.value])
    oracle, attainable, at_least = np.mean(rows, axis=0)
    assert oracle > 0.2
    assert attainable < 0.06
    assert abs(at_least) < 0.01


def other_shapes(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Expected scores of 4 tasks, 80 queries each and 8 candidates that are not logistic-normal."""
    task = np.repeat(np.arange(4), 80)
    place = logits(4, 8)[task] + rng.normal(0, 1.5, (320, 1))
    easy = scores_of(place)
    if kind == "beta":
        return task, rng.beta(easy + 1e-9, 1 - easy + 1e-9)
    if kind == "sure or a coin":
        return task, np.where(rng.random(easy.shape) < 0.4, rng.uniform(0.2, 0.8, easy.shape), rng.random(easy.shape) < easy)
    if kind == "families":
        family = rng.normal(0, 1.2, (320, 4)).repeat(2, axis=1)
        return task, scores_of(place + family + rng.normal(0, 0.9, easy.shape))
    return task, 0.25 + 0.75 * scores_of(place - 1 + rng.normal(0, 1.5, easy.shape))


@pytest.mark.parametrize(
    ("kind", "allowed"), [("beta", 0.01), ("sure or a coin", 0.01), ("families", 0.015), ("guesses", 0.025)]
)
def test_other_distributions_bias_it_little(kind: str, allowed: float) -> None:
    rng = np.random.default_rng(3)
    found, error = bias(rng, lambda: other_shapes(kind, rng), 2, 15)
    assert abs(found) < allowed + 4 * error


def test_scores_between_0_and_1() -> None:
    """Beta scores with half the variance of binary ones."""
    rng = np.random.default_rng(4)
    rows = []
    for _ in range(25):
        task, expected = expected_scores(logits(3, 6), 80, sigma=1.5, tau=1.5, rng=rng)
        inner = np.clip(expected, 1e-6, 1 - 1e-6)[:, :, None]
        cells = Cells(rng.beta(inner, 1 - inner, size=(*expected.shape, 2)), task)
        rows.append(expected_best(cells).mean() - expected.max(axis=1).mean())
    assert abs(np.mean(rows)) < 0.004 + 4 * np.std(rows) / 5


# Properties


def test_without_luck_all_is_attainable() -> None:
    rng = np.random.default_rng(5)
    scores = np.round(rng.random((60, 4, 1)), 1)
    found = ceiling(Cells(np.repeat(scores, 3, axis=2), np.zeros(60, np.int64)), np.zeros(60, np.int64))
    assert found.attainable.value == pytest.approx(found.oracle.value, abs=0.01)
    assert abs(found.luck.value) < 0.01
    assert found.at_least.value == pytest.approx(found.at_most.value, abs=0.01)


def test_queries_without_the_reference_do_not_count() -> None:
    rng = np.random.default_rng(6)
    cells = drawn(*expected_scores(logits(2, 3), 20, sigma=1, tau=1, rng=rng), 2, rng)
    values = cells.values.copy()
    values[:10, 0] = NAN
    reference = np.zeros(40, np.int64)
    reference[-5:] = -1
    found = ceiling(Cells(values, cells.task), reference)
    whole = ceiling(Cells(values[10:-5], cells.task[10:-5]), np.zeros(25, np.int64))
    assert found.queries == 25
    assert found == whole


def test_the_seed_decides_the_interval_only() -> None:
    rng = np.random.default_rng(7)
    cells = drawn(*expected_scores(logits(2, 3), 30, sigma=1, tau=1, rng=rng), 2, rng)
    first, second, other = (ceiling(cells, np.zeros(60, np.int64), seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first.attainable.value == other.attainable.value
    assert first.attainable.low != other.attainable.low


@settings(max_examples=20)
@given(arrays(np.float64, (12, 3, 2), elements=st.sampled_from([0.0, 0.3, 1.0, NAN])), st.integers(1, 4))
def test_any_scores_give_scores(values: np.ndarray, tasks: int) -> None:
    """Missing cells, constant scores and tasks of few queries: no warning, and nothing outside 0 to 1."""
    values[:, 0, 0] = np.nan_to_num(values[:, 0, 0])
    values[0, 0, 1] = 0.3
    cells = Cells(np.sort(values, axis=2), np.arange(12) % tasks)
    found = expected_best(cells)
    assert (found >= 0).all()
    assert (found <= 1).all()
    assert (np.abs(best_unseen(cells, np.zeros(12, np.int64))) <= 1).all()
    assert (best_of_one(cells) >= best_of_means(cells) - 1e-12).all(), "the mean of the highest, and the highest mean"


def test_a_query_without_replicates_keeps_the_reference() -> None:
    rng = np.random.default_rng(9)
    cells = drawn(*expected_scores(logits(1, 3), 20, sigma=1, tau=1, rng=rng), 3, rng)
    values = cells.values.copy()
    values[:8, :, 1:] = NAN
    found = best_unseen(Cells(values, cells.task), np.zeros(20, np.int64))
    assert (found[:8] == 0).all()
    assert (found[8:] != 0).any()


def test_a_plan_is_what_it_takes() -> None:
    """Intervals on logs of the planned size, against the half-width planned for. Half of the query number is noise at worst."""
    rng = np.random.default_rng(8)
    place = logits(2, 5)
    one = drawn(*expected_scores(place, 100, sigma=1.5, tau=1.5, rng=rng), 1, rng)
    queries = queries_needed(one, half_width=0.04)
    halves = []
    for seed in range(6):
        cells = drawn(*expected_scores(place, queries // 2, sigma=1.5, tau=1.5, rng=rng), 2, rng)
        found = ceiling(cells, np.full(len(cells.task), 4), seed=seed).attainable
        halves.append((found.high - found.low) / 2)
    assert 0.02 < np.mean(halves) < 0.05
    assert queries_needed(one, half_width=0.02) == pytest.approx(4 * queries, rel=0.02)
    assert queries_needed(one, half_width=0.04) == queries, "the same seed gives the same plan"
