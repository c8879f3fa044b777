"""Faults from outside, such as texts that are not UTF-8 or a lack of memory, are one line. Other exceptions are bugs, shown."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench import release
from llmfusionbench.cli.main import run
from tests.helpers.tiny_release import replace_shard, write_tiny_release

ARROW = (
    pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, pa.ArrowKeyError, pa.ArrowCapacityError,
    pa.ArrowIndexError, pa.ArrowSerializationError,
)  # fmt: skip
FAULTS: dict[str, tuple[BaseException, str]] = {
    **{kind.__name__: (kind("of a column\nand more"), "a file cannot be read (") for kind in ARROW},
    "memory": (MemoryError(), "this needs more memory than there is. Remedy: "),
    "Arrow's memory": (pa.ArrowMemoryError("malloc of 9 bytes"), "this needs more memory than there is. Remedy: "),
    "bytes": (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "a text is not UTF-8 ('utf-8' codec"),
    "half a pair": (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), "a text is not UTF-8 ('utf-8'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_input_are_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error, message = FAULTS[name]

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(release, "open_release", fail)
    assert run(["info", "sample"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"llmfusionbench: error: {message}")
    assert shown.count("\n") == 1
    assert "Remedy: " in shown


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), TypeError("x"), RecursionError("x"), IndexError("x")])
def test_bugs_of_ours_are_not_hidden(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(release, "open_release", fail)
    with pytest.raises(type(error)):
        run(["info", "sample"])


COMMANDS = (
    "info r",
    "audit r --out out",
    "diff r sample",
    "fuse r",
    "evaluate r --router knn",
    "export sft r --format messages --out out",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_texts_of_a_release_that_are_not_utf8(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    place = write_tiny_release(tmp_path / "r")
    for split in ("train", "test"):
        name = f"queries/{split}-00000-of-00001.parquet"
        table = pq.read_table(place / name)
        texts = pa.array([b"sums\xff"] * len(table), pa.binary()).view(pa.string())
        replace_shard(place, name, table.set_column(table.column_names.index("task"), "task", texts))
    status = run(command.split())
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert status == 0 or printed.err.startswith("llmfusionbench: error: ") or (command.startswith("diff") and not printed.err)
    assert (tmp_path / "out").exists() == (status == 0 and "--out" in command)


def test_a_current_directory_that_was_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    assert run(["simulate", "--scale", "0.001", "--out", "out"]) == 1
    assert capsys.readouterr().err.startswith(
        "llmfusionbench: error: the current directory: No such file or directory. Remedy: "
    )
