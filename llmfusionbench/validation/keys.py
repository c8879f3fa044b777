"""Checks that keys are unique within a table and exist in the table that they refer to.

A key is held as a hash of 64 bits, so a million rows take 8 MB. If two hashes are equal, the keys themselves are read again
and compared, so there are no false alarms.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Rows = range | npt.NDArray[np.int64]
_HASH_KEY = "llmfusionbench.k"  # pandas wants 16 characters


def key_hashes(batch: pa.RecordBatch, columns: Sequence[str]) -> Hashes:
    """[n] uint64: a hash of each row's values in `columns`; a null hashes as itself."""
    total = np.zeros(batch.num_rows, np.uint64)
    for position, column in enumerate(columns):
        encoded = batch.column(column)
        if not isinstance(encoded, pa.DictionaryArray):
            encoded = encoded.dictionary_encode()
        distinct = encoded.dictionary.cast(pa.string()).to_numpy(zero_copy_only=False)
        hashes = np.append(pd.util.hash_array(distinct.astype(object), hash_key=_HASH_KEY, categorize=False), np.uint64(0))
        codes = pc.fill_null(encoded.indices.cast(pa.int64()), len(distinct)).to_numpy(zero_copy_only=False)
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashes[codes] + np.uint64(position)
        total ^= total >> np.uint64(29)
    return total


class KeyCheck:
    """Collects the keys of a table batch by batch.

    Rows with a null in their key are skipped, for the null is an issue already, unless its column is one of `nullable`.
    """

    def __init__(self, columns: Sequence[str], nullable: Collection[str] = ()) -> None:
        self.columns = tuple(columns)
        self._required = [c for c in columns if c not in nullable]
        self._parts: list[Hashes] = []
        self._rows: list[Rows] = []  # the rows of each part in the table

    def add(self, batch: pa.RecordBatch, first: int) -> None:
        """Add the keys of `batch`, whose first row is row `first` of the table."""
        hashes = key_hashes(batch, self.columns)
        rows: Rows = range(first, first + len(hashes))
        if any(batch.column(c).null_count for c in self._required):
            whole = np.logical_and.reduce([batch.column(c).is_valid().to_numpy(zero_copy_only=False) for c in self._required])
            hashes, rows = hashes[whole], first + np.flatnonzero(whole)
        self._parts.append(hashes)
        self._rows.append(rows)

    @property
    def hashes(self) -> Hashes:
        """[keys] uint64, in the order of the rows."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0, np.uint64)

    def rows_of(self, places: npt.NDArray[np.int64]) -> list[int]:
        """The rows of the table that hold the keys at `places` in `hashes`."""
        if not places.size:
            return []
        rows: list[int] = np.concatenate([np.asarray(r, np.int64) for r in self._rows])[places].tolist()
        return rows

    def suspects(self) -> list[int]:
        """The rows whose hash occurs more than once, in order."""
        _, place, counts = np.unique(self.hashes, return_inverse=True, return_counts=True)
        return self.rows_of(np.flatnonzero(counts[place] > 1))


def repeated_keys(rows: Iterator[tuple[int, tuple[object, ...]]]) -> Iterator[tuple[int, int, tuple[object, ...]]]:
    """(row, first row, key) of every row that repeats the key of an earlier row."""
    first: dict[tuple[object, ...], int] = {}
    for row, key in rows:
        seen = first.setdefault(key, row)
        if seen != row:
            yield row, seen, key
