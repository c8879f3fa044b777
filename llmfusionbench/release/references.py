"""Looks up the rows that other rows refer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import ReleaseError
from llmfusionbench.types import ANSWER_KEY
from llmfusionbench.validation.issue import shorten

Places = npt.NDArray[np.int64]

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


def lookup(table: pa.Table, key: str, values: pa.ChunkedArray, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """`columns` of the rows of `table` whose `key` is each of `values`; null where there is none."""
    rows = pc.index_in(values, value_set=table[key].combine_chunks())
    return {c: table[c].take(rows) for c in columns}


def first_answers(rows: Places, columns: Places, replicates: Places) -> npt.NDArray[np.bool_]:
    """[n] whether an answer is the first replicate of its cell, which is given by its row and column."""
    order = np.lexsort((replicates, columns, rows))
    new = np.ones(len(order), bool)
    new[1:] = (rows[order][1:] != rows[order][:-1]) | (columns[order][1:] != columns[order][:-1])
    first = np.zeros(len(order), bool)
    first[order[new]] = True
    return first


def answer_keys(rows: pa.Table | pa.RecordBatch) -> pa.Array:
    """[n] the key of the answer of every row as one text."""
    joined = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in ANSWER_KEY), "\x00")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def dangling(table: str, value: str, other: str) -> ReleaseError:
    """The error of a row of `table` that refers to a row which `other` does not have."""
    return ReleaseError(f"the table {table} of the release refers to {value}, which {other} does not have. {REMEDY}")
