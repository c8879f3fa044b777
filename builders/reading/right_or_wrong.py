"""Columns of labels, right or wrong; any other value rejects its record, but for a number on another scale than 0 to 1.

Such a number shows that the column does not hold labels: it stays, and the build refuses the column as a whole.
"""

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
    """The records whose cells of `columns` are labels or on another scale, and the others, with their cells of `names`."""
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
        good = pc.invert(pc.and_(pc.greater(numbers, 0.0), pc.less(numbers, 1.0)))
    elif pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        encoded = pc.utf8_lower(pc.utf8_trim_whitespace(cells.cast(pa.string()))).dictionary_encode()
        good = pa.array([_is_label(word) for word in encoded.dictionary.to_pylist()], pa.bool_()).take(encoded.indices)
    else:
        good = pa.repeat(False, len(cells))
    return pc.or_(pc.fill_null(good, True), cells.is_null()).to_numpy(zero_copy_only=False)


def _is_label(word: str) -> bool:
    """Whether a cell is a word for a label or for none, or a number outside 0..1."""
    if word in _WORDS:
        return True
    try:
        return "_" not in word and abs(float(word) - 0.5) > 0.5
    except ValueError:
        return False


def _short(value: Any) -> Any:
    """A value that JSON can hold and that is short."""
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else shorten(value)
