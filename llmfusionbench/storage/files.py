"""Files: read plain or compressed, and written atomically."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from llmfusionbench.errors import InputError
from llmfusionbench.storage.beside import beside, forget, leftovers

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BUFFER = 1 << 18
"""Bytes that are read at once: lines of some kilobytes take half the time that they take with Python's 8 KiB."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def open_binary(path: Path) -> IO[bytes]:
    """`path` open for reading, decompressed as it streams. Raises InputError if it is missing or cannot be opened."""
    codec = compression(path)
    if codec is None:
        return open(path, "rb", buffering=_BUFFER)
    raw = pa.CompressedInputStream(pa.OSFile(str(path), "rb"), codec)
    return cast(IO[bytes], io.BufferedReader(raw, buffer_size=2**20))


def compression(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes of the file; even a part of these is enough. Raises as `open_binary`."""
    try:
        with open(path, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}. Remedy: check the path") from error
    if head and _GZIP.startswith(head[:2]):
        return "gzip"
    return "zstd" if len(head) > 1 and _ZSTD.startswith(head) else None


def limited_lines(stream: IO[bytes], longest: int) -> Iterator[bytes | int]:
    """The lines of a stream; only the length of one that has more than `longest` bytes, which is not held in memory."""
    while line := stream.readline(longest):
        if len(line) < longest or line.endswith(b"\n"):
            yield line
            continue
        length = longest
        while (rest := stream.readline(longest)) and not rest.endswith(b"\n"):
            length += len(rest)
        yield length + len(rest)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns errors of reading `path`, such as a truncated archive or a disk error, into InputError."""
    try:
        yield
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}). Remedy: copy or download it again") from error


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A file to write to, which becomes `path` at the end, or is removed after an error. Missing folders are made.

    Readers never see half a file, and concurrent runs do not disturb each other.
    """
    place = Path(os.path.realpath(path))  # a link stays, and leads to the new file
    place.parent.mkdir(parents=True, exist_ok=True)
    short = place.with_name(_short(place.name))
    for leftover, use in leftovers(short):
        if use == "part":
            leftover.unlink(missing_ok=True)
    part = beside(short, "part", place.suffix[:20])
    try:
        with filling(place):
            yield part
        os.replace(part, place)
    finally:
        part.unlink(missing_ok=True)
        forget(part)


def _short(name: str) -> str:
    """A name to which others may be added, though no file name may have more than 255 bytes."""
    return name if len(os.fsencode(name)) <= 100 else hashlib.sha256(os.fsencode(name)).hexdigest()[:32]


@contextmanager
def filling(place: str | Path) -> Iterator[None]:
    """Adds `place` to the error of a full disk, which does not name a file."""
    try:
        yield
    except OSError as error:
        name_place(error, place)
        raise


def name_place(error: BaseException | None, place: str | Path, *, written_as: Path | None = None) -> None:
    """Add `place` to the error of a full disk, which does not name a file, or names one in the directory `written_as`."""
    if not isinstance(error, OSError) or error.errno not in _NO_ROOM:
        return
    target = error.filename if error.filename2 is None else error.filename2
    if target is None or (written_as is not None and written_as in Path(os.fsdecode(target)).parents):
        error.filename, error.filename2 = str(place), None


def sha256(path: Path, size: int | None = None) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; with `size`, that of the first `size` bytes."""
    with open(path, "rb") as file:
        if size is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while size > 0 and (part := file.read(min(size, _BUFFER))):
            digest.update(part)
            size -= len(part)
        return digest.hexdigest()
