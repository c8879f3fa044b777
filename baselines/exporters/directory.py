"""A directory that appears whole or not at all: written beside its place, then renamed into it."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import InputError
from ...files import is_alive


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
    place = Path(os.path.realpath(out))
    # The host and the process in the name tell a later run which leftovers are dead.
    prefix = f".{place.name}.{socket.gethostname()}."
    _clear_up(place, prefix, marker)
    _check(place, marker, overwrite)
    parents = [p for p in place.parents if not p.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}.", suffix=".tmp", dir=place.parent))
        work.chmod(0o777 & ~_umask())
    except OSError as error:
        raise InputError(f"{out}: cannot write there ({error.strerror or error}). Remedy: another --out") from error
    try:
        yield work
        _check(place, marker, overwrite)
        _put(work, place)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        for parent in parents:
            with suppress(OSError):  # not empty: somebody else's by now
                parent.rmdir()
        raise


def _check(place: Path, marker: str, overwrite: bool) -> None:
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return
    if not (place / marker).is_file():
        raise InputError(f"{place}: exists and has no {marker}, expected a new or empty directory. Remedy: another --out")
    if not overwrite:
        raise InputError(f"{place}: is there already. Remedy: --overwrite, or another --out")


def _put(work: Path, place: Path) -> None:
    """Rename `work` to `place`; what was there goes when the new one is in its place, and comes back if that fails."""
    if not place.exists():
        work.rename(place)
        return
    old = work.with_suffix(".old")
    place.rename(old)
    try:
        work.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _clear_up(place: Path, prefix: str, marker: str) -> None:
    """Put back what a run of this host was replacing when it was killed, and remove what such runs left."""
    for leftover in place.parent.glob(f"{glob.escape(prefix)}*"):
        pid, _, kind = leftover.name.removeprefix(prefix).partition(".")
        if not pid.isdecimal() or int(pid) == os.getpid() or is_alive(int(pid)):
            continue
        if kind.endswith(".old") and (leftover / marker).is_file() and not place.exists():
            leftover.rename(place)
        elif kind.endswith((".old", ".tmp")):
            shutil.rmtree(leftover, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
