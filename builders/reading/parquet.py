"""Rows of Arrow batches whose texts are UTF-8, and the others: what Parquet holds, Arrow hands on unread."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from llmfusionbench.builders.records import Rejected


def readable_rows(batch: pa.RecordBatch, file: str, first: int) -> Iterator[pa.RecordBatch | Rejected]:
    """The rows of a batch in their order: those whose texts can be read, as many at a time as stand together, and the others.

    Args:
        batch: Rows of a file.
        file: Its name in rejected records.
        first: The number of the batch's first row in it.
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
    """A column of views, as Polars writes them, in the layout that Arrow computes with."""
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
