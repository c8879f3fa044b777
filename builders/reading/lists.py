"""Columns of lists of texts written as their repr, `['...']`, as the texts themselves, without evaluating them.

Nearly all are lists of one text with plain escapes, which are read by whole columns; the strict literal reader reads the others
one by one.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.fields import BadRecordError, writable
from llmfusionbench.scoring.answers.python_literal import python_literal

_BETWEEN: Final = "\n\n"
_PLAIN: Final = r"^\[(?:'(?:[^'\\\x00-\x1f]|\\[\\'\"nrt])*'|\"(?:[^\"\\\x00-\x1f]|\\[\\'\"nrt])*\")\]$"
_ESCAPES: Final = (("\\\\", "\0"), ("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t"), ("\\'", "'"), ('\\"', '"'), ("\0", "\\"))


def unlisted(cells: pa.Array) -> pa.Array:
    """[n] the text in each list or its repr, several joined by blank lines; null where a cell is not a list of texts."""
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return pa.array([_one_text(cell) for cell in cells.to_pylist()], pa.string())
    cells = cells.cast(pa.string())
    plain = pc.fill_null(pc.match_substring_regex(cells, _PLAIN), False)
    texts = pc.utf8_slice_codeunits(pc.if_else(plain, cells, pa.scalar(None, pa.string())), 2, -2)
    for written, meant in _ESCAPES:
        texts = pc.replace_substring(texts, written, meant)
    others = pc.and_(pc.invert(plain), cells.is_valid())
    if pc.any(others).as_py():
        found = pa.array([_one_text(cell) for cell in cells.filter(others).to_pylist()], pa.string())
        texts = pc.replace_with_mask(texts, others, found)
    return texts


def _one_text(cell: object) -> str | None:
    if isinstance(cell, str):
        cell = python_literal(cell) if cell.lstrip().startswith("[") else None
    if not isinstance(cell, list) or not cell or not all(isinstance(text, str) for text in cell):
        return None
    try:
        return writable(_BETWEEN.join(cell), "list")
    except BadRecordError:  # half a character
        return None
