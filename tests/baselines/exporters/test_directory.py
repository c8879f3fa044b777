"""Directories that appear whole or not at all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from llmfusionbench.baselines.exporters.directory import whole_directory
from llmfusionbench.errors import InputError

PROJECT = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from llmfusionbench.baselines.exporters import directory

def put(work, place):
    if sys.argv[2] == "late":
        place.rename(work.with_suffix(".old"))
    os.kill(os.getpid(), signal.SIGKILL)

directory._put = put
with directory.whole_directory(Path(sys.argv[1]), "marker", overwrite=True) as folder:
    (folder / "marker").write_text("new")
"""


def made(out: Path, text: str, *, overwrite: bool = False) -> None:
    with whole_directory(out, "marker", overwrite=overwrite) as folder:
        (folder / "marker").write_text(text)
        assert not (out / "marker").exists() or (out / "marker").read_text() != text


@pytest.mark.parametrize("when", ["early", "late"])
def test_a_run_that_was_killed(tmp_path: Path, when: str) -> None:
    out = tmp_path / "out"
    made(out, "old")
    command = [sys.executable, "-c", KILLED, str(out), when]
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert out.exists() == (when == "early")
    assert len(list(tmp_path.iterdir())) == 2
    if when == "late":
        with pytest.raises(InputError, match="is there already"):
            made(out, "third")  # the old one is back, and stays
        assert (out / "marker").read_text() == "old"
    made(out, "new", overwrite=True)
    assert (out / "marker").read_text() == "new"
    assert list(tmp_path.iterdir()) == [out], "what the killed run left is gone"


def test_what_another_run_is_writing_stays(tmp_path: Path) -> None:
    other = tmp_path / f".out.{socket.gethostname()}.{os.getppid()}.abc.tmp"
    elsewhere = tmp_path / ".out.another-host.1.abc.tmp"
    for folder in (other, elsewhere):
        folder.mkdir()
    made(tmp_path / "out", "x")
    assert other.exists()
    assert elsewhere.exists()


def test_a_link_stays_and_leads_to_the_new_one(tmp_path: Path) -> None:
    made(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made(tmp_path / "link", "new", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "marker").read_text() == "new"


def test_two_at_a_time_in_one_place(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def slow() -> None:
        with whole_directory(out, "marker") as folder:
            (folder / "marker").write_text("slow")
            made(out, "fast")

    with pytest.raises(InputError, match="is there already"):
        slow()
    assert (out / "marker").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [out]


def test_rights_are_those_of_any_directory(tmp_path: Path) -> None:
    made(tmp_path / "out", "x")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode
