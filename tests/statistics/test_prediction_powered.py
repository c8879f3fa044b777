"""Means corrected by few labels: cases by hand, what cross-fitting does, and how often intervals hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from llmfusionbench.statistics import Linear, Sample, share
from llmfusionbench.statistics.adjusted_slope import adjusted_slope, varies_within
from llmfusionbench.statistics.prediction_powered import PredictionPowered, prediction_powered_mean
from llmfusionbench.statistics.rogan_gladen import rogan_gladen

LABEL = [1.0, 0.0, math.nan, math.nan]
PREDICTION = [0.8, 0.2, 0.9, 0.5]


def rows(n: int) -> Sample:
    """Each row is a query of its own."""
    return Sample.of_numbers(np.arange(n))


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 0.5), (1.0, 0.7), (0.5, 0.6)])
def test_by_hand(weight: float, expected: float) -> None:
    """The predictions are .5 on average where there is a label, and .7 where there is none."""
    found = prediction_powered_mean(LABEL, PREDICTION, rows(4), weight=weight)
    assert found.corrected.value == pytest.approx(expected)
    assert found.classical.value == 0.5
    assert (found.weight, found.labelled, found.unlabelled) == (pytest.approx(weight), 2, 2)


def test_the_tuned_weight_by_hand() -> None:
    """cov(label, prediction) / ((1 + n / N) * var(prediction)), as in PPI++."""
    found = prediction_powered_mean(LABEL, PREDICTION, rows(4))
    together = np.mean((np.array([1, 0]) - 0.5) * (np.array([0.8, 0.2]) - 0.5))
    assert found.weight == pytest.approx(together / (2 * np.var(PREDICTION, ddof=1)))


def test_a_judge_that_knows_nothing_gets_no_weight_and_costs_nothing() -> None:
    rng = np.random.default_rng(0)
    label = np.where(np.arange(2_000) < 300, rng.random(2_000) < 0.4, np.nan)
    found = prediction_powered_mean(label, rng.random(2_000), rows(2_000))
    assert found.weight == pytest.approx(0, abs=0.1)
    assert found.effective == pytest.approx(300, rel=0.05)


def test_a_judge_that_is_always_right_is_worth_all_labels() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(2_000) < 0.4).astype(float)
    label = np.where(np.arange(2_000) < 300, truth, np.nan)
    found = prediction_powered_mean(label, truth, rows(2_000), weight=1_700 / 2_000)
    assert found.corrected.value == pytest.approx(truth.mean())
    assert found.effective == pytest.approx(2_000, rel=0.1)


def test_a_judge_at_odds_with_the_labels_is_left_out() -> None:
    label, prediction = [1.0, 0.0, 1.0, 0.0, math.nan], [0.1, 0.9, 0.2, 0.8, 0.5]
    found = prediction_powered_mean(label, prediction, rows(5))
    assert found.weight == 0
    assert found.corrected.value == found.classical.value


def test_every_row_has_a_label() -> None:
    found = prediction_powered_mean([1.0, 0.0, 1.0], [0.3, 0.4, 0.9], rows(3))
    assert found.corrected.value == pytest.approx(2 / 3)
    assert found.weight == 0


def test_strata_that_are_labelled_unequally() -> None:
    """Easy answers are all right and hard ones all wrong; one in two easy ones has a label, and one in five hard ones."""
    easy = np.repeat([True, False], 1_000)
    label = np.where(np.arange(2_000) % np.where(easy, 2, 5) == 0, easy, np.nan)
    weights = np.where(easy, 1_000 / 500, 1_000 / 200)
    prediction = np.random.default_rng(0).random(2_000)
    assert prediction_powered_mean(label, prediction, rows(2_000)).classical.value == pytest.approx(5 / 7)
    found = prediction_powered_mean(label, prediction, rows(2_000), share=weights)
    assert found.corrected.value == pytest.approx(0.5, abs=0.02)


def test_no_row_sets_its_own_weight() -> None:
    """The weight of a fold stays what it is when the labels of that fold change."""
    rng = np.random.default_rng(2)
    prediction, fold = rng.random(200), np.arange(200) % 2
    label = np.where(np.arange(200) < 80, prediction + rng.normal(0, 0.1, 200), np.nan)
    changed = np.where(fold == 0, label * 3 - 1, label)

    def shift(values: np.ndarray) -> np.ndarray:
        """What predictions do to each labelled row of fold 0."""
        found = prediction_powered_mean(values, prediction, rows(200), fold=fold)
        alone = prediction_powered_mean(values, prediction, rows(200), weight=0.0)
        mine = (fold == 0) & ~np.isnan(values)
        return np.asarray((found.corrected.influence - alone.corrected.influence)[mine])

    assert np.allclose(np.diff(shift(label)), np.diff(shift(changed)))


def powered(rng: np.random.Generator, clustered: bool) -> PredictionPowered:
    """40 labelled and 360 unlabelled queries, of one answer or three that resemble each other; the mean is .6."""
    answers = 3 if clustered else 1
    query = np.repeat(np.arange(400), answers)
    ease = rng.normal(0, 1.0, 400)[query] if clustered else np.zeros(len(query))
    # A probit with a random effect has the mean Phi(level / sqrt(1 + 1)).
    level = 0.2533471 * math.sqrt(2.0 if clustered else 1.0)
    right = (ease + level + rng.normal(0, 1, len(query)) > 0).astype(float)
    score = np.clip(0.3 + 0.5 * right + rng.normal(0, 0.2, len(query)), 0, 1)
    label = np.where(query < 40, right, np.nan)
    fold = rng.permutation(400)[query] % 5
    return prediction_powered_mean(label, score, Sample.of_numbers(query), fold=fold)


@pytest.mark.parametrize("clustered", [False, True])
def test_the_corrected_interval_holds_the_truth(clustered: bool) -> None:
    """Of 600 simulated logs; 95% within 2.7 standard errors. The interval is narrower than that of the labels alone."""
    rng = np.random.default_rng(7)
    inside, width, alone = 0, [], []
    for _ in range(600):
        found = powered(rng, clustered)
        corrected, classical = (share(part, found.labelled) for part in (found.corrected, found.classical))
        inside += corrected.low <= 0.6 <= corrected.high
        width.append(corrected.high - corrected.low)
        alone.append(classical.high - classical.low)
    assert 0.926 <= inside / 600 <= 0.974
    assert np.mean(width) < 0.85 * np.mean(alone)


@pytest.mark.parametrize("truth", [0.7, 0.95])
def test_the_interval_of_a_sensitivity_holds_the_truth(truth: float) -> None:
    """60 queries with up to four right answers each, whose calls resemble each other; 1,000 simulated logs."""
    rng = np.random.default_rng(int(100 * truth))
    inside = 0
    for _ in range(1_000):
        query = np.repeat(np.arange(60), rng.integers(1, 5, 60))
        own = rng.beta(6 * truth, 6 * (1 - truth), 60)[query]
        called = (rng.random(len(query)) < own).astype(float)
        found = share(Sample.of_numbers(query).mean(called), len(query))
        inside += found.low <= truth <= found.high
    assert 0.925 <= inside / 1_000 <= 0.975


def fixed(value: float, influence: list[float]) -> Linear:
    return Linear(value, np.array(influence), 50.0, 51.0)


def test_rogan_gladen_by_hand() -> None:
    """(.5 + .8 - 1) / (.9 + .8 - 1); the delta method takes the errors of all three."""
    called, sensitivity, specificity = fixed(0.5, [0.02, 0, 0]), fixed(0.9, [0, 0.03, 0]), fixed(0.8, [0, 0, 0.04])
    found = rogan_gladen(called, sensitivity, specificity, 100)
    assert found.value == pytest.approx(3 / 7)
    error = math.sqrt((0.02) ** 2 + (3 / 7 * 0.03) ** 2 + ((1 - 3 / 7) * 0.04) ** 2) / 0.7
    assert found.high - found.value == pytest.approx(2.0085591 * error, rel=1e-6)


def test_rogan_gladen_of_a_judge_that_guesses() -> None:
    found = rogan_gladen(fixed(0.5, [0.02]), fixed(0.52, [0.03]), fixed(0.49, [0.03]), 100)
    assert math.isnan(found.value)


def test_rogan_gladen_stays_a_share() -> None:
    found = rogan_gladen(fixed(0.95, [0.02]), fixed(0.9, [0.0]), fixed(0.9, [0.0]), 100)
    assert (found.value, found.high) == (1.0, 1.0)


def test_a_slope_within_queries_by_least_squares() -> None:
    """The same as with an intercept per query, and the robust variance by its formula."""
    rng = np.random.default_rng(3)
    query = np.repeat(np.arange(30), 4)
    x, z = rng.normal(0, 1, 120) + query / 10, rng.random(120)
    y = 0.3 * x - 0.5 * z + query / 5 + rng.normal(0, 0.1, 120)
    found, correlation = adjusted_slope(y, x, z[:, None], Sample.of_numbers(query))
    design = np.column_stack([x, z, np.eye(30)[query]])
    beta, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert found.value == pytest.approx(beta[0])
    error, bread = y - design @ beta, np.linalg.inv(design.T @ design)
    score = np.stack([design[query == q].T @ error[query == q] for q in range(30)])
    robust = (bread @ score.T @ score @ bread)[0, 0] * 30 / 29
    assert found.variance == pytest.approx(robust)
    assert 0.9 < correlation.value <= 1


def test_no_slope_where_the_cause_does_not_vary_within_queries() -> None:
    query = np.repeat(np.arange(20), 3)
    found, correlation = adjusted_slope(
        np.random.default_rng(0).random(60), query * 0.1, np.zeros((60, 0)), Sample.of_numbers(query)
    )
    assert math.isnan(found.value)
    assert math.isnan(correlation.value)
    assert not varies_within(query * 0.1, Sample.of_numbers(query))


def test_the_variance_of_a_partial_correlation_is_that_of_leaving_queries_out() -> None:
    """The jackknife over queries, each time with least squares from the start."""
    rng = np.random.default_rng(5)
    query = np.repeat(np.arange(200), 4)
    x, z = rng.normal(0, 1, 800), rng.random(800)
    y = 0.3 * x - 0.5 * z + rng.normal(0, 0.5, 800) * np.repeat(rng.random(200), 4)

    def partial(rows: np.ndarray) -> Linear:
        return adjusted_slope(y[rows], x[rows], z[rows, None], Sample.of_numbers(query[rows]))[1]

    found = partial(query >= 0)
    left = np.array([partial(query != q).value for q in range(200)])
    assert found.variance == pytest.approx(199 / 200 * ((left - left.mean()) ** 2).sum(), rel=0.05)


def test_no_correlation_of_scores_that_are_the_same() -> None:
    query, cause = np.repeat(np.arange(30), 3), np.tile([1.0, 2.0, 4.0], 30)
    found, correlation = adjusted_slope(np.full(90, 0.3), cause, np.zeros((90, 0)), Sample.of_numbers(query))
    assert found.value == pytest.approx(0.0)
    assert math.isnan(correlation.value)


def test_no_slope_where_what_is_held_equal_explains_the_cause() -> None:
    query, cause = np.repeat(np.arange(20), 3), np.tile([1.0, 2.0, 4.0], 20)
    sample = Sample.of_numbers(query)
    found, _ = adjusted_slope(np.random.default_rng(0).random(60), cause, 0.3 * cause[:, None] - 1, sample)
    assert math.isnan(found.value)
    assert varies_within(cause, sample)
