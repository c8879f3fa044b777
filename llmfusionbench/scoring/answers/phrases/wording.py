"""One wording for what English writes in several ways: numbers and ordinals up to 99, dates, decades, units, "and"."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.normalise import normalise_spaced
from llmfusionbench.scoring.answers.phrases.units import one_unit, whole_hours
from llmfusionbench.texts.lazy_pattern import lazy_pattern
from llmfusionbench.texts.number_names import TEENS, TENS, UNITS

_VALUES = {
    **{word: place for place, word in enumerate((*UNITS, *TEENS), 1)},
    **{word: 10 * place for place, word in enumerate(TENS, 2)},
}
_ORDINAL_UNITS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_PLACES = {
    **{word: place for place, word in enumerate(_ORDINAL_UNITS, 1)},
    **{f"{word}th": _VALUES[word] for word in TEENS},
    **{f"{word[:-1]}ieth": _VALUES[word] for word in TENS},
    "twelfth": 12,
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBER = lazy_pattern(
    r"\b(?=[efnst])(?<!hundred )(?<!thousand )(?<!million )(?<!hundred and )(?<!point )"
    rf"(?:({'|'.join(TENS)})(?: ({'|'.join(UNITS)}))?|({'|'.join((*UNITS[1:], *TEENS))}))\b"
    r"(?! (?:(?:hundred|thousand|million|billion|trillion|dozen)s?|"
    r"thirds?|halves|quarters?|fourths?|fifths?|tenths?|half|point)\b)"
)
_ORDINAL = lazy_pattern(
    r"\b(?=[efnst])(?<!hundred )(?<!thousand )(?<!million )(?<!hundred and )"
    r"(?<!\bone )(?<!\bper )(?<!\beach )(?<!\bevery )(?<!\bsplit )"
    rf"(?:({'|'.join(TENS)}) (?=(?:{'|'.join(_ORDINAL_UNITS)})\b))?({'|'.join(_PLACES)})\b"
)
_VERBS = ("may", "march")
_MONTH_NAME = lazy_pattern(r"\b(?:May|March|MAY|MARCH)\b")
_DATES = tuple(
    (
        lazy_pattern(rf"\b(\d\d?)(?:st|nd|rd|th)? (?:of )?({months})\b"),
        lazy_pattern(rf"\b({months}) (\d\d?)(?:st|nd|rd|th)\b"),
    )
    for months in ("|".join(_MONTHS), "|".join(month for month in _MONTHS if month not in _VERBS))
)
"""Patterns of a day before and after its month; and the same without the months that are verbs: "only 5 may enter"."""
_MONTH_NAMES = frozenset(_MONTHS)
_DECADE = lazy_pattern(r"(?:\bthe (?:early|late)[ -]'?|(?<!\bhis )(?<!\bher )(?<!\btheir )')([2-9]0s)\b", re.IGNORECASE)
"""A decade for sure: "in the 70s" may be a temperature, and "in her 70s" is an age."""
_BARE_DECADE = lazy_pattern(r"\s{0,9}(?:the )?'?([2-9]0)'?s\s{0,9}", re.IGNORECASE)
_ONCE = lazy_pattern(
    r"(?<!at )(?<!than )(?<!not )(?<!all )\b(?:once(?=\s{0,3}(?:[.,;:!?)\]]|\Z))|(?:one|a single) time\b)", re.IGNORECASE
)
_TIME_WORDS = frozenset(("once", "twice", "time", "times"))
_TWICE = lazy_pattern(r"\b(?:twice|two times)\b(?! (?:as|the)\b)", re.IGNORECASE)
_VARIES = frozenset(("and", "once", "twice", *UNITS[1:], *TEENS, *TENS, *_PLACES, *_MONTHS))


def ordinal(number: int) -> str:
    """22 -> "22nd"."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def varies(letters: str, spaced: str) -> bool:
    """Whether a text without digits has other wordings; `spaced` is its normal form with spaces for punctuation marks."""
    return "&" in letters or not _VARIES.isdisjoint(spaced.split(" "))


def one_wording(letters: str) -> str:
    """The normal form of a text, with spaces for punctuation marks, in one wording: "the 4th of July" -> "july 4".

    "One" stays: it is a pronoun more often than a number; but "one time" and a last "once" are "1 time". Fractions and
    numbers above 99 in words stay too.
    """
    letters = whole_hours(letters.replace("&", " and "))
    if "0s" in letters:
        letters = _DECADE.sub(r"the 19\1", letters)
    text = normalise_spaced(letters)
    words = text.split(" ")
    if not _TIME_WORDS.isdisjoint(words):
        text = normalise_spaced(_TWICE.sub("2 times", _ONCE.sub("1 time", letters)))
    if not _PLACES.keys().isdisjoint(words):
        text = _ORDINAL.sub(lambda found: ordinal(_VALUES.get(found[1], 0) + _PLACES[found[2]]), text)
    if not _VALUES.keys().isdisjoint(words):
        text = _NUMBER.sub(_digits, text)
    if not _MONTH_NAMES.isdisjoint(words):
        day_first, day_last = _DATES[not letters.islower() and _MONTH_NAME.search(letters) is None]
        text = day_last.sub(r"\1 \2", day_first.sub(r"\2 \1", text))
    return one_unit(text)


def whole_decade(letters: str) -> str:
    """The letters of an answer that is a decade, with the century: "the 70s" -> "the 1970s"."""
    return _BARE_DECADE.sub(r"the 19\1s", letters) if _BARE_DECADE.fullmatch(letters) else letters


def _digits(found: re.Match[str]) -> str:
    tens, unit, small = found.groups()
    return str(_VALUES[small] if small else _VALUES[tens] + _VALUES.get(unit, 0))
