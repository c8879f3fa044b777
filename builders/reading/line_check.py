"""The check of a line of a journal: each ends with a CRC-32 of the bytes before it, as the last field of its record."""

from __future__ import annotations

from typing import Final
from zlib import crc32

_FIELD: Final = b',"crc":"'
_END: Final = _FIELD + b'%08x"}\n'
_LENGTH: Final = len(_END % 0)


def checked(body: bytes) -> bytes:
    """A record without its last brace as a line, with its CRC."""
    return body + _END % crc32(body)


def is_whole(line: bytes) -> bool:
    """Whether a line has the CRC of its bytes, so that it is as it was written."""
    return line[-_LENGTH:] == _END % crc32(line[:-_LENGTH])


def is_changed(line: bytes) -> bool:
    """Whether a line has a CRC that is not that of its bytes. One without a CRC may have been written by hand."""
    ended = line if line.endswith(b"\n") else line + b"\n"
    return ended.startswith(_FIELD, max(0, len(ended) - _LENGTH)) and not is_whole(ended)
