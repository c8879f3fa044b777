"""Directories that are written atomically: beside their place, then renamed to it."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from llmfusionbench.errors import InputError
from llmfusionbench.storage.address import local_path
from llmfusionbench.storage.beside import beside, forget, leftovers
from llmfusionbench.storage.files import name_place
from llmfusionbench.storage.kinds import DirectoryKind, check_inputs, check_place


class WholeDirectory:
    """A context in which a directory is written to `path`; `put` renames it to `out`, and without it no trace is left.

    Args:
        out: The directory to write. It may exist if it is empty.
        kind: What it is. Only a directory of the same kind, without other files in it, is ever replaced.
        overwrite: Replace an existing one.
        inputs: Files and directories that it is made of. None may lie in `out`, nor `out` in one of them. One may be `out`.

    Raises:
        InputError: `out` exists and must not be replaced, or cannot be written.
    """

    def __init__(
        self, out: str | Path, kind: DirectoryKind, *, overwrite: bool = False, inputs: Iterable[str | os.PathLike[str]] = ()
    ) -> None:
        self.out = Path(os.path.realpath(local_path(out)))  # a link stays, and leads to the new directory
        self.kind, self.overwrite, self.inputs = kind, overwrite, tuple(inputs)
        if not self.out.name or os.path.ismount(self.out):
            raise InputError(f"{self.out}: is the root of a file system, and stays. Remedy: choose a directory in it")
        self.path = beside(self.out, "tmp")
        self.work = self.path
        """The directory beside `out` that holds all that the run writes. It is `path`, or has `path` in it."""
        self.keep = False
        """Whether `work` stays after an error."""
        self._parents: list[Path] = []

    def __enter__(self) -> Self:
        try:
            check_inputs(self.out, self.inputs)
            clear_up(self.out, self.kind)
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
            self._drop()
        if error is not None:
            for folder in self._parents:
                with suppress(OSError):  # others use it by now
                    folder.rmdir()
            name_place(error, self.out, written_as=self.work)

    def put(self) -> None:
        """Rename the directory to `out`. Raises InputError if what is there by now must not be replaced."""
        put(self.path, self.out, self._check)

    def _make(self) -> None:
        self.path.mkdir()

    def _drop(self) -> None:
        remove(self.work)

    def _check(self) -> None:
        check_place(self.out, self.kind, overwrite=self.overwrite)


@contextmanager
def whole_directory(
    out: str | Path, kind: DirectoryKind, *, overwrite: bool = False, inputs: Iterable[str | os.PathLike[str]] = ()
) -> Iterator[Path]:
    """A directory to write to, which becomes `out` at the end, or is removed after an error. See `WholeDirectory`."""
    with WholeDirectory(out, kind, overwrite=overwrite, inputs=inputs) as directory:
        yield directory.path
        directory.put()


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


def clear_up(place: Path, kind: DirectoryKind) -> None:
    """Put back what a killed run on this host was replacing, and remove what such runs left."""
    for leftover, use in leftovers(place):
        if use == "old" and not place.exists() and kind.is_one(leftover):
            with suppress(OSError):  # another run was faster
                leftover.rename(place)
        elif use in ("old", "tmp"):
            shutil.rmtree(leftover, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove what this process has written beside a place, if it is still there."""
    shutil.rmtree(path, ignore_errors=True)
    forget(path)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two directories in one step; False if the system cannot do that."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    at_here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    return renameat2 is not None and renameat2(at_here, os.fsencode(a), at_here, os.fsencode(b), exchange) == 0
