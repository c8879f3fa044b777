"""How much one record of an input may hold and a file may unpack to, so that no input takes the machine's memory.

One number, the MiB of a record, bounds all: it is set by `limit_records` around the reading of a source, in this thread alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Final, cast

from llmfusionbench.errors import InputError
from llmfusionbench.storage.files import compression, open_binary

RECORD_MIB: Final = 16
"""Default size of the largest record or cell, MiB of text. What Python makes of JSON may take forty times as much."""
WHOLE: Final = 16
"""How many such records a file may have that is held in memory as a whole, such as a pickle."""
RATIO: Final = 250
"""How many times its size a compressed file may unpack to, if that is more than `WHOLE` records."""
MOST_REJECTED: Final = 500_000
"""The most records that may be rejected: they are held in memory until the end, and a small file may hold a billion of them."""
COLUMNS: Final = 10_000
"""The most columns of a table."""

_mib: ContextVar[int] = ContextVar("record_mib", default=RECORD_MIB)
REMEDY: Final = "Remedy: raise --max-record-mib if the file is as it should be"


@contextmanager
def limit_records(mib: int) -> Iterator[None]:
    """Readers accept records of up to `mib` MiB."""
    token = _mib.set(mib)
    try:
        yield
    finally:
        _mib.reset(token)


def record_bytes() -> int:
    """The largest record or cell, in bytes."""
    return _mib.get() << 20


def whole_bytes() -> int:
    """The largest content of a file that is held in memory as a whole, in bytes."""
    return WHOLE * record_bytes()


def too_large(path: Path, what: str, limit: int) -> InputError:
    """The error for `what` in a file, which is larger than `limit` bytes."""
    return InputError(f"{path}: {what}, expected up to {limit >> 20:,} MiB. {REMEDY}")


def check_columns(path: Path, count: int) -> None:
    """Raises InputError for a table with more than `COLUMNS` columns."""
    if count > COLUMNS:
        raise InputError(f"{path}: {count:,} columns, expected up to {COLUMNS:,}. Remedy: check the file")


def open_limited(path: Path) -> IO[bytes]:
    """`open_binary`, with a limit on what a compressed file unpacks to.

    Raises:
        InputError: as `open_binary`; and while reading, if the file unpacks to more.
    """
    stream = open_binary(path)
    if compression(path) is None:
        return stream
    limit = max(whole_bytes(), RATIO * path.stat().st_size)
    return cast(IO[bytes], io.BufferedReader(_Limited(path, stream, limit), buffer_size=1 << 20))


class _Limited(io.RawIOBase):
    """A stream that fails after some bytes."""

    def __init__(self, path: Path, stream: IO[bytes], left: int) -> None:
        self._path, self._stream, self._limit, self._left = path, stream, left, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read1(len(buffer))  # type: ignore[attr-defined]
        self._left -= len(data)
        if self._left < 0:
            size = self._path.stat().st_size
            raise too_large(self._path, f"{size:,} bytes unpack to more than {self._limit:,}", self._limit)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
