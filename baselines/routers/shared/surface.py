"""Surface features of a prompt: its length, punctuation, numbers and form of question.

They hint at the difficulty and at the form of the answer (money, a formula, a choice), where LLMs of equal skill differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

_MARKS: Final = ("?", "\n", "$", "\\", ".", ",", "(", "_", "=", '"', ":", "%", "/", "^", "{", "-", ">>>", "\\[")
_OPENINGS: Final = ("who", "what", "when", "where", "which", "how", "why", "if", "a", "in", "the", "find", "write")
_PHRASES: Final = (
    "how many", "how much", " not ", "most", "best", "except", "which of", "following", "average", "percent", "year", "name",
    "song", "film", "country", "first", "last", "likely", "because", "frac", "sqrt", "list", "string", "def ", "dollar", "cent",
    "each", "half", "twice", "left", "old", "of the", "matrix", "triangle", "what is",
)  # fmt: skip
_WORDS: Final = (("his", "her", "their", "my"), ("is", "are"), ("was", "were", "did"), ("if",), ("and",), ("or",), ("the",))
_TASKS_OF_A_SENTENCE: Final = ("find", "compute", "evaluate", "determine", "simplify", "express", "enter", "give")
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\.\d\d\b", r"\d\.\d", r"\d,\d{3}", r"\$\d", r"\([A-E]\)", r"\\[A-Za-z]+", r"\d/\d", r"\b(?:19|20)\d\d\b",
        r"\b[A-Z][a-z]+", r"[.!?]\s", r"\b[a-z]\b",
    )
)  # fmt: skip
_NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_SENTENCE: Final = re.compile(r"(?<=[.?!])\s+")


def surface_features(prompts: Sequence[str | None]) -> npt.NDArray[np.float32]:
    """[n, d] float32: logarithms of lengths and numbers, and shares and counts of marks, words and forms.

    A missing prompt counts as an empty one. Values are clipped to 20, so that a long prompt does not stand apart.
    """
    width = len(_of(""))
    rows = np.array([_of(prompt or "") for prompt in prompts], np.float32).reshape(-1, width)
    return np.clip(rows, -20, 20)


def _of(text: str) -> list[float]:
    lower = text.lower()
    words = lower.split()
    length, count = max(1, len(text)), max(1, len(words))
    numbers = [float(number) for number in _NUMBER.findall(text)]
    last = _SENTENCE.split(lower.strip())[-1]
    stripped = text.rstrip()
    return [
        np.log1p(len(text)),
        np.log1p(len(words)),
        np.log1p(len(last)),
        sum(map(len, words)) / count,
        len(set(words)) / count,
        len(numbers),
        len(set(numbers)),
        np.log1p(max(numbers, default=0.0)),
        np.log1p(min(numbers, default=0.0)),
        sum(map(str.isdigit, text)) / length,
        sum(map(str.isupper, text)) / length,
        np.log1p(sum(ord(c) > 127 for c in text)),
        stripped.endswith("?"),
        stripped.endswith("."),
        text[:1].isupper(),
        last.startswith(_TASKS_OF_A_SENTENCE),
        "how many" in last,
        "how much" in last,
        "what is" in last,
        *(text.count(mark) for mark in _MARKS),
        *(bool(words) and words[0] == opening for opening in _OPENINGS),
        *(lower.count(phrase) for phrase in _PHRASES),
        *(sum(words.count(word) for word in group) for group in _WORDS),
        *(len(pattern.findall(text)) for pattern in _PATTERNS),
    ]
