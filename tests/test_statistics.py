"""Figures with their intervals: by hand, against plain computations, and how often they hold the truth."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llmfusionbench.statistics import (
    Linear,
    Sample,
    SignFlips,
    figures_of,
    mean,
    mean_columns,
    paired_columns,
    paired_p,
    percentiles,
    pooled,
    pooled_shares,
    quotient,
    ratio,
    share,
    share_columns,
    smooth,
    two_valued,
)
from llmfusionbench.statistics.intervals import mean_p, wilson
from llmfusionbench.statistics.student import student_quantile, two_sided

NAN = float("nan")


def sample(n: int) -> Sample:
    return Sample([str(i) for i in range(n)])


def bits(ones: int, n: int) -> np.ndarray:
    return np.arange(n) < ones


# --- means and the influence of each query


def test_a_mean_by_hand() -> None:
    found = sample(4).mean([1.0, 3.0, NAN, 5.0])
    assert (found.value, found.size, found.freedom) == (3.0, 3, 2)
    assert found.variance == pytest.approx(4 / 3)  # the sample variance, 4, by 3
    assert found.influence[2] == 0
    assert math.isnan(sample(2).mean([NAN, NAN]).value)
    assert math.isnan(sample(2).mean([NAN, 1.0]).variance)


def test_rows_of_a_query_are_not_independent() -> None:
    once = sample(3).mean([0.0, 0.5, 1.0])
    twice = Sample(["0", "1", "2", "0", "1", "2"]).mean([0.0, 0.5, 1.0, 0.0, 0.5, 1.0])
    assert (twice.value, twice.variance, twice.size) == (once.value, pytest.approx(once.variance), 3)
    some = Sample(["0", "1", "2", "0", "1", "2"]).mean([0.0, 0.5, 1.0, NAN, NAN, 1.0], [True] * 5 + [False])
    assert (some.value, some.variance) == (once.value, pytest.approx(once.variance))


def test_a_mean_of_tasks_by_hand() -> None:
    found = sample(6).macro([0.0, 1.0, 1.0, 1.0, 0.0, 0.0], [0, 0, 1, 1, 1, 1])
    assert found.value == 0.5
    by_task = np.array([0.5 / 2, (1 / 3) / 4])
    assert found.variance == pytest.approx(by_task.sum() / 4)
    assert found.freedom == pytest.approx(by_task.sum() ** 2 / (by_task[0] ** 2 / 1 + by_task[1] ** 2 / 3))
    assert found.size == pytest.approx(4 / (1 / 2 + 1 / 4))


def test_a_task_of_one_query_counts_with_the_variance_of_the_others() -> None:
    found = sample(3).macro([0.0, 1.0, 1.0], [0, 0, 1])
    assert found.value == 0.75
    assert found.variance == pytest.approx((0.5 / 2 + 0.5) / 4)
    assert math.isnan(sample(2).macro([0.0, 1.0], [0, 1]).variance)
    assert math.isnan(sample(1).macro([NAN], [0]).value)


def test_arithmetic_is_the_delta_method() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random(50) + 1, rng.random(50) + 2
    a, b = sample(50).mean(x), sample(50).mean(y)
    for figure, weights in ((a + b, (1, 1)), (a - b, (1, -1)), (a * b, (b.value, a.value))):
        assert figure.variance == pytest.approx(np.var(weights[0] * x + weights[1] * y, ddof=1) / 50)
    whole = a / b
    assert whole.value == pytest.approx(x.mean() / y.mean())
    assert whole.variance == pytest.approx(np.var((x - whole.value * y) / y.mean(), ddof=1) / 50)
    assert (a * 2 - 1.0).value == pytest.approx(2 * a.value - 1)
    assert math.isnan((a / (b - b)).value)


# --- shares


def test_wilson_by_hand() -> None:
    z = student_quantile(math.inf)
    assert z == pytest.approx(1.959964)
    centre, half = (0.8 + z**2 / 40) / (1 + z**2 / 20), z / (1 + z**2 / 20) * math.sqrt(0.16 / 20 + z**2 / 1600)
    assert wilson(0.8, 20) == pytest.approx((centre - half, centre + half))
    assert wilson(0.8, 20) == pytest.approx((0.584, 0.919), abs=5e-4)  # Newcombe (1998) prints such limits
    assert wilson(1.0, 200) == (pytest.approx(200 / (200 + z**2)), 1.0)
    assert wilson(0.0, 200) == (0.0, pytest.approx(z**2 / (200 + z**2)))


def test_a_share_of_zeros_and_ones_is_wilsons() -> None:
    found = share_columns(np.stack([bits(198, 200), bits(200, 200), bits(0, 200)], axis=1))
    for i, part in enumerate((0.99, 1.0, 0.0)):
        assert (found.low[i], found.high[i]) == pytest.approx(wilson(part, 200))


def test_graded_values_have_as_many_trials_as_their_variance_says() -> None:
    values = np.array([0.2, 0.5, 0.9, 1.0, 0.4])
    found = share(sample(5).mean(values), 5)
    trials = values.mean() * (1 - values.mean()) / (values.var(ddof=1) / 5)
    assert (found.low, found.high) == pytest.approx(wilson(values.mean(), trials, student_quantile(4)))
    # Failures that cost 0.3 each are counted as the failures they are.
    some = share(sample(400).mean(np.where(bits(8, 400), 0.7, 1.0)), 400)
    low, high = (1 - (1 - end) / 0.3 for end in (some.low, some.high))
    assert (low, high) == pytest.approx(wilson(0.98, 400), abs=2e-3)


def test_equal_values_have_a_width() -> None:
    found = share_columns(np.full((30, 1), 0.5))
    assert (found.low[0], found.high[0]) == pytest.approx(wilson(0.5, 30))
    one = share_columns([[0.5]])
    assert (one.low[0], one.high[0]) == pytest.approx(wilson(0.5, 1))
    sums = np.array([[0.1 + 0.2 + 0.3], [0.3 + 0.2 + 0.1], [0.6]])  # they differ by rounding only
    assert len(set(sums.ravel())) > 1
    near = pooled_shares(sums, np.full((3, 1), 3.0))
    assert (near.low[0], near.high[0]) == pytest.approx(wilson(0.2, 3))


def test_answers_to_one_query_are_not_independent_trials() -> None:
    sums, counts = np.array([[4.0], [0.0], [4.0]]), np.full((3, 1), 4.0)
    found = pooled_shares(sums, counts)
    assert found.valid[0] == 12
    assert found.high[0] - found.low[0] > np.subtract(*wilson(2 / 3, 12)[::-1]) * 1.5


def test_values_outside_0_to_1_get_the_interval_of_a_mean() -> None:
    values = [[3.0], [4.0], [8.0]]
    assert share_columns(values) == mean_columns(values)


# --- skewed means


def test_a_symmetric_mean_has_students_interval() -> None:
    found = mean_columns([[1.0], [2.0], [3.0]])
    assert [found.low[0], found.high[0]] == pytest.approx([2 - 4.302653 / math.sqrt(3), 2 + 4.302653 / math.sqrt(3)])


def test_a_skewed_mean_by_hand() -> None:
    values = np.array([1.0, 1, 1, 1, 2, 2, 3, 9])
    figure = sample(8).mean(values)
    t, error = student_quantile(7), values.std(ddof=1) / math.sqrt(8)
    found = mean(figure, 8)
    assert found.low == pytest.approx(values.mean() - t * error)  # Hall's is narrower there
    # The upper end is where Hall's polynomial of t is -t(7). Few values show too little skewness, so it is made larger.
    skew = ((values - values.mean()) ** 3).sum() / ((values - values.mean()) ** 2).sum() ** 1.5 * (1 + 10 / 8)
    end = (values.mean() - found.high) / error
    assert end < -t
    assert end + skew * end**2 / 3 + skew**2 * end**3 / 27 + skew / 6 == pytest.approx(-t)
    assert mean_p(figure + -found.high) == pytest.approx(0.05)


def test_a_mean_of_two_values_is_a_share() -> None:
    values = np.where(bits(7, 40), 0.5, -0.25)
    found = two_valued(sample(40).mean(values), (-0.25, 0.5), 40, binary=True)
    low, high = (-0.25 + 0.75 * end for end in wilson(7 / 40, 40))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.value == pytest.approx(values.mean())


def test_a_certain_skewness_gives_a_score_interval() -> None:
    # Forty failures of equal cost are as many standard errors away from a symmetric error as the root of forty.
    figure = sample(400).mean(np.where(bits(40, 400), 2.0, 0.0))
    found, error = mean(figure, 400), math.sqrt(figure.variance)
    skew = (figure.influence**3).sum() / error**3
    for end in (found.low, found.high):
        t = (figure.value - end) / error
        assert t**2 == pytest.approx(student_quantile(399) ** 2 * (1 - skew * t))
    assert [found.low / 2, found.high / 2] == pytest.approx(wilson(0.1, 400), abs=1e-3)


def test_one_value_has_no_interval_of_a_mean() -> None:
    found = mean_columns([[0.5, NAN]])
    np.testing.assert_array_equal(np.isnan(found.low), [True, True])
    np.testing.assert_array_equal(found.valid, [1, 0])
    assert [f.low for f in figures_of(found)] == [None, None]


# --- quotients and other smooth figures


def test_fieller_by_hand() -> None:
    half = math.sqrt(0.5)
    a = Linear(2.0, 0.3 * half * np.array([1.0, -1, 0, 0]), math.inf, 4)
    b = Linear(4.0, 0.4 * half * np.array([0.0, 0, 1, -1]), math.inf, 4)
    found = quotient(a, b, 7)
    assert (found.value, found.n) == (0.5, 7)
    for end in (found.low, found.high):
        assert abs(2 - 4 * end) / math.sqrt(0.09 + end**2 * 0.16) == pytest.approx(student_quantile(math.inf))
    assert found.low < 0.5 < found.high


def test_a_skewed_quotient_is_longer_on_its_long_side() -> None:
    a = sample(60).mean(np.where(bits(3, 60), 1.0, 0.0))
    found = quotient(a, sample(60).mean(np.ones(60)), 60)
    assert found.value - found.low == pytest.approx(student_quantile(59) * math.sqrt(a.variance))
    t = (found.value - found.high) / math.sqrt(a.variance)
    skew = (a.influence**3).sum() / a.variance**1.5
    assert t**2 == pytest.approx(student_quantile(59) ** 2 * (1 - skew * t))
    turned = quotient(a, sample(60).mean(-np.ones(60)), 60)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_no_interval_where_the_denominator_may_be_0() -> None:
    a = Linear(2.0, np.array([0.3, 0.0]), math.inf, 2)
    found = quotient(a, Linear(0.5, np.array([0.0, 0.4]), math.inf, 2), 7)
    assert found.value == 4
    assert math.isnan(found.low)
    assert math.isnan(quotient(a, Linear(0.0, np.zeros(2), math.inf, 2), 7).value)


def test_smooth_figures_have_students_interval() -> None:
    found = smooth(Linear(1.0, np.array([0.3, 0.4]), 10.0, 2), 3)
    half = 2.228139 * 0.5
    assert found == (1.0, pytest.approx(1 - half), pytest.approx(1 + half), 3)


def test_percentiles_of_draws() -> None:
    found = percentiles([5.0, *range(101)], 9)
    assert found == (5.0, 2.5, 97.5, 9)
    assert math.isnan(percentiles([NAN, 1.0], 0).low)


# --- paired tests


def test_every_change_of_signs_is_counted() -> None:
    values = np.array([0.5, 1.0, 0.0, -0.25, 2.0, 1.5])
    sums = [sum(s * v for s, v in zip(signs, values, strict=True)) for signs in itertools.product((1, -1), repeat=6)]
    assert SignFlips(6).p(values) == np.mean([abs(x) >= values.sum() - 1e-12 for x in sums])
    assert SignFlips(5).p(np.ones(5)) == 2 / 2**5
    assert SignFlips(3).p(np.zeros(3)) == 1
    assert math.isnan(SignFlips(0).p([]))


def test_random_changes_of_signs_come_near_to_all_of_them() -> None:
    values = np.round(np.random.default_rng(0).normal(0.4, 1, 13), 2)
    signs = 1 - 2 * ((np.arange(2**13)[:, None] >> np.arange(13)) & 1)
    exact = (np.abs(signs @ values) >= abs(values.sum()) - 1e-9).mean()
    assert SignFlips(13, draws=20_000).p(values) == pytest.approx(exact, abs=0.01)
    assert SignFlips(200, draws=999).p(np.ones(200)) == 1 / 1000
    assert SignFlips(13, seed=1).p(values) == SignFlips(13, seed=1).p(values)


def test_the_larger_p_of_two() -> None:
    skewed = np.array([-1.0] * 15 + [0.5, 1, 2, 4, 9])
    figure = sample(20).mean(skewed)
    assert paired_p(figure, skewed, SignFlips(20)) == max(SignFlips(20).p(skewed), mean_p(figure))
    found, p = paired_columns(np.stack([skewed, np.full(20, NAN), np.zeros(20)], axis=1))
    np.testing.assert_array_equal(p, [paired_p(figure, skewed, SignFlips(20)), NAN, 1.0])
    assert found.low[2] == found.high[2] == 0


def test_tails_of_t() -> None:
    assert two_sided(2.228139, 10) == pytest.approx(0.05)
    assert two_sided(-1.959964, math.inf) == pytest.approx(0.05)


# --- what holds of any mean

matrices = arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(1, 4)), elements=st.one_of(st.floats(0, 1), st.just(NAN))
)


@given(matrices)
def test_a_share_lies_in_an_interval_with_a_width_within_0_to_1(values: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = share_columns(values)
    known = found.valid > 0
    np.testing.assert_array_equal(known, ~np.isnan(values).all(axis=0))
    np.testing.assert_array_equal(known, ~np.isnan(found.low))
    low, value, high = found.low[known], found.mean[known], found.high[known]
    assert ((low >= 0) & (low <= value + 1e-9) & (value <= high + 1e-9) & (high <= 1)).all()
    assert (low < high).all()


@given(matrices)
def test_a_mean_lies_in_its_interval(values: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = mean_columns(100 * values - 20)
    most, least = (f.reduce(values, axis=0, initial=np.nan) for f in (np.fmax, np.fmin))
    spread = most - least > 1e-6
    known = ~np.isnan(found.low)
    assert known[spread].all()
    equal = most == least
    assert (np.abs(found.mean[known & equal]) < 1e-9).all(), "equal values have no interval, unless they are 0"
    assert (found.low[known] <= found.mean[known]).all()
    assert (found.mean[known] <= found.high[known]).all()


@pytest.mark.parametrize("shape", [(0, 3), (0, 0), (5, 0), (1, 1)])
def test_nothing_or_almost(shape: tuple[int, int]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parts = share_columns(np.zeros(shape)), mean_columns(np.zeros(shape)), paired_columns(np.zeros(shape))[0]
    for found in parts:
        assert all(len(part) == shape[1] for part in found)
        assert np.isnan(found.mean).all() == (shape[0] == 0 or shape[1] == 0)
    assert np.isnan(ratio([1.0, NAN], [0.0, 1.0])).all()
    assert math.isnan(pooled(np.zeros(0), np.zeros(0)).value)


# --- how often intervals hold the truth, and tests reject it: seeded, so that the same counts come out every time


@pytest.mark.parametrize("chance", [0.5, 0.9, 0.99])
def test_coverage_of_shares(chance: float) -> None:
    found = share_columns(np.random.default_rng(0).random((200, 2000)) < chance)
    assert 0.93 <= ((found.low <= chance) & (chance <= found.high)).mean() <= 0.97


def test_coverage_of_skewed_means() -> None:
    found = mean_columns(np.random.default_rng(1).lognormal(0, 1, (200, 2000)))
    truth = math.exp(0.5)
    assert 0.93 <= ((found.low <= truth) & (truth <= found.high)).mean() <= 0.97


@pytest.mark.parametrize("chance", [0.05, 0.95])
def test_coverage_of_rewards_of_nearly_equal_scores(chance: float) -> None:
    rng = np.random.default_rng(3)
    values = 0.5 * (rng.random((200, 2000)) < chance) - 0.05 * rng.lognormal(0, 0.7, (200, 2000))
    truth = 0.5 * chance - 0.05 * math.exp(0.245)
    found = mean_columns(values)
    assert 0.93 <= ((found.low <= truth) & (truth <= found.high)).mean() <= 0.97


@pytest.mark.parametrize(("up", "down"), [(0.05, 0.01), (0.03, 0.03), (0.1, 0.05)])
def test_coverage_of_a_gain_where_few_differ(up: float, down: float) -> None:
    drawn = np.random.default_rng(4).random((200, 2000))
    found = mean_columns((drawn < up) * 1.0 - (drawn > 1 - down))
    assert 0.93 <= ((found.low <= up - down) & (up - down <= found.high)).mean() <= 0.97


def test_coverage_of_a_skewed_quotient() -> None:
    rng, inside = np.random.default_rng(5), 0
    for _ in range(600):
        best = rng.random(200) < 0.97
        found = quotient(sample(200).mean(best & (rng.random(200) < 0.06)), sample(200).mean(best * 1.0), 200)
        inside += found.low <= 0.06 <= found.high
    assert 0.93 <= inside / 600 <= 0.97


def test_coverage_of_quotients() -> None:
    rng, inside = np.random.default_rng(2), 0
    for _ in range(400):
        x = rng.random(200)
        found = quotient(sample(200).mean(x + rng.random(200)), sample(200).mean(x + 0.5), 200)
        inside += found.low <= 1 <= found.high
    assert 0.93 <= inside / 400 <= 0.97


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("n", [20, 50, 200])
def test_p_of_lognormal_costs_without_a_difference(n: int, skewed: bool) -> None:
    rng = np.random.default_rng(n)
    rival = np.full((n, 600), math.exp(0.5)) if skewed else rng.lognormal(0, 1, (n, 600))
    _, p = paired_columns(rng.lognormal(0, 1, (n, 600)) - rival, resamples=400)
    assert 0.025 <= (p < 0.05).mean() <= 0.065
