"""An LLM whose requests mostly fail: whoever chooses it pays for it, in every scenario, and no figure passes the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines import ROUTERS
from llmfusionbench.errors import InputError, UnknownNameError
from tests.helpers.failing_release import QUERIES, failing_release
from tests.helpers.made_up_release import answer, made_up_release
from tests.helpers.small_tables import Always, metrics

LOST = {"performance": None, "response": None, "status": "error"}

SCENARIOS = ("performance_first", "balance", "cost_first")
UNFIT = {"oracle", "bert", "largest", "smallest"}
"""Routers that need weights or sizes that this log does not have."""


@pytest.fixture(scope="module", params=[0.0, None], ids=["free", "unknown cost"])
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> lfb.Release:
    return failing_release(tmp_path_factory.mktemp("failing"), cost=request.param)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_failing_llm_does_not_win(release: lfb.Release, scenario: str) -> None:
    routers = {"oracle": "oracle", "flaky": Always("flaky"), "steady": Always("steady")}
    report = lfb.evaluate(routers, release, scenario=scenario, protocol="kfold", resamples=100)
    assert report.data["best_single"] == ["steady"]
    assert report.data["failures"] == {"policy": "zero", "answers": round(0.7 * QUERIES)}
    flaky, steady, oracle = (metrics(report, name) for name in ("flaky", "steady", "oracle"))
    assert flaky["performance"]["value"] == pytest.approx(0.3)
    assert flaky["performance"]["n"] == steady["performance"]["n"] == QUERIES
    assert flaky["reward"]["value"] < steady["reward"]["value"] < oracle["reward"]["value"]
    assert report.summary["router"][0] == "oracle"
    assert f"{round(0.7 * QUERIES)} of {2 * QUERIES} tested answers failed and count as 0" in " ".join(report.data["warnings"])


@pytest.mark.parametrize("name", sorted(set(ROUTERS) - UNFIT))
def test_every_baseline(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Each is measured with failures as 0, and none is above the oracle, which is above none."""
    failing = failing_release(tmp_path_factory.mktemp(name))
    report = lfb.evaluate(["oracle", name], failing, protocol="kfold", folds=3, resamples=20, near_duplicates=None)
    own, oracle = metrics(report, name), metrics(report, "oracle")
    assert own["performance"]["n"] == QUERIES
    assert own["performance"]["value"] <= oracle["performance"]["value"]
    assert own["regret"]["value"] >= 0 == oracle["regret"]["value"]
    if name not in ("random", "cheapest"):
        assert own["performance"]["value"] >= 0.5, "choosing flaky on most queries would give less"


def test_as_missing_the_rows_say_how_many(release: lfb.Release) -> None:
    report = lfb.evaluate(
        {"flaky": Always("flaky"), "oracle": "oracle"}, release, protocol="kfold", failures="missing", resamples=100
    )
    flaky = metrics(report, "flaky")
    assert (flaky["performance"]["value"], flaky["performance"]["n"]) == (1, round(0.3 * QUERIES))
    assert flaky["oracle_performance"]["value"] == 1, "on the same queries"
    assert report.summary["router"][0] == "oracle"
    assert report.data["failures"]["policy"] == "missing"
    header = report.leaderboard_header()
    rows = {row[0]: dict(zip(header, row, strict=True)) for row in report.leaderboard_rows()}
    assert f"{rows['flaky']['performance']:.3f}" == f"1.000 (n = {round(0.3 * QUERIES)})"
    assert f"{rows['oracle']['performance']:.3f}" == f"{metrics(report, 'oracle')['performance']['value']:.3f}"
    assert rows["flaky"]["oracle there"] == 1
    text = " ".join(report.data["warnings"])
    assert f"{round(0.7 * QUERIES)} of {2 * QUERIES} tested answers failed and count as missing" in text
    assert f"flaky: chose an answer without performance for {round(0.7 * QUERIES)} of {QUERIES} queries" in text


