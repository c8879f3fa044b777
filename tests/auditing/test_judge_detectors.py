"""Judges that give one score to most answers, and judges that prefer long ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from llmfusionbench.auditing.detector import JUDGE_SCORES
from llmfusionbench.auditing.detectors.judge_length import JudgeLength, correlations
from llmfusionbench.auditing.detectors.judge_modes import JudgeModes
from tests.helpers.audit_rows import clean_rows, findings_of, the_finding


def judged(give: Callable[[dict[str, Any]], float | None], queries: int = 20) -> list[dict[str, Any]]:
    """Clean rows that a judge `odd` has scored, besides the fair one."""
    return [{**row, JUDGE_SCORES: [*row[JUDGE_SCORES], {"judge": "odd", "score": give(row)}]} for row in clean_rows(queries)]


def test_one_score_for_most() -> None:
    rng = random.Random(0)
    finding = the_finding(JudgeModes(), judged(lambda _: 0.8 if rng.random() < 0.9 else rng.random()))
    assert [(place.kind, place.name, place.total) for place in finding.places] == [("judge", "odd", 600)]
    assert 500 < finding.count < 580
    assert "odd gives 0.8 to 9" in finding.what
    assert {example.note for example in finding.examples} == {"odd gives 0.8"}


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_a_score_for_many_is_not_yet_a_finding(share: float) -> None:
    rng = random.Random(0)
    assert findings_of(JudgeModes(), judged(lambda _: float(rng.random() < share))) == []


def test_few_or_missing_scores_are_not_judged() -> None:
    assert findings_of(JudgeModes(), judged(lambda _: 0.8)[:40]) == []
    assert findings_of(JudgeModes(), judged(lambda _: None)) == []


def noisy_length(row: dict[str, Any]) -> float:
    return min(1.0, len(row["response"]) / 600 + random.Random(row["response"]).random() / 4)


def test_a_judge_that_prefers_length() -> None:
    finding = the_finding(JudgeLength(), judged(noisy_length))
    assert [place.name for place in finding.places] == ["odd"]
    assert "odd: +0." in finding.what
    assert (finding.total, len(finding.examples)) == (2 * finding.count, 5)
    assert (finding.examples[0].note or "").startswith("odd gives ")


def test_a_judge_that_prefers_right_answers_is_not_blamed_for_their_length() -> None:
    def longer_if_right(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "response": row["response"] + " That is all there is to say." * int(4 * row["performance"])}

    rng = random.Random(0)
    rows = [longer_if_right(row) for row in judged(lambda row: 0.5 * row["performance"] + rng.random() / 2)]
    assert findings_of(JudgeLength(), rows) == []
    blind = [{**row, "performance": None} for row in rows]
    assert [place.name for place in the_finding(JudgeLength(), blind).places] == ["odd"]


def test_few_queries_give_no_correlation() -> None:
    assert findings_of(JudgeLength(), judged(noisy_length, 3)) == []


def test_correlations_by_hand() -> None:
    group = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    scores = np.array([1.0, 2, 3, 4, 4, 3, 2, 1, 5, 5, 5, 5])
    lengths = np.array([10.0, 20, 30, 90, 10, 20, 30, 90, 1, 2, 3, 4])
    np.testing.assert_allclose(correlations(group, scores, lengths, np.full(12, np.nan)), [1, -1, np.nan], atol=1e-12)


def test_the_partial_correlation_by_hand() -> None:
    """r_sl.c = (r_sl - r_sc r_lc) / sqrt((1 - r_sc^2) (1 - r_lc^2)), with ranks 1..5 and one control."""
    scores, lengths, control = (np.array(x, float) for x in ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], [5, 1, 2, 3, 4]))
    sl, sc, lc = (np.corrcoef(a, b)[0, 1] for a, b in ((scores, lengths), (scores, control), (lengths, control)))
    expected = (sl - sc * lc) / np.sqrt((1 - sc**2) * (1 - lc**2))
    assert correlations(np.zeros(5, np.int64), scores, lengths, control)[0] == pytest.approx(expected)
