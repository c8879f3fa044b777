"""How large the pages of a Parquet file become when they are unpacked, read from their headers, which Arrow does not check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

import pyarrow.parquet as pq

_TRUE, _FALSE, _BYTE = 1, 2, 3
_HEADER: Final = 1 << 12
_LARGEST_HEADER: Final = 32 << 20
_DICTIONARY: Final = 2


@dataclass(frozen=True)
class Page:
    """A page of a column."""

    is_dictionary: bool
    size: int
    """Bytes when unpacked."""
    values: int


def pages(file: IO[bytes], column: pq.ColumnChunkMetaData) -> Iterator[Page]:
    """The pages of a column of a row group, in order.

    Raises:
        ValueError: the file is damaged.
    """
    starts = [p for p in (column.dictionary_page_offset, column.data_page_offset) if p is not None and p > 0]
    place = min(starts, default=0)
    end = place + column.total_compressed_size
    while place < end:
        length, fields = _header(file, place)
        about: dict[int, Any] = next((fields[k] for k in (5, 7, 8) if isinstance(fields.get(k), dict)), {})
        size, packed = fields.get(2), fields.get(3)
        if not (isinstance(size, int) and isinstance(packed, int) and min(size, packed) >= 0):
            raise ValueError(f"a page at byte {place} has no size")
        yield Page(fields.get(1) == _DICTIONARY, size, max(1, int(about.get(1) or 1)))
        place += length + packed


def _header(file: IO[bytes], place: int) -> tuple[int, dict[int, Any]]:
    """(bytes, fields) of the page header at a place."""
    size = _HEADER
    while True:
        file.seek(place)
        reader = _Compact(file.read(size))
        try:
            fields = reader.struct()
            return reader.at, fields
        except (IndexError, RecursionError) as error:
            if size > _LARGEST_HEADER or len(reader.data) < size:
                raise ValueError(f"a page at byte {place} has a damaged header") from error
            size *= 8


class _Compact:
    """Structures in the compact protocol of Thrift, as a dictionary of their fields by number."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._whole()
            found[number] = self._value(head & 15)
        return found

    def _value(self, kind: int) -> Any:
        match kind:
            case 1 | 2:
                return kind == _TRUE
            case 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._whole()
            case 7:
                self.at += 8
            case 8:
                length = self._varint()
                self.at += length
            case 9 | 10:
                head = self._byte()
                for _ in range(self._varint() if head >> 4 == 15 else head >> 4):
                    self._value(_BYTE if head & 15 in (_TRUE, _FALSE) else head & 15)
            case 12:
                return self.struct()
            case _:
                raise IndexError
        if self.at > len(self.data):
            raise IndexError
        return None

    def _byte(self) -> int:
        found = self.data[self.at]
        self.at += 1
        return found

    def _varint(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7

    def _whole(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)
