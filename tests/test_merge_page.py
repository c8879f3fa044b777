"""The worked example of docs/merge.md: an lm-eval run, an Inspect run and a table meet, and a router chooses among them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.harness_logs import QUESTIONS, write_inspect, write_lm_eval, write_table

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "merge.md").read_text(encoding="utf-8")
EVERY = set(range(len(QUESTIONS)))
RIGHT = {
    "org/small": {i for i in EVERY if i % 2},
    "openai/large": EVERY,
    "home-7b": {i for i in EVERY if i % 3},
    "home-70b": {i for i in EVERY if i % 5},
}


def block(language: str) -> str:
    """The only block of a language between the headings of the example."""
    part = PAGE.partition("## A worked example")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_worked_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    write_lm_eval(tmp_path / "lm-eval-runs", "org/small", RIGHT["org/small"])
    write_inspect(tmp_path / "inspect-logs" / "sums.json", "openai/large", RIGHT["openai/large"])
    write_table(tmp_path / "answers.csv", {llm: RIGHT[llm] for llm in ("home-7b", "home-70b")})
    (tmp_path / "answers.yaml").write_text(block("yaml"), encoding="utf-8")
    setting, *lines = block("console").splitlines()
    shared = setting.removeprefix('export SHARED="').removesuffix('"')
    for line in lines:
        status = run(shlex.split(line.removeprefix("llmfusionbench ").replace("$SHARED", shared)))
        printed = capsys.readouterr()
        assert (status, printed.err) == (0, ""), line
    release = lfb.open_release("all")
    table = release.routing()
    assert len(table) == len(QUESTIONS), "every question is one query"
    assert {split: len(release.routing(split=split)) for split in release.splits}.keys() == {"train", "test"}
    shares = dict(zip(table.candidates, table.performance.mean(axis=0).tolist(), strict=True))
    assert shares == pytest.approx({llm: len(right) / len(QUESTIONS) for llm, right in RIGHT.items()})
    assert (tmp_path / "report" / "report.html").is_file()
    assert lfb.validate("all") == []
