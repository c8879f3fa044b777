"""Directories that are written atomically: beside their place, then renamed to it."""

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
from types import TracebackType
from typing import Self

from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import is_alive, name_place

_OURS: set[Path] = set()
"""What this process is writing beside places. Its id alone cannot tell: in a container a later process may have the same."""


class WholeDirectory:
    """A context in which a directory is written to `path`; `put` renames it to `out`, and without it no trace is left.

    Args:
        out: The directory to write. It may exist if it is empty.
        marker: The file by which a directory of this kind is known: no other is ever replaced.
        overwrite: Replace an existing one.
        kind: What to call it in messages.

    Raises:
        InputError: `out` exists and must not be replaced, or cannot be written.
    """

    def __init__(self, out: str | Path, marker: str, *, overwrite: bool = False, kind: str | None = None) -> None:
        self.out = Path(os.path.realpath(out))  # a link stays, and leads to the new directory
        self.marker, self.overwrite, self.kind = marker, overwrite, kind
        self.path = beside(self.out, "tmp")
        self.keep = False
        """Whether `path` stays after an error."""
        self._parents: list[Path] = []

    def __enter__(self) -> Self:
        try:
            clear_up(self.out, self.marker)
            self._check()
            self._parents = [p for p in self.out.parents if not p.exists()]
            self.out.parent.mkdir(parents=True, exist_ok=True)
            self._make()
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{self.out}: cannot write there ({why}). Remedy: choose another --out") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or not self.keep:
            remove(self.path)
        if error is not None:
            for folder in self._parents:
                with suppress(OSError):  # others use it by now
                    folder.rmdir()
            name_place(error, self.out)

    def put(self) -> None:
        """Rename the directory to `out`. Raises InputError if what is there by now must not be replaced."""
        put(self.path, self.out, self._check)

    def _make(self) -> None:
        self.path.mkdir()

    def _check(self) -> None:
        check_place(self.out, self.marker, overwrite=self.overwrite, kind=self.kind)


@contextmanager
def whole_directory(out: str | Path, marker: str, *, overwrite: bool = False) -> Iterator[Path]:
    """A directory to write to, which becomes `out` at the end, or is removed after an error. See `WholeDirectory`."""
    with WholeDirectory(out, marker, overwrite=overwrite) as directory:
        yield directory.path
        directory.put()


def check_place(place: Path, marker: str, *, overwrite: bool, kind: str | None = None) -> None:
    """Raise InputError unless `place` is free, is an empty directory, or has one to overwrite."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    if not (place / marker).is_file():
        what = f"is not a {kind}" if kind else f"has no {marker}"
        raise InputError(f"{place}: exists and {what}, expected a new or empty directory. Remedy: choose another --out")
    if not overwrite:
        what = f"a {kind} is there already" if kind else "is there already"
        raise InputError(f"{place}: {what}. Remedy: add --overwrite, or choose another --out")


def beside(place: Path, kind: str) -> Path:
    """A new hidden name beside `place`; the host and process id in it tell a later run whether its writer is dead."""
    path = place.with_name(f"{_prefix(place)}{os.getpid()}.{secrets.token_hex(4)}.{kind}")
    _OURS.add(path)
    return path


def put(work: Path, place: Path, check: Callable[[], None]) -> None:
    """Rename `work` to `place`. What was there is removed after that, or comes back if it fails.

    If the system can exchange two directories, there is no moment without either. If several runs do this at once, the last
    one wins. `check` is called before each step, since others may be at work there; it raises if what is there must stay.
    """
    away: Path | None = None
    try:
        while True:
            check()
            try:
                work.rename(place)
                break
            except OSError as error:  # a directory with files in it is there
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            check()
            if away is not None:
                remove(away)  # it has a successor by now
            away = beside(place, "old")
            if _exchange(work, place):
                work.rename(away)
                break
            with suppress(FileNotFoundError):  # another run has renamed it
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
    """Put back what a killed run on this host was replacing, and remove what such runs left."""
    prefix = _prefix(place)
    for leftover in place.parent.glob(f"{glob.escape(prefix)}*"):
        parts = leftover.name.removeprefix(prefix).split(".")
        pid, kind = parts[0], parts[-1]
        if kind not in ("tmp", "old") or not pid.isdecimal() or leftover in _OURS:
            continue
        if int(pid) != os.getpid() and is_alive(int(pid)):
            continue
        if kind == "old" and (leftover / marker).is_file() and not place.exists():
            with suppress(OSError):  # another run was faster
                leftover.rename(place)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove what this process has written beside a place, if it is still there."""
    shutil.rmtree(path, ignore_errors=True)
    _OURS.discard(path)


def _prefix(place: Path) -> str:
    return f".{place.name}.{socket.gethostname()}."


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two directories in one step; False if the system cannot do that."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    at_here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return renameat2 is not None and renameat2(at_here, os.fsencode(a), at_here, os.fsencode(b), exchange) == 0
