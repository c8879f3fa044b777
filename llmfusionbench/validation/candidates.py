"""Lists of candidates: what no schema can say of them, each there once and of a known LLM; and their names in schema 1.0."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.types import Candidate
from llmfusionbench.validation.issue import shorten

COLUMN = "candidates"
Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)

_COLUMNS: Final = {"routing": "candidates", "thought_templates": "sources"}
"""Table -> its column of lists of candidates."""
_DENSE: Final = 8
"""Numbers up to this many times their count are counted in an array with a place for each."""


def candidate_faults(lists: pa.Array, llms: Collection[str]) -> Iterator[tuple[int, str, str]]:
    """(row, value, expected) of every candidate that its row has twice, or whose LLM is not among `llms`.

    Args:
        lists: [n] the column `candidates`, without nulls.
    """
    rows = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy(zero_copy_only=False))
    names = lists.flatten().field("candidate").dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    again = _repeats(rows * max(1, len(names.dictionary)) + codes)
    strange = [Candidate.parse(name).llm not in llms for name in names.dictionary.to_pylist()]
    unknown = np.array(strange, bool)[codes] if strange else np.zeros(0, bool)
    for cell in np.flatnonzero(again | unknown).tolist():
        name = shorten(names.dictionary[int(codes[cell])].as_py())
        if again[cell]:
            yield int(rows[cell]), f"{name} twice", "every candidate once"
        else:
            yield int(rows[cell]), name, "a candidate whose LLM is in the table llms"


def _repeats(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """[n] whether the same number, none below 0, stands further left."""
    # Most lists name most candidates once each: counting them is quicker than the sort that finds the repeats.
    dense = cells.size > 0 and int(cells.max()) < _DENSE * cells.size
    if dense and int(np.bincount(cells).max()) == 1:
        return np.zeros(len(cells), bool)
    _, first = np.unique(cells, return_index=True)
    again = np.ones(len(cells), bool)
    again[first] = False
    return again


def renamed(rows: Rows, table: str, version: str) -> Rows:
    """`rows` of a table of a release of this schema version, with the names of candidates as they are written since 2.0."""
    column = _COLUMNS.get(table)
    if int(version.partition(".")[0]) >= 2 or column is None or column not in rows.schema.names:
        return rows
    place = rows.schema.get_field_index(column)
    values = rows.column(place)
    if isinstance(values, pa.ChunkedArray):
        lists = pa.chunked_array([_of_today(chunk) for chunk in values.chunks], values.type)
    else:
        lists = _of_today(values)
    return rows.set_column(place, rows.schema.field(place), lists)


def _of_today(lists: pa.ListArray) -> pa.ListArray:
    """The lists with other names in them."""
    items = lists.values
    names = items.field("candidate") if pa.types.is_struct(items.type) else items
    encoded = names.dictionary_encode()
    today = [Candidate.of_two_modes(name).name for name in encoded.dictionary.to_pylist()]
    if today == encoded.dictionary.to_pylist():
        return lists
    renamed = pa.array(today, pa.string()).take(encoded.indices)
    if pa.types.is_struct(items.type):
        others = [renamed if field.name == "candidate" else items.field(i) for i, field in enumerate(items.type)]
        renamed = pa.StructArray.from_arrays(others, fields=list(items.type))
    return pa.ListArray.from_arrays(lists.offsets, renamed, type=lists.type, mask=lists.is_null() if lists.null_count else None)
