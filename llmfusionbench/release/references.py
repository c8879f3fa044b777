"""Looks up the rows that other rows refer to."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import ReleaseError
from llmfusionbench.validation.issue import shorten

REMEDY: Final = "Remedy: run llmfusionbench validate on it, then build or download the release again"
"""What to do with rows that cannot be right."""


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
    return ReleaseError(f"the table {table} of the release refers to {value}, which {other} does not have. {REMEDY}")
