"""Where a table is cut into row groups: at places that its rows choose, so that an inserted row moves few of the cuts.

After an insertion, groups of a fixed number of rows would all hold other rows, and every page behind it would change.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.release.row_sizes import row_sizes

ROW_GROUP_BYTES: Final = 8 * 2**20
"""Usual size of a row group, uncompressed: what a streaming reader holds in memory."""

LEAST_BYTES: Final = ROW_GROUP_BYTES // 2
"""Smallest row group. Only the last of a file is smaller, or one before a row that does not fit."""

MOST_BYTES: Final = ROW_GROUP_BYTES * 3 // 2
"""Largest row group. Only a single row may be larger."""

MOST_ROWS: Final = 65_536
"""Largest number of rows in a group."""

_TAIL: Final = 8
"""Number of bytes at the end of an id that count. By its first bytes, the first id would be the lowest: they are sorted."""

Places = npt.NDArray[np.int64]


def row_group_starts(rows: pa.Table, key: str, *, least: int = LEAST_BYTES, most: int = MOST_BYTES) -> Places:
    """[G] int64: the first row of each row group, in order, the first being 0; empty for a table without rows.

    A group starts at a row at which a new `key` begins. Of the keys that begin `least` to `most` bytes after the start of
    the group before, it is the one with the lowest last bytes, which is as good as a random choice: ids of queries and of
    templates are digests. So a start depends on the rows nearby alone, and after a change the old starts soon come again.
    Where no key begins, the group before takes the rows that fit.

    Args:
        rows: Rows sorted by `key`.
        key: The first column of the key of the table.
        least: Smallest group in bytes.
        most: Largest group in bytes.
    """
    if not rows.num_rows:
        return np.zeros(0, np.int64)
    floor = -(-most // MOST_ROWS)
    sizes = np.concatenate([row_sizes(batch) for batch in rows.to_batches()])
    before = np.append(0, np.cumsum(np.maximum(sizes, floor)))
    begins, ranks = _begins(rows[key])
    starts = [0]
    while before[-1] - before[starts[-1]] > most and starts[-1] + 1 < rows.num_rows:
        start = starts[-1]
        low = np.searchsorted(begins, np.searchsorted(before, before[start] + least))
        last = max(int(np.searchsorted(before, before[start] + most, "right")) - 1, start + 1)
        high = np.searchsorted(begins, last, "right")
        starts.append(int(begins[low + np.argmin(ranks[low:high])]) if low < high else last)
    return np.array(starts, np.int64)


def _begins(keys: pa.ChunkedArray) -> tuple[Places, npt.NDArray[np.uint64]]:
    """The rows after the first at which a key begins, and the last bytes of each such key as a number."""
    values = keys.combine_chunks()
    begins = np.flatnonzero(pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)) + 1
    tails = pc.binary_slice(values.take(pa.array(begins)).cast(pa.binary()), -_TAIL)
    padded = np.array(tails.to_numpy(zero_copy_only=False), f"S{_TAIL}")
    return begins, padded.view(">u8").astype(np.uint64)
