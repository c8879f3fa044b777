"""Parquet files of any size as batches. Arrow does not check that texts are UTF-8; rows with other texts are rejected here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError

_ROWS: Final = 4096


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
    row = 0
    with _opened(path) as parquet:
        try:
            for group in range(parquet.num_row_groups):  # one at a time: over all of them, memory grows with the file
                for batch in parquet.iter_batches(batch_size=_ROWS, columns=columns, row_groups=[group]):
                    yield from readable_rows(_without_bytes(batch) if bytes_as_text else batch, file, row)
                    row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{path}: cannot be read after record {row} ({error}). Remedy: fetch the file again") from error


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last for a column's name
        raise InputError(f"{path}: not a readable Parquet file ({error}). Remedy: fetch the file again") from error


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
