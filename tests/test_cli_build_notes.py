"""What `build` says of a release without scores, and any command of a directory whose name is mistyped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.command import Command
from tests.helpers.hub import LocalHub

HEAD = "prompt,task,llm,response,ground_truth,metric,performance\n"


@pytest.mark.parametrize(("score", "is_said"), [("", True), ("1", False)])
def test_a_release_without_a_score(lfb: Command, tmp_path: Path, score: str, is_said: bool) -> None:
    (tmp_path / "log.csv").write_text(f"{HEAD}1+1?,sums,ant,2,2,em,{score}\n", encoding="utf-8")
    status, out, _ = lfb("build", "table", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert status == 0
    assert f"Wrote {tmp_path / 'out'}: 1 query, 1 candidate, 1 response." in out
    assert (f"Note: no answer has a score. llmfusionbench rescore {tmp_path / 'out'} --out DIR" in out) == is_said


def test_the_llms_of_a_release_without_train(lfb: Command, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(f"{HEAD}1+1?,sums,ant,2,2,em,1\n", encoding="utf-8")
    status, out, _ = lfb("build", "table", tmp_path / "log.csv", "--split", "test", "--out", tmp_path / "out")
    assert status == 0
    (row,) = [line.split() for line in out.splitlines() if line.startswith("llms")]
    assert "1" in row


def test_a_mistyped_directory_is_not_only_sought_on_the_hub(
    lfb: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with LocalHub() as hub:
        for name, value in hub.env(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        status, _, error = lfb("info", "runs/monday")
    assert status == 1
    assert "no directory runs/monday here, and on the Hub: " in error
