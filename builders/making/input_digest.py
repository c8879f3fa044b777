"""The digest of a table's rows, which depends on their values and order alone, not on how Arrow holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def table_digest(table: pa.Table, *, but: Collection[str] = ()) -> str:
    """The SHA-256 of all rows, in hexadecimal.

    Chunks, offsets, the numbers of codes and what lies under nulls make no difference. `but` names columns to leave out.
    """
    digest = hashlib.sha256()
    for name in table.column_names:
        if name not in but:
            column = table[name].combine_chunks()
            digest.update(f"{name}\0{_plain(column.type)}\0".encode())
            _feed(column, digest.update)
    return digest.hexdigest()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _feed(values: pa.Array, update: Callable[[Any], object]) -> None:
    """Pass the bytes of an array on, each part after its length."""
    kind = values.type
    update(len(values).to_bytes(8))
    update(values.null_count.to_bytes(8))
    if values.null_count:
        update(_bytes(values.is_valid()))
        values = values.drop_null()
    if not len(values):
        return
    if pa.types.is_dictionary(kind):
        codes, distinct = _by_appearance(values)
        update(codes)
        _feed(distinct, update)
    elif pa.types.is_struct(kind):
        for part in values.flatten():
            _feed(part, update)
    elif pa.types.is_list(kind):
        update(_bytes(pc.list_value_length(values)))
        _feed(values.flatten(), update)
    elif pa.types.is_string(kind):
        offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
        update(np.diff(offsets))
        if values.buffers()[2] is not None:
            update(memoryview(values.buffers()[2])[offsets[0] : offsets[-1]])
    else:
        update(_bytes(values))


def _bytes(values: pa.Array) -> bytes:
    numbers = values.to_numpy(zero_copy_only=False)
    if numbers.dtype.hasobject:  # the bytes would be those of places in memory
        raise TypeError(f"no digest of {values.type}")
    data: bytes = numbers.tobytes()
    return data


def _by_appearance(values: pa.DictionaryArray) -> tuple[np.ndarray[Any, np.dtype[np.int32]], pa.Array]:
    """Codes in the order in which texts first appear, and the texts in this order."""
    codes = values.indices.to_numpy()
    used, first = np.unique(codes, return_index=True)
    order = np.argsort(first)
    renumbered = np.zeros(len(values.dictionary), np.int32)
    renumbered[used[order]] = np.arange(len(used), dtype=np.int32)
    return renumbered[codes], values.dictionary.take(pa.array(used[order]))
