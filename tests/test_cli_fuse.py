"""`fuse` as it is used and misused."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.fusion import Vote, compare, read_answers
from llmfusionbench.cli.main import run
from tests.helpers.failing_release import QUERIES, failing_release
from tests.helpers.made_up_release import answer, made_up_release


def test_the_table_says_what_the_comparison_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["deepseek-r1", "gemma-2-9b-it", "qwen2.5-7b-instruct"]
    told = [part for name in names for part in ("--candidate", name)]
    assert run(["fuse", "sample", "--fusion", "vote", *told, "--out", str(tmp_path / "f.csv"), "--resamples", "50"]) == 0
    said = capsys.readouterr().out
    found = compare(read_answers(lfb.open_release("sample"), candidates=names), {"vote": Vote()}, resamples=50)
    assert "SIMULATED DATA" in said
    assert "440 queries" in said
    for i, name in enumerate(found.names):
        row = next(line for line in said.splitlines() if line.startswith(name)).split()
        assert f"{found.performance.mean[i]:.3f}" in row
        assert f"{found.gain.mean[i]:+.3f}" in row
    frame = pd.read_csv(tmp_path / "f.csv")
    assert frame["fusion"].tolist() == found.names
    assert frame["performance"].tolist() == pytest.approx(found.performance.mean.tolist())
    assert frame["calls"].tolist()[:2] == [3, 1]
    assert set(frame["provenance"]) == {"simulated"}


def test_json_and_the_number_of_members(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuse", "sample", "--split", "test", "--top", "3", "--size", "4", "--json", "--resamples", "20"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["provenance"] == ["simulated"]
    assert found["queries"] == 88
    assert [(row["fusion"], row["calls"]) for row in found["fusions"]] == [
        ("vote", 3), ("weighted_vote", 3), ("topla", 4), ("best_single", 1), ("oracle", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fusion", "vot"], 'Did you mean "vote"?'),
        (["--candidate", "nobody"], 'No candidate "nobody"'),
        (["--candidate", "deepseek-r1"], "1 candidate to ask, expected two or more"),
        (["--candidate", "deepseek-r1"] * 2, 'candidate "deepseek-r1" is named twice'),
        (["--folds", "1"], "folds is 1, expected 2 to 440"),
        (["--split", "tset"], 'Did you mean "test"?'),
        (["--top", "99"], "top is 99, expected 1 to 40"),
    ],
)
def test_mistakes_are_one_line(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuse", "sample", "--out", str(tmp_path / "f.csv"), *options]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("failures", "worth"), [("zero", "0"), ("missing", "missing")])
def test_failures_are_named_in_the_table_the_json_and_the_file(
    failures: str, worth: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, lost = str(failing_release(tmp_path / "log").path), round(0.7 * QUERIES)
    asked = ["fuse", place, "--fusion", "vote", "--failures", failures, "--resamples", "20"]
    assert run([*asked, "--out", str(tmp_path / "f.csv")]) == 0
    said = capsys.readouterr().out
    assert f"Note: {lost} of {2 * QUERIES} tested answers failed and count as {worth} (--failures)" in said
    assert ("oracle there" in said) == (failures == "missing"), "only where a row has not all queries"
    frame = pd.read_csv(tmp_path / "f.csv").set_index("fusion")
    assert set(frame["failures"]) == {failures}
    assert set(frame["failed_answers"]) == {lost}
    assert (frame["oracle_performance"] >= frame["performance"]).all()
    assert run([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["failures"] == {"policy": failures, "answers": lost}
    rows = {row["fusion"]: row for row in found["fusions"]}
    assert rows["best_single"]["oracle_performance"] == frame["oracle_performance"]["best_single"]
    assert (rows["best_single"]["performance"] > rows["oracle"]["performance"]) == (failures == "missing")


def test_without_failures_there_is_no_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(failing_release(tmp_path, missing=True).path)
    assert run(["fuse", place, "--fusion", "vote", "--resamples", "20"]) == 0
    said = capsys.readouterr().out
    assert "Note:" not in said
    assert "oracle there" in said, "some were never asked"


def test_answers_that_all_failed_are_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = {"performance": None, "response": None, "status": "error"}
    place = str(made_up_release(tmp_path, [answer(n, llm, **lost) for n in range(9) for llm in ("a", "b")]).path)
    assert run(["fuse", place]) == run(["evaluate", place, "--router", "all", "--protocol", "kfold"]) == 1
    told = capsys.readouterr()
    assert told.err.count("all 18 answers failed (status error or empty)") == 2
    assert "rescore" not in told.err
    assert run(["export", "routing", place, "--format", "routerbench", "--out", str(tmp_path / "out")]) == 0
    assert "All answers failed, so no router can learn from this. Remedy: collect" in capsys.readouterr().out
