"""The sentences of the report on judges, which are to be true of small groups, level means and bad judges, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from llmfusionbench.evaluation.judges import judge_report
from tests.helpers.judged_release import exact, judged_release, judged_rows, noisy
from tests.helpers.made_up_release import made_up_release


def said(folder: Path, judges: dict[str, Any], *, costs: dict[str, float] | None = None, **options: Any) -> dict[str, str]:
    """Judge -> its sentences."""
    report = judge_report(judged_release(folder, judges, **options), costs=costs)
    return {judge.name: " ".join(judge.verdict) for judge in report.judges}


def opposite(rng: np.random.Generator, facts: dict[str, Any]) -> float:
    """A judge that calls right what is wrong."""
    return round(1 - noisy(rng, facts), 1)


def test_a_small_group(tmp_path: Path) -> None:
    found = said(tmp_path, {"noisy": noisy}, queries=3)["noisy"]
    assert "What share of the right answers it calls right is unknown (too small: " in found
    assert "what share of the wrong answers it calls wrong is unknown (too small: " in found
    assert "Its worth in labels is unknown: no candidate has 20 labelled queries whose performance differs." in found
    assert "If it were right: unknown, no candidate has enough labelled queries." in found


def test_candidates_that_are_level_once_corrected(tmp_path: Path) -> None:
    found = said(tmp_path, {"noisy": noisy}, skills={"ant": 1.0, "bee": 1.0})["noisy"]
    assert "and what share of the wrong answers it calls wrong is unknown (no wrong answer by the metric)." in found
    assert "lead by its scores. Once corrected, 2 candidates lead (1.000 (" in found.replace("leads", "lead")


def test_candidates_that_are_level_by_its_scores(tmp_path: Path) -> None:
    found = said(tmp_path, {"same": lambda *_: 0.5})["same"]
    assert "and 2 more lead by its scores (0.500 (" in found
    assert "Not shown to be worth any price" in found


def test_judges_that_contradict_each_other(tmp_path: Path) -> None:
    found = said(tmp_path, {"noisy": noisy, "opposite": opposite})
    assert "Its agreement with opposite is alpha -0." in found["noisy"]
    assert "Of the right answers it calls 98.9% (" in found["noisy"]
    assert "Not shown to be worth any price" in found["opposite"]
    assert "agrees" not in found["noisy"] + found["opposite"]


def test_the_nearest_of_several_judges(tmp_path: Path) -> None:
    found = said(tmp_path, {"noisy": noisy, "exact": exact, "opposite": opposite})
    assert "Its agreement is highest with noisy: alpha 0.8" in found["exact"]


def test_a_judge_without_a_price(tmp_path: Path) -> None:
    found = said(tmp_path, {"exact": exact}, costs={"exact": 0.0})["exact"]
    assert "Worth its price where a label costs more than USD 0. A judged answer costs USD 0." in found


def test_answers_that_nothing_corrects_are_counted(tmp_path: Path) -> None:
    rows = judged_rows({"noisy": noisy}, queries=60)
    for row in rows:
        if row["llm"] == "gamma-9b":
            row["performance"] = None
    report = judge_report(made_up_release(tmp_path, rows))
    assert any("without 60 answers, which no label" in line for line in report.lines())
    assert "60 left out, which no label of their candidate in their task corrects" in report.to_html()
