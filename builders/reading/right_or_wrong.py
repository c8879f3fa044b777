"""Columns of labels, right or wrong; any other value rejects its record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.tables import Chunk
from llmfusionbench.builders.records import Rejected
from llmfusionbench.validation.issue import shorten

_WORDS: Final = ("", "0", "1", "0.0", "1.0", "true", "false", "nan", "none", "null")


def refuse_but_labels(chunk: Chunk, file: str, columns: Sequence[str], names: Sequence[str]) -> tuple[Chunk, list[Rejected]]:
    """The records whose cells of `columns` are 0, 1, True, False or missing, and the others, with their cells of `names`."""
    wrong: dict[int, str] = {}
    for column in columns:
        for i in np.flatnonzero(~_fits(chunk.batch.column(column))).tolist():
            wrong.setdefault(i, f"{column} is {shorten(chunk.batch.column(column)[i].as_py())}, expected 0 or 1, or nothing")
    return chunk.refuse(wrong, file, names, _short)


def _fits(cells: pa.Array) -> Any:
    """[n] whether each cell is a label or missing."""
    if pa.types.is_boolean(cells.type) or pa.types.is_null(cells.type):
        return np.ones(len(cells), bool)
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        numbers = cells.cast(pa.float64(), safe=False)
        good = pc.or_(pc.is_nan(numbers), pc.is_in(numbers, pa.array([0.0, 1.0])))
    elif pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        good = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(cells.cast(pa.string()))), pa.array(_WORDS))
    else:
        good = pa.repeat(False, len(cells))
    return pc.or_(pc.fill_null(good, True), cells.is_null()).to_numpy(zero_copy_only=False)


def _short(value: Any) -> Any:
    """A value that JSON can hold and that is short."""
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else shorten(value)
