"""Ground truths that are whole numbers, from the log to the score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build, rescore
from llmfusionbench.builders.making.indices import Numbers
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.scoring.metrics.em_mc import MAY_BE_INDEX
from tests.helpers.parts import Parts, record
from tests.helpers.reading import write_json

SHAPES = ["cube", "cone", "ring", "disc"]


def queries(*truths: str | None, choices: Any = SHAPES, task: str = "shapes", **change: Any) -> list[dict[str, Any]]:
    """One answer, C, to a question per truth."""
    options = choices if isinstance(choices, list) and choices and isinstance(choices[0], list) else [choices] * len(truths)
    return [
        record(row=i, task=task, prompt=f"{task} {i}?", ground_truth=t, choices=c, metric="em_mc", response="C", **change)
        for i, (t, c) in enumerate(zip(truths, options, strict=True))
    ]


def built(out: Path, *parts: list[dict[str, Any]], **options: Any) -> lfb.Release:
    release = build(Parts(*parts), [], out, options=options)
    assert lfb.validate(out) == []
    return release


def truths_of(release: lfb.Release, task: str = "shapes") -> list[str]:
    rows = release.table("queries").to_table().to_pylist()
    return [r["ground_truth"] for r in sorted(rows, key=lambda r: r["prompt"]) if r["task"] == task]


def warnings_of(release: lfb.Release) -> list[str]:
    found: list[str] = release.manifest.get("warnings", [])
    return found


@pytest.mark.parametrize(
    ("given", "stored", "said"),
    [
        (["0", "2", "1"], ["A", "C", "B"], "0-based indices; read as letters"),
        (["1", "4", "2"], ["A", "D", "B"], "1-based indices; read as letters"),
        (["1.0", "4.0", "2.0"], ["A", "D", "B"], "1-based indices"),
        (['["0"]', '["3"]', "1"], ["A", "D", "B"], "0-based indices"),
        (["[0]", "[ 3 ]", "[1.0]"], ["A", "D", "B"], "0-based indices"),
        (["[1]", "[3]", "[2]"], ["[1]", "[3]", "[2]"], "may count the options from 0 or from 1"),
        (["[0, 1]", "[1, 2]"], ["[0, 1]", "[1, 2]"], None),
        (["1", "3", "2"], ["1", "3", "2"], "may count the options from 0 or from 1"),
        (["0", "4", "2"], ["0", "4", "2"], "counted neither from 0 nor from 1"),
        (["0", "9", "2"], ["0", "9", "2"], "counted neither from 0 nor from 1"),
        (["0", "-1", "2"], ["A", "-1", "C"], "0-based indices"),  # -1: a query without a label
        (["0", None, "2"], ["A", None, "C"], "0-based indices"),
        (["A", "4", "C"], ["A", "D", "C"], "1-based indices"),  # some queries have numbers as labels
        (["A", "B", "C"], ["A", "B", "C"], None),
        (["cube", "ring", "disc"], ["cube", "ring", "disc"], None),
        (["-1", "-1", "-1"], ["-1", "-1", "-1"], None),
    ],
)
def test_the_truths_of_a_task_show_what_they_count(
    tmp_path: Path, given: list[str | None], stored: list[str | None], said: str | None
) -> None:
    release = built(tmp_path / "r", queries(*given))
    assert truths_of(release) == stored
    assert [said is not None and said in words for words in warnings_of(release)] == ([True] if said else [])


def test_each_task_by_itself(tmp_path: Path) -> None:
    parts = [queries("0", "1", task="a"), queries("4", "1", task="b"), queries("2", "3", task="c"), queries("0", "3", task="d")]
    release = built(tmp_path / "r", *parts)
    assert [truths_of(release, task) for task in "abcd"] == [["A", "B"], ["D", "A"], ["2", "3"], ["A", "D"]]
    assert [words.partition(":")[0] for words in warnings_of(release)] == ["task c", "tasks a, d", "task b"]


def test_numbers_that_are_texts_of_options(tmp_path: Path) -> None:
    sizes = ["1", "2", "3", "4"]
    release = built(tmp_path / "texts", queries("3", "4", "1", choices=sizes))
    assert truths_of(release) == ["3", "4", "1"]
    assert "read as texts" in warnings_of(release)[0]
    assert rescore(release, tmp_path / "scored", workers=1).tasks[0].after.mean == pytest.approx(1 / 3)
    mixed = built(tmp_path / "mixed", queries("0", "3", "1", choices=[SHAPES, sizes, SHAPES]))
    assert truths_of(mixed) == ["A", "D", "B"]


@pytest.mark.parametrize(("count", "stored"), [(99, "1"), (100, "A")])
def test_many_truths_without_a_0_are_counted_from_1(tmp_path: Path, count: int, stored: str) -> None:
    release = built(tmp_path / "r", queries(*["1", "2", "3", "4", "5"] * (count // 5), *["2"] * (count % 5), choices=None))
    assert min(truths_of(release)) == stored


def test_one_wrong_truth_among_many_does_not_decide(tmp_path: Path) -> None:
    release = built(tmp_path / "r", queries(*["0", "1", "2", "3"] * 50, "7"))
    assert sorted(set(truths_of(release))) == ["7", "A", "B", "C", "D"]
    report = rescore(release, tmp_path / "scored", workers=1)
    assert (report.tasks[0].after.scored, report.tasks[0].after.mean) == (200, 0.25)
    assert list(report.missing["em_mc"].values()) == [1]


def test_options_may_stand_in_another_record(tmp_path: Path) -> None:
    answers = queries("1", "2", "4", choices=None)
    alone = [{**row, "choices": SHAPES, "llm": None, "response": None, "row": 10 + row["row"]} for row in answers]
    assert truths_of(built(tmp_path / "r", answers, alone)) == ["A", "B", "D"]
    assert truths_of(built(tmp_path / "s", alone, answers)) == ["A", "B", "D"]


@pytest.mark.parametrize(
    ("truth", "stored"),
    [("index0", ["B", "D", "C"]), ("index1", ["A", "C", "B"]), ("letter", ["1", "3", "2"]), ("text", ["1", "3", "2"])],
)
def test_the_option_states_it(tmp_path: Path, truth: str, stored: list[str]) -> None:
    release = built(tmp_path / "r", queries("1", "3", "2"), truth=truth)
    assert truths_of(release) == stored
    said = ["truth=text is stated, but 3 ground truths are whole numbers that no option has as its text"]
    assert [words.partition(";")[0] for words in warnings_of(release)] == (said if truth == "text" else [])


def test_texts_that_look_like_letters(tmp_path: Path) -> None:
    release = built(tmp_path / "r", queries("B", "none of these", choices=["D", "B", "A", "none of these"]), truth="text")
    assert truths_of(release) == ["B", "D"]


def test_an_option_that_does_not_fit(tmp_path: Path) -> None:
    some = built(tmp_path / "some", queries("1", "4", "2"), truth="index0")
    assert truths_of(some) == ["B", "4", "C"]
    assert "does not fit the ground truths of 1 of 3 queries" in warnings_of(some)[0]
    none = built(tmp_path / "none", queries("A", "B"), truth="index0")
    assert "no query of the metric em_mc has a whole number" in warnings_of(none)[0]
    with pytest.raises(UnknownNameError, match=r'No value of the option truth "index9"\. Did you mean "index'):
        built(tmp_path / "no", queries("1"), truth="index9")


def test_other_metrics_keep_their_numbers(tmp_path: Path) -> None:
    rows = [{**row, "metric": "gsm8k"} for row in queries("0", "2")]
    release = built(tmp_path / "r", rows)
    assert (truths_of(release), warnings_of(release)) == (["0", "2"], [])


def test_a_release_that_holds_indices(tmp_path: Path) -> None:
    release = built(tmp_path / "r", queries("0", "2", "1"), truth="letter")
    report = rescore(release, tmp_path / "seen", workers=1)
    assert report.tasks[0].after.mean == pytest.approx(1 / 3)
    assert "task shapes: ground truths are 0-based indices; read as letters" in report.warnings
    assert report.release is not None
    assert report.release.manifest["history"][-1]["options"]["truths"] == {"shapes": "index0"}
    assert truths_of(report.release) == ["0", "2", "1"]
    stated = rescore(release, tmp_path / "stated", workers=1, truth="index1")
    assert (stated.tasks[0].after.scored, stated.tasks[0].after.mean) == (2, 0.0)
    other = rescore(release, tmp_path / "other", workers=1, truth="index1", metrics=["em"])
    assert other.warnings == ["truth=index1 has no effect: it is about the metric em_mc, which is not among the chosen metrics"]
    with pytest.raises(UnknownNameError, match="truth"):
        rescore(release, tmp_path / "no", workers=1, truth="numbers")


@pytest.mark.parametrize(("given", "options"), [(["0", "4", *"12301230"], {"truth": "index0"}), (["0", "4", *"1230" * 25], {})])
def test_an_index_out_of_range_is_not_counted_from_1_later(tmp_path: Path, given: list[str], options: dict[str, str]) -> None:
    """How a build has read a task holds for a re-scoring, which finds only the numbers that fitted nothing."""
    release = built(tmp_path / "r", queries(*given), **options)
    assert release.manifest["source"]["truths"] == (options.get("truth") or {"shapes": "index0"})
    report = rescore(release, tmp_path / "scored", workers=1)
    assert report.missing == {"em_mc": {MAY_BE_INDEX: 1}}
    assert not [words for words in report.warnings if "ground truths" in words and "indices" in words]
    assert report.tasks[0].after.scored == len(given) - 1


def test_options_that_only_the_prompt_lists(tmp_path: Path) -> None:
    """They tell what the truths count, and which option an answer in words is."""
    listed = "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", SHAPES, strict=True))
    rows = [
        row | {"prompt": f"Shape {i}?\n{listed}\nAnswer:", "response": SHAPES[2], "choices": None}
        for i, row in enumerate(queries("1", "4", "3"))
    ]
    release = built(tmp_path / "r", rows)
    assert "1-based indices" in warnings_of(release)[0]
    assert rescore(release, tmp_path / "scored", workers=1).tasks[0].after.mean == pytest.approx(1 / 3)


def test_a_truth_of_either_kind_scores_no_answer(tmp_path: Path) -> None:
    report = rescore(built(tmp_path / "r", queries("1", "3", "2")), tmp_path / "scored", workers=1)
    assert report.tasks[0].after.scored == 0
    assert report.missing == {"em_mc": {"the ground truth names no option; it may be an index, counted from 0 or from 1": 3}}


def test_tables_and_zeroeval_go_through_it(tmp_path: Path) -> None:
    row = {"prompt": "Which?", "choices": ["cube", "cone"], "ground_truth": 0, "llm": "a", "response": "A", "metric": "em_mc"}
    for truth in ([0], 0):
        rows = [row | {"task": "shapes", "ground_truth": truth}]
        table = build("table", [write_json(tmp_path / "shapes.json", rows)], tmp_path / "table", overwrite=True)
        assert truths_of(table) == ["A"]
    answer = {
        "session_id": "1", "chat_history": ["Which?"], "output": ["(A)"], "generator": "a", "dataset": "mmlu-redux",
        "choices": ["cube", "cone"], "correct_answer": 0,
    }  # fmt: skip
    logs = [write_json(tmp_path / "a.json", [answer])]
    zeroeval = build("zeroeval", logs, tmp_path / "zeroeval", options={"truth": "index0"})
    assert truths_of(zeroeval, "mmlu-redux") == ["A"]
    again = build("release", [tmp_path / "table"], tmp_path / "again", options={"truth": "letter"})
    assert truths_of(again) == ["A"]


def test_no_queries_no_readings() -> None:
    readings = Numbers().readings(None)
    assert (readings.tasks, readings.warnings) == ({}, ())


def test_options_that_are_numbers_with_a_sign(tmp_path: Path) -> None:
    release = built(tmp_path / "r", queries("[-4]", "[4]", "[4]", choices=["4", "-4", "2", "0"]), truth="text")
    assert truths_of(release) == ["B", "A", "A"]
    options = ["4", "-4", "2", "0"]
    assert [lfb.score("em_mc", reply, "[-4]", choices=options).value for reply in "BA"] == [1.0, 0.0]
