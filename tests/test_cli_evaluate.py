"""`evaluate`: which queries and candidates a comparison is of."""

from __future__ import annotations

import json

import pytest

from llmfusionbench.cli.main import run

BASE = ["evaluate", "sample", "--router", "per_task", "--baseline", "best_single", "--resamples", "20"]


def test_only_some_tasks_llms_and_modes(capsys: pytest.CaptureFixture[str]) -> None:
    some = ["--task", "gsm8k", "--task", "boolq", "--llm", "deepseek-r1", "--llm", "qwen2-7b-instruct", "--mode", "direct"]
    assert run([*BASE, *some, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [c["candidate"] for c in report["candidates"]] == ["deepseek-r1", "qwen2-7b-instruct"]
    assert report["queries"] == {"train": 56, "test": 16}
    assert set(report["routers"][0]["per_task"]) == {"boolq", "gsm8k"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "gsm9k"], 'Did you mean "gsm8k"?'),
        (["--llm", "deepseek"], 'Did you mean "deepseek-r1"?'),
        (["--mode", "thinking"], 'Did you mean "think"?'),
    ],
)
def test_names_that_are_none(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BASE, *options]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
