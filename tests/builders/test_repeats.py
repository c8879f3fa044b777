"""Several answers of a candidate to a query in one input: numbered where the log states no replicate."""

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.build import build
from llmfusionbench.cli.main import run
from llmfusionbench.errors import RejectedError
from llmfusionbench.release import Release
from tests.helpers.reading import write_lines

Row = dict[str, Any]


def made(folder: Path, *rows: Row, **settings: Any) -> tuple[Release, list[Row]]:
    path = write_lines(folder / "log.jsonl", [{"prompt": "3+4?", "llm": "x", **row} for row in rows])
    release = build("table", [path], folder / "out", workers=1, overwrite=True, **settings)
    return release, release.table("responses").to_table().to_pylist()


def test_answers_that_differ_are_replicates_in_reading_order(tmp_path: Path) -> None:
    release, rows = made(tmp_path, *({"response": r, "performance": p} for r, p in (("8", 0), ("7", 1), ("7", 1))))
    assert [(r["replicate"], r["response"], r["performance"]) for r in rows] == [(0, "8", 0), (1, "7", 1), (2, "7", 1)]
    assert release.manifest["records"] == {"taken": 3, "folded": 0, "rejected": 0}
    assert release.routing().performance[0, 0] == pytest.approx(2 / 3)


def test_scores_without_texts_are_replicates_too(tmp_path: Path) -> None:
    _, rows = made(tmp_path, {"performance": 0}, {"performance": 1}, {"performance": 1})
    assert [r["performance"] for r in rows] == [0, 1, 1]


def test_records_that_agree_are_one_answer_and_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"response": "7", "performance": 1}
    release, rows = made(tmp_path, one, one, one)
    assert len(rows) == 1
    assert release.manifest["records"] == {"taken": 1, "folded": 2, "rejected": 0}
    with pytest.raises(RejectedError) as caught:
        made(tmp_path, one, one, one, strict=True)
    assert str(caught.value) == (
        "Found 2 records that say the same as an earlier one (strict was asked for):\n"
        "  log.jsonl record 1\n  log.jsonl record 2\n"
        "Remedy: drop the repeated records, or number several answers in replicate"
    )
    assert run(["build", "table", str(tmp_path / "log.jsonl"), "--out", str(tmp_path / "out"), "--overwrite"]) == 0
    assert "Folded 2 records that say the same as an earlier one." in capsys.readouterr().out


def test_the_same_text_with_another_score_asks_for_a_choice(tmp_path: Path) -> None:
    rows = [{"response": "It is 7.", "performance": p, "filter": f} for p, f in ((0, "strict"), (1, "loose"))]
    with pytest.raises(RejectedError) as caught:
        made(tmp_path, *rows)
    assert "has another performance for the query (choose one kind of score with --where COLUMN=VALUE" in str(caught.value)
    assert 'filter is not read and has 2 values ("loose", "strict")' in str(caught.value)
    _, kept = made(tmp_path, *rows, options={"where": {"filter": "loose"}})
    assert [r["performance"] for r in kept] == [1]


def test_a_few_answers_with_two_scores_are_rejected(tmp_path: Path) -> None:
    rows = [{"prompt": f"{i}?", "response": "y", "performance": 1} for i in range(20)]
    release, kept = made(tmp_path, *rows, {"prompt": "3?", "response": "y", "performance": 0})
    assert len(kept) == 20
    assert release.manifest["rejected"] == 1


def test_verdicts_of_several_judges_belong_to_the_answers_that_they_judge(tmp_path: Path) -> None:
    said = [("r", "j", 0.5), ("r", "k", 0.25), ("s", "j", 1.0), ("s", "k", 0.75), ("s", "j", 0.0)]
    release, rows = made(tmp_path, *({"response": r, "judge": j, "judge_score": s} for r, j, s in said))
    assert [r["response"] for r in rows] == ["r", "s", "s"]
    scores = release.table("judge_scores").to_table().to_pylist()
    assert sorted((s["replicate"], s["judge"], s["score"]) for s in scores) == [
        (0, "j", 0.5), (0, "k", 0.25), (1, "j", 1.0), (1, "k", 0.75), (2, "j", 0.0)
    ]  # fmt: skip


def test_a_score_joins_the_answer_whose_text_it_names(tmp_path: Path) -> None:
    _, rows = made(
        tmp_path, {"response": "8"}, {"response": "7"}, {"response": "7", "performance": 1}, {"response": "8", "performance": 0}
    )
    assert [(r["response"], r["performance"]) for r in rows] == [("8", 0), ("7", 1)]


def test_stated_replicates_stay_and_the_others_come_after_them(tmp_path: Path) -> None:
    _, rows = made(tmp_path, {"response": "a", "replicate": 4}, {"response": "b"}, {"response": "c"})
    assert [(r["replicate"], r["response"]) for r in rows] == [(4, "a"), (5, "b"), (6, "c")]


def test_an_answer_without_a_number_beside_the_first_one(tmp_path: Path) -> None:
    _, rows = made(tmp_path, {"response": "7"}, {"response": "8", "replicate": 0})
    assert [(r["replicate"], r["response"]) for r in rows] == [(0, "8"), (1, "7")]
    _, rows = made(tmp_path, {"response": "7", "performance": 1}, {"response": "7", "replicate": 0})
    assert [(r["replicate"], r["response"], r["performance"]) for r in rows] == [(0, "7", 1)]


def test_other_sources_keep_their_rule(tmp_path: Path) -> None:
    _, rows = made(tmp_path, {"response": "a", "replicate": 0}, {"response": "b", "replicate": 1})
    release = build("release", [tmp_path / "out"], tmp_path / "again", workers=1)
    assert release.table("responses").to_table().to_pylist() == rows


def test_many_repeats_do_not_take_for_ever(tmp_path: Path) -> None:
    rows = [{"response": str(i), "performance": i % 2, "created_at": f"2026-01-01T00:00:{i % 60:02}"} for i in range(3_000)]
    release, _ = made(tmp_path, *rows, *rows[:10])
    assert release.manifest["records"]["taken"] == 3_010


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 1.0])), min_size=2, max_size=8))
def test_the_mean_over_answers_is_that_of_the_records(pairs: list[tuple[str, float]]) -> None:
    """Where each text has one score, and not all records agree."""
    import tempfile

    scores = dict(pairs)
    rows = [{"response": text, "performance": scores[text]} for text, _ in pairs]
    if len({text for text, _ in pairs}) < 2:
        return
    with tempfile.TemporaryDirectory() as folder:
        release, found = made(Path(folder), *rows)
        assert len(found) == len(rows)
        assert release.routing().performance[0, 0] == pytest.approx(fmean(row["performance"] for row in rows))
        assert json.loads((release.path / "manifest.json").read_text())["rejected"] == 0
