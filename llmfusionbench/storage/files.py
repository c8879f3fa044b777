"""Files as they come: plain, `.gz` or `.zst`, opened by their contents' own mark and read as bytes."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from llmfusionbench.errors import InputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def open_binary(path: Path) -> IO[bytes]:
    """`path` open for reading, decompressed as it streams.

    Raises:
        InputError: there is no such file, or it cannot be opened.
    """
    codec = compression(path)
    if codec is None:
        return open(path, "rb")
    raw = pa.CompressedInputStream(pa.OSFile(str(path), "rb"), codec)
    return cast(IO[bytes], io.BufferedReader(raw, buffer_size=2**20))


def compression(path: Path) -> str | None:
    """`gzip`, `zstd` or None, by the first bytes of the file, whatever its name says; one cut off within these has no others.

    Raises:
        InputError: there is no such file, or it cannot be opened.
    """
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
    """A stretch of code in which `path` is read; what goes wrong there is the file's fault.

    Raises:
        InputError: reading failed: a truncated or damaged archive, a fault of the disk.
    """
    try:
        yield
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}). Remedy: copy or download it again") from error


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A place to write to, which becomes `path` when all has gone well and is removed when it has not.

    So a reader never meets half a file, and runs at the same time do not meet each other. Folders above it are made.
    """
    place = Path(os.path.realpath(path))  # a link to a file stays, and leads to the new one
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{secrets.token_hex(8)}{place.suffix}")
    try:
        with filling(place):
            yield beside
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def filling(place: str | Path) -> Iterator[None]:
    """A stretch of code that writes `place`: a disk that is full there names no file, so that it is named here."""
    try:
        yield
    except OSError as error:
        name_place(error, place)
        raise


def name_place(error: BaseException | None, place: str | Path) -> None:
    """Have an error for want of room say where, if it does not."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _NO_ROOM:
        error.filename = str(place)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs; hidden files of one that does not were left behind."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
