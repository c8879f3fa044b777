"""The bytes of a CSV file in pieces of whole records, and the pieces that Arrow's parser reads as Python's does.

A record ends at a newline that an even number of quotation marks precedes. That is certain while every mark opens a cell,
closes one, or is doubled within one, as the characters beside it show. Where one stands elsewhere, the rest is left to Python.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

BOM: Final = b"\xef\xbb\xbf"
_Places = npt.NDArray[np.int64]
_QUOTE: Final = ord('"')


def pieces(stream: IO[bytes], delimiter: str, size: int, most: int) -> Iterator[bytes | IO[bytes]]:
    """A file whose lines end in newlines, in order: pieces of whole records, and then perhaps a stream.

    The stream is the rest, from the beginning of a record on, where it is not certain where records end, or one is long.

    Args:
        stream: The file, at the beginning of a record.
        delimiter: The character between cells.
        size: Bytes of a piece, which may be twice as large where a record is longer.
        most: Bytes of a record from which it is long; those of up to twice as many may be in a piece.
    """
    left = b""
    while True:
        read = stream.read(max(size, len(left)))
        data = left + read
        if not data:
            return
        marks = np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)
        end = _end_of_records(data, marks) if read else len(data)
        marks = marks[: np.searchsorted(marks, end)]
        if (not end and len(data) >= most) or not _are_paired(data, marks, delimiter):
            yield chained(data, stream)
            return
        if end:
            yield data[:end]
        left = data[end:]


def parsed(piece: bytes, delimiter: str, names: list[str]) -> pa.RecordBatch | None:
    """The records of a piece as columns of texts; None where Arrow's parser refuses one, or may read it in another way.

    It takes a lone carriage return for the end of a record, misreads NUL, and skips a byte order mark.
    """
    if piece.startswith(BOM) or b"\0" in piece or (b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n")):
        return None
    places = [str(place) for place in range(len(names))]  # whatever characters the names have
    try:
        table = pacsv.read_csv(
            pa.BufferReader(piece),
            pacsv.ReadOptions(use_threads=False, block_size=len(piece) + 1, column_names=places),
            pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            pacsv.ConvertOptions(column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # a record is not as wide as the header, or not UTF-8
        return None
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], names=names)


def chained(data: bytes, stream: IO[bytes]) -> IO[bytes]:
    """A stream of `data` and then of the rest of another one."""
    return io.BufferedReader(_Chained(data, stream), buffer_size=1 << 20)


class _Chained(io.RawIOBase):
    def __init__(self, data: bytes, stream: IO[bytes]) -> None:
        self._data, self._stream = io.BytesIO(data), stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._data.read(len(buffer)) or self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _end_of_records(data: bytes, marks: _Places) -> int:
    """The end of the last newline outside quotes; 0 if there is none."""
    for place in range(len(marks) // 2 * 2, -1, -2):
        start = int(marks[place - 1]) + 1 if place else 0
        end = int(marks[place]) if place < len(marks) else len(data)
        newline = data.rfind(b"\n", start, end)
        if newline >= 0:
            return newline + 1
    return 0


def _are_paired(data: bytes, marks: _Places, delimiter: str) -> bool:
    """Whether the marks open and close whole cells in turn; a doubled one within a cell closes it and opens it again."""
    if not len(marks):
        return True
    if len(marks) % 2:
        return False
    opens, closes = np.zeros(256, bool), np.zeros(256, bool)
    opens[[_QUOTE, ord(delimiter), ord("\n")]] = True
    closes[[_QUOTE, ord(delimiter), ord("\n"), ord("\r")]] = True
    characters = np.frombuffer(data, np.uint8)
    opened = marks[::2] if marks[0] else marks[2::2]  # the first character opens a cell
    closed = marks[1::2] if marks[-1] + 1 < len(data) else marks[1:-1:2]  # the last one closes a cell
    return bool(opens[characters[opened - 1]].all() and closes[characters[closed + 1]].all())
