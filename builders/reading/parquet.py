"""Parquet files of any size as batches. Arrow does not check that texts are UTF-8; rows with other texts are rejected here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders.reading.limits import RATIO, REMEDY, check_columns, record_bytes, too_large, whole_bytes
from llmfusionbench.builders.reading.parquet_pages import pages
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.release.row_sizes import row_sizes
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

_ROWS: Final = 4096
_PAGE: Final = 8
"""How many records of the largest size a page may have."""


def parquet_columns(path: Path) -> list[str]:
    """The names of a file's columns.

    Raises:
        InputError: it is not Parquet.
    """
    with _opened(path) as parquet:
        return list(parquet.schema_arrow.names)


def read_parquet(
    path: Path, file: str, columns: list[str] | None = None, *, bytes_as_text: bool = False
) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a file in order; each is in a batch, or rejected.

    Args:
        path: The file.
        file: Its name in rejected records.
        columns: The columns to read; by default all.
        bytes_as_text: Read columns of bytes as texts.

    Raises:
        InputError: the file is not Parquet, or it is damaged.
    """
    row = unpacked = 0
    with ExitStack() as stack:
        parquet = stack.enter_context(_opened(path))
        readers: dict[tuple[str, ...], pq.ParquetFile] = {(): parquet}  # opening a file reads the whole footer
        names = parquet.schema_arrow.names if columns is None else columns
        limit = max(whole_bytes(), RATIO * path.stat().st_size)
        metadata = parquet.metadata
        declared = 8 * metadata.num_rows * max(1, len(names))
        if declared > limit:
            raise too_large(path, f"{metadata.num_rows:,} rows take more than {declared:,} bytes", limit)
        try:
            with open(path, "rb") as raw:
                plans = [_plan(path, raw, metadata, group, names) for group in range(metadata.num_row_groups)]
            # One row group at a time: over all of them, memory grows with the file.
            for group, (size, encoded) in enumerate(plans):
                if encoded not in readers:
                    readers[encoded] = stack.enter_context(_opened(path, encoded))
                for batch in readers[encoded].iter_batches(batch_size=size, columns=columns, row_groups=[group]):
                    for part in _pieces(batch, file, row):
                        if isinstance(part, Rejected):
                            yield part
                            row += 1
                            continue
                        unpacked += part.nbytes
                        if unpacked > limit:
                            raise too_large(path, f"its first {row:,} rows unpack to {unpacked:,} bytes", limit)
                        yield from readable_rows(_without_bytes(part) if bytes_as_text else part, file, row)
                        row += part.num_rows
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            raise InputError(f"{path}: cannot be read after record {row} ({error}). Remedy: fetch the file again") from error


def _opened(path: Path, encoded: Sequence[str] = ()) -> pq.ParquetFile:
    """A file, of which the columns `encoded` are read as dictionaries."""
    try:
        parquet = pq.ParquetFile(path, read_dictionary=list(encoded))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last for a column's name
        raise InputError(f"{path}: not a readable Parquet file ({error}). Remedy: fetch the file again") from error
    names = parquet.schema_arrow.names
    check_columns(path, len(names))
    if twice := repeated(names):
        raise InputError(f"{path}: two columns are called {shorten(twice[0])}. Remedy: rename one of them")
    return parquet


