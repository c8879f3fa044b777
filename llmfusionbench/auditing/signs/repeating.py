"""Texts that end in a loop: the same passage over and over, exactly or with only its numbers changed.

A loop is looked for at the end of a text, where an LLM that has fallen into one stays. What is repeated is found by its last
characters, in linear time: their last earlier occurrence gives the length of the passage. Rules of a page ("-----", "| | |")
are not loops.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

_KEY: Final = 24
"""Characters at the end of a text whose earlier occurrence is looked for."""
_REPEATS: Final = 4
"""Least number of repeats of a passage."""
SHORTEST: Final = 250
"""Least length of a loop, in characters."""
_RULED: Final = 1_000
"""Least length of a loop of one to three characters without a letter or digit."""
_SENTENCES: Final = 6
"""Least number of times that a sentence with changing numbers must occur among the last ones."""
_LAST: Final = 24
"""Sentences at the end of a text that are compared."""
_SHARE: Final = 0.6
"""Share of them that must be repeats."""
_PADDING: Final = re.compile(r"(?:</s>|<pad>|<eos>|<end_of_turn>|<\|[a-z_]{1,20}\|>)\Z")
_TAIL: Final = 20_000
"""Characters at the end of a text that are compared."""
_BREAK: Final = re.compile(r"(?<=[.!?])\s+|\n+|\\n")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")
_THREE_WORDS: Final = re.compile(r"[^\W\d_]+ [^\W\d_]+ [^\W\d_]+")


@dataclass(frozen=True)
class Loop:
    """What a text repeats at its end."""

    passage: str
    """The passage, or the sentence with its numbers as `#`."""
    repeats: int
    """How often it is repeated."""


def loop(text: str) -> Loop | None:
    """The loop in which a text ends, if any. Shorter texts than `SHORTEST` bytes have none."""
    tail = _unpadded(text[-_TAIL:])
    return _exact(tail) or _numbered(tail)


def _unpadded(tail: str) -> str:
    """The text without white space and special tokens at its end, which are looked at from the end."""
    while True:
        cut = tail.rstrip()
        token = _PADDING.search(cut[-24:])
        if token is not None:
            cut = cut[: len(cut) - len(token[0])]
        if len(cut) == len(tail):
            return cut
        tail = cut


def _exact(tail: str) -> Loop | None:
    """A passage that is repeated without change."""
    key = tail[-_KEY:]
    place = tail.rfind(key, 0, len(tail) - 1)
    if len(key) < _KEY or place < 0:
        return None
    period = len(tail) - _KEY - place
    length = period + _common_end(tail, tail[:-period])
    passage = tail[-period:]
    least = SHORTEST if period > 3 or any(map(str.isalnum, passage)) else _RULED
    if length < max(least, _REPEATS * period) or not passage.strip(" |-_=.*\n\t:+#"):
        return None
    return Loop(passage, length // period)


def _common_end(left: str, right: str) -> int:
    """Length of the longest common end of two texts, by halving steps of growing comparisons."""
    size = 0
    step = 64
    while step:
        end_left, end_right = len(left) - size, len(right) - size
        if step <= end_right and left[end_left - step : end_left] == right[end_right - step : end_right]:
            size += step
            step *= 2
        else:
            step //= 2
    return size


def _numbered(tail: str) -> Loop | None:
    """A sentence that is repeated with other numbers, and makes up most of what the text ends in; links do not count."""
    words = max(_THREE_WORDS.findall(tail[-100:]), key=len, default="")
    if not words or tail.count(words) < _SENTENCES or "://" in tail[-160:]:
        return None
    sentences = [part.strip() for part in _BREAK.split(tail) if part.strip()][-_LAST:]
    if len(sentences) < _SENTENCES:
        return None
    masked = [_NUMBER.sub("#", sentence) for sentence in sentences]
    counts = Counter(masked)
    last = masked[-1] if counts[masked[-1]] > 1 else masked[-2]  # the last one may be cut off
    repeated = sum(len(s) for s in masked if counts[s] > 2)
    if counts[last] < _SENTENCES or repeated < _SHARE * sum(map(len, masked)) or len(_WORDS.findall(last)) < 4:
        return None
    return Loop(last, counts[last])
