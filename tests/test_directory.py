"""Directories that appear whole or not at all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.storage import directories
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.kinds import DirectoryKind

PROJECT = Path(__file__).parents[1]
KILLED = """
import os, signal, sys
from pathlib import Path
from llmfusionbench.storage import directories
from tests.test_directory import THING

def put(work, place, check):
    if sys.argv[2] == "late":
        place.rename(directories.beside(place, "old"))
    os.kill(os.getpid(), signal.SIGKILL)

directories.put = put
with directories.whole_directory(Path(sys.argv[1]), THING, overwrite=True) as folder:
    (folder / "marker").write_text("new")
"""


def _contents(place: Path) -> list[str]:
    if not (place / "marker").is_file():
        raise ValueError("it has no marker")
    return ["marker"]


THING = DirectoryKind("thing", _contents)


def made(out: Path, text: str, *, overwrite: bool = False) -> None:
    with whole_directory(out, THING, overwrite=overwrite) as folder:
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


def test_a_number_that_no_process_has(tmp_path: Path) -> None:
    (tmp_path / f".out.{socket.gethostname()}.{10**30}.abc.tmp").mkdir()
    made(tmp_path / "out", "x")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


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
        with whole_directory(out, THING) as folder:
            (folder / "marker").write_text("slow")
            made(out, "fast")

    with pytest.raises(InputError, match="is there already"):
        slow()
    assert (out / "marker").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [out]


def folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "marker").write_text(text)
    return path


@pytest.fixture(params=[True, False], ids=["exchange", "no_exchange"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that can exchange two directories, and one that cannot."""
    if not request.param:
        monkeypatch.setattr(directories, "_exchange", lambda a, b: False)


@pytest.mark.usefixtures("system")
class TestOthersBetweenTheCheckAndTheRename:
    def test_one_comes(self, tmp_path: Path) -> None:
        work, other, out = folder(tmp_path / "work", "mine"), folder(tmp_path / "other", "theirs"), tmp_path / "out"

        def check() -> None:
            if other.exists():
                other.rename(out)

        directories.put(work, out, check)
        assert (out / "marker").read_text() == "mine"
        assert list(tmp_path.iterdir()) == [out]

    def test_one_is_put_away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """By a run that has not put its own there yet: when it does, the first one's is gone, whole."""
        work, out = folder(tmp_path / "work", "mine"), folder(tmp_path / "out", "old")
        exchange = directories._exchange

        def too_late(a: Path, b: Path) -> bool:
            if out.exists():
                out.rename(tmp_path / "away")
            return exchange(a, b)

        monkeypatch.setattr(directories, "_exchange", too_late)
        directories.put(work, out, lambda: None)
        assert (out / "marker").read_text() == "mine"
        assert {p.name for p in tmp_path.iterdir()} == {"out", "away"}

    def test_one_comes_that_must_stay(self, tmp_path: Path) -> None:
        """The next check sees it."""
        work, other, out = folder(tmp_path / "work", "mine"), folder(tmp_path / "other", "theirs"), tmp_path / "out"

        def check() -> None:
            directories.check_place(out, THING, overwrite=False)
            if other.exists():
                other.rename(out)

        with pytest.raises(InputError, match="is there already"):
            directories.put(work, out, check)
        assert (out / "marker").read_text() == "theirs"


def test_many_at_once(tmp_path: Path) -> None:
    """In threads of one process: the place never holds half of one, and nothing is left beside it."""
    texts = [str(i) for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: made(tmp_path / "out", text, overwrite=True), texts))
    assert (tmp_path / "out" / "marker").read_text() in texts
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_rights_are_those_of_any_directory(tmp_path: Path) -> None:
    made(tmp_path / "out", "x")
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode
