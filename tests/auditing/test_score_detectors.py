"""Scores that our scorer disagrees with, that a constant answer reaches, or that do not fit the LLM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.auditing.detectors.constant_answers import ConstantAnswers
from llmfusionbench.auditing.detectors.score_outliers import ScoreOutliers, outliers_of, polished
from llmfusionbench.auditing.detectors.scores_disagree import ScoresDisagree
from tests.helpers.audit_rows import clean_rows, findings_of, the_finding


def test_scores_that_were_flipped_are_found() -> None:
    rows = clean_rows(20)
    flipped = rows[::17]
    for row in flipped:
        row["performance"] = 1 - row["performance"]
    finding = the_finding(ScoresDisagree(), rows)
    assert (finding.count, finding.total) == (len(flipped), len(rows))
    lower = sum(row["performance"] == 0 for row in flipped)
    assert f"{len(flipped) - lower} are higher in the log, {lower} are lower" in finding.what
    first = finding.examples[0]
    assert set(first.texts) == {"prompt", "answer", "ground truth"}
    assert first.note is not None
    assert f"it found the answer '{first.texts['ground truth']}'" in first.note
    assert "The log has 0, our scorer 1" in first.note


def test_the_biggest_difference_comes_first() -> None:
    rows = clean_rows(20)
    right = [row for row in rows if row["performance"] == 1]
    for row, value in zip(right, (0.9, 0.2, 0.98, 0.5, 0.7, 0.4, 0.995), strict=False):
        row["performance"] = value
    notes = [example.note or "" for example in the_finding(ScoresDisagree(), rows).examples]
    assert [note.split(",")[0] for note in notes] == [f"The log has {x}" for x in (0.2, 0.4, 0.5, 0.7, 0.9)]


@pytest.mark.parametrize(
    "changes",
    [
        {"metric": "code_eval"},
        {"metric": "their_own"},
        {"metric": "judge"},
        {"performance": None},
        {"response": None},
        {"ground_truth": None},
        {"status": "error"},
        {"performance": 0.005, "ground_truth": "no number at all"},
    ],
)
def test_what_cannot_be_scored_again_is_not_compared(changes: dict[str, Any]) -> None:
    rows = [{**row, "performance": 1 - row["performance"], **changes} for row in clean_rows(4)]
    assert findings_of(ScoresDisagree(), rows) == []


def test_official_scores_are_compared_with_the_official_metric() -> None:
    options = {"metric": "em_mc", "choices": ["red", "green", "blue", "grey"], "ground_truth": "B"}
    rows = [{**row, **options, "response": "It is (B)", "performance": 1.0} for row in clean_rows(4)]
    assert findings_of(ScoresDisagree(), [{**row, "metric_version": "official"} for row in rows]) == []
    wrong = [{**row, "response": "It is (C)", "metric_version": "official"} for row in rows]
    assert the_finding(ScoresDisagree(), wrong).count == len(rows)


def test_math_is_compared_where_no_algebra_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise AssertionError("compared symbolically")

    monkeypatch.setattr("llmfusionbench.scoring.metrics.math.compare_symbolically", refuse)
    rows = [{**row, "metric": "math", "response": r"So it is \boxed{x+1}.", "performance": 0.0} for row in clean_rows(4)]
    quick = [{**row, "ground_truth": "x+1"} for row in rows[:70]]
    algebra = [{**row, "ground_truth": "1+x"} for row in rows[70:]]
    finding = the_finding(ScoresDisagree(), [*quick, *algebra])
    assert (finding.count, finding.total) == (70, 70)


def with_truths(share: float, skill: float) -> list[dict[str, Any]]:
    """One task of 100 queries, of which `share` have the ground truth `yes`; the LLMs are right in `skill` of them."""
    rows = [row for row in clean_rows(100) if row["task"] == "sums"]
    ids = sorted({row["query_id"] for row in rows})
    for row in rows:
        place = ids.index(row["query_id"])
        row["ground_truth"] = " Yes" if place < 100 * share else f"no{place % 3}"
        row["performance"] = float((place * 37 + int(row["llm"][-1]) * 11) % 100 < 100 * skill)
    return rows


@pytest.mark.parametrize(("share", "skill", "severity"), [(0.9, 0.8, "medium"), (0.7, 0.72, "low")])
def test_a_constant_answer_that_does_well(share: float, skill: float, severity: str) -> None:
    finding = the_finding(ConstantAnswers(), with_truths(share, skill))
    assert (finding.count, finding.total, finding.severity) == (round(100 * share), 100, severity)
    assert f"sums: 'yes' is right for {share:.0%} of the queries" in finding.what
    assert [place.name for place in finding.places] == ["sums"]
    assert {example.texts["ground truth"].strip() for example in finding.examples} == {"Yes"}
    assert all(example.llm is None for example in finding.examples)


@pytest.mark.parametrize(("share", "skill"), [(0.5, 0.9), (0.25, 0.5)])
def test_a_constant_answer_that_does_not(share: float, skill: float) -> None:
    assert findings_of(ConstantAnswers(), with_truths(share, skill)) == []


def test_few_queries_are_not_judged() -> None:
    rows = with_truths(0.9, 0.8)
    few = sorted({row["query_id"] for row in rows})[:15]
    assert findings_of(ConstantAnswers(), [row for row in rows if row["query_id"] in few]) == []


def test_a_score_that_does_not_fit_the_llm() -> None:
    rows = clean_rows(100)
    broken = [row for row in rows if row["llm"] == "llm-5" and row["task"] == "travel"]
    for row in broken:
        row["performance"] = 0.0
    finding = the_finding(ScoreOutliers(), rows)
    assert [(p.kind, p.name, p.count) for p in finding.places] == [("llm / task", "llm-5 / travel", 100)]
    assert "llm-5 in travel has 0.00" in finding.what
    (example,) = finding.examples
    assert (example.llm, example.task) == ("llm-5", "travel")
    assert "this answer scores 0" in (example.note or "")


def test_candidates_of_one_llm_are_judged_apart() -> None:
    rows = clean_rows(100)
    rows += [{**row, "mode": "think"} for row in clean_rows(100, seed=1)]
    ids = {(row["task"], row["prompt"]): row["query_id"] for row in rows}
    for row in rows:
        row["query_id"] = ids[row["task"], row["prompt"]]
        if (row["llm"], row["mode"], row["task"]) == ("llm-5", "think", "travel"):
            row["performance"] = 0.0
    assert [p.name for p in the_finding(ScoreOutliers(), rows).places] == ["llm-5_think / travel"]


def cells_of(scores: np.ndarray, count: int = 200) -> dict[tuple[str, str], list[float]]:
    return {(f"c{i}", f"t{j}"): [scores[i, j] * count, count] for i, j in np.ndindex(scores.shape)}


def test_skill_and_difficulty_alone_are_no_outliers() -> None:
    odds = np.linspace(-1.5, 1.5, 8)[:, None] + np.linspace(-2, 2, 6)[None, :]
    assert outliers_of(cells_of(1 / (1 + np.exp(-odds)))) == []


def test_sampling_error_is_no_outlier() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(40):
        p = 1 / (1 + np.exp(-(rng.normal(0, 1, (8, 1)) + rng.normal(0, 1, (1, 6)))))
        found += len(outliers_of(cells_of(rng.binomial(100, p) / 100, 100)))
    assert found <= 2, "of 1,920 cells"


@pytest.mark.parametrize("shape", [(4, 8), (8, 3)])
def test_too_few_cells_are_not_judged(shape: tuple[int, int]) -> None:
    scores = np.full(shape, 0.6)
    scores[0, 0] = 0.0
    assert outliers_of(cells_of(scores)) == []
    assert outliers_of(cells_of(np.pad(scores, (0, 4), constant_values=0.6))) != []


@given(st.lists(st.floats(-3, 3), min_size=5, max_size=8), st.lists(st.floats(-3, 3), min_size=4, max_size=6))
def test_the_polish_leaves_nothing_of_two_effects(rows: list[float], columns: list[float]) -> None:
    residuals = polished(np.add.outer(rows, columns))
    assert np.abs(residuals).max() < 1e-9
