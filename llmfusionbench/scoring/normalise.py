"""SQuAD normalisation: lower case, no punctuation, no articles, single spaces (Rajpurkar et al. 2016, the published
evaluation script). The fast path for plain ASCII gives the same text as the published regular expression."""

from __future__ import annotations

import re
import string

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ARTICLE_WORDS = frozenset(("a", "an", "the"))
_DELETE_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SPACE_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation, " "))
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


def normalise(text: str) -> str:
    """The published normal form of `text`: "The U.S.A. " -> "usa"."""
    return _tidy(text.lower().translate(_DELETE_PUNCTUATION))


def normalise_spaced(text: str) -> str:
    """The same, with every punctuation mark as a space: "Paris/London" -> "paris london"."""
    return _tidy(text.lower().translate(_SPACE_PUNCTUATION))


def _tidy(text: str) -> str:
    if text.isascii() and _CONTROL.search(text) is None:
        # In ASCII without punctuation and control characters, words are what white space separates.
        words = text.split()
        if _ARTICLE_WORDS.isdisjoint(words):
            return " ".join(words)
        return " ".join([word for word in words if word not in _ARTICLE_WORDS])
    return " ".join(_ARTICLES.sub(" ", text).split())


def contains_words(text: str, words: str) -> bool:
    """Whether `words` stands in `text` without cutting a word in two ("art" is not in "party").

    Scripts that write no spaces (from U+2E80 on) have no such boundary and any place counts.
    """
    if not words:
        return False
    head, tail = _spaced_letter(words[0]), _spaced_letter(words[-1])
    place = text.find(words)
    while place >= 0:
        end = place + len(words)
        cut_before = head and place > 0 and _spaced_letter(text[place - 1])
        cut_after = tail and end < len(text) and _spaced_letter(text[end])
        if not (cut_before or cut_after):
            return True
        place = text.find(words, place + 1)
    return False


def _spaced_letter(char: str) -> bool:
    return char < "\u2e80" and char.isalnum()
