"""Failed answers in routing tables: worth 0, or missing, and counted either way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.release.failures import failure_notes, failures_as_missing, failures_as_zero
from llmfusionbench.release.routing_table import column_means, comparable_means
from tests.helpers.failing_release import QUERIES, failing_release
from tests.helpers.made_up_release import answer, made_up_release
from tests.helpers.small_tables import NAN


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    return failing_release(tmp_path_factory.mktemp("failing"))


def test_failures_are_zeros_or_missing(release: lfb.Release) -> None:
    table, answered = release.routing(failures="zero"), release.routing(failures="missing")
    flaky = table.candidates.index("flaky")
    failed = table.failures[:, flaky] == 1
    assert (table.failure_policy, answered.failure_policy) == ("zero", "missing")
    assert failed.sum() == round(0.7 * QUERIES)
    assert table.failures.sum() == failed.sum(), "steady never fails"
    assert (table.performance[failed, flaky] == 0).all()
    assert np.isnan(answered.performance[failed, flaky]).all()
    assert column_means(table.performance).tolist() == pytest.approx([0.3, 0.6])
    assert column_means(answered.performance).tolist() == pytest.approx([1, 0.6])
    np.testing.assert_array_equal(table.cost, answered.cost, "a failure costs what it costs")


def test_by_default_a_table_has_what_the_release_has_and_routers_count_failures(release: lfb.Release) -> None:
    table = release.routing()
    assert table.failure_policy is None
    np.testing.assert_array_equal(table.performance, release.routing(failures="missing").performance)
    np.testing.assert_array_equal(table.target, release.routing(failures="zero").performance)
    np.testing.assert_array_equal(table.with_failures("missing").target, table.performance)
    fitted = ROUTERS["best_single"]().fit(table)
    assert table.candidates[int(fitted.score(["x"], ["capitals"]).argmax())] == "steady"


def test_each_policy_undoes_the_other(release: lfb.Release) -> None:
    table = release.routing("test", failures="zero")
    back = table.with_failures("missing").with_failures("zero")
    np.testing.assert_array_equal(back.performance, table.performance)
    np.testing.assert_array_equal(table.with_failures("zero").performance, table.performance)
    with pytest.raises(UnknownNameError, match='No policy for failures "zeros"'):
        release.routing(failures="zeros")


def test_what_was_never_asked_stays_missing(tmp_path: Path) -> None:
    table = failing_release(tmp_path, missing=True).routing()
    flaky = table.candidates.index("flaky")
    assert table.failures.sum() == 0
    assert np.isnan(table.performance[:, flaky]).sum() == round(0.7 * QUERIES)


def test_replicates_of_which_some_fail(tmp_path: Path) -> None:
    lost = {"response": None, "performance": None, "status": "error", "error": "503"}
    rows = [
        answer(1, "a", replicate=0), answer(1, "a", replicate=1, **lost),
        answer(1, "b", replicate=0, **lost), answer(1, "b", replicate=1, **lost),
        answer(1, "c", replicate=0, performance=0.5), answer(1, "c", replicate=1, performance=1.0),
    ]  # fmt: skip
    release = made_up_release(tmp_path, rows)
    table = release.routing(failures="zero")
    assert table.performance.tolist() == [[0.5, 0, 0.75]]
    assert table.with_failures("missing").performance[0, [0, 2]].tolist() == [1, 0.75]
    assert (table.replicates.tolist(), table.failures.tolist()) == ([[2, 2, 2]], [[1, 2, 0]])
    (view,) = release.table("routing").to_table()["candidates"].to_pylist()
    found = [(cell["performance"], cell["failures"], cell["scored"]) for cell in view]
    assert found == [(1.0, 1, 1), (None, 2, 0), (0.75, 0, 2)]


def test_a_failure_beside_answers_without_scores_is_unknown_too() -> None:
    """Otherwise the one that failed would be the only one with a score."""
    values = np.array([[NAN, NAN], [NAN, 1.0], [NAN, NAN], [NAN, NAN]], np.float32)
    failures = np.array([[1, 0], [1, 0], [1, 1], [1, 1]])
    scored = (~np.isnan(values)).astype(int)
    found = failures_as_zero(values, failures, scored, failures == 0, [True, True, True, False])
    np.testing.assert_array_equal(found, [[NAN, NAN], [0, 1], [0, 0], [NAN, NAN]])
    np.testing.assert_array_equal(failures_as_missing(found, failures, scored), values)


def test_the_worth_of_a_failure_is_that_of_the_whole_release(tmp_path: Path) -> None:
    """In test all fail; that the task has scores shows in train."""
    lost = {"performance": None, "response": None, "status": "error", "split": "test"}
    rows = [answer(n, llm, **(lost if n > 2 else {})) for n in (1, 2, 3, 4) for llm in ("a", "b")]
    release = made_up_release(tmp_path, rows)
    assert release.routing("test", failures="zero").performance.tolist() == [[0, 0]] * 2
    assert np.isnan(release.routing("test", failures="missing").performance).all()
    report = lfb.evaluate("best_single", release, near_duplicates=None, baselines=())
    found = report.data["routers"][0]["metrics"]["performance"]
    assert (found["value"], found["low"], found["n"]) == (0, 0, 2)
    assert found["high"] == pytest.approx(0.658, abs=1e-3), "Wilson's for 0 of 2"


def test_where_all_answers_failed_there_is_no_score(tmp_path: Path) -> None:
    """No task has a score then, so a failure has no rival to lose against."""
    lost = {"performance": None, "response": None, "status": "error"}
    release = made_up_release(tmp_path, [answer(n, llm, **lost) for n in (1, 2) for llm in ("a", "b")])
    for policy in ("zero", "missing"):
        table = release.routing(failures=policy)
        assert np.isnan(table.performance).all()
        assert table.all_failed
    unscored = made_up_release(tmp_path, [answer(1, "a", performance=None), answer(1, "b", **lost)]).routing(failures="zero")
    assert np.isnan(unscored.performance).all()
    assert not unscored.all_failed, "an answer that is there can be scored"
    beside = [answer(1, "a", **lost), answer(2, "a")]
    assert not made_up_release(tmp_path, beside).routing(failures="zero").all_failed


def test_notes_count_each_failure_once() -> None:
    failed = np.array([[True, True, False], [True, False, False]])
    known = np.array([[True, True, True], [False, True, False]])
    assert failure_notes("zero", failed, known) == [
        "2 of 6 tested answers failed and count as 0 (--failures)",
        "1 of 6 tested answers failed and count as missing, as no answer beside them has a score",
    ]
    assert failure_notes("missing", failed, known) == ["3 of 6 tested answers failed and count as missing (--failures)"]
    assert failure_notes("zero", np.zeros_like(failed), known) == []


def test_answers_without_a_score_beside_failures_do_not_count(tmp_path: Path) -> None:
    lost = {"performance": None, "response": None, "status": "error"}
    rows = [
        answer(1, "a", replicate=0), answer(1, "a", replicate=1, performance=None), answer(1, "a", replicate=2, **lost),
        answer(1, "b", replicate=0, performance=None), answer(1, "b", replicate=1, **lost), answer(1, "c"),
    ]  # fmt: skip
    table = made_up_release(tmp_path, rows).routing(failures="zero")
    assert table.performance.tolist() == [[0.5, 0, 1]]
    np.testing.assert_array_equal(table.with_failures("missing").performance, [[1, NAN, 1]])


def test_an_empty_answer_keeps_a_score_of_its_own(tmp_path: Path) -> None:
    rows = [answer(1, "a", response="", performance=0.25), answer(1, "b")]
    table = made_up_release(tmp_path, rows).routing()
    assert table.performance.tolist() == [[0.25, 1]]
    assert table.failures.tolist() == [[0, 0]]


def test_a_failure_is_the_worst_for_a_judge(tmp_path: Path) -> None:
    judged = {"performance": None, "judge": "j", "metric": "judge"}
    lost = {"performance": None, "metric": "judge", "response": None, "status": "error"}
    rows = [answer(1, "a", **judged, judge_score=0.5), answer(1, "b", **lost)]
    table = made_up_release(tmp_path, rows).routing(failures="zero")
    assert table.judge.tolist() == [[0.5, 0]]
    assert np.isnan(table.performance).all(), "no answer to this query has a performance"


def test_means_are_comparable_where_queries_differ() -> None:
    """The second candidate was asked only the easy queries, and is worse on each."""
    values = np.array([[1.0, 0.9], [1.0, 0.9], [0.2, NAN], [0.2, NAN]], np.float32)
    assert column_means(values).tolist() == pytest.approx([0.6, 0.9])
    assert comparable_means(values).tolist() == pytest.approx([0.6, 0.5])
    full = np.array([[1.0, 0.5], [0.0, 0.5]], np.float32)
    assert comparable_means(full).tolist() == column_means(full).tolist()
    np.testing.assert_array_equal(comparable_means(np.array([[1.0, NAN], [0.0, NAN]], np.float32)), [0.5, NAN])
    assert np.isnan(comparable_means(np.full((2, 2), NAN, np.float32))).all()
    apart = np.array([[1.0, 0.0, NAN, NAN], [NAN, NAN, 0.5, 0.3]], np.float32)
    assert comparable_means(apart).tolist() == pytest.approx([1, 0, 0.5, 0.3])


def test_means_are_exact_along_a_chain() -> None:
    """Each candidate shares queries with the next one only."""
    rng = np.random.default_rng(0)
    query, candidate = rng.normal(size=60), np.linspace(0, 1, 20)
    values = np.full((60, 20), NAN, np.float32)
    for row in range(60):
        pair = [row % 19, row % 19 + 1]
        values[row, pair] = query[row] + candidate[pair]
    found = comparable_means(values)
    np.testing.assert_allclose(found - found[0], candidate, atol=1e-5)
