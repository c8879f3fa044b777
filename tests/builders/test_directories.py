"""Directories of logs as inputs: a source reads the files in them that it knows by their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.file_names import files_in, labelled
from llmfusionbench.builders.records import Part, Records, record_table
from llmfusionbench.errors import InputError


class Runs:
    """Reads files of one answer each, `answer_*.txt`."""

    FILES: ClassVar = ("answer_*.txt",)

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """The answers."""
        for path, file in labelled(paths):
            query = {"task": "t", "split": "train", "metric": "em", "prompt": "What is 3 + 4?"}
            yield Records(
                record_table([{"file": file, "row": 0, **query, "llm": path.parent.name, "response": path.read_text()}])
            )


def test_a_directory_stands_for_the_files_in_it_that_the_source_knows(tmp_path: Path) -> None:
    for llm in ("b", "a"):
        (tmp_path / "runs" / llm).mkdir(parents=True)
        (tmp_path / "runs" / llm / "answer_1.txt").write_text("7")
        (tmp_path / "runs" / llm / "notes.txt").write_text("not an answer")
    runs = tmp_path / "runs"
    release = build(Runs(), [runs, runs / "a" / "answer_1.txt"], tmp_path / "out")
    assert [row["llm"] for row in release.table("responses").to_table().to_pylist()] == ["a", "b"]
    assert [i["name"] for i in release.manifest["source"]["inputs"]] == ["a/answer_1.txt", "b/answer_1.txt"]


def test_a_directory_without_such_files_is_refused_and_so_is_one_for_a_source_of_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file in it is named like answer_\*\.txt"):
        build(Runs(), [tmp_path], tmp_path / "out")
    with pytest.raises(InputError, match="a directory, expected the files in it"):
        build("zeroeval", [tmp_path], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_in_finds_compressed_files_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for name in ("runs/a.eval", "runs/b.eval.gz", "runs/c.evals", "elsewhere/d.eval"):
        (tmp_path / name).write_text("")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    assert [path.name for path in files_in(tmp_path / "runs", ["*.eval"])] == ["a.eval", "b.eval.gz"]


def test_patterns_are_shown_for_people(tmp_path: Path) -> None:
    patterns = [f"{'[0-9a-f]' * 8}-*.json", *(f"{name}*.csv" for name in "abcdef")]
    with pytest.raises(InputError) as refused:
        files_in(tmp_path, patterns)
    named = "named like *-*.json, a*.csv, b*.csv, c*.csv, d*.csv and 2 more. Remedy: "
    assert named in str(refused.value)
