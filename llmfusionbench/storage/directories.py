"""Directories that appear whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import filling, is_alive

_OURS: set[Path] = set()
"""What this process has beside places now. Its number alone would not tell: a process in a container may have it again."""


@contextmanager
def whole_directory(out: str | Path, marker: str, *, overwrite: bool = False) -> Iterator[Path]:
    """A place to write to, which becomes `out` when all has gone well and is removed when it has not.

    Args:
        out: The directory that shall appear. It may be there if it is empty.
        marker: The file by which one of its kind is known: nothing else is ever replaced.
        overwrite: Replace one that is there.

    Raises:
        InputError: `out` is there and must not be replaced, or cannot be written.
    """
    place = Path(os.path.realpath(out))  # a link to one stays, and leads to the new one

    def check() -> None:
        check_place(place, marker, overwrite=overwrite)

    try:
        clear_up(place, marker)
        check()
        parents = make_parents(place)
        work = beside(place, "tmp")
        work.mkdir()
    except OSError as error:
        raise InputError(f"{out}: cannot write there ({error.strerror or error}). Remedy: another --out") from error
    try:
        with filling(place):
            yield work
        put(work, place, check)
    except BaseException:
        remove(work)
        remove_empty(parents)
        raise
    _OURS.discard(work)


def check_place(place: Path, marker: str, *, overwrite: bool, kind: str | None = None) -> None:
    """Raise InputError unless a directory may be put at `place`: nothing is there, or nothing in it, or one to replace."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    if not (place / marker).is_file():
        what = f"is no {kind}" if kind else f"has no {marker}"
        raise InputError(f"{place}: exists and {what}, expected a new or empty directory. Remedy: another --out")
    if not overwrite:
        what = f"a {kind} is there already" if kind else "is there already"
        raise InputError(f"{place}: {what}. Remedy: --overwrite, or another --out")


def beside(place: Path, kind: str) -> Path:
    """A new hidden name beside `place`: its host and process tell a later run whether what has it is dead."""
    path = place.with_name(f"{_prefix(place)}{os.getpid()}.{secrets.token_hex(4)}.{kind}")
    _OURS.add(path)
    return path


def put(work: Path, place: Path, check: Callable[[], None]) -> None:
    """Rename `work` to `place`; what was there goes when the new one is in its place, and comes back if that fails.

    Where the system can exchange two directories, no moment is without either. Of several runs that put theirs at once
    the last one's stays.

    Args:
        work: The whole directory.
        place: Where it shall be.
        check: Called before each step, for others may be at work there; raises where what is there may not be replaced.
    """
    away: Path | None = None
    try:
        while True:
            check()
            try:
                work.rename(place)
                break
            except OSError as error:  # one with something in it is there
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            check()
            if away is not None:
                remove(away)  # it has a successor, so it need not come back
            away = beside(place, "old")
            if _exchange(work, place):
                work.rename(away)
                break
            with suppress(FileNotFoundError):  # somebody else has put it away
                place.rename(away)
    except BaseException:
        if away is not None and not place.exists():
            with suppress(OSError):
                away.rename(place)
        raise
    finally:
        if away is not None and place.exists():
            remove(away)


def clear_up(place: Path, marker: str) -> None:
    """Put back what a run of this host was replacing when it was killed, and remove what such runs left."""
    prefix = _prefix(place)
    for leftover in place.parent.glob(f"{glob.escape(prefix)}*"):
        parts = leftover.name.removeprefix(prefix).split(".")
        pid, kind = parts[0], parts[-1]
        if kind not in ("tmp", "old") or not pid.isdecimal() or leftover in _OURS:
            continue
        if int(pid) != os.getpid() and is_alive(int(pid)):
            continue
        if kind == "old" and (leftover / marker).is_file() and not place.exists():
            with suppress(OSError):  # another run has just done it
                leftover.rename(place)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove what this process has beside a place, if it is still there."""
    shutil.rmtree(path, ignore_errors=True)
    _OURS.discard(path)


def make_parents(place: Path) -> list[Path]:
    """Make the folders above `place`; those that were not there, the innermost first."""
    missing = [p for p in place.parents if not p.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    return missing


def remove_empty(folders: list[Path]) -> None:
    """Remove folders made for nothing, the innermost first; those that somebody else has begun to use stay."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _prefix(place: Path) -> str:
    return f".{place.name}.{socket.gethostname()}."


def _exchange(a: Path, b: Path) -> bool:
    """Have two directories change places in one step; False where that cannot be done."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    at_here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return renameat2 is not None and renameat2(at_here, os.fsencode(a), at_here, os.fsencode(b), exchange) == 0
