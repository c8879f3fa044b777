"""The chunks of a file in a store that keeps every chunk once, as Xet does: borders lie where the content says, not at offsets.

The rule is the published one of Xet (huggingface.co/docs/xet/chunking): a gear hash `h = (h << 1) + table[byte]` modulo 2^64, a
border after a byte where the upper 16 bits of `h` are zero, chunks of 8 to 128 KiB. The sum that `h` is has a term for each of
the last 64 bytes, so it is computed for all bytes at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

LEAST, MOST = 8 * 1024, 128 * 1024
"""Smallest and largest chunk, in bytes; the last of a file may be smaller."""

TARGET: Final = 64 * 1024
"""Number of bytes among which one ends a chunk on average, beyond `LEAST`."""

WINDOW: Final = 64
"""Number of bytes that the hash depends on: the bits of an older byte are shifted out."""

_MASK: Final = np.uint64((TARGET - 1) << 48)
_TABLE: Final = np.random.Generator(np.random.PCG64(0)).integers(0, 2**64, 256, dtype=np.uint64)
_BLOCK: Final = 1 << 20

Hashes = npt.NDArray[np.uint64]


def gear_hashes(data: bytes) -> Hashes:
    """[n] uint64: the hash after each byte."""
    total: Hashes = _TABLE[np.frombuffer(data, np.uint8)]
    width = 1
    while width < WINDOW:  # from sums over `width` bytes to sums over twice as many
        longer = total.copy()
        longer[width:] += total[:-width] << np.uint64(width)
        total, width = longer, 2 * width
    return total


def borders(data: bytes) -> npt.NDArray[np.int64]:
    """[c] int64: the end of each chunk, in order."""
    found = []
    for start in range(0, len(data), _BLOCK):
        margin = min(start, WINDOW - 1)
        hashes = gear_hashes(data[start - margin : start + _BLOCK])[margin:]
        found.append(np.flatnonzero(hashes & _MASK == 0) + (start + 1))
    marks = np.concatenate(found) if found else np.zeros(0, np.int64)
    ends, start = [], 0
    while start < len(data):
        place = int(np.searchsorted(marks, start + LEAST))
        marked = int(marks[place]) if place < len(marks) else len(data)
        start = min(marked, start + MOST, len(data))
        ends.append(start)
    return np.array(ends, np.int64)


def chunks(data: bytes) -> Iterator[bytes]:
    """The chunks of `data`, in order."""
    start = 0
    for end in borders(data).tolist():
        yield data[start:end]
        start = end


class Store:
    """A store that keeps every chunk once, by its SHA-256."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def add(self, files: Iterable[bytes]) -> int:
        """Take files; returns the number of bytes in chunks that were not there."""
        new = 0
        for chunk in (chunk for data in files for chunk in chunks(data)):
            digest = hashlib.sha256(chunk).digest()
            new += 0 if digest in self._known else len(chunk)
            self._known.add(digest)
        return new
