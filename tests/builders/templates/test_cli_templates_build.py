"""`llmfusionbench templates build` as it is used and misused."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.cli.templates_build import build
from llmfusionbench.release import Release
from tests.helpers.chat_server import completion, serving
from tests.helpers.sample_part import write_part
from tests.helpers.tiny_release import LOG, write_tiny_release


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("part") / "release"
    return write_part(folder, tasks=("gsm8k", "boolq"), queries=2, llms=20, shards=2, split="train")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["templates", "build", "--help"]) == 0
    text = capsys.readouterr().out
    assert "llmfusionbench templates build sample --out with-templates" in text
    assert all(parameter.help for parameter in build.params if isinstance(parameter, click.Option))
    assert run(["templates", "--help"]) == 0
    assert "build" in capsys.readouterr().out


def test_examples_run(part: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = [line.strip() for line in (build.help or "").splitlines() if line.strip().startswith("llmfusionbench")]
    assert len(examples) == 3
    with serving(lambda *_: "Add the parts. Name the result.") as server:
        for number, line in enumerate(examples):
            words = shlex.split(line.replace("http://localhost:8000", server.url))[1:]
            words[words.index("with-templates")] = str(tmp_path / str(number))
            assert run([str(part.path) if w == "sample" else w for w in words]) == 0
            assert lfb.validate(tmp_path / str(number)) == []
    assert capsys.readouterr().out.count("SIMULATED DATA") == 3


def test_what_is_printed(part: Release, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    evil = "Add the parts. [red]Name[/red] the result."
    with serving(lambda *_: (200, completion(evil, prompt_tokens=500))) as server:
        words = [server.url, "--model", "m\x1b[2J", "--input-price", "2", "--output-price", "1", "--limit", "3"]
        assert run(["templates", "build", str(part.path), "--summarizer", *words, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    for figure, count in (("train queries", 4), ("templates made", 3), ("skipped: beyond the limit", 1), ("requests", 3)):
        assert re.search(rf"^{figure} +{count}$", text, re.MULTILINE), figure
    assert "Cost of this run: 0.003009 USD" in text
    assert "[red]Name[/red]" in text
    assert "\x1b" not in text
    assert f"Wrote {out}." in text


def test_data_that_is_not_simulated_is_not_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = write_tiny_release(tmp_path / "tiny", LOG)
    assert run(["templates", "build", str(tiny), "--out", str(tmp_path / "out")]) == 0
    assert "SIMULATED" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("--criterion perfomance", 1, 'No criterion "perfomance". Did you mean "performance"?'),
        ("--pool tiny", 1, 'No pool "tiny"'),
        ("--top 0", 1, "top: 0"),
        ("--summarizer extract", 1, 'No summariser "extract". Did you mean "extractive"?'),
        ("--summarizer http://127.0.0.1:9", 2, "A server needs a model. Name it with --model"),
        ("--model m", 2, "Name its URL with --summarizer"),
        ("--summarizer http://127.0.0.1:9 --model m --max-cost 1", 1, "give both prices"),
        ("--summarizer http://127.0.0.1:9 --model m --max-total-tokens 50", 1, "4 are left (4: the budget was spent)"),
        ("--summarizer http://127.0.0.1:9 --model m --retries -1", 1, "retries: -1, expected 0 or more"),
        ("--summarizer http://127.0.0.1:9 --model m --timeout nan", 1, "timeout: nan, expected seconds above 0"),
        (
            "--summarizer http://127.0.0.1:9 --model m --retries 0",
            1,
            "4 are left (4: no reply: [Errno 111] Connection refused)",
        ),
        ("--limit x", 2, "Invalid value for '--limit'"),
    ],
)
def test_misuse(
    part: Release, tmp_path: Path, words: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["templates", "build", str(part.path), "--out", str(tmp_path / "out"), *words.split()]) == status
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_where_a_release_is_already(part: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["templates", "build", str(part.path), "--out", str(part.path)]) == 1
    assert "a release is there already. Remedy: add --overwrite" in capsys.readouterr().err
