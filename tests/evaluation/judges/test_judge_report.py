"""The report on judges whose faults are planted: it finds them, and finds none in a judge without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.judging import preferences
from llmfusionbench.errors import InputError
from llmfusionbench.evaluation.judges import JudgeFigures, JudgeReport, judge_report
from llmfusionbench.evaluation.judges.told import Told
from tests.helpers.judged_release import exact, guessing, judged_release, judged_rows, lengthy, noisy, partial_to
from tests.helpers.made_up_release import answer, made_up_release

JUDGES = {
    "exact": exact,
    "noisy": noisy,
    "noisy#2": noisy,
    "guessing": guessing,
    "lengthy": lengthy,
    "gamma-9b": partial_to("gamma-9b"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> JudgeReport:
    """240 queries, three LLMs, five judges of which one was asked twice."""
    release = judged_release(tmp_path_factory.mktemp("judged"), JUDGES, queries=240)
    return judge_report(release, costs={"noisy": 0.002, "guessing": 0.01})


def judge(report: JudgeReport, name: str) -> JudgeFigures:
    [found] = [figures for figures in report.judges if figures.name == name]
    return found


def holds(figure: Told, value: float) -> bool:
    return figure.low is not None and figure.high is not None and figure.low <= value <= figure.high


def test_judges_and_retests(report: JudgeReport) -> None:
    assert [figures.name for figures in report.judges] == ["exact", "gamma-9b", "guessing", "lengthy", "noisy"]
    noisy_one = judge(report, "noisy")
    assert (noisy_one.rows, noisy_one.answers, noisy_one.unscored) == (1_440, 720, 0)
    assert noisy_one.retest.variance.value is not None
    assert 0.017 < noisy_one.retest.variance.value < 0.0225, "noise of .15, cut at the ends of the scale"
    assert noisy_one.retest.variance.n == 720
    assert noisy_one.retest.reliability.value is not None
    assert 0.7 < noisy_one.retest.reliability.value < 0.9
    assert judge(report, "exact").retest.variance.why == "no answer was judged twice"


def test_against_the_metric(report: JudgeReport) -> None:
    right = judge(report, "exact").metric
    assert right is not None
    assert (right.fixed.sensitivity.value, right.fixed.specificity.value, right.auc.value) == (1.0, 1.0, 1.0)
    assert right.slope.value == pytest.approx(1.0)
    guess = judge(report, "guessing").metric
    assert guess is not None
    assert holds(guess.auc, 0.5)
    assert holds(guess.slope, 0.0)
    long = judge(report, "lengthy").metric
    assert long is not None
    assert long.fitted.threshold is not None
    assert long.fitted.threshold > 0.6, "it calls nearly all right at .5"
    assert long.fitted.specificity.value is not None
    assert long.fixed.specificity.value is not None
    assert long.fitted.specificity.value > long.fixed.specificity.value + 0.3
    assert sum(part.score.n for part in long.bins) == long.answers == 720


def test_length_and_kinship(report: JudgeReport) -> None:
    assert holds(judge(report, "lengthy").length.per_doubling, 0.05)
    assert judge(report, "lengthy").length.fixed == "performance"
    assert holds(judge(report, "noisy").length.per_doubling, 0.0)
    partial = judge(report, "gamma-9b").self_preference
    assert partial.own == ("gamma-9b",)
    assert holds(partial.at_equal_performance, 0.2)
    assert holds(partial.at_equal_scores, 0.2)
    assert judge(report, "noisy").self_preference.own == ()


def test_agreement(report: JudgeReport) -> None:
    pairs = {pair.judges: pair for pair in report.agreement.pairs}
    assert len(pairs) == 10
    assert holds(pairs["exact", "guessing"].alpha, 0.0)
    close = pairs["exact", "noisy"]
    assert close.spearman is not None
    assert close.spearman.low is not None
    assert close.spearman.low > 0.7
    assert report.agreement.panel is not None
    assert report.agreement.panel.alpha.n == 720


def test_corrected_means(report: JudgeReport) -> None:
    """All answers have a performance; a fifth of the queries keep it, and the corrected means are nearer to those of all."""
    found = judge(report, "noisy").corrected
    assert found is not None
    assert found.labels.kept == 0.2
    assert (found.labels.labelled, found.labels.unlabelled, found.labels.left_out) == (144, 576, 0)
    assert [mean.candidate for mean in found.means] == ["alpha-7b", "beta-8b", "gamma-9b"]
    for mean in found.means:
        assert mean.known.value is not None
        assert holds(mean.corrected, mean.known.value)
        assert holds(mean.right, mean.known.value) or mean.right.value is None
        assert mean.labelled.n == 48
    assert not all(holds(mean.judge, mean.known.value or 0.0) for mean in found.means), "its scale is compressed"
    assert found.gain.above
    assert found.gain.value is not None
    assert 2 < found.gain.value < 4
    assert holds(found.correlation, 0.94), "0.3 / sqrt(0.3^2 + 0.15^2 / 2) of the mean of two"


def test_what_it_is_worth(report: JudgeReport) -> None:
    paid = judge(report, "noisy")
    assert paid.worth.replaced is not None
    assert paid.worth.answers_per_label == pytest.approx(720 / paid.worth.replaced)
    assert paid.worth.break_even == pytest.approx(0.002 * 720 / paid.worth.replaced)
    assert paid.corrected is not None
    assert sum(mean.judge.n for mean in paid.corrected.means) == 720, "labelled answers need scores, too"
    said = " ".join(paid.verdict)
    assert "Worth its price where a label costs more than USD 0.00" in said
    assert "gamma-9b leads by its scores and once corrected." in said
    assert "Not shown to be worth any price" in " ".join(judge(report, "guessing").verdict)
    assert "costs USD 0.01" in " ".join(judge(report, "guessing").verdict)
    assert judge(report, "guessing").worth.panel_gain.high is not None
    assert judge(report, "guessing").worth.panel_gain.high < 0, "the panel is better without it"


def test_plain_data_lines_and_the_same_again(report: JudgeReport, tmp_path: Path) -> None:
    data = json.loads(report.to_json())
    assert data["judges"][0]["name"] == "exact"
    assert data["version"] == "1.0"
    assert "NaN" not in report.to_json()
    lines = report.lines()
    assert lines[0] == "5 judges of 720 answers to 240 queries, 95% intervals over queries"
    assert any(line.startswith("exact: Of the right answers it calls 100.0%") for line in lines)
    again = judge_report(judged_release(tmp_path, JUDGES, queries=240), costs={"noisy": 0.002, "guessing": 0.01})
    assert again.to_json() == report.to_json()


def figures_of(value: Any) -> list[Any]:
    """Every figure in plain data."""
    if isinstance(value, dict):
        own = [value] if {"value", "low", "high", "why"} <= value.keys() else []
        return own + [figure for part in value.values() for figure in figures_of(part)]
    return [figure for part in value for figure in figures_of(part)] if isinstance(value, list) else []


def test_every_figure_has_an_interval_or_a_reason(report: JudgeReport) -> None:
    found = figures_of(json.loads(report.to_json()))
    assert len(found) > 200
    assert all(None not in (figure["value"], figure["low"], figure["high"]) or figure["why"] for figure in found)


def test_small_groups_have_no_figures(tmp_path: Path) -> None:
    small = judge_report(judged_release(tmp_path, {"exact": exact, "noisy": noisy}, queries=19))
    shown = [figure for figure in figures_of(json.loads(small.to_json())) if figure["value"] is not None]
    assert shown == []
    assert small.agreement.pairs[0].alpha.why == "too small: 19 queries, 20 needed"


def test_labels_as_they_are(tmp_path: Path) -> None:
    """One LLM has no performance: nothing corrects it. Half of the answers of the others have none."""
    rows = judged_rows({"noisy": noisy}, queries=200)
    for row in rows:
        if row["llm"] == "gamma-9b" or int(row["ground_truth"].split()[1]) % 2:
            row["performance"] = None
    found = judge_report(made_up_release(tmp_path, rows)).judges[0].corrected
    assert found is not None
    assert found.labels.kept is None
    assert (found.labels.labelled, found.labels.unlabelled, found.labels.left_out) == (200, 200, 200)
    assert [mean.candidate for mean in found.means] == ["alpha-7b", "beta-8b"]
    assert holds(found.means[0].corrected, 0.3)
    assert found.means[0].known.value is None


def test_a_reply_without_a_score_counts_nowhere(tmp_path: Path) -> None:
    rows = judged_rows({"exact": exact, "noisy": noisy}, queries=30)
    for row in rows[::10]:
        row["judge_score"] = None
    report = judge_report(made_up_release(tmp_path, rows))
    assert sum(figures.unscored for figures in report.judges) == 18
    assert sum(figures.answers for figures in report.judges) == 180 - 18


def test_the_performance_of_open_questions_is_no_gold(tmp_path: Path) -> None:
    rows = [row | {"metric": "judge"} for row in judged_rows({"exact": exact}, queries=30)]
    figures = judge_report(made_up_release(tmp_path, rows)).judges[0]
    assert figures.metric is None
    assert figures.corrected is None
    assert "is unknown: no answer has both its score and a performance by a metric" in figures.verdict[0]


def pairwise(share_first: float, queries: int = 40) -> list[dict[str, Any]]:
    """Two LLMs compared in both orders, by a judge that gives a share to the place."""
    rows = []
    for number in range(queries):
        right = {"alpha-7b": float(number % 2), "beta-8b": float(number % 2 == 0)}
        for llm, other in (("alpha-7b", "beta-8b"), ("beta-8b", "alpha-7b")):
            for order in ("first", "second"):
                score = (share_first if order == "first" else 1 - share_first) + 0.1 * (right[llm] - right[other])
                facts = {"judge": "placed", "judge_opponent": other, "judge_order": order, "judge_score": round(score, 3)}
                rows.append(answer(number, llm, performance=right[llm]) | facts)
    return rows


def test_position(tmp_path: Path) -> None:
    report = judge_report(made_up_release(tmp_path, pairwise(0.7)))
    assert report.lines()[0].startswith("1 judge of 80 comparisons of two answers, ")
    figures = report.judges[0]
    assert (figures.rows, figures.comparisons, figures.answers) == (160, 80, 0)
    assert figures.position.first.value == pytest.approx(0.7)
    assert figures.position.first_of_swapped.value == pytest.approx(0.7)
    assert figures.position.flipped.value == 1.0, "the place outweighs the answer"
    assert figures.right_pairs.value == pytest.approx(0.5)
    assert "prefers the better one in 50.0%" in figures.verdict[0]


def test_replicates_are_compared_apart(tmp_path: Path) -> None:
    """The first place wins among the first answers, the second place among the second ones: every winner changes."""
    rows = [
        answer(number, llm, replicate=replicate, performance=float((llm == "ant") == (replicate == 0)))
        | {"judge": "owl", "judge_opponent": other, "judge_order": order, "response": f"{llm} {replicate}"}
        | {"judge_score": float((order == "first") == (replicate == 0))}
        for number in range(30)
        for replicate in (0, 1)
        for llm, other in (("ant", "bee"), ("bee", "ant"))
        for order in ("first", "second")
    ]
    owl = judge_report(made_up_release(tmp_path, rows)).judges[0]
    assert (owl.judgements, owl.comparisons, owl.right_pairs.n) == (120, 120, 120)
    assert (owl.position.flipped.value, owl.position.flipped.n) == (1.0, 60)
    assert owl.position.first_of_swapped.value == pytest.approx(0.5)
    assert owl.right_pairs.value == pytest.approx(0.5)


@pytest.mark.parametrize("llm", ["alpha-7b", "beta-8b"])
def test_one_row_of_a_comparison_is_enough_for_preferences(llm: str, tmp_path: Path) -> None:
    """The row of either candidate tells what both do."""
    expected = list(preferences(made_up_release(tmp_path, pairwise(0.7))))
    (tmp_path / "half").mkdir()
    kept = [row for row in pairwise(0.7) if row["llm"] == llm]
    assert list(preferences(made_up_release(tmp_path / "half", kept))) == expected
    assert len(expected) == 40


def test_a_judge_without_a_favourite_place(tmp_path: Path) -> None:
    figures = judge_report(made_up_release(tmp_path, pairwise(0.5))).judges[0]
    assert figures.position.first_of_swapped.value == pytest.approx(0.5)
    assert figures.position.flipped.value == 0.0
    assert figures.right_pairs.value == 1.0


def test_one_row_of_a_comparison_is_enough(tmp_path: Path) -> None:
    rows = [row for row in pairwise(0.7) if row["llm"] == "alpha-7b"]
    figures = judge_report(made_up_release(tmp_path, rows)).judges[0]
    assert figures.comparisons == 80
    assert figures.position.first.value == pytest.approx(0.7)


def test_the_sample_has_one_judge() -> None:
    report = judge_report(lfb.open_release("sample"))
    assert [figures.name for figures in report.judges] == ["simulated"]
    assert report.judges[0].answers == 21_869
    assert report.simulated
    assert report.lines()[-1].startswith("note: SIMULATED")
    assert report.agreement.pairs == ()


def test_a_release_of_schema_1_0() -> None:
    report = judge_report(lfb.open_release(Path(__file__).parents[2] / "release" / "release_1_0"))
    assert [(figures.name, figures.answers) for figures in report.judges] == [("careful-judge", 34)]
    assert report.judges[0].mean.why == "too small: 6 queries, 20 needed"


def test_no_judges(tmp_path: Path) -> None:
    release = made_up_release(tmp_path, [answer(number, "alpha-7b") for number in range(3)])
    with pytest.raises(InputError, match="no judge scores"):
        judge_report(release)


@pytest.mark.parametrize("cost", [-1.0, np.nan, np.inf])
def test_a_cost_that_is_none(cost: float) -> None:
    with pytest.raises(InputError, match="expected USD per judged answer"):
        judge_report(lfb.open_release("sample"), costs={"simulated": cost})
