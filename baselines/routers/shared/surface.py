"""Surface features of a prompt: its length, punctuation, numbers and form of question.

They hint at the difficulty and at the form of the answer (money, a formula, a choice), where LLMs of equal skill differ.
"""

from __future__ import annotations

import functools
import math
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
_LONGEST_KEPT: Final = 4096
"""Characters of a text whose features are kept; longer ones would fill the memory."""


def surface_features(prompts: Sequence[str | None]) -> npt.NDArray[np.float32]:
    """[n, d] float32: logarithms of lengths and numbers, and shares and counts of marks, words and forms.

    A missing prompt counts as an empty one. Values are clipped to 20, so that a long prompt does not stand apart.
    """
    rows = np.empty((len(prompts), len(_kept(""))), np.float32)
    for place, prompt in enumerate(prompts):
        text = prompt or ""
        rows[place] = _kept(text) if len(text) <= _LONGEST_KEPT else _of(text)
    return rows


@functools.lru_cache(maxsize=16_384)
def _kept(text: str) -> npt.NDArray[np.float32]:
    """The features of a text; routers and folds ask for the same texts again and again."""
    return _of(text)


def _of(text: str) -> npt.NDArray[np.float32]:
    lower = text.lower()
    words = lower.split()
    length, count = max(1, len(text)), max(1, len(words))
    numbers = [float(number) for number in _NUMBER.findall(text)]
    last = _SENTENCE.split(lower.strip())[-1]
    stripped = text.rstrip()
    features = [
        math.log1p(len(text)),
        math.log1p(len(words)),
        math.log1p(len(last)),
        sum(map(len, words)) / count,
        len(set(words)) / count,
        len(numbers),
        len(set(numbers)),
        math.log1p(max(numbers, default=0.0)),
        math.log1p(min(numbers, default=0.0)),
        sum(map(str.isdigit, text)) / length,
        sum(map(str.isupper, text)) / length,
        math.log1p(len(text) - len(text.encode("ascii", "ignore"))),
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
    return np.clip(np.array(features, np.float32), -20, 20)
