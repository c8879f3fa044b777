"""Words that English derives from a word and that name the same thing: a land and its people, a faith and its followers.

Endings alone do not tell this: a critic is no criticism, and Anne is not from Anna. So the words are those of
closed lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from llmfusionbench.scoring.answers.phrases.lands import PEOPLES

_FAITHFUL = frozenset(
    (
        *("anglican", "catholic", "confucian", "hindu", "jain", "lutheran", "mormon", "pagan", "presbyterian", "protestant"),
        *("puritan", "quaker", "sikh", "unitarian", "zoroastrian"),
    )
)
"""Those who follow a faith whose name adds -ism."""
_DOCTRINES = frozenset(("buddh", "calvin", "dao", "jain", "method", "shinto", "tao"))
"""What names a faith with -ism, and its followers with -ist."""
_ABOUT = {
    **dict.fromkeys(("agriculture", "architecture", "education", "environment", "government", "parliament"), "al"),
    **dict.fromkeys(("sex", "text"), "ual"),
}
"""What adds -al or -ual, and then says of another thing that it is about this one."""
_TRADES = ("blow", "breed", "build", "carv", "cropp", "keep", "mak", "weav")
"""Ends of trades that are named by their object: "beekeeping"."""
_SHORTEST_OBJECT = 3


class Kind(Enum):
    """When a derived word stands for the word that it comes from."""

    TRADE = "in any place"
    FAITH = "if it has a capital: catholic tastes are no faith"
    PEOPLE = "if both have a capital, and it does not only tell where a thing comes from: an Italian car is not Italy"
    QUALITY = "before another word: what is environmental is about the environment only with a noun"


class Derived(NamedTuple):
    """A derived word, in lower case."""

    word: str
    kind: Kind


@lru_cache(maxsize=8192)
def derivations(word: str) -> tuple[str, tuple[Derived, ...]]:
    """What a lower-case `word` shares with the words that are derived from it, and these."""
    found = tuple(_derived(word))
    length = len(word)
    while not all(derived.word.startswith(word[:length]) for derived in found):
        length -= 1
    return word[:length], found


def _derived(word: str) -> Iterator[Derived]:
    for name in _of_faith(word):
        yield Derived(name, Kind.FAITH)
    for name in PEOPLES.get(word, ()):
        yield Derived(name, Kind.PEOPLE)
        yield Derived(f"{name}s", Kind.PEOPLE)
    if word in _ABOUT:
        yield Derived(f"{word.removesuffix('e')}{_ABOUT[word]}", Kind.QUALITY)
    base = word.removesuffix("ing")
    for trade in _TRADES if base != word else ():
        if base.endswith(trade) and len(base) >= len(trade) + _SHORTEST_OBJECT:
            yield Derived(f"{base}er", Kind.TRADE)
            yield Derived(f"{base}ers", Kind.TRADE)
            return


def _of_faith(word: str) -> Iterator[str]:
    """A faith of its followers, and the followers of a faith."""
    if word in _FAITHFUL:
        yield f"{word}ism"
    base = word.removesuffix("ism")
    if base == word:
        return
    if base in _FAITHFUL:
        yield from (base, f"{base}s")
    if base in _DOCTRINES:
        yield from (f"{base}ist", f"{base}ists")
