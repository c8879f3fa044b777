"""Components of variance: against ANOVA in balanced designs, and against known components by simulation.

A simulated mean may be off by four of its standard errors, which a right estimator exceeds once in 16,000 trials.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmfusionbench.evaluation.variance.cells import Cells
from llmfusionbench.evaluation.variance.components import COMPONENTS, UNSPLIT, Split, components
from tests.helpers.replicated_release import drawn, expected_scores, logits

NAN = float("nan")
SPREADS = {"task": 0.3, "candidate": 0.25, "task_x_candidate": 0.2, "query": 0.4, "query_x_candidate": 0.3, "luck": 0.35}


def normal_cells(rng: np.random.Generator, sizes: np.ndarray, candidates: int, replicates: int, fixed: np.ndarray) -> Cells:
    """Normal scores around `fixed` [T, C], with a random number of replicates per cell, possibly none."""
    task = np.repeat(np.arange(len(sizes)), sizes)
    centre = fixed[task] + rng.normal(0, SPREADS["query"], (len(task), 1))
    centre = centre + rng.normal(0, SPREADS["query_x_candidate"], (len(task), candidates))
    values = centre[:, :, None] + rng.normal(0, SPREADS["luck"], (*centre.shape, replicates))
    values[np.arange(replicates) >= rng.integers(0, replicates + 1, centre.shape)[:, :, None]] = NAN
    return Cells(values, task)


def values_of(found: Split) -> dict[str, float]:
    return {name: estimate.value for name, estimate in found.variance.items()}


def test_long_form_scores_become_cells() -> None:
    cells = Cells.of([1, 0, 1, 1, 0], [0, 1, 0, 2, 0], [0.5, 1.0, 0.25, NAN, 0.0], task=["b", "a"], candidates=3)
    np.testing.assert_array_equal(cells.count, [[1, 1, 0], [2, 0, 0]])
    np.testing.assert_array_equal(cells.mean, [[0.0, 1.0, NAN], [0.375, NAN, NAN]])
    np.testing.assert_array_equal(cells.values[1, 0], [0.5, 0.25])
    np.testing.assert_array_equal(cells.within, [[0, 0, 0], [0.03125, 0, 0]])
    np.testing.assert_array_equal(cells.task, [1, 0])
    np.testing.assert_array_equal(cells.with_replicates(), [False, True])


def test_a_balanced_design_gives_the_anova_estimates() -> None:
    """Mean squares of the design (q : t) x c with r replicates, and the components that follow from them (Brennan 2001)."""
    rng = np.random.default_rng(3)
    tasks, queries, candidates, replicates = 4, 5, 6, 3
    y = rng.random((tasks, queries, candidates, replicates)) + rng.normal(0, 1, (tasks, 1, candidates, 1))
    cell, query, of_tc = y.mean(axis=3), y.mean(axis=(2, 3)), y.mean(axis=(1, 3))
    task, candidate, grand = y.mean(axis=(1, 2, 3)), y.mean(axis=(0, 1, 3)), y.mean()
    ms_luck = ((y - cell[..., None]) ** 2).sum() / (tasks * queries * candidates * (replicates - 1))
    interaction = cell - query[:, :, None] - of_tc[:, None, :] + task[:, None, None]
    ms_qc = replicates * (interaction**2).sum() / (tasks * (queries - 1) * (candidates - 1))
    ms_q = replicates * candidates * ((query - task[:, None]) ** 2).sum() / (tasks * (queries - 1))
    tc = of_tc - task[:, None] - candidate + grand
    ms_tc = replicates * queries * (tc**2).sum() / ((tasks - 1) * (candidates - 1))
    ms_t = replicates * queries * candidates * ((task - grand) ** 2).sum() / (tasks - 1)
    ms_c = replicates * queries * tasks * ((candidate - grand) ** 2).sum() / (candidates - 1)
    wanted = {
        "task": (ms_t - ms_q - ms_tc + ms_qc) / (replicates * queries * candidates),
        "candidate": (ms_c - ms_tc) / (replicates * queries * tasks),
        "task_x_candidate": (ms_tc - ms_qc) / (replicates * queries),
        "query": (ms_q - ms_qc) / (replicates * candidates),
        "query_x_candidate": (ms_qc - ms_luck) / replicates,
        "luck": ms_luck,
    }
    cells = Cells(y.reshape(tasks * queries, candidates, replicates), np.repeat(np.arange(tasks), queries))
    found = values_of(components(cells, resamples=2))
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-12)
    assert found["total"] == pytest.approx(sum(wanted.values()))


def test_unbalanced_estimates_are_unbiased() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        sizes = rng.integers(10, 30, size=5)
        fixed = 0.5 + rng.normal(0, SPREADS["task"], (5, 1)) + rng.normal(0, SPREADS["candidate"], 8)
        fixed = fixed + rng.normal(0, SPREADS["task_x_candidate"], (5, 8))
        estimates = values_of(components(normal_cells(rng, sizes, 8, 3, fixed), resamples=1))
        found.append([estimates[name] for name in COMPONENTS])
    error = np.std(found, axis=0) / 20
    bias = np.mean(found, axis=0) - [SPREADS[name] ** 2 for name in COMPONENTS]
    assert (np.abs(bias) < 4 * error).all(), dict(zip(COMPONENTS, bias / error, strict=True))


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """200 logs of the same tasks and candidates: the standard error of the coverage is 1.5%, and three of them are allowed."""
    rng = np.random.default_rng(5)
    sizes = np.array([15, 25, 40, 30])
    fixed = 0.5 + rng.normal(0, 0.2, (4, 1)) + rng.normal(0, 0.15, 6) + rng.normal(0, 0.12, (4, 6))
    known = {name: SPREADS[name] ** 2 for name in ("query", "query_x_candidate", "luck")}
    truth = fixed_components(fixed, sizes / sizes.sum()) | known
    inside = dict.fromkeys(truth, 0)
    for seed in range(200):
        found = components(normal_cells(rng, sizes, 6, 3, fixed), resamples=300, seed=seed).variance
        for name, value in truth.items():
            inside[name] += found[name].low <= value <= found[name].high
    assert min(inside.values()) >= 200 * (0.95 - 3 * 0.0154), inside


def fixed_components(fixed: np.ndarray, share: np.ndarray) -> dict[str, float]:
    """The components of given tasks and candidates: half the mean square of differences between two of them.

    Args:
        fixed: [T, C] expected scores.
        share: [T] shares of the queries; two tasks count by the product of theirs.
    """
    tasks, candidates = fixed.shape
    pairs = [(t, u) for t in range(tasks) for u in range(tasks) if t != u]
    others = [(c, d) for c in range(candidates) for d in range(candidates) if c != d]
    weight = np.array([share[t] * share[u] for t, u in pairs])
    weight /= weight.sum()
    # An interaction is a difference of differences; those of two tasks, or of two candidates, hold two interactions each.
    gap = np.array([[fixed[t, c] - fixed[t, d] for c, d in others] for t in range(tasks)])
    interaction = [((gap[t] - gap[u]) ** 2).mean() / 4 for t, u in pairs]
    task = [((fixed[t] - fixed[u]).mean() ** 2) / 2 for t, u in pairs]
    candidate = [(gap[t] * gap[u]).mean() / 2 for t, u in pairs]
    crossed = float(weight @ interaction)
    return {
        "task": float(weight @ task) - crossed / candidates,
        "candidate": float(weight @ candidate),
        "task_x_candidate": crossed,
    }


def test_binary_scores_with_two_replicates() -> None:
    """Luck is the mean of p (1 - p); 150 logs, four standard errors."""
    rng = np.random.default_rng(2)
    place = logits(2, 5)
    found, truth = [], []
    for _ in range(150):
        task, expected = expected_scores(place, 25, sigma=1.5, tau=1.0, rng=rng)
        estimates = values_of(components(drawn(task, expected, 2, rng), resamples=1))
        by_query, own = np.split(expected, 2), (expected * (1 - expected)).mean()
        residual = [e - e.mean(axis=1, keepdims=True) - e.mean(axis=0) + e.mean() for e in by_query]
        interaction = np.mean([(r**2).sum() / (24 * 4) for r in residual])
        found.append([estimates["luck"], estimates["query_x_candidate"]])
        truth.append([own, interaction])
    difference = np.array(found) - truth
    assert (np.abs(difference.mean(axis=0)) < 4 * difference.std(axis=0) / np.sqrt(150)).all()


def test_without_replicates_luck_and_interaction_are_one() -> None:
    rng = np.random.default_rng(4)
    cells = drawn(*expected_scores(logits(2, 4), 30, sigma=1, tau=1, rng=rng), 2, rng)
    both, one = components(cells, resamples=5), components(Cells(cells.values[:, :, :1], cells.task), resamples=5)
    assert np.isnan(one.variance["luck"].value)
    assert np.isnan(one.variance["query_x_candidate"].value)
    together = both.variance["luck"].value + both.variance["query_x_candidate"].value
    assert one.variance[UNSPLIT].value == pytest.approx(together, abs=0.05)
    assert UNSPLIT not in both.variance
    shares = [share.value for share in one.share.values() if not np.isnan(share.value)]
    assert sum(shares) == pytest.approx(1)


def test_one_task_has_no_component_of_tasks() -> None:
    rng = np.random.default_rng(4)
    found = components(drawn(*expected_scores(logits(1, 4), 30, sigma=1, tau=1, rng=rng), 2, rng), resamples=5).variance
    assert np.isnan([found["task"].value, found["task_x_candidate"].value]).all()
    assert found["candidate"].value > 0


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(-2, 2), st.floats(0.1, 3))
def test_what_holds_of_any_scores(seed: int, shift: float, scale: float) -> None:
    """A constant changes nothing, a factor enters squared, and the order of queries and candidates does not matter."""
    rng = np.random.default_rng(seed)
    cells = normal_cells(rng, np.array([4, 6, 5]), 4, 3, rng.normal(0, 1, (3, 4)))
    before = values_of(components(cells, resamples=1))
    moved = values_of(components(Cells(shift + scale * cells.values, cells.task), resamples=1))
    assert moved == pytest.approx({name: scale**2 * value for name, value in before.items()}, abs=1e-8, nan_ok=True)
    order = rng.permutation(15)
    mixed = Cells(cells.values[order][:, rng.permutation(4)], cells.task[order])
    assert values_of(components(mixed, resamples=1)) == pytest.approx(before, abs=1e-9, nan_ok=True)


def test_the_seed_decides() -> None:
    rng = np.random.default_rng(1)
    cells = normal_cells(rng, np.array([10, 10]), 4, 3, np.zeros((2, 4)))
    first, second, other = (components(cells, resamples=50, seed=seed) for seed in (0, 0, 1))
    assert first == second
    assert first.variance["luck"].low != other.variance["luck"].low
