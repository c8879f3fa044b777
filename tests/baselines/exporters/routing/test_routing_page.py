"""The routing exports by command, and the page of docs that tells of every format."""

from __future__ import annotations

import glob
import json
import re
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters.routing import ROUTING_FORMATS, export_routing
from llmfusionbench.cli import main
from llmfusionbench.release import Release
from tests.helpers.routing_log import LOG, make


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Three queries, two candidates; (1+2?, tiny) was not scored, (1+3?, big_think) not asked."""
    return make(tmp_path_factory.mktemp("release"), LOG)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = lfb.open_release("sample").routing().candidates[:2]
    arguments = ["export", "routing", "sample", "--format", "routellm", "--out", str(tmp_path / "out"), "--split", "train"]
    pair = ["--candidate", names[0], "--candidate", names[1]]
    assert status(arguments) == 1
    assert "routellm is of two candidates, got 40" in capsys.readouterr().err
    assert status([*arguments, *pair, "--threshold", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "392 queries, 2 candidates. SIMULATED: no LLM was asked." in said
    assert "Read back by: llmfusionbench build routellm" in said
    judged = [
        "export",
        "routing",
        "sample",
        "--format",
        "fusionfactory",
        "--score",
        "judge_score",
        "--out",
        str(tmp_path / "j"),
    ]
    assert status(judged) == 0
    assert json.loads((tmp_path / "j" / "export.json").read_text())["options"] == {"score": "judge_score"}


def status(arguments: list[str]) -> int:
    try:
        return int(main(arguments) or 0)
    except SystemExit as ended:
        return int(ended.code or 0)


PAGE = Path(__file__).parents[4] / "docs" / "routing_formats.md"
BACK = re.findall(
    r"^llmfusionbench build (\S+) (.*?) --out back(?: *# (\S+))?$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)[1:]


def test_a_command_for_every_format() -> None:
    read = {name for name, made in ROUTING_FORMATS.items() if made().reader is not None}
    assert {note or source for source, _, note in BACK} == read


@pytest.mark.parametrize(("source", "files", "note"), BACK)
def test_the_commands_of_the_page(
    tmp_path: Path, release: Release, monkeypatch: pytest.MonkeyPatch, source: str, files: str, note: str
) -> None:
    name = note or source
    extra: dict[str, Any] = {"threshold": 0.5} if name in ("embedllm", "routellm") else {}
    extra |= {"candidates": ["tiny", "big_think"]} if name == "routellm" else {}
    export_routing(release, tmp_path / "routing", format=name, **extra)
    monkeypatch.chdir(tmp_path)
    paths = [path for word in files.split() for path in sorted(glob.glob(word))]
    assert status(["build", source, *paths, "--out", "back", "--strict"]) == 0
    back = lfb.open_release("back")
    assert [len(back.routing(split)) for split in ("train", "test")] == [2, 1]


@pytest.mark.parametrize("name", sorted(ROUTING_FORMATS))
def test_the_page_of_formats_tells_of_each(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = ROUTING_FORMATS[name]()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    for words in (made.holds, made.missing, made.lost, f"`build {made.reader}`" if made.reader else "nothing"):
        assert words in row
