"""Answers whose words lost or gained a space: "bee keeper" for "beekeeper", and links that were copied without the spaces
around them ("played byAnn Leein 2004", "in 19981")."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import accumulate

from llmfusionbench.texts.lazy_pattern import lazy_pattern

_FEWEST, _MOST = 6, 200
"""The least and the greatest length of an answer that may be written with other spaces."""
_LEAST_LOWER, _LEAST_CAPITAL = 5, 3
"""The least lengths of an answer between words that lost their spaces; a capital shows where it starts."""
_SMALL = (
    "an?|[Tt]he|in|on|of|at|by|to|into|is|as|for|from|with|and|or|was|were|are|has|had|"
    "after|before|since|during|until|between|about|which|who"
)
"""Words that stand before a link or after it."""
_CITED = r"(?:[1-9]|1?2?3?4?5?6?7?8?9?)"
"""Numbers of citations, which rise: "1", "12", "345"; or none."""
_YEAR = lazy_pattern(
    rf"(?<![^\W_])(?<![.,])((?:{_SMALL})?(?:1\d|20)\d\d|\d{{1,3}}(?:,\d{{3}}){{1,3}})(?=[1-9]){_CITED}(?=[.,;:](?:\s|\Z)|\s*+\Z)"
)
"""A year, or a number with commas, and the numbers of citations right after it."""
_SIGNS = lazy_pattern(
    rf"(?<![^\W_])(?:{_SMALL})(?:[A-Z][a-z]|\d\d)|(?<![^\W_])[a-z]{{3,14}}[A-Z](?:[a-z]{{2}}|[A-Z]|\.)"
    r"|(?<![^\W_])(?:[Tt]he|of|was|were|from|has|had)\d\b"
)
"""What shows that a text lost spaces."""
_BEFORE_NUMBER = lazy_pattern(rf"(?<![^\W_])(?<!\d[.,])(?:{_SMALL})?\Z")
_BEFORE_LOWER = lazy_pattern(r"(?<![^\W_])(?:[Tt]he|of|was|were|from|had|has|during|between|which)\Z")
"""Only words that no longer word starts with: "inactive" is not "in active"."""
_BEFORE_CAPITAL = lazy_pattern(r"(?<![^\W_])(?:[a-z]{2,14}|[Tt]he|a)?\Z")
_AFTER_NUMBER = lazy_pattern(rf"(?:(?:{_SMALL}){_CITED})?(?![^\W_]|[.,]\d)|(?:{_SMALL})?(?=[A-Z])")
_AFTER_WORD = lazy_pattern(rf"(?:{_SMALL})?{_CITED}(?![^\W_])|(?=[A-Z])|(?:{_SMALL})(?=[A-Z\d])")
_AFTER_LOWER = lazy_pattern(rf"(?:{_SMALL}){_CITED}(?![^\W_])|(?:{_SMALL})?(?=[A-Z])")
_LONGEST_BEFORE = 16
_APART = frozenset(
    (
        *("all", "any", "as", "at", "be", "by", "he", "her", "here", "his", "in", "is", "it", "may", "me", "my", "no", "now"),
        *("on", "or", "out", "over", "so", "some", "to", "under", "up", "us", "we"),
    )
)
"""Words that another word starts or ends with: "is land" is no island, "now here" is not nowhere."""
_DIGITS = lazy_pattern(r"\d+")


def contains_joined(text: str, words: str) -> bool:
    """Whether a normal form contains the letters of another one with other spaces, as whole words and the same numbers."""
    joined = words.replace(" ", "")
    if not _FEWEST <= len(joined) <= _MOST:
        return False
    parts = text.split(" ")
    whole = "".join(parts)
    place = whole.find(joined)
    if place < 0:
        return False
    starts = [0, *accumulate(map(len, parts))]
    numbers, spaced = _DIGITS.findall(words), set(words.split(" "))
    while place >= 0:
        first, last = (bisect_left(starts, end) for end in (place, place + len(joined)))
        whole_words = starts[first] == place and starts[last] == place + len(joined)
        if whole_words and not _APART.isdisjoint(spaced ^ set(parts[first:last])):
            whole_words = False
        if whole_words and _DIGITS.findall(" ".join(parts[first:last])) == numbers:
            return True
        place = whole.find(joined, place + 1)
    return False


def without_citations(letters: str) -> str:
    """`letters` without the numbers of citations that stand right after a year: "in 20041." -> "in 2004 ."."""
    return _YEAR.sub(r"\1 ", letters)


def contains_glued(letters: str, words: re.Pattern[str]) -> bool:
    """Whether a text that lost spaces contains words with another word, a capital or a citation right before or after them.

    Words that start with a small letter need a word on both sides, which also shows that the text lost spaces. `words` is what
    `between_spaces` makes of an answer.
    """
    places = [found.span() for found in words.finditer(letters) if _is_whole(letters, *found.span())]
    return any(letters[start].islower() for start, _ in places) or (places != [] and _SIGNS.search(letters) is not None)


def between_spaces(spaced: str) -> re.Pattern[str]:
    """A pattern of the words of a normal form, with spaces for punctuation marks, however they are set apart."""
    return re.compile(r"[\W_]{1,4}".join(map(re.escape, spaced.split())), re.IGNORECASE)


def _is_whole(letters: str, start: int, end: int) -> bool:
    capital = letters[start].isupper()
    before = _BEFORE_NUMBER if letters[start].isdigit() else _BEFORE_CAPITAL if capital else _BEFORE_LOWER
    if not letters[start].isdigit() and end - start < (_LEAST_CAPITAL if capital else _LEAST_LOWER):
        return False
    if before.search(letters[max(0, start - _LONGEST_BEFORE) : start]) is None:
        return False
    if letters[end - 1].isdigit():
        after = _AFTER_NUMBER
    else:
        after = _AFTER_WORD if capital or letters[start].isdigit() else _AFTER_LOWER
    return after.match(letters, end) is not None
