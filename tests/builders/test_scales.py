"""Scores on another scale than 0 to 1: a column is refused as a whole, or brought to 0..1 by a scale that is stated."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError, RejectedError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.parts import Parts, record
from tests.helpers.reading import real_logs, write_lines

MAP = {"prompt": "ask", "llm": "who", "performance": "grade"}


def graded(grades: list[Any], **more: Any) -> list[dict[str, Any]]:
    return [{"ask": f"Is {i} odd?", "who": "tiny", "grade": grade, **more} for i, grade in enumerate(grades)]


def scores(release: Release, column: str = "performance") -> list[Any]:
    return [row[column] for row in sorted(release.table("logs").to_table().to_pylist(), key=lambda row: row["prompt"])]


def refusal(folder: Path, grades: list[Any], **options: Any) -> str:
    """What a build of a table of grades says, which leaves nothing behind."""
    path = write_lines(folder / "in" / "grades.jsonl", graded(grades))
    with pytest.raises(InputError) as caught:
        build("table", [path], folder / "out", options={"map": MAP}, workers=1, **options)
    assert [p.name for p in folder.iterdir()] == ["in"]
    return str(caught.value)


@pytest.mark.parametrize(
    ("grades", "facts", "remedy"),
    [
        ([7, 1, 10], "3 values from 1 to 10, of which 2 are outside", "1:10, or divide it with --map performance=grade/10"),
        (
            [0, 55, 100, None],
            "3 values from 0 to 100, of which 2 are outside",
            "0:100, or divide it with --map performance=grade/100",
        ),
        ([-1, -0.5, 1], "3 values from -1 to 1, of which 2 are outside", "-1:1"),
        ([5, 4, 1, 2], "4 values from 1 to 5, of which 3 are outside", "1:5, or divide it with --map performance=grade/5"),
        (
            [-1, 3, 5],
            "3 values from -1 to 5",
            "1:5, or divide it with --map performance=grade/5; first leave out the values -1",
        ),
        (["-40", "12.5", ""], "2 values from -40 to 12.5", "-40:40"),
        ([0, 1432], "2 values from 0 to 1432", "0:1432, or"),
    ],
)
def test_a_column_on_another_scale_is_refused_as_a_whole(tmp_path: Path, grades: list[Any], facts: str, remedy: str) -> None:
    said = refusal(tmp_path, grades)
    assert said.startswith(f"grades.jsonl: grade (performance) has {facts}")
    assert f"Remedy: state its scale with --scale performance={remedy}" in said
    assert "\n" not in said


def test_one_stray_is_the_same_error_and_is_found_wherever_it_stands(tmp_path: Path) -> None:
    said = refusal(tmp_path, [0.5] * 9_000 + [1.2] + [1.0] * 999)
    assert "has 10,000 values from 0.5 to 1.2, of which 1 is outside 0 to 1, the scale of a score" in said
    assert "(the first: record 9000 is 1.2)" in said
    assert "Remedy: correct the values outside, or state its scale" in said


def test_every_column_of_every_file_is_named(tmp_path: Path) -> None:
    paths = [
        write_lines(tmp_path / f"{name}.jsonl", graded([2, 3], judge="j", judge_score=score))
        for name, score in (("a", 1), ("b", 4))
    ]
    with pytest.raises(InputError) as caught:
        build("table", paths, tmp_path / "out", options={"map": MAP}, workers=1)
    lines = str(caught.value).split("\n  ")
    assert lines[0] == "Found 3 columns that cannot be taken:"
    assert [line.partition(" has ")[0] for line in lines[1:]] == [
        "a.jsonl: grade (performance)", "b.jsonl: grade (performance)", "b.jsonl: judge_score",
    ]  # fmt: skip


def test_rounding_is_no_other_scale(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "grades.jsonl", graded([1.0000000000000002, -1e-17, 0.3]))
    release = build("table", [path], tmp_path / "out", options={"map": MAP}, workers=1)
    assert scores(release) == [1.0, 0.0, 0.3]


def test_a_call_that_failed_has_no_score_whatever_stands_for_it(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "grades.jsonl", [*graded([1, 0]), {"ask": "Z?", "who": "tiny", "grade": -1, "status": "error"}]
    )
    assert scores(build("table", [path], tmp_path / "out", options={"map": MAP}, workers=1)) == [1.0, 0.0, None]


@pytest.mark.parametrize("grades", [[-1, 0.5, 1], [0, -1], [-1], [-1, 1, None]])
def test_minus_1_below_no_other_negative_score_is_a_failure(tmp_path: Path, grades: list[Any]) -> None:
    said = refusal(tmp_path, grades)
    assert "Remedy: leave out the values -1, if they stand for calls or judgements that failed: drop these records" in said
    assert "-1:1" not in said


@pytest.mark.parametrize("status", ["empty", "error", "missing", "Error", " EMPTY "])
@pytest.mark.parametrize("scale", [None, (0, 1), (0, 5)])
def test_what_stands_for_no_score_beside_a_status(tmp_path: Path, status: str, scale: Any) -> None:
    failed = {"ask": "Z?", "who": "tiny", "grade": -1, "judge": "j", "judge_score": -1, "status": status}
    path = write_lines(tmp_path / "grades.jsonl", [*graded([0, 0.5, 1], judge="j", judge_score=0.5), failed])
    scales = None if scale is None else {"performance": scale, "judge_score": scale}
    release = build("table", [path], tmp_path / "out", options={"map": MAP}, scale=scales, workers=1)
    top = 1 if scale is None else scale[1]
    assert scores(release) == [0.0, 0.5 / top, 1 / top, None]
    assert scores(release, "judge_score") == [0.5 / top] * 3 + [None]
    assert scores(release, "status")[-1] == status.strip().lower()
    assert release.manifest["rejected"] == 0


def test_an_empty_answer_keeps_a_score_on_the_scale(tmp_path: Path) -> None:
    rows = [*graded([5, 3]), {"ask": "Z?", "who": "tiny", "grade": 1, "status": "empty"}]
    path = write_lines(tmp_path / "grades.jsonl", rows)
    release = build("table", [path], tmp_path / "out", options={"map": MAP}, scale={"performance": (1, 5)}, workers=1)
    assert scores(release) == [1.0, 0.5, 0.0]


def test_minus_1_on_a_stated_scale(tmp_path: Path) -> None:
    said = refusal(tmp_path, [-1, 3, 5], scale={"performance": (1, 5)})
    assert said.endswith(
        "or the scale; leave out the values -1, if they stand for calls or judgements that failed: "
        "drop these records, or make the values null"
    )


def test_the_rule_holds_for_any_source(tmp_path: Path) -> None:
    rows = [record(performance=80.0), record(prompt="2+2?", row=1, performance=10.0)]
    with pytest.raises(InputError, match=r"f: performance has 2 values from 10 to 80(?s:.*)--scale performance=0:100$"):
        build(Parts(rows), [], tmp_path / "r", workers=1)
    release = build(Parts(rows), [], tmp_path / "r", scale={"performance": (0, 100)}, workers=1)
    assert sorted(scores(release)) == [0.1, 0.8]


# --- a stated scale


def test_a_stated_scale_maps_its_ends_to_0_and_1(tmp_path: Path) -> None:
    rows = graded([None] * 3, judge="j")
    for row, score in zip(rows, (1, 5.5, 10), strict=True):
        row |= {"judge_score": score, "judge_distribution": [{"score": score, "probability": 1.0}]}
    path = write_lines(tmp_path / "grades.jsonl", rows)
    release = build("table", [path], tmp_path / "out", options={"map": MAP}, scale={"judge_score": (1, 10)}, workers=1)
    assert scores(release, "judge_score") == [0.0, 0.5, 1.0]
    judged = release.table("judge_scores").to_table().to_pylist()
    assert {row["rubric"] for row in judged} == {"1 to 10, mapped to 0 to 1"}
    assert all(row["distribution"] == [{"score": row["score"], "probability": 1.0}] for row in judged)
    assert release.manifest["source"]["options"]["scale"] == {"judge_score": [1.0, 10.0]}


def test_any_scale_keeps_the_order_of_the_scores(tmp_path: Path) -> None:
    random.seed(0)
    for number in range(5):
        low = random.uniform(-50, 50)
        high = low + random.uniform(0.1, 90)
        grades = [low, high, *(random.uniform(low, high) for _ in range(20))]
        path = write_lines(tmp_path / "grades.jsonl", graded(grades))
        found = scores(
            build("table", [path], tmp_path / str(number), options={"map": MAP}, scale={"performance": (low, high)}, workers=1)
        )
        by_prompt = [grade for _, grade in sorted((f"Is {i} odd?", grade) for i, grade in enumerate(grades))]
        assert found == pytest.approx([(grade - low) / (high - low) for grade in by_prompt])
        assert min(found) == 0.0
        assert max(found) == 1.0


def test_a_value_outside_the_stated_scale_is_named_with_its_place(tmp_path: Path) -> None:
    assert refusal(tmp_path, [3, 10, 11, 0], scale={"performance": (1, 10)}) == (
        "grades.jsonl: grade (performance) of record 2 is 11, expected 1 to 10 as --scale states; of 4 values from 0 to 11, "
        "2 are outside. Remedy: correct the values, or the scale"
    )


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"performance": (10, 1)}, "the scale of performance is 10 to 1, expected two finite numbers, the lower one first"),
        ({"performance": (1, 1)}, "the scale of performance is 1 to 1, expected two finite"),
        ({"performance": (0, float("inf"))}, "expected two finite numbers"),
        ({"performance": 10}, "the scale of performance is 10, expected two numbers, its lowest and its highest"),
        ({"performance": ("low", "high")}, "expected two numbers"),
        ({"performance": "15"}, 'the scale of performance is "15", expected two numbers'),
        ({"performance": b"15"}, "expected two numbers"),
        ({"performance": ("1", "5")}, "expected two numbers"),
        ({"performance": {1: 2, 5: 6}}, "expected two numbers"),
        ({"performance": (-1e308, 1e308)}, "expected two finite numbers, the lower one first, and a finite difference"),
        (
            {"judge_score": (1, 10)},
            "--scale judge_score: the files have no judge_score on a scale of their own. Remedy: drop it",
        ),
    ],
)
def test_scales_that_are_none(tmp_path: Path, scale: Any, message: str) -> None:
    assert message in refusal(tmp_path, [0.5], scale=scale)


def test_a_scale_of_a_column_without_scores(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'No column of scores "score"\. Did you mean "judge_score"\?'):
        build("table", [], tmp_path / "out", scale={"score": (1, 10)})


def test_scale_and_map_of_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_lines(tmp_path / "grades.jsonl", graded([1, 7, 10])))
    command = ["build", "table", path, "--out", str(tmp_path / "out"), "--overwrite", "--map", "prompt=ask", "--map", "llm=who"]
    assert run([*command, "--map", "performance=grade"]) == 1
    assert "state its scale with --scale performance=1:10" in capsys.readouterr().err
    assert run([*command, "--map", "performance=grade", "--scale", "performance=1:10"]) == 0
    assert scores(Release(tmp_path / "out")) == [0.0, pytest.approx(6 / 9), 1.0]
    assert run([*command, "--map", "performance=grade/10"]) == 0
    assert scores(Release(tmp_path / "out")) == [0.1, 0.7, 1.0]
    assert "Note: grades.jsonl: grade is taken as performance, divided by 10." in capsys.readouterr().out
    for given in ("performance", "performance=1", "performance=a:b", "performance=1:1_0", "performance=:"):
        assert run([*command, "--scale", given]) == 2
        assert "--scale" in capsys.readouterr().err


# --- formats that have a scale of their own


def test_labels_on_another_scale(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("prompt_id,model_name,category,prompt,label\n1,a,c,One?,90\n2,a,c,Two?,1\n3,a,c,Three?,0\n")
    with pytest.raises(InputError, match=r"labels.csv: label \(performance\) has 3 values from 0 to 90, of which 1 is outside"):
        build("embedllm", [path], tmp_path / "out", workers=1)
    assert scores(build("embedllm", [path], tmp_path / "out", scale={"performance": (0, 100)}, workers=1)) == [0.9, 0.0, 0.01]


def test_wildbench_of_another_scale(tmp_path: Path) -> None:
    answers = [{"session_id": f"s{i}", "model_output": "Yes.", "score": str(score)} for i, score in enumerate((40, 75, 9))]
    (tmp_path / "tiny.json").write_text(json.dumps(answers))
    with pytest.raises(
        InputError, match="score has 3 values from 9 to 75, of which 2 are outside 1 to 10, the scale of WB-Score"
    ):
        build("wildbench", [tmp_path / "tiny.json"], tmp_path / "out", options={"judge": "j"}, workers=1)


# --- MT-Bench's judgements of single answers


def judgement(question: int, score: float, turn: int = 1, judge: str = "single-v1") -> dict[str, Any]:
    names = {"question_id": question, "model": "tiny", "judge": ["big", judge]}
    return {**names, "judgment": f"Rating: [[{score}]]", "score": score, "turn": turn, "tstamp": 1.7e9}


def test_mt_bench_needs_no_mapping_but_a_scale(tmp_path: Path) -> None:
    rows = [judgement(1, 10), judgement(1, 4, 2, "single-v1-multi-turn"), judgement(2, 1), judgement(3, -1)]
    path = write_lines(tmp_path / "single.jsonl", rows)
    with pytest.raises(InputError, match=r"score \(judge_score\) has 3 values from 1 to 10(?s:.*)--scale judge_score=1:10"):
        build("table", [path], tmp_path / "out", workers=1)
    release = build("table", [path], tmp_path / "out", scale={"judge_score": (1, 10)}, workers=1)
    queries = {row["query_id"]: row for row in release.table("queries").to_table().to_pylist()}
    found = sorted(
        (queries[row["query_id"]]["source_id"], row["judge"], row["score"], row["opponent"])
        for row in release.table("judge_scores").to_table().to_pylist()
    )
    assert found == [
        ("1", "big/single-v1", 1.0, None),
        ("1-turn-2", "big/single-v1-multi-turn", pytest.approx(3 / 9), None),
        ("2", "big/single-v1", 0.0, None),
        ("3", "big/single-v1", None, None),
    ]
    assert {(row["task"], row["metric"]) for row in queries.values()} == {("mt_bench", "judge")}
    assert release.manifest["source"]["notes"] == [
        "single.jsonl: score is -1 in 1 record, where the judge gave none: taken as null"
    ]


def test_records_that_are_refused_are_named_before_the_scale(tmp_path: Path) -> None:
    scale = {"judge_score": (1, 10)}
    path = write_lines(tmp_path / "single.jsonl", [{**judgement(1, 5), "score": [5]}])
    with pytest.raises(RejectedError, match=r'score \(judge_score\) is "\[5\]", expected a number'):
        build("table", [path], tmp_path / "out", scale=scale, workers=1)
    path = write_lines(tmp_path / "single.jsonl", [{**judgement(1, 5), "score": [5]}, judgement(2, -1)])
    release = build("table", [path], tmp_path / "out", scale=scale, workers=1)
    assert release.table("judge_scores").to_table()["score"].to_pylist() == [None]
    assert release.manifest["rejected"] == 1


def test_mt_bench_with_a_mapping_of_the_user(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "single.jsonl", [judgement(1, 10), judgement(2, 1)])
    mapping = {"judge_score": "score/10", "judge": "=me", "task": "=chat"}
    release = build("table", [path], tmp_path / "out", options={"map": mapping}, workers=1)
    rows = release.table("judge_scores").to_table().to_pylist()
    assert sorted((row["judge"], row["score"]) for row in rows) == [("me", 0.1), ("me", 1.0)]
    with pytest.raises(InputError, match=r"score \(performance\) has 2 values from 1 to 10"):
        build(
            "table",
            [path],
            tmp_path / "no",
            options={"map": {"source_id": "question_id", "llm": "model", "performance": "score"}},
        )


def test_real_judgements_of_mt_bench(tmp_path: Path) -> None:
    (path,) = real_logs("formats/mt_bench/*_single.jsonl.gz")
    with pytest.raises(InputError, match=r"score \(judge_score\) has 319 values from 1 to 10, of which 316 are outside 0 to 1"):
        build("table", [path], tmp_path / "out", workers=1)
    release = build("table", [path], tmp_path / "out", scale={"judge_score": (1, 10)}, workers=1)
    given = [row["score"] for row in release.table("judge_scores").to_table().to_pylist()]
    assert (len(given), given.count(None), given.count(1.0), given.count(0.0)) == (320, 1, 164, 3)
    assert release.manifest["rejected"] == 0
