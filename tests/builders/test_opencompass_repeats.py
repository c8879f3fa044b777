"""Details of OpenCompass that hold one detail for each repeat of a record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.opencompass import OpenCompass
from llmfusionbench.release import open_release
from tests.helpers.command import Command
from tests.helpers.reading import Read, read, write_json

QUESTIONS = ("1+1?", "2+1?", "3+1?")
RIGHT = ((True, False), (True, True), (False, False))
"""By question and repeat."""
TEXTS = (("It is 2.", "No."), ("It is 3.", "3"), ("Five.", "5"))
TOGETHER = [(q, r) for r in range(2) for q in range(3)]
"""The whole dataset, and then again."""
APART = [(q, r) for q in range(3) for r in range(2)]
"""Each question twice."""
SCORED = sorted((QUESTIONS[q], TEXTS[q][r], float(RIGHT[q][r])) for q, r in APART)


def predictions(root: Path, places: Sequence[tuple[int, int]]) -> Path:
    rows = [{"origin_prompt": QUESTIONS[q], "prediction": TEXTS[q][r], "gold": "2"} for q, r in places]
    return write_json(root / "predictions" / "m" / "sums.json", {str(i): row for i, row in enumerate(rows)})


def results(root: Path, details: Any, **stated: Any) -> Path:
    return write_json(root / "results" / "m" / "sums.json", {**stated, "details": details})


def evaluated_apart(**more: Any) -> list[dict[str, Any]]:
    """Details of an evaluator that evaluated one repeat after the other, with what it took of the answers."""
    return [
        {
            "predictions": [{"pred": "2", "answer": "2", "correct": flag} for flag in flags],
            "example_abbr": f"sums_{q}",
            "G-Pass@2_0.0": 1.0,
            **more,
        }
        for q, flags in enumerate(RIGHT)
    ]


def of_g_pass(order: Sequence[int] = (0, 1)) -> list[dict[str, Any]]:
    """Details of `GPassKEvaluator`, with whole answers."""
    return [
        {
            "question": QUESTIONS[q],
            "subdivision": "sums",
            "idx": str(q),
            "predictions": [{"prediction": TEXTS[q][r], "label": RIGHT[q][r]} for r in order],
            "G-Pass@2_0.0": 1.0,
            "mG-Pass@2": 0.5,
        }
        for q in range(3)
    ]


def scored(found: Read) -> list[tuple[Any, ...]]:
    return sorted((row["prompt"], row["response"], row["performance"]) for row in found.rows)


@pytest.mark.parametrize("places", [TOGETHER, APART])
@pytest.mark.parametrize("details", [evaluated_apart(), of_g_pass(), of_g_pass((1, 0))])
def test_each_detail_scores_its_repeat(tmp_path: Path, places: Any, details: Any) -> None:
    results(tmp_path, details, **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), predictions(tmp_path, places))
    assert scored(found) == SCORED
    assert [(row["source_id"], row["replicate"]) for row in found.rows] == [(str(q), r) for q, r in places]
    assert found.column("metric") == ["correct"] * 6
    assert found.notes == []


def test_a_label_is_read_by_its_own_name(tmp_path: Path) -> None:
    results(tmp_path, of_g_pass(), **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(metric="label"), predictions(tmp_path, APART))
    assert scored(found) == SCORED
    assert found.column("metric") == ["label"] * 6


def test_details_in_another_order_than_the_records(tmp_path: Path) -> None:
    results(tmp_path, evaluated_apart()[::-1], n=1)
    assert scored(read(OpenCompass(), predictions(tmp_path, TOGETHER))) == SCORED


def test_details_of_one_repeat(tmp_path: Path) -> None:
    details = [
        {"predictions": [{"pred": "2", "correct": flag}], "example_abbr": f"sums_{q}"} for q, (flag, _) in enumerate(RIGHT)
    ]
    results(tmp_path, details, accuracy=66.67)
    found = read(OpenCompass(), predictions(tmp_path, TOGETHER[:3]))
    assert [(row["replicate"], row["performance"]) for row in found.rows] == [(None, 1.0), (None, 1.0), (None, 0.0)]
    assert found.notes == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_records_with_all_answers_to_a_question(tmp_path: Path, order: Sequence[int]) -> None:
    rows = {str(q): {"origin_prompt": QUESTIONS[q], "prediction": list(TEXTS[q]), "gold": "2"} for q in range(3)}
    path = write_json(tmp_path / "predictions" / "m" / "sums.json", rows)
    results(tmp_path, of_g_pass(order), **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), path)
    assert scored(found) == SCORED
    assert found.column("replicate") == [0, 1] * 3
    assert found.notes == []


def test_replies_of_a_judge_by_repeat(tmp_path: Path) -> None:
    details = [
        {"predictions": [{"origin_prompt": [], "prediction": "AB"[not flag]} for flag in flags], "example_abbr": f"sums_{q}"}
        for q, flags in enumerate(RIGHT)
    ]
    results(tmp_path, details, **{"accuracy (2 runs average)": 50.0})
    found = read(OpenCompass(), predictions(tmp_path, TOGETHER))
    assert scored(found) == SCORED
    assert found.notes == []


def test_the_mean_of_repeats_is_compared_with_what_is_stated(tmp_path: Path) -> None:
    results(tmp_path, evaluated_apart(), **{"accuracy (2 runs average)": 90.0})
    found = read(OpenCompass(), predictions(tmp_path, TOGETHER))
    assert found.notes == ["the mean of correct in the file is 0.5, and its results state 0.9"]


def test_another_number_of_records_than_of_details(tmp_path: Path) -> None:
    results(tmp_path, of_g_pass(), **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), predictions(tmp_path, APART[:5]))
    assert found.column("performance") == [None] * 5
    assert found.notes[0] == (
        "its details hold 2 repeats of 3 records, which are not the 5 predictions of the file, so its answers get no score"
    )


def test_records_that_repeat_no_question(tmp_path: Path) -> None:
    rows = {str(i): {"origin_prompt": f"{i}?", "prediction": "2"} for i in range(6)}
    path = write_json(tmp_path / "predictions" / "m" / "sums.json", rows)
    results(tmp_path, of_g_pass(), **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), path)
    assert found.column("performance") == [None] * 6
    assert "not the 6 predictions of the file" in found.notes[0]


def test_details_with_other_numbers_of_repeats(tmp_path: Path) -> None:
    details = of_g_pass()
    details[1]["predictions"].pop()
    results(tmp_path, details, **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), predictions(tmp_path, APART))
    assert found.column("performance") == [None] * 6
    assert found.notes[0] == "its details hold more repeats of some records than of others, so its answers get no score"


def test_details_of_other_predictions(tmp_path: Path) -> None:
    details = of_g_pass((1, 0))
    details[0]["predictions"][1]["prediction"] = "It is 7."
    results(tmp_path, details, **{"G-Pass@2_0.0": 100.0})
    found = read(OpenCompass(), predictions(tmp_path, APART))
    assert found.column("performance") == [None, None, 1.0, 1.0, 0.0, 0.0]
    assert found.notes[0] == "the details of 2 records are of other predictions: taken as null"


def test_the_scores_of_repeats_in_a_release(tmp_path: Path, lfb: Command) -> None:
    predictions(tmp_path / "in", APART)
    results(tmp_path / "in", of_g_pass((1, 0)), **{"G-Pass@2_0.0": 100.0})
    status, output, errors = lfb("build", "opencompass", tmp_path / "in", "--out", tmp_path / "out")
    assert status == 0, output + errors
    release = open_release(tmp_path / "out")
    prompts = {row["query_id"]: row["prompt"] for row in release.rows("queries").to_pylist()}
    logs = release.table("responses").to_table().to_pylist()
    assert sorted((prompts[row["query_id"]], row["response"], row["performance"]) for row in logs) == SCORED
