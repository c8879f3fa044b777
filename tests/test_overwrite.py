"""`--overwrite` replaces what this package has written, and nothing else: directories of others, notes and inputs stay."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from llmfusionbench.cli.main import run
from llmfusionbench.release import open_release
from llmfusionbench.release.opening import embedded_path
from tests.helpers.sample_part import bytes_of, write_part
from tests.helpers.tiny_release import change_manifest

EVALUATE = ["evaluate", "sample", "--router", "cheapest", "--baseline", "best_single", "--resamples", "2"]
COMMANDS = {
    "build": ["build", "table", "log.csv"],
    "append": ["append", "sample", "new", "--workers", "1"],
    "rescore": ["rescore", "part", "--workers", "1"],
    "tokens": ["tokens", "part", "--tokenizer", "cl100k_base", "--workers", "1"],
    "templates": ["templates", "build", "sample", "--limit", "3"],
    "sft": ["export", "sft", "sample", "--k", "1"],
    "preference": ["export", "preference", "sample"],
    "kto": ["export", "kto", "sample"],
    "routing": ["export", "routing", "part", "--format", "llmrouter"],
    "simulate": ["simulate", "--scale", "0.001"],
    "evaluate": EVALUATE,
    "audit": ["audit", "part", "--no-near-duplicates"],
    "scenarios": [*EVALUATE, "--scenario", "judge", "--scenario", "balance"],
}
QUICK = ("build", "append", "rescore", "routing", "simulate", "evaluate", "audit", "scenarios")
"""Commands whose directories are of all kinds but that of a corpus."""

EXTENSION = {"manifest_version": 3, "name": "Reader", "version": "1.2", "files": {}}
OTHERS = {
    "manifest.json": json.dumps(EXTENSION),
    "corpus.json": json.dumps({"corpus_version": "1.0", "files": {}, "tool": "mine"}),
    "export.json": json.dumps({"export_version": "1.0", "files": {}, "tool": {"name": "another", "version": "1"}}),
    "audit.json": json.dumps({"version": "1.0", "tool": {"name": "another", "version": "1"}, "findings": []}),
    "report.json": json.dumps({"version": "1.0", "routers": []}),
    "README.md": "# Mine\n",
}
"""Files of somebody's own that have the names of those by which we know our directories."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("prompt,llm,response\n1+1?,small,2\n1+1?,big,3\n")
    write_part(tmp_path / "part", tasks=["boolq"], llms=2)
    assert run(["build", "table", "log.csv", "--out", "new"]) == 0
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], name: str, *more: str, out: str = "out") -> str:
    """Run a command that must fail with one line; the line."""
    capsys.readouterr()
    assert run([*COMMANDS[name], "--out", out, *more]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("llmfusionbench: error: ")
    return line


@pytest.mark.parametrize("name", COMMANDS)
def test_a_directory_of_others_stays(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for marker in OTHERS:
        (place / "out").mkdir()
        (place / "out" / marker).write_text(OTHERS[marker])
        (place / "out" / "popup.js").write_text("mine")
        before = bytes_of(place)
        for more in ([], ["--overwrite"]):
            assert "exists and is not a" in refused(capsys, name, *more)
            assert bytes_of(place) == before
        shutil.rmtree(place / "out")


@pytest.mark.parametrize("name", QUICK)
def test_what_was_put_into_ours_stays(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run([*COMMANDS[name], "--out", "out"]) == 0
    assert "is there already. Remedy: add --overwrite" in refused(capsys, name)
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "mine").write_text("x")
    folder = next((path for path in (place / "out").iterdir() if path.is_dir()), place / "out")
    for stranger in (place / "out" / "notes.txt", folder / ".notes", place / "out" / "link", folder / "down"):
        if stranger.name == "link":
            stranger.symlink_to(place / "elsewhere")
        elif stranger.name == "down":
            stranger.mkdir()
        else:
            stranger.write_text("mine")
        before = bytes_of(place)
        said = refused(capsys, name, "--overwrite")
        assert stranger.name in said
        assert bytes_of(place) == before
        assert stranger.is_symlink() or stranger.exists()
        stranger.rmdir() if stranger.name == "down" else stranger.unlink()
    assert run([*COMMANDS[name], "--out", "out", "--overwrite"]) == 0
    assert (place / "elsewhere" / "mine").read_text() == "x"


@pytest.mark.parametrize("name", QUICK)
def test_links_in_the_place_of_ours_are_not_followed(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A file by which a directory is recognised is a link to the same elsewhere."""
    assert run([*COMMANDS[name], "--out", "real"]) == 0
    shutil.copytree("real", "out")
    markers = [path for path in (place / "out").rglob("*") if path.name in OTHERS]
    assert markers
    for marker in markers:
        aside = marker.rename(place / "aside")
        marker.symlink_to(place / "real" / marker.relative_to(place / "out"))
        before = bytes_of(place)
        refused(capsys, name, "--overwrite")
        assert bytes_of(place) == before
        assert marker.is_symlink()
        marker.unlink()
        aside.rename(marker)


def test_an_input_is_not_overwritten(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["build", "table", "log.csv", "--out", "out"]) == 0
    (log,) = (place / "out" / "logs").iterdir()
    before = bytes_of(place)
    monkeypatch.setitem(COMMANDS, "again", ["build", "table", str(log)])
    assert f"out: holds the input {log}. Remedy: choose another --out" in refused(capsys, "again", "--overwrite")
    assert bytes_of(place) == before


@pytest.mark.parametrize("name", ["rescore", "tokens", "routing", "audit"])
def test_nothing_is_written_into_an_input(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = bytes_of(place)
    for out in ("part/new", "part/logs/new", "part/logs"):
        refused(capsys, name, "--overwrite", out=out)
        assert bytes_of(place) == before
        assert not (place / "part" / "new").exists()


def test_a_format_that_is_not_known_yet_is_not_replaced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["build", "table", "log.csv", "--out", "out"]) == 0
    for version in ("99.0", "2", "x", None, 2.0):
        change_manifest(place / "out", lambda manifest: manifest.update(schema_version=version))  # noqa: B023 called at once
        before = bytes_of(place)
        assert "exists and is not a release" in refused(capsys, "build", "--overwrite")
        assert bytes_of(place) == before


def test_a_damaged_one_of_ours_is_replaced(place: Path) -> None:
    assert run(["build", "table", "log.csv", "--out", "out"]) == 0
    whole = bytes_of(place / "out")
    next((place / "out" / "logs").iterdir()).write_bytes(b"")
    (place / "out" / "README.md").unlink()
    assert run(["build", "table", "log.csv", "--out", "out", "--overwrite"]) == 0
    assert bytes_of(place / "out") == whole
    assert open_release("out").table("logs").count_rows() == 2


def test_a_report_on_retrieval_replaces_only_such(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate-prompts", "sample", "--retrieval-only", "--retriever", "bm25", "--out", "quality"]
    for _ in range(2):
        assert run(command) == 0
    (place / "quality" / "retrieval.json").write_text('{"mine": 1}')
    capsys.readouterr()
    assert run(command) == 1
    assert "retrieval.json: exists and is not a report on retrieval" in capsys.readouterr().err
    assert (place / "quality" / "retrieval.json").read_text() == '{"mine": 1}'


def test_calls_are_not_recorded_where_the_report_will_be(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, "evaluate", "--calls", "out/calls.jsonl")
    assert "out/calls.jsonl: lies in --out" in said
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["fuse", "sample", "--fusion", "vote", "--top", "2", "--resamples", "2"],
        ["templates", "retrieve", "sample", "--limit", "1"],
    ],
)
def test_a_file_of_results_replaces_nothing(place: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    os.mkfifo(place / "fifo")
    (place / "notes.md").write_text("mine")
    for out, more, why in (
        ("notes.md", [], "is there already. Remedy: add --overwrite"),
        ("fifo", ["--overwrite"], "is not a file"),
        (f"{embedded_path('sample')}/manifest.json", ["--overwrite"], "is an input"),
    ):
        before = bytes_of(place)
        capsys.readouterr()
        assert run([*command, "--out", out, *more]) == 1
        assert why in capsys.readouterr().err
        assert bytes_of(place) == before
    assert run([*command, "--out", "notes.md", "--overwrite"]) == 0
    assert (place / "notes.md").read_text() != "mine"


def test_calls_are_recorded_in_no_other_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "notes.md").write_text("mine")
    command = ["evaluate", "part", "--router", "http://127.0.0.1:9", "--retries", "0", "--calls"]
    before = bytes_of(place)
    others = {"notes.md": "not a record of calls", "log.csv": "not a record of calls", "part/manifest.json": "is an input"}
    for calls, why in others.items():
        assert run([*command, calls]) == 1
        assert why in capsys.readouterr().err
        assert bytes_of(place) == before


@pytest.mark.parametrize("name", ["build", "sft", "routing"])
def test_an_edited_card_stays(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run([*COMMANDS[name], "--out", "out"]) == 0
    with (place / "out" / "README.md").open("a") as card:
        card.write("my notes")
    assert "holds README.md" in refused(capsys, name, "--overwrite")
    assert (place / "out" / "README.md").read_text().endswith("my notes")


def test_a_log_that_only_mentions_ours(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*COMMANDS["simulate"], "--out", "out"]) == 0
    with (place / "out" / "README.md").open("a") as card:
        card.write("But these are REAL.")
    assert "exists and is not a simulated log" in refused(capsys, "simulate", "--overwrite")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_root_is_no_directory_to_write(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for out in ("/", "/proc"):
        assert f"{out}: is the root of a file system" in refused(capsys, name, "--overwrite", out=out)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_directory_that_a_command_runs_in_is_not_replaced(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    command = [str(place / part) if (place / part).exists() else part for part in COMMANDS[name]]
    (place / "empty").mkdir()
    monkeypatch.chdir(place / "empty")
    assert run([*command, "--out", "."]) == 1
    assert "empty: is the directory that this command runs in. Remedy: choose another --out" in capsys.readouterr().err
    assert list((place / "empty").iterdir()) == []


def test_a_card_that_was_written_in_is_no_damage(place: Path) -> None:
    assert run(["build", "table", "log.csv", "--out", "out"]) == 0
    with (place / "out" / "README.md").open("a") as card:
        card.write("A note.\n")
    assert open_release("out").table("logs").count_rows() == 2
    assert run(["info", "out"]) == 0
    assert run(["validate", "out"]) == 1
