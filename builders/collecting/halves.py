"""Halves of characters: JSON can hold a lone surrogate, which no file can, and a stream can send a pair in two pieces."""

from __future__ import annotations

import re
from typing import Any, Final

DEEPEST: Final = 100
"""Levels of lists and objects in a reply that are looked at; what is below is null. Answers have about ten."""
_ESCAPED: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def has_halves(data: bytes | bytearray) -> bool:
    """Whether a text in JSON has surrogates, in pairs or alone."""
    return _ESCAPED.search(data) is not None


def joined_halves(value: Any, depth: int = 0) -> Any:
    """Plain data with the halves in its texts joined where they follow each other, and replaced by U+FFFD where they do not."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if depth == DEEPEST:
        return None
    if isinstance(value, dict):
        return {joined_halves(name): joined_halves(inner, depth + 1) for name, inner in value.items()}
    return [joined_halves(inner, depth + 1) for inner in value] if isinstance(value, list) else value
