"""One wording for what English writes in several ways: numbers and ordinals up to 99, dates, "and"."""

from __future__ import annotations

import re

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
_NUMBER = re.compile(
    r"(?<!hundred )(?<!thousand )(?<!million )(?<!hundred and )(?<!point )"
    rf"\b(?:({'|'.join(TENS)})(?: ({'|'.join(UNITS)}))?|({'|'.join((*UNITS[1:], *TEENS))}))\b"
    r"(?! (?:(?:hundred|thousand|million|billion|trillion|dozen)s?|"
    r"thirds?|halves|quarters?|fourths?|fifths?|tenths?|half|point)\b)"
)
_ORDINAL = re.compile(
    r"(?<!hundred )(?<!thousand )(?<!million )(?<!hundred and )"
    rf"\b(?:({'|'.join(TENS)}) (?=(?:{'|'.join(_ORDINAL_UNITS)})\b))?({'|'.join(_PLACES)})\b"
)
_DAY_FIRST = re.compile(rf"\b(\d\d?)(?:st|nd|rd|th)? (?:of )?({'|'.join(_MONTHS)})\b")
_DAY_LAST = re.compile(rf"\b({'|'.join(_MONTHS)}) (\d\d?)(?:st|nd|rd|th)\b")
_MONTH_NAMES = frozenset(_MONTHS)
_VARIES = frozenset(("and", *UNITS[1:], *TEENS, *TENS, *_PLACES, *_MONTHS))


def ordinal(number: int) -> str:
    """22 -> "22nd"."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def varies(letters: str, spaced: str) -> bool:
    """Whether a text without digits has other wordings; `spaced` is its normal form with spaces for punctuation marks."""
    return "&" in letters or not _VARIES.isdisjoint(spaced.split(" "))


def one_wording(text: str) -> str:
    """A normalised text, with spaces for punctuation marks, in one wording: "4th of july" -> "july 4", "ten" -> "10".

    "One" stays: it is a pronoun more often than a number. Fractions and numbers above 99 in words stay too.
    """
    words = text.split(" ")
    if not _PLACES.keys().isdisjoint(words):
        text = _ORDINAL.sub(lambda found: ordinal(_VALUES.get(found[1], 0) + _PLACES[found[2]]), text)
    if not _VALUES.keys().isdisjoint(words):
        text = _NUMBER.sub(_digits, text)
    if not _MONTH_NAMES.isdisjoint(words):
        text = _DAY_LAST.sub(r"\1 \2", _DAY_FIRST.sub(r"\2 \1", text))
    return text


def _digits(found: re.Match[str]) -> str:
    tens, unit, small = found.groups()
    return str(_VALUES[small] if small else _VALUES[tens] + _VALUES.get(unit, 0))
