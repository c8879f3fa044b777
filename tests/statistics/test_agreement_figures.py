"""Alpha, AC2, rank correlation and AUC against cases worked out by hand and against the packages that have them."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, spearmanr, t

from llmfusionbench.statistics import Sample
from llmfusionbench.statistics import alpha as alpha_module
from llmfusionbench.statistics.alpha import alpha, alpha_draws
from llmfusionbench.statistics.contingency import MOST_VALUES, auc, coded, ranked, spearman_draws
from llmfusionbench.statistics.gwet import ac2_draws, agreement_weights
from llmfusionbench.statistics.resamples import BLOCKS, Resamples, expanded_percentiles

NAN = np.nan
TEXTBOOK = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T
"""Twelve units by four observers: the example of Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011."""


def units(scores: np.ndarray) -> tuple[np.ndarray, Resamples]:
    """Each unit is a query of its own."""
    return np.arange(len(scores)), Resamples(len(scores), draws=50)


def test_alpha_by_hand() -> None:
    """Two units, scored 0 and 1 by turns: 1 was observed on average, 2/3 is expected of random pairs."""
    scores = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert alpha(scores) == pytest.approx(-0.5)
    assert alpha_draws(scores, *units(scores))[0] == pytest.approx(-0.5)


def test_alpha_of_the_textbook() -> None:
    """Krippendorff prints .815 at the ordinal and .849 at the interval level."""
    assert alpha(TEXTBOOK, "ordinal") == pytest.approx(0.815, abs=5e-4)
    assert alpha(TEXTBOOK, "interval") == pytest.approx(0.849, abs=5e-4)


@pytest.mark.parametrize("level", ["ordinal", "interval"])
@pytest.mark.parametrize("judges", [2, 4])
def test_the_sums_are_the_package(level: alpha_module.Level, judges: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(judges)
    scores = np.round(rng.random((200, 1)) * 0.7 + rng.random((200, judges)) * 0.3, 1)
    scores[rng.random(scores.shape) < 0.2] = NAN
    expected = krippendorff.alpha(reliability_data=scores.T, level_of_measurement=level)
    assert alpha(scores, level) == pytest.approx(expected, abs=1e-12)
    assert alpha_draws(scores, *units(scores), level)[0] == pytest.approx(expected, abs=1e-12)
    monkeypatch.setattr(alpha_module, "CELLS", 0)
    assert alpha(scores, level) == pytest.approx(expected, abs=1e-12), "also where the package would take too much memory"


def test_no_alpha_of_one_value() -> None:
    scores = np.full((30, 2), 0.7)
    assert np.isnan(alpha(scores))
    assert np.isnan(alpha_draws(scores, *units(scores))[0])


def test_ac1_by_hand() -> None:
    """118 times both yes, 5 and 2 times one, never none: 118/125 agree, and 2 * .972 * .028 is chance."""
    pairs = [(1, 1)] * 118 + [(1, 0)] * 5 + [(0, 1)] * 2
    codes = np.array(pairs)
    found = ac2_draws(codes, [0.0, 1.0], *units(codes), weighting="identity")[0]
    chance = 2 * 0.972 * 0.028
    assert found == pytest.approx((118 / 125 - chance) / (1 - chance))
    assert found == pytest.approx(0.940776, abs=1e-6)


def test_ac2_by_hand() -> None:
    """Three values, two units: (0, .5) agrees to 3/4 by quadratic weights, (1, 1) wholly. Shares are 1/4, 1/4 and 1/2."""
    codes = np.array([[0, 1], [2, 2]])
    found = ac2_draws(codes, [0.0, 0.5, 1.0], *units(codes))[0]
    observed, weight = (0.75 + 1) / 2, 3 + 4 * 0.75
    chance = weight * (2 * 0.25 * 0.75 + 0.5 * 0.5) / 6
    assert found == pytest.approx((observed - chance) / (1 - chance))


def test_weights() -> None:
    assert agreement_weights([0.0, 0.5, 1.0], "linear").tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert agreement_weights([0.0, 0.25, 1.0], "quadratic")[0].tolist() == [1, 1 - 1 / 16, 0]
    assert agreement_weights([0.3], "quadratic").tolist() == [[1]]


def test_a_unit_with_one_score_counts_only_for_chance() -> None:
    codes = np.array([[0, 0], [1, 1], [1, -1]])
    found = ac2_draws(codes, [0.0, 1.0], *units(codes), weighting="identity")[0]
    assert found == pytest.approx(1.0)
    with_a_fault = np.array([[0, 0], [1, 0], [1, -1]])
    shares = (1 + 0.5) / 3
    chance = 2 * shares * (1 - shares)
    assert ac2_draws(with_a_fault, [0.0, 1.0], *units(codes), weighting="identity")[0] == pytest.approx(
        (0.5 - chance) / (1 - chance)
    )


@pytest.mark.parametrize("digits", [1, 2])
def test_spearman_with_ties(digits: int) -> None:
    rng = np.random.default_rng(digits)
    a = np.round(rng.random(300), digits)
    b = np.round(0.5 * a + 0.5 * rng.random(300), digits)
    codes, _ = coded(np.stack([a, b], axis=1))
    found = spearman_draws(codes[:, 0], codes[:, 1], *units(codes))
    assert found[0] == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_a_draw_is_ranked_again() -> None:
    """Row 1 of the draws is Spearman's correlation of the rows that the first draw repeats."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 40), rng.integers(0, 5, 40)
    resamples = Resamples(40, draws=1, seed=3)
    times = resamples.sums(np.arange(40), np.eye(40))[1].astype(int)
    repeated = np.repeat(np.arange(40), times)
    found = spearman_draws(a, b, np.arange(40), resamples)
    assert found[1] == pytest.approx(spearmanr(a[repeated], b[repeated]).statistic, abs=1e-12)


