"""Checks the rows of any table as they are read: their numbers, and the values that a table requires."""

from __future__ import annotations

from functools import cache
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa

from llmfusionbench.errors import ReleaseError
from llmfusionbench.release.references import REMEDY
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.issue import shorten
from llmfusionbench.validation.predicates import Check, compile_schema

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)

_NUMERIC: Final = (pa.float64(), pa.float32(), pa.int64(), pa.int32())


def check_rows(rows: Rows, table: str, place: object) -> Rows:
    """`rows` of a table of the release at `place`, with all columns of the table or some.

    Raises:
        ReleaseError: a number is not allowed by the schema, or a value that the table requires is missing.
    """
    for column in table_schema(table).arrow:
        if column.name not in rows.schema.names:
            continue
        values = rows[column.name]
        if not column.nullable and values.null_count:
            raise row_error(place, table, column.name, f"missing in {values.null_count:,} rows", "a value")
        if (check := _checks(table).get(column.name)) is None:
            continue
        for chunk in values.chunks if isinstance(values, pa.ChunkedArray) else [values]:
            bad = check(chunk)
            if bad is not None:
                found = shorten(chunk[int(np.argmax(bad))].as_py())
                raise row_error(place, table, column.name, found, "what its schema allows")
    return rows


@cache
def _checks(table: str) -> dict[str, Check]:
    """Column -> the check of its values, of the columns of numbers."""
    return {c.name: compile_schema(c.schema) for c in table_schema(table).columns if c.arrow_type in _NUMERIC}


def row_error(place: object, table: str, column: str, value: str, expected: str, *, key: object = None) -> ReleaseError:
    """The error of a row of a table of the release at `place`; `key` is that of the row, if it has one."""
    row = f"row {shorten(key)}, " if key else ""
    return ReleaseError(f"{place}: table {table}, {row}{column} is {value}, expected {expected}. {REMEDY}")
