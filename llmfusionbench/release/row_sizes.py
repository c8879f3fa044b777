"""The bytes of each row of Arrow arrays, as they are when dictionaries are decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Sizes = npt.NDArray[np.int64]


def row_sizes(batch: pa.RecordBatch) -> Sizes:
    """[n] bytes of each row."""
    return sum((_sizes(column) for column in batch.columns), np.zeros(batch.num_rows, np.int64))


def _sizes(values: pa.Array) -> Any:
    """[n] int64 bytes of each value."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return _sizes(values.storage)
    if isinstance(values, pa.DictionaryArray):
        known = np.append(_sizes(values.dictionary), _sizes(pa.nulls(1, kind.value_type)))
        return known[pc.fill_null(values.indices.cast(pa.int64()), -1).to_numpy()]
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        values = values.cast(pa.large_binary())
        kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            values = values.cast(pa.large_binary())
        return pc.fill_null(pc.binary_length(values), 0).to_numpy().astype(np.int64) + 8
    if pa.types.is_struct(kind):
        return sum((_sizes(values.field(i)) for i in range(kind.num_fields)), np.zeros(len(values), np.int64))
    if pa.types.is_fixed_size_list(kind):
        if (width := _width(kind.value_type)) is not None:
            return np.full(len(values), kind.list_size * width, np.int64)
        inner = _sizes(values.values)[values.offset * kind.list_size :][: len(values) * kind.list_size]
        return inner.reshape(len(values), kind.list_size).sum(axis=1)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        inner = (
            values.values if not pa.types.is_map(kind) else pa.StructArray.from_arrays([values.keys, values.items], ["k", "v"])
        )
        offsets = values.offsets.to_numpy().astype(np.int64)
        if (width := _width(inner.type)) is not None:
            return np.diff(offsets) * width + 8
        before = np.append(0, np.cumsum(_sizes(inner)))
        return before[offsets[1:]] - before[offsets[:-1]] + 8
    return np.full(len(values), _width(kind) or 8, np.int64)


def _width(kind: pa.DataType) -> int | None:
    """Bytes of each value of a type whose values are all of one size; None for any other."""
    if pa.types.is_null(kind):
        return 1
    fixed = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind)
    return -(-kind.bit_width // 8) if fixed else None