@pytest.mark.parametrize("level", ["ordinal", "interval"])
def test_a_draw_is_the_alpha_of_the_rows_that_it_repeats(level: alpha_module.Level) -> None:
    rng = np.random.default_rng(0)
    scores = np.clip(rng.integers(0, 5, (40, 1)) + rng.integers(-1, 2, (40, 3)), 0, 4) / 4
    scores[rng.random(scores.shape) < 0.2] = NAN
    resamples = Resamples(40, draws=1, seed=3)
    times = resamples.sums(np.arange(40), np.eye(40))[1].astype(int)
    found = alpha_draws(scores, np.arange(40), resamples, level)
    assert found[1] == pytest.approx(alpha(np.repeat(scores, times, axis=0), level), abs=1e-12)


def test_percentiles_of_few_queries_lie_farther_out() -> None:
    draws = np.array([0.5, *np.linspace(0, 1, 10_001)])
    few, many = expanded_percentiles(draws, 60, 20), expanded_percentiles(draws, 60, 100_000)
    assert few.low == pytest.approx(norm.cdf(-np.sqrt(20 / 19) * t.ppf(0.975, 19)), abs=1e-6)
    assert many.low == pytest.approx(0.025, abs=1e-4)
    assert few.high == pytest.approx(1 - few.low)
    assert np.isnan(expanded_percentiles([np.nan, 0.1], 1, 20).value)


def test_auc_is_that_of_mann_and_whitney() -> None:
    rng = np.random.default_rng(1)
    right = rng.random(200) < 0.4
    codes = rng.integers(0, 6, 200) + 2 * right
    expected = mannwhitneyu(codes[right], codes[~right]).statistic / (right.sum() * (~right).sum())
    found = auc(codes, right, Sample.of_numbers(np.arange(200)))
    assert found.value == pytest.approx(expected)
    below = (codes[right][:, None] > codes[~right]) + 0.5 * (codes[right][:, None] == codes[~right])
    # DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988: the variances of the two kinds of means of comparisons.
    delong = below.mean(axis=1).var() / right.sum() + below.mean(axis=0).var() / (~right).sum()
    assert found.variance == pytest.approx(delong * right.sum() / (right.sum() - 1))


def test_few_values_are_kept_and_many_rounded() -> None:
    few = np.array([[0.123456, 0.5], [np.nan, 0.123456]])
    codes, values = coded(few)
    assert values.tolist() == [0.123456, 0.5]
    assert codes.tolist() == [[0, 1], [-1, 0]]
    codes, values = coded(np.random.default_rng(0).random(5_000))
    assert len(values) == MOST_VALUES
    assert np.allclose(values, np.arange(101) / 100)


def test_values_that_lie_close_together_are_not_rounded_to_one() -> None:
    scores = 0.9951 + 0.00003 * np.arange(150)
    codes, values = coded(scores)
    assert 11 <= len(values) <= MOST_VALUES
    assert np.abs(values[codes] - scores).max() <= 5.1e-5
    assert (np.diff(codes) >= 0).all()
    one, only = coded(0.5 + 1e-15 * np.arange(150))
    assert (set(one.tolist()), only.tolist()) == ({0}, [0.5])


def test_ranked_values_are_exact() -> None:
    scores = np.random.default_rng(0).random(5_000)
    codes, values = ranked(scores)
    assert np.abs(values[codes] - scores).max() < 1e-12
    assert len(values) == 5_000
    assert ranked([0.1 + 0.2, 0.3, 0.2])[0].tolist() == [1, 1, 0], "sums in another order are equal"


def test_sums_of_draws() -> None:
    query = np.array([0, 0, 1, 2, 2, 2])
    resamples = Resamples(3, draws=200, seed=1)
    sums = resamples.sums(query, np.ones((6, 1)))[:, 0]
    counts = resamples.counts(query, np.arange(6) % 2, 2)
    assert sums[0] == 6
    assert set(sums[1:]) <= {a + b + c for a in (1, 2, 3) for b in (1, 2, 3) for c in (1, 2, 3)}
    assert np.allclose(counts.sum(axis=1), sums)
    assert sums[1:].mean() == pytest.approx(6, abs=0.3)


def test_very_many_queries_are_drawn_in_blocks() -> None:
    resamples = Resamples(3 * BLOCKS, draws=30)
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (3 * BLOCKS, 1))
    sums = resamples.sums(np.arange(3 * BLOCKS), values)[:, 0]
    assert sums[0] == pytest.approx(values.sum())
    assert sums[1:].std() == pytest.approx(np.sqrt(3 * BLOCKS), rel=0.4)
