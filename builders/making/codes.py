"""Rows of a table as numbers: of their keys, and of the values in a column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]


def key_groups(table: pa.Table, key: Sequence[str]) -> Codes:
    """[n] number of each row's key, in a table sorted by it."""
    if not table.num_rows:
        return np.zeros(0, np.int64)
    new = np.zeros(table.num_rows, bool)
    for column in key:
        codes = pc.dictionary_encode(table[column], null_encoding="encode").combine_chunks().indices.to_numpy()
        new[1:] |= codes[1:] != codes[:-1]
    return np.cumsum(new)


def value_codes(values: pa.ChunkedArray) -> Codes:
    """[n] a number for each distinct value, -1 for null."""
    if pa.types.is_list(values.type):
        length = pc.list_value_length(values).cast(pa.string())
        values = pc.binary_join_element_wise(pc.binary_join(values, "\x1f"), length, "\x1f")
    encoded = values.combine_chunks()
    if not isinstance(encoded, pa.DictionaryArray):
        encoded = encoded.dictionary_encode()
    codes: Codes = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return codes
