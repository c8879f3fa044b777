"""Columns of texts searched with RE2, and the few texts that are worth a closer look in Python."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools, booleans


def matches(texts: pa.Array, pattern: str) -> Bools:
    """[n] whether each text contains a match of an RE2 pattern; a missing text does not."""
    return booleans(pc.match_substring_regex(texts, pattern))


def matches_repeated(texts: pa.Array, pattern: str) -> Bools:
    """The same as `matches`, for texts that are repeated, such as the prompts of all answers: each is searched once."""
    encoded = texts.dictionary_encode()
    found = matches(encoded.dictionary, pattern)
    codes = np.asarray(encoded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False), np.int64)
    return np.append(found, False)[codes]


def tails(texts: pa.Array, length: int) -> pa.Array:
    """[n] the last `length` characters of each text, white space at the end aside; missing texts stay so."""
    return pc.utf8_slice_codeunits(pc.utf8_rtrim_whitespace(texts), -length)


def heads(texts: pa.Array, length: int) -> pa.Array:
    """[n] the first `length` characters of each text, white space at the start aside; missing texts stay so."""
    return pc.utf8_slice_codeunits(pc.utf8_ltrim_whitespace(texts), 0, length)


def lengths(texts: pa.Array) -> npt.NDArray[np.int64]:
    """[n] length in bytes, which Arrow knows without reading the text; 0 for a missing one."""
    return np.asarray(pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False), np.int64)


def confirmed(texts: pa.Array, candidates: Bools, test: Callable[[str], bool]) -> Bools:
    """[n] the candidates [n] whose text passes a test in Python."""
    found = candidates.copy()
    rows = np.flatnonzero(candidates)
    for row, text in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True):
        found[row] = text is not None and test(text)
    return found


def first_of_query(batch: pa.RecordBatch) -> Bools:
    """[n] the first row of each query: what concerns a prompt is looked at once. Rows are sorted by key."""
    codes = batch["query_id"].dictionary_encode().indices.to_numpy()
    return np.asarray(np.diff(codes, prepend=-1) != 0)