def _plan(
    path: Path, file: IO[bytes], metadata: pq.FileMetaData, group: int, names: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """(rows per batch, leaves to read as dictionaries) that keep the batches of a row group small.

    Raises:
        InputError: a page, or the lists of the row group, unpack to too much.
        ValueError: the file is damaged.
    """
    rows, encoded = _ROWS, []
    schema, columns = metadata.schema, metadata.row_group(group)
    for index in range(metadata.num_columns):
        leaf = schema.column(index)
        if leaf.path.split(".")[0] not in names:
            continue
        column = columns.column(index)
        where = f'row group {group} of column "{leaf.path}"'
        width = leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else 8
        density = float(width)
        for page in pages(file, column):
            if page.size > _PAGE * record_bytes():
                raise too_large(path, f"{where} has a page of {page.size:,} bytes", _PAGE * record_bytes())
            if page.is_dictionary:
                if leaf.physical_type == "BYTE_ARRAY" and page.size * _ROWS > whole_bytes():
                    encoded.append(leaf.path)
            elif leaf.physical_type == "BYTE_ARRAY":
                density = max(density, page.size / page.values)
        if leaf.max_repetition_level and column.num_values * width > 2 * whole_bytes():
            raise too_large(path, f"{where} has {column.num_values:,} values in lists", 2 * whole_bytes())
        rows = min(rows, max(1, int(4 * record_bytes() / density)))
    return rows, tuple(encoded)


def _pieces(batch: pa.RecordBatch, file: str, first: int) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a batch without dictionaries, in pieces of at most the bytes of a few records; longer rows are rejected."""
    sizes = row_sizes(batch)
    too_long = sizes > record_bytes()
    number = np.cumsum(np.where(too_long, 0, sizes)) // (4 * record_bytes()) + np.cumsum(
        too_long | np.append(False, too_long[:-1])
    )
    for part in np.split(np.arange(batch.num_rows), np.flatnonzero(np.diff(number)) + 1):
        if len(part) and too_long[part[0]]:
            reason = f"the row has {sizes[part[0]]:,} bytes, expected up to {record_bytes() >> 20} MiB. {REMEDY}"
            yield Rejected(file, first + int(part[0]), reason, {})
        else:
            yield _decoded(batch.slice(int(part[0]), len(part)) if len(part) else batch)


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with the texts of dictionaries in their place."""
    # A column without any is left as it is: Arrow's cast breaks lists of nothing but null within a struct.
    kinds = [_plain(column.type) for column in batch.columns]
    columns = [c if c.type == kind else c.cast(kind, safe=False) for c, kind in zip(batch.columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type without dictionaries."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([kind.field(i).with_type(_plain(kind.field(i).type)) for i in range(kind.num_fields)])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def _without_bytes(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with its bytes as texts, UTF-8 or not."""
    columns = [
        column.cast(pa.large_string(), safe=False)
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type) or pa.types.is_binary_view(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def readable_rows(batch: pa.RecordBatch, file: str, first: int) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a batch in order: slices of rows whose texts are all UTF-8, and the other rows, rejected one by one.

    `first` is the number of the batch's first row in the file.
    """
    columns = [_without_views(column) for column in batch.columns]
    bad: dict[int, str] = {}
    for place, name in enumerate(batch.schema.names):
        if _is_whole(columns[place]):
            continue
        if isinstance(columns[place], pa.DictionaryArray):
            columns[place] = columns[place].dictionary_decode()
        for row in range(batch.num_rows):
            cell = columns[place].take(pa.array([row]))  # a slice would keep what other rows of a list hold
            if not _is_whole(cell):
                bad.setdefault(row, f'column "{name}" {_fault(cell)}')
    batch = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    start = 0
    for row, reason in sorted(bad.items()):
        if row > start:
            yield batch.slice(start, row - start)
        yield Rejected(file, first + row, reason, {})
        start = row + 1
    if start < batch.num_rows or not batch.num_rows:
        yield batch.slice(start)


def _without_views(column: pa.Array) -> pa.Array:
    """A column of views, as Polars writes, in the layout that Arrow computes with."""
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string(), safe=False)
    return column.cast(pa.large_binary()) if pa.types.is_binary_view(column.type) else column


def _is_whole(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _fault(cell: pa.Array) -> str:
    if pa.types.is_string(cell.type) or pa.types.is_large_string(cell.type):
        try:
            cell.cast(pa.large_binary())[0].as_py().decode()
        except UnicodeDecodeError as error:
            return f"is not UTF-8 at byte {error.start} of the cell"
    return "is damaged, or holds text that is not UTF-8"
