"""Samples of lm-evaluation-harness whose options are scored by their log-likelihood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.lm_eval import LmEval
from tests.helpers.lm_eval_log import choice, run, sample
from tests.helpers.reading import read


def test_options_that_are_scored(tmp_path: Path) -> None:
    found = read(LmEval(), run(tmp_path, [choice([-3.5, -9.0, -1.25], 2), choice([-1.0, -2.0, -3.0], " green", acc=0.0)]))
    assert [(r["prompt"], r["response"], r["ground_truth"], r["metric"], r["performance"]) for r in found.rows] == [
        ("What colour is grass?\nAnswer:", "green", "C", "em_mc", 1.0),
        ("What colour is grass?\nAnswer:", "red", "C", "em_mc", 0.0),
    ]
    assert found.rows[0]["choices"] == ["red", "blue", "green"]
    assert found.notes == ["performance is the metric acc; acc_norm is left out. --option metric=NAME chooses another one"]


def test_the_response_is_the_option_that_the_metric_means(tmp_path: Path) -> None:
    row = choice([-4.0, -6.0], 1, (" no", " certainly"), acc=0.0, acc_norm=1.0)
    assert read(LmEval(metric="acc_norm"), run(tmp_path, [row])).column("response") == ["certainly"]
    assert read(LmEval(), run(tmp_path, [row])).column("response") == ["no"]


def test_letters_stand_for_the_options_of_the_document(tmp_path: Path) -> None:
    doc = {"question": "Grass?", "choices": ["red", "green"], "answer": 1}
    found = read(LmEval(), run(tmp_path, [choice([-2.0, -1.0], "1", (" A", " B"), doc=doc)]))
    row = found.rows[0]
    assert (row["choices"], row["response"], row["ground_truth"]) == (["red", "green"], "B", "B")


def test_several_right_options_and_a_share_of_them(tmp_path: Path) -> None:
    found = read(LmEval(), run(tmp_path, [choice([-2.0, -1.0, -3.0], "[0, 2]", acc=0.4, acc_norm=0.1)]))
    row = found.rows[0]
    assert (row["ground_truth"], row["metric"], row["performance"]) == ('["A", "C"]', "acc", 0.4)


def test_options_without_the_question_are_not_options(tmp_path: Path) -> None:
    row = choice([-2.0, -1.0, -3.0], 0, acc_mutual_info=1.0, metrics=["acc_mutual_info"])
    row["arguments"] |= {f"gen_args_{i + 3}": {"arg_0": "", "arg_1": o} for i, o in enumerate((" red", " blue", " green"))}
    row["resps"] += [[["-8.0", "False"]], [["-1.0", "False"]], [["-3.0", "False"]]]
    found = read(LmEval(), run(tmp_path, [row]))
    assert (found.rows[0]["response"], found.rows[0]["choices"]) == ("red", ["red", "blue", "green"])


def test_options_within_the_question(tmp_path: Path) -> None:
    sent = [["The bag hid the box because the bag", " was big."], ["The bag hid the box because the box", " was big."]]
    row = choice([-1.0, -2.0], " was big.", acc=1.0, arguments=sent, resps=[[["-1.0", "True"]], [["-2.0", "False"]]])
    found = read(LmEval(), run(tmp_path, [row]))
    made = found.rows[0]
    assert made["prompt"] == "The bag hid the box because the _ was big."
    assert (made["choices"], made["response"], made["ground_truth"]) == (["bag", "box"], "bag", "A")


def test_a_single_continuation(tmp_path: Path) -> None:
    rows = [
        sample(i, arguments=[["The cat sat on the", " mat"]], resps=[[[-1.5, greedy]]], metrics=["acc"], acc=float(greedy))
        for i, greedy in enumerate((True, False))
    ]
    found = read(LmEval(), run(tmp_path, rows))
    assert [(r["response"], r["ground_truth"], r["performance"]) for r in found.rows] == [
        ("mat", "mat", 1.0),
        (None, "mat", 0.0),
    ]


NUMBERS = (" 2", " 0", " 3", " 1")


@pytest.mark.parametrize(
    ("rows", "truths"),
    [
        # Targets are places, as the scores show: the chosen option 3 is right by its place, 2.
        ([([-4, -3, -1, -2], "2", 1.0), ([-1, -2, -3, -4], "1", 0.0)], ["C", "B"]),
        # Targets are texts, as one of them shows that is no place.
        ([([-4, -3, -1, -2], "2", 0.0), ([-4, -3, -1, -2], "4", 0.0)], ["A", None]),
        # Targets are texts, as the scores show.
        ([([-1, -3, -4, -2], "2", 1.0), ([-4, -1, -2, -3], "0", 1.0)], ["A", "B"]),
    ],
)
def test_a_number_is_the_place_of_an_option_or_its_text(tmp_path: Path, rows: Any, truths: list[str]) -> None:
    samples = [choice(logs, target, NUMBERS, doc_id=i, acc=acc) for i, (logs, target, acc) in enumerate(rows)]
    assert read(LmEval(), run(tmp_path, samples)).column("ground_truth") == truths