@pytest.mark.parametrize("name", ["performance", "USD / 1,000", "reward"])
def test_every_printed_mean_has_its_number_where_it_is_not_all(tmp_path: Path, name: str) -> None:
    """The costs of failures are unknown: each figure has its own number, the gains too, on the terminal and on the page."""
    failing = failing_release(tmp_path, cost=None)
    report = lfb.evaluate(
        {"flaky": Always("flaky"), "steady": Always("steady")}, failing, protocol="kfold", resamples=50, scenario="balance"
    )
    rows = {row[0]: dict(zip(report.leaderboard_header(), row, strict=True)) for row in report.leaderboard_rows()}
    metric = {"USD / 1,000": "cost_usd"}.get(name, name)
    count, cell = metrics(report, "flaky")[metric]["n"], f"{rows['flaky'][name]:.3f}"
    assert ("(n = " in cell) == (count != QUERIES)
    assert count == (round(0.3 * QUERIES) if metric == "cost_usd" else QUERIES)
    assert "(n = " not in f"{rows['steady'][name]:.3f}"
    assert cell in report.to_text()
    assert report.to_html().count(f"n = {round(0.3 * QUERIES)}<") >= 2, "the router's cost and the candidate's"


def test_never_asked_is_no_advantage(tmp_path: Path) -> None:
    report = lfb.evaluate(
        {"flaky": Always("flaky"), "oracle": "oracle"}, failing_release(tmp_path, missing=True), protocol="kfold", resamples=50
    )
    assert report.summary["router"][0] == "oracle"
    assert "chose an answer without performance" in " ".join(report.data["warnings"])


def test_a_complete_table_has_no_further_columns(tmp_path: Path) -> None:
    report = lfb.evaluate("per_task", failing_release(tmp_path), protocol="kfold", resamples=20)
    assert "oracle there" not in report.leaderboard_header()
    assert "n = " not in report.to_text()
    ranked, reward = report.summary["regret"], report.summary["reward"]
    assert ranked.is_monotonic_increasing
    assert reward.is_monotonic_decreasing
    np.testing.assert_allclose(ranked + reward, ranked[0] + reward[0])


def test_an_unknown_policy(release: lfb.Release) -> None:
    with pytest.raises(UnknownNameError, match='No policy for failures "ignore"'):
        lfb.evaluate("knn", release, failures="ignore")


def test_an_optional_baseline_without_its_data_is_skipped(tmp_path: Path) -> None:
    failing = failing_release(tmp_path)
    report = lfb.evaluate(["largest", "per_task"], failing, protocol="kfold", resamples=20, optional=["largest"])
    assert {router["name"] for router in report.data["routers"]} == {"best_single", "per_task", "knn"}
    assert any(line.startswith("largest: skipped; ") and "parameters_b" in line for line in report.data["warnings"])
    with pytest.raises(lfb.LLMFusionBenchError, match="parameters_b"):
        lfb.evaluate("largest", failing, protocol="kfold", resamples=20)


@pytest.mark.parametrize("failures", ["zero", "missing"])
@pytest.mark.parametrize("routers", ["best_single", sorted(ROUTERS)])
def test_where_all_answers_failed_one_error_says_that(tmp_path: Path, failures: str, routers: Any) -> None:
    """Whatever the routers, even where all of them may be skipped."""
    rows = [answer(n, llm, **LOST, split=("train", "test")[n % 2]) for n in range(12) for llm in ("a", "b")]
    release = made_up_release(tmp_path, rows)
    told = r"all 24 answers failed \(status error or empty\), so there is no score to compare. Remedy: collect the answers"
    for protocol in ("split", "kfold"):
        with pytest.raises(InputError, match=told):
            lfb.evaluate(routers, release, failures=failures, protocol=protocol, optional=sorted(ROUTERS))


def test_a_train_split_of_failures_alone(tmp_path: Path) -> None:
    """As 0 they can be learned from, since the task has scores; as missing they cannot, and re-scoring would not help."""
    rows = [answer(n, llm, **(LOST if n % 2 else {"split": "test"})) for n in range(12) for llm in ("a", "b")]
    release = made_up_release(tmp_path, rows)
    assert lfb.evaluate("best_single", release, resamples=20).data["failures"] == {"policy": "zero", "answers": 0}
    with pytest.raises(InputError, match="fit: all 12 answers failed"):
        lfb.evaluate("best_single", release, failures="missing")


def test_failures_in_a_task_without_scores_are_told_apart(tmp_path: Path) -> None:
    rows = [
        answer(n, llm, **(LOST if n < 10 or llm == "a" else {}), task="lost" if n < 10 else "sums")
        for n in range(30)
        for llm in ("a", "b")
    ]
    report = lfb.evaluate("best_single", made_up_release(tmp_path, rows), protocol="kfold", resamples=20)
    assert report.data["warnings"][:2] == [
        "20 of 60 tested answers failed and count as 0 (--failures)",
        "20 of 60 tested answers failed and count as missing, as no answer beside them has a score",
    ]
    assert report.data["failures"]["answers"] == 40
