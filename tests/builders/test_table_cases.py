"""Inputs that the source `table` once read wrongly, by the command line: what each must give now."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.reading import cases

Row = dict[str, Any]
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def built(out: Path, *arguments: str | Path, source: str = "table") -> int:
    """The exit status of a build."""
    return run(["build", source, *map(str, arguments), "--out", str(out), "--workers", "1"])


def rows(out: Path, table: str = "responses") -> list[Row]:
    found: list[Row] = lfb.open_release(out).table(table).to_table().to_pylist()
    return found


def maps(**columns: str) -> list[str]:
    return [part for ours, theirs in columns.items() for part in ("--map", f"{ours}={theirs}")]


def test_columns_that_bear_our_names_by_chance(out: Path, capsys: Printed) -> None:
    folder = cases("own_named_columns")
    said = maps(source_id="question_id", llm="model_id", response="choices[0].turns[0]")
    assert built(out, folder / "fastchat.jsonl", *said) == 0
    assert [row["response"] for row in rows(out)] == ["Aloha."]
    assert "the column choices is left alone, since 1 of 1 values do not fit choices" in capsys.readouterr().out


def test_a_mode_and_a_split_of_another_meaning(out: Path, capsys: Printed) -> None:
    file = cases("own_named_columns") / "mode_split.csv"
    assert built(out, file, *maps(llm="model", response="answer")) == 0
    [row] = rows(out)
    assert (row["mode"], row["response"], lfb.open_release(out).splits) == ("direct", "x", ["partial_test"])
    printed = capsys.readouterr().out
    assert 'the column mode is left alone, since 1 of 1 values do not fit mode, such as "chat". Remedy:' in printed


def test_words_of_another_tool_for_a_status(out: Path) -> None:
    file = cases("own_named_columns") / "spend_logs.jsonl"
    assert built(out, file, *maps(llm="model", response="response.choices[0].message.content", cost_usd="spend")) == 0
    asked = [json.loads(line) for line in file.read_text().splitlines()]
    answered = {row["response"] for row in rows(out) if row["status"] == "ok"}
    assert answered == {"hi"}
    rejected = lfb.open_release(out).manifest["records"]["rejected"]
    assert len(rows(out)) + rejected == len(asked)


def test_epochs_are_kept(out: Path) -> None:
    file = cases("repeats") / "epochs.jsonl"
    assert built(out, file, *maps(prompt="q", llm="model", response="resp", performance="score")) == 0
    table = lfb.open_release(out).routing()
    means = dict(zip(table.query_ids, table.performance[:, 0].tolist(), strict=True))
    prompts = {row["query_id"]: row["prompt"] for row in rows(out, "queries")}
    assert {prompts[one]: mean for one, mean in means.items()} == pytest.approx({"3+4?": 2 / 3, "1+1?": 1.0})


def test_two_scores_of_an_answer_ask_for_a_choice(out: Path, capsys: Printed) -> None:
    file = cases("repeats") / "lm_eval_filters.jsonl"
    said = maps(prompt="q", llm="model", response="resp", performance="exact_match")
    assert built(out, file, *said) == 1
    assert "choose one: --where 'filter=flexible-extract'" in capsys.readouterr().err
    assert built(out, file, *said, "--where", "filter=strict-match") == 0
    assert sorted(row["performance"] for row in rows(out)) == [0.0, 1.0]
    assert "2 of 4 records are left out" in capsys.readouterr().out


def test_equal_rows_are_counted_and_strict_means_them(out: Path, tmp_path: Path, capsys: Printed) -> None:
    file = cases("repeats") / "routellm.csv"
    mapping = tmp_path / "my.yaml"
    mapping.write_text('wide: {performance: "{llm}"}\nllms: [weak, strong]\n', encoding="utf-8")
    assert built(out, file, "--mapping", mapping) == 0
    assert "Folded 1 record that says the same as an earlier one." in capsys.readouterr().out
    assert lfb.open_release(out).manifest["records"]["folded"] == 1
    assert built(tmp_path / "strict", file, "--mapping", mapping, "--strict") == 1
    assert "routellm.csv record 2\nRemedy: drop the repeated records" in capsys.readouterr().err


def test_paths_into_records(out: Path, capsys: Printed) -> None:
    folder = cases("nested_fields")
    said = maps(prompt="arguments.gen_args_0.arg_0", response="resps.0.0", llm="=m", ground_truth="target")
    assert built(out, folder / "lm_eval_samples.jsonl", *said) == 0
    assert all(row["prompt"].startswith("Problem: ") for row in rows(out, "queries"))
    whole = maps(prompt="arguments", response="resps", llm="=m")
    assert built(out.with_name("other"), folder / "lm_eval_samples.jsonl", *whole) == 1
    assert "Remedy: map a text in it, such as --map 'prompt=arguments.gen_args_0.arg_0'" in capsys.readouterr().err


def test_a_request_that_expired_is_an_error(out: Path) -> None:
    path = "response.body.choices.0.message.content"
    said = maps(source_id="custom_id", response=path, llm="=m", error="error.message")
    assert built(out, cases("nested_fields") / "batch_output.jsonl", *said) == 0
    assert sorted((row["status"], row["response"] is None, row["error"] is None) for row in rows(out)) == [
        ("error", True, False), ("ok", False, True), ("ok", False, True),
    ]  # fmt: skip


@pytest.mark.parametrize(("llm", "names"), [("{parent}", {"org__m1", "org__m2"}), ("{path:(m[0-9])/}", {"m1", "m2"})])
def test_the_folder_names_the_llm(out: Path, llm: str, names: set[str]) -> None:
    files = sorted(cases("llm_in_path").glob("*/*.jsonl"))
    said = maps(prompt="q", response="resp", performance="acc", llm=llm, task="{path:samples_([a-z])_}")
    assert built(out, *files, *said) == 0
    assert ({row["llm"] for row in rows(out)}, len(rows(out)), len(rows(out, "queries"))) == (names, 4, 2)


def test_verdicts_on_another_scale(out: Path, capsys: Printed) -> None:
    file = cases("judge_scale") / "mt_bench.jsonl"
    said = maps(source_id="question_id", llm="model", judge="=g", judge_score="score")
    assert built(out, file, *said) == 1
    assert "Remedy: state its scale with --scale judge_score=1:10" in capsys.readouterr().err
    assert built(out, file, *said, "--scale", "judge_score=1:10") == 0
    assert sorted(row["score"] for row in rows(out, "judge_scores")) == pytest.approx([0, 8 / 9, 1])


@pytest.mark.parametrize("source", ["table", "alpaca_eval", "auto"])
def test_preferences_are_judgements(out: Path, source: str) -> None:
    file = cases("judge_scale") / "alpaca.json"
    assert built(out, file, source=source) == 0
    prompts = {row["query_id"]: row["prompt"] for row in rows(out, "queries")}
    scores = {prompts[row["query_id"]]: row["score"] for row in rows(out, "judge_scores")}
    assert scores == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert {row["performance"] for row in rows(out)} == {None}


def test_an_llm_that_fails_does_not_win(out: Path, tmp_path: Path) -> None:
    assert built(out, cases("failing_llm_wins") / "input.jsonl") == 0
    report = tmp_path / "report"
    arguments = ["--router", "best_single", "--router", "oracle", "--protocol", "kfold"]
    assert run(["evaluate", str(out), *arguments, "--out", str(report)]) == 0
    with open(report / "leaderboard.csv", encoding="utf-8", newline="") as file:
        means = {row["router"]: float(row["performance"]) for row in csv.DictReader(file)}
    assert means["best_single"] == pytest.approx(231 / 400), "that of the LLM that is right more often, over all queries"
    assert means["oracle"] == max(means.values())


def test_truths_that_are_indices(out: Path, tmp_path: Path, capsys: Printed) -> None:
    file = cases("integer_truth") / "input.jsonl"
    said = maps(prompt="question", llm="model", response="output", ground_truth="answer", metric="=em_mc")
    assert built(out, file, *said) == 0
    assert "count the options from 0 or from 1; their answers get no score" in capsys.readouterr().out
    assert built(tmp_path / "stated", file, *said, "--option", "truth=index0") == 0
    assert run(["rescore", str(tmp_path / "stated"), "--out", str(tmp_path / "scored")]) == 0
    assert [row["performance"] for row in rows(tmp_path / "scored")] == [1.0, 1.0, 1.0]
