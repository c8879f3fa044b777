"""Keys: unique within a table, and found in the table that they point to.

A row's key is held as 64 bits, so a million rows take 8 MB whatever their texts are. Where two hashes are equal the keys
themselves are read again and compared; a false alarm is impossible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
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
    """Collects the keys of a table batch by batch, then says which rows repeat one."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._parts: list[Hashes] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._parts.append(key_hashes(batch, self.columns))

    @property
    def hashes(self) -> Hashes:
        """[rows] uint64, in the order of the rows."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0, np.uint64)

    def suspects(self) -> npt.NDArray[np.int64]:
        """The rows whose hash occurs more than once, in order; usually none."""
        hashes = self.hashes
        order = np.argsort(hashes, kind="stable")
        same = hashes[order][1:] == hashes[order][:-1]
        repeated = np.zeros(len(hashes), bool)
        repeated[order[1:][same]] = True
        repeated[order[:-1][same]] = True
        return np.flatnonzero(repeated)


def repeated_keys(rows: Iterator[tuple[int, tuple[object, ...]]]) -> Iterator[tuple[int, int, tuple[object, ...]]]:
    """(row, first row, key) of every row whose key has been seen before."""
    first: dict[tuple[object, ...], int] = {}
    for row, key in rows:
        seen = first.setdefault(key, row)
        if seen != row:
            yield row, seen, key
