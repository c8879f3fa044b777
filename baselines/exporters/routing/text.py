"""Whole columns of values as JSON or as Python literals, without an object for each cell.

Only texts with rare control characters are written one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Texts: TypeAlias = pa.Array | pa.ChunkedArray

_ESCAPES: Final = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))
_RARE: Final = r"[\x00-\x1f\x7f]"


def json_texts(texts: Texts) -> pa.Array:
    """[n] texts as JSON strings; null as `null`."""
    return pc.fill_null(_quoted(texts, '"', lambda t: json.dumps(t, ensure_ascii=False)), "null")


def python_texts(texts: Texts) -> pa.Array:
    """[n] texts as Python's string literals; null stays null."""
    return _quoted(texts, "'", repr)


def json_numbers(values: npt.NDArray[np.float64] | Texts) -> pa.Array:
    """[n] numbers, shortest form that reads back the same; null and NaN as `null`."""
    numbers = pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else _one(values)
    if pa.types.is_floating(numbers.type):
        numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, numbers.type))
    return pc.fill_null(numbers.cast(pa.string()), "null")


def json_objects(fields: Mapping[str, Texts]) -> pa.Array:
    """[n] objects of columns that are JSON already."""
    if not fields:
        raise ValueError("an object without fields")
    parts: list[pa.Array | str] = []
    for place, (name, values) in enumerate(fields.items()):
        parts += [f"{'{' if place == 0 else ', '}{json.dumps(name, ensure_ascii=False)}: ", _one(values)]
    return pc.binary_join_element_wise(*parts, "}", "")


def json_pairs(names: Texts, values: Texts) -> pa.Array:
    """[n] `name: value` of names and values that are JSON already."""
    return pc.binary_join_element_wise(_one(names), _one(values), ": ")


def gathered(items: Texts, lengths: npt.ArrayLike, opening: str, closing: str) -> pa.Array:
    """[q] items that are JSON already as the arrays or objects that the next `lengths` [q] of them make up."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))]).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, _one(items)), ", ")
    return pc.binary_join_element_wise(opening, joined, closing, "")


def constant(text: str, length: int) -> pa.Array:
    """[n] a text as JSON, over and over."""
    return pa.repeat(json.dumps(text, ensure_ascii=False), length)


def _quoted(texts: Texts, mark: str, exact: Callable[[str], str]) -> pa.Array:
    plain = _one(texts)
    escaped = plain
    for found, written in (*_ESCAPES, (mark, f"\\{mark}")):
        escaped = pc.replace_substring(escaped, found, written)
    quoted = pc.binary_join_element_wise(mark, escaped, mark, "")
    rare = pc.fill_null(pc.match_substring_regex(escaped, _RARE), False)
    if pc.any(rare).as_py():
        exactly = pa.array([exact(t) for t in plain.filter(rare).to_pylist()], pa.string())
        quoted = pc.replace_with_mask(quoted, rare, exactly)
    return quoted


def _one(values: Texts) -> pa.Array:
    """A column as one array of plain values."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
