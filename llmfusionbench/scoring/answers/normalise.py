"""SQuAD normalisation: lower case, no punctuation, no articles, single spaces (Rajpurkar et al. 2016, the published
evaluation script). The fast path for plain ASCII gives the same text as the published regular expression."""

from __future__ import annotations

import re
import string
from functools import lru_cache

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# Within a word, a non-ASCII mark (a dash, a quotation mark) separates an article from the rest.
_PARTED = re.compile(r"[^\x00-\x7f](?:a|an|the)\b|\b(?:a|an|the)[^\x00-\x7f]")
_ARTICLE_WORDS = frozenset(("a", "an", "the"))
_PUNCTUATION = string.punctuation.encode()
_SPACES = bytes(32 if byte in _PUNCTUATION else byte for byte in range(256))
_KEPT_LENGTH = 1000
"""Longer accepted answers are not kept."""
_CONTROL = bytes([*range(9), *range(14, 28), 127])


def normalise(text: str) -> str:
    """The published normal form of `text`: "The U.S.A. " -> "usa"."""
    # In UTF-8 the bytes of ASCII punctuation have no other meaning, and deleting bytes is eight times as fast.
    return _tidy(text.lower().encode("utf-8", "surrogatepass").translate(None, _PUNCTUATION))


def normalised_truth(truth: str) -> str:
    """The same of an accepted answer, which is kept, since all LLMs get the same questions."""
    return _kept(truth) if len(truth) <= _KEPT_LENGTH else normalise(truth)


_kept = lru_cache(maxsize=8192)(normalise)


def normalise_spaced(text: str) -> str:
    """The same with spaces for punctuation marks: "Paris/London" -> "paris london"."""
    return _tidy(text.lower().encode("utf-8", "surrogatepass").translate(_SPACES))


def _tidy(raw: bytes) -> str:
    text = raw.decode("utf-8", "surrogatepass")
    if len(raw.translate(None, _CONTROL)) != len(raw):
        return " ".join(_ARTICLES.sub(" ", text).split())
    if not text.isascii() and _PARTED.search(text) is not None:
        return " ".join(_ARTICLES.sub(" ", text).split())
    words = text.split()
    if _ARTICLE_WORDS.isdisjoint(words):
        return " ".join(words)
    return " ".join([word for word in words if word not in _ARTICLE_WORDS])


def contains_words(text: str, words: str, ending: re.Pattern[str] | None = None) -> bool:
    """Whether `text` contains `words` as whole words ("art" is not in "party"), or followed by an `ending`.

    Scripts without spaces (from U+2E80 on) have no such boundaries, so any position counts.
    """
    if not words:
        return False
    head, tail = _spaced_letter(words[0]), _spaced_letter(words[-1])
    place = text.find(words)
    while place >= 0:
        end = place + len(words)
        cut_before = head and place > 0 and _spaced_letter(text[place - 1])
        cut_after = tail and end < len(text) and _spaced_letter(text[end])
        if not cut_before and (not cut_after or (ending is not None and ending.match(text, end) is not None)):
            return True
        place = text.find(words, place + 1)
    return False


def _spaced_letter(char: str) -> bool:
    return char < "\u2e80" and char.isalnum()
