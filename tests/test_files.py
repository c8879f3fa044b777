"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from llmfusionbench.release import ReleaseWriter
from llmfusionbench.release.writer import RELEASE
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.files import open_binary, whole_file


def write(path: Path, text: str) -> None:
    with whole_file(path) as file:
        file.write_text(text)


def test_it_comes_with_its_folders(tmp_path: Path) -> None:
    write(tmp_path / "new" / "er" / "a.txt", "whole")
    assert (tmp_path / "new" / "er" / "a.txt").read_text() == "whole"
    assert os.listdir(tmp_path / "new" / "er") == ["a.txt"]


def test_what_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "old")

    def fail() -> None:
        with whole_file(tmp_path / "a.txt") as file:
            file.write_text("ha")
            assert (tmp_path / "a.txt").read_text() == "old"
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "writing",
    [whole_file, lambda out: whole_directory(out, RELEASE), ReleaseWriter],
    ids=["file", "directory", "release"],
)
def test_a_full_disk_says_where(tmp_path: Path, writing: Callable[[Path], AbstractContextManager[Any]]) -> None:
    out = tmp_path / "out"
    for error, place in (
        (OSError(errno.ENOSPC, "No space left on device"), str(out)),
        (OSError(errno.ENOSPC, "No space left on device", "elsewhere"), "elsewhere"),
        (OSError(errno.ECONNRESET, "Connection reset by peer"), None),
    ):
        with pytest.raises(OSError, match=error.strerror) as caught, writing(out):
            raise error
        assert caught.value.filename == place
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "a.txt", "x")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_stays_and_leads_to_the_new_one(tmp_path: Path) -> None:
    write(tmp_path / "real.txt", "old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_many_at_once(tmp_path: Path) -> None:
    texts = [str(i) * 10_000 for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write(tmp_path / "a.txt", text), texts))
    assert (tmp_path / "a.txt").read_text() in texts
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_compressed_file_that_was_cut_off_is_never_an_empty_one(tmp_path: Path, codec: str) -> None:
    whole = pa.compress(b"a,b\n1,2\n", codec=codec, asbytes=True)
    for end in range(1 if codec == "gzip" else 2, len(whole)):
        (tmp_path / "file").write_bytes(whole[:end])
        with pytest.raises(OSError, match="Truncated"), open_binary(tmp_path / "file") as file:
            file.read(4096)


def test_a_long_name(tmp_path: Path) -> None:
    for name in ("x" * 240 + ".csv", "é" * 120):
        with whole_file(tmp_path / name) as file:
            file.write_text("x")
        assert os.listdir(tmp_path) == [name]
        (tmp_path / name).unlink()
