"""The words by which harnesses name the split of an instance or of a data set."""

from __future__ import annotations

from typing import Any, Final

from llmfusionbench.types import SPLITS

_WORDS: Final = {"valid": "partial_test", "validation": "partial_test", "val": "partial_test", "dev": "partial_test"} | {
    name: name for name in SPLITS
}


def split_of_word(word: Any) -> str | None:
    """The split that a word of a log stands for, `partial_test` for validation data; None if it is no such word."""
    return _WORDS.get(word.strip().lower()) if isinstance(word, str) else None
