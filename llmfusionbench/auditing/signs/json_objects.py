"""Answers in JSON: those that no JSON parser reads, and those that hold two objects which disagree."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import pyarrow as pa

from llmfusionbench.auditing.counting import Bools
from llmfusionbench.auditing.signs.columns import matches

_START: Final = r"^\s*(?:```[^\S\n]*(?:json|JSON)?\s*)?\{\s*\""
_MOST: Final = 20
"""Objects that are read in one text."""
_DECODER: Final = json.JSONDecoder(strict=False)


def json_faults(texts: pa.Array) -> tuple[Bools, Bools, Bools]:
    """Texts that open with a JSON object, perhaps in a block of code; raw line breaks within strings are allowed.

    Returns:
        [n] whether a text opens so, [n] whether that object cannot be read, and [n] whether a later object in the text has
        another value for one of its keys.
    """
    opens = matches(texts, _START)
    broken, several = np.zeros(len(texts), np.bool_), np.zeros(len(texts), np.bool_)
    rows = np.flatnonzero(opens)
    for row, text in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True):
        found = _objects(text)
        broken[row] = not found
        several[row] = any(_disagree(found[0], other) for other in found[1:])
    return opens, broken, several


def _objects(text: str) -> list[Any]:
    """The JSON values at the first `{`, and at every later one that begins a readable value; none if the first is broken."""
    found: list[Any] = []
    place = text.find("{")
    while place >= 0 and len(found) < _MOST:
        try:
            value, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        found.append(value)
        place = text.find("{", end)
    return found


def _disagree(first: Any, other: Any) -> bool:
    """Whether two objects have the last key of the first in common, with other values."""
    if not isinstance(first, dict) or not isinstance(other, dict) or not first:
        return False
    key = list(first)[-1]
    return key in other and str(other[key]) != str(first[key])
