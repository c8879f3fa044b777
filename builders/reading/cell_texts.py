"""The cells of a column as texts, by which words, keys and conditions are matched."""

from __future__ import annotations

import json
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

LARGEST_WHOLE: Final = 2.0**53
_WHOLE: Final = r"^(-?[0-9]{1,16})\.0{1,20}$"


def cell_texts(found: pa.Array) -> pa.Array:
    """A column of any type as texts: 5 for 5.0, `true` for true, and JSON for objects and lists."""
    kind = found.type
    if pa.types.is_dictionary(kind):
        found = found.dictionary_decode()
        kind = found.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return number_texts(found)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [None if v is None else _text(v) for v in found.to_pylist()]
        return pa.array(texts, pa.string())
    return found.cast(pa.string())


def plain_numbers(texts: pa.Array) -> pa.Array:
    """Texts of which those of a whole number are as `cell_texts` has them: 5 for 5.0, which JSON and CSV may have as a text."""
    return pc.replace_substring_regex(texts, pattern=_WHOLE, replacement=r"\1")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return json.dumps(value, ensure_ascii=False, default=str)


def number_texts(found: pa.Array) -> pa.Array:
    """Numbers as text: 5 for 5.0, and null for NaN, since pandas makes floats of a column of integers with a gap."""
    numbers = found.cast(pa.float64(), safe=False)
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less_equal(pc.abs(numbers), LARGEST_WHOLE))
    whole = pc.fill_null(whole, False)
    integers = pc.if_else(whole, numbers, 0.0).cast(pa.int64()).cast(pa.string())
    wide = found.cast(pa.float32()) if pa.types.is_float16(found.type) else found
    texts = pc.if_else(whole, integers, wide.cast(pa.string()))
    return pc.if_else(pc.fill_null(pc.is_nan(numbers), False), pa.scalar(None, pa.string()), texts)
