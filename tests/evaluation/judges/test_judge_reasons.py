"""What the report on judges says where a figure is unknown, certain or few, and how it counts judgements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.evaluation.judges import JudgeReport, judge_report
from llmfusionbench.evaluation.judges.biases import SelfPreference
from llmfusionbench.evaluation.judges.told import NO_DIFFERENCE, bounded, told
from llmfusionbench.statistics import Estimate
from tests.helpers.judged_release import Judge, exact, judged_release, judged_rows, noisy, partial_to
from tests.helpers.made_up_release import answer, made_up_release
from tests.helpers.page import Page

Row = dict[str, Any]


def of(folder: Path, rows: list[Row], **options: Any) -> JudgeReport:
    return judge_report(made_up_release(folder, rows), **options)


def judged(number: int, llm: str, performance: float | None, score: float | None, judge: str = "owl", **more: Any) -> Row:
    return answer(number, llm, performance=performance, judge=judge, judge_score=score, **more)


def always_right(queries: int) -> list[Row]:
    """The judge `owl` agrees with the metric. Its own answers are right and have 10 characters; the others have 5."""
    return [
        judged(number, llm, right, right, response="x" * (10 if right else 5))
        for number in range(queries)
        for llm, right in (("owl", 1.0), ("bee", 0.0))
    ]


def compared(queries: int, *, orders: tuple[str | None, ...] = ("first", "second")) -> list[Row]:
    """The LLMs `ant` and `bee`, compared once per order; every comparison has a row of each answer."""
    return [
        judged(number, llm, right, 0.7, judge_opponent=other, judge_order=order)
        for number in range(queries)
        for llm, other, right in (("ant", "bee", 1.0), ("bee", "ant", 0.0))
        for order in orders
    ]


def words(report: JudgeReport) -> str:
    return " ".join(" ".join(Page(report.to_html()).words).split())


def test_what_varies_but_cannot_be_told_apart_from_performance(tmp_path: Path) -> None:
    [owl] = of(tmp_path, always_right(30)).judges
    assert owl.length.per_doubling.why == "length cannot be told apart from performance"
    own = owl.self_preference
    assert own.at_equal_performance.why == "own answers cannot be told apart from others by more than performance"
    assert own.at_equal_scores.why == "no score by a judge of another family"


def test_what_does_not_vary(tmp_path: Path) -> None:
    rows = [judged(number, "owl", float(number % 2), 0.5, response="five!") for number in range(30)]
    [owl] = of(tmp_path, rows).judges
    assert owl.length.per_doubling.why == "answers to one query do not differ in length"
    assert owl.self_preference.at_equal_performance.why == "no query has both an own answer and another one"


def test_the_correlation_with_length_has_its_interval_or_the_reason(tmp_path: Path) -> None:
    [owl] = of(tmp_path, always_right(30)).judges
    assert owl.length.correlation.why == "length cannot be told apart from performance"
    (tmp_path / "some").mkdir()
    [noisy_one] = judge_report(judged_release(tmp_path / "some", {"noisy": noisy})).judges
    assert noisy_one.length.correlation.low is not None
    assert noisy_one.length.correlation.high is not None
    (tmp_path / "same").mkdir()
    [same] = judge_report(judged_release(tmp_path / "same", {"same": lambda *_: 0.3})).judges
    assert same.length.correlation.why == "scores do not differ within queries at equal performance"


def test_a_judge_of_negative_correlation_saves_no_label(tmp_path: Path) -> None:
    [against] = judge_report(judged_release(tmp_path, {"against": lambda rng, facts: 1 - noisy(rng, facts)})).judges
    assert against.corrected is not None
    limit = against.corrected.limit
    assert (limit.value, limit.low) == (1.0, None)
    assert limit.why == "no interval: scores whose correlation with performance is negative get no weight"


def test_answers_without_any_label_of_their_task_are_left_out_before_labels_are_hidden(tmp_path: Path) -> None:
    rows = judged_rows({"noisy": noisy}, queries=60)
    rows += [judged(1_000 + n, "alpha-7b", None, 0.5, judge="noisy", task="open", metric="judge") for n in range(120)]
    [figures] = of(tmp_path, rows).judges
    assert figures.corrected is not None
    assert figures.corrected.labels.left_out == 120
    assert figures.corrected.labels.kept is not None, "all others have a performance"


def test_answers_of_unknown_length(tmp_path: Path) -> None:
    rows = [row | {"response": None, "output_tokens": None} for row in always_right(30)]
    [owl] = of(tmp_path, rows).judges
    assert owl.length.per_doubling.why == "no answer that it scored has a length"


def test_own_answers_that_the_other_judges_prefer_alike(tmp_path: Path) -> None:
    rows = always_right(30)
    [owl, _] = of(tmp_path, [*rows, *(row | {"judge": "zebra"} for row in rows)]).judges
    why = "own answers cannot be told apart from others by more than the scores of the other judges"
    assert owl.self_preference.at_equal_scores.why == why


def test_one_llm_with_two_rubrics_is_one_family(tmp_path: Path) -> None:
    """An LLM that prefers itself under both names: neither of its judges tells how good its answers are."""

    def figures(folder: str, **more: Judge) -> list[SelfPreference]:
        made = {"mystery": partial_to("mystery"), "mystery/paper": partial_to("mystery"), **more}
        rows = judged_rows(made, skills={"mystery": 0.5, "bee": 0.5}, labelled=[])
        for row in rows:
            row["judge_rubric"] = f"{row['judge'].rpartition('/')[2]} (sha256 0123456789abcdef). Judge it."
        (tmp_path / folder).mkdir()
        return [judge.self_preference for judge in of(tmp_path / folder, rows).judges[:2]]

    for found in figures("alone"):
        assert found.own == ("mystery",)
        assert found.at_equal_scores.why == "no score by a judge of another family"
    for found in figures("beside", zebra=noisy):
        assert found.at_equal_scores.value == pytest.approx(0.2, abs=0.1)


def test_the_line_of_self_preference_states_what_is_held_equal(tmp_path: Path) -> None:
    def line(folder: str, **options: Any) -> str:
        (tmp_path / folder).mkdir()
        release = judged_release(tmp_path / folder, {"alpha-7b": noisy, "zebra": noisy}, **options)
        return next(line for line in judge_report(release).lines() if "self-preference" in line)

    assert line("labelled").startswith("  self-preference (at equal performance): ")
    assert line("unlabelled", labelled=[]).startswith("  self-preference (at equal scores by judges of other families): ")


def test_no_interval_without_a_width(tmp_path: Path) -> None:
    """Two judges contradict each other in every query, and one of them agrees with the metric in every query."""
    rows = [
        judged(number, llm, right, score, judge=name)
        for number in range(40)
        for right in [float(number % 2)]
        for llm in ("ant", "bee")
        for name, score in (("J", right), ("J#2", right), ("K", 1 - right))
    ]
    report = of(tmp_path, rows)
    [pair] = report.agreement.pairs
    one, _ = report.judges
    assert one.metric is not None
    assert pair.spearman is not None
    figures = [pair.alpha, pair.alpha_ordinal, pair.ac2, pair.spearman]
    figures += [one.retest.variance, one.retest.reliability, one.metric.bias, one.metric.slope, one.metric.intercept]
    assert [round(figure.value or 0.0, 2) for figure in figures] == [-0.99, -0.99, -1.0, -1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    assert {(figure.low, figure.high, figure.why) for figure in figures} == {(None, None, NO_DIFFERENCE)}
    assert one.metric.auc.low is not None, "a share has Wilson's interval"
    assert one.corrected is not None
    assert one.corrected.limit.why == "no limit: the scores tell the performance exactly, up to their scale"
    assert f"retest variance: 0.000 ({NO_DIFFERENCE})" in "\n".join(report.lines())
    assert NO_DIFFERENCE in words(report)


def test_ends_that_are_cut_to_one_place_are_no_interval() -> None:
    cut = bounded(told(Estimate(-1.0, -1.2, -1.1, 30), 30), -1.0, 1.0)
    assert (cut.value, cut.low, cut.why) == (-1.0, None, NO_DIFFERENCE)
    kept = bounded(told(Estimate(-0.9, -1.2, -0.8, 30), 30), -1.0, 1.0)
    assert (kept.low, kept.high, kept.why) == (-1.0, -0.8, None)


@pytest.mark.parametrize("orders", [("first", "second"), ("first",), (None,)])
def test_a_comparison_is_one_judgement(orders: tuple[str | None, ...], tmp_path: Path) -> None:
    """A row of the place `first` and one of `second` say the same, as do the two rows without a place."""
    rows = compared(60, orders=orders)
    if len(orders) == 1 and orders[0]:
        rows = [row | {"judge_order": "second" if row["llm"] == "bee" else "first"} for row in rows]
    report = of(tmp_path, rows)
    [owl] = report.judges
    assert (owl.rows, owl.judgements) == (120 * len(orders), 60 * len(orders))
    assert f"  {60 * len(orders)} judgements" in report.lines()
    assert json.loads(report.to_json())["judges"][0]["judgements"] == owl.judgements


def test_judgements_of_every_kind_are_counted(tmp_path: Path) -> None:
    """Alone, compared with both rows, compared with one row, asked again, and without a score."""
    rows = [*compared(3), *(row | {"judge": "owl#2"} for row in compared(2)), *always_right(4)]
    rows += [row for row in compared(6)[20:] if row["llm"] == "ant"]
    rows += [row | {"judge_score": None} for row in compared(5)[16:]]
    report = of(tmp_path, rows)
    [owl] = report.judges
    assert owl.rows == len(rows)
    assert (owl.judgements, owl.unscored) == (6 + 4 + 8 + 2 + 2, 2)
    assert "Judgements 22 (2 without a score)" in words(report)


def test_comparisons_of_unknown_order_count_as_right_pairs(tmp_path: Path) -> None:
    report = of(tmp_path, [row | {"judge_score": row["performance"]} for row in compared(30, orders=(None,))])
    [owl] = report.judges
    assert (owl.comparisons, owl.right_pairs.n, owl.right_pairs.value) == (30, 30, 1.0)
    assert "prefers the better one in 100.0%" in owl.verdict[0]
    why = "the order of its comparisons is not known"
    assert {owl.position.first.why, owl.position.first_of_swapped.why, owl.position.flipped.why} == {why}
    assert f"share of the first place: {why}" in "\n".join(report.lines())


def test_a_comparison_is_judged_again_once(tmp_path: Path) -> None:
    """Both rows of each comparison tell the same score, which counts once in the figures of retests."""
    once = compared(30, orders=("first",))
    rows = [row | {"judge_order": "second" if row["llm"] == "bee" else "first"} for row in once]
    rows = [row | {"judge_score": 0.7 if row["llm"] == "ant" else 0.3} for row in rows]
    [owl] = of(tmp_path, [row | {"judge": name} for row in rows for name in ("owl", "owl#2")]).judges
    assert (owl.judgements, owl.comparisons, owl.retest.variance.n) == (60, 30, 30)
    assert (owl.retest.variance.value, owl.retest.same.value) == (0.0, 1.0)


def test_few_comparisons_are_too_small_and_not_without_a_metric(tmp_path: Path) -> None:
    report = of(tmp_path, compared(1), costs={"owl": 0.01})
    assert report.lines()[0] == "1 judge of 2 comparisons of two answers, 95% intervals over queries"
    said = report.judges[0].verdict
    assert said[0].endswith("is unknown: too small: 1 query, 20 needed.")
    assert said[1] == "It costs USD 0.01 per judged answer."


@pytest.mark.parametrize(
    ("performance", "why"),
    [
        (None, "no comparison of two answers with a performance by a metric"),
        (1.0, "no comparison of answers of different performance"),
    ],
)
def test_comparisons_that_tell_nothing_of_right_and_wrong(performance: float | None, why: str, tmp_path: Path) -> None:
    [owl] = of(tmp_path, [row | {"performance": performance} for row in compared(30)]).judges
    assert owl.right_pairs.why == why
    assert owl.verdict[0].endswith(f"is unknown: {why}.")


def test_no_threshold_where_nothing_is_fitted(tmp_path: Path) -> None:
    report = of(tmp_path, always_right(1)[:1])
    assert report.lines()[0] == "1 judge of 1 answer to 1 query, 95% intervals over queries"
    assert "  1 judgement; mean score too small: 1 query, 20 needed" in report.lines()
    why = "no threshold can be fitted: no wrong answer by the metric"
    assert f"  fitted threshold unknown, {why}" in report.lines()
    metric = report.judges[0].metric
    assert metric is not None
    assert (metric.fitted.threshold, metric.fitted.sensitivity.why, metric.fitted.specificity.why) == (None, why, why)
    assert metric.fixed.threshold == 0.5
    assert "not fitted" in words(report)
    assert "fitted on other queries" not in words(report)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([judged(number, "ant", float(number % 2), 0.3) for number in range(30)], "the judge gives one score to all"),
        (always_right(1), "the other queries lack right or wrong answers"),
        ([judged(number, "ant", 0.0, number / 30) for number in range(30)], "no right answer by the metric"),
    ],
)
def test_why_no_threshold_is_fitted(rows: list[Row], why: str, tmp_path: Path) -> None:
    metric = of(tmp_path, rows).judges[0].metric
    assert metric is not None
    assert metric.fitted.threshold is None
    assert metric.fitted.sensitivity.why == f"no threshold can be fitted: {why}"


def test_scores_within_one_hundredth_tell_right_from_wrong(tmp_path: Path) -> None:
    """All 150 scores are different; those of the right answers are higher, and both judges order the answers alike."""
    rows = [
        judged(number, "ant", float(number >= 75), 0.9951 + 0.00003 * number + shift, judge=name)
        for number in range(150)
        for name, shift in (("owl", 0.0), ("zebra", 0.000001 * (number % 7)))
    ]
    report = of(tmp_path, rows)
    metric, [pair] = report.judges[0].metric, report.agreement.pairs
    assert metric is not None
    assert pair.spearman is not None
    assert metric.auc.value == 1.0
    assert metric.fitted.threshold == pytest.approx(0.9951 + 0.00003 * 74.5, abs=5e-5)
    assert (metric.fitted.sensitivity.value or 0.0) > 0.95
    figures = [pair.alpha, pair.alpha_ordinal, pair.ac2, pair.spearman]
    assert [figure.value for figure in figures] == pytest.approx([1.0] * 4, abs=0.01)
    assert all(figure.low is not None for figure in figures)


def test_answers_whose_threshold_is_not_fitted_do_not_count(tmp_path: Path) -> None:
    """The one query with wrong answers is in one of the folds, for which the others cannot fit a threshold."""
    rows = [judged(number, "ant", float(number > 0), 0.1 + 0.8 * (number > 0)) for number in range(40)]
    metric = of(tmp_path, rows).judges[0].metric
    assert metric is not None
    assert metric.fitted.threshold == pytest.approx(0.5)
    assert metric.fitted.sensitivity.n == 32
    assert metric.fitted.specificity.why == "no wrong answer by the metric"


def test_the_range_over_candidates_is_named(tmp_path: Path) -> None:
    [figures] = judge_report(judged_release(tmp_path, {"noisy": noisy})).judges
    said = " ".join(figures.verdict)
    assert figures.corrected is not None
    shifts = [(m.corrected.value or 0.0) - (m.judge.value or 0.0) for m in figures.corrected.means]
    assert f" on average (from {min(shifts):+.3f} to {max(shifts):+.3f} by candidate)." in said


def test_the_mean_of_one_candidate_has_no_range(tmp_path: Path) -> None:
    [figures] = judge_report(judged_release(tmp_path, {"noisy": noisy}, skills={"ant": 0.5})).judges
    assert figures.verdict[-1].startswith("If it were right, the mean of ant would be 0.")
    assert figures.verdict[-1].endswith((" higher.", " lower."))


def test_two_candidates_that_lead_are_both_named(tmp_path: Path) -> None:
    [figures] = judge_report(judged_release(tmp_path, {"same": lambda *_: 0.5}, skills={"ant": 0.3, "bee": 0.6})).judges
    assert "ant and bee lead by its scores (0.500 (" in " ".join(figures.verdict)


def test_chance_may_explain_a_change_whose_interval_holds_0(tmp_path: Path) -> None:
    report = judge_report(judged_release(tmp_path, {"exact": exact, "noisy": noisy, "twin": noisy}))
    said = {judge.name: " ".join(judge.verdict) for judge in report.judges}
    held = {judge.name for judge in report.judges if not judge.worth.panel_gain.excludes(0)}
    assert held == {"noisy", "twin"}
    assert {name for name, text in said.items() if "), which chance may explain." in text} == held


def test_chance_explains_no_change_that_all_draws_have(tmp_path: Path) -> None:
    report = judge_report(judged_release(tmp_path, {"exact": exact, "twin": exact}))
    changes = "With it, the correlation of the panel's mean with performance changes by "
    for judge in report.judges:
        assert f"{changes}+0.000 ({NO_DIFFERENCE})." in " ".join(judge.verdict)


def test_judges_without_a_common_answer(tmp_path: Path) -> None:
    rows = [judged(n, llm, 1.0, 0.5, judge=name) for n in range(40) for llm in "ab" for name in ("JK"[n % 2],)]
    lines = of(tmp_path, rows).lines()
    assert lines[-1] == "  J and K: no answer was scored by both"
    (tmp_path / "small").mkdir()
    small = judge_report(judged_release(tmp_path / "small", {"J": exact, "K": noisy}, queries=3)).lines()
    assert small[-1] == "  J and K: too small: 3 queries, 20 needed"


def test_a_judge_without_any_score(tmp_path: Path) -> None:
    report = of(tmp_path, [row | {"judge_score": None} for row in always_right(1)])
    assert report.lines()[0] == "1 judge without a score"
    assert "  2 judgements, 2 without a score" in report.lines()


def test_the_price_is_given_where_the_worth_is_unknown(tmp_path: Path) -> None:
    [owl] = of(tmp_path, always_right(30), costs={"owl": 0.01}).judges
    assert "Its worth in labels is unknown: " in " ".join(owl.verdict)
    assert "A judged answer costs USD 0.01." in " ".join(owl.verdict)


def test_one_judged_answer_per_label(tmp_path: Path) -> None:
    """One query in fifty has labels, so that nearly every judged answer saves one."""
    rows = [
        judged(number, llm, None if number % 50 > 1 else float(number % 2), float(number % 2))
        for number in range(1_000)
        for llm in ("ant", "bee")
    ]
    [owl] = of(tmp_path, rows).judges
    assert f"{owl.worth.answers_per_label:.1f}" == "1.0"
    said = " ".join(owl.verdict)
    assert ", one per judged answer. Worth its price where a label costs more than one judged answer." in said


def test_one_labelled_answer(tmp_path: Path) -> None:
    report = of(tmp_path, always_right(1)[:1])
    assert "1 labelled answer, 0 without a label" in words(report)
    rows = judged_rows({"noisy": noisy}, queries=30)
    rows.append(judged(31, "odd", None, 0.5, judge="noisy"))
    (tmp_path / "odd").mkdir()
    odd = of(tmp_path / "odd", rows)
    assert "  " * 2 + "without 1 answer, which no label of its candidate in its task corrects" in odd.lines()
    assert "1 left out, which no label of its candidate in its task corrects" in words(odd)
