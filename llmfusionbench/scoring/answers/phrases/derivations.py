"""Words that English derives from a word and that name the same thing: a land and its people, a faith and its followers.

All of it is by spelling. Only words are derived here; whether a response means the same by one is decided by how it
writes it, of which `Derived` has the conditions.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

_VOWELS = "aeiou"
_OTHER_MEANING = frozenset(
    (
        *("evening", "morning", "nothing", "something", "being", "organism", "capitalism", "nationalism", "mechanism"),
        *("actual", "annual", "manual", "casual", "eventual", "virtual", "mutual", "lingual"),
        *("additional", "occasional", "conventional", "exceptional"),
    )
)
"""Words that by spelling are derived from another and mean something else."""
_LONGEST = 40
_FAITHFUL = ("an", "ant", "ic", "du")
"""Endings of those who follow an -ism: "Lutheran", "Catholic"."""


class Kind(Enum):
    """When a derived word stands for the word that it comes from."""

    SAME = "in any place"
    ACT = "in lower case, unless the answer is a title: a capital would make it a name"
    PEOPLE = "if both have a capital, and it does not only tell where a thing comes from: an Italian car is not Italy"
    QUALITY = "before another word: what is environmental is about the environment only with a noun"
    ENDING = "after the words that stand before it in the answer, as another spelling of a name"


class Derived(NamedTuple):
    """A derived word, in lower case."""

    word: str
    kind: Kind


@lru_cache(maxsize=8192)
def derivations(word: str) -> tuple[str, tuple[Derived, ...]]:
    """What a lower-case `word` shares with the words that are derived from it, and these.

    A word of less than three letters or very many, or with anything but English letters, has none.
    """
    if not 3 <= len(word) <= _LONGEST or not word.isalpha() or not word.isascii():
        return word, ()
    found = tuple(derived for derived in _derived(word) if derived.word not in _OTHER_MEANING)
    length = len(word)
    while not all(derived.word.startswith(word[:length]) for derived in found):
        length -= 1
    return word[:length], found


def _derived(word: str) -> Iterator[Derived]:
    yield Derived(f"{word}ual", Kind.QUALITY)
    if len(word) < 4:
        return
    yield Derived(f"{word}ism", Kind.SAME)
    yield from _of_faith(word)
    yield from _of_work(word)
    yield Derived(f"{word.removesuffix('e')}ing", Kind.ACT)
    yield Derived(f"{word.removesuffix('e')}ed", Kind.ACT)
    for name in _peoples(word):
        yield Derived(name, Kind.PEOPLE)
        yield Derived(f"{name}s", Kind.PEOPLE)
    if len(word) >= 7:
        yield Derived(f"{word.removesuffix('e')}al", Kind.QUALITY)
    if word[-1] not in _VOWELS:
        yield Derived(f"{word}a", Kind.ENDING)
        yield Derived(f"{word}e", Kind.ENDING)
    elif word[-1] in "ae" and word[-2] not in _VOWELS:
        yield Derived(word[:-1], Kind.ENDING)


def _of_faith(word: str) -> Iterator[Derived]:
    """The followers of a faith or a doctrine."""
    if not word.endswith("ism"):
        return
    base = word.removesuffix("ism")
    for name in (base, f"{base}s") if base.endswith(_FAITHFUL) else (f"{base}ist", f"{base}ists"):
        yield Derived(name, Kind.SAME)


def _of_work(word: str) -> Iterator[Derived]:
    """A field of work and those who do it."""
    if word.endswith("ist"):
        yield Derived(f"{word}ry", Kind.SAME)
    if word.endswith("ect") and len(word) >= 6:
        yield Derived(f"{word}ure", Kind.SAME)
    base = word.removesuffix("s")
    if base.endswith("ic") and len(base) >= 5:
        yield Derived(f"{base}ian", Kind.SAME)
        yield Derived(f"{base}ians", Kind.SAME)
    base = word.removesuffix("ing")
    if base != word and len(base) >= 6:
        yield Derived(f"{base}er", Kind.SAME)
        yield Derived(f"{base}ers", Kind.SAME)


def _peoples(word: str) -> Iterator[str]:
    """The names that the people of a place may have, or what comes from there."""
    last, base = word[-1], word[:-1]
    if last == "a":
        yield from (f"{word}n", f"{base}ian", f"{base}e")
    elif last == "o":
        yield f"{base}an"
    elif last == "y":
        yield f"{base}ian"
    elif last in "ei":
        yield f"{word}an"
    else:
        yield from (f"{word}ian", f"{word}ese", f"{word}i")
