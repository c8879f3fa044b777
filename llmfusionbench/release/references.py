"""Looks up the rows that other rows refer to, and checks the numbers of rows that are read."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import ReleaseError
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.issue import shorten
from llmfusionbench.validation.predicates import Check, compile_schema

_REMEDY = "Remedy: run llmfusionbench validate on it, then build or download the release again"


def rows_of(values: pa.ChunkedArray, keys: pa.ChunkedArray, table: str, other: str) -> npt.NDArray[np.int64]:
    """[n] the row of each of `values`, which `table` has, in `keys`, which `other` has.

    Raises:
        ReleaseError: one is not there.
    """
    found = pc.index_in(values, value_set=keys.combine_chunks())
    if found.null_count:
        value = values.filter(found.is_null())[0].as_py()
        raise dangling(table, shorten(value), other)
    rows: npt.NDArray[np.int64] = found.to_numpy().astype(np.int64)
    return rows


def dangling(table: str, value: str, other: str) -> ReleaseError:
    """The error of a row of `table` that refers to a row which `other` does not have."""
    return ReleaseError(f"the table {table} of the release refers to {value}, which {other} does not have. {_REMEDY}")


def check_numbers(batch: pa.RecordBatch, table: str, place: object) -> None:
    """Check the numbers in rows of a table of the release at `place`.

    Raises:
        ReleaseError: one is not allowed by the schema.
    """
    for name, check in _checks(table).items():
        if name not in batch.schema.names:
            continue
        bad = check(batch.column(name))
        if bad is not None:
            found = shorten(batch.column(name)[int(np.argmax(bad))].as_py())
            raise ReleaseError(f"{place}: table {table}, {name} is {found}, which its schema does not allow. {_REMEDY}")


@cache
def _checks(table: str) -> dict[str, Check]:
    """Column -> the check of its values, of the columns of numbers."""
    numeric = (pa.float64(), pa.float32(), pa.int64(), pa.int32())
    return {c.name: compile_schema(c.schema) for c in table_schema(table).columns if c.arrow_type in numeric}
